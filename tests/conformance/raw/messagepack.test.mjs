// The MessagePack hub protocol on WebSockets, byte by byte.
import { describe } from '../lib/suite.mjs';
import { encode } from '@msgpack/msgpack';
import { frame, hex, pack, varint, wire } from '../lib/wire.mjs';

const opts = { concurrency: 8 };
const M = (...items) => frame(encode(items));
const call = (target, ...args) => [1, {}, '1', target, args, []];
const mp = async (w, path = '/conformance', version = 1) => w.ready(path, 'messagepack', version);

describe('messagepack messages', opts, () => {
  // [name, bytes] on a fresh connection; then a fence shows whether it lives.
  const cases = {
    'plain call': M(1, {}, '1', 'Add', [1, 2], []),
    'without stream ids (5 items)': M(1, {}, '1', 'Add', [1, 2]),
    'stream ids nil': M(1, {}, '1', 'Add', [1, 2], null),
    'an extra item': M(1, {}, '1', 'Add', [1, 2], [], 'extra'),
    'headers': M(1, { a: 'b', 'ü': 'ż' }, '1', 'Add', [1, 2], []),
    'header value empty': M(1, { a: '' }, '1', 'Add', [1, 2], []),
    'header key empty': M(1, { '': 'a' }, '1', 'Add', [1, 2], []),
    'header value a number': M(1, { a: 1 }, '1', 'Add', [1, 2], []),
    'headers nil': M(1, null, '1', 'Add', [1, 2], []),
    'headers an array': M(1, [], '1', 'Add', [1, 2], []),
    'id nil': M(1, {}, null, 'SendCaller', ['m'], []),
    'id empty': M(1, {}, '', 'Add', [1, 2], []),
    'id a number': M(1, {}, 1, 'Add', [1, 2], []),
    'target nil': M(1, {}, '1', null, [1, 2], []),
    'target unknown': M(1, {}, '1', 'Nope', [{ a: [1] }], []),
    'target unknown, no id': M(1, {}, null, 'Nope', [1], []),
    'arguments nil': M(1, {}, '1', 'Void', null, []),
    'arguments a map': M(1, {}, '1', 'Void', {}, []),
    'too few': M(1, {}, '1', 'Add', [1], []), 'too many': M(1, {}, '1', 'Add', [1, 2, 3], []), 'one where none expected': M(1, {}, '1', 'Void', [1], []),
    'string for int': M(1, {}, '1', 'Add', ['1', 2], []), 'nil for int': M(1, {}, '1', 'Add', [null, 2], []), 'double for int': M(1, {}, '1', 'Add', [1.5, 2], []),
    'uint64 for int, small value': frame(hex('96 01 80 a1 31 a3 41 64 64 92 cf 0000000000000001 02 90')),
    'int64 for int, small value': frame(hex('96 01 80 a1 31 a3 41 64 64 92 d3 ffffffffffffffff 02 90')),
    'uint64 out of range for int': frame(hex('96 01 80 a1 31 a3 41 64 64 92 cf 00000000ffffffff 02 90')),
    'bin for string': frame(hex('96 01 80 a1 31 aa 4563686f537472696e67 91 c4 01 61 90')),
    'string for bin': M(1, {}, '1', 'Bytes', ['abc'], []),
    'array of numbers for bin': M(1, {}, '1', 'Bytes', [[1, 2, 255]], []),
    'bytes': M(1, {}, '1', 'Bytes', [new Uint8Array([0, 1, 2, 255])], []),
    'any: nil, bools, numbers': M(1, {}, '1', 'Echo', [[null, true, false, 0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, -1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649]], []),
    'any: float32': frame(hex('96 01 80 a1 31 a4 4563686f 91 ca 3fc00000 90')),
    'any: int64 min': frame(hex('96 01 80 a1 31 a4 4563686f 91 d3 8000000000000000 90')),
    'any: uint64 max': frame(hex('96 01 80 a1 31 a4 4563686f 91 cf ffffffffffffffff 90')),
    'any: str8 str16 str32': frame(hex('96 01 80 a1 31 a4 4563686f 91 93 d9 01 61 da 0001 62 db 00000001 63 90')),
    'any: bin8 bin16 bin32': frame(hex('96 01 80 a1 31 a4 4563686f 91 93 c4 01 61 c5 0001 62 c6 00000001 63 90')),
    'any: array16 map16': frame(hex('96 01 80 a1 31 a4 4563686f 91 dc 0001 de 0001 a1 6b 01 90')),
    'any: timestamp 32': frame(hex('96 01 80 a1 31 a4 4563686f 91 d6 ff 5e0d5a45 90')),
    'any: timestamp 64': frame(hex('96 01 80 a1 31 a4 4563686f 91 d7 ff 2faf08005e0d5a45 90')),
    'any: timestamp 96': frame(hex('96 01 80 a1 31 a4 4563686f 91 c7 0c ff 00000001 ffffffff00000000 90')),
    'any: map with number keys': frame(hex('96 01 80 a1 31 a4 4563686f 91 81 01 02 90')),
    'whole message as array16': frame(hex('dc 0006 01 80 a1 31 a3 41 64 64 92 01 02 90')),
    'type as uint8': frame(hex('96 cc 01 80 a1 31 a3 41 64 64 92 01 02 90')),
    'target as str8': frame(hex('96 01 80 a1 31 d9 03 41 64 64 92 01 02 90')),
    'typed date from timestamp 32': frame(hex('96 01 80 a1 31 a8 4563686f44617465 91 d6 ff 5e0d5a45 90')),
    'typed date from string': M(1, {}, '1', 'EchoDate', ['2021-02-03T04:05:06Z'], []),
    'made date': M(1, {}, '1', 'MakeDate', [], []),
    'edge values': M(1, {}, '1', 'EdgeValues', [], []),
    'object as map': M(1, {}, '1', 'EchoNode', [{ name: 'n', count: 2, what: 1 }], []),
    'object as array': M(1, {}, '1', 'EchoNode', [['n', 2]], []),
    'void': M(1, {}, '1', 'Void', [], []), 'null': M(1, {}, '1', 'Null', [], []),
    'exception': M(1, {}, '1', 'Throw', ['txt'], []), 'hub exception': M(1, {}, '1', 'ThrowHub', ['txt'], []),
    'all argument shapes': M(1, {}, '1', 'SendArgs', [], []), 'no arguments': M(1, {}, '1', 'SendNoArgs', [], []),
    'stream of three': M(4, {}, '1', 'Counter', [3, 0], []), 'stream failing': M(4, {}, '1', 'StreamThrow', [1], []), 'stream without id': M(4, {}, null, 'Counter', [1, 0], []),
    'stream call of a plain method': M(4, {}, '1', 'Add', [1, 2], []), 'plain call of a stream method': M(1, {}, '1', 'Counter', [1, 0], []),
    'ping': M(6), 'ping with more': M(6, 1, 2),
    'completion nobody asked for': M(3, {}, '77', 3, 1), 'completion void': M(3, {}, '77', 2), 'completion with error': M(3, {}, '77', 1, 'e'), 'completion kind 9': M(3, {}, '77', 9),
    'completion without result': M(3, {}, '77', 3),
    'stream item nobody asked for': M(2, {}, '77', 1), 'cancel of an unknown call': M(5, {}, '77'), 'cancel without id': M(5, {}),
    'ack without stateful': M(8, 1), 'sequence without stateful': M(9, 1), 'ack without number': M(8),
    'type a string': M('1', {}, '1', 'Add', [1, 2], []), 'type nil': M(null), 'type 1.0': frame(hex('96 ca 3f800000 80 a1 31 a3 41 64 64 92 01 02 90')),
    'a map': frame(encode({ type: 1 })), 'a number': frame(hex('01')), 'nil': frame(hex('c0')), 'an empty array': frame(hex('90')), 'reserved byte c1': frame(hex('c1')),
    'array cut short': frame(hex('96 01 80 a1 31')), 'bytes after the array': frame(Buffer.concat([Buffer.from(encode(call('Add', 1, 2))), hex('c0')])),
    'string length beyond the message': frame(hex('96 01 80 d9 ff 31')), 'array length huge': frame(hex('dd ffffffff 01')),
    'length zero': hex('00'), 'two lengths zero': hex('00 00'), 'length in too many bytes': hex('8e 80 80 80 80 00'), 'length five bytes, over 2 GB': hex('ff ff ff ff 7f'), 'length five bytes, padded': Buffer.concat([hex('8f 80 80 80 00'), Buffer.from(encode(call('Void')))]),
    'length padded to two bytes': Buffer.concat([Buffer.from([Buffer.from(encode(call('Add', 1, 2))).length | 128, 0]), Buffer.from(encode(call('Add', 1, 2)))]),
    'length over the limit': hex('81 80 02'), 'json text instead': Buffer.from('{"type":6}\x1e'),
    'deep nesting 50': frame(Buffer.concat([hex('96 01 80 a1 31 a4 4563686f 91'), Buffer.alloc(50, 0x91), hex('c0 90')])),
    'deep nesting 600': frame(Buffer.concat([hex('96 01 80 a1 31 a4 4563686f 91'), Buffer.alloc(600, 0x91), hex('c0 90')])),
    'stream ids nobody expects': M(1, {}, '1', 'Add', [1, 2], ['7']), 'stream ids numbers': M(1, {}, '1', 'UploadSum', [], [7]), 'stream id missing': M(1, {}, '1', 'UploadSum', [], []),
  };
  for (const path of ['/conformance', '/parallel'])
    for (const [name, bytes] of Object.entries(cases))
      wire(`messagepack ${path} message: ${name}`, async w => {
        await mp(w, path);
        w.binary(bytes);
        if (path === '/parallel' || /stream/.test(name)) await w.pause(40);
        await w.fence(/length (five|over)|huge|json text/.test(name) ? 1500 : undefined);
      });
  for (const bytes of [M(0), M(10, {}, [1]), M(-1)])
    wire(`messagepack unknown type: ${bytes.toString('hex')}`, async w => { await mp(w); w.binary(bytes); await w.fence(600); }, { also: { silent: 'alive' } });
});

describe('messagepack handshake and frames', opts, () => {
  for (const [version, protocol] of [[0, 'messagepack'], [1, 'messagepack'], [2, 'messagepack'], [3, 'messagepack'], [1, 'MessagePack']])
    wire(`messagepack handshake: ${protocol} version ${version}`, async w => {
      await w.open();
      w.text(`{"protocol":"${protocol}","version":${version}}\x1e`);
      await w.take(1);
      if (/< (txt|bin) \{\}/.test(w.lines.at(-1))) { w.protocol = 'messagepack'; await w.fence(); } else await w.toClose();
    });
  wire('messagepack handshake: in a binary frame, merged with a call', async w => {
    await w.open();
    w.binary(Buffer.concat([Buffer.from('{"protocol":"messagepack","version":1}\x1e'), pack(call('Add', 1, 2))]));
    w.protocol = 'messagepack';
    await w.take(2); await w.fence();
  });
  wire('messagepack frames: three in one', async w => { await mp(w); w.binary(Buffer.concat([1, 2, 3].map(n => pack([1, {}, String(n), 'Add', [n, 0], []])))); await w.take(3); await w.fence(); });
  wire('messagepack frames: byte by byte', async w => { await mp(w); w.binary(...[...pack(call('Add', 1, 2))].map(b => [b])); await w.take(1); await w.fence(); });
  wire('messagepack frames: split inside the length', async w => { await mp(w); const b = pack(call('BigEcho', 'y'.repeat(300))); w.binary(b.subarray(0, 1), b.subarray(1)); await w.take(1); await w.fence(); });
  wire('messagepack frames: in text frames', async w => { await mp(w); w.ws.send(pack(call('Add', 1, 2)).toString('latin1')); w.note('text frame sent'); await w.pause(50); await w.fence(800); });
  for (const n of [32760, 32765, 32766, 32767, 32768, 32769, 40000])
    wire(`messagepack frames: message of ${n} bytes with its length (limit 32768)`, async w => {
      await mp(w);
      const head = encode(call('BigEcho', '')).length + 2; // a string this long has 3 bytes of head instead of 1
      w.binary(pack(call('BigEcho', 'y'.repeat(n - 3 - head))));
      await w.take(1); if (!w.closed) await w.fence();
    });
  wire('messagepack frames: exact bytes of the answers', async w => {
    await mp(w);
    // Message by message: how many share a frame is a matter of timing. All are shorter than 128 bytes.
    const each = data => data.length ? [data.subarray(0, data[0] + 1).toString('hex'), ...each(data.subarray(data[0] + 1))] : [];
    const show = i => { if (i.close) w.log('< close ' + i.close); else for (const hex of each(i.data)) w.log('< hex ' + hex); };
    const say = async (answers, ...values) => {
      w.pack(...values);
      await w.arrived(() => w.closed || w.inbox.reduce((n, i) => n + each(i.data ?? []).length, 0) >= answers);
      w.inbox.splice(0).forEach(show);
    };
    await say(1, call('Add', 1, 2)); await say(1, call('Void')); await say(1, call('Null')); await say(1, call('Nope')); await say(2, call('SendArgs'));
    await say(1, call('MakeDate')); await say(3, [4, {}, '2', 'Counter', [2, 0], []]); await say(9, [7, 'bye']);
  });
});

describe('messagepack conversations', opts, () => {
  wire('messagepack talk: upload', async w => {
    await mp(w);
    w.pack([1, {}, '1', 'UploadTwo', [], ['u', 'v']], [2, {}, 'u', 1], [2, {}, 'v', 10], [2, { h: 'x' }, 'u', 2], [3, {}, 'u', 2], [3, {}, 'v', 2]);
    await w.take(1); await w.fence();
  });
  wire('messagepack talk: upload without completion items', async w => { await mp(w); w.pack([1, {}, '1', 'UploadSum', [], ['u']], [2, {}, 'u', 1], [3, {}, 'u', 2, 'extra']); await w.take(1); await w.fence(); });
  wire('messagepack talk: upload ended by an error', async w => { await mp(w); w.pack([1, {}, '1', 'UploadError', [], ['u']], [3, {}, 'u', 1, 'client says no']); await w.take(1); await w.fence(); });
  wire('messagepack talk: upload item of a wrong type', async w => { await mp(w); w.pack([1, {}, '1', 'UploadError', [], ['u']], [2, {}, 'u', 'text']); await w.take(1); await w.fence(); });
  wire('messagepack talk: stream echo', async w => {
    await mp(w);
    w.pack([4, {}, '1', 'StreamEcho', [], ['u']]);
    for (const item of [1, 'two', null, { three: [3] }, new Uint8Array([1, 2])]) { w.pack([2, {}, 'u', item]); await w.take(1); }
    w.pack([3, {}, 'u', 2]); await w.take(1); await w.fence();
  });
  wire('messagepack talk: cancel', async w => {
    await mp(w);
    w.pack([4, {}, '1', 'Counter', [1000000, 3000], []]); await w.take(1);
    w.pack([5, {}, '1']); await w.take(1); await w.fence();
  });
  for (const [name, tail] of Object.entries({ 'a result': [3, 'answer'], 'an error': [1, 'no!'], 'nothing': [2], 'nil': [3, null], 'a number for a string': [3, 5] }))
    wire(`messagepack talk: client result answered with ${name}`, async w => {
      await mp(w, '/parallel');
      w.ws.send(pack([1, {}, '0', 'WhoAmI', [], []])); await w.arrived();
      const me = /"connectionId":"([^"]+)"/.exec(w.unpack(w.inbox.shift().data)[0])[1];
      w.name('me', me);
      w.pack([1, {}, '2', 'AskClientInHub', [me, 'q'], []]);
      await w.arrived();
      const ask = w.unpack(w.inbox[0].data)[0];
      w.name('ask', JSON.parse(ask)[2]);
      await w.take(1);
      w.pack([3, {}, JSON.parse(ask)[2], ...tail]);
      await w.take(1); await w.fence();
    });
  wire('messagepack talk: close', async w => { await mp(w); w.pack([7, null]); await w.toClose(); });
  wire('messagepack talk: close with all items', async w => { await mp(w); w.pack([7, 'tired', true, 'x']); await w.toClose(); });
  wire('messagepack talk: abort by the hub', async w => { await mp(w); w.pack([1, {}, null, 'Abort', [], []]); await w.toClose(); });
  wire('messagepack talk: timed out after a ping', async w => { await mp(w, '/short'); w.pack([6]); await w.toClose(); });
  wire('messagepack talk: stateful replay', async w => {
    const n = await w.negotiate('/conformance', 'negotiateVersion=1&useStatefulReconnect=true');
    const query = 'id=' + encodeURIComponent(n.connectionToken);
    await w.ready('/conformance', 'messagepack', 2, { query });
    w.pack([1, {}, 'a', 'Add', [1, 1], []]); await w.take(1);
    const old = w.ws; const gone = new Promise(done => old.once('close', done)); old.terminate(); await gone; w.inbox.length = 0; w.closed = false;
    await w.open('/conformance', { query });
    w.pack([9, 1], [1, {}, 'a', 'Add', [1, 1], []], [1, {}, 'b', 'Add', [2, 2], []]);
    await w.take(3);
    w.pack([8, 2]);
    await w.take(1); // the server's own ack
  });
});

// RFC 6455 as the server sees it: upgrade, fragments, control frames, breaches.
import { describe } from '../lib/suite.mjs';
import { Tcp } from '../lib/tcp.mjs';
import { RS, wire } from '../lib/wire.mjs';

const opts = { concurrency: 8 };
const hello = '{"protocol":"json","version":1}' + RS;
const add = '{"type":1,"invocationId":"1","target":"Add","arguments":[1,2]}' + RS;
const T = 1, B = 2, C = 0, CLOSE = 8, PING = 9, PONG = 10;
const show = f => f ? `< opcode ${f.opcode}${f.fin ? '' : ' not final'}${f.masked ? ' MASKED' : ''} ` + (f.opcode === CLOSE ? (f.payload.length ? f.payload.readUInt16BE(0) + ' ' + f.payload.subarray(2) : 'empty') : JSON.stringify(f.payload.toString())) : '< connection ended';

/** Upgraded and shaken hands. */
const up = async (w, { shake = true, extra = '' } = {}) => {
  const t = new Tcp();
  w.defer(() => t.socket.destroy());
  await t.upgrade('/conformance', extra);
  if (shake) { t.frame(T, hello); await t.next(); }
  return t;
};
// Logs n things: hub messages (several may share a frame) and control frames.
const frames = async (w, t, n = 1) => {
  for (let i = 0; i < n;) {
    const f = await t.next();
    const texts = f?.opcode === T ? f.payload.toString().split(RS).filter(Boolean).map(x => x + RS) : [null];
    for (const text of texts) {
      if (text === '{"type":6}' + RS) continue;
      w.log(text === null ? show(f) : `< text ${JSON.stringify(text)}`);
      i++;
    }
    if (!f) return;
  }
};
const status = t => t.head.split('\r\n')[0];

describe('websocket frames', opts, () => {
  wire('frames: upgrade response', async w => {
    const t = await up(w, { shake: false });
    w.note(t.head.split('\r\n').filter(l => /^(HTTP|upgrade|connection|sec-websocket)/i.test(l)).sort().join(' | '));
  });
  for (const [name, extra] of Object.entries({
    'deflate offered': 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n', 'subprotocol offered': 'Sec-WebSocket-Protocol: json, messagepack\r\n', 'odd subprotocol': 'Sec-WebSocket-Protocol: x\r\n', 'origin': 'Origin: http://evil.example\r\n' }))
    wire(`frames: upgrade with ${name}`, async w => {
      const t = await up(w, { shake: false, extra });
      w.note(status(t) + (t.head.match(/sec-websocket-(protocol|extensions):[^\r]*/i)?.[0] ?? ''));
      if (!status(t).includes(' 101 ')) return;
      t.frame(T, hello); await frames(w, t);
    }, name === 'origin' ? { better: ['# HTTP/1.1 403 Forbidden'] } : {});
  const raw = (name, text, options) => wire(`frames: ${name}`, async w => {
    const t = new Tcp(); w.defer(() => t.socket.destroy());
    t.send(text.replaceAll('HOST', t.host)); await t.until(x => x.data.includes('\r\n\r\n'), 'response');
    w.note(t.data.toString().split('\r\n')[0]);
  }, options);
  raw('upgrade with version 8', 'GET /conformance HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  raw('upgrade without a key', 'GET /conformance HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n');
  raw('upgrade by POST', 'POST /conformance HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 0\r\n\r\n');
  raw('upgrade with Connection: keep-alive, Upgrade', 'GET /conformance HTTP/1.1\r\nHost: HOST\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  raw('upgrade on HTTP/1.0', 'GET /conformance HTTP/1.0\r\nHost: HOST\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    { also: { '# HTTP/1.1 101 Switching Protocols': '# HTTP/1.1 400 Bad Request' } }) // RFC 6455 wants 1.1; the reference does not mind;
  raw('no host header', 'POST /conformance/negotiate?negotiateVersion=1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
  raw('garbage request', 'hello world\r\n\r\n');
  raw('absolute request target', 'POST http://HOST/conformance/negotiate?negotiateVersion=1 HTTP/1.1\r\nHost: HOST\r\nContent-Length: 0\r\n\r\n');
  raw('chunked negotiate', 'POST /conformance/negotiate?negotiateVersion=1 HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
  raw('negotiate without length', 'POST /conformance/negotiate?negotiateVersion=1 HTTP/1.1\r\nHost: HOST\r\n\r\n');
  wire('frames: two requests pipelined', async w => {
    const t = new Tcp(); w.defer(() => t.socket.destroy());
    const one = `POST /conformance/negotiate?negotiateVersion=1 HTTP/1.1\r\nHost: ${t.host}\r\nContent-Length: 0\r\n\r\n`;
    t.send(one + one); await t.until(x => x.data.toString().split('HTTP/1.1 200 OK').length === 3, 'two responses');
    w.note('two responses on one connection');
  });
  wire('frames: upgrade, handshake and call in one packet', async w => {
    const t = new Tcp(); w.defer(() => t.socket.destroy());
    const chunks = []; const real = t.socket.write.bind(t.socket); t.socket.write = b => chunks.push(Buffer.from(b));
    t.send(`GET /conformance HTTP/1.1\r\nHost: ${t.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
    t.frame(T, hello); t.frame(T, add);
    t.socket.write = real; real(Buffer.concat(chunks));
    await t.until(x => x.data.includes('\r\n\r\n'), 'response'); t.data = t.data.subarray(t.data.indexOf('\r\n\r\n') + 4);
    await frames(w, t, 2);
  });
  wire('frames: bytes trickle in', async w => {
    const t = await up(w);
    const chunks = []; const real = t.socket.write.bind(t.socket); t.socket.write = b => chunks.push(Buffer.from(b));
    t.frame(T, add); t.socket.write = real;
    for (const b of Buffer.concat(chunks)) { real(Buffer.from([b])); await w.pause(1); }
    await frames(w, t);
  });
  wire('frames: a message in fragments', async w => { const t = await up(w); t.frame(T, add.slice(0, 10), { fin: false }).frame(C, add.slice(10, 30), { fin: false }).frame(C, add.slice(30)); await frames(w, t); });
  wire('frames: empty fragments', async w => { const t = await up(w); t.frame(T, '', { fin: false }).frame(C, add, { fin: false }).frame(C, ''); await frames(w, t); });
  wire('frames: a ping between fragments', async w => { const t = await up(w); t.frame(T, add.slice(0, 10), { fin: false }).frame(PING, 'p').frame(C, add.slice(10)); await frames(w, t, 2); });
  wire('frames: hub messages cross frame limits', async w => { const t = await up(w); t.frame(T, add + add.slice(0, 20)); await frames(w, t); t.frame(B, add.slice(20)); await frames(w, t); });
  wire('frames: ping is answered with its payload', async w => { const t = await up(w); t.frame(PING, 'abc'); await frames(w, t); t.frame(PING, ''); await frames(w, t); t.frame(PING, 'z'.repeat(125)); await frames(w, t); });
  wire('frames: a pong out of the blue', async w => { const t = await up(w); t.frame(PONG, 'x').frame(T, add); await frames(w, t); });
  wire('frames: ping before the handshake', async w => { const t = await up(w, { shake: false }); t.frame(PING, 'a').frame(T, hello); await frames(w, t, 2); });
  wire('frames: 16-bit and 64-bit lengths', async w => {
    const t = await up(w);
    const big = n => `{"type":1,"invocationId":"1","target":"Bytes","arguments":[""],"pad":"${'p'.repeat(n)}"}` + RS;
    t.frame(T, big(200)); await frames(w, t); t.frame(T, big(30000)); await frames(w, t);
    t.frame(T, Array.from({ length: 5 }, () => big(15000)).join('')); await frames(w, t, 5);
  });
  const close = (name, payload, options) => wire(`frames: close ${name}`, async w => { const t = await up(w); t.frame(CLOSE, payload, options); await frames(w, t); await t.end(); w.note('connection ended'); });
  const code = (n, text = '') => Buffer.concat([Buffer.from([n >> 8, n & 255]), Buffer.from(text)]);
  close('empty', ''); close('1000', code(1000)); close('1000 with reason', code(1000, 'bye')); close('1001', code(1001)); close('3000', code(3000, 'app')); close('4999', code(4999));
  const breach = (name, send) => wire(`frames: breach: ${name}`, async w => { const t = await up(w); send(t); await frames(w, t); await t.end(); w.note('connection ended'); }, { also: { '< opcode 8 1002 ': '< connection ended', '< opcode 8 1007 ': '< connection ended' } });
  breach('close with one byte', t => t.frame(CLOSE, 'x')); breach('close code 999', t => t.frame(CLOSE, code(999))); breach('close code 1005', t => t.frame(CLOSE, code(1005))); breach('close code 1006', t => t.frame(CLOSE, code(1006)));
  breach('close reason not UTF-8', t => t.frame(CLOSE, Buffer.from([3, 232, 255, 254])));
  breach('unmasked frame', t => t.frame(T, add, { mask: false }));
  breach('reserved bit', t => t.frame(T, add, { rsv: 4 })); breach('opcode 3', t => t.frame(3, 'x')); breach('opcode 11', t => t.frame(11, 'x'));
  breach('continuation of nothing', t => t.frame(C, add)); breach('a new message inside another', t => t.frame(T, add.slice(0, 9), { fin: false }).frame(T, add));
  breach('long ping', t => t.frame(PING, 'z'.repeat(126))); breach('fragmented ping', t => t.frame(PING, 'a', { fin: false }));
  breach('64-bit length with the top bit', t => t.send(Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4])));
  breach('text frame that is not UTF-8', t => t.frame(T, Buffer.concat([Buffer.from('{"type":6,"x":"'), Buffer.from([0xff, 0xc0]), Buffer.from('"}' + RS)])));
  wire('frames: server close is a close frame 1000, then the end', async w => {
    const t = await up(w);
    t.frame(T, '{"type":7}' + RS); await frames(w, t, 2);
    t.frame(CLOSE, code(1000)); await t.end(); w.note('connection ended');
  });
  wire('frames: server close without an answer ends anyway', async w => {
    const t = await up(w);
    t.frame(T, '{"type":7}' + RS); await frames(w, t, 2);
    await t.end(8000); w.note('connection ended');
  });
  wire('frames: half-closed TCP', async w => { const t = await up(w); t.frame(T, add); await frames(w, t); t.socket.end(); await t.end(); w.note('connection ended'); });
  wire('frames: kind of frame follows the protocol', async w => {
    const t = await up(w, { shake: false });
    t.frame(T, '{"protocol":"messagepack","version":1}' + RS); await frames(w, t);
    t.frame(B, Buffer.from([0x02, 0x91, 0x06]));
    t.frame(B, Buffer.from('0d960180a131a341646492010290', 'hex'));
    const f = await t.next(); w.note(`opcode ${f.opcode} ${f.payload.toString('hex')}`);
  });
});

// Bad input, one test each: what is wrong is refused, everybody else is served on, the process lives.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { within } from '../conformance/lib/env.mjs';
import { Plain } from '../conformance/lib/plain.mjs';
import { Server } from '../conformance/lib/server.mjs';
import { Tcp } from '../conformance/lib/tcp.mjs';
import '../conformance/lib/exit.mjs';
import { bystander, labHubs, memoryFreed, residentBytes } from './lib.mjs';

const RS = '\x1e';
const TEXT = 1, CLOSE = 8;
const HELLO = '{"protocol":"json","version":1}' + RS;
const HEAD_TIMEOUT_S = 1;
const HEAD_MAX = 8192;
const MiB = 1 << 20;

let server, beside;
before(async () => {
  server = await Server.start({ hubs: labHubs, workers: 2, args: ['--head-timeout', String(HEAD_TIMEOUT_S), '--head-max', String(HEAD_MAX)],
    env: memoryFreed });
  beside = await bystander(server);
});
after(async () => { await beside.stop(); await server.stop(); });

/** A test after which the others must be as well as before. */
const survives = (name, body) => test(name, async () => {
  await body();
  await beside.check();
});

/** Sends bytes; all that comes back until the server ends the connection. */
async function talk(bytes) {
  const tcp = new Tcp(server.url);
  tcp.send(bytes);
  await tcp.end(HEAD_TIMEOUT_S * 1000 + 8000);
  return tcp.data.toString('latin1');
}
const statusOf = reply => /^HTTP\/1\.1 (\d+) /.exec(reply)?.[1];

/** An upgraded connection, hands shaken. */
async function upgraded() {
  const tcp = await new Tcp(server.url).upgrade('/lab');
  tcp.frame(TEXT, HELLO);
  assert.equal((await tcp.next()).payload.toString(), '{}' + RS);
  return tcp;
}
/** Frames up to the server's Close frame or the end: texts joined, and the close code. Then the connection is dropped. */
async function untilClose(tcp) {
  let text = '', code = null, frame;
  while (code === null && (frame = await tcp.next(10000))) {
    if (frame.opcode === CLOSE) code = frame.payload.length ? frame.payload.readUInt16BE(0) : 0;
    else text += frame.payload;
  }
  tcp.socket.destroy();
  return { text, code };
}
const closeMessage = text => text.split(RS).filter(Boolean).map(JSON.parse).find(m => m.type === 7);

for (const [name, bytes] of Object.entries({
  'a sentence': 'hello world, are you there?\r\n\r\n',
  noise: Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 167 + 13) % 256)),
  'an unknown version': 'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
  'two lengths': 'POST /lab/negotiate HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  'length and chunks': 'POST /lab/negotiate HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a bad chunk': 'POST /lab/negotiate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'a NUL in a header': 'GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n',
  'a TLS hello': Buffer.from('16030100c8010000c40303', 'hex'),
}))
  survives(`garbage HTTP: ${name}`, async () => {
    const refused = await server.metric('http_refused_total');
    assert.equal(statusOf(await talk(bytes)), name === 'an unknown version' ? '505' : '400');
    assert.equal(await server.metric('http_refused_total'), refused + 1);
  });

survives('oversized header', async () => {
  for (const request of [
    `GET /lab HTTP/1.1\r\nHost: x\r\nX-Big: ${'y'.repeat(HEAD_MAX)}\r\n\r\n`,
    `GET /${'p'.repeat(HEAD_MAX)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET /lab HTTP/1.1\r\nHost: x\r\n${'X-Small: y\r\n'.repeat(HEAD_MAX / 12)}\r\n`,
    `GET /lab HTTP/1.1\r\nHost: x\r\nX-Endless: ${'z'.repeat(4 * HEAD_MAX)}`,
  ]) assert.match(statusOf(await talk(request)) ?? 'none', /^(431|414)$/, request.slice(0, 40));
  const fits = `GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Big: ${'y'.repeat(HEAD_MAX - 200)}\r\n\r\n`;
  assert.equal(statusOf(await talk(fits)), '404', 'one below the limit is read');
});

survives('oversized body', async () => {
  const reply = await talk('POST /shout HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n');
  assert.equal(statusOf(reply), '413');
});

survives('oversized message', async () => {
  const before = await server.metric('message_too_large_total');
  const long = await Plain.open(server.url, '/lab');
  long.post('Echo', 'y'.repeat(33000));
  assert.equal((await within(long.closed, 8000, 'close')).code, 1000);
  assert.deepEqual(long.inbox.items.find(m => m.type === 7), { type: 7, error: 'Connection closed with an error.', allowReconnect: true });
  // In small frames, none of them over the limit, and never ended.
  const drip = await upgraded();
  for (let i = 0; i < 40; i++) drip.frame(i ? 0 : TEXT, 'y'.repeat(1000), { fin: false });
  const end = await untilClose(drip);
  assert.ok(closeMessage(end.text)?.error);
  assert.equal(await server.metric('message_too_large_total'), before + 2);
  // A frame that claims to be huge takes no memory for its claim.
  const resident = residentBytes(server.pid);
  const claims = await Promise.all(Array.from({ length: 20 }, upgraded));
  for (const tcp of claims) tcp.frame(TEXT, 'only this', { length: 0x7fffffff });
  await beside.check();
  assert.ok(residentBytes(server.pid) < resident + 64 * MiB);
  for (const tcp of claims) tcp.socket.destroy();
});

survives('deep JSON', async () => {
  for (const [open, close] of [['[', ']'], ['{"a":', '}']]) {
    const tcp = await upgraded();
    tcp.frame(TEXT, `{"type":1,"invocationId":"1","target":"Echo","arguments":[${open.repeat(10000 / open.length)}1${close.repeat(10000 / open.length)}]}` + RS);
    const end = await untilClose(tcp);
    assert.equal(closeMessage(end.text)?.error, 'Connection closed with an error.');
    assert.equal(end.code, 1000);
  }
  const tcp = await upgraded(); // brackets without an end, within the message limit
  tcp.frame(TEXT, '['.repeat(10000) + RS);
  assert.equal((await untilClose(tcp)).code, 1000);
});

survives('wrong UTF-8', async () => {
  for (const bytes of ['ff', 'c0af', 'eda080', 'f4908080', 'e282']) {
    const tcp = await upgraded();
    tcp.frame(TEXT, Buffer.concat([Buffer.from('{"type":6,"x":"'), Buffer.from(bytes, 'hex'), Buffer.from('"}' + RS)]));
    assert.equal((await untilClose(tcp)).code, 1007, bytes);
  }
  // In a binary frame no WebSocket rule is broken; as in the reference, what cannot be read is replaced.
  const tcp = await upgraded();
  tcp.frame(2, Buffer.concat([Buffer.from('{"type":1,"invocationId":"1","target":"Echo","arguments":["'), Buffer.from('ff', 'hex'), Buffer.from('"]}' + RS)]));
  assert.deepEqual(JSON.parse((await tcp.next()).payload.toString().slice(0, -1)), { type: 3, invocationId: '1', result: '\ufffd' });
  tcp.socket.destroy();
});

survives('half-open sockets', async () => {
  await server.socketsBecome(1); // the bystander's
  const half = 'GET /lab HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSo';
  // The upgrade begins and never ends: with silence, with a half-close, with a byte now and then.
  const silent = new Tcp(server.url).send(half), ended = new Tcp(server.url).send(half);
  ended.socket.end();
  const slow = new Tcp(server.url).send(half);
  const dripping = setInterval(() => slow.send('x'), 100);
  // The upgrade is done, then the peer says no more, or goes without a word.
  const idle = await upgraded(), gone = await upgraded(), halfClosed = await upgraded();
  gone.socket.resetAndDestroy();
  halfClosed.socket.end();
  try {
    for (const tcp of [silent, ended, slow, halfClosed]) await tcp.end(HEAD_TIMEOUT_S * 1000 + 6000);
  } finally { clearInterval(dripping); }
  await server.socketsBecome(2);
  idle.socket.destroy();
  await server.socketsBecome(1);
});

survives('1,000 connects that send nothing', async () => {
  const resident = residentBytes(server.pid);
  const crowd = Array.from({ length: 1000 }, () => new Tcp(server.url));
  await Promise.all(crowd.map(tcp => within(new Promise(done => tcp.socket.once('connect', done)), 10000, 'connect')));
  await beside.check();
  assert.ok(residentBytes(server.pid) < resident + 32 * MiB, 'memory');
  await Promise.all(crowd.map(tcp => tcp.end(HEAD_TIMEOUT_S * 1000 + 8000)));
  assert.ok(crowd.every(tcp => tcp.data.length === 0), 'nobody who asked nothing is answered');
  await server.socketsBecome(1);
});

survives('a client that never reads', async () => {
  const MESSAGES = 8, SIZE = 20000, ROUNDS = 300; // 48 MB in all, of which a quarter of a MiB may wait (max_outbound)
  const reader = await Plain.open(server.url, '/lab');
  const stuck = await Plain.open(server.url, '/lab');
  const stuckId = await stuck.invoke('Id');
  const slow = await server.metric('slow_clients_closed_total');
  const resident = residentBytes(server.pid);
  stuck.ws._socket.pause();
  let queuedMax = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    await beside.old.invoke('Flood', MESSAGES, SIZE);
    await reader.gotCount('flood', MESSAGES);       // the reader gets everything, at once
    reader.inbox.items.length = 0;
    queuedMax = Math.max(queuedMax, await server.metric('queued_bytes'));
  }
  await server.metricBecomes('slow_clients_closed_total', slow + 1);
  assert.equal(await beside.old.invoke('Reason', stuckId), 'slow');
  assert.ok(queuedMax < 4 * MiB, `${queuedMax} bytes were queued`);
  assert.ok(residentBytes(server.pid) < resident + 32 * MiB, 'memory');
  stuck.ws._socket.resume();
  await within(stuck.closed, 10000, 'close of the slow client');
  await reader.stop();
});

survives('a method that sends more than max_outbound at once to clients that read', async () => {
  const reader = await Plain.open(server.url, '/lab');
  const slow = await server.metric('slow_clients_closed_total');
  await beside.old.invoke('Flood', 40, 20000);      // 800 kB in one turn, three times max_outbound
  await reader.gotCount('flood', 40);
  assert.equal(await server.metric('slow_clients_closed_total'), slow);
  assert.equal(await reader.invoke('Echo', 1), 1);
  await reader.stop();
});

survives('a client that asks on and never reads an answer', async () => {
  const resident = residentBytes(server.pid);
  const asking = [new Tcp(server.url), await upgraded(), await upgraded()];
  const [pipelining, pinging, calling] = asking;
  for (const tcp of asking) tcp.socket.pause();
  for (let i = 0; i < 200; i++) pipelining.send('GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000));
  for (let i = 0; i < 50000; i++) pinging.frame(9, 'p'.repeat(125));
  const call = JSON.stringify({ type: 1, invocationId: '1', target: 'Echo', arguments: ['e'.repeat(20000)] }) + RS;
  for (let i = 0; i < 1000; i++) calling.frame(TEXT, call);
  // The server takes no more from those whose answers pile up: what it would not take waits here.
  for (const tcp of [pipelining, calling]) assert.ok(tcp.socket.writableLength > 0);
  for (let i = 0; i < 50; i++) await beside.check();
  for (const tcp of [pipelining, calling]) assert.ok(tcp.socket.writableLength > 0);
  assert.ok(await server.metric('queued_bytes') < 4 * MiB);
  assert.ok(residentBytes(server.pid) < resident + 32 * MiB, 'memory');
  for (const tcp of asking) tcp.socket.destroy();
});

survives('a method that raises', async () => {
  const errors = await server.metric('script_errors_total');
  const c = await Plain.open(server.url, '/lab');
  const answer = await c.call('Raise');
  assert.equal(answer.error, "An unexpected error occurred invoking 'Raise' on the server.");
  const line = await server.log(l => JSON.stringify(l).includes('the reason nobody shall read'));
  assert.equal(line.level, 'error');
  assert.match(JSON.stringify(line), /lab\.lua:\d+/);
  assert.match(JSON.stringify(line), /traceback/);
  assert.equal(await server.metric('script_errors_total'), errors + 1);
  assert.equal(await c.invoke('Echo', 1), 1);
  await c.stop();
});

survives('a method that sleeps on while its client leaves', async () => {
  const running = await server.metric('coroutines_running');
  for (const leave of ['stop', 'vanish']) {
    const c = await Plain.open(server.url, '/lab');
    for (let i = 0; i < 3; i++) c.post('Nap');
    await c.gotCount('napping', 3);
    assert.ok(await server.metric('coroutines_running') >= running + 3);
    await c[leave]();
    await server.metricBecomes('coroutines_running', running);
  }
});

// Streams and uploads whose client leaves, does not read, or sends more than is read: memory stays, others are served on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Plain } from '../conformance/lib/plain.mjs';
import { Server } from '../conformance/lib/server.mjs';
import { Tcp } from '../conformance/lib/tcp.mjs';
import '../conformance/lib/exit.mjs';
import { bystander, labHubs, memoryFreed, residentBytes } from './lib.mjs';

const RS = '\x1e';
const TEXT = 1;
const MiB = 1 << 20;
const ENDS_WITHIN_MS = 1000;
const PING_MS = 500; // keep_alive of the hub

let server, beside;
before(async () => {
  server = await Server.start({ hubs: labHubs, workers: 2,
    env: memoryFreed });
  beside = await bystander(server, 'streams');
});
after(async () => { await beside.stop(); await server.stop(); });

/** A test after which the others must be as well as before. */
const survives = (name, body) => test(name, async () => {
  await body();
  await beside.check();
});

const open = () => Plain.open(server.url, '/streams');
const ask = (method, name) => beside.old.invoke(method, name);

/** Until `get()` gives what is wanted. */
async function becomes(get, wanted, ms = 10000) {
  const end = Date.now() + ms;
  let value;
  while ((value = await get()) !== wanted) {
    assert.ok(Date.now() < end, `${value} does not become ${wanted} within ${ms} ms`);
    await pause(10);
  }
}
const streamBecomes = (name, wanted, ms) => becomes(() => ask('State', name), wanted, ms);

/** Begins a stream; over a WebSocket that need not be read. */
const stream = (client, invocationId, target, ...args) => client.send({ type: 4, invocationId, target, arguments: args });
async function rawClient() {
  const tcp = await new Tcp(server.url).upgrade('/streams');
  tcp.frame(TEXT, '{"protocol":"json","version":1}' + RS);
  await tcp.next();
  return { tcp, send: message => tcp.frame(TEXT, JSON.stringify(message) + RS) };
}

for (const [method, args] of Object.entries({ Ticks: [], Sleeps: [], Endless: [1000] }))
  survives(`an abandoned stream ends: ${method}`, async () => {
    const name = `abandoned ${method}`;
    const client = await rawClient();
    client.tcp.socket.pause();
    stream(client, '1', method, name, ...args);
    await streamBecomes(name, 'runs');
    client.tcp.socket.resetAndDestroy();
    await streamBecomes(name, 'cancelled', ENDS_WITHIN_MS);
  });

survives('a stream to a client that does not read waits', async () => {
  const client = await rawClient();
  client.tcp.socket.pause();
  const before = residentBytes(server.pid);
  for (let i = 0; i < 5; i++) stream(client, String(i), 'Endless', `unread ${i}`, 10000);
  await streamBecomes('unread 4', 'runs');
  await pause(300); // time to fill memory, if it were filled
  await beside.check();
  assert.ok(residentBytes(server.pid) < before + 32 * MiB);
  assert.equal(await ask('State', 'unread 0'), 'runs');
  client.tcp.socket.resetAndDestroy();
  for (let i = 0; i < 5; i++) await streamBecomes(`unread ${i}`, 'cancelled', ENDS_WITHIN_MS);
});

survives('an endless stream to a client that reads keeps nobody waiting, and can be cancelled', async () => {
  const client = await rawClient();
  let bytes = 0, tail = '';
  client.tcp.socket.removeAllListeners('data').on('data', data => { bytes += data.length; tail = tail.slice(-200) + data.toString('latin1'); });
  const hears = (text, ms) => becomes(async () => tail.includes(text), true, ms);
  const before = residentBytes(server.pid);
  stream(client, '1', 'Endless', 'fast', 10);
  await becomes(async () => bytes > 16 * MiB, true);
  await beside.check();
  assert.ok(residentBytes(server.pid) < before + 32 * MiB);
  stream(client, '2', 'Sleeps', 'beside');
  await streamBecomes('beside', 'runs', ENDS_WITHIN_MS);
  client.send({ type: 5, invocationId: '1' });
  await streamBecomes('fast', 'cancelled', ENDS_WITHIN_MS);
  await hears('{"type":3,"invocationId":"1"}');
  client.tcp.socket.destroy();
});

survives('so many streams and no more', async () => {
  const client = await open();
  const before = await server.metric('streams_refused_total');
  for (let i = 0; i < 7; i++) stream(client, String(i), 'Ticks', `many ${i}`);
  for (const i of [5, 6]) {
    const answer = await client.inbox.one(m => m.type === 3 && m.invocationId === String(i));
    assert.match(answer.error, /Too many streams run for this connection\.$/);
  }
  assert.equal(await server.metric('streams_refused_total'), before + 2);
  assert.equal(await client.invoke('Echo', 'still'), 'still');
  client.send({ type: 5, invocationId: '0' });
  await client.inbox.one(m => m.type === 3 && m.invocationId === '0');
  stream(client, '7', 'Ticks', 'many 7');
  await streamBecomes('many 7', 'runs');
  await client.stop();
  for (const i of [1, 7]) await streamBecomes(`many ${i}`, 'cancelled', ENDS_WITHIN_MS);
});

survives('an upload that is faster than its reader', async () => {
  const client = await rawClient();
  const before = residentBytes(server.pid);
  client.send({ type: 1, invocationId: '1', target: 'Read', arguments: ['fast'], streamIds: ['u'] });
  const item = JSON.stringify({ type: 2, invocationId: 'u', item: 'x'.repeat(1000) }) + RS;
  for (let sent = 0; sent < 64 * MiB; sent += 16 * item.length) client.tcp.frame(TEXT, item.repeat(16));
  await becomes(async () => await ask('Reads', 'fast') > 100, true);
  await beside.check();
  assert.ok(residentBytes(server.pid) < before + 32 * MiB);
  assert.ok(client.tcp.socket.writableLength > 16 * MiB, 'the server does not read what is not read');
  client.tcp.socket.resetAndDestroy();
  // A socket that is not read shows that its peer is gone when something is written to it: the next ping.
  await becomes(() => ask('Upload', 'fast'), 'cancelled', ENDS_WITHIN_MS + PING_MS);
});

// Connections that lose their socket and may come back: what they cost while they are away, and that all of it comes back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signalR } from '../conformance/lib/client.mjs';
import { within } from '../conformance/lib/env.mjs';
import { negotiate, Plain } from '../conformance/lib/plain.mjs';
import { eventually } from '../conformance/lib/server.mjs';
import '../conformance/lib/exit.mjs';
import { bystander, folder, memoryFreed, residentBytes, serving } from './lib.mjs';

const MiB = 1024 * 1024;

const hub = options => folder({ 'lab.lua': `
local signalua = require "signalua"
local Lab = signalua.hub { ${options} }
function Lab:Echo(value) return value end
function Lab:Tell(text) self.clients.others:send("told", text) end
-- The answer comes when the client is away.
function Lab:Fill(size) signalua.sleep(0.3) return ("x"):rep(size) end
function Lab:Drop() self.context:abort() end
function Lab:on_disconnected(_, reason) signalua.store.incr("gone:" .. reason) end
function Lab:Gone(reason) return signalua.store.get("gone:" .. reason) or "0" end
return Lab
` });

/** n connections, 25 at a time. */
async function crowd(server, n) {
  const all = [];
  let begun = 0;
  await Promise.all(Array.from({ length: 25 }, async () => { while (begun++ < n) all.push(await Plain.stateful(server.url, 'lab')); }));
  return all;
}

test('1000 connections cut and never back, four times', () => serving({
  hubs: hub('disconnect_timeout = 4'), workers: 2,
  env: memoryFreed,
}, async server => {
  const n = 1000, size = 16 * 1024;
  const beside = await bystander(server);
  const resident = [];
  for (let wave = 1; wave <= 4; wave++) {
    const all = await crowd(server, n);
    for (const c of all) { c.post('Fill', 1); c.send({ type: 1, invocationId: 'fill', target: 'Fill', arguments: [size] }); }
    await eventually(async () => await server.metric('connections') === n + 1, 'all are there');
    for (const c of all) c.vanish();
    await eventually(async () => await server.metric('connections_away_bytes') > n * size / 2, 'messages are kept for them');
    assert.ok(await server.metric('connections_away') > n / 2);
    assert.ok(residentBytes(server.pid) < 256 * MiB);
    await beside.check();
    for (const [name, want] of [['connections_away', 0], ['connections_away_bytes', 0], ['connections', 1]]) await server.metricBecomes(name, want);
    // The hooks of the last ones may still run.
    await eventually(async () => await beside.old.invoke('Gone', 'lost') === String(wave * n), `${wave * n} are told as lost`);
    resident.push(residentBytes(server.pid));
  }
  assert.equal(await server.metric('connections_away_dropped_total'), 0);
  assert.ok(resident.at(-1) < resident[0] + n * size, `memory after each wave: ${resident.map(bytes => Math.round(bytes / MiB) + ' MiB')}`);
  await beside.stop();
}));

test('room for what is kept is bounded: the longest away goes first', () => serving({ hubs: hub('disconnect_timeout = 60, max_message_size = 2000000') }, async server => {
  const size = 600000, n = 80; // twice: more than the bound, 64 MiB, but less than max_outbound for each
  const beside = await bystander(server);
  const all = await crowd(server, n);
  for (const [i, c] of all.entries()) {
    c.vanish();
    await server.metricBecomes('connections_away', i + 1);
  }
  for (let told = 0; told < 2; told++) {
    await beside.old.call('Tell', 'x'.repeat(size));
    await beside.check();
  }
  const dropped = await eventually(() => server.metric('connections_away_dropped_total'), 'some were dropped');
  assert.equal(dropped, n - (await server.metric('connections_away')));
  assert.ok(await server.metric('connections_away_bytes') <= 64 * MiB);
  assert.equal(server.logs.items.filter(line => line.text === 'lost connection given up, its room is needed' && line.level === 'warn').length, dropped);
  await assert.rejects(all[0].again(), /404/);
  const back = await all.at(-1).again();
  assert.deepEqual(await back.inbox.one(m => m.type, 'the first message'), { type: 9, sequenceId: 1 });
  for (let told = 1; told <= 2; told++) { // each alone is more than stateful_reconnect_buffer
    await back.gotCount('told', told);
    back.send({ type: 8, sequenceId: told });
  }
  assert.equal(await back.invoke('Echo', 'back'), 'back');
  await Promise.all([back.stop(), beside.stop()]);
}));

test('the official client tries to come back to a connection that the hub ended, and is refused', () => serving({ hubs: hub('disconnect_timeout = 60'), workers: 2 }, async server => {
  const beside = await bystander(server);
  for (let round = 1; round <= 10; round++) {
    const connection = new signalR.HubConnectionBuilder().withUrl(server.url + '/lab').withStatefulReconnect().configureLogging(signalR.LogLevel.None).build();
    const closed = new Promise(done => connection.onclose(done));
    await connection.start();
    await connection.send('Drop');
    await within(closed, 5000, 'close');
    assert.equal(await beside.old.invoke('Gone', 'abort'), String(round));
  }
  assert.equal(await server.metric('stateful_reconnects_total'), 0);
  assert.equal(await server.metric('connections'), 1);
  await beside.stop();
}));

test('a stop does not wait for those that are away', () => serving({ hubs: hub('disconnect_timeout = 60'), workers: 2 }, async server => {
  const all = await crowd(server, 20);
  for (const c of all) c.vanish();
  await server.metricBecomes('connections_away', 20);
  const started = Date.now();
  await server.stop();
  assert.ok(Date.now() - started < 4000);
}));

test('a hub that keeps nothing does not offer it', () => serving({ hubs: hub('stateful_reconnect_buffer = 0') }, async server => {
  assert.equal('useStatefulReconnect' in await negotiate(server.url, 'lab', 1, '&useStatefulReconnect=true'), false);
  const c = await Plain.stateful(server.url, 'lab');
  c.vanish();
  await server.metricBecomes('connections', 0);
  await assert.rejects(c.again(), /404/);
}));

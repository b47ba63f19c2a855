// A connection that lost its WebSocket goes on over the next one, on whatever worker that arrives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../lib/client.mjs';
import { base, sleep, unique, within } from '../lib/env.mjs';
import { Plain } from '../lib/plain.mjs';
import { eventually, samples } from '../lib/server.mjs';
import { Proxy } from '../lib/proxy.mjs';
import '../lib/exit.mjs';

const workers = Number(process.env.WORKERS);

test('the connection stays on its worker, its sockets come from all of them', async () => {
  const all = await Promise.all(Array.from({ length: 4 * workers }, () => Plain.stateful(base, 'room')));
  for (let [i, c] of all.entries()) {
    const where = await c.invoke('Where');
    for (let round = 1; round <= 3; round++) {
      c.vanish();
      all[i] = c = await c.again();
      assert.deepEqual(await c.invoke('Where'), where);
      assert.deepEqual(c.inbox.items[0], { type: 9, sequenceId: 1 });
      assert.deepEqual(c.inbox.items.filter(m => m.type === 3).map(m => m.invocationId),
        Array.from({ length: round + 1 }, (_, n) => String(n + 1)), 'nothing was acknowledged: all of it comes again, once');
    }
  }
  await Promise.all(all.map(c => c.stop()));
  assert.ok(Object.values((await samples(process.env.ADMIN_URL)).signalua_stateful_reconnects_total).reduce((a, b) => a + b) >= 3 * all.length);
});

test('a new socket takes a living one over at once', async () => {
  let c = await Plain.stateful(base, 'room');
  const where = await c.invoke('Where');
  for (let round = 0; round < 4 * workers; round++) {
    c.ws._socket.pause(); // as where its network is gone: it answers nothing
    const started = Date.now(), next = await c.again();
    assert.deepEqual(await next.invoke('Where'), where);
    assert.ok(Date.now() - started < 2000);
    c.ws._socket.resume();
    assert.equal((await within(c.closed, 5000, 'end of the old socket')).code, 1006);
    c = next;
  }
  await c.stop();
});

test('of many sockets at once the last one has the connection', async () => {
  const c = await Plain.stateful(base, 'room');
  const where = await c.invoke('Where');
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => c.again())); // some are closed before they are open
  const open = new Set(attempts.filter(a => a.status === 'fulfilled').map(a => a.value));
  for (const socket of open) socket.closed.then(() => open.delete(socket));
  await eventually(() => open.size === 1, 'one is left');
  const [last] = open;
  assert.deepEqual(await last.invoke('Where'), where);
  await last.stop();
});

test('official clients through cuts: nothing is lost, repeated or out of order', async () => {
  const way = { name: 'ws json', transport: 'ws', protocol: 'json' };
  const proxies = await Promise.all(Array.from({ length: 2 * workers + 2 }, () => Proxy.to(base)));
  const clients = proxies.map(proxy => new Client(way, { url: proxy.url, hub: 'room', stateful: true }));
  const each = 80, group = unique('group');
  const heard = clients.map(() => []);
  for (const [i, c] of clients.entries()) { c.on('heard', (sender, n) => heard[i].push([sender, n])); c.invoke = (...call) => within(c.connection.invoke(...call), 20000, call[0]); }
  try {
    for (const c of clients) { await c.connection.start(); await c.invoke('Join', group); }
    const ids = clients.map(c => c.connection.connectionId);
    let done = false;
    // This client gives up when it is cut while it resends, so not before it is back.
    const cutting = proxies.map(async (proxy, i) => {
      for (let n = 0; !done; n++) { await sleep(150 + 50 * ((i + n) % 5)); proxy.cut(); await clients[i].invoke('Where'); }
    });
    await Promise.all(clients.map(async (c, sender) => {
      for (let n = 0; n < each; n++) { await c.invoke('Say', n % 4, group, ids, sender, n); await sleep(25); }
    }));
    done = true;
    await Promise.all(cutting);
    for (const c of clients) await c.invoke('Join', group);
    await sleep(200);
    for (const [i, c] of clients.entries()) {
      assert.deepEqual(c.events.items, [], 'no close, no new connection');
      for (const sender of clients.keys())
        assert.deepEqual(heard[i].filter(m => m[0] === sender).map(m => m[1]), Array.from({ length: each }, (_, n) => n), `client ${i} of sender ${sender}`);
    }
    assert.ok(proxies.every(proxy => proxy.accepted > 4), 'there were cuts');
  } finally {
    await Promise.allSettled(clients.map(c => c.stop()));
    await Promise.all(proxies.map(proxy => proxy.close()));
  }
});

// Connections on all workers are one hub: order of sends, groups.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base, unique } from '../lib/env.mjs';
import { Plain } from '../lib/plain.mjs';
import { eventually, samples } from '../lib/server.mjs';
import '../lib/exit.mjs';

const workers = Number(process.env.WORKERS);

/** n connections; they stand on every worker. Sockets of an earlier test that still close would count for their worker. */
async function crowd(t, n) {
  await eventually(async () => {
    const { main, ...sockets } = (await samples(process.env.ADMIN_URL)).signalua_sockets;
    return Object.values(sockets).every(count => count === 0);
  }, 'no sockets');
  const all = [];
  t.after(() => Promise.all(all.map(c => c.stop())));
  await Promise.all(Array.from({ length: n }, async () => all.push(await Plain.open(base, '/room'))));
  for (const c of all) Object.assign(c, await c.invoke('Where'));
  assert.equal(new Set(all.map(c => c.worker)).size, workers, 'connections on every worker');
  return all;
}

test('order holds per sender and receiver, whatever way a message is sent', async t => {
  const each = 60;
  const all = await crowd(t, 20);
  const group = unique('group');
  await Promise.all(all.map(c => c.invoke('Join', group)));
  const ids = all.map(c => c.id);
  for (let n = 0; n < each; n++)
    for (const [sender, c] of all.entries()) c.post('Say', n % 4, group, ids, sender, n);
  for (const c of all) {
    await c.gotCount('heard', all.length * each, 30000);
    const heard = c.got('heard');
    assert.equal(heard.length, all.length * each, 'none lost, none repeated');
    for (const sender of all.keys())
      assert.deepEqual(heard.filter(m => m[0] === sender).map(m => m[1]), Array.from({ length: each }, (_, n) => n), `of sender ${sender}`);
  }
});

test('a group change holds for senders on every worker once it is answered', async t => {
  const all = await crowd(t, 2 * workers + 2);
  const [member, ...others] = all;
  const group = unique('group');
  for (const [i, other] of others.entries()) {
    await other.invoke('Put', member.id, group);           // from another worker, for most of them
    await others.at(-1 - i).invoke('Group', group, `in ${i}`);
    await other.invoke('Take', member.id, group);
    await others.at(-1 - i).invoke('Group', group, `out ${i}`);
  }
  await member.invoke('Join', group);
  await others[0].invoke('Group', group, 'end');
  await member.inbox.one(m => m.arguments?.[0] === 'end', 'the end');
  assert.deepEqual(member.got('heard').map(m => m[0]), [...others.map((_, i) => `in ${i}`), 'end']);
  assert.ok(others.every(c => c.got('heard').length === 0));
});

test('a group reaches its members on every worker once', async t => {
  const all = await crowd(t, 3 * workers);
  const group = unique('group');
  const members = all.filter((_, i) => i % 3 !== 0);
  await Promise.all(members.map(c => c.invoke('Join', group)));
  await all[0].invoke('Group', group, 'hello');
  for (const c of all) await all[0].invoke('Say', 2, group, [c.id], 'fence');
  for (const c of all) {
    await c.inbox.one(m => m.arguments?.[0] === 'fence', 'fence');
    assert.deepEqual(c.got('heard').map(m => m[0]), members.includes(c) ? ['hello', 'fence'] : ['fence']);
  }
});

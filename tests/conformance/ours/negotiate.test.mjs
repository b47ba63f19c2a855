// Negotiate and connect need not meet the same worker, and a token opens one connection once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base, sleep } from '../lib/env.mjs';
import { connectStatus, negotiate, Plain } from '../lib/plain.mjs';
import { eventually, samples } from '../lib/server.mjs';
import '../lib/exit.mjs';

const workers = Number(process.env.WORKERS);
const negotiates = async () => (await samples(process.env.ADMIN_URL)).signalua_negotiates_total;

/** Negotiates and tells which worker answered. */
async function negotiatedBy(hub, version) {
  const before = await negotiates();
  const answer = await negotiate(base, hub, version);
  const after = await negotiates();
  const worker = Object.keys(after).filter(name => after[name] !== before[name]);
  assert.equal(worker.length, 1, 'one worker answered');
  return { ...answer, id: answer.connectionToken ?? answer.connectionId, worker: Number(worker[0]) };
}

for (const version of [0, 1])
  test(`version ${version}: negotiated on one worker, connected on another`, async () => {
    const crossings = new Set();
    const open = [];
    for (let i = 0; i < 4 * workers; i++) {
      const answer = await negotiatedBy('room', version);
      assert.equal(answer.negotiateVersion, version);
      assert.equal('connectionToken' in answer, version === 1);
      const c = await Plain.open(base, `/room?id=${answer.id}`);
      open.push(c);
      const where = await c.invoke('Where');
      assert.equal(where.id, answer.connectionId, 'the id that negotiate told');
      crossings.add(`${answer.worker} ${where.worker}`);
    }
    await Promise.all(open.map(c => c.stop()));
    const crossed = [...crossings].filter(pair => { const [a, b] = pair.split(' '); return a !== b; });
    assert.equal(crossed.length > 0, workers > 1, [...crossings].join(', '));
  });

test('a token is claimed once: 409 while its connection lives, 404 after its end', async () => {
  for (const version of [0, 1]) {
    const { connectionId, connectionToken: token = connectionId } = await negotiate(base, 'room', version);
    const c = await Plain.open(base, `/room?id=${token}`);
    for (let i = 0; i < 2 * workers; i++) assert.equal(await connectStatus(base, `/room?id=${token}`), 409);
    assert.equal(await c.invoke('Add', 1, 2), 3);
    await c.stop();
    await eventually(async () => await connectStatus(base, `/room?id=${token}`) === 404, '404');
    for (let i = 0; i < 2 * workers; i++) assert.equal(await connectStatus(base, `/room?id=${token}`), 404);
  }
});

test('of many who come with one token at once, one gets in', async () => {
  const { connectionToken } = await negotiate(base, 'room');
  const outcomes = await Promise.allSettled(Array.from({ length: 16 }, () => Plain.open(base, `/room?id=${connectionToken}`, { shake: false })));
  const inside = outcomes.filter(o => o.status === 'fulfilled').map(o => o.value);
  assert.equal(inside.length, 1);
  await inside[0].stop();
});

test('a used token does not come back in its last second', async () => {
  // A token knows its time to the second: one from the beginning of a second is good for almost two, with a negotiate_timeout of 1.
  await sleep(1000 - Date.now() % 1000);
  const { connectionToken } = await negotiate(base, 'brief');
  const c = await Plain.open(base, `/brief?id=${connectionToken}`);
  await c.stop();
  for (let i = 0; i < 9; i++) {
    assert.equal(await connectStatus(base, `/brief?id=${connectionToken}`), 404, `${i * 250} ms later`);
    await sleep(250);
  }
});

test('a token that has expired is refused, one in time is not', async () => {
  const late = await negotiate(base, 'brief');
  await sleep(2100); // negotiate_timeout is 1 s, and a token knows its time to the second
  assert.equal(await connectStatus(base, `/brief?id=${late.connectionToken}`), 404);
  const soon = await negotiate(base, 'brief');
  assert.equal(await connectStatus(base, `/brief?id=${soon.connectionToken}`), 101);
});

test('a token outlives its time as long as its connection lives', async () => {
  const { connectionToken } = await negotiate(base, 'brief');
  const c = await Plain.open(base, `/brief?id=${connectionToken}`);
  await c.pings.count(6); // at 0.25 s each: past the negotiate_timeout
  assert.equal(await connectStatus(base, `/brief?id=${connectionToken}`), 409);
  await c.stop();
});

test('tokens of another hub, forged ones and public ids are refused', async () => {
  for (const version of [0, 1]) {
    const { connectionId, connectionToken: token = connectionId } = await negotiate(base, 'room', version);
    assert.equal(await connectStatus(base, `/other?id=${token}`), 404, 'another hub');
    for (const at of [0, 3, 9, 13, 21]) {
      const forged = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      assert.equal(await connectStatus(base, `/room?id=${forged}`), 404, `character ${at} changed`);
    }
    for (const odd of ['x', token + 'A', token.slice(1), `%00${token}`]) assert.equal(await connectStatus(base, `/room?id=${odd}`), 404, odd);
    if (version === 1) assert.equal(await connectStatus(base, `/room?id=${connectionId}`), 404, 'the id is no token');
    assert.equal(await connectStatus(base, `/room?id=${token}`), 101, 'none of that used it up');
  }
});

test('without negotiation every connection gets an id of its own', async () => {
  const open = await Promise.all(Array.from({ length: 12 }, () => Plain.open(base, '/room')));
  const ids = await Promise.all(open.map(async c => (await c.invoke('Where')).id));
  assert.equal(new Set(ids).size, 12);
  for (const id of ids) assert.match(id, /^[\w-]{22}$/);
  await Promise.all(open.map(c => c.stop()));
});

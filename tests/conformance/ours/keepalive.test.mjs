// Pings and time-outs, seen by a client that decides itself when it speaks. The hub: keep_alive 0.25, client_timeout 1,
// handshake_timeout 0.5 seconds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { base, within } from '../lib/env.mjs';
import { Plain } from '../lib/plain.mjs';
import '../lib/exit.mjs';

test('an idle client is pinged, and one that never pinged is not timed out', async () => {
  const c = await Plain.open(base, '/brief');
  const started = Date.now();
  await c.pings.count(8);
  assert.ok(Date.now() - started > 1500, `8 pings in ${Date.now() - started} ms are too many`);
  assert.equal(await c.invoke('Add', 1, 2), 3);
  await c.stop();
});

test('what a client sends keeps it, silence after a ping ends it', async () => {
  const c = await Plain.open(base, '/brief');
  c.ping();
  for (let i = 1; i <= 7; i++) { // the pings of the server are our clock: 1.75 s
    await c.pings.count(i);
    assert.equal(await c.invoke('Add', i, 1), i + 1);
  }
  const silentSince = Date.now();
  const end = await within(c.closed, 8000, 'the time-out');
  assert.ok(Date.now() - silentSince >= 900, 'not before its time');
  assert.equal(end.code, 1000);
  assert.deepEqual(c.inbox.items.find(m => m.type === 7), { type: 7, error: 'Connection closed with an error.', allowReconnect: true });
});

test('no handshake: closed after its time, with a word why', async () => {
  const c = await Plain.open(base, '/brief', { shake: false });
  const end = await within(c.closed, 8000, 'the time-out');
  assert.equal(end.code, 1000);
  assert.deepEqual(c.inbox.items[0], { error: 'Handshake was canceled.' });
});

// What a better server does and the reference does not: this is expected to fail against ASP.NET Core.
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { Client, signalR, using, ways } from '../lib/client.mjs';
import { base, within } from '../lib/env.mjs';
import { describe, test } from '../lib/suite.mjs';
import '../lib/exit.mjs';
import { Proxy } from '../lib/proxy.mjs';
import { pack, RS, Wire } from '../lib/wire.mjs';

describe('beyond the reference', { concurrency: 4 }, () => {
  for (const way of ways.filter(w => w.transport === 'ws' && !w.skip))
    test(`stateful reconnect, ${way.name}: replayed items of an upload that has ended are counted like any message`, async () => {
      const proxy = await Proxy.to(base);
      try {
        await using([new Client(way, { url: proxy.url, stateful: true })], async c => {
          const subject = new signalR.Subject();
          const sum = c.invoke('UploadSum', subject);
          for (let i = 0; i < 50; i++) subject.next(1);
          subject.complete();
          assert.equal(await sum, 50);
          proxy.cut(); // before the acknowledgement, so the client sends all of it again
          assert.equal(await within(c.connection.invoke('Add', 1, 2), 4000, 'a call after the replay'), 3);
        });
      } finally { await proxy.close(); }
    });
  for (const text of ['{"type":0}', '{"type":10,"x":[1]}', '{"type":-1}'])
    test(`json: an unknown message type is skipped: ${text}`, async () => {
      const w = new Wire();
      try { await w.ready(); w.text(text + RS); await w.fence(1500); assert.equal(w.lines.at(-1), 'alive'); } finally { await w.end(); }
    });
  test('messagepack: an unknown message type is skipped', async () => {
    const w = new Wire();
    try { await w.ready('/conformance', 'messagepack'); w.binary(pack([10, {}, 1])); await w.fence(1500); assert.equal(w.lines.at(-1), 'alive'); } finally { await w.end(); }
  });
  // A client that changed its network is back before the server knows that the old socket is gone.
  for (const kind of ['living', 'half-open'])
    test(`stateful reconnect while the old socket is ${kind}`, async () => {
      const proxy = await Proxy.to(base);
      const sockets = [];
      const open = url => new Promise((done, fail) => {
        const ws = new WebSocket(url.replace(/^http/, 'ws') + path);
        sockets.push(ws);
        ws.on('open', () => done(ws)); ws.on('error', fail); ws.on('unexpected-response', (q, r) => fail(new Error('status ' + r.statusCode)));
      });
      const { connectionToken } = await (await fetch(base + '/conformance/negotiate?negotiateVersion=1&useStatefulReconnect=true', { method: 'POST' })).json();
      const path = '/conformance?id=' + encodeURIComponent(connectionToken);
      try {
        const old = await open(proxy.url);
        const shaken = new Promise(done => old.once('message', done));
        old.send('{"protocol":"json","version":2}' + RS);
        await shaken;
        if (kind === 'half-open') proxy.freeze();
        const started = Date.now();
        const fresh = await within(open(base), Number(process.env.PATIENCE ?? 3000), 'the new socket');
        let text = '';
        const answered = new Promise(done => fresh.on('message', m => { text += m; if (text.includes('"result":3')) done(); }));
        fresh.send('{"type":9,"sequenceId":1}' + RS + '{"type":1,"invocationId":"1","target":"Add","arguments":[1,2]}' + RS);
        await within(answered, 3000, `an answer on the new socket (opened after ${Date.now() - started} ms)`);
      } finally { for (const ws of sockets) ws.terminate(); await proxy.close(); }
    });
});

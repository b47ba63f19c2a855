// Lost connections: automatic reconnect, stateful reconnect, keep-alive and timeouts.
import assert from 'node:assert/strict';
import { Client, failure, signalR, using, ways } from '../lib/client.mjs';
import { base, sleep, token, unique, within } from '../lib/env.mjs';
import { describe, test } from '../lib/suite.mjs';
import '../lib/exit.mjs';
import { Proxy } from '../lib/proxy.mjs';

const counting = n => Array.from({ length: n }, (_, i) => i);
const through = (body, to = base) => async () => {
  const proxy = await Proxy.to(to);
  try { await body(proxy); } finally { await proxy.close(); }
};

for (const way of ways)
  describe(`lost connections: ${way.name}`, { concurrency: 4 }, () => {
    test('automatic reconnect gives a new connection', through(async proxy => {
      const watcher = new Client(way);
      await using([new Client(way, { url: proxy.url, reconnect: [0, 50, 100, 500] }), watcher], async c => {
        const g = unique('g');
        await c.invoke('JoinGroup', g);
        const old = c.realId;
        proxy.cut();
        await c.events.one(e => e.kind === 'reconnected', 'reconnected');
        assert.deepEqual(c.events.items.map(e => e.kind), ['reconnecting', 'reconnected']);
        const now = (await c.invoke('WhoAmI')).connectionId;
        assert.notEqual(now, old);
        if (!way.skip) assert.equal(c.events.items[1].id, now);
        const [msg, fence] = [unique('m'), unique('f')];
        await watcher.invoke('SendGroup', g, msg);
        await watcher.invoke('SendClient', now, fence);
        await c.recv.one(fence);
        assert.ok(!c.recv.items.includes(msg), 'membership must not survive');
      });
    }));
    test('the server notices a lost connection', through(async proxy => {
      const watcher = new Client(way, { hub: 'short' });
      await using([new Client(way, { hub: 'short', url: proxy.url }), watcher], async c => {
        proxy.cut();
        await c.closed;
        const gone = await watcher.invoke('AwaitEvent', c.realId, 'disconnected', 12000);
        assert.ok(gone, 'disconnected event');
      });
    }));
    test('pending calls fail when the connection is lost', through(async proxy => {
      await using([new Client(way, { url: proxy.url })], async c => {
        const pending = failure(c.invoke('Slow', 5000));
        await sleep(60);
        proxy.cut();
        assert.ok(await pending instanceof Error);
      });
    }));
    test('server aborts: automatic reconnect does not come back', async () => {
      // An abort by the server says "do not reconnect" unless it allows it.
      await using([new Client(way, { reconnect: [0, 50] })], async c => {
        await c.invoke('Abort').catch(() => {});
        await c.events.one(e => e.kind === 'close' || e.kind === 'reconnected', 'an end');
      });
    });
    test('keep-alive holds an idle connection over the timeouts', () => using([new Client(way, { hub: 'short' })], async c => {
      c.connection.serverTimeoutInMilliseconds = 5000;
      await c.invoke('Void');
      await sleep(5500);
      assert.equal(await c.invoke('Add', 1, 1), 2);
      assert.deepEqual(c.events.items, []);
    }));
    if (way.transport !== 'lp') test('the client gives up on a silent server', through(async proxy => {
      await using([new Client(way, { url: proxy.url })], async c => {
        c.connection.serverTimeoutInMilliseconds = 400;
        await c.invoke('Void');
        proxy.freeze();
        const error = await within(c.closed, 6000, 'close');
        assert.match(error.message, /Server timeout elapsed/);
      });
    }));
    // (long polling has its own liveness: neither side pings or times out there)
    if (way.transport !== 'lp') test('the server gives up on a silent client', through(async proxy => {
      const watcher = new Client(ways[0], { hub: 'short' });
      const c = new Client(way, { hub: 'short', url: proxy.url });
      c.connection.keepAliveIntervalInMilliseconds = 60000;
      await using([c, watcher], async () => {
        const gone = await watcher.invoke('AwaitEvent', c.realId, 'disconnected', 12000);
        assert.equal(gone?.error, 'Client hasn\'t sent a message/ping within the configured ClientTimeoutInterval.');
        await c.closed;
      });
    }));
  });

for (const way of ways.filter(w => w.transport === 'ws' && !w.skip))
  describe(`stateful reconnect: ${way.name}`, { concurrency: 6 }, () => {
    const stateful = (proxy, more) => new Client(way, { url: proxy.url, stateful: true, ...more });
    /** Cuts, and waits until the client is back: it gives up when it is cut while it resends. */
    const cut = async (c, proxy) => { proxy.cut(); await c.invoke('Void'); };
    const survives = async (c, body) => {
      const id = c.realId;
      await body();
      assert.equal((await c.invoke('WhoAmI')).connectionId, id);
      assert.deepEqual(c.events.items, [], 'no close, no reconnect events');
      assert.equal((await c.invoke('Events', id)).length, 1, 'the hub saw one connect and no disconnect');
    };
    test('an idle connection survives a cut', through(async proxy => {
      await using([stateful(proxy)], async c => {
        await c.invoke('SetItem', 'k', 'kept');
        await c.invoke('JoinGroup', c.realId);
        await survives(c, async () => {
          proxy.cut();
          assert.equal(await c.invoke('GetItem', 'k'), 'kept');
          const msg = unique();
          await c.invoke('SendGroup', c.realId, msg);
          await c.recv.one(msg);
        });
      });
    }));
    test('a cut in mid-call', through(async proxy => {
      await using([stateful(proxy)], c => survives(c, async () => {
        const pending = c.invoke('Slow', 300);
        await sleep(50);
        proxy.cut();
        assert.equal(await pending, 300);
      }));
    }));
    test('a server stream loses and repeats nothing', through(async proxy => {
      await using([stateful(proxy)], c => survives(c, async () => {
        const pending = c.stream('Counter', 400, 1);
        for (const pause of [60, 120, 150]) { await sleep(pause); await cut(c, proxy); }
        assert.deepEqual(await pending, { items: counting(400) });
      }));
    }));
    test('a fast server stream loses and repeats nothing', through(async proxy => {
      await using([stateful(proxy)], c => survives(c, async () => {
        let n = 0, quiet = true; const items = [];
        await new Promise((done, fail) => c.connection.stream('Counter', 8000, 0).subscribe({
          next: i => { items.push(i); if (++n % 2000 === 500 && quiet) { quiet = false; setTimeout(() => cut(c, proxy).then(() => { quiet = true; }, fail), 25); } }, complete: done, error: fail }));
        assert.deepEqual(items, counting(8000));
      }));
    }));
    test('an upload loses and repeats nothing', through(async proxy => {
      await using([stateful(proxy)], c => survives(c, async () => {
        const subject = new signalR.Subject();
        const got = c.stream('StreamEcho', subject);
        for (let i = 0; i < 600; i++) {
          subject.next(i);
          if (i % 200 === 100) { await sleep(40); await cut(c, proxy); }
          if (i % 20 === 0) await sleep(2);
        }
        subject.complete();
        assert.deepEqual(await got, { items: counting(600) });
      }));
    }));
    test('calls in both directions through many cuts', through(async proxy => {
      await using([stateful(proxy)], c => survives(c, async () => {
        const calls = [];
        for (let round = 0; round < 5; round++) {
          for (let i = 0; i < 40; i++) calls.push(c.invoke('SendCaller', round * 40 + i));
          await sleep(3);
          await cut(c, proxy);
        }
        await Promise.all(calls);
        const mine = () => c.recv.items.filter(Number.isInteger);
        assert.deepEqual(mine(), counting(200));
      }));
    }));
    test('messages sent while the client is away arrive once, in order', through(async proxy => {
      const other = new Client(way);
      await using([stateful(proxy), other], c => survives(c, async () => {
        proxy.hold();
        proxy.cut();
        await sleep(50);
        for (let i = 0; i < 50; i++) await other.invoke('SendClient', c.realId, i);
        proxy.release();
        await c.recv.when(() => c.recv.items.filter(Number.isInteger).length >= 50, '50 messages');
        const fence = unique();
        await other.invoke('SendClient', c.realId, fence);
        await c.recv.one(fence);
        assert.deepEqual(c.recv.items.filter(Number.isInteger), counting(50));
      }));
    }));
    test('client results through a cut', through(async proxy => {
      const other = new Client(way);
      await using([stateful(proxy), other], c => survives(c, async () => {
        c.on('ask', async q => { proxy.cut(); await sleep(30); return 'still here, ' + q; });
        assert.equal(await other.invoke('AskClient', c.realId, 'you'), 'still here, you');
      }));
    }));
    test('many cuts in a row, identified client on the secure hub', through(async proxy => {
      await using([stateful(proxy, { hub: 'secure', token: token('u') })], c => survives(c, async () => {
        for (let i = 0; i < 6; i++) { proxy.cut(); assert.equal(await c.invoke('Add', i, 1), i + 1); await sleep(100); }
      }));
    }));
    test('a stop after cuts is clean', through(async proxy => {
      const other = new Client(way);
      await using([stateful(proxy), other], async c => {
        proxy.cut();
        await c.invoke('Void');
        await c.stop();
        assert.equal((await other.invoke('AwaitEvent', c.realId, 'disconnected', 5000)).error, null);
      });
    }));
    test('big messages pass the buffer limit (100000 bytes) while connected', through(async proxy => {
      await using([stateful(proxy)], c => survives(c, async () => {
        for (let i = 0; i < 3; i++) assert.equal((await c.invoke('BigMake', 300000)).length, 300000);
        proxy.cut();
        assert.equal((await c.invoke('BigMake', 300000)).length, 300000);
      }));
    }));
    test('a small server buffer applies back-pressure, not loss', through(async proxy => {
      await using([stateful(proxy, { hub: 'short' })], c => survives(c, async () => {
        const pending = c.stream('Counter', 60, 0); // acknowledgements come once a second and free 1000 bytes each time
        await sleep(20);
        proxy.cut();
        assert.deepEqual(await pending, { items: counting(60) });
      }));
    }));
    test('a small client buffer', through(async proxy => {
      await using([stateful(proxy, { stateful: { bufferSize: 500 } })], c => survives(c, async () => {
        const all = [];
        for (let i = 0; i < 60; i++) { all.push(c.invoke('Add', i, 1)); if (i === 30) { await sleep(10); proxy.cut(); } }
        assert.deepEqual(await Promise.all(all), counting(60).map(i => i + 1));
      }));
    }));
    test('too late is too late: after the disconnect timeout the old connection is gone', through(async proxy => {
      const other = new Client(way);
      await using([stateful(proxy, { reconnect: [0, 50, 100, 500] }), other], async c => {
        const old = c.realId;
        proxy.hold();
        proxy.cut();
        assert.ok(await other.invoke('AwaitEvent', old, 'disconnected', 12000));
        proxy.release();
        await c.events.one(e => e.kind === 'reconnected', 'a new connection');
        assert.notEqual((await c.invoke('WhoAmI')).connectionId, old);
      });
    }));
  });

// Every hub feature over every transport and protocol of the official client.
import assert from 'node:assert/strict';
import { allWays, Client, failure, signalR, using, ways } from '../lib/client.mjs';
import { askUrl, base2, broadcastUrl, Inbox, post, token, unique } from '../lib/env.mjs';
import { describe, test } from '../lib/suite.mjs';
import '../lib/exit.mjs';

const plain = { concurrency: 8 };

for (const way of ways) {
  const client = options => new Client(way, options);
  const one = body => () => using([client()], body);
  const two = body => () => using([client(), client()], body);
  const three = body => () => using([client(), client(), client()], body);
  const binary = way.protocol === 'messagepack';

  describe(`features: ${way.name}`, plain, () => {
    describe('values', plain, () => {
      test('connects, knows itself', one(async c => {
        const me = await c.invoke('WhoAmI');
        assert.equal(me.userIdentifier, null);
        assert.equal(me.itemsCount, 0);
        assert.equal(me.authenticated, false);
        assert.equal(typeof me.serverName, 'string');
        assert.equal(me.transport, { ws: 'WebSockets', sse: 'ServerSentEvents', lp: 'LongPolling' }[way.transport]);
        if (!way.skip) assert.equal(me.connectionId, c.connection.connectionId);
        assert.ok(me.connectionId.length >= 16);
      }));
      const values = {
        string: 'hello', empty: '', unicode: 'żółć 漢字 🚀 \u0000\u001f"\\/\u2028', zero: 0, int: 42, negative: -1, int31: 2147483647,
        int32: 4294967295, int53: 9007199254740991, 'negative int53': -9007199254740991, half: 0.5, tiny: 5e-324, huge: 1.7976931348623157e308,
        yes: true, no: false, null: null, list: [1, 'two', null, [3.5], {}], 'empty list': [], 'empty map': {},
        nested: { a: { b: { c: [{ d: null }] } }, 'key with space': 'ü', n: -128 }, 'long list': Array.from({ length: 1000 }, (_, i) => i),
        '300 chars': 'z'.repeat(300), '70000 bytes of map': null,
      };
      delete values['70000 bytes of map'];
      for (const [name, value] of Object.entries(values))
        test(`Echo ${name}`, one(async c => assert.deepEqual(await c.invoke('Echo', value), value)));
      test('Echo of many kinds in one connection', one(async c => {
        for (const value of Object.values(values)) assert.deepEqual(await c.invoke('Echo', value), value);
      }));
      test('EchoMany', one(async c => assert.deepEqual(await c.invoke('EchoMany', 1, 'b', { c: null }), [1, 'b', { c: null }])));
      test('Add', one(async c => assert.equal(await c.invoke('Add', 40, 2), 42)));
      test('method names ignore case', one(async c => assert.equal(await c.invoke('aDD', 1, 2), 3)));
      test('typed echoes', one(async c => {
        assert.equal(await c.invoke('EchoString', 'ż'), 'ż');
        assert.equal(await c.invoke('EchoString', null), null);
        assert.equal(await c.invoke('EchoInt', -2147483648), -2147483648);
        assert.equal(await c.invoke('EchoLong', 9007199254740991), 9007199254740991);
        assert.equal(await c.invoke('EchoDouble', 0.1), 0.1);
        assert.equal(await c.invoke('EchoDouble', 3), 3);
        assert.equal(await c.invoke('EchoBool', true), true);
        assert.deepEqual(await c.invoke('EchoStrings', ['a', '', 'ü']), ['a', '', 'ü']);
      }));
      test('Bytes', one(async c => {
        const bytes = Uint8Array.from({ length: 600 }, (_, i) => i & 255);
        if (binary) assert.deepEqual(Uint8Array.from(await c.invoke('Bytes', bytes)), bytes);
        else assert.equal(await c.invoke('Bytes', Buffer.from(bytes).toString('base64')), Buffer.from(bytes).toString('base64'));
      }));
      test('empty Bytes', one(async c => {
        if (binary) assert.deepEqual(Uint8Array.from(await c.invoke('Bytes', new Uint8Array(0))), new Uint8Array(0));
        else assert.equal(await c.invoke('Bytes', ''), '');
      }));
      test('dates', one(async c => {
        const made = await c.invoke('MakeDate');
        assert.equal(new Date(made).toISOString(), '2020-01-02T03:04:05.678Z');
        assert.equal(made instanceof Date, binary);
        const when = new Date('1999-12-31T23:59:59.123Z');
        assert.equal(new Date(await c.invoke('EchoDate', when)).toISOString(), when.toISOString());
        const old = new Date('1901-02-03T04:05:06.007Z');
        assert.equal(new Date(await c.invoke('EchoDate', old)).toISOString(), old.toISOString());
      }));
      test('nested objects', one(async c => {
        const node = { name: 'root', count: 1, tags: ['a', 'b'], map: { x: 1, y: 2 },
          child: { name: 'leaf', count: 2, tags: [], map: { z: 4 }, child: null } };
        assert.deepEqual(await c.invoke('EchoNode', node), node);
        assert.deepEqual(await c.invoke('DescribeNode', node), { name: 'root', depth: 2, tagCount: 2, mapSum: 7 });
      }));
      test('edge values', one(async c => {
        const e = await c.invoke('EdgeValues');
        assert.deepEqual(Object.keys(e), ['nothing', 'empty', 'unicode', 'int64Max', 'int64Min', 'int32Max', 'doubleMax', 'doubleTiny', 'half', 'yes', 'no', 'emptyList', 'emptyMap']);
        assert.deepEqual({ ...e, int64Max: 0, int64Min: 0 }, { nothing: null, empty: '', unicode: 'żółć 漢字 🚀 \u0000\u001f"\\/', int64Max: 0, int64Min: 0,
          int32Max: 2147483647, doubleMax: 1.7976931348623157e308, doubleTiny: 5e-324, half: 0.5, yes: true, no: false, emptyList: [], emptyMap: {} });
        assert.equal(Number(e.int64Max), 2 ** 63);
        assert.equal(Number(e.int64Min), -(2 ** 63));
      }));
      test('Void and Null', one(async c => {
        assert.equal(await c.invoke('Void') ?? null, null);
        assert.equal(await c.invoke('Null'), null);
      }));
      test('big messages', one(async c => {
        const text = 'y'.repeat(30000);
        assert.equal(await c.invoke('BigEcho', text), text);
        const made = await c.invoke('BigMake', 1000000);
        assert.equal(made.length, 1000000);
        assert.equal(made, 'x'.repeat(1000000));
      }));
      test('bigger messages where the hub allows them', () => using([client({ hub: 'parallel' })], async c => {
        const text = 'ż'.repeat(250000);
        assert.equal(await c.invoke('BigEcho', text), text);
      }));
      test('a message over the limit ends the connection', one(async c => {
        const broken = await failure(c.invoke('BigEcho', 'y'.repeat(33000)));
        assert.ok(broken instanceof Error);
        await c.closed;
      }));
      test('many calls in flight', one(async c => {
        const sums = await Promise.all(Array.from({ length: 200 }, (_, i) => c.invoke('Add', i, 1000)));
        assert.deepEqual(sums, Array.from({ length: 200 }, (_, i) => i + 1000));
      }));
      test('send without an answer', one(async c => {
        await c.connection.send('SendCaller', 'one way');
        await c.recv.one('one way');
      }));
      test('withCredentials off', () => using([client({ options: { withCredentials: false } })], async c => assert.equal(await c.invoke('Add', 1, 2), 3)));
      test('query string and headers are readable', () => using([client({ query: '?color=dark%20red', headers: { 'x-flavour': 'mint' } })], async c => {
        assert.equal(await c.invoke('QueryValue', 'color'), 'dark red');
        assert.equal(await c.invoke('QueryValue', 'absent'), null);
        assert.equal(await c.invoke('HeaderValue', 'x-flavour'), 'mint');
      }));
    });

    describe('errors', plain, () => {
      test('Throw hides its text', one(async c => {
        const e = await failure(c.invoke('Throw', 'secret'));
        assert.equal(e.message, "An unexpected error occurred invoking 'Throw' on the server.");
        assert.equal(await c.invoke('Add', 1, 1), 2);
      }));
      test('Throw with detailed errors', () => using([client({ hub: 'parallel' })], async c => {
        const e = await failure(c.invoke('Throw', 'secret'));
        assert.equal(e.message, "An unexpected error occurred invoking 'Throw' on the server. InvalidOperationException: secret");
      }));
      test('ThrowHub shows its text', one(async c => {
        const e = await failure(c.invoke('ThrowHub', 'visible ż'));
        assert.equal(e.message, "An unexpected error occurred invoking 'ThrowHub' on the server. HubException: visible ż");
      }));
      test('unknown method', one(async c => {
        const e = await failure(c.invoke('NoSuchMethod', 1));
        assert.equal(e.message, "Failed to invoke 'NoSuchMethod' due to an error on the server. HubException: Method does not exist.");
        assert.equal(await c.invoke('Add', 1, 1), 2);
      }));
      test('unknown method sent without an answer is ignored', one(async c => {
        await c.connection.send('NoSuchMethod', 1);
        assert.equal(await c.invoke('Add', 1, 1), 2);
      }));
      test('too few arguments', one(async c => {
        const e = await failure(c.invoke('Add', 1));
        assert.match(e.message, /^Failed to invoke 'Add' due to an error on the server\./);
        assert.equal(await c.invoke('Add', 1, 1), 2);
      }));
      test('too many arguments', one(async c => {
        const e = await failure(c.invoke('Add', 1, 2, 3));
        assert.match(e.message, /^Failed to invoke 'Add' due to an error on the server\./);
        assert.equal(await c.invoke('Add', 1, 1), 2);
      }));
      test('wrong argument type', one(async c => {
        const e = await failure(c.invoke('Add', 'one', 2));
        assert.match(e.message, /^Failed to invoke 'Add' due to an error on the server\./);
        assert.equal(await c.invoke('Add', 1, 1), 2);
      }));
      test('invoking a streaming method', one(async c => {
        const e = await failure(c.invoke('Counter', 3, 0));
        assert.equal(e.message, "The client attempted to invoke the streaming 'Counter' method with a non-streaming invocation.");
      }));
      test('streaming a plain method', one(async c => {
        const { error } = await c.stream('Add', 1, 2);
        assert.equal(error.message, "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation.");
      }));
      test('streaming an unknown method', one(async c => {
        const { error } = await c.stream('NoSuchStream');
        assert.equal(error.message, "Failed to invoke 'NoSuchStream' due to an error on the server. HubException: Method does not exist.");
      }));
      test('inherited and lifecycle methods are not callable', one(async c => {
        for (const name of ['OnConnectedAsync', 'OnDisconnectedAsync', 'ToString', 'GetHashCode', 'Dispose'])
          assert.equal((await failure(c.invoke(name))).message, `Failed to invoke '${name}' due to an error on the server. HubException: Method does not exist.`);
      }));
    });

    describe('order and parallelism', plain, () => {
      test('one invocation at a time by default', one(async c => {
        const done = [];
        await Promise.all([c.invoke('Slow', 150).then(() => done.push('slow')), c.invoke('Add', 1, 1).then(() => done.push('add'))]);
        assert.deepEqual(done, ['slow', 'add']);
      }));
      test('several at a time where the hub allows it', () => using([client({ hub: 'parallel' })], async c => {
        const done = [];
        await Promise.all([c.invoke('Slow', 300).then(() => done.push('slow')), c.invoke('Add', 1, 1).then(() => done.push('add'))]);
        assert.deepEqual(done, ['add', 'slow']);
      }));
      test('streams do not block calls', one(async c => {
        const items = [];
        const subscription = c.connection.stream('Counter', 100000, 20).subscribe({ next: i => items.push(i), complete() {}, error() {} });
        assert.equal(await c.invoke('Add', 1, 1), 2);
        subscription.dispose();
        assert.equal(await c.invoke('AwaitCancelled', 1, 5000), 1);
      }));
      test('sends arrive in order', one(async c => {
        await c.invoke('SendMany', 300);
        const mine = () => c.recv.items.filter(Number.isInteger);
        await c.recv.when(() => mine().length >= 300, '300 messages');
        assert.deepEqual(mine(), Array.from({ length: 300 }, (_, i) => i));
      }));
      test('sends of a method arrive before its completion', one(async c => {
        for (let i = 0; i < 20; i++) { await c.invoke('SendCaller', i); assert.equal(c.recv.items.filter(Number.isInteger).length, i + 1); }
      }));
    });

    describe('sends', plain, () => {
      // After the send under test each client is sent a fence directly; what came before the fence is the verdict.
      const verdict = async (sender, msg, receivers, send) => {
        await send();
        const fence = unique('fence');
        for (const c of receivers) await sender.invoke('SendClient', c.realId, fence);
        for (const c of receivers) await c.recv.one(fence);
        return receivers.map(c => c.recv.items.filter(m => m === msg).length);
      };
      const cases = {
        SendAll: { call: (a, b, c, m) => a.invoke('SendAll', m), got: [1, 1, 1] },
        SendOthers: { call: (a, b, c, m) => a.invoke('SendOthers', m), got: [0, 1, 1] },
        SendCaller: { call: (a, b, c, m) => a.invoke('SendCaller', m), got: [1, 0, 0] },
        SendAllExcept: { call: (a, b, c, m) => a.invoke('SendAllExcept', [b.realId, 'unknown'], m), got: [1, 0, 1] },
        'SendAllExcept none': { call: (a, b, c, m) => a.invoke('SendAllExcept', [], m), got: [1, 1, 1] },
        SendClient: { call: (a, b, c, m) => a.invoke('SendClient', b.realId, m), got: [0, 1, 0] },
        'SendClient to oneself': { call: (a, b, c, m) => a.invoke('SendClient', a.realId, m), got: [1, 0, 0] },
        'SendClient unknown': { call: (a, b, c, m) => a.invoke('SendClient', 'unknown', m), got: [0, 0, 0] },
        SendClients: { call: (a, b, c, m) => a.invoke('SendClients', [c.realId, a.realId, 'unknown'], m), got: [1, 0, 1] },
        'SendClients empty': { call: (a, b, c, m) => a.invoke('SendClients', [], m), got: [0, 0, 0] },
        SendGroup: { group: ['b', 'c'], call: (a, b, c, m, g) => a.invoke('SendGroup', g, m), got: [0, 1, 1] },
        'SendGroup unknown': { group: ['b'], call: (a, b, c, m, g) => a.invoke('SendGroup', g + 'x', m), got: [0, 0, 0] },
        'group names mind case': { group: ['b'], call: (a, b, c, m, g) => a.invoke('SendGroup', g.toUpperCase(), m), got: [0, 0, 0] },
        SendGroups: { group: ['b'], call: async (a, b, c, m, g) => { await a.invoke('AddToGroup', c.realId, g + '2'); await a.invoke('SendGroups', [g, g + '2', g + '3'], m); }, got: [0, 1, 1] },
        'SendGroups reaches a member of two twice': { group: ['b'], call: async (a, b, c, m, g) => { await b.invoke('JoinGroup', g + '2'); await a.invoke('SendGroups', [g, g + '2'], m); }, got: [0, 2, 0] },
        SendGroupExcept: { group: ['a', 'b', 'c'], call: (a, b, c, m, g) => a.invoke('SendGroupExcept', g, [b.realId], m), got: [1, 0, 1] },
        SendOthersInGroup: { group: ['a', 'b'], call: (a, b, c, m, g) => a.invoke('SendOthersInGroup', g, m), got: [0, 1, 0] },
        'joining twice counts once': { group: ['b', 'b'], call: (a, b, c, m, g) => a.invoke('SendGroup', g, m), got: [0, 1, 0] },
        LeaveGroup: { group: ['b', 'c'], call: async (a, b, c, m, g) => { await b.invoke('LeaveGroup', g); await a.invoke('SendGroup', g, m); }, got: [0, 0, 1] },
        RemoveFromGroup: { group: ['b', 'c'], call: async (a, b, c, m, g) => { await a.invoke('RemoveFromGroup', c.realId, g); await a.invoke('SendGroup', g, m); }, got: [0, 1, 0] },
// over Redis the reference waits half a minute for the unknown connection: see beyond/
        ...(base2 ? {} : { 'unknown connections in group calls': { group: ['b'], call: async (a, b, c, m, g) => { await a.invoke('AddToGroup', 'unknown', g); await a.invoke('RemoveFromGroup', 'unknown', g); await a.invoke('LeaveGroup', g); await a.invoke('SendGroup', g, m); }, got: [0, 1, 0] } }),
        'group with an odd name': { name: 'grüße/:* %20\n"', group: ['c'], call: (a, b, c, m, g) => a.invoke('SendGroup', g, m), got: [0, 0, 1] },
      };
      for (const [name, { call, got, group = [], name: stem = 'g' }] of Object.entries(cases))
        test(name, three(async (a, b, c) => {
          const g = unique(stem);
          for (const who of group) await a.invoke('AddToGroup', { a, b, c }[who].realId, g);
          const msg = unique('msg');
          assert.deepEqual(await verdict(a, msg, [a, b, c], () => call(a, b, c, msg, g)), got);
        }));
      test('all argument shapes reach the handler', one(async c => {
        const seen = [];
        c.on('args', (...args) => seen.push(args)).on('noargs', (...args) => seen.push(args));
        await c.invoke('SendArgs');
        await c.invoke('SendNoArgs');
        assert.deepEqual(seen, [[1, 'two', null, [3], { k: 4 }], []]);
      }));
      test('client handler names ignore case, unknown handlers are survived', one(async c => {
        const seen = [];
        c.on('MyHandler', x => seen.push(x));
        await c.invoke('SendTo', c.realId, 'myhandler', [1]);
        await c.invoke('SendTo', c.realId, 'nobodyListens', [2]);
        assert.deepEqual(seen, [1]);
      }));
      test('structured message', two(async (a, b) => {
        const msg = { id: unique(), list: [1, null, 'ż'], deep: { yes: true, half: 0.5 } };
        await a.invoke('SendClient', b.realId, msg);
        assert.deepEqual(await b.recv.one(m => m?.id === msg.id), msg);
      }));
      test('membership dies with the connection', two(async (a, b) => {
        const g = unique('g');
        await b.invoke('JoinGroup', g);
        const old = b.realId;
        await b.stop();
        await a.invoke('AwaitEvent', old, 'disconnected', 5000);
        await b.start();
        assert.notEqual(b.realId, old);
        const [msg, fence] = [unique('msg'), unique('fence')];
        await a.invoke('SendGroup', g, msg);
        await a.invoke('SendClient', old, msg);
        await a.invoke('SendClient', b.realId, fence);
        await b.recv.one(fence);
        assert.ok(!b.recv.items.includes(msg));
      }));
      test('out-of-hub sends', two(async (a, b) => {
        const g = unique('g');
        await b.invoke('JoinGroup', g);
        const [all, direct, group, except] = ['all', 'direct', 'group', 'except'].map(unique);
        assert.equal((await post(broadcastUrl, { target: 'recv', args: [all] })).status, 204);
        await post(broadcastUrl, { target: 'recv', args: [direct], connection: b.realId });
        await post(broadcastUrl, { target: 'recv', args: [group], group: g });
        await post(broadcastUrl, { target: 'recv', args: [except], except: [b.realId] });
        await a.recv.one(all); await b.recv.one(all); await b.recv.one(direct); await b.recv.one(group); await a.recv.one(except);
        assert.deepEqual(a.recv.items.filter(m => [direct, group].includes(m)), []);
        assert.ok(!b.recv.items.includes(except));
      }));
    });

    describe('users', plain, () => {
      const identified = (...names) => names.map(name => client({ token: token(name) }));
      test('identity comes from the token', async () => {
        const u = unique('user');
        await using(identified(u), async c => {
          const me = await c.invoke('WhoAmI');
          assert.deepEqual([me.userIdentifier, me.authenticated], [u, true]);
        });
      });
      test('SendUser reaches every connection of the user', async () => {
        const [u, v] = [unique('u'), unique('v')];
        await using(identified(u, u, v), async (a, b, c) => {
          const msg = unique('msg');
          await c.invoke('SendUser', u, msg);
          await a.recv.one(msg); await b.recv.one(msg);
          const fence = unique('fence');
          await a.invoke('SendUser', v, fence);
          await c.recv.one(fence);
          assert.ok(!c.recv.items.includes(msg));
        });
      });
      test('SendUsers', async () => {
        const [u, v, w] = [unique('u'), unique('v'), unique('w')];
        await using(identified(u, v, w), async (a, b, c) => {
          const [msg, fence] = [unique('msg'), unique('fence')];
          await c.invoke('SendUsers', [u, v, 'nobody'], msg);
          await a.recv.one(msg); await b.recv.one(msg);
          await a.invoke('SendUser', w, fence);
          await c.recv.one(fence);
          assert.ok(!c.recv.items.includes(msg));
          await c.invoke('SendUser', 'nobody', msg);
        });
      });
      test('out-of-hub send to a user', async () => {
        const u = unique('u');
        await using(identified(u), async c => {
          const msg = unique('msg');
          await post(broadcastUrl, { target: 'recv', args: [msg], user: u });
          await c.recv.one(msg);
        });
      });
    });

    describe('connection', plain, () => {
      test('items belong to the connection', two(async (a, b) => {
        await a.invoke('SetItem', 'k', { deep: [1] });
        assert.deepEqual(await a.invoke('GetItem', 'k'), { deep: [1] });
        assert.equal(await b.invoke('GetItem', 'k'), null);
        assert.equal((await a.invoke('WhoAmI')).itemsCount, 1);
        await a.invoke('SetItem', 'k', 2);
        assert.equal(await a.invoke('GetItem', 'k'), 2);
      }));
      test('Abort closes', two(async (a, b) => {
        await a.invoke('Abort').catch(() => {});
        await a.closed;
        const gone = await b.invoke('AwaitEvent', a.realId, 'disconnected', 5000);
        assert.deepEqual(gone, { kind: 'disconnected', connectionId: a.realId, error: null });
      }));
      test('lifecycle log', two(async (a, b) => {
        const kinds = async () => (await b.invoke('Events', a.realId)).map(e => [e.kind, e.error]);
        assert.deepEqual(await kinds(), [['connected', null]]);
        await a.stop();
        assert.equal((await b.invoke('AwaitEvent', a.realId, 'disconnected', 5000)).error, null);
        assert.deepEqual(await kinds(), [['connected', null], ['disconnected', null]]);
      }));
      test('stop is clean for the client', one(async c => {
        await c.stop();
        assert.equal(await c.closed, null);
      }));
      test('start, stop, start again gives a new connection', one(async c => {
        const first = c.realId;
        await c.stop();
        await c.start();
        assert.notEqual(c.realId, first);
        assert.equal(await c.invoke('Add', 1, 1), 2);
      }));
    });

    describe('streams', plain, () => {
      const counting = n => Array.from({ length: n }, (_, i) => i);
      for (const name of ['Counter', 'CounterEnumerable']) {
        test(`${name} to its end`, one(async c => assert.deepEqual(await c.stream(name, 100, 0), { items: counting(100) })));
        test(`${name} of nothing`, one(async c => assert.deepEqual(await c.stream(name, 0, 0), { items: [] })));
        test(`${name} with pauses`, one(async c => assert.deepEqual(await c.stream(name, 5, 10), { items: counting(5) })));
        test(`${name} cancelled`, one(async c => {
          const seen = [];
          await new Promise((done, fail) => {
            const s = c.connection.stream(name, 1000000, 5).subscribe({ next: i => { seen.push(i); if (i === 2) { s.dispose(); done(); } }, error: fail, complete() {} });
          });
          assert.deepEqual(seen, [0, 1, 2]);
          assert.equal(await c.invoke('AwaitCancelled', 1, 5000), 1);
        }));
      }
      test('large fast stream', one(async c => assert.deepEqual(await c.stream('Counter', 3000, 0), { items: counting(3000) })));
      test('ten streams at once', one(async c => {
        const all = await Promise.all(Array.from({ length: 10 }, () => c.stream('Counter', 50, 1)));
        for (const s of all) assert.deepEqual(s, { items: counting(50) });
      }));
      test('StreamThrow hides its text', one(async c => {
        const { items, error } = await c.stream('StreamThrow', 3);
        assert.deepEqual(items, [0, 1, 2]);
        assert.equal(error.message, 'An error occurred on the server while streaming results.');
      }));
      test('StreamThrowHub shows its text', one(async c => {
        const { items, error } = await c.stream('StreamThrowHub', 3);
        assert.deepEqual(items, [0, 1, 2]);
        assert.equal(error.message, 'An error occurred on the server while streaming results. HubException: stream failed');
      }));
      test('StreamThrow with detailed errors', () => using([client({ hub: 'parallel' })], async c => {
        const { error } = await c.stream('StreamThrow', 1);
        assert.equal(error.message, 'An error occurred on the server while streaming results. InvalidOperationException: stream failed');
      }));
      test('failure before the stream starts', one(async c => {
        const { items, error } = await c.stream('StreamNow', true);
        assert.deepEqual(items, []);
        assert.equal(error.message, "An unexpected error occurred invoking 'StreamNow' on the server.");
        assert.deepEqual(await c.stream('StreamNow', false), { items: [] });
      }));
      // Lets everything this client has queued go out, so that stopping it cuts nothing short.
      const settle = async (c, n) => { for (let i = 0; i < n; i++) await c.invoke('Void'); };
      const upload = (items, { fail } = {}) => {
        const subject = new signalR.Subject();
        setImmediate(() => { for (const i of items) subject.next(i); fail ? subject.error(new Error(fail)) : subject.complete(); });
        return subject;
      };
      test('StreamEcho', one(async c => {
        const items = ['a', 1, null, { k: [true] }, 'ż'];
        assert.deepEqual(await c.stream('StreamEcho', upload(items)), { items });
      }));
      test('StreamEcho of nothing', one(async c => assert.deepEqual(await c.stream('StreamEcho', upload([])), { items: [] })));
      test('StreamEchoMany', one(async c => assert.deepEqual(await c.stream('StreamEchoMany', 'first', upload([1, 2])), { items: ['first', 1, 2] })));
      test('StreamEcho is item by item', one(async c => {
        const subject = new signalR.Subject();
        const seen = [];
        await new Promise((done, fail) => {
          c.connection.stream('StreamEcho', subject).subscribe({
            next: i => { seen.push(i); i < 5 ? subject.next(i + 1) : subject.complete(); }, complete: done, error: fail });
          setTimeout(() => subject.next(1), 10);
        });
        assert.deepEqual(seen, [1, 2, 3, 4, 5]);
      }));
      test('UploadSum', one(async c => assert.equal(await c.invoke('UploadSum', upload(counting(100))), 4950)));
      test('UploadSum of nothing', one(async c => assert.equal(await c.invoke('UploadSum', upload([])), 0)));
      test('UploadConcat', one(async c => assert.equal(await c.invoke('UploadConcat', upload(['a', '', 'ż', '🚀'])), 'aż🚀')));
      // Two neighbouring streams are beyond this client (it loses the second); the other suites have UploadTwo.
      test('two uploads at once', one(async c => assert.deepEqual(await c.invoke('UploadTwoApart', upload([1, 2, 3]), 'label', upload([10, 20])), { a: 6, b: 30 })));
      test('UploadMixed', one(async c => assert.equal(await c.invoke('UploadMixed', '<', upload([4, 5]), '>'), '<9>')));
      test('UploadFirst returns early', one(async c => {
        assert.equal(await c.invoke('UploadFirst', upload(counting(8)), 3), 3);
        await settle(c, 12);
      }));
      test('UploadCount of many', one(async c => assert.equal(await c.invoke('UploadCount', upload(counting(2000))), 2000)));
      test('upload that ends with an error', one(async c => {
        const said = await c.invoke('UploadError', upload([1, 2], { fail: 'client broke' }));
        assert.equal(said, 'error:client broke');
        assert.equal(await c.invoke('UploadError', upload([1])), 'ok');
      }));
      test('upload item of a wrong type', one(async c => {
        const said = await c.invoke('UploadError', upload(['not a number']));
        assert.match(said, /^error:/);
        // What is left of the upload leaves before the client stops: over POST that takes round trips.
        for (let i = 0; i < 8; i++) await c.invoke('Void');
      }));
      test('uploads by send', one(async c => {
        await c.connection.send('UploadSum', upload([1, 2]));
        await settle(c, 6);
      }));
      test('open upload dies with the connection', two(async (a, b) => {
        const subject = new signalR.Subject();
        const echo = new signalR.Subject();
        await new Promise(done => { a.connection.stream('StreamEcho', echo).subscribe({ next: done, error() {}, complete() {} }); echo.next(1); });
        const pending = a.invoke('UploadSum', subject).catch(e => e);
        await new Promise(setImmediate);
        await a.stop();
        assert.ok(await pending instanceof Error);
        await b.invoke('AwaitEvent', a.realId, 'disconnected', 5000);
      }));
      test('running stream dies with the connection', two(async (a, b) => {
        let n = 0;
        await new Promise(done => a.connection.stream('Counter', 1000000, 2).subscribe({ next: () => { if (++n === 3) done(); }, error() {}, complete() {} }));
        await a.stop();
        assert.ok(await b.invoke('AwaitEvent', a.realId, 'disconnected', 5000));
      }));
    });

    describe('client results', plain, () => {
      test('AskClient', two(async (a, b) => {
        b.on('ask', q => `you asked: ${q}`);
        assert.equal(await a.invoke('AskClient', b.realId, 'ż?'), 'you asked: ż?');
      }));
      test('AskClient, answer comes later', two(async (a, b) => {
        b.on('ask', async q => { await new Promise(r => setTimeout(r, 50)); return q + '!'; });
        assert.equal(await a.invoke('AskClient', b.realId, 'slow'), 'slow!');
      }));
      test('the asked client can call the hub meanwhile', two(async (a, b) => {
        b.on('ask', async () => String(await b.invoke('Add', 20, 1)));
        assert.equal(await a.invoke('AskClient', b.realId, ''), '21');
      }));
      test('many questions at once', () => using([client({ hub: 'parallel' }), client({ hub: 'parallel' })], async (a, b) => {
        b.on('ask', async q => { await new Promise(r => setTimeout(r, Number(q) % 3)); return q; });
        const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => a.invoke('AskClient', b.realId, String(i))));
        assert.deepEqual(answers, Array.from({ length: 20 }, (_, i) => String(i)));
      }));
      test('AskClientInHub', two(async (a, b) => {
        b.on('ask', q => q + q);
        assert.equal(await a.invoke('AskClientInHub', b.realId, 'x'), 'xx');
      }));
      for (const hub of ['conformance', 'parallel']) test(`asking oneself on /${hub}`, () => using([client({ hub })], async c => {
        c.on('ask', q => 'me: ' + q);
        assert.equal(await c.invoke('AskClientInHub', c.realId, 'who'), 'me: who');
        assert.equal(await c.invoke('AskClient', c.realId, 'who'), 'me: who');
      }));
      test('AskClientInt, right and wrong type', two(async (a, b) => {
        b.on('ask', q => q === 'n' ? 7 : 'seven');
        assert.equal(await a.invoke('AskClientInt', b.realId, 'n'), 7);
        await failure(a.invoke('AskClientInt', b.realId, 's'));
        assert.equal(await a.invoke('Add', 1, 1), 2);
        assert.equal(await b.invoke('Add', 1, 1), 2);
      }));
      test('AskClientTimeout', two(async (a, b) => {
        b.on('ask', q => q === 'now' ? 'here' : new Promise(() => {}));
        assert.equal(await a.invoke('AskClientTimeout', b.realId, 'now', 5000), 'here');
        assert.equal(await a.invoke('AskClientTimeout', b.realId, 'never', 60), 'timeout');
      }));
      test('an answer after the timeout harms nobody', two(async (a, b) => {
        const asked = new Inbox();
        b.on('ask', () => new Promise(done => asked.push(done)));
        assert.equal(await a.invoke('AskClientTimeout', b.realId, '', 40), 'timeout');
        await asked.count(1);
        asked.items[0]('too late');
        assert.equal(await b.invoke('Add', 1, 1), 2);
        assert.equal(await a.invoke('Add', 1, 1), 2);
      }));
      test('client throws', two(async (a, b) => {
        b.on('ask', () => { throw new Error('no idea'); });
        assert.match(await a.invoke('AskClientError', b.realId, ''), /^error:.*no idea/);
      }));
      test('client has no handler', two(async (a, b) => {
        assert.match(await a.invoke('AskClientError', b.realId, ''), /^error:Client didn't provide a result\.$/);
      }));
      test('unknown connection', one(async c => {
        assert.equal(await c.invoke('AskClientError', 'unknown', ''), "error:Connection 'unknown' does not exist.");
      }));
      test('asked connection goes away', two(async (a, b) => {
        b.on('ask', () => { setTimeout(() => b.stop(), 10); return new Promise(() => {}); });
        assert.match(await a.invoke('AskClientError', b.realId, ''), /^error:/);
      }));
      test('asked from outside the hub', one(async c => {
        c.on('ask', q => q.toUpperCase());
        assert.deepEqual((await post(askUrl, { connection: c.realId, question: 'abc' })).body, { answer: 'ABC' });
        assert.match((await post(askUrl, { connection: 'unknown', question: 'abc' })).body.error, /does not exist/);
      }));
    });
  });
}

describe('across protocols', plain, () => {
  test('one broadcast reaches json, messagepack, sse and long polling', () => using(allWays.map(way => new Client(way)), async (...clients) => {
    for (const sender of clients) {
      const msg = { from: unique('sender'), n: [1, -1, 0.5, null, true], s: 'ż' };
      await sender.invoke('SendAll', msg);
      for (const c of clients) assert.deepEqual(await c.recv.one(m => m?.from === msg.from), msg);
    }
  }));
  test('groups and client results too', () => using(allWays.map(way => new Client(way)), async (...clients) => {
    const g = unique('g');
    for (const c of clients) { c.on('ask', q => c.way.name + q); await c.invoke('JoinGroup', g); }
    const msg = unique('msg');
    await clients[0].invoke('SendGroup', g, msg);
    for (const c of clients) await c.recv.one(msg);
    for (const c of clients.slice(1)) assert.equal(await clients[0].invoke('AskClient', c.realId, '!'), c.way.name + '!');
  }));
});

// The program in service: admin pages, logs, stop, few descriptors, script timers, store and routes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { within } from '../conformance/lib/env.mjs';
import { connectStatus, Plain } from '../conformance/lib/plain.mjs';
import { eventually } from '../conformance/lib/server.mjs';
import { Tcp } from '../conformance/lib/tcp.mjs';
import '../conformance/lib/exit.mjs';
import { bystander, contractHubs, folder, serving } from './lib.mjs';

test('/metrics and /healthz, on the admin address only', () => serving({ workers: 2 }, async server => {
  const page = await fetch(server.adminUrl + '/metrics');
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  const text = await page.text();
  const names = [...text.matchAll(/^# TYPE (\w+) (counter|gauge|histogram)$/gm)].map(m => m[1]);
  assert.ok(names.length > 20);
  for (const name of names) {
    assert.ok(name.startsWith('signalua_'), name);
    assert.match(text, new RegExp(`^# HELP ${name} \\S`, 'm'));
  }
  for (const line of text.split('\n')) assert.match(line, /^(# (HELP|TYPE) .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[\d.e+]+|)$/);
  for (const worker of ['0', '1', 'main']) assert.match(text, new RegExp(`^signalua_connections\\{worker="${worker}"\\} 0$`, 'm'));
  const health = await fetch(server.adminUrl + '/healthz');
  assert.equal(health.status, 200);
  assert.equal((await fetch(server.adminUrl + '/nothing')).status, 404);
  for (const path of ['/metrics', '/healthz']) assert.equal((await fetch(server.url + path)).status, 404, `${path} is not public`);

  const [a, b] = [await Plain.open(server.url, '/lab'), await Plain.open(server.url, '/lab')];
  await a.invoke('Echo', 1);
  await b.call('NoSuchMethod');
  assert.equal(await server.metric('connections'), 2);
  assert.equal(await server.metric('connections_opened_total'), 2);
  assert.equal(await server.metric('invocations_total'), 2);
  assert.equal(await server.metric('invocations_failed_total'), 1);
  await Promise.all([a.stop(), b.stop()]);
  await server.metricBecomes('connections', 0);
}));

test('metrics that scripts make stand on the page', () => serving({
  workers: 2,
  hubs: folder({
    'shop.lua': `local signalua = require "signalua"
      local Shop = signalua.hub()
      local seconds = signalua.metrics.histogram("order_seconds", nil, { 0.5, 2 })
      signalua.metrics.gauge("stock", { item = 'a "b"' }):set(-2.5)
      function Shop:Order(kind, took)
        signalua.metrics.counter("orders_total", { kind = kind }):inc()
        seconds:observe(took)
      end
      return Shop`,
  }),
}, async server => {
  const shop = await Plain.open(server.url, '/shop');
  for (const [kind, took] of [['book', 0.1], ['book', 1], ['pen', 3]]) await shop.invoke('Order', kind, took);
  const text = await (await fetch(server.adminUrl + '/metrics')).text();
  const all = text.slice(text.indexOf('# TYPE signalua_app_')).split('\n');
  assert.deepEqual(all.filter(line => line.startsWith('#')), [
    '# TYPE signalua_app_order_seconds histogram', '# TYPE signalua_app_orders_total counter', '# TYPE signalua_app_stock gauge']);
  const sum = start => all.filter(line => line.replace(/worker="\d",?/, '').startsWith(start)).reduce((n, line) => n + Number(line.split(' ').at(-1)), 0);
  assert.equal(sum('signalua_app_orders_total{kind="book"}'), 2);
  assert.equal(sum('signalua_app_orders_total{kind="pen"}'), 1);
  assert.equal(sum('signalua_app_order_seconds_bucket{le="0.5"}'), 1);
  assert.equal(sum('signalua_app_order_seconds_bucket{le="+Inf"}'), 3);
  assert.equal(sum('signalua_app_order_seconds_count'), 3);
  for (const worker of [0, 1]) assert.ok(all.includes(`signalua_app_stock{worker="${worker}",item="a \\"b\\""} -2.5`), text);
  await shop.stop();
}));

test('log lines are JSON, one each, and tell no query string and no token', () => serving({ workers: 2, args: ['--log-level', 'debug'] }, async server => {
  const secrets = ['SECRETTOKEN', 'SECRETQUERY', 'SECRETHEADER', 'SECRETPAYLOAD'];
  const path = '/lab?access_token=SECRETTOKEN&q=SECRETQUERY';
  const negotiated = await (await fetch(server.url + '/lab/negotiate?negotiateVersion=1&access_token=SECRETTOKEN', { method: 'POST' })).json();
  secrets.push(negotiated.connectionToken);
  const c = await Plain.open(server.url, `${path}&id=${negotiated.connectionToken}`, { headers: { authorization: 'Bearer SECRETHEADER' } });
  await c.invoke('Echo', 'SECRETPAYLOAD');
  await c.call('Raise');
  await fetch(server.url + '/nothing?access_token=SECRETTOKEN');
  await fetch(server.url + '/broken?q=SECRETQUERY');
  await connectStatus(server.url, '/lab?id=SECRETTOKEN');
  const garbage = new Tcp(server.url).send('GET /lab?access_token=SECRETTOKEN HTTP/1.1\r\nHost: x\r\nbad header SECRETHEADER\r\n\r\n');
  await garbage.end();
  c.sendText('SECRETPAYLOAD is no JSON\x1e');
  await within(c.closed, 5000, 'close');
  await server.log(line => JSON.stringify(line).includes("the route's reason"));
  await server.stop();
  for (const line of server.logs.items) {
    assert.equal(line.raw, undefined, `not JSON: ${line.raw}`);
    assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(['debug', 'info', 'warn', 'error'].includes(line.level), line.level);
    assert.equal(typeof line.text, 'string');
  }
  for (const secret of secrets) assert.ok(!server.stderr.includes(secret), `the log tells ${secret}`);
  for (const text of ['started', 'stopping', 'stopped']) assert.equal(server.logs.items.filter(line => line.text === text).length, 1, text);
}));

for (const signal of ['SIGTERM', 'SIGINT'])
  test(`${signal}: clients are told that they may come back, exit status 0`, () => serving({ workers: 2 }, async server => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => Plain.open(server.url, '/lab')));
    clients[0].post('Nap');
    await clients[0].gotCount('napping', 1);
    const idle = await new Tcp(server.url).send('GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n');
    await idle.until(tcp => tcp.data.includes('404'));
    const started = Date.now();
    await server.stop(signal);
    assert.ok(Date.now() - started < 5000, 'it did not wait for its shutdown_timeout');
    for (const c of clients) {
      const end = await within(c.closed, 2000, 'close');
      assert.equal(end.code, 1000);
      assert.deepEqual(c.inbox.items.find(m => m.type === 7), { type: 7, allowReconnect: true });
    }
    await idle.end();
  }));

test('a stop in the middle of work, asked for twice', () => serving({ workers: 4 }, async server => {
  const clients = await Promise.all(Array.from({ length: 16 }, () => Plain.open(server.url, '/lab')));
  let stopping = false;
  const busy = clients.map(async (c, i) => {
    for (let n = 0; !stopping; n++) {
      if (i % 4 === 0) c.post('Nap');
      if (i % 4 === 1) c.post('Flood', 2, 1000);
      await c.invoke('Echo', n).catch(() => { stopping = true; });
    }
  });
  const arriving = (async () => { while (!stopping) await Plain.open(server.url, '/lab').then(c => c.vanish(), () => {}); })();
  await eventually(async () => await server.metric('invocations_total') > 500, 'work');
  server.child.kill('SIGTERM');
  await server.stop();
  stopping = true;
  for (const c of clients) await within(c.closed, 2000, 'close');
  await Promise.all([...busy, arriving]);
}));

test('a stop does not wait for ever for a client that does not answer', () => serving({ args: ['--shutdown-timeout', '0.5'] }, async server => {
  const c = await Plain.open(server.url, '/lab');
  c.ws._socket.pause();
  const started = Date.now();
  await server.stop();
  assert.ok(Date.now() - started < 4000);
  c.vanish();
}));

/** More connects than the server has descriptors for; `refused(sockets)` waits for what that does. */
const crowded = (descriptors, refused, metric) => () =>
  serving({ workers: 2, before: ['sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh'] }, async server => {
    const beside = await bystander(server);
    const sockets = Array.from({ length: 120 }, () => new Tcp(server.url));
    await Promise.all(sockets.map(tcp => within(new Promise(done => { tcp.socket.once('connect', done); tcp.socket.once('close', done); }), 8000, 'connect')));
    await refused(server, sockets);
    assert.equal(await beside.old.invoke('Echo', 'served'), 'served');
    for (const tcp of sockets) tcp.socket.destroy();
    await eventually(() => beside.check().then(() => true, () => false), 'new connections are taken again');
    assert.ok(await server.metric(metric) > 0, metric);
    await beside.stop();
  });
test('more sockets than are allowed: some are closed, the rest is served, and it recovers',
  crowded(48, (server, sockets) => eventually(() => sockets.some(tcp => tcp.ended), 'a refusal'), 'sockets_refused_total'));
test('descriptors run out: some wait, the rest is served, and it recovers',
  crowded(32, server => server.log('cannot accept connections, trying on'), 'accept_failures_total'));

test('the store is one for all workers', () => serving({ workers: 4 }, async server => {
  const clients = await Promise.all(Array.from({ length: 8 }, () => Plain.open(server.url, '/lab')));
  assert.equal(new Set(await Promise.all(clients.map(c => c.invoke('Worker')))).size, 4);
  const counts = await Promise.all(Array.from({ length: 200 }, (_, i) => clients[i % 8].invoke('Incr', 'n')));
  assert.deepEqual(counts.sort((a, b) => a - b), Array.from({ length: 200 }, (_, i) => i + 1));
  for (const [i, c] of clients.entries()) {
    await c.invoke('Set', 'last', `by ${i}`);
    for (const other of clients) assert.equal(await other.invoke('Get', 'last'), `by ${i}`);
  }
  await Promise.all(clients.map(c => c.stop()));
}));

test('timers run once in the pod, or once in each worker', () => serving({ workers: 3 }, async server => {
  const c = await Plain.open(server.url, '/lab');
  const runs = async key => c.invoke('List', key);
  for (const [where, states] of Object.entries({ worker: 3, pod: 1, cluster: 1, default: 1 })) {
    // Until the busiest Lua state ran it five times: then every other one that runs it did so too.
    const list = await eventually(async () => { const all = await runs(`every:${where}`); return all.length >= 5 * states + 5 ? all : null; }, where);
    assert.equal(new Set(list).size, states, `every, ${where}`);
  }
  for (const [where, states] of Object.entries({ worker: 3, pod: 1, cluster: 1 })) {
    const list = await runs(`after:${where}`);
    assert.equal(list.length, states, `after, ${where}`);
    assert.equal(new Set(list).size, states, `after, ${where}`);
  }
  await c.stop();
}));

test('routes of scripts', () => serving({ workers: 2 }, async server => {
  const shout = await fetch(server.url + '/shout?q=a%20b', { method: 'POST', body: 'quiet' });
  assert.equal(shout.status, 201);
  assert.equal(await shout.text(), 'QUIET');
  assert.equal(shout.headers.get('x-query'), 'a b');
  assert.equal(shout.headers.get('content-type'), 'text/shout');
  assert.equal((await fetch(server.url + '/shout')).status, 405);
  const broken = await fetch(server.url + '/broken');
  assert.equal(broken.status, 500);
  assert.equal(await broken.text(), '');
  const line = await server.log(l => JSON.stringify(l).includes("the route's reason"));
  assert.match(JSON.stringify(line), /lab\.lua:\d+/);
}));

test('a route hears of no body over the limit, and of one just under it', () => serving({ args: ['--body-max', '1000'] }, async server => {
  const shout = size => fetch(server.url + '/shout', { method: 'POST', body: 'x'.repeat(size) });
  assert.equal(await (await shout(1000)).text(), 'X'.repeat(1000));
  assert.equal((await shout(1001)).status, 413);
  assert.equal((await fetch(server.url + '/shout', { method: 'POST', body: 'again' })).status, 201);
}));

test('clients that leave a route which never answers: others are served, the program stops', () => serving({ workers: 2 }, async server => {
  const beside = await bystander(server);
  const running = async () => [...(await (await fetch(server.adminUrl + '/metrics')).text()).matchAll(/^signalua_coroutines_running\{[^}]*\} (\d+)$/gm)]
    .reduce((sum, [, count]) => sum + Number(count), 0);
  const sockets = Array.from({ length: 50 }, () => new Tcp(server.url).send('GET /never HTTP/1.1\r\nHost: x\r\n\r\n'));
  await eventually(async () => await running() >= 50, 'all of them run');
  for (const tcp of sockets) tcp.socket.destroy();
  await beside.check();
  assert.equal((await fetch(server.url + '/shout', { method: 'POST', body: 'x' })).status, 201);
  await beside.stop();
}));

test('the route of the contract: GET /health', () => serving({ hubs: contractHubs }, async server => {
  const reply = await fetch(server.url + '/health');
  assert.equal(reply.status, 200);
  assert.equal(await reply.text(), 'ok');
}));

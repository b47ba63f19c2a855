// Many clients of Server-Sent Events and Long Polling over several workers. Each request comes on a socket of its own, so most of
// them reach another worker than their connection's.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { eventually, Server } from '../conformance/lib/server.mjs';
import { within } from '../conformance/lib/env.mjs';
import { Tcp } from '../conformance/lib/tcp.mjs';
import '../conformance/lib/exit.mjs';
import { bystander, labHubs, memoryFreed, residentBytes } from './lib.mjs';

const RS = '\x1e';
const MiB = 1 << 20;
const WORKERS = 4;
const CLIENTS = 200;
const AT_ONCE = 20; // clients that open at a time: a backlog is not what is tested

let server;
before(async () => {
  server = await Server.start({ hubs: labHubs, workers: WORKERS,
    env: memoryFreed });
});
after(() => server.stop());

/** Sends a request on a fresh socket; resolves with its answer once the head is there. */
function begin(method, path, { body = '', headers = {} } = {}) {
  return new Promise((done, fail) => {
    const request = http.request(server.url + path, { method, agent: false, headers });
    request.on('response', done);
    request.on('error', fail);
    request.end(body);
    request.on('socket', socket => { request.theSocket = socket; });
  });
}
async function ask(method, path, options) {
  const reply = await begin(method, path, options);
  let text = '';
  for await (const bytes of reply) text += bytes;
  return { status: reply.statusCode, text };
}

class Client {
  text = '';
  #wake = () => {};
  static async open(transport) {
    const self = new Client();
    const ticket = JSON.parse((await ask('POST', '/transports/negotiate?negotiateVersion=1')).text);
    Object.assign(self, { transport, id: ticket.connectionId, path: '/transports?id=' + ticket.connectionToken });
    if (transport === 'sse') {
      self.waiting = await begin('GET', self.path, { headers: { accept: 'text/event-stream' } });
      self.waiting.on('data', bytes => self.#take(bytes)).on('error', () => {});
    } else {
      assert.deepEqual(await ask('GET', self.path), { status: 200, text: '' });
      self.#poll().catch(() => {});
    }
    await self.send({ protocol: 'json', version: 1 });
    await self.hears('{}' + RS);
    return self;
  }
  #take(bytes) { this.text += bytes; this.#wake(); }
  async #poll() {
    while (!this.gone) {
      this.waiting = http.request(server.url + this.path, { agent: false });
      const reply = await new Promise((done, fail) => this.waiting.on('response', done).on('error', fail).end());
      for await (const bytes of reply) this.#take(bytes);
      if (reply.statusCode !== 200) return;
    }
  }
  async send(message) {
    const reply = await ask('POST', this.path, { body: JSON.stringify(message) + RS });
    const ended = server.logs.items.find(l => l.text === 'ended' && l.who === this.id);
    assert.deepEqual(reply, { status: 200, text: '' }, `a POST was answered ${JSON.stringify(reply)}; the connection ended: ${ended?.reason}`);
  }
  hears(part) {
    return within((async () => { while (!this.text.includes(part)) await new Promise(done => { this.#wake = done; }); })(), 20000, part);
  }
  async echo(value) {
    await this.send({ type: 1, invocationId: value, target: 'Echo', arguments: [value] });
    await this.hears(`{"type":3,"invocationId":"${value}","result":"${value}"}`);
  }
  /** Resets the socket that waits. */
  kill() {
    this.gone = true;
    this.waiting.socket?.resetAndDestroy();
  }
}

async function openAll(transport) {
  const clients = [];
  while (clients.length < CLIENTS)
    clients.push(...await Promise.all(Array.from({ length: AT_ONCE }, () => Client.open(transport))));
  return clients;
}

/** Clients open, call, half of them are killed, the others call on and are killed with a call under way. */
async function wave(transport) {
  const clients = await openAll(transport);
  const { main, ...open } = (await server.metrics()).signalua_connections;
  assert.equal(Object.values(open).reduce((a, b) => a + b), CLIENTS, 'all are still there');
  assert.ok(Object.values(open).every(count => count > 0), 'every worker has some');
  await Promise.all(clients.map((client, i) => client.echo(`first-${i}`)));
  clients.slice(CLIENTS / 2).forEach(client => client.kill());
  await Promise.all(clients.slice(0, CLIENTS / 2).map((client, i) => client.echo(`second-${i}`)));
  await server.metricBecomes('connections', CLIENTS / 2, 20000);
  for (const client of clients.slice(0, CLIENTS / 2)) {
    client.send({ type: 1, target: 'Tell', arguments: ['x'.repeat(2000)] }).catch(() => {}); // 404 when it is too late
    client.kill();
  }
  await server.metricBecomes('connections', 0, 20000);
  await server.socketsBecome(0, 20000);
  await server.metricBecomes('queued_bytes', 0);
  for (const client of clients)
    assert.equal((await server.log(l => l.text === 'ended' && l.who === client.id)).reason, 'lost');
}

for (const transport of ['sse', 'lp'])
  test(`${transport}: ${CLIENTS} clients on ${WORKERS} workers, killed`, async () => {
    const letters = await server.metric('worker_letters_total');
    await wave(transport);
    assert.ok(await server.metric('worker_letters_total') > letters + CLIENTS, 'requests went from worker to worker');
    const resident = residentBytes(server.pid);
    await wave(transport);
    assert.ok(residentBytes(server.pid) < resident + 16 * MiB, 'memory comes back');
  });

test('sse: who does not read is closed, others go on', async () => {
  const beside = await bystander(server, 'transports');
  const reader = await Client.open('sse');
  const ticket = JSON.parse((await ask('POST', '/transports/negotiate?negotiateVersion=1')).text);
  const slow = new Tcp(server.url).send(`GET /transports?id=${ticket.connectionToken} HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n`);
  await slow.until(t => t.data.includes('\r\n:\r\n'));
  const path = '/transports?id=' + ticket.connectionToken;
  await ask('POST', path, { body: '{"protocol":"json","version":1}' + RS });
  await slow.until(t => t.data.includes('{}' + RS));
  slow.socket.pause();
  const ended = () => server.logs.items.find(l => l.text === 'ended' && l.who === ticket.connectionId);
  for (let round = 0; !ended(); round++) {
    assert.ok(round < 1000, '100 MB went somewhere');
    await beside.old.invoke('Flood', ticket.connectionId);
    assert.ok(await server.metric('queued_bytes') < MiB);
  }
  assert.equal(ended().reason, 'slow');
  assert.equal((await ask('POST', path, { body: RS })).status, 404);
  await beside.check();
  await reader.echo('still');
  reader.kill();
  slow.socket.destroy();
  await beside.stop();
  await server.metricBecomes('connections', 0);
  await eventually(async () => await server.metric('queued_bytes') === 0, 'nothing queued');
});

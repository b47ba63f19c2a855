// Why a connection ended, as on_disconnected is told, over every transport; and a client that calls on and on without reading.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { within } from '../conformance/lib/env.mjs';
import { negotiate, Plain } from '../conformance/lib/plain.mjs';
import { Server } from '../conformance/lib/server.mjs';
import { Tcp } from '../conformance/lib/tcp.mjs';
import '../conformance/lib/exit.mjs';
import { bystander, labHubs, memoryFreed, residentBytes } from './lib.mjs';

const RS = '\x1e';
const TEXT = 1;
const MiB = 1 << 20;

let server, beside;
before(async () => {
  server = await Server.start({ hubs: labHubs, workers: 2,
    env: memoryFreed });
  beside = await bystander(server, 'streams');
});
after(() => server.stop());

/** One connection by bare requests. */
class Connection {
  text = '';
  #stop = new AbortController();
  #wake = () => {};
  static async open(transport) {
    const self = new Connection();
    const { connectionToken, connectionId } = await negotiate(server.url, 'endings');
    Object.assign(self, { transport, id: connectionId, path: `${server.url}/endings?id=${connectionToken}` });
    if (transport === 'ws') {
      self.plain = await Plain.open(server.url, self.path.slice(server.url.length), { shake: false });
      self.plain.ws.on('message', data => self.#take(data.toString()));
    } else if (transport === 'sse') {
      const stream = await fetch(self.path, { headers: { accept: 'text/event-stream' }, signal: self.#stop.signal });
      (async () => { for await (const bytes of stream.body) self.#take(Buffer.from(bytes).toString()); })().catch(() => {});
    } else {
      await (await fetch(self.path)).text();
      (async () => {
        for (let status = 200; status === 200;) {
          const poll = await fetch(self.path, { signal: self.#stop.signal });
          status = poll.status;
          self.#take(await poll.text());
        }
      })().catch(() => {});
    }
    await self.send('{"protocol":"json","version":1}');
    await self.heard('{}' + RS);
    return self;
  }
  #take(text) { this.text += text; this.#wake(); }
  async heard(part) {
    await within((async () => { while (!this.text.includes(part)) await new Promise(done => { this.#wake = done; }); })(), 8000, part);
  }
  async send(message) {
    if (this.plain) this.plain.sendText(message + RS);
    else await fetch(this.path, { method: 'POST', body: message + RS });
  }
  call(target, ...args) { return this.send(JSON.stringify({ type: 1, target, arguments: args })); }
  /** Vanishes without a word. */
  drop() { this.#stop.abort(); }
  async ends(reason) {
    const line = await server.log(l => l.text === 'ended' && l.who === this.id);
    assert.equal(line.reason, reason);
    return line;
  }
}

for (const transport of ['ws', 'sse', 'lp']) {
  const ending = (reason, body) => test(`${transport}: ${reason}`, async () => {
    const connection = await Connection.open(transport);
    await body(connection);
    connection.line = await connection.ends(reason);
    connection.drop();
  });
  ending('client', c => c.send('{"type":7}'));
  ending('protocol', c => c.send('{"type":1}'));
  ending('too_large', c => c.call('Echo', 'x'.repeat(2000)));
  ending('abort', c => c.call('Abort'));
  test(`${transport}: kicked`, async () => {
    const connection = await Connection.open(transport), other = await Plain.open(server.url, '/endings');
    assert.equal(await other.invoke('Kick', connection.id, 'Go away.'), 1);
    await connection.heard('{"type":7,"error":"Go away."}');
    assert.equal((await connection.ends('kicked')).error, 'Go away.');
    assert.equal(await other.invoke('Kick', connection.id, 'Go away.'), 0);
    await other.stop();
    connection.drop();
  });
  if (transport !== 'lp') ending('timeout', c => c.send('{"type":6}')); // a poller needs no pings
  if (transport !== 'ws') ending('lost', c => c.drop());
}
test('ws: lost', async () => {
  const tcp = await new Tcp(server.url).upgrade('/endings');
  tcp.frame(TEXT, '{"protocol":"json","version":1}' + RS);
  await tcp.next();
  const ended = server.logs.items.filter(l => l.text === 'ended').length;
  tcp.socket.resetAndDestroy();
  await server.log(() => server.logs.items.filter(l => l.text === 'ended').length > ended);
  assert.equal(server.logs.items.filter(l => l.text === 'ended').at(-1).reason, 'lost');
});
test('ws: slow', async () => {
  const { connectionToken, connectionId } = await negotiate(server.url, 'endings');
  const stuck = await Plain.open(server.url, `/endings?id=${connectionToken}`), other = await Plain.open(server.url, '/endings');
  stuck.ws._socket.pause();
  for (let round = 0; !server.logs.items.some(l => l.text === 'ended' && l.who === connectionId); round++) {
    assert.ok(round < 100, '100 MB went somewhere');
    await other.invoke('Flood', connectionId);
  }
  assert.equal((await server.log(l => l.text === 'ended' && l.who === connectionId)).reason, 'slow');
  stuck.ws.terminate();
  await other.stop();
});

test('100,000 calls of a client that does not read', async () => {
  const tcp = await new Tcp(server.url).upgrade('/endings');
  tcp.frame(TEXT, '{"protocol":"json","version":1}' + RS);
  await tcp.next();
  const paused = await server.metric('reading_paused_total'), resident = residentBytes(server.pid);
  tcp.socket.pause();
  const call = JSON.stringify({ type: 1, invocationId: '1', target: 'Echo', arguments: ['x'.repeat(900)] }) + RS;
  for (let i = 0; i < 100000; i++) tcp.frame(TEXT, call);
  // What the server does not read stays with the client: its queue is our end's.
  await within((async () => { while (await server.metric('reading_paused_total') === paused) await beside.check(); })(), 20000, 'a pause');
  for (let i = 0; i < 20; i++) await beside.check();
  assert.ok(residentBytes(server.pid) < resident + 32 * MiB, 'memory');
  assert.ok(await server.metric('queued_bytes') < 4 * MiB, 'queued bytes');
  tcp.socket.destroy();
});

test('shutdown', async () => {
  const connections = [];
  for (const transport of ['ws', 'sse', 'lp']) connections.push(await Connection.open(transport));
  await beside.stop();
  await server.stop();
  for (const connection of connections) await connection.ends('shutdown');
});

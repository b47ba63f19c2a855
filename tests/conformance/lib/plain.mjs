// A hub connection by hand: JSON over one WebSocket, without the official client's habits (it pings only when told, it reconnects
// never, and it shows every message).
import WebSocket from 'ws';
import { Inbox, within } from './env.mjs';

const RS = '\x1e';

/** Negotiates; the answer's body. */
export async function negotiate(url, hub, version = 1, more = '') {
  const reply = await fetch(`${url}/${hub}/negotiate?negotiateVersion=${version}${more}`, { method: 'POST' });
  return reply.json();
}

/** The status with which a WebSocket is refused, or 101. */
export async function connectStatus(url, path) {
  const ws = new WebSocket(url.replace(/^http/, 'ws') + path);
  ws.on('error', () => {});
  try {
    return await within(new Promise((done, fail) => {
      ws.on('open', () => done(101));
      ws.on('unexpected-response', (request, reply) => { reply.resume(); done(reply.statusCode); });
      ws.on('error', fail);
    }), 10000, `answer to ${path}`);
  } finally { ws.terminate(); }
}

export class Plain {
  /** Hub messages but pings, in order of arrival. */
  inbox = new Inbox();
  pings = new Inbox();
  #count = 0;
  #text = '';

  /** Connects and shakes hands. path: "/hub" or "/hub?id=...". */
  static async open(url, path, { shake = true, version = 1, headers } = {}) {
    const self = new Plain();
    self.ws = new WebSocket(url.replace(/^http/, 'ws') + path, { headers });
    self.ws.on('message', data => self.#take(data.toString()));
    self.closed = new Promise(done => self.ws.on('close', (code, reason) => { self.inbox.push({ closed: code }); done({ code, reason: reason.toString() }); }));
    await within(new Promise((done, fail) => { self.ws.on('open', done); self.ws.on('error', fail); }), 10000, `opening of ${path}`);
    self.ws.on('error', () => {});
    if (shake) {
      self.send({ protocol: 'json', version });
      await self.inbox.one(m => m.type === undefined, 'the handshake response', 10000);
    }
    return self;
  }
  /** Connects with stateful reconnect. */
  static async stateful(url, hub) {
    const path = `/${hub}?id=${(await negotiate(url, hub, 1, '&useStatefulReconnect=true')).connectionToken}`;
    return Object.assign(await Plain.open(url, path, { version: 2 }), { url, path });
  }
  /** The same connection over a new socket, as a new object. */
  async again() {
    const next = Object.assign(await Plain.open(this.url, this.path, { shake: false }), { url: this.url, path: this.path });
    next.#count = this.#count;
    return next;
  }
  #take(text) {
    const parts = (this.#text + text).split(RS);
    this.#text = parts.pop();
    for (const message of parts.map(part => JSON.parse(part))) (message.type === 6 ? this.pings : this.inbox).push(message);
  }
  sendText(text) { this.ws.send(text); }
  send(message) { this.sendText(JSON.stringify(message) + RS); }
  ping() { this.send({ type: 6 }); }
  /** Calls a method; its completion message. */
  async call(target, ...args) {
    const invocationId = String(++this.#count);
    this.send({ type: 1, invocationId, target, arguments: args });
    const answer = await this.inbox.one(m => (m.type === 3 && m.invocationId === invocationId) || m.closed, `completion of ${target}`, 15000);
    if (answer.closed) throw new Error(`closed (${answer.closed}) before ${target} was answered`);
    return answer;
  }
  /** Calls a method; its result. */
  async invoke(target, ...args) {
    const answer = await this.call(target, ...args);
    if (answer.error) throw new Error(answer.error);
    return answer.result;
  }
  /** Calls without wanting an answer. */
  post(target, ...args) { this.send({ type: 1, target, arguments: args }); }
  /** Arguments of the calls that came to a handler. */
  got(target) { return this.inbox.items.filter(m => m.type === 1 && m.target === target).map(m => m.arguments); }
  gotCount(target, n, ms) { return this.inbox.when(() => this.got(target).length >= n, `${n} of ${target}`, ms); }
  async stop() {
    if (this.ws.readyState === WebSocket.CLOSED) return;
    this.ws.close();
    await within(this.closed, 10000, 'close');
  }
  /** Gone without a word. */
  vanish() { this.ws.terminate(); }
}

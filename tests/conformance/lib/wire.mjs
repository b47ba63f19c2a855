// Wire-level tests as transcripts. A case talks raw bytes; everything sent and received becomes lines; the lines are compared
// with raw/expected.json, which was recorded from the reference server (RECORD=1 records anew; see ../README.md).
// Replies are written canonically (JSON keys sorted, MessagePack decoded), ids replaced by names, so that only meaning counts.
import { after } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import WebSocket from 'ws';
import { decode, encode, ExtensionCodec } from '@msgpack/msgpack';
import { base, within } from './env.mjs';
import { offered, test } from './suite.mjs';
import './exit.mjs';


export const RS = '\x1e';
const file = new URL('../raw/expected.json', import.meta.url);
const recording = process.env.RECORD === '1';
const expected = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
const fresh = {};
if (recording) after(() => {
  const all = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  const merged = { ...all, ...fresh };
  fs.writeFileSync(file, JSON.stringify(Object.fromEntries(Object.keys(merged).sort().map(k => [k, merged[k]])), null, 1) + '\n');
});

const sorted = v => Array.isArray(v) ? v.map(sorted)
  : v && typeof v === 'object' && Object.getPrototypeOf(v) === Object.prototype ? Object.fromEntries(Object.keys(v).sort().map(k => [k, sorted(v[k])])) : v;
export const canon = v => JSON.stringify(sorted(v), (k, x) => typeof x === 'bigint' ? `int ${x}` : x instanceof Uint8Array ? `bytes ${Buffer.from(x).toString('hex')}`
  : x && x.type === 'Buffer' ? `bytes ${Buffer.from(x.data).toString('hex')}` : x);

// Extension values are shown by type and bytes.
export const codec = new ExtensionCodec();
const ext = new ExtensionCodec();
ext.register({ type: -1, encode: () => null, decode: data => `ext -1 ${Buffer.from(data).toString('hex')}` });

/** The texts of .NET exceptions are not part of the contract, their kind and SignalR's own texts are. */
const loosen = text => text
  .replace(/(JsonException|JsonReaderException|MessagePackSerializationException|FormatException|OverflowException): (?!\*).*?(?="|$)/g, '$1: *')
  .replace(/InvalidDataException: (?!Invocation provides|Error binding|Unknown|The maximum|Missing)[^"]*/g, 'InvalidDataException: *')
  .replace(/(Error trying to deserialize result to \w+\.)[^"]*/g, '$1')
  .replace(/HubException: (Exception of type 'Microsoft.AspNetCore.SignalR.HubException' was thrown|The client answered without a result)\./, 'HubException: *')
  .replace(/(InvalidDataException: Error binding arguments\. Make sure that the types of the provided values match the types of the hub method being invoked\.)[^"]*/g, '$1');

/** Length prefix of the MessagePack framing. */
export function varint(n) { const out = []; do { let b = n & 127; n = Math.floor(n / 128); if (n) b |= 128; out.push(b); } while (n); return Buffer.from(out); }
export const frame = payload => { const b = Buffer.from(payload); return Buffer.concat([varint(b.length), b]); };
export const pack = value => frame(encode(value));
export const hex = text => Buffer.from(text.replace(/\s+/g, ''), 'hex');

export class Wire {
  lines = [];
  #names = new Map();
  #cleanup = [];
  protocol = 'json';
  /** Occurrences of `value` are written as `<name>` from now on. */
  name(name, value) { if (value) this.#names.set(value, `<${name}>`); return value; }
  log(line) {
    for (const [value, name] of this.#names) line = line.replaceAll(value, name);
    line = loosen(line);
    this.lines.push(line.length > 700 ? line.slice(0, 300) + ` ...(${line.length})` : line);
  }
  note(text) { this.log('# ' + text); }
  defer(fn) { this.#cleanup.push(fn); }
  async end() { for (const fn of this.#cleanup.reverse()) await fn(); }

  async negotiate(path = '/conformance', query = 'negotiateVersion=1', headers = {}) {
    const reply = await fetch(`${base}${path}/negotiate?${query}`, { method: 'POST', headers });
    const body = await reply.json();
    this.name('token', body.connectionToken);
    this.name('id', body.connectionId);
    return body;
  }

  /** One HTTP exchange by fetch, logged. show: response headers to log. */
  async http(method, path, { headers = {}, body, show = ['content-type'], quiet, signal } = {}) {
    const reply = await fetch(base + path, { method, headers, body, redirect: 'manual', signal, duplex: body ? 'half' : undefined });
    const bytes = Buffer.from(await reply.arrayBuffer());
    if (!quiet) this.log(`${method} ${path} -> ${reply.status}` + show.map(h => reply.headers.get(h)).map((v, i) => v === null ? '' : ` ${show[i]}: ${v}`).join('')
      + (bytes.length ? ' | ' + this.show(bytes, reply.headers.get('content-type')) : ''));
    return { status: reply.status, headers: reply.headers, bytes, text: bytes.toString() };
  }
  show(bytes, type = '') {
    if (this.protocol === 'messagepack' && /octet/.test(type ?? '')) return this.unpack(bytes).join(' ');
    const text = bytes.toString();
    if (text.includes(RS)) return this.unjson(text).join(' ');
    if (/json/.test(type ?? '')) { try { const j = JSON.parse(text); this.name('token', j.connectionToken); this.name('id', j.connectionId); return canon(j); } catch {} }
    return JSON.stringify(text);
  }
  unjson(text) {
    return text.split(RS).filter((part, i, all) => i < all.length - 1 || part).map((part, i, all) => { try { return canon(JSON.parse(part)); } catch { return JSON.stringify(part); } });
  }
  unpack(bytes) {
    const out = [];
    for (let at = 0; at < bytes.length;) {
      let n = 0, shift = 0, b;
      do { b = bytes[at++]; n += (b & 127) * 2 ** shift; shift += 7; } while (b & 128);
      out.push(canon(decode(bytes.subarray(at, at + n), { extensionCodec: ext, useBigInt64: false })));
      at += n;
    }
    return out;
  }

  /** Opens a WebSocket; logs how that went. */
  async open(path = '/conformance', { protocols, headers, quiet, query } = {}) {
    const ws = new WebSocket(base.replace(/^http/, 'ws') + path + (query ? '?' + query : ''), protocols ?? [], { headers, perMessageDeflate: false });
    this.ws = ws;
    this.inbox = []; this.wake = () => {};
    ws.on('message', (data, binary) => { this.inbox.push({ data, binary }); this.wake(); });
    ws.on('close', (code, reason) => { this.inbox.push({ close: code, reason: reason.toString() }); this.closed = true; this.wake(); });
    ws.on('pong', data => { this.inbox.push({ pong: data }); this.wake(); });
    ws.on('ping', data => { this.inbox.push({ ping: data }); this.wake(); });
    ws.on('error', () => {});
    this.defer(() => ws.terminate());
    await within(new Promise(done => {
      ws.on('open', () => { if (!quiet) this.log('websocket open' + (ws.protocol ? ` subprotocol ${ws.protocol}` : '')); done(); });
      ws.on('unexpected-response', (q, r) => {
        let body = ''; r.on('data', d => body += d); r.on('end', () => { this.log(`websocket refused: ${r.statusCode} ${JSON.stringify(body)}`); this.closed = true; done(); });
      });
      ws.on('error', e => done(e));
    }), 5000, 'websocket opening');
    return this;
  }
  /** Text frame(s); every part is its own frame. */
  text(...parts) { for (const p of parts) { this.log('> ' + (p.length > 200 ? p.slice(0, 60) + `...(${p.length})` : JSON.stringify(p))); this.ws.send(p); } return this; }
  /** Messages, each ended with RS, in one text frame. */
  json(...messages) { return this.text(messages.map(m => (typeof m === 'string' ? m : JSON.stringify(m)) + RS).join('')); }
  binary(...parts) { for (const p of parts) { const b = Buffer.from(p); this.log('> hex ' + (b.length > 120 ? b.subarray(0, 24).toString('hex') + `...(${b.length})` : b.toString('hex'))); this.ws.send(b); } return this; }
  /** Values packed into one binary frame. */
  pack(...values) { const b = Buffer.concat(values.map(pack)); this.log('> ' + this.unpack(b).join(' ')); this.ws.send(b); return this; }
  async #next(ms, what) {
    if (!this.inbox.length) await within(new Promise(done => { this.wake = done; }), ms, what);
    return this.inbox.shift();
  }
  #messages(item) {
    if (item.close !== undefined) return [`< close ${item.close}${item.reason ? ' ' + item.reason : ''}`];
    if (item.pong) return [`< pong ${item.pong.toString('hex')}`];
    if (item.ping) return [`< ping ${item.ping.toString('hex')}`];
    if (this.protocol === 'messagepack' && item.data.length > 3 && item.data.subarray(0, 3).toString() === '{}' + RS) // the handshake shares a frame with what follows
      return ['< bin {}', ...this.#messages({ data: item.data.subarray(3), binary: true })];
    const parts = this.protocol === 'messagepack' && item.binary && item.data.toString() !== '{}' + RS && item.data[0] !== 0x7b ? this.unpack(item.data) : this.unjson(item.data.toString());
    return parts.filter(p => p !== '{"type":6}' && p !== '[6]').map(p => `< ${item.binary ? 'bin' : 'txt'} ${p}`);
  }
  /** Waits, taking nothing, until `test()` holds of the inbox; by default that there is something. */
  async arrived(test = () => this.inbox.length > 0, ms = 6000) {
    const deadline = Date.now() + ms;
    while (!test()) await within(new Promise(done => { this.wake = done; }), deadline - Date.now(), `a message; so far: ${this.lines.slice(-4).join(' / ')}`);
  }
  /** Waits for n messages (or the close). */
  async take(n = 1, ms = 6000) {
    let have = 0;
    while (have < n) {
      const item = await this.#next(ms, `message ${have + 1} of ${n}; so far: ${this.lines.slice(-4).join(' / ')}`);
      for (const line of this.#messages(item)) { this.log(line); have++; }
      if (item.close !== undefined) return this;
    }
    return this;
  }
  /** Everything up to the close. */
  async toClose(ms = 8000) { for (;;) { const n = this.lines.length; await this.take(1, ms); if (this.lines.slice(n).some(l => l.startsWith('< close'))) return this; } }
  /** Calls Void and logs all that comes up to its answer: shows that the connection lives and nothing else is under way. */
  async fence(silence) {
    if (this.protocol === 'messagepack') this.ws.send(pack([1, {}, 'fence', 'Void', [], []]));
    else this.ws.send('{"type":1,"invocationId":"fence","target":"Void","arguments":[]}' + RS);
    for (;;) {
      let item;
      try { item = await this.#next(silence ?? 6000, `fence; so far: ${this.lines.slice(-4).join(' / ')}`); } catch (e) { if (!silence) throw e; this.log('silent'); return this; }
      const lines = this.#messages(item);
      const at = lines.findIndex(l => l.includes('"fence"'));
      for (const line of at < 0 ? lines : lines.slice(0, at)) this.log(line);
      if (at >= 0) { this.log('alive'); return this; }
      if (item.close !== undefined) return this;
    }
  }
  /** Open and shake hands silently. */
  async ready(path = '/conformance', protocol = 'json', version = 1, options = {}) {
    await this.open(path, { quiet: true, ...options });
    this.protocol = protocol;
    this.ws.send(JSON.stringify({ protocol, version }) + RS);
    const item = await this.#next(5000, 'handshake response');
    assert.equal(item.data?.toString(), '{}' + RS, 'handshake response ' + item.data);
    return this;
  }
  pause(ms) { return new Promise(r => setTimeout(r, ms)); }
}

/**
 * A case: `body(wire)` makes the transcript. `also` names lines of the record that may be replaced by another one; `better` is a whole
 * transcript that may stand instead of the record, of a server that does without a fault of the reference's.
 */
export function wire(name, body, { also = {}, better } = {}) {
  test(name, { key: name }, async () => {
    const w = new Wire();
    try { await within(body(w), 20000, name); } finally { await w.end(); }
    if (recording) fresh[name] = w.lines;
    else {
      if (better && w.lines.length === better.length) return assert.deepEqual(w.lines, better);
      const want = (expected[name] ?? []).map(offered).map((line, i) => also[line] !== undefined && w.lines[i] === also[line] ? w.lines[i] : line);
      assert.deepEqual(w.lines, want);
    }
  });
}

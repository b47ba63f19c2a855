// Bytes to and from the server as they are.
import net from 'node:net';
import { base, within } from './env.mjs';

/** A plain TCP connection to the server, for what no HTTP library would send. */
export class Tcp {
  data = Buffer.alloc(0);
  #wake = () => {};
  constructor(url = base) {
    const { hostname, port } = new URL(url);
    this.host = `${hostname}:${port || 80}`;
    this.socket = net.connect({ host: hostname, port: Number(port || 80) });
    this.socket.setNoDelay(true);
    this.socket.on('data', d => { this.data = Buffer.concat([this.data, d]); this.#wake(); });
    this.socket.on('close', () => { this.ended = true; this.#wake(); });
    this.socket.on('end', () => { this.ended = true; this.#wake(); });
    this.socket.on('error', () => {});
  }
  send(bytes) { this.socket.write(bytes); return this; }
  /** Waits until test(this) gives something. */
  async until(testFn, what = 'bytes', ms = 6000) {
    await within((async () => { while (!testFn(this)) { if (this.ended) throw new Error('connection ended waiting for ' + what + ': ' + this.data.toString('latin1').slice(0, 200)); await new Promise(done => { this.#wake = done; }); } })(), ms, what);
  }
  async end(ms = 6000) { await within((async () => { while (!this.ended) await new Promise(done => { this.#wake = done; }); })(), ms, 'end of connection'); }
  /** Shakes hands as a WebSocket; leftover bytes stay in data. */
  async upgrade(path = '/conformance', extra = '') {
    this.send(`GET ${path} HTTP/1.1\r\nHost: ${this.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extra}\r\n`);
    await this.until(t => t.data.includes('\r\n\r\n'), 'upgrade response');
    const at = this.data.indexOf('\r\n\r\n') + 4;
    this.head = this.data.subarray(0, at).toString();
    this.data = this.data.subarray(at);
    return this;
  }
  /** One client frame, masked. */
  frame(opcode, payload = '', { fin = true, rsv = 0, mask = true, length } = {}) {
    const body = Buffer.from(payload);
    const n = length ?? body.length;
    const head = [(fin ? 128 : 0) | rsv << 4 | opcode];
    const m = mask ? 128 : 0;
    if (n < 126) head.push(m | n); else if (n < 65536) head.push(m | 126, n >> 8, n & 255); else head.push(m | 127, 0, 0, 0, 0, n >>> 24, n >> 16 & 255, n >> 8 & 255, n & 255);
    if (!mask) return this.send(Buffer.concat([Buffer.from(head), body]));
    const key = Buffer.from([1, 2, 3, 4]);
    return this.send(Buffer.concat([Buffer.from(head), key, body.map((b, i) => b ^ key[i & 3])]));
  }
  /** Next server frame {opcode, fin, payload} or null when the connection ended. */
  async next(ms = 6000) {
    const whole = () => {
      const d = this.data; if (d.length < 2) return null;
      let n = d[1] & 127, at = 2;
      if (n === 126) { if (d.length < 4) return null; n = d.readUInt16BE(2); at = 4; } else if (n === 127) { if (d.length < 10) return null; n = Number(d.readBigUInt64BE(2)); at = 10; }
      return d.length >= at + n ? { opcode: d[0] & 15, fin: !!(d[0] & 128), masked: !!(d[1] & 128), payload: d.subarray(at, at + n), size: at + n } : null;
    };
    try { await this.until(() => whole() || this.ended, 'a frame', ms); } catch (e) { if (!this.ended) throw e; }
    const f = whole();
    if (f) this.data = this.data.subarray(f.size);
    return f;
  }
}

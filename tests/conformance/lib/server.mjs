// The program under test: started on free ports, its log read line by line, stopped by a signal.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { Inbox, sleep, within } from './env.mjs';

const START_MS = 30000; // a sanitizer build on a busy machine
const STOP_MS = 30000;
const SANITIZER = /AddressSanitizer|LeakSanitizer|ThreadSanitizer|MemorySanitizer|runtime error:/;

/** The caller's environment without settings for the program. */
const environment = more => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIGNALUA_') && name !== 'NODE_TEST_CONTEXT')), ...more });

export function program() {
  const path = process.env.SIGNALUA;
  assert.ok(path, 'SIGNALUA must name the program');
  return path;
}

/** Runs the program to its end: {status, signal, out, err}. */
export async function run(args, { env = {}, cwd, ms = START_MS } = {}) {
  const child = spawn(program(), args, { env: environment(env), cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout.on('data', d => { out += d; });
  child.stderr.on('data', d => { err += d; });
  try {
    const [status, signal] = await within(new Promise((done, fail) => {
      child.on('error', fail);
      child.on('close', (...how) => done(how));
    }), ms, `end of signalua ${args.join(' ')}`);
    assert.doesNotMatch(err, SANITIZER);
    return { status, signal, out, err };
  } finally { child.kill('SIGKILL'); }
}

/** Waits until `test()` gives something true, asking again and again: for what has no event. */
export async function eventually(test, what, ms = 10000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await test();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(20);
  }
}

/** Every metric at an admin address: name → {worker → value}. */
export async function samples(adminUrl) {
  const reply = await fetch(adminUrl + '/metrics');
  assert.equal(reply.status, 200);
  const all = {};
  for (const [, name, worker, value] of (await reply.text()).matchAll(/^(\w+)\{worker="(\w+)"\} (\S+)$/gm))
    (all[name] ??= {})[worker] = Number(value);
  return all;
}

export class Server {
  /** Log lines as objects. */
  logs = new Inbox();
  stderr = '';

  /** Resolves when the program serves. before: words of a wrapping command, as ['sh', '-c', 'ulimit -n 80; exec "$@"', 'sh']. */
  static async start({ hubs, www, workers = 1, args = [], env = {}, before = [] } = {}) {
    const self = new Server();
    const words = [...before, program(), 'serve', '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--workers', String(workers),
      ...(hubs ? ['--hubs', hubs] : []), ...(www ? ['--www', www] : []), ...args];
    self.child = spawn(words[0], words.slice(1), { env: environment(env), stdio: ['ignore', 'inherit', 'pipe'] });
    self.exited = new Promise((done, fail) => {
      self.child.on('error', fail);
      self.child.on('close', (status, signal) => done({ status, signal }));
    });
    self.exited.catch(() => {});
    readline.createInterface({ input: self.child.stderr }).on('line', line => self.#line(line));
    try {
      const early = self.exited.then(how => { throw new Error(`it ended (${how.status ?? how.signal}):\n${self.stderr}`); });
      const started = await Promise.race([self.log('started', START_MS), early]);
      self.url = `http://127.0.0.1:${started.port}`;
      self.adminUrl = `http://127.0.0.1:${started.admin_port}`;
      self.workers = workers;
    } catch (error) { self.child.kill('SIGKILL'); throw error; }
    return self;
  }

  #line(line) {
    this.stderr += line + '\n';
    let entry;
    try { entry = JSON.parse(line); } catch { entry = { raw: line }; }
    this.logs.push(entry);
  }

  /** The first log line with this text, or for which `want(line)` holds; here already or to come. */
  log(want, ms = 8000) {
    return this.logs.one(typeof want === 'function' ? want : line => line.text === want, `log line ${want}`, ms);
  }

  get pid() { return this.child.pid; }
  get alive() { return this.child.exitCode === null && this.child.signalCode === null; }

  metrics() { return samples(this.adminUrl); }
  /** A metric, added up over the workers. */
  async metric(name) {
    const byWorker = (await this.metrics())['signalua_' + name];
    assert.ok(byWorker, `metric signalua_${name}`);
    return Object.values(byWorker).reduce((a, b) => a + b, 0);
  }
  metricBecomes(name, want, ms) {
    return eventually(async () => await this.metric(name) === want, `metric ${name} is ${want}`, ms);
  }
  /** Sockets of clients: those of the workers, without the admin's. */
  socketsBecome(want, ms) {
    return eventually(async () => {
      const { main, ...workers } = (await this.metrics()).signalua_sockets;
      return Object.values(workers).reduce((a, b) => a + b, 0) === want;
    }, `${want} client sockets`, ms);
  }

  /** Ends it and checks that it ended well: status 0 and no word of a sanitizer. */
  async stop(signal = 'SIGTERM') {
    if (this.alive) this.child.kill(signal);
    let how;
    try { how = await within(this.exited, STOP_MS, `end of the program; its log:\n${this.stderr.slice(-2000)}`); } finally { this.child.kill('SIGKILL'); }
    assert.doesNotMatch(this.stderr, SANITIZER);
    assert.deepEqual(how, { status: 0, signal: null }, this.stderr.slice(-4000));
  }
}

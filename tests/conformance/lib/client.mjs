// The official JavaScript client, dressed for tests.
import * as signalR from '@microsoft/signalr';
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack';
import { base, Inbox, within } from './env.mjs';
import { hasWay } from './suite.mjs';

export { signalR };
const T = signalR.HttpTransportType;
export const transports = { ws: T.WebSockets, sse: T.ServerSentEvents, lp: T.LongPolling };

/** Every way the official client can talk. */
export const allWays = [
  { name: 'ws json', transport: 'ws', protocol: 'json' },
  { name: 'ws messagepack', transport: 'ws', protocol: 'messagepack' },
  { name: 'ws json skipNegotiation', transport: 'ws', protocol: 'json', skip: true },
  { name: 'ws messagepack skipNegotiation', transport: 'ws', protocol: 'messagepack', skip: true },
  { name: 'sse json', transport: 'sse', protocol: 'json' },
  { name: 'lp json', transport: 'lp', protocol: 'json' },
  { name: 'lp messagepack', transport: 'lp', protocol: 'messagepack' },
];
/** Those that the server under test has (not-yet.json). */
export const ways = allWays.filter(way => hasWay(way.name));

export class Client {
  constructor(way, { url, hub = 'conformance', token, headers, reconnect, stateful, query = '', options = {}, logger } = {}) {
    this.way = way;
    const builder = new signalR.HubConnectionBuilder()
      .withUrl((url ?? base) + '/' + hub + query, {
        transport: transports[way.transport], skipNegotiation: !!way.skip,
        ...(token ? { accessTokenFactory: typeof token === 'function' ? token : () => token } : {}),
        ...(headers ? { headers } : {}), ...options,
      })
      .configureLogging(logger ?? signalR.LogLevel.None);
    if (way.protocol === 'messagepack') builder.withHubProtocol(new MessagePackHubProtocol());
    if (reconnect) builder.withAutomaticReconnect(reconnect);
    if (stateful) builder.withStatefulReconnect(stateful === true ? undefined : stateful);
    this.connection = builder.build();
    if (hub === 'short') this.connection.keepAliveIntervalInMilliseconds = 500;
    this.recv = new Inbox();
    this.events = new Inbox();
    this.closed = new Promise(done => this.connection.onclose(error => { this.events.push({ kind: 'close', error }); done(error ?? null); }));
    this.connection.onreconnecting(error => this.events.push({ kind: 'reconnecting', error }));
    this.connection.onreconnected(id => this.events.push({ kind: 'reconnected', id }));
    this.connection.on('recv', (...args) => this.recv.push(args[0]));
  }
  get binary() { return this.way.protocol === 'messagepack'; }
  on(name, handler) { this.connection.on(name, handler); return this; }
  async start() {
    await within(this.connection.start(), 10000, 'start');
    this.id = this.way.skip ? (await this.invoke('WhoAmI')).connectionId : this.connection.connectionId;
    this.realId = (await this.invoke('WhoAmI')).connectionId;
    return this;
  }
  invoke(name, ...args) { return within(this.connection.invoke(name, ...args), 15000, name); }
  /** A server stream, collected: {items, error}. */
  stream(name, ...args) {
    const items = [];
    return within(new Promise(done => this.connection.stream(name, ...args).subscribe({
      next: item => items.push(item), complete: () => done({ items }), error: error => done({ items, error }) })), 15000, name);
  }
  stop() { return this.connection.stop().catch(() => {}); }
}

/** Starts clients, runs `body(...clients)`, stops them whatever happens. */
export async function using(clients, body) {
  try {
    await Promise.all(clients.map(c => c.start()));
    return await body(...clients);
  } finally {
    await Promise.allSettled(clients.map(c => c.stop()));
  }
}

/** The error a promise fails with (a test failure when it does not fail). */
export async function failure(promise) {
  let value;
  try { value = await promise; } catch (error) { return error; }
  throw new Error('expected a failure, got ' + JSON.stringify(value));
}

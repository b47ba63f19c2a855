// Memory after many connections have come and gone. Only in a release build: a sanitizer keeps what is freed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tcp } from '../conformance/lib/tcp.mjs';
import '../conformance/lib/exit.mjs';
import { folder, residentBytes, serving } from './lib.mjs';

const RS = '\x1e';
const TEXT = 1;
const CONNECTIONS = 2000;
const WAVES = 10;

// Keeps nothing of a connection.
const hubs = folder({ 'quiet.lua': 'local Hub = require("signalua").hub()\nfunction Hub:Echo(value) return value end\nreturn Hub\n' });

async function join(server) {
  const tcp = await new Tcp(server.url).upgrade('/quiet');
  tcp.frame(TEXT, '{"protocol":"json","version":1}' + RS + '{"type":1,"invocationId":"1","target":"Echo","arguments":["hi"]}' + RS);
  let text = '';
  while (!text.includes('"result":"hi"')) text += (await tcp.next()).payload;
  return tcp;
}

test(`memory after ${WAVES} waves of ${CONNECTIONS} connections is that after the second`, () => serving({ hubs, workers: 2 }, async server => {
  const resident = [];
  for (let wave = 0; wave < WAVES; wave++) {
    const crowd = [];
    while (crowd.length < CONNECTIONS) crowd.push(...await Promise.all(Array.from({ length: 100 }, () => join(server))));
    await server.metricBecomes('connections', CONNECTIONS);
    for (const tcp of crowd) tcp.socket.destroy();
    await server.metricBecomes('connections', 0, 20000);
    await server.socketsBecome(0, 20000);
    resident.push(residentBytes(server.pid));
  }
  const [, second] = resident, last = resident.at(-1);
  assert.ok(last <= second * 1.1, `resident bytes after each wave: ${resident.join(' ')}`);
}));

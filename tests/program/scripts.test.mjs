// Watching over scripts, from outside: who holds a worker is named, /healthz says so, and errors are counted by method.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Plain } from '../conformance/lib/plain.mjs';
import { eventually } from '../conformance/lib/server.mjs';
import '../conformance/lib/exit.mjs';
import { folder, serving } from './lib.mjs';

const head = 'local signalua = require "signalua"\n';
const chat = `${head}local Chat = signalua.hub()
function Chat:Hold(seconds)
  local over = signalua.now() + seconds
  while signalua.now() < over do end
  return "held"
end
function Chat:Fail() error("as it should") end
function Chat:Worker() return self.context.worker end
return Chat
`;

const health = async server => {
  const reply = await fetch(server.adminUrl + '/healthz');
  return { status: reply.status, text: await reply.text() };
};

test('a script that holds its worker is named in the log and by /healthz, and counted', async () => {
  await serving({ hubs: folder({ 'chat.lua': chat }), workers: 2, args: ['--script-warn', '0.05', '--script-limit', '0.4'] }, async server => {
    const [a, b] = [await Plain.open(server.url, '/chat'), await Plain.open(server.url, '/chat')];
    const worker = await a.invoke('Worker');
    assert.notEqual(await b.invoke('Worker'), worker, 'they are on two workers');
    assert.deepEqual(await health(server), { status: 200, text: 'ok\n' });

    const held = a.invoke('Hold', 2);
    const warned = await server.log(line => line.text === 'a script holds its worker' && line.level === 'warn');
    assert.deepEqual([warned.worker, warned.hub, warned.method], [`worker ${worker}`, 'chat', 'Hold']);
    assert.match(warned.version, /^[0-9a-f]{8}$/);
    assert.ok(warned.ms >= 50, `after ${warned.ms} ms`);
    const failed = await server.log(line => line.text === 'a script holds its worker' && line.level === 'error');
    assert.ok(failed.ms >= 400, `after ${failed.ms} ms`);
    const sick = await health(server);
    assert.equal(sick.status, 503);
    assert.match(sick.text, new RegExp(`^worker ${worker} has been held for \\d+ ms by method Hold of hub "chat", version ${warned.version}\n$`));
    assert.equal(await b.invoke('Worker'), 1 - worker, 'the other worker serves');

    assert.equal(await held, 'held');
    const over = await server.log('a worker goes on');
    assert.deepEqual([over.hub, over.method], ['chat', 'Hold']);
    assert.ok(over.ms >= 1000 && over.ms >= failed.ms, `after ${over.ms} ms`);
    await eventually(async () => (await health(server)).status === 200, 'healthy again');
    assert.equal((await server.metrics()).signalua_script_holds_total[worker], 1);
    const page = await (await fetch(server.adminUrl + '/metrics')).text();
    const [, below, all] = page.match(new RegExp(`bucket\\{worker="${worker}",le="0\\.5"\\} (\\d+)\n[^]*?worker="${worker}",le="\\+Inf"\\} (\\d+)\n`));
    assert.equal(Number(all) - Number(below), 1, 'one turn took longer than half a second');
    await a.stop();
    await b.stop();
  });
});

test('errors are counted by hub and method', async () => {
  await serving({ hubs: folder({ 'chat.lua': chat, 'game/lobby.lua': chat }) }, async server => {
    const c = await Plain.open(server.url, '/game/lobby');
    for (let i = 0; i < 3; i++) await assert.rejects(c.invoke('fail'));
    assert.equal(await c.invoke('Worker'), 0);
    await c.stop();
    const page = await (await fetch(server.adminUrl + '/metrics')).text();
    const errors = Object.fromEntries([...page.matchAll(/^signalua_method_errors_total\{hub="(.*)",method="(.*)"\} (\d+)$/gm)]
      .map(([, hub, method, count]) => [`${hub} ${method}`, Number(count)]));
    assert.equal(errors['game/lobby Fail'], 3);
    assert.equal(errors['game/lobby Worker'], 0);
    assert.equal(errors['chat Fail'], 0);
    assert.equal(await server.metric('script_errors_total'), 3);
  });
});

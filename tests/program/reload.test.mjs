// Scripts replaced while clients use them: by every trigger, whole or not at all, and without a lost call.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { sleep } from '../conformance/lib/env.mjs';
import { Plain, connectStatus } from '../conformance/lib/plain.mjs';
import { eventually } from '../conformance/lib/server.mjs';
import '../conformance/lib/exit.mjs';
import { folder, memoryFreed, residentBytes, sanitized, serving } from './lib.mjs';

/** A hub that says which text it was made from. */
const hub = (version, more = '', options = '') => `
local signalua = require "signalua"
local hub = signalua.hub { methods = { Upload = { args = { "stream" } } }, ${options}}
function hub:Version() return "${version}" end
function hub:Content() return self.context.version end
function hub:Wait() signalua.sleep(0.5) return "${version}" end
function hub:Stream()
  return signalua.stream(function(emit)
    for i = 1, 5 do emit("${version}") signalua.sleep(0.1) end
  end)
end
function hub:Upload(items)
  local got = {}
  for item in items do got[#got + 1] = item .. " ${version}" end
  return got
end
function hub:Put(x) self.context.items.x = x end
function hub:Get() return self.context.items.x end
${more}
return hub
`;
const write = (root, name, text) => fs.writeFileSync(path.join(root, name), text);
/** As editors and git do: beside it, then in its place. */
function replace(root, name, text) {
  write(root, name + '.new~', text);
  fs.renameSync(path.join(root, name + '.new~'), path.join(root, name));
}
const describe = async server => (await fetch(server.adminUrl + '/admin/hubs')).json();
async function reload(server) {
  const reply = await fetch(server.adminUrl + '/admin/reload', { method: 'POST' });
  return { status: reply.status, ...await reply.json() };
}
const reloads = server => server.metric('reloads_total');
/** Connections on every worker (the least loaded takes the next). */
const connect = (server, count, name = 'chat') => Promise.all(Array.from({ length: count }, () => Plain.open(server.url, '/' + name)));
const all = (conns, method, ...args) => Promise.all(conns.map(conn => conn.invoke(method, ...args)));
const stopAll = conns => Promise.all(conns.map(conn => conn.stop()));
/** Every connection is answered by this version within a second (and what a slow machine adds). */
const becomes = (conns, version) => eventually(async () => (await all(conns, 'Version')).every(v => v === version), `every worker serves ${version}`, 5000);

test('a saved file serves on every worker while clients call', async () => {
  const root = folder({ 'chat.lua': hub('one') });
  await serving({ hubs: root, workers: 4 }, async server => {
    const conns = await connect(server, 8);
    await all(conns, 'Put', 7);
    let calls = 0, running = true;
    const callers = conns.map(async conn => {
      while (running) {
        assert.match(await conn.invoke('Version'), /^(one|two|three)$/);
        calls++;
      }
    });
    for (const [version, save] of [['two', write], ['three', replace]]) {
      const began = Date.now();
      save(root, 'chat.lua', hub(version));
      await becomes(conns, version);
      assert.ok(Date.now() - began < 3000);
      const line = await server.log(line => line.text === 'scripts reloaded' && line.changes === 'chat.lua');
      assert.match(line.version, /^[0-9a-f]{8}$/);
      assert.notEqual(line.version, line.old_version);
    }
    running = false;
    await Promise.all(callers);
    assert.ok(calls > 0);
    assert.ok((await all(conns, 'Get')).every(x => x === 7), 'items stay');
    assert.equal(await conns[0].invoke('Content'), (await describe(server)).version);
    await stopAll(conns);
  });
});

test('a broken script changes nothing and is told by file and line', async () => {
  const good = { 'chat.lua': hub('good'), 'other.lua': hub('other') };
  const root = folder(good);
  await serving({ hubs: root, workers: 4, args: ['--watch', 'off'] }, async server => {
    const conns = await connect(server, 4);
    const before = (await describe(server)).version;
    for (const [text, error] of [
      ['return 1 +', /^other\.lua:1: /],
      ['local x = nil\nlocal y = x.z', /^other\.lua:2: /],
      [hub('bad', '', 'keep_alif = 1'), /^other\.lua:3: unknown option "keep_alif"/],
      ['require("signalua").sleep(1)', /^other\.lua:1: cannot wait while the scripts are loaded/],
    ]) {
      write(root, 'chat.lua', hub('half'));
      write(root, 'other.lua', text);
      const outcome = await reload(server);
      assert.equal(outcome.status, 422);
      assert.equal(outcome.outcome, 'failed');
      assert.equal(outcome.errors.length, 1, 'told once, not by every worker');
      assert.match(outcome.errors[0], error);
      assert.deepEqual(await all(conns, 'Version'), ['good', 'good', 'good', 'good']);
      const state = await describe(server);
      assert.equal(state.version, before);
      assert.deepEqual(state.last_reload.errors, outcome.errors);
      assert.equal(state.generations.length, 1);
      await server.log(line => line.text === 'scripts not reloaded' && line.error === outcome.errors[0]);
    }
    assert.equal(await server.metric('reloads_failed_total'), 4);
    assert.equal(await server.metric('script_generations'), 4);
    write(root, 'other.lua', good['other.lua']);
    assert.equal((await reload(server)).outcome, 'committed');
    assert.deepEqual(await all(conns, 'Version'), ['half', 'half', 'half', 'half']);
    await stopAll(conns);
  });
});

test('hubs come and go; options change', async () => {
  const root = folder({ 'chat.lua': hub('chat'), 'old.lua': hub('old', 'function hub:on_disconnected(error, reason) signalua.log.info("left", {why = reason}) end') });
  await serving({ hubs: root, workers: 2 }, async server => {
    const conns = await connect(server, 3, 'old');
    assert.equal(await connectStatus(server.url, '/new'), 404);
    fs.rmSync(path.join(root, 'old.lua'));
    fs.mkdirSync(path.join(root, 'game'));
    write(root, 'game/lobby.lua', hub('lobby'));
    write(root, 'new.lua', hub('new', 'function hub:Fail() error("seen") end', 'detailed_errors = true'));
    for (const conn of conns) {
      const close = await conn.inbox.one(m => m.type === 7, 'Close message');
      assert.match(close.error, /not served any more/);
      assert.ok(!close.allowReconnect);
      await server.log(line => line.text === 'left' && line.why === 'removed');
    }
    await eventually(async () => await connectStatus(server.url, '/old') === 404, 'the endpoint is gone');
    await eventually(async () => await connectStatus(server.url, '/game/lobby') === 101, 'a hub in a new folder');
    const [fresh] = await connect(server, 1, 'new');
    assert.match((await fresh.call('Fail')).error, /seen/);
    // In the new folder, too, and the options with it.
    write(root, 'game/lobby.lua', hub('lobby two'));
    await eventually(async () => {
      const [conn] = await connect(server, 1, 'game/lobby');
      const version = await conn.invoke('Version');
      await conn.stop();
      return version === 'lobby two';
    }, 'a change in a new folder');
    write(root, 'new.lua', hub('new', 'function hub:Fail() error("seen") end'));
    await eventually(async () => !/seen/.test((await fresh.call('Fail')).error), 'other options');
    write(root, 'old.lua', hub('back'));
    await eventually(async () => await connectStatus(server.url, '/old') === 101, 'it came back');
    await fresh.stop();
  });
});

test('a volume swapped as Kubernetes does reloads once', async () => {
  const root = folder({ '..one/chat.lua': hub('one'), '..one/b.lua': hub('b'), '..two/chat.lua': hub('two'), '..two/b.lua': hub('b2') });
  fs.symlinkSync('..one', path.join(root, '..data'));
  for (const name of ['chat.lua', 'b.lua']) fs.symlinkSync('..data/' + name, path.join(root, name));
  await serving({ hubs: root, workers: 2 }, async server => {
    const conns = await connect(server, 2);
    fs.symlinkSync('..two', path.join(root, '..data_tmp'));
    fs.renameSync(path.join(root, '..data_tmp'), path.join(root, '..data'));
    await becomes(conns, 'two');
    fs.rmSync(path.join(root, '..one'), { recursive: true });
    await sleep(1500); // two looks
    assert.equal(await reloads(server), 1);
    await stopAll(conns);
  });
});

for (const watch of ['auto', 'poll'])
  test(`a folder that goes and comes back is found again (${watch})`, async () => {
    const root = folder({ 'hubs/chat.lua': hub('one') });
    const hubs = path.join(root, 'hubs');
    await serving({ hubs, args: ['--watch', watch] }, async server => {
      const conns = await connect(server, 1);
      fs.renameSync(hubs, hubs + '.away');
      await server.log('scripts not reloaded');
      assert.equal(await conns[0].invoke('Version'), 'one');
      fs.mkdirSync(hubs);
      write(hubs, 'chat.lua', hub('two'));
      await becomes(conns, 'two');
      write(hubs, 'chat.lua', hub('three'));
      await becomes(conns, 'three');
      await stopAll(conns);
    });
  });

test('SIGHUP reloads; a running call ends on its code; hooks and timers are replaced', async () => {
  const more = version => `
signalua.on_reload(function(old, new) signalua.log.info("took over", {by = "${version}", old = old, new = new}) end)
local kept = signalua.keep("ticks", {})
kept.${version} = 0
signalua.every(0.02, function() kept.${version} = kept.${version} + 1 end)
function hub:Ticks() return {one = kept.one, two = kept.two} end`;
  const root = folder({ 'chat.lua': hub('one', more('one')) });
  await serving({ hubs: root, args: ['--watch', 'off'] }, async server => {
    const conns = await connect(server, 2);
    const [conn, waiter] = conns;
    await eventually(async () => (await conn.invoke('Ticks')).one > 1, 'the first ticks');
    const running = waiter.invoke('Wait');
    assert.equal(await conn.invoke('Version'), 'one');
    write(root, 'chat.lua', hub('two', more('two')));
    process.kill(server.pid, 'SIGHUP');
    const line = await server.log('scripts reloaded');
    assert.equal(line.trigger, 'signal');
    const took = await server.log('took over');
    assert.deepEqual([took.by, took.old, took.new], ['two', line.old_version, line.version]);
    assert.equal(await conn.invoke('Version'), 'two');
    assert.equal((await describe(server)).generations.length, 2);
    assert.equal(await running, 'one');
    const { one } = await conn.invoke('Ticks');
    await eventually(async () => (await conn.invoke('Ticks')).two > 2, 'the second ticks');
    assert.equal((await conn.invoke('Ticks')).one, one, 'the old timer is gone');
    await server.metricBecomes('script_generations', 1);
    assert.equal((await describe(server)).generations.length, 1);
    await stopAll(conns);
  });
});

test('streams and uploads that run end on their code', async () => {
  const root = folder({ 'chat.lua': hub('one') });
  await serving({ hubs: root, args: ['--watch', 'off'] }, async server => {
    const [down, up, other] = await connect(server, 3);
    down.send({ type: 4, invocationId: 's', target: 'Stream', arguments: [] });
    await down.inbox.one(m => m.type === 2, 'the first item');
    up.send({ type: 1, invocationId: 'u', target: 'Upload', arguments: [], streamIds: ['x'] });
    up.send({ type: 2, invocationId: 'x', item: 'early' });
    write(root, 'chat.lua', hub('two'));
    assert.equal((await reload(server)).outcome, 'committed');
    assert.equal(await other.invoke('Version'), 'two');
    assert.equal((await describe(server)).generations.length, 2);
    up.send({ type: 2, invocationId: 'x', item: 'late' });
    up.send({ type: 3, invocationId: 'x' });
    const answer = await up.inbox.one(m => m.type === 3 && m.invocationId === 'u', 'the upload\'s end');
    assert.deepEqual(answer.result, ['early one', 'late one']);
    await down.inbox.one(m => m.type === 3 && m.invocationId === 's', 'the stream\'s end');
    assert.deepEqual(down.inbox.items.filter(m => m.type === 2).map(m => m.item), Array(5).fill('one'));
    await server.metricBecomes('script_generations', 1);
    await stopAll([down, up, other]);
  });
});

test('a hundred reloads under load lose no call and keep no memory', async () => {
  const root = folder({ 'chat.lua': hub('a') });
  await serving({ hubs: root, workers: 4, args: ['--watch', 'off'],
    env: memoryFreed }, async server => {
    const conns = await connect(server, 20);
    let running = true;
    const callers = conns.map(async conn => { while (running) assert.match(await conn.invoke('Version'), /^[ab]$/); });
    let early;
    for (let i = 1; i <= 100; i++) {
      write(root, 'chat.lua', hub(i % 2 ? 'b' : 'a'));
      assert.equal((await reload(server)).outcome, 'committed');
      if (i === 20) early = residentBytes(server.pid);
    }
    running = false;
    await Promise.all(callers);
    assert.deepEqual(new Set(await all(conns, 'Version')), new Set(['a']));
    assert.equal(await reloads(server), 100);
    await server.metricBecomes('script_generations', 4);
    const late = residentBytes(server.pid);
    const held = sanitized(server.pid) ? 32 * 1024 * 1024 : 0;
    assert.ok(late < early * 1.1 + held, `${early} bytes after 20 reloads, ${late} after 100`);
    await stopAll(conns);
  });
});

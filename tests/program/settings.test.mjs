// Settings, from outside: where they come from, what is refused, what the program says of itself.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { Plain } from '../conformance/lib/plain.mjs';
import { run } from '../conformance/lib/server.mjs';
import '../conformance/lib/exit.mjs';
import { folder, labHubs, serving } from './lib.mjs';

const serve = ['serve', '--hubs', labHubs, '--listen', '127.0.0.1:0', '--admin', 'off'];

test('a wrong setting is refused with its name, its value and what would be right', async () => {
  const cases = [
    { args: ['--workers', 'many'], says: [/--workers/, /many/, /0 to 64/] },
    { args: ['--workers', '65'], says: [/--workers/, /65/, /64/] },
    { args: ['--listen', 'here'], says: [/--listen/, /here/, /HOST:PORT/] },
    { args: ['--log-level', 'loud'], says: [/--log-level/, /loud/, /debug.*info.*warn/] },
    { args: ['--head-timeout', 'soon'], says: [/--head-timeout/, /soon/, /seconds/] },
    { args: ['--body-max', '-1'], says: [/--body-max/, /-1/, /bytes/] },
    { args: ['--wrokers', '2'], says: [/--wrokers/] },
    { args: ['--workers'], says: [/--workers/] },
    { env: { SIGNALUA_WORKERS: 'many' }, says: [/SIGNALUA_WORKERS/, /many/, /64/] },
    { config: 'pod = "x"\nworkers = "many"', says: [/settings\.lua:2: /, /workers/, /many/, /64/] },
    { config: 'pod = "x"\nwrokers = 2', says: [/settings\.lua:2: /, /wrokers/, /did you mean workers/] },
    { config: '\nworkers = = 2', says: [/settings\.lua:2: /] },
    { config: 'return { workers = 2 }', says: [/settings\.lua/, /return/] },
    { args: ['--config', '/nonexistent/settings.lua'], says: [/\/nonexistent\/settings\.lua/] },
    { args: ['--token-key', 'short-secret'], says: [/--token-key/, /16/], never: /short-secret/ },
  ];
  await Promise.all(cases.map(async ({ args = [], env, config, says, never }) => {
    const file = config ? ['--config', path.join(folder({ 'settings.lua': config }), 'settings.lua')] : [];
    const what = JSON.stringify(args.length ? args : env ?? config);
    const ended = await run([...serve, ...file, ...args], { env });
    assert.equal(ended.status, 2, `${what}: ${ended.err}`);
    for (const word of says) assert.match(ended.err, word, what);
    if (never) assert.doesNotMatch(ended.err + ended.out, never, what);
  }));
});

test('flag over environment over file over default', async () => {
  const config = path.join(folder({ 'settings.lua': 'pod = "from-file"' }), 'settings.lua');
  const podWith = async options => {
    let pod;
    await serving(options, async server => {
      const c = await Plain.open(server.url, '/lab');
      pod = await c.invoke('Pod');
      await c.stop();
    });
    return pod;
  };
  const env = { SIGNALUA_POD: 'from-environment' };
  const [none, file, environment, flag, named] = await Promise.all([
    podWith({}), podWith({ args: ['--config', config] }), podWith({ args: ['--config', config], env }),
    podWith({ args: ['--config', config, '--pod', 'from-flag'], env }), podWith({ env: { SIGNALUA_CONFIG: config } })]);
  assert.ok(none.length > 0 && !none.startsWith('from-'));
  assert.deepEqual([file, environment, flag, named], ['from-file', 'from-environment', 'from-flag', 'from-file']);
});

test('help and version', async () => {
  const help = await run(['--help']);
  assert.equal(help.status, 0);
  assert.equal(help.err, '');
  for (const word of ['serve', 'check', 'test', 'version', '--hubs', '--www', '--listen', '--admin', '--workers', '--pod', '--log-level', '--config',
    '127.0.0.1:8080', '127.0.0.1:9090', 'SIGNALUA_'])
    assert.ok(help.out.includes(word), `help says ${word}`);
  const version = await run(['version']);
  assert.equal(version.status, 0);
  assert.match(version.out, /^signalua \d+\.\d+\.\d+/);
  const unknown = await run(['sreve']);
  assert.equal(unknown.status, 2);
  assert.match(unknown.err, /sreve/);
});

test('an address in use, and a folder that is not there, are said and end with status 1', async () => {
  await serving({}, async server => {
    const { port } = new URL(server.url);
    const taken = await run(['serve', '--hubs', labHubs, '--listen', `127.0.0.1:${port}`, '--admin', 'off']);
    assert.equal(taken.status, 1);
    assert.match(taken.err, new RegExp(`127\\.0\\.0\\.1:${port}`));
  });
  const missing = await run(['serve', '--hubs', '/nonexistent/hubs', '--listen', '127.0.0.1:0', '--admin', 'off']);
  assert.equal(missing.status, 1);
  assert.match(missing.err, /\/nonexistent\/hubs/);
});

test('a script with a syntax error: not served, file and line said, status 1', async () => {
  const hubs = folder({
    'good.lua': 'return require("signalua").hub()\n',
    'broken.lua': 'local signalua = require "signalua"\nlocal Hub = signalua.hub()\nfunction Hub:Oops( return 1 end\nreturn Hub\n',
    'raising.lua': 'local t = nil\n\nreturn t.x\n',
    'nothing.lua': 'return 5\n',
  });
  const served = await run(['serve', '--hubs', hubs, '--listen', '127.0.0.1:0', '--admin', 'off']);
  const checked = await run(['check', hubs]);
  for (const [ended, text] of [[served, served.err], [checked, checked.out]]) {
    assert.equal(ended.status, 1);
    for (const place of [/broken\.lua:3: /, /raising\.lua:3: /, /nothing\.lua/]) assert.match(text, place);
    assert.doesNotMatch(text, /good\.lua/);
  }
  assert.ok(!served.err.includes('"started"'));
  const good = await run(['check', labHubs]);
  assert.equal(good.status, 0, good.out + good.err);
});

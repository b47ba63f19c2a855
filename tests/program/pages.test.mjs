// The scripts in the documents are loaded by the program: a page that shows what does not run is worse than none.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../conformance/lib/server.mjs';
import { folder, serving } from './lib.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const PAGES = ['hubs/README.md', 'README.md'].filter(page => fs.existsSync(path.join(root, page)));

/** Whole hubs: blocks of Lua that begin and end as one does. */
function hubsOf(page) {
  const text = fs.readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(/^```lua\n([\s\S]*?)^```$/gm)].map(([, script]) => script)
    .filter(script => script.startsWith('local signalua = require') && /^return \w+$/m.test(script));
}

for (const page of PAGES) {
  test(`hubs of ${page} load`, async () => {
    const scripts = hubsOf(page);
    assert.ok(scripts.length > 0, 'no hub in it');
    const files = Object.fromEntries(scripts.map((script, i) => [`hub${i}.lua`, script]));
    const checked = await run(['check', folder(files), '--log-format', 'text']);
    assert.equal(checked.status, 0, checked.err);
  });
}

test('the tests in hubs/README.md pass', async () => {
  const text = fs.readFileSync(path.join(root, 'hubs/README.md'), 'utf8');
  const tests = [...text.matchAll(/^```lua\n([\s\S]*?)^```$/gm)].map(([, script]) => script)
    .filter(script => script.startsWith('local testing = require'));
  assert.ok(tests.length > 0, 'no test in it');
  const files = Object.fromEntries(tests.map((script, i) => [`page${i}_test.lua`, script]));
  const ended = await run(['test', path.join(root, 'hubs'), folder(files)]);
  assert.equal(ended.status, 0, ended.out + ended.err);
});

test('the hubs of the repository load', async () => {
  const checked = await run(['check', path.join(root, 'hubs'), '--log-format', 'text']);
  assert.equal(checked.status, 0, checked.err);
});

test('settings.md is what help-settings prints', async () => {
  const printed = await run(['help-settings']);
  assert.equal(printed.status, 0);
  assert.equal(printed.out, fs.readFileSync(path.join(root, 'deploy/settings.md'), 'utf8'));
});

test('hubs/README.md has what help-options prints', async () => {
  const printed = await run(['help-options']);
  assert.equal(printed.status, 0);
  assert.ok(printed.out.split('\n').length > 12);
  assert.ok(fs.readFileSync(path.join(root, 'hubs/README.md'), 'utf8').includes(printed.out), 'run signalua help-options and put it there');
});

test('the limits of README.md name settings, options and metrics that there are', () => serving({}, async server => {
  const text = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
  const rows = [...text.slice(text.indexOf('## Limits')).matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]*)\|$/gm)].slice(1);
  assert.ok(rows.length > 15);
  const metrics = await (await fetch(server.adminUrl + '/metrics')).text();
  const [help, options] = await Promise.all([run(['--help']), run(['help-options'])]);
  for (const [row, , bound, shown] of rows) {
    for (const [, name] of shown.matchAll(/`(\w+)`/g)) assert.match(metrics, new RegExp(`^# TYPE signalua_${name} `, 'm'), row);
    for (const [, flag] of bound.matchAll(/`(--[a-z-]+)`/g)) assert.match(help.out, new RegExp(`^ {2}${flag}\\b`, 'm'), row);
    for (const [, name] of bound.matchAll(/`([a-z_]+)`/g)) {
      if (name !== 'rate') assert.ok(options.out.includes(`| \`${name}\` |`), row);
    }
  }
}));

test('the manual page tells every setting that the help tells', async () => {
  const [help, manual] = await Promise.all([run(['--help']), run(['help-man'])]);
  const flags = [...help.out.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag);
  assert.ok(flags.length > 10);
  for (const flag of flags) assert.ok(manual.out.includes(flag.replaceAll('-', '\\-')), flag);
});

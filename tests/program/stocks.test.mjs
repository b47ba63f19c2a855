// The stocks example: examples/stocks/stocks.js, as people use it, against its hub.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { within } from '../conformance/lib/env.mjs';
import { Server } from '../conformance/lib/server.mjs';
import '../conformance/lib/exit.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const example = path.join(here, '../../examples/stocks');
const MS = 20000;

let server;
before(async () => { server = await Server.start({ hubs: path.join(example, 'hubs'), workers: 2 }); });
after(() => server.stop());

/** Runs stocks.js with the client of the conformance suites. */
function start(...args) {
  const env = { ...process.env, STOCKS_URL: `${server.url}/stocks`, NODE_PATH: path.join(here, '../conformance/node_modules') };
  const child = spawn(process.execPath, [path.join(example, 'stocks.js'), ...args], { env });
  const run = { child, out: '', err: '' };
  let heard = () => {};
  child.stdout.on('data', data => { run.out += data; heard(); });
  child.stderr.on('data', data => { run.err += data; });
  run.ended = within(new Promise(done => child.on('close', status => { heard(); done(status); })), MS, `end of ${args.join(' ')}`)
    .finally(() => child.kill('SIGKILL'));
  run.says = pattern => within((async () => {
    while (!pattern.test(run.out)) {
      assert.equal(child.exitCode, null, `ended with ${run.err}`);
      await new Promise(done => { heard = done; });
    }
  })(), MS, `${pattern} in ${args.join(' ')}`);
  return run;
}

async function runs(args, { answer, status = 0 } = {}) {
  const run = start(...args);
  if (answer) {
    await run.says(/\[y\/N\] $/);
    run.child.stdin.write(answer);
  }
  assert.equal(await run.ended, status, run.err);
  return status ? run.err : run.out;
}

test('watch: prices move until the client has enough', async () => {
  const run = start('watch', 'ACME', 'HOOLI');
  await run.says(/(ACME [\d.]+\n(.|\n)*){3}/);
  assert.match(run.out, /^HOOLI \d+\.\d\d$/m);
  assert.ok(new Set(run.out.match(/ACME [\d.]+/g)).size > 1, 'they move');
  assert.ok(await server.metric('coroutines_running') > 0);
  run.child.kill('SIGINT');
  assert.equal(await run.ended, 0);
  await server.metricBecomes('coroutines_running', 0);
});

test('watch: what is no stock', async () => {
  assert.match(await runs(['watch', 'NOPE'], { status: 1 }), /There is no stock of that name\./);
});

test('value: the sum of a portfolio', async () => {
  assert.equal(await runs(['value']), '0.00\n');
  const value = Number(await runs(['value', 'ACME=10', 'INITECH=100']));
  assert.ok(value > 1000 && value < 10000, `${value}`);
  assert.match(await runs(['value', 'ACME=x'], { status: 1 }), /How many\?/);
});

test('buy: the client has the last word', async () => {
  assert.match(await runs(['buy', 'ACME', '5'], { answer: 'y\n' }), /bought 5 ACME for \d+\.\d\d\n$/);
  assert.match(await runs(['buy', 'ACME', '5'], { answer: 'n\n', status: 1 }), /The order was not confirmed\./);
  assert.match(await runs(['buy', 'ACME', '0'], { status: 1 }), /That is no order\./);
});

test('usage', async () => {
  assert.match(await runs([], { status: 2 }), /^usage: node stocks\.js/);
  assert.match(await runs(['sell'], { status: 2 }), /^usage: /);
});

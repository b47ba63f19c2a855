// Runs the suites against the program, or against any server that offers the contract.
//
//   SIGNALUA=build/release/signalua node tests/conformance/run.mjs [--workers N]... [SUITE...]
//   node tests/conformance/run.mjs --url http://127.0.0.1:5102 [SUITE...]     a server that has everything (the reference)
//
// Suites: js, raw, beyond, ours, dotnet; all but dotnet unless told, beyond and ours only against the program. QUIET=1 shows failures only.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { jwt } from './lib/env.mjs';
import { Server } from './lib/server.mjs';
import { listed } from './lib/suite.mjs';

/** How long a file of tests may take, which is what node's time limit means: all ways on a busy machine. A test has limits of its own. */
const FILE_MS = 300000;

const here = path.dirname(fileURLToPath(import.meta.url));
const total = { passed: 0, failed: 0, later: 0 };

function fail(text) {
  total.failed++;
  console.log(`FAIL ${text}`);
}

/** The program of the .NET suite, built when it is not. Ends all with 77, "skipped", where the SDK is missing: before any server runs. */
function dotnet() {
  const build = spawnSync(path.join(here, 'dotnet/build.sh'), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (build.status === 77) {
    console.log('NOT RUN: dotnet, the suite with the official .NET client');
    process.exit(77);
  }
  if (build.status !== 0) throw new Error(`dotnet/build.sh: status ${build.status}`);
  return build.stdout.trim();
}

function nodeTests(name) {
  const files = fs.readdirSync(path.join(here, name)).filter(file => file.endsWith('.test.mjs')).map(file => path.join(here, name, file));
  // The suite of our own reads counters of the server, so its files run one after another.
  const width = name === 'ours' ? 1 : 3;
  return [process.execPath, ['--test', `--test-concurrency=${width}`, `--test-timeout=${FILE_MS}`,
    `--test-reporter=${path.join(here, 'lib/reporter.mjs')}`, ...files]];
}

/** Runs one suite; its counts are added to the total. */
async function suite(name, env) {
  console.log(`== ${name}`);
  const [program, args] = name === 'dotnet' ? ['dotnet', [dotnetProgram]] : nodeTests(name);
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', bytes => { out += bytes; process.stdout.write(bytes); });
  const status = await new Promise(done => child.on('close', done));
  const counts = /(\d+) passed, (\d+) failed(?:, (\d+) not yet)?\n$/.exec(out);
  if (!counts) return fail(`${name} ended without its counts (status ${status})`);
  const [passed, failed, later] = counts.slice(1).map(n => Number(n ?? 0));
  total.passed += passed; total.failed += failed; total.later += later;
  if (passed === 0) fail(`${name}: no test ran`);
  if (status !== 0 && failed + later === 0) fail(`${name}: status ${status} without a failure`);
}

/** Every worker must have had connections, else "with 4 workers" says nothing. */
async function checkSpread(server) {
  const opened = (await server.metrics()).signalua_connections_opened_total;
  const counts = Array.from({ length: server.workers }, (_, worker) => opened[worker] ?? 0);
  console.log(`connections per worker: ${counts.join(' ')}`);
  if (counts.some(n => n === 0)) fail(`a worker had no connection: ${counts.join(' ')}`);
}

/** Names in not-yet.json that no test has, of the suites that were run. */
function checkNames(file, suites) {
  const seen = new Set(fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n') : []);
  const isOfDotnet = name => /^dotnet[ :]/.test(name);
  const isOfBeyond = name => name.startsWith('beyond ');
  const wasRun = name => isOfDotnet(name) ? suites.includes('dotnet')
    : isOfBeyond(name) ? suites.includes('beyond') : suites.includes('js') && suites.includes('raw');
  for (const name of listed.filter(name => wasRun(name) && !seen.has(name))) fail(`not-yet.json lists a test that does not exist: ${name}`);
}

// What the reference is started with, too (reference/serve.sh). The key is a secret and comes by the environment.
const identity = ['--jwt-issuer', jwt.issuer, '--jwt-audience', jwt.audience, '--jwt-clock-skew', '0', '--cors-origin', 'http://app.example'];

async function ownServer(workers, suites) {
  const seen = path.join(os.tmpdir(), `signalua-not-yet-${process.pid}-${workers}`);
  for (const name of suites) {
    const own = name === 'ours';
    const server = await Server.start({ hubs: path.join(here, own ? 'ours/hubs' : 'hubs'), workers, args: ['--pod', 'one', ...identity], env: { SIGNALUA_JWT_KEY: jwt.key } });
    try {
      await suite(name, { BASE_URL: server.url, ADMIN_URL: server.adminUrl, WORKERS: String(workers), NOT_YET_SEEN: seen,
        NOT_YET_FILE: path.join(here, 'not-yet.json') });
      if (name !== 'beyond') await checkSpread(server); // that one makes too few connections
    } finally {
      await server.stop().catch(error => fail(`the server did not end well (${name}, ${workers} workers): ${error.message}`));
    }
  }
  checkNames(seen, suites);
  fs.rmSync(seen, { force: true });
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
  url: { type: 'string' }, workers: { type: 'string', multiple: true, default: ['1', '4'] } } });
const suites = positionals.length ? positionals : values.url ? ['js', 'raw'] : ['js', 'raw', 'beyond', 'ours'];
const dotnetProgram = suites.includes('dotnet') ? dotnet() : null;
if (values.url) for (const name of suites) await suite(name, { BASE_URL: values.url, NOT_YET: 'off' });
else for (const workers of values.workers.map(Number)) {
  console.log(`==== ${workers} worker${workers > 1 ? 's' : ''}`);
  await ownServer(workers, suites);
}
console.log(`\n${total.passed} passed, ${total.failed} failed${total.later ? `, ${total.later} not yet` : ''}`);
process.exit(total.failed ? 1 : 0);

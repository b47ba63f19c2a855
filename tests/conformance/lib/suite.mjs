// `describe` and `test` of node:test, which know what the server cannot do yet.
//
// not-yet.json lists tests by name, each group with its reason, and what else is missing (ways to talk, transports). A listed test
// runs all the same, turned round: it passes while its body fails. So the list cannot rot: a test that has begun to pass, and a name
// that no test has, are failures. NOT_YET=off ignores the file (for a server that has everything), NOT_YET=skip leaves the listed
// tests out (where another run has looked at them).
import fs from 'node:fs';
import * as node from 'node:test';
import { within } from './env.mjs';

const mode = process.env.NOT_YET ?? 'check';
const notYet = mode === 'off' ? null : JSON.parse(fs.readFileSync(new URL('../not-yet.json', import.meta.url), 'utf8'));

/** How long a listed test may take to fail; still running then counts as failed. */
const PATIENCE_MS = 2500;

/** Names of listed tests end with the first; the error of one that passes begins with the second. */
export const NOT_YET = ' (not yet)';
export const PASSES = 'it passes';

const reasons = new Map();
for (const group of notYet?.tests ?? [])
  for (const name of group.names) {
    if (reasons.has(name)) throw new Error(`not-yet.json lists twice: ${name}`);
    reasons.set(name, group.reason);
  }
export const listed = [...reasons.keys()];

export const hasWay = name => !notYet || notYet.ways.includes(name);

/**
 * A line of raw/expected.json as the server under test must write it: of the transports that the reference offers in negotiate,
 * those of not-yet.json are left. All else of the line is compared as it is.
 */
export const offered = line => !notYet ? line : line
  .replace(/\{"transferFormats":\[[^\]]*\],"transport":"(\w+)"\},?/g, (entry, transport) => notYet.transports.includes(transport) ? entry : '')
  .replace('},]', '}]');

// The runner learns which of the listed names exist.
const seen = new Set();
if (process.env.NOT_YET_SEEN) process.on('exit', () => fs.appendFileSync(process.env.NOT_YET_SEEN, [...seen].map(name => name + '\n').join('')));

let path = [];

export function describe(name, options, body) {
  const here = [...path, name];
  node.describe(name, options, () => {
    const before = path;
    path = here;
    try { body(); } finally { path = before; }
  });
}

/** key: the name in not-yet.json; by default the names of the blocks and the test, the first block with its way or without it. */
export function test(name, options, body) {
  if (!body) [options, body] = [{}, options];
  const inOneWay = [...path, name].join(' > ');
  const inEveryWay = inOneWay.replace(/^([^>]*): [^>]* > /, '$1 > ');
  const key = options.key ?? (reasons.has(inOneWay) ? inOneWay : inEveryWay);
  const reason = reasons.get(key);
  if (reason === undefined) return void node.test(name, body);
  seen.add(key);
  if (mode === 'skip') return;
  node.test(name + NOT_YET, async t => {
    try { await within(body(t), PATIENCE_MS, name); } catch { return; }
    throw new Error(`${PASSES}: take it out of not-yet.json ("${reason}")`);
  });
}

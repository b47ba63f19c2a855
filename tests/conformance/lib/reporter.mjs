// node:test reporter: one line for each test (QUIET=1: failures only), failures with their reason, and the counts.
import { NOT_YET, PASSES } from './suite.mjs';

const LINES_OF_A_FAILURE = 12;

function describeFailure(name, error) {
  const cause = error?.cause ?? error;
  const lines = String(cause?.stack ?? cause).split('\n').slice(0, LINES_OF_A_FAILURE);
  return `FAIL ${name}\n     ${lines.join('\n     ')}\n`;
}

export default async function* reporter(source) {
  let passed = 0, failed = 0, later = 0;
  const path = [];
  const failures = [];
  for await (const { type, data } of source) {
    if (type === 'test:start') { path[data.nesting] = data.name; path.length = data.nesting + 1; }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const isFile = data.name.endsWith('.mjs');
    if (data.details?.type === 'suite' || (isFile && type === 'test:pass')) continue;
    if (data.skip !== undefined) continue; // not asked for (--test-name-pattern)
    const name = [...path.slice(0, data.nesting), data.name].join(' > ');
    // A listed test may break in more than one place (an error that nobody awaits); that is no news.
    const isLater = data.name.endsWith(NOT_YET) && !data.details.error?.cause?.message?.startsWith(PASSES);
    if (type === 'test:fail' && !isLater) {
      failed++;
      failures.push(describeFailure(name, data.details.error));
      yield failures.at(-1);
    } else {
      if (isLater) later++; else passed++;
      if (!process.env.QUIET) yield `pass ${name} (${Math.round(data.details.duration_ms)} ms)\n`;
    }
  }
  if (failures.length > 3) yield `\n---- failures again ----\n${failures.join('')}`;
  yield `${passed} passed, ${failed} failed${later ? `, ${later} not yet` : ''}\n`;
}

// A headless Chromium, and pages in it whose complaints are kept. Chromium comes from the system: nothing is downloaded.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const SKIPPED = 77;

function find(name) {
  try {
    return execFileSync('/bin/sh', ['-c', 'command -v -- "$0"', name], { encoding: 'utf8' }).trim();
  } catch { return undefined; }
}

/** Starts it with a fresh profile. Ends the process with 77 where there is no Chromium. */
export async function openBrowser() {
  const executablePath = [process.env.SIGNALUA_CHROMIUM, ...NAMES].filter(Boolean).map(find).find(Boolean);
  if (!executablePath) {
    console.error('no Chromium or Chrome found; SIGNALUA_CHROMIUM may name one');
    process.exit(SKIPPED);
  }
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'signalua-browser-'));
  process.on('exit', () => fs.rmSync(profile, { recursive: true, force: true }));
  return chromium.launch({
    executablePath, headless: true, env: { ...process.env, HOME: profile },
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--disable-dev-shm-usage'],
  });
}

/** A page in a context of its own (no cookie, no storage shared). page.complaints: errors of the page and its console. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.complaints = [];
  page.on('pageerror', error => page.complaints.push(`uncaught: ${error}`));
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('requestfailed', request => page.complaints.push(`failed: ${request.url()}`));
  page.on('dialog', dialog => {
    page.complaints.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  const reply = await page.goto(url);
  assert.equal(reply.status(), 200);
  return page;
}

// What the tests of this folder share. They drive the program named by SIGNALUA from outside.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plain } from '../conformance/lib/plain.mjs';
import { Server } from '../conformance/lib/server.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
export const labHubs = path.join(here, 'hubs');
export const contractHubs = path.join(here, '../conformance/hubs');

/** A folder with these files (name → text), removed at the end. */
export function folder(files) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'signalua-test-'));
  process.on('exit', () => fs.rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  return root;
}

/** Runs `body(server)`; the server must end well whatever happened. */
export async function serving(options, body) {
  const server = await Server.start({ hubs: labHubs, ...options });
  try {
    await body(server);
  } catch (error) {
    await server.stop().catch(worse => { error.message += `\nand then: ${worse.message}`; });
    throw error;
  }
  await server.stop();
}

/**
 * A connection that stands beside what is done to the server. Its check() shows that neither it, nor new ones, nor the process
 * have suffered.
 */
export async function bystander(server, hub = 'lab') {
  const old = await Plain.open(server.url, `/${hub}`);
  assert.equal(await old.invoke('Echo', 'before'), 'before');
  return {
    async check() {
      assert.ok(server.alive, 'the process lives');
      assert.equal(await old.invoke('Echo', 'after'), 'after');
      const fresh = await Plain.open(server.url, `/${hub}`);
      assert.equal(await fresh.invoke('Echo', 'new'), 'new');
      await fresh.stop();
    },
    old,
    stop: () => old.stop(),
  };
}

/** Environment of a program whose memory is measured: what Address Sanitizer holds back of freed memory would count as the program's. */
export const memoryFreed = { ASAN_OPTIONS: [process.env.ASAN_OPTIONS, 'quarantine_size_mb=1'].filter(Boolean).join(':') };

/** Whether a sanitizer runs in the process: it holds freed memory back, and much of its own. */
export const sanitized = pid => /lib[at]san/.test(fs.readFileSync(`/proc/${pid}/maps`, 'utf8'));

/** Resident memory of a process, in bytes. */
export const residentBytes = pid => Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

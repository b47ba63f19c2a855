// The chat example as people use it: hubs/chat.lua and examples/chat/www in headless Chromium, each person in a browser
// context of their own.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { program, Server } from '../conformance/lib/server.mjs';
import '../conformance/lib/exit.mjs';
import { openBrowser, openPage } from './lib.mjs';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..');
const HUBS = path.join(root, 'hubs');
const WWW = path.join(root, 'examples/chat/www');
const SHOTS = path.join(path.dirname(program()), 'screenshots');

let browser, server;

before(async () => {
  fs.mkdirSync(SHOTS, { recursive: true });
  server = await Server.start({ hubs: HUBS, www: WWW, workers: 2 });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Opens the page, gives a name, waits until the room is entered. */
async function enter(name, room, options) {
  const page = await openPage(browser, `${server.url}/#${room}`, options);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Enter' }).click();
  await connected(page);
  await line(page, `You are in ${room}.`);
  return page;
}

const connected = page => page.locator('#state[data-state=connected]').waitFor();
const lines = (page, text) => page.locator('#log li').filter({ hasText: text });
const line = (page, text) => lines(page, text).first().waitFor();
const texts = page => page.locator('#log .text').allTextContents();
const messages = (page, count) => page.waitForFunction(n => document.querySelectorAll('#log .text').length === n, count);

async function say(page, text) {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

async function close(...pages) {
  for (const page of pages) {
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
}

describe('chat', () => {
  test('two people talk to each other', async () => {
    const ann = await enter('Ann', 'talk');
    const bob = await enter('Bob', 'talk');
    await line(ann, 'Bob joined.');

    await say(ann, 'Hello Bob');
    await messages(bob, 1);
    await say(bob, 'Hello Ann');
    await messages(ann, 2);
    await messages(bob, 2);
    for (const page of [ann, bob]) assert.deepEqual(await texts(page), ['Hello Bob', 'Hello Ann']);
    assert.deepEqual(await ann.locator('#log .name').allTextContents(), ['Ann', 'Bob']);
    assert.equal(await ann.locator('#log .mine .text').textContent(), 'Hello Bob');
    assert.equal(await bob.locator('#log .mine .text').textContent(), 'Hello Ann');
    await bob.screenshot({ path: path.join(SHOTS, 'chat.png') });

    await bob.context().close();
    await line(ann, 'Bob left.');
    await close(ann);
  });

  test('markup is shown, not obeyed', async () => {
    const attack = '<img src=x onerror="alert(1)"><script>alert(2)</scr' + 'ipt> &amp; "quoted"';
    const name = '<b id=bold>Eve</b>';
    const eve = await enter(name, 'markup');
    const ann = await enter('Ann', 'markup');
    await say(eve, attack);
    await messages(ann, 1);
    assert.deepEqual(await texts(ann), [attack]);
    assert.equal(await ann.locator('#log .name').textContent(), name);
    for (const page of [ann, eve]) assert.equal(await page.locator('#log img, #log script, #bold').count(), 0);
    await close(ann, eve);
  });

  test('who comes late sees the last twenty messages, in order', async () => {
    const ann = await enter('Ann', 'late');
    for (let i = 1; i <= 47; i++) {
      await say(ann, `message ${i}`);
      await messages(ann, i);
    }
    const bob = await enter('Bob', 'late');
    await messages(bob, 20);
    assert.deepEqual(await texts(bob), Array.from({ length: 20 }, (_, i) => `message ${i + 28}`));
    await close(ann, bob);
  });

  test('rooms are apart, and the address names the room', async () => {
    const ann = await enter('Ann', 'here');
    const bob = await enter('Bob', 'there');
    await say(bob, 'only there');
    await messages(bob, 1);
    await say(ann, 'only here');
    await messages(ann, 1);
    assert.deepEqual(await texts(ann), ['only here']);

    await ann.getByLabel('Another room').fill('there');
    await ann.getByLabel('Another room').press('Enter');
    await line(ann, 'You are in there.');
    assert.deepEqual(await texts(ann), ['only there']);
    assert.equal(new URL(ann.url()).hash, '#there');
    await line(bob, 'Ann joined.');
    await ann.goBack();
    await line(ann, 'You are in here.');
    assert.deepEqual(await texts(ann), ['only here']);
    await line(bob, 'Ann left.');
    await close(ann, bob);
  });

  test('typing is seen by the others and ends with the message', async () => {
    const ann = await enter('Ann', 'typing');
    const bob = await enter('Bob', 'typing');
    await ann.getByLabel('Message', { exact: true }).pressSequentially('abc');
    await bob.getByText('Ann is typing…').waitFor();
    assert.equal(await ann.locator('#typing').textContent(), '');
    await ann.keyboard.press('Enter');
    await messages(bob, 1);
    assert.equal(await bob.locator('#typing').textContent(), '');
    await close(ann, bob);
  });

  test('a name can be changed', async () => {
    const ann = await enter('Ann', 'names');
    const bob = await enter('Bob', 'names');
    await ann.getByRole('button', { name: 'Ann' }).click();
    await ann.getByLabel('Your name').fill('Anna');
    await ann.getByRole('button', { name: 'Enter' }).click();
    await line(bob, 'Ann is now Anna.');
    await say(ann, 'me again');
    await messages(bob, 1);
    assert.equal(await bob.locator('#log .name').textContent(), 'Anna');
    await close(ann, bob);
  });

  test('what the hub refuses is said, and the text is kept', async () => {
    const ann = await enter('Ann', 'refused');
    const field = ann.getByLabel('Message', { exact: true });
    const tooLong = '漢'.repeat(1400);
    await field.evaluate((area, text) => { area.removeAttribute('maxlength'); area.value = text; }, tooLong);
    await ann.getByRole('button', { name: 'Send' }).click();
    await ann.getByRole('alert').filter({ hasText: 'That is too long for a message.' }).waitFor();
    assert.equal(await field.inputValue(), tooLong);
    await say(ann, 'short');
    await messages(ann, 1);
    assert.equal(await ann.locator('#error').textContent(), '');
    await close(ann);
  });

  test('narrow and dark', async () => {
    const ann = await enter('Ann', 'lobby', { viewport: { width: 360, height: 640 }, colorScheme: 'dark' });
    await say(ann, 'a word of '.repeat(30) + 'x'.repeat(200));
    await messages(ann, 1);
    const wide = await ann.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false, 'the page scrolls sideways');
    assert.ok(await ann.getByRole('button', { name: 'Send' }).isVisible());
    await ann.screenshot({ path: path.join(SHOTS, 'chat-narrow.png') });
    await close(ann);
  });

  // Last, since it takes the server away.
  test('a page comes back when the server does', async () => {
    const ann = await enter('Ann', 'again');
    const bob = await enter('Bob', 'again');
    await say(ann, 'before');
    await messages(bob, 1);
    assert.deepEqual([...ann.complaints, ...bob.complaints], []);

    const { host } = new URL(server.url);
    await server.stop();
    for (const page of [ann, bob]) await page.locator('#state:not([data-state=connected])').waitFor();
    assert.equal(await ann.getByRole('button', { name: 'Send' }).isDisabled(), true);

    server = await Server.start({ hubs: HUBS, www: WWW, workers: 2, args: ['--listen', host] });
    await Promise.all([connected(ann), connected(bob)]);
    await say(bob, 'after');
    await lines(ann, 'after').waitFor();
    assert.deepEqual(await texts(ann), ['after']);  // the store was the old server's
    for (const page of [ann, bob]) {
      // A refused connection is told by the browser, and that is all.
      assert.deepEqual(page.complaints.filter(text => text.startsWith('uncaught')), []);
      await page.context().close();
    }
  });
});

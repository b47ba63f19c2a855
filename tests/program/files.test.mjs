// Files served from --www as they are.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Server } from '../conformance/lib/server.mjs';
import { Tcp } from '../conformance/lib/tcp.mjs';
import '../conformance/lib/exit.mjs';
import { folder, labHubs } from './lib.mjs';

const files = {
  'www/index.html': '<!doctype html><title>front</title>', 'www/app.js': 'let a;', 'www/module.mjs': 'export {};', 'www/style.css': 'b{}',
  'www/data.json': '{}', 'www/readme.txt': 'żółć', 'www/picture.svg': '<svg/>', 'www/picture.png': 'png', 'www/code.wasm': 'wasm',
  'www/unknown.zzz': 'zzz', 'www/deep/down/page.html': 'deep', 'www/deep/index.html': 'folder', 'www/two words.txt': 'blank', 'www/empty.txt': '',
  'www/.hidden': 'secret', 'www/.git/config': 'secret', 'secret.txt': 'secret', 'www-beside/secret.txt': 'secret',
};
let server, root;
before(async () => {
  root = folder(files);
  fs.symlinkSync('../secret.txt', path.join(root, 'www/link.txt'));
  fs.symlinkSync('..', path.join(root, 'www/up'));
  fs.symlinkSync('deep/down', path.join(root, 'www/inside'));
  server = await Server.start({ hubs: labHubs, www: path.join(root, 'www'), workers: 2 });
});
after(() => server.stop());
const get = (name, options) => fetch(server.url + name, options);

test('content types', async () => {
  const types = {
    '/': 'text/html', '/index.html': 'text/html', '/app.js': 'text/javascript', '/module.mjs': 'text/javascript', '/style.css': 'text/css',
    '/data.json': 'application/json', '/readme.txt': 'text/plain', '/picture.svg': 'image/svg+xml', '/picture.png': 'image/png',
    '/code.wasm': 'application/wasm', '/unknown.zzz': 'application/octet-stream', '/deep/down/page.html': 'text/html', '/two%20words.txt': 'text/plain',
  };
  for (const [name, type] of Object.entries(types)) {
    const reply = await get(name);
    assert.equal(reply.status, 200, name);
    assert.equal(reply.headers.get('content-type').split(';')[0], type, name);
    const file = name === '/' ? '/index.html' : decodeURI(name);
    assert.equal(await reply.text(), files['www' + file], name);
  }
  assert.match((await get('/')).headers.get('content-type'), /charset=utf-8/i);
  assert.equal((await (await get('/empty.txt')).text()), '');
});

test('a folder gives its index', async () => {
  const reply = await get('/deep/');
  assert.equal(reply.status, 200);
  assert.equal(await reply.text(), 'folder');
  assert.equal((await get('/deep/down/')).status, 404, 'no listing');
});

test('a link that stays inside is followed', async () => {
  assert.equal(await (await get('/inside/page.html')).text(), 'deep'); // a ConfigMap is made of such links
});

test('ETag: unchanged is 304, changed is sent anew', async () => {
  const first = await get('/app.js');
  const etag = first.headers.get('etag');
  assert.match(etag, /^(W\/)?"[^"]+"$/);
  for (const value of [etag, `"other", ${etag}`, '*']) {
    const again = await get('/app.js', { headers: { 'if-none-match': value } });
    assert.equal(again.status, 304, value);
    assert.equal(await again.text(), '');
    assert.equal(again.headers.get('etag'), etag);
  }
  assert.equal((await get('/app.js', { headers: { 'if-none-match': '"other"' } })).status, 200);
  fs.writeFileSync(path.join(root, 'www/app.js'), 'let changed;');
  const changed = await get('/app.js', { headers: { 'if-none-match': etag } });
  assert.equal(changed.status, 200);
  assert.equal(await changed.text(), 'let changed;');
  assert.notEqual(changed.headers.get('etag'), etag);
});

test('HEAD is GET without the body', async () => {
  const tcp = new Tcp(server.url).send('HEAD /style.css HTTP/1.1\r\nHost: x\r\n\r\nGET /data.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await tcp.end();
  const [head, ...rest] = tcp.data.toString().split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 200 /);
  assert.match(head, /content-length: 3/i);
  assert.match(head, /content-type: text\/css/i);
  assert.match(rest[0], /^HTTP\/1\.1 200 /, 'the next answer follows at once');
  assert.equal(rest[1], '{}');
});

test('other methods are refused', async () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const reply = await get('/app.js', { method });
    assert.equal(reply.status, 405, method);
    assert.match(reply.headers.get('allow'), /GET/);
  }
});

test('nothing outside the folder, nothing hidden', async () => {
  const targets = ['/../secret.txt', '/deep/../../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/%2e%2e%2fsecret.txt', '/deep/%2e%2e/%2e%2e/secret.txt',
    '/..%5csecret.txt', '//etc/passwd', '/%2fetc/passwd', '/etc/passwd', '/../www-beside/secret.txt', '/link.txt', '/up/secret.txt', '/.hidden', '/.git/config',
    '/app.js%00.txt', '/app.js/', '/app.js/x', '/nothing', '/%', '/%zz', '/%c0%ae%c0%ae/secret.txt', '/./../secret.txt', '/deep/./../../secret.txt',
    `/${'a'.repeat(5000)}`, `/${'a/'.repeat(2000)}`];
  for (const target of targets) {
    const tcp = new Tcp(server.url).send(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`); // fetch would tidy the path up
    await tcp.end();
    assert.match(tcp.data.toString(), /^HTTP\/1\.1 (404|400|414) /, target.slice(0, 60));
    assert.ok(!/secret|root:/.test(tcp.data.toString().split('\r\n\r\n')[1] ?? ''), target);
  }
  assert.equal((await get('/index.html')).status, 200);
});

test('hubs and routes come before files', async () => {
  fs.writeFileSync(path.join(root, 'www/shout'), 'a file');
  assert.equal((await get('/shout', { method: 'POST', body: 'x' })).status, 201);
});

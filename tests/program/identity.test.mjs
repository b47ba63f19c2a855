// Bearer tokens, authorize and authenticate, and pages of other origins, from outside.
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { Plain } from '../conformance/lib/plain.mjs';
import { run } from '../conformance/lib/server.mjs';
import '../conformance/lib/exit.mjs';
import { folder, serving } from './lib.mjs';

const b64 = value => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

/** A token whose signature `make(text)` gives. */
function token(alg, claims, make, header = {}) {
  const text = `${b64({ alg, ...header })}.${b64({ exp: now() + 60, ...claims })}`;
  return `${text}.${make(Buffer.from(text)).toString('base64url')}`;
}
const keys = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = key => key.export({ type: 'spki', format: 'pem' });
const rs256 = key => text => sign('sha256', text, key);
const hs256 = secret => text => createHmac('sha256', secret).update(text).digest();

const negotiate = (server, hub, options = {}) =>
  fetch(`${server.url}/${hub}/negotiate?negotiateVersion=1${options.query ?? ''}`, { method: 'POST', headers: options.headers });
const bearer = text => ({ headers: { authorization: `Bearer ${text}` } });

const hubs = () => folder({
  'vault.lua': `
    local signalua = require "signalua"
    local Vault = signalua.hub { authorize = true, methods = { Open = { authorize = { roles = { "keeper" } } } } }
    function Vault:Open() return self.context.user_id .. " " .. self.context.claims.tenant end
    return Vault`,
  'door.lua': `
    local signalua = require "signalua"
    local Door = signalua.hub()
    function Door.authenticate(request)
      signalua.sleep(0.05)
      if request.query.key ~= "letmein" then return nil, "wrong key" end
      return { user_id = request.query.name, claims = { role = "guest" } }
    end
    function Door:Who() return { self.context.user_id, self.context.claims.role, self.context.authenticated } end
    signalua.route("GET", "/me", function(request) return 200, request.user_id or "nobody" end)
    return Door`,
});

test('keys from a file, several at a time; no log line has a token', async () => {
  const [old, young, foreign] = [keys(), keys(), keys()];
  const file = path.join(folder({ 'keys.pem': pem(old.publicKey) + pem(young.publicKey) }), 'keys.pem');
  const args = ['--jwt-key-file', file, '--jwt-issuer', 'us', '--jwt-user-claim', 'email', '--jwt-role-claim', 'groups', '--log-level', 'debug'];
  const claims = { iss: 'us', email: 'ann@example', groups: ['keeper'], tenant: 'north' };
  const sent = [];
  const say = (...how) => { const text = token(...how); sent.push(text); return text; };
  await serving({ hubs: hubs(), args, workers: 2 }, async server => {
    for (const [key, status] of [[old, 200], [young, 200], [foreign, 401]])
      assert.equal((await negotiate(server, 'vault', bearer(say('RS256', claims, rs256(key.privateKey))))).status, status);
    const bad = [
      say('HS256', claims, hs256(pem(old.publicKey))), say('none', claims, () => Buffer.from('x')),
      say('RS256', { ...claims, iss: 'them' }, rs256(old.privateKey)), say('RS256', { ...claims, exp: now() - 60 }, rs256(old.privateKey)),
      say('RS256', claims, rs256(old.privateKey), { crit: ['exp'] }),
    ];
    for (const text of bad) {
      const reply = await negotiate(server, 'vault', bearer(text));
      assert.equal(reply.status, 401);
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
      assert.equal((await negotiate(server, 'vault', { query: `&access_token=${text}` })).status, 401);
    }
    assert.equal((await negotiate(server, 'vault')).headers.get('www-authenticate'), 'Bearer');
    const good = say('RS256', claims, rs256(young.privateKey));
    const c = await Plain.open(server.url, `/vault?access_token=${good}`);
    assert.equal(await c.invoke('Open'), 'ann@example north');
    await c.stop();
    assert.equal(await (await fetch(server.url + '/me', bearer(good))).text(), 'ann@example');
    assert.equal(await (await fetch(server.url + '/me', bearer(bad[0]))).text(), 'nobody');
    assert.equal(await server.metric('bearer_tokens_expired_total'), 2);
    await server.log(line => line.text === 'bearer token refused' && line.why === 'its issuer is another');
    for (const text of sent) for (const part of text.split('.').slice(1)) assert.ok(!server.stderr.includes(part), 'a token in the log');
  });
});

test('a key that is wrong is refused with its file, and never shown', async () => {
  const { privateKey } = keys();
  const secret = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const file = path.join(folder({ 'private.pem': secret }), 'private.pem');
  const ended = await run(['serve', '--hubs', hubs(), '--jwt-key-file', file]);
  assert.equal(ended.status, 2);
  assert.match(JSON.parse(ended.err).error, /jwt_key_file = ".*private\.pem" \(from --jwt-key-file\) is wrong: it holds a private key: give the public one/);
  assert.ok(!ended.err.includes(secret.split('\n')[1]));
});

test('authenticate says who it is, after a while', async () => {
  await serving({ hubs: hubs(), workers: 2 }, async server => {
    assert.equal((await negotiate(server, 'door')).status, 401);
    assert.equal((await negotiate(server, 'door', { query: '&key=letmein&name=bob' })).status, 200);
    const c = await Plain.open(server.url, '/door?key=letmein&name=bob');
    assert.deepEqual(await c.invoke('Who'), ['bob', 'guest', true]);
    await c.stop();
    await server.log(line => line.text === 'request refused' && line.reason === 'wrong key' && line.status === 401);
    // Who does not wait for the word leaves nothing behind.
    await Promise.all(Array.from({ length: 50 }, () =>
      fetch(`${server.url}/door/negotiate?key=letmein`, { method: 'POST', signal: AbortSignal.timeout(10) }).catch(() => {})));
    await server.socketsBecome(0);
    await server.metricBecomes('coroutines_running', 0);
  });
});

test('pages of listed origins, and no others', async () => {
  const origin = 'https://app.example';
  await serving({ hubs: hubs(), args: ['--cors-origin', `${origin},http://127.0.0.1:5000`] }, async server => {
    const ask = (from, method = 'POST', more = {}) =>
      fetch(server.url + '/door/negotiate?key=letmein', { method, headers: { ...from && { origin: from }, ...more } });
    for (const from of [origin, 'http://127.0.0.1:5000']) {
      const reply = await ask(from);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers.get('access-control-allow-origin'), from);
      assert.equal(reply.headers.get('access-control-allow-credentials'), 'true');
    }
    for (const from of [null, 'https://evil.example', 'null', 'http://app.example']) {
      const reply = await ask(from);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers.get('vary'), 'Origin');
      assert.equal(reply.headers.get('access-control-allow-origin'), null);
    }
    assert.equal((await fetch(server.url + '/nothing')).headers.get('vary'), 'Origin');
    const preflight = await ask(origin, 'OPTIONS', { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-headers'), 'authorization');
  });
});

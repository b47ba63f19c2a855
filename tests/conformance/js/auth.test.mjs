// Tokens: who may connect, who one is, what a method may demand.
import assert from 'node:assert/strict';
import http from 'node:http';
import { Client, failure, using, ways } from '../lib/client.mjs';
import { base, token, unique } from '../lib/env.mjs';
import { describe, test } from '../lib/suite.mjs';
import '../lib/exit.mjs';

for (const way of ways)
  describe(`auth: ${way.name}`, { concurrency: 6 }, () => {
    const secure = (tok, more) => new Client(way, { hub: 'secure', token: tok, ...more });
    const rejected = async c => {
      const e = await failure(c.start());
      await c.stop();
      if (!way.skip) { assert.equal(e.statusCode ?? Number(/'?(401)'?/.exec(e.message)?.[1]), 401, e.message); }
    };
    test('a valid token is let in', async () => {
      const u = unique('user');
      await using([secure(token(u))], async c => assert.equal((await c.invoke('WhoAmI')).userIdentifier, u));
    });
    test('no token', () => rejected(secure()));
    test('expired token', () => rejected(secure(token('u', { exp: Math.floor(Date.now() / 1000) - 5 }))));
    test('wrong key', () => rejected(secure(token('u', {}, { key: 'another-key-another-key-another-key-123456' }))));
    test('wrong issuer', () => rejected(secure(token('u', { iss: 'other' }))));
    test('wrong audience', () => rejected(secure(token('u', { aud: 'other' }))));
    test('not yet valid', () => rejected(secure(token('u', { nbf: Math.floor(Date.now() / 1000) + 300 }))));
    test('unsigned token', () => rejected(secure(token('u', {}, { alg: 'none' }))));
    test('garbage token', () => rejected(secure('garbage')));
    test('audience list with ours among others', () => using([secure(token('u', { aud: ['x', 'signalr'] }))], c => c.invoke('Add', 1, 1)));
    test('an async token factory', () => using([secure(async () => token('u'))], c => c.invoke('Add', 1, 1)));
    test('roles', async () => {
      await using([secure(token('boss', { role: 'admin' }))], async c => assert.equal(await c.invoke('AdminOnly'), 'admin'));
      await using([secure(token('clerk'))], async c =>
        assert.equal((await failure(c.invoke('AdminOnly'))).message, "Failed to invoke 'AdminOnly' because user is unauthorized"));
      await using([secure(token('both', { role: ['clerk', 'admin'] }))], async c => assert.equal(await c.invoke('AdminOnly'), 'admin'));
    });
    test('the open hub takes anonymous, identified and badly identified clients', async () => {
      const who = async tok => using([new Client(way, { token: tok })], async c => (await c.invoke('WhoAmI')).userIdentifier);
      assert.equal(await who(undefined), null);
      assert.equal(await who(token('zoë')), 'zoë');
      assert.equal(await who('garbage'), null);
    });
    test('the connection ends when the token expires', async () => {
      const c = secure(token('u', { exp: Math.floor(Date.now() / 1000) + 2 }));
      await c.start();
      await c.closed;
      await c.stop();
    });
    if (!way.skip) test('negotiate may redirect with its own token', async () => {
      const u = unique('redirected');
      const server = http.createServer((q, r) => {
        r.setHeader('content-type', 'application/json');
        r.end(JSON.stringify({ url: base + '/secure', accessToken: token(u) }));
      });
      await new Promise(done => server.listen(0, '127.0.0.1', done));
      try {
        await using([new Client(way, { url: `http://127.0.0.1:${server.address().port}`, hub: 'away' })], async c =>
          assert.equal((await c.invoke('WhoAmI')).userIdentifier, u));
      } finally { server.close(); server.closeAllConnections(); }
    });
  });

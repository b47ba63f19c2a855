// Negotiate, long polling, server-sent events and the HTTP side of WebSockets.
import { describe } from '../lib/suite.mjs';
import { RS, wire } from '../lib/wire.mjs';
import { base, token, within } from '../lib/env.mjs';

const opts = { concurrency: 8 };
const hello = '{"protocol":"json","version":1}' + RS;
const shapes = j => Object.keys(j).sort().join(',');

describe('negotiate', opts, () => {
  for (const query of ['', 'negotiateVersion=0', 'negotiateVersion=1', 'negotiateVersion=2', 'negotiateVersion=99', 'negotiateVersion=-1', 'negotiateVersion=x', 'negotiateVersion=', 'negotiateVersion=1.0',
    'negotiateVersion=1&negotiateVersion=0', 'NegotiateVersion=1', 'NEGOTIATEVERSION=1', 'negotiateVersion=%201', 'negotiateVersion=99999999999', 'negotiateVersion=1&other=2',
    'negotiateVersion=1&useStatefulReconnect=true', 'negotiateVersion=1&useStatefulReconnect=True', 'negotiateVersion=1&useStatefulReconnect=1', 'negotiateVersion=1&useStatefulReconnect=false', 'negotiateVersion=0&useStatefulReconnect=true'])
    wire(`negotiate ?${query}`, async w => { await w.http('POST', '/conformance/negotiate' + (query ? '?' + query : '')); });
  for (const path of ['/wsonly', '/lponly', '/parallel', '/CONFORMANCE', '/nothing'])
    wire(`negotiate on ${path}`, async w => { await w.http('POST', path + '/negotiate?negotiateVersion=1'); });
  wire('negotiate with a trailing slash', async w => { await w.http('POST', '/conformance/negotiate/?negotiateVersion=1'); });
  wire('negotiate in capitals', async w => { await w.http('POST', '/conformance/NEGOTIATE?negotiateVersion=1'); });
  wire('negotiate with a body', async w => { await w.http('POST', '/conformance/negotiate?negotiateVersion=1', { body: 'x'.repeat(5000), headers: { 'content-type': 'text/plain' } }); });
  for (const method of ['GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'])
    wire(`negotiate by ${method}`, async w => { await w.http(method, '/conformance/negotiate?negotiateVersion=1', { show: ['content-type', 'allow'] }); });
  wire('negotiate: id and token differ in version 1, token absent in version 0', async w => {
    const one = await w.negotiate('/conformance', 'negotiateVersion=1'), zero = await w.negotiate('/conformance', 'negotiateVersion=0');
    w.note(`${shapes(one)} ${one.connectionId !== one.connectionToken}`); w.note(shapes(zero));
    w.note(`lengths ${one.connectionId.length} ${one.connectionToken.length} ${zero.connectionId.length}`);
    w.note(`url safe ${/^[\w-]+$/.test(one.connectionId + one.connectionToken)}`);
  });
  wire('negotiate on the secure hub', async w => {
    await w.http('POST', '/secure/negotiate?negotiateVersion=1', { show: ['www-authenticate'] });
    await w.http('POST', '/secure/negotiate?negotiateVersion=1', { headers: { authorization: 'Bearer ' + token('u', { exp: 1 }) }, show: [] });
    await w.http('POST', '/secure/negotiate?negotiateVersion=1', { headers: { authorization: 'Bearer ' + token('u') }, show: [] });
    const reply = await fetch(base + '/secure/negotiate?negotiateVersion=1&access_token=' + token('u'), { method: 'POST' });
    w.note('token in the query ' + reply.status);
  });
  wire('cors: preflight and answer', async w => {
    const cors = ['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-allow-methods', 'access-control-allow-headers'];
    await w.http('OPTIONS', '/conformance/negotiate?negotiateVersion=1', { headers: { origin: 'http://app.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-requested-with,x-signalr-user-agent' }, show: cors });
    const r = await w.http('POST', '/conformance/negotiate?negotiateVersion=1', { headers: { origin: 'http://app.example' }, show: cors, quiet: true });
    w.note(cors.slice(0, 2).map(h => r.headers.get(h)).join(' '));
    const evil = await w.http('POST', '/conformance/negotiate?negotiateVersion=1', { headers: { origin: 'http://evil.example' }, quiet: true });
    w.note('other origin ' + evil.status + ' ' + evil.headers.get('access-control-allow-origin'));
  });
});

/** A long-polling connection: negotiated, first poll done. */
const lp = async (w, path = '/conformance', { shake = true, first = true } = {}) => {
  const n = await w.negotiate(path);
  const c = { url: `${path}?id=${n.connectionToken}`, poll: o => w.http('GET', `${path}?id=${n.connectionToken}`, o), send: (body, o) => w.http('POST', `${path}?id=${n.connectionToken}`, { body, ...o }), token: n.connectionToken, id: n.connectionId };
  if (first) await c.poll({ quiet: !shake ? false : true });
  if (shake) { await c.send(hello, { quiet: true }); await c.poll({ quiet: true }); }
  w.defer(() => fetch(base + c.url, { method: 'DELETE' }).catch(() => {}));
  return c;
};
const call = (target, ...args) => JSON.stringify({ type: 1, invocationId: '1', target, arguments: args }) + RS;

describe('long polling', opts, () => {
  wire('lp: the first poll answers at once, empty', async w => { await lp(w, '/conformance', { shake: false }); });
  wire('lp: handshake', async w => { const c = await lp(w, '/conformance', { shake: false }); await c.send(hello); await c.poll(); });
  wire('lp: handshake refused', async w => { const c = await lp(w, '/conformance', { shake: false }); await c.send('{"protocol":"xml","version":1}' + RS); await c.poll(); await c.poll(); await c.poll(); });
  wire('lp: a call', async w => { const c = await lp(w); await c.send(call('Add', 1, 2)); await c.poll(); });
  wire('lp: two calls in one post', async w => { const c = await lp(w); await c.send(call('Add', 1, 2) + call('Add', 3, 4)); await w.pause(50); await c.poll(); });
  wire('lp: a call split over two posts', async w => { const c = await lp(w); const m = call('Add', 1, 2); await c.send(m.slice(0, 30)); await c.send(m.slice(30)); await c.poll(); });
  wire('lp: an empty post', async w => { const c = await lp(w); await c.send(''); await c.send(call('Add', 1, 2)); await c.poll(); });
  wire('lp: content types do not matter', async w => { const c = await lp(w); await c.send(call('Add', 1, 2), { headers: { 'content-type': 'application/octet-stream' } }); await c.poll(); });
  wire('lp: headers of a poll', async w => { const c = await lp(w); await c.send(call('Add', 1, 2)); await c.poll({ show: ['content-type', 'cache-control', 'x-content-type-options', 'content-encoding'] }); });
  wire('lp: messagepack', async w => {
    const c = await lp(w, '/conformance', { shake: false });
    await c.send('{"protocol":"messagepack","version":1}' + RS, { quiet: true });
    await c.poll();
    w.protocol = 'messagepack';
    await c.send(Buffer.from([...Buffer.from('0d', 'hex'), ...Buffer.from('960180a131a341646492010290', 'hex')]), { headers: { 'content-type': 'application/octet-stream' } });
    await c.poll();
  });
  wire('lp: poll timeout', async w => { const c = await lp(w, '/short'); await c.poll(); await c.send(call('Add', 1, 2)); await c.poll(); });
  wire('lp: a second poll ends the first', async w => {
    const c = await lp(w);
    const first = fetch(base + c.url).then(async r => `${r.status} ${JSON.stringify(await r.text())}`);
    await w.pause(80);
    const second = fetch(base + c.url).then(async r => `${r.status} ${JSON.stringify(await r.text())}`);
    w.note('first ' + await first);
    await c.send(call('Add', 1, 2));
    w.note('second ' + await second);
  });
  wire('lp: a poll given up loses nothing', async w => {
    const c = await lp(w);
    const stop = new AbortController();
    const first = fetch(base + c.url, { signal: stop.signal }).catch(() => {});
    await w.pause(60); stop.abort(); await first; await w.pause(60);
    await c.send(call('Add', 1, 2)); await c.poll();
  });
  wire('lp: delete', async w => { const c = await lp(w); await w.http('DELETE', c.url); await w.pause(150); await c.poll(); await w.http('DELETE', c.url); await c.send(call('Add', 1, 2)); });
  wire('lp: delete while a poll waits', async w => {
    const c = await lp(w);
    const waiting = fetch(base + c.url).then(async r => `${r.status} ${JSON.stringify(await r.text())}`);
    await w.pause(60);
    await w.http('DELETE', c.url);
    w.note('the poll ' + await waiting);
  }, { also: { '# the poll 200 "{\\"type\\":7,\\"allowReconnect\\":true}\\u001e"': '# the poll 204 ""', '# the poll 204 ""': '# the poll 200 "{\\"type\\":7,\\"allowReconnect\\":true}\\u001e"' } });
  wire('lp: close from the client', async w => { const c = await lp(w); await c.send('{"type":7}' + RS); await c.poll(); await c.poll(); await w.pause(50); await c.poll(); });
  wire('lp: abort by the hub', async w => { const c = await lp(w); await c.send(call('Abort')); await c.poll(); await c.poll(); await w.pause(50); await c.poll(); });
  wire('lp: an error closes', async w => { const c = await lp(w); await c.send('nonsense' + RS); await c.poll(); await c.poll(); });
  wire('lp: post before the first poll', async w => { const c = await lp(w, '/conformance', { shake: false, first: false }); await c.send(hello); await c.poll(); await c.poll(); });
  wire('lp: delete before the first poll', async w => { const c = await lp(w, '/conformance', { shake: false, first: false }); await w.http('DELETE', c.url); });
  wire('lp: the id does not stand for the token', async w => {
    const c = await lp(w); c.idUrl = `/conformance?id=${c.id}`;
    await w.http('GET', c.idUrl); await w.http('POST', c.idUrl, { body: call('Void') }); await w.http('DELETE', c.idUrl);
  });
  wire('lp: version 0 negotiation uses the id', async w => {
    const n = await w.negotiate('/conformance', 'negotiateVersion=0');
    await w.http('GET', `/conformance?id=${n.connectionId}`);
    await w.http('POST', `/conformance?id=${n.connectionId}`, { body: hello });
    await w.http('GET', `/conformance?id=${n.connectionId}`);
  });
  wire('lp: a token belongs to the server, not to the path', async w => {
    const n = await w.negotiate('/conformance');
    await w.http('GET', `/lponly?id=${n.connectionToken}`);
  });
  wire('lp: big message out', async w => {
    const c = await lp(w); await c.send(call('BigMake', 200000));
    let size = 0; while (size < 200000) size += (await c.poll({ quiet: true })).bytes.length;
    w.note('bytes ' + size);
  });
  wire('lp: message over the limit', async w => { const c = await lp(w); await c.send(call('BigEcho', 'y'.repeat(40000))); await c.poll(); await c.poll(); });
  wire('lp: on the secure hub each request needs the token', async w => {
    const auth = { authorization: 'Bearer ' + token('u') };
    const n = await w.negotiate('/secure', 'negotiateVersion=1', auth);
    const url = `/secure?id=${n.connectionToken}`;
    await w.http('GET', url); await w.http('GET', url, { headers: auth });
    await w.http('POST', url, { body: hello }); await w.http('POST', url, { body: hello, headers: auth });
    await w.http('DELETE', url); await w.http('GET', url, { headers: auth }); await w.http('DELETE', url, { headers: auth });
  });
});

describe('unknown connections and methods', opts, () => {
  for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS']) {
    wire(`${method} without an id`, async w => { await w.http(method, '/conformance', { show: ['content-type', 'allow'] }); });
    wire(`${method} with an empty id`, async w => { await w.http(method, '/conformance?id=', { show: ['content-type', 'allow'] }); });
    wire(`${method} with an unknown id`, async w => { await w.http(method, '/conformance?id=unknown', { show: ['content-type', 'allow'] }); });
  }
  wire('sse without an id', async w => { await sseStatus(w, '/conformance'); });
  wire('sse with an unknown id', async w => { await sseStatus(w, '/conformance?id=unknown'); });
  wire('sse on a hub without it', async w => { await sseStatus(w, '/lponly'); const n = await w.negotiate('/lponly'); await sseStatus(w, `/lponly?id=${n.connectionToken}`); });
  wire('lp on a hub without it', async w => { const n = await w.negotiate('/wsonly'); await w.http('GET', `/wsonly?id=${n.connectionToken}`); });
  wire('websocket on a hub without it', async w => { await w.open('/lponly'); const n = await w.negotiate('/lponly'); await w.open('/lponly', { query: 'id=' + n.connectionToken }); });
  wire('websocket with an unknown id', async w => { await w.open('/conformance', { query: 'id=unknown' }); });
  wire('websocket with an empty id', async w => { await w.open('/conformance', { query: 'id=' }); });
  wire('websocket without negotiation', async w => { await w.open('/conformance'); w.text(hello); await w.take(1); });
  wire('websocket: the id does not stand for the token', async w => { const n = await w.negotiate(); await w.open('/conformance', { query: 'id=' + n.connectionId }); });
  wire('websocket on an unknown path', async w => { await w.open('/nothing'); });
  wire('websocket on the secure hub', async w => {
    await w.open('/secure'); await w.open('/secure', { query: 'access_token=' + token('u') }); await w.open('/secure', { headers: { authorization: 'Bearer ' + token('u') } });
  });
  wire('post and delete on a websocket connection', async w => {
    const n = await w.negotiate(); const query = 'id=' + n.connectionToken;
    await w.ready('/conformance', 'json', 1, { query });
    await w.http('POST', '/conformance?' + query, { body: call('Void') });
    await w.http('DELETE', '/conformance?' + query);
    await w.http('GET', '/conformance?' + query);
    await w.fence();
  });
  wire('a second websocket for one connection', async w => {
    const n = await w.negotiate(); const query = 'id=' + n.connectionToken;
    await w.ready('/conformance', 'json', 1, { query });
    const first = w.ws;
    await w.open('/conformance', { query });
    w.note('first still open ' + (first.readyState === 1));
  });
  wire('long polling connection taken over by a websocket', async w => { const c = await lp(w); await w.open('/conformance', { query: 'id=' + c.token }); await c.send(call('Add', 1, 2)); await c.poll(); });
  wire('websocket after its end', async w => {
    const n = await w.negotiate(); const query = 'id=' + n.connectionToken;
    await w.ready('/conformance', 'json', 1, { query });
    w.ws.close(1000); await w.toClose(); await w.pause(200);
    await w.open('/conformance', { query });
  });
});

async function sseStatus(w, path) {
  const r = await fetch(base + path, { headers: { accept: 'text/event-stream' } });
  w.log(`sse ${path} -> ${r.status} ${r.headers.get('content-type') ?? ''} ${JSON.stringify(await r.text())}`);
}

/** An event stream read raw. */
const sse = async (w, path = '/conformance') => {
  const n = await w.negotiate(path);
  const url = `${path}?id=${n.connectionToken}`;
  const stop = new AbortController();
  const reply = await fetch(base + url, { headers: { accept: 'text/event-stream' }, signal: stop.signal });
  const reader = reply.body.getReader();
  w.defer(() => { stop.abort(); });
  const s = { url, reply, token: n.connectionToken, text: '', send: body => w.http('POST', url, { body }), stop };
  s.until = async test => { while (!test(s.text)) { const { done, value } = await within(reader.read(), 6000, 'event, have ' + JSON.stringify(s.text)); if (done) return s.ended = true; s.text += Buffer.from(value).toString(); } };
  s.show = from => w.log('< ' + JSON.stringify(s.text.slice(from ?? 0)));
  return s;
};

describe('server-sent events', opts, () => {
  wire('sse: headers and first bytes', async w => {
    const s = await sse(w);
    w.note([s.reply.status, s.reply.headers.get('content-type'), s.reply.headers.get('cache-control'), s.reply.headers.get('content-encoding'), s.reply.headers.get('x-accel-buffering')].join(' | '));
    await s.until(t => t.includes('\n')); s.show();
  }, { also: { '# 200 | text/event-stream | no-cache,no-store | identity | ': '# 200 | text/event-stream | no-cache,no-store | identity | no' } });
  wire('sse: handshake, a call, exact bytes', async w => {
    const s = await sse(w);
    await s.send(hello); await s.until(t => t.includes(RS) && t.endsWith('\n\n') || t.endsWith('\r\n\r\n'));
    await s.send(call('Add', 1, 2)); await s.until(t => /"result":3}\x1e\s*\n\r?\n$/.test(t));
    s.show();
  });
  wire('sse: text with line ends inside', async w => {
    const s = await sse(w);
    await s.send(hello); await s.until(t => t.includes(RS));
    await s.send(call('Echo', 'line one\nline two\r\nline three')); await s.until(t => t.includes('line three') && /\n\r?\n$/.test(t));
    s.show();
  });
  wire('sse: many messages', async w => {
    const s = await sse(w);
    await s.send(hello); await s.until(t => t.includes(RS));
    await s.send(call('SendMany', 20)); await s.until(t => t.includes('"type":3'));
    const data = s.text.split(/\r?\n/).filter(l => l.startsWith('data: ')).map(l => l.slice(6)).join('');
    const messages = data.split(RS).filter(Boolean).map(JSON.parse);
    w.note(messages.filter(m => m.type === 1).map(m => m.arguments[0]).join(' '));
    w.note('every line of the stream is data, comment or empty: ' + s.text.split(/\r?\n/).every(l => l === '' || /^(data: |:)/.test(l)));
  });
  wire('sse: messagepack is refused or not', async w => {
    const s = await sse(w);
    await s.send('{"protocol":"messagepack","version":1}' + RS); await s.until(t => t.includes(RS));
    s.show();
  });
  wire('sse: close from the client', async w => { const s = await sse(w); await s.send(hello); await s.until(t => t.includes(RS)); await s.send('{"type":7}' + RS); await s.until(() => false); s.show(); await w.pause(100); await s.send(call('Void')); });
  wire('sse: abort by the hub', async w => { const s = await sse(w); await s.send(hello); await s.until(t => t.includes(RS)); await s.send(call('Abort')); await s.until(() => false); w.log('< ' + JSON.stringify(s.text.slice(-60)).replace(/.*(data: \{\\"type\\":7)/, '$1')); });
  wire('sse: the client leaves', async w => { const s = await sse(w); await s.send(hello); await s.until(t => t.includes(RS)); s.stop.abort(); await w.pause(250); await s.send(call('Void')); });
  wire('sse: a second stream for one connection', async w => { const s = await sse(w); await s.send(hello); await s.until(t => t.includes(RS)); await sseStatus(w, s.url); });
  wire('sse: delete is not for it', async w => { const s = await sse(w); await w.http('DELETE', s.url); });
  wire('sse: a poll on it', async w => { const s = await sse(w); await s.send(hello); await s.until(t => t.includes(RS)); await w.http('GET', s.url); });
  wire('sse: ping', async w => { const s = await sse(w, '/short'); await s.send(hello); await s.until(t => t.includes('{"type":6}')); w.note('ping came'); });
});

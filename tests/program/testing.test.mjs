// `signalua test`: what it prints and how it ends, with the runner of its own and, where it is installed, with busted.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../conformance/lib/server.mjs';
import { folder } from './lib.mjs';

const hubs = folder({
  'chat.lua': `local signalua = require "signalua"
local Chat = signalua.hub()
function Chat:Echo(x) return x end
function Chat:Fail()
  error("at the hub's line 5")
end
return Chat
`,
});
const tests = folder({
  'a_test.lua': `local testing = require "signalua.testing"
describe("chat", function()
  local chat
  before_each(function() chat = testing.hub("chat") end)
  it("echoes", function()
    assert.equal(1, chat:connect():invoke("Echo", 1))
  end)
  it("is compared", function()
    assert.equal(2, chat:connect():invoke("Echo", 1))
  end)
  it("raises", function()
    chat:connect():invoke("Fail")
  end)
  pending("comes later")
end)
`,
  'b_test.lua': 'local x = = 1\n',
  'c_test.lua': '\nerror("at once")\n',
  'helper.lua': 'error("is no test")\n',
});

// Where LUA_PATH leads nowhere there is no busted.
const RUNNERS = { 'its own runner': { LUA_PATH: '/nonexistent/?.lua' }, 'what is installed': {} };

for (const [runner, env] of Object.entries(RUNNERS)) {
  test(`each test is told, each failure with file and line, with ${runner}`, async () => {
    const ended = await run(['test', hubs, tests], { env });
    assert.equal(ended.status, 1);
    assert.equal(ended.err, '');
    const lines = ended.out.split('\n');
    const at = name => path.join(tests, name);
    assert.ok(lines.includes('ok    chat echoes'), ended.out);
    for (const name of ['chat is compared', 'chat raises', at('b_test.lua')]) assert.ok(lines.includes(`FAIL  ${name}`), ended.out);
    assert.ok(lines.includes('skip  chat comes later'), ended.out);
    for (const place of ['a_test.lua:9: ', 'a_test.lua:12: ', 'b_test.lua:1: ', 'c_test.lua:2: '])
      assert.ok(lines.some(line => line.startsWith(at(place))), `${place} in ${ended.out}`);
    assert.ok(lines.includes(`${at('a_test.lua:12')}: An unexpected error occurred invoking 'Fail' on the server.`), ended.out);
    assert.match(ended.out, /logged:\n.*chat\.lua:5: at the hub's line 5/, 'the log stands beside the failure');
    assert.match(ended.out, /^1 passed, 4 failed, 1 skipped$/m);
    assert.doesNotMatch(ended.out, /is no test/);
  });

  test(`a run that went well ends with status 0, with ${runner}`, async () => {
    const good = folder({ 'good.lua': `it("is good", function() assert.is_true(true) end)\n` });
    const ended = await run(['test', hubs, path.join(good, 'good.lua')], { env });
    assert.equal(ended.status, 0, ended.out + ended.err);
    assert.equal(ended.out, 'ok    is good\n1 passed, 0 failed\n');
  });
}

test('hubs that do not load are told, and no test runs', async () => {
  const broken = folder({ 'chat.lua': 'local t = nil\nreturn t.x\n', 'lobby.lua': 'function (\n' });
  const ended = await run(['test', broken, tests]);
  assert.equal(ended.status, 1);
  assert.match(ended.out, /^chat\.lua:2: .*\nlobby\.lua:1: .*\n$/);
});

test('no tests, no folder, no arguments', async () => {
  const none = await run(['test', hubs, hubs]);
  assert.equal(none.status, 1);
  assert.match(none.out, /no test files/);
  const missing = await run(['test', hubs, '/nonexistent/tests']);
  assert.equal(missing.status, 1);
  assert.match(missing.out, /^\/nonexistent\/tests: /);
  const noHubs = await run(['test', '/nonexistent/hubs', tests]);
  assert.equal(noHubs.status, 1);
  assert.match(noHubs.err, /\/nonexistent\/hubs/);
  const usage = await run(['test', hubs]);
  assert.equal(usage.status, 2);
  assert.match(usage.err, /signalua test hubs tests/);
});

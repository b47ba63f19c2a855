-- SPDX-License-Identifier: MIT
--
-- self.context: each field, and what is not there.
local check = require "lib.check"
local Hub, test = check.hub()

function test.tells_who_calls(self)
    local context = self.context
    check.equal(context.connection_id, "a" .. ("-"):rep(21))
    check.equal(context.user_id, "ann")
    check.equal(context.authenticated, true)
    check.equal(next(context.claims), nil)
    check.equal(context.aborted, false)
    check.equal(self.context, context, "made once")
end

function test.tells_how(self)
    local context = self.context
    check.equal(context.transport, "WebSockets")
    check.equal(context.protocol, "json")
    check.equal(context.remote_address, "127.0.0.1")
    check.equal(context.path, "/chat")
    check.equal(context.query.room, "a b", "decoded, the first")
    check.equal(context.headers["x-test"], "one")
    check.equal(context.headers["user-agent"], "peer")
end

function test.tells_where(self)
    check.equal(self.context.hub, "lua_context_test")
    check.equal(self.context.pod, "pod-1")
    check.equal(self.context.worker, 0)
    check.equal(self.context.version, "01234567")
end

function test.items_are_the_connections(self)
    self.context.items.x = 5
    check.equal(self.context.items.x, 5)
end

function test.items_are_still_there(self)
    check.equal(self.context.items.x, 5)
end

function test.refuses_what_it_has_not(self)
    check.raises([[context has no "user"]], function() return self.context.user end)
    check.raises("call it with a colon", self.context.abort)
end

return Hub

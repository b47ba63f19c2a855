-- SPDX-License-Identifier: MIT
--
-- What groups and proxies tell of connections. One connection calls these
-- tests; more of them, on more workers: tests/unit/bindings/lua_clients_test.c.
local signalua = require "signalua"
local check = require "lib.check"
local Hub, test = check.hub()

function test.counts_and_lists_groups(self)
    local id = self.context.connection_id
    check.equal(self.groups:count("g"), 0)
    check.equal(#self.groups:members("g"), 0)
    check.equal(signalua.json.encode(self.groups:members("g")), "[]")
    self.groups:add("g")
    check.equal(self.groups:count("g"), 1)
    check.equal(Hub.groups:members("g")[1], id)
    check.equal(self.clients:group("g"):count(), 1)
    check.equal(self.clients:groups({ "g", "g" }):count(), 1)
    check.equal(self.clients:group_except("g", { id }):count(), 0)
    self.groups:remove("g")
    check.equal(self.groups:count("g"), 0)
end

function test.counts_what_any_proxy_means(self)
    check.equal(self.clients.all:count(), 1)
    check.equal(self.clients.others:count(), 0)
    check.equal(self.clients.caller:count(), 1)
    check.equal(self.clients:user("ann"):count(), 1)
    check.equal(self.clients:users({ "ann", "bob" }):count(), 1)
    check.equal(self.clients:clients({}):count(), 0)
    check.equal(Hub.clients:client("nobody"):count(), 0)
end

function test.closes_nobody(self)
    check.equal(self.clients.others:close("bye"), 0)
    check.equal(self.clients:client("nobody"):close(), 0)
    check.equal(self.clients:group("none"):close(nil), 0)
end

function test.says_what_is_wrong(self)
    local text = check.raises("the group must be a string, not nil", function()
        self.groups:members(nil)
    end)
    check.contains(text, "lua_query_test.lua:")
    check.raises("call it with a colon: groups:count(group)",
        self.groups.count, "g")
    check.raises("call it with a colon, as in clients.all:count()",
        self.clients.all.count)
    check.raises("the text must be a string, not table", function()
        self.clients.others:close({})
    end)
    check.raises("a name is empty or too long", function()
        self.clients:group(("x"):rep(2000)):count()
    end)
    check.raises("cannot wait inside coroutine.wrap", function()
        coroutine.wrap(function() self.clients.all:count() end)()
    end)
end

return Hub

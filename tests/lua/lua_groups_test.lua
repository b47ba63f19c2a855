-- SPDX-License-Identifier: MIT
--
-- self.groups and Hub.groups: what they accept. Who hears what is tested in
-- tests/unit/bindings/lua_clients_test.c.
local signalua = require "signalua"
local check = require "lib.check"
local Hub, test = check.hub()

function test.adds_and_removes_the_caller(self)
    check.equal(select("#", self.groups:add("g")), 0)
    self.groups:add("g")
    self.groups:remove("g")
    self.groups:remove("never was")
end

function test.takes_any_connection(self)
    self.groups:add("g", "nobody has this id")
    Hub.groups:add("g", self.context.connection_id)
    Hub.groups:remove("g", self.context.connection_id)
    signalua.hubs.lua_groups_test.groups:add("g", self.context.connection_id)
end

function test.says_what_is_wrong(self)
    local text = check.raises("the group must be a string, not no value", function()
        self.groups:add()
    end)
    check.contains(text, "lua_groups_test.lua:")
    check.raises("the group's name must have 1 to", self.groups.add,
        self.groups, "")
    check.raises("the group's name must have 1 to", self.groups.add,
        self.groups, ("x"):rep(2000))
    check.raises("the connection id must be a string", self.groups.add,
        self.groups, "g", 5)
    check.raises("call it with a colon: groups:add(group)", self.groups.add, "g")
    check.raises("outside of a call say which connection", Hub.groups.add,
        Hub.groups, "g")
end

return Hub

-- SPDX-License-Identifier: MIT
--
-- self.users and Hub.users. The caller of these tests is ann.
local signalua = require "signalua"
local check = require "lib.check"
local Hub, test = check.hub()

function test.tells_who_is_online(self)
    check.equal(self.users:online("ann"), true)
    check.equal(self.users:online("nobody"), false)
    check.equal(Hub.users:online("ann"), true)
    check.equal(signalua.hubs.lua_users_test.users:online("ann"), true)
end

function test.nobody_has_an_impossible_id(self)
    check.equal(self.users:online(""), false)
    check.equal(self.users:online(("x"):rep(2000)), false)
end

function test.says_what_is_wrong(self)
    local text = check.raises("the user id must be a string, not nil", function()
        self.users:online(nil)
    end)
    check.contains(text, "lua_users_test.lua:")
    check.raises("call it with a colon: users:online(user_id)",
        self.users.online, "ann")
end

return Hub

-- SPDX-License-Identifier: MIT
--
-- signalua.store: the commands as functions, replies as RESP2 gives them.
local signalua = require "signalua"
local check = require "lib.check"
local store = signalua.store
local Hub, test = check.hub()

function test.gets_what_was_set()
    check.equal(store.get("missing"), nil)
    check.equal(store.set("k", "v"), "OK")
    check.equal(store.get("k"), "v")
    check.equal(store.set("n", 42), "OK")
    check.equal(store.get("n"), "42")
    check.equal(store.set("b", signalua.binary("\0\255")), "OK")
    check.equal(store.get("b"), "\0\255")
    check.equal(store.del("k", "n", "b"), 3)
end

function test.counts()
    check.equal(store.incr("count"), 1)
    check.equal(store.incr("count"), 2)
    store.set("big", "9007199254740992")
    check.equal(tostring(store.incr("big")), "9007199254740993LL")
    store.del("count", "big")
end

function test.keeps_lists()
    check.equal(store.rpush("list", "a", "b"), 2)
    local items = store.lrange("list", 0, -1)
    check.equal(#items, 2)
    check.equal(items[2], "b")
    check.equal(signalua.json.encode(store.lrange("none", 0, -1)), "[]")
end

function test.trims_lists()
    store.rpush("history", "a", "b", "c")
    check.equal(store.ltrim("history", -2, -1), "OK")
    check.equal(table.concat(store.lrange("history", 0, -1), " "), "b c")
    store.del("history")
end

function test.keeps_hashes()
    check.equal(store.hset("hash", "a", 1, "b", "x\0y"), 2)
    check.equal(store.hget("hash", "a"), "1")
    check.equal(store.hget("hash", "none"), nil)
    local all = store.hgetall("hash")
    check.equal(all.a, "1")
    check.equal(all.b, "x\0y")
    check.equal(#all, 0)
    check.equal(store.hdel("hash", "a", "b"), 2)
    check.equal(next(store.hgetall("hash")), nil)
    check.equal(signalua.json.encode(store.hgetall("hash")), "{}")
end

function test.keeps_sets()
    check.equal(store.sadd("set", "ann", "bob", "ann"), 2)
    check.equal(store.srem("set", "bob"), 1)
    local members = store.smembers("set")
    check.equal(#members, 1)
    check.equal(members[1], "ann")
    check.equal(signalua.json.encode(store.smembers("none")), "[]")
    store.del("set")
end

function test.keeps_sorted_sets()
    check.equal(store.zadd("scores", 10, "ann", 2.5, "bob"), 2)
    check.equal(store.zadd("scores", "INCR", 1, "bob"), "3.5")
    local best = store.zrange("scores", 0, 0, "REV", "WITHSCORES")
    check.equal(best[1], "ann")
    check.equal(best[2], "10")
    check.equal(store.zrem("scores", "ann", "bob"), 2)
    check.raises("not a valid float", store.zadd, "scores", "x", "ann")
end

-- What each command gives when there is nothing to give, as RESP2 has it.
function test.gives_nothing_in_its_shape()
    local nothing = {
        get = { "nil" }, del = { "0" }, ttl = { "-2" }, expire = { "0", 10 },
        lrange = { "[]", 0, -1 }, ltrim = { "OK", 0, -1 },
        hget = { "nil", "f" }, hdel = { "0", "f" }, hgetall = { "{}" },
        srem = { "0", "m" }, smembers = { "[]" },
        zrem = { "0", "m" }, zrange = { "[]", 0, -1 },
    }
    for name, case in pairs(nothing) do
        local got = store[name]("absent", unpack(case, 2))
        if type(got) == "table" then got = signalua.json.encode(got) end
        check.equal(tostring(got), case[1], name)
    end
    check.equal(store.set("absent", 1, "XX"), nil)
    check.equal(store.zadd("absent", "XX", "INCR", 1, "m"), nil)
    check.equal(store.get("absent"), nil)
end

function test.gives_texts_for_scores_and_numbers_for_counts()
    check.equal(store.zadd("shape", "INCR", 1.5, "m"), "1.5")
    check.equal(store.zadd("shape", "CH", 2, "m", 3, "n"), 2)
    local ranked = store.zrange("shape", 0, -1, "WITHSCORES")
    check.equal(signalua.json.encode(ranked), '["m","2","n","3"]')
    check.equal(store.del("shape"), 1)
    check.equal(store.set("shape", ""), "OK")
    check.equal(store.get("shape"), "")
    check.equal(store.expire("shape", 0), 1)
    check.equal(store.ttl("shape"), -2)
end

function test.forgets_in_time()
    store.set("brief", "x", "PX", 1)
    while store.get("brief") do end
    check.equal(store.ttl("brief"), -2)
    check.equal(store.set("brief", "y", "NX"), "OK")
    check.equal(store.ttl("brief"), -1)
    store.del("brief")
end

function test.is_bounded()
    local piece, count = ("x"):rep(10000), 0
    check.raises("OOM command not allowed", function()
        while count < 1000 do
            store.rpush("full", piece)
            count = count + 1
        end
    end)
    check.equal(#store.lrange("full", 0, -1), count)
    check.equal(store.del("full"), 1)
    check.equal(store.rpush("full", piece), 1)
    store.del("full")
end

function test.expires()
    store.set("short", "x")
    check.equal(store.expire("short", 100), 1)
    check.equal(store.ttl("short") > 90, true)
    check.equal(store.ttl("missing"), -2)
end

function test.raises_errors_at_the_author()
    local err = check.raises("WRONGTYPE", store.incr, (function()
        store.rpush("l", "x")
        return "l"
    end)())
    check.equal(type(err), "string")
    local ok, text = pcall(function() store.incr("l") end)
    check.equal(ok, false)
    check.contains(text, "lua_store_test.lua:")
    check.raises("argument 1 of store.get must be a string", store.get, {})
    check.raises([[signalua.store has no "nope", but command, ]], function()
        store.nope("x")
    end)
end

function test.runs_commands_by_name()
    check.equal(store.command("SET", "by name", 1), "OK")
    check.equal(store.command("get", "by name"), "1")
    check.equal(store.command("hset", "by name h", "a", "b"), 1)
    check.equal(store.command("HGETALL", "by name h").a, "b")
    local text = check.raises("unknown command", function()
        store.command("getex", "by name")
    end)
    check.contains(text, "lua_store_test.lua:")
    check.raises("store.command wants the name of a command", store.command)
end

return Hub

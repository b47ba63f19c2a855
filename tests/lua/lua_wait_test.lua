-- SPDX-License-Identifier: MIT
--
-- Where a wait works and where it is refused, with words that say what to do.
local signalua = require "signalua"
local check = require "lib.check"
local Hub, test = check.hub()

local at_load = select(2, pcall(signalua.sleep, 1))

function test.is_refused_while_loading()
    check.contains(at_load, "cannot wait while the scripts are loaded")
end

function test.passes_pcall_iterators_and_metamethods()
    check.equal(pcall(signalua.sleep, 0.01), true)
    check.equal(xpcall(function() signalua.sleep(0.01) end, print), true)
    local function items(_, i)
        signalua.sleep(0.01)
        if i < 3 then return i + 1 end
    end
    local sum = 0
    for i in items, nil, 0 do sum = sum + i end
    check.equal(sum, 6)
    local lazy = setmetatable({}, {
        __index = function() signalua.sleep(0.01) return "late" end,
    })
    check.equal(lazy.x, "late")
end

function test.is_refused_in_a_coroutine_of_the_author()
    local text = check.raises("use signalua.spawn",
        coroutine.wrap(function() signalua.sleep(1) end))
    check.contains(text, "lua_wait_test.lua:")
    local co = coroutine.create(function() signalua.store.get("x") end)
    local _, err = coroutine.resume(co)
    check.contains(err, "use signalua.spawn")
end

function test.authors_coroutines_work_otherwise()
    local generator = coroutine.wrap(function()
        for i = 1, 3 do coroutine.yield(i) end
    end)
    check.equal(generator() + generator() + generator(), 6)
end

function test.is_refused_inside_callbacks_of_c()
    check.raises("callback of a C function", table.sort, { 2, 1 }, function()
        signalua.sleep(1)
    end)
    check.raises("callback of a C function", string.gsub, "x", "x", function()
        signalua.sleep(1)
    end)
end

function test.names_the_author()
    local ok, text = pcall(function() signalua.sleep("long") end)
    check.equal(ok, false)
    check.contains(text, "lua_wait_test.lua:")
    check.contains(text, "the seconds must be a number")
    check.raises("from 0 up, not -1", signalua.sleep, -1)
    check.raises("from 0 up", signalua.sleep, 0 / 0)
end

return Hub

-- SPDX-License-Identifier: MIT
--
-- signalua.spawn: results, errors, order, and where waiting is refused.
local signalua = require "signalua"
local check = require "lib.check"
local Hub, test = check.hub()

function test.gives_results()
    local task = signalua.spawn(function(a, b)
        signalua.sleep(0.01)
        return a + b, nil, "third"
    end, 1, 2)
    local sum, none, third = task:wait()
    check.equal(sum, 3)
    check.equal(none, nil)
    check.equal(third, "third")
    check.equal((task:wait()), 3, "a second time")
end

function test.runs_beside_its_maker()
    local order = {}
    local task = signalua.spawn(function() order[#order + 1] = "task" end)
    order[#order + 1] = "maker"
    task:wait()
    check.equal(table.concat(order, " "), "maker task")
end

function test.runs_several_at_once()
    local tasks = {}
    for i = 1, 10 do
        tasks[i] = signalua.spawn(function() signalua.sleep(0.1) return i end)
    end
    for i = 1, 10 do check.equal(tasks[i]:wait(), i) end
end

function test.raises_its_error_where_it_is_awaited()
    local failing = signalua.spawn(function() signalua.sleep(0) error("bad") end)
    check.raises("bad", failing.wait, failing)
    local thing = {}
    failing = signalua.spawn(function() signalua.sleep(0) error(thing) end)
    local ok, err = pcall(failing.wait, failing)
    check.equal(ok, false)
    check.equal(err, thing)
end

function test.several_may_wait_for_one()
    local task = signalua.spawn(function() signalua.sleep(0.05) return "x" end)
    local function waiter() return task:wait() end
    local one, two = signalua.spawn(waiter), signalua.spawn(waiter)
    check.equal(one:wait() .. two:wait(), "xx")
end

function test.refuses_what_is_no_function()
    check.raises("wants a function", signalua.spawn, 5)
    check.raises("call it with a colon", signalua.spawn(print).wait)
end

return Hub

-- SPDX-License-Identifier: MIT
--
-- sleep, now, every, after.
local signalua = require "signalua"
local check = require "lib.check"
local Hub, test = check.hub()

local ticks, once, at_once = 0, 0, 0
signalua.every(0.1, function() ticks = ticks + 1 end)
signalua.after(0.1, function() once = once + 1 end)
signalua.after(0, function() at_once = at_once + 1 end)

local slow_runs, slow_most, slow_now = 0, 0, 0
signalua.every(0.1, function()
    slow_now = slow_now + 1
    slow_most = math.max(slow_most, slow_now)
    signalua.sleep(0.35)
    slow_runs, slow_now = slow_runs + 1, slow_now - 1
end, { where = "worker" })

signalua.every(0.5, function() error("in a timer") end)

function test.ticks()
    local before = ticks
    signalua.sleep(1)
    check.equal(ticks - before >= 9 and ticks - before <= 11, true, ticks)
    check.equal(once, 1)
    check.equal(at_once, 1)
end

function test.leaves_out_ticks_while_the_last_one_works()
    check.equal(slow_most, 1)
    check.equal(slow_runs >= 1, true)
end

function test.begins_at_once_inside_a_call()
    local done
    signalua.after(0.05, function() done = true end)
    signalua.sleep(0.04)
    check.equal(done, nil)
    signalua.sleep(0.02)
    check.equal(done, true)
end

function test.knows_the_time()
    local now = signalua.now()
    check.equal(type(now), "number")
    check.equal(signalua.now() >= now, true)
end

function test.says_what_is_wrong()
    check.raises("from 0.001 up, not 0", signalua.every, 0, print)
    check.raises("the second argument must be a function", signalua.every, 1)
    check.raises([[{where = "cluster"}]], signalua.every, 1, print, "pod")
    check.raises([[{where = "cluster"}]], signalua.every, 1, print,
        { where = "moon" })
end

return Hub

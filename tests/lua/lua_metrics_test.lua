-- SPDX-License-Identifier: MIT
--
-- signalua.metrics: one object for a name and its labels, what is refused and
-- why, and the bound on their number. (What the page shows of them:
-- tests/unit/ops/metrics_page_test.c, tests/program/metrics.test.mjs.)
local signalua = require "signalua"
local check = require "lib.check"
local metrics = signalua.metrics
local Hub, test = check.hub()

function test.gives_the_same_for_the_same()
    local a = metrics.counter("orders_total", { room = "a", paid = true })
    check.equal(metrics.counter("orders_total", { paid = "true", room = "a" }), a)
    check.equal(metrics.counter("orders_total", { room = "b" }) == a, false)
    check.equal(metrics.counter("orders_total") == a, false)
    local h = metrics.histogram("wait_seconds", nil, { 1, 2 })
    check.equal(metrics.histogram("wait_seconds"), h)
    check.equal(metrics.histogram("wait_seconds", nil, { 1, 2 }), h)
    metrics.histogram("wait_seconds", { of = "another" })
end

function test.takes_values()
    local counter = metrics.counter("taken_total")
    counter:inc()
    counter:inc(0)
    counter:inc(2.5)
    local gauge = metrics.gauge("level")
    gauge:set(-3)
    gauge:inc()
    gauge:dec(2)
    metrics.histogram("seconds"):observe(0.2)
end

function test.refuses_values()
    local counter = metrics.counter("taken_total")
    check.raises("a counter grows by a number from 0 up, not -1", counter.inc, counter, -1)
    check.raises("not nan", counter.inc, counter, 0 / 0)
    check.raises("not inf", counter.inc, counter, math.huge)
    check.raises("not a string", counter.inc, counter, "1")
    check.raises("call it with a colon, as in counter:inc()", counter.inc, 5)
    local gauge = metrics.gauge("level")
    check.raises("a gauge grows by a number, not a table", gauge.inc, gauge, {})
    check.raises("the value must be a number, not a nil", gauge.set, gauge)
    check.raises("call it with a colon, as in gauge:set(5)", gauge.set, counter, 5)
    local histogram = metrics.histogram("seconds")
    check.raises("the value must be a number", histogram.observe, histogram, "x")
    local err = check.raises([[a counter has no "increment", but inc]], function()
        counter:increment()
    end)
    check.contains(tostring(err), "lua_metrics_test.lua:")
    check.raises([[signalua.metrics has no "timer", but counter, gauge, histogram]],
        function() metrics.timer("x") end)
end

function test.refuses_names_and_labels()
    check.raises("the name of a metric has letters", metrics.counter, "a-b")
    check.raises("the name of a metric has letters", metrics.counter, "1a")
    check.raises("the name of a metric has letters", metrics.counter, nil)
    check.raises("at most 100", metrics.counter, ("x"):rep(101))
    check.raises("labels are a table", metrics.gauge, "g", "room")
    for _, name in ipairs { "worker", "le", "__x", "a b", "" } do
        check.raises(('"%s" cannot name a label'):format(name), metrics.gauge, "g", { [name] = 1 })
    end
    check.raises("a number cannot name a label", metrics.gauge, "g", { "x" })
    check.raises([[label "a" must be a text, not a table]], metrics.gauge, "g", { a = {} })
    check.raises([[label "a" has over 200 bytes]], metrics.gauge, "g", { a = ("x"):rep(201) })
    check.raises("is not UTF-8", metrics.gauge, "g", { a = "\255" })
    local many = {}
    for i = 1, 9 do many["l" .. i] = i end
    check.raises("at most 8 labels, not 9", metrics.gauge, "g", many)
    metrics.gauge("g", { a = 'quote " backslash \\ newline \n' })
end

function test.refuses_another_kind_and_other_buckets()
    metrics.counter("kind_total")
    check.raises("kind_total is a counter already: choose another name", metrics.gauge, "kind_total")
    metrics.histogram("kind_seconds", nil, { 1, 2 })
    check.raises("kind_seconds has other buckets already", metrics.histogram, "kind_seconds", nil, { 1 })
    for _, buckets in ipairs { {}, { 2, 1 }, { 1, 1 }, { 0 / 0 }, { math.huge }, { "1" } } do
        check.raises("buckets are 1 to 32 rising numbers", metrics.histogram, "h", nil, buckets)
    end
    check.raises("buckets are 1 to 32 rising numbers", metrics.histogram, "h", nil, 5)
    local many = {}
    for i = 1, 33 do many[i] = i end
    check.raises("buckets are 1 to 32", metrics.histogram, "h", nil, many)
end

function test.goes_on_uncounted_beyond_the_limit()
    for i = 1, 1000 do metrics.counter("many_total", { i = i }):inc() end
    local one_more = metrics.counter("many_total", { i = "more" })
    one_more:inc()
    metrics.gauge("level_more"):set(1)
    metrics.histogram("seconds_more"):observe(1)
    check.raises("a counter grows by", one_more.inc, one_more, -1)
    check.equal(metrics.counter("many_total", { i = 1 }), metrics.counter("many_total", { i = 1 }))
end

return Hub

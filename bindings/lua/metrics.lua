-- SPDX-License-Identifier: MIT
--
-- signalua.metrics, run once per engine. A metric is a table with its series
-- (a userdata of lua_metrics.c) in it; the same name and labels give the same
-- one, over reloads as well. `false` stands for a series beyond the limit.
local native = ...
local blame, strict = native.blame, native.strict
local change, put, observe =
    native.series_change, native.series_put, native.series_observe
local NAME_MAX, LABELS_MAX, VALUE_MAX = 100, 8, 200 -- bytes, count, bytes
local HUGE = math.huge

-- What one waits for, in seconds.
local BUCKETS = { 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10 }

local function is_number(value)
    return type(value) == "number" and value == value
        and value < HUGE and value > -HUGE
end

local function shown(value)
    return type(value) == "number" and tostring(value)
        or "a " .. type(value)
end

local ESCAPED = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local function check_name(name)
    if type(name) ~= "string" or #name > NAME_MAX
        or not name:find("^[%a_][%w_]*$") then
        blame(("the name of a metric has letters, digits and _, at most %d, "
            .. "as in \"orders_total\""):format(NAME_MAX))
    end
end

-- {room = "a"} as the page has it, in the order of the names.
local function label_text(labels)
    if labels == nil then
        return ""
    elseif type(labels) ~= "table" then
        blame("labels are a table, as in {room = \"lobby\"}")
    end
    local names = {}
    for name in pairs(labels) do
        if type(name) ~= "string" or #name > NAME_MAX
            or not name:find("^[%a_][%w_]*$")
            or name:find("^__") or name == "worker" or name == "le" then
            blame(("%s cannot name a label: letters, digits and _, not "
                .. "\"worker\", \"le\" or __ in front")
                :format(type(name) == "string" and '"' .. name .. '"'
                    or "a " .. type(name)))
        end
        names[#names + 1] = name
    end
    if #names > LABELS_MAX then
        blame(("a metric has at most %d labels, not %d")
            :format(LABELS_MAX, #names))
    end
    table.sort(names)
    for i, name in ipairs(names) do
        local value = labels[name]
        local kind = type(value)
        if kind == "number" or kind == "boolean" then
            value = tostring(value)
        elseif kind ~= "string" then
            blame(("label \"%s\" must be a text, not a %s")
                :format(name, kind))
        end
        if #value > VALUE_MAX then
            blame(("label \"%s\" has over %d bytes"):format(name, VALUE_MAX))
        end
        names[i] = ('%s="%s"'):format(name, (value:gsub('[\\"\n]', ESCAPED)))
    end
    return table.concat(names, ",")
end

local function check_buckets(buckets)
    local right = type(buckets) == "table" and #buckets >= 1
        and #buckets <= native.SERIES_BOUNDS_MAX
    local last = -HUGE
    for i = 1, right and #buckets or 0 do
        local bound = buckets[i]
        right = right and is_number(bound) and bound > last
        last = right and bound
    end
    if not right then
        blame(("buckets are 1 to %d rising numbers, as in {0.1, 1, 10}")
            :format(native.SERIES_BOUNDS_MAX))
    end
end

local known = {} -- by kind, name and labels

local function make(kind, mt, name, labels, buckets)
    check_name(name)
    local text = label_text(labels)
    local key = kind .. " " .. name .. "{" .. text
    local metric = known[key]
    if metric and buckets == nil then
        return metric
    end
    local series, err = native.series(kind, name, text, buckets, BUCKETS)
    if err then
        blame(err)
    end
    if metric then
        return metric
    end
    metric = setmetatable({ series = series }, mt)
    if series then
        known[key] = metric
    end
    return metric
end

-- A method: checks that it was called with a colon.
local function method(mt, example, fn)
    return function(metric, value)
        if getmetatable(metric) ~= mt then
            blame("call it with a colon, as in " .. example)
        end
        return fn(metric.series, value)
    end
end

local function amount(value, least)
    if value == nil then
        return 1
    elseif not is_number(value) or value < least then
        blame(("a %s grows by a number%s, not %s"):format(
            least == 0 and "counter" or "gauge",
            least == 0 and " from 0 up" or "", shown(value)))
    end
    return value
end

local function measured(value)
    if not is_number(value) then
        blame("the value must be a number, not " .. shown(value))
    end
    return value
end

local counter_mt, gauge_mt, histogram_mt = {}, {}, {}

counter_mt.__index = strict({
    inc = method(counter_mt, "counter:inc()", function(series, value)
        value = amount(value, 0)
        if series then change(series, value) end
    end),
}, "a counter")

gauge_mt.__index = strict({
    set = method(gauge_mt, "gauge:set(5)", function(series, value)
        value = measured(value)
        if series then put(series, value) end
    end),
    inc = method(gauge_mt, "gauge:inc()", function(series, value)
        value = amount(value, -HUGE)
        if series then change(series, value) end
    end),
    dec = method(gauge_mt, "gauge:dec()", function(series, value)
        value = amount(value, -HUGE)
        if series then change(series, -value) end
    end),
}, "a gauge")

histogram_mt.__index = strict({
    observe = method(histogram_mt, "histogram:observe(0.2)",
        function(series, value)
            value = measured(value)
            if series then observe(series, value) end
        end),
}, "a histogram")

native.metrics = strict({
    counter = function(name, labels)
        return make("counter", counter_mt, name, labels)
    end,
    gauge = function(name, labels)
        return make("gauge", gauge_mt, name, labels)
    end,
    histogram = function(name, labels, buckets)
        if buckets ~= nil then
            check_buckets(buckets)
        end
        return make("histogram", histogram_mt, name, labels, buckets)
    end,
}, "signalua.metrics")

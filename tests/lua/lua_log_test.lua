-- SPDX-License-Identifier: MIT
--
-- signalua.log: what it accepts. What the lines look like is tested in
-- tests/unit/bindings/engine_test.c.
local signalua = require "signalua"
local check = require "lib.check"
local log = signalua.log
local Hub, test = check.hub()

function test.takes_a_text_and_fields()
    for _, level in ipairs { "debug", "info", "warn", "error" } do
        log[level]("text")
        log[level]("text", { a = 1, b = "x", c = true, d = {}, e = print,
            [1] = "left out", f = signalua.null })
    end
end

function test.takes_more_fields_than_it_writes()
    local many = {}
    for i = 1, 100 do many["f" .. i] = i end
    log.info("many", many)
    local texts = {}
    for i = 1, 100 do texts["f" .. i] = {} end
    log.info("many", texts)
end

function test.uses_tostring_of_objects()
    log.info("object", { o = setmetatable({}, {
        __tostring = function() return "own" end }) })
    log.info("object", { o = setmetatable({}, {
        __tostring = function() error("broken") end }) })
end

function test.refuses_other_arguments()
    check.raises("wants a text", log.info)
    check.raises("the fields must be a table", log.info, "x", 5)
end

return Hub

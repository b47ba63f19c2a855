-- SPDX-License-Identifier: MIT
--
-- Binary, timestamps, null and the mark of arrays, as objects.
local signalua = require "signalua"
local check = require "lib.check"
local encode = signalua.json.encode
local Hub, test = check.hub()

function test.binary_has_bytes_and_length()
    local bytes = signalua.binary("a\0b")
    check.equal(tostring(bytes), "a\0b")
    check.equal(#bytes, 3)
    check.equal(bytes == signalua.binary("a\0b"), true)
    check.equal(bytes == signalua.binary("other"), false)
    check.equal(encode(bytes), [["YQBi"]])
    check.equal(#signalua.binary(""), 0)
    check.raises("string expected", signalua.binary, nil)
end

function test.timestamps_compare_and_print()
    local time = signalua.timestamp(1577934245, 678000000)
    check.equal(time.seconds, 1577934245)
    check.equal(time.nanoseconds, 678000000)
    check.equal(tostring(time), "2020-01-02T03:04:05.678Z")
    check.equal(encode { at = time }, [[{"at":"2020-01-02T03:04:05.678Z"}]])
    check.equal(time == signalua.timestamp(1577934245, 678000000), true)
    check.equal(time < signalua.timestamp(1577934246), true)
    check.equal(signalua.timestamp(1.5).nanoseconds, 500000000)
    check.equal(signalua.timestamp(-0.5).seconds, -1)
    check.raises("out of range", signalua.timestamp, 1, 1e9)
    check.raises("out of range", signalua.timestamp, 0 / 0)
    check.raises("beyond the years", encode, signalua.timestamp(1e12))
end

function test.other_userdata_is_refused()
    check.raises("is a userdata", encode, newproxy(true))
    check.raises("is a userdata", encode, io.stdout)
end

function test.null_is_true_and_itself()
    check.equal(signalua.null ~= nil, true)
    check.equal(signalua.json.decode("[null]")[1] == signalua.null, true)
end

function test.array_marks_the_table_it_gets()
    local list = {}
    check.equal(signalua.array(list), list)
    check.raises("wants a table", signalua.array, nil)
end

return Hub

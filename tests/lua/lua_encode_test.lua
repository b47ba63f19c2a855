-- SPDX-License-Identifier: MIT
--
-- What becomes of Lua's values on their way out: shapes, order, and what
-- cannot be sent, with its place. (Through the JSON codec: sends and results
-- take the same way.)
local signalua = require "signalua"
local check = require "lib.check"
local json = signalua.json
local Hub, test = check.hub()

function test.tells_lists_from_objects()
    check.equal(json.encode {}, "{}")
    check.equal(json.encode(signalua.array {}), "[]")
    check.equal(json.encode { 1, 2, 3 }, "[1,2,3]")
    check.equal(json.encode { one = 1 }, [[{"one":1}]])
    check.equal(json.encode(signalua.array { 1, nil, 3, n = 4 }),
        "[1,null,3,null]")
end

function test.writes_whole_numbers_as_integers()
    check.equal(json.encode { 2 ^ 53, -2 ^ 53, 2 ^ 63 - 1024, -2 ^ 63, 2 ^ 63, 2 ^ 64 - 2048 },
        "[9007199254740992,-9007199254740992,9223372036854774784,"
        .. "-9223372036854775808,9223372036854775808,18446744073709549568]")
    check.equal(json.encode { 2 ^ 53 + 0.5, 0.5, 1e300, -0.0 },
        "[9007199254740992,0.5,1e300,-0]")
end

function test.writes_fields_in_the_order_of_the_scripts()
    check.equal(json.encode { zebra = 1, apple = 2, mango = { y = 1, x = 2 } },
        [[{"zebra":1,"apple":2,"mango":{"y":1,"x":2}}]])
    local unknown = { ["b-2"] = 1, ["a-1"] = 2, zebra = 3 }
    check.equal(json.encode(unknown), [[{"zebra":3,"a-1":2,"b-2":1}]])
end

function test.names_the_place_of_what_it_cannot_encode()
    check.raises("the value is a function", json.encode, print)
    check.raises([[field "a.b[2]" is a function]], json.encode,
        { a = { b = { 1, print } } })
    check.raises([[field "x" is not a number]], json.encode, { x = 0 / 0 })
    check.raises([[field "x" is infinite]], json.encode, { x = math.huge })
    check.raises([[field "t" is not UTF-8]], json.encode, { t = "\255" })
    check.raises("a name that is not UTF-8", json.encode, { ["\255"] = 1 })
    check.raises("is a coroutine", json.encode,
        { c = coroutine.create(print) })
    check.raises("neither a list 1..n nor a table of names", json.encode,
        { 1, 2, x = 3 })
    check.raises("neither a list 1..n nor a table of names", json.encode,
        { [1] = 1, [3] = 3 })
    check.raises([[field "f" is a cdata that is no 64-bit integer]],
        json.encode, { f = require("ffi").new("int[2]") })
end

function test.ends_cycles_and_depth()
    local cycle = {}
    cycle.me = { again = cycle }
    check.raises("contains itself", json.encode, cycle)
    local deep = {}
    for _ = 1, 63 do deep = { deep } end
    check.equal(json.encode(deep), ("["):rep(63) .. "{}" .. ("]"):rep(63))
    check.raises("nested over 64 deep", json.encode, { deep })
    -- and nothing is left of it
    check.equal(json.encode { fine = { new = 1, newer = 2 } },
        [[{"fine":{"new":1,"newer":2}}]])
end

return Hub

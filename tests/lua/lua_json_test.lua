-- SPDX-License-Identifier: MIT
--
-- signalua.json: both directions, and what is refused with its place.
local signalua = require "signalua"
local check = require "lib.check"
local json, null = signalua.json, signalua.null
local Hub, test = check.hub()

function test.encodes_plain_values()
    check.equal(json.encode("a\n\"b\""), [["a\n\"b\""]])
    check.equal(json.encode(1), "1")
    check.equal(json.encode(1.0), "1")
    check.equal(json.encode(0.5), "0.5")
    check.equal(json.encode(-3), "-3")
    check.equal(json.encode(true), "true")
    check.equal(json.encode(nil), "null")
    check.equal(json.encode(null), "null")
end

function test.tells_lists_from_objects()
    check.equal(json.encode {}, "{}")
    check.equal(json.encode(signalua.array {}), "[]")
    check.equal(json.encode { 1, 2, 3 }, "[1,2,3]")
    check.equal(json.encode { one = 1 }, [[{"one":1}]])
    check.equal(json.encode(signalua.array { 1, nil, 3, n = 4 }),
        "[1,null,3,null]")
end

function test.writes_fields_in_the_order_of_the_scripts()
    check.equal(json.encode { zebra = 1, apple = 2, mango = { y = 1, x = 2 } },
        [[{"zebra":1,"apple":2,"mango":{"y":1,"x":2}}]])
    local unknown = { ["b-2"] = 1, ["a-1"] = 2, zebra = 3 }
    check.equal(json.encode(unknown), [[{"zebra":3,"a-1":2,"b-2":1}]])
end

function test.keeps_64_bit_integers()
    check.equal(json.encode(9223372036854775807LL), "9223372036854775807")
    check.equal(json.encode(-9223372036854775807LL - 1), "-9223372036854775808")
    check.equal(json.encode(18446744073709551615ULL), "18446744073709551615")
    for _, text in ipairs { "9007199254740993", "-9007199254740993",
        "9223372036854775807", "18446744073709551615" } do
        check.equal(json.encode(json.decode(text)), text)
        check.equal(type(json.decode(text)), "cdata")
    end
    check.equal(json.decode("9007199254740992"), 2 ^ 53)
end

function test.decodes()
    local value = json.decode [=[{"list":[1,null,[]],"none":null,
        "deep":{"a":1.5}}]=]
    check.equal(value.list[1], 1)
    check.equal(value.list[2], null)
    check.equal(value.none, null)
    check.equal(value.deep.a, 1.5)
    check.equal(json.encode(value.list), "[1,null,[]]")
    check.equal(json.decode("null"), nil)
    check.equal(json.decode([["x"]]), "x")
end

function test.refuses_what_is_no_json()
    check.raises("the text is not JSON", json.decode, "{")
    check.raises("the text is not JSON", json.decode, "[1] 2")
    check.raises("nested too deep", json.decode,
        ("["):rep(100) .. ("]"):rep(100))
    check.raises("wants a text", json.decode, 5)
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

-- SPDX-License-Identifier: MIT
--
-- signalua.json: both directions, and what is refused.
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

return Hub

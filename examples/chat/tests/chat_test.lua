-- Tests of hubs/chat.lua, without a server:
--
--   signalua test hubs examples/chat/tests
local testing = require "signalua.testing"

describe("chat", function()
    local chat, ann, bob

    before_each(function()
        chat = testing.hub("chat")
        ann, bob = chat:connect(), chat:connect()
    end)

    it("tells a room who comes and goes", function()
        ann:invoke("Join", "tea", "Ann")
        bob:invoke("Join", "tea", "Bob")
        assert.same({ { "Joined", "Bob" } }, ann:received())
        assert.same({}, bob:received())

        bob:close()
        assert.same({ { "Left", "Bob" } }, ann:received())
        assert.same({ ann.connection_id }, chat:members("tea"))
    end)

    it("brings a message to the room and nobody else", function()
        local eve = chat:connect()
        ann:invoke("Join", "tea", "Ann")
        bob:invoke("Join", "tea", "Bob")
        eve:invoke("Join", "coffee", "Eve")
        ann:invoke("Say", "  hello  ")

        for _, client in ipairs { ann, bob } do
            local messages = client:received("Message")
            assert.equal(1, #messages)
            local message = messages[1][2]
            assert.equal("hello", message.text)
            assert.equal("Ann", message.name)
            assert.equal(1, message.id)
        end
        assert.same({}, eve:received())
    end)

    it("shows a newcomer what was said", function()
        ann:invoke("Join", "tea", "Ann")
        for i = 1, 25 do
            ann:invoke("Say", "message " .. i)
        end
        local history = bob:invoke("Join", "tea", "Bob")
        assert.equal(20, #history)
        assert.equal("message 6", history[1].text)
        assert.equal("message 25", history[20].text)
    end)

    it("forgets it after a day", function()
        ann:invoke("Join", "tea", "Ann")
        ann:invoke("Say", "hello")
        assert.equal("1", testing.store.get("chat:tea:count"))
        testing.advance(86401)
        assert.same({}, bob:invoke("Join", "tea", "Bob"))
    end)

    it("lets nobody speak who is in no room", function()
        assert.error_matches(function() ann:invoke("Say", "hello") end,
            "Join a room first%.$")
    end)

    it("refuses long texts and odd names, and says why", function()
        assert.error_matches(function() ann:invoke("Join", "a b", "Ann") end,
            "A room's name has 1 to 32 letters")
        assert.error_matches(function() ann:invoke("Join", "tea", "  ") end,
            "Please enter a name%.$")
        ann:invoke("Join", "tea", "Ann")
        assert.error_matches(function()
            ann:invoke("Say", ("x"):rep(4001))
        end, "That is too long for a message%.$")
    end)
end)

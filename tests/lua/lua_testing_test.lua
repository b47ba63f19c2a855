-- signalua.testing, seen from a test: run by `signalua test tests/lua/hubs`
-- with busted and with the runner of the program.
local signalua = require "signalua"
local testing = require "signalua.testing"

describe("a client", function()
    local lab, a

    before_each(function()
        lab = testing.hub("lab")
        a = lab:connect()
    end)

    it("calls and gets results", function()
        assert.equal("x", a:invoke("Echo", "x"))
        assert.equal(2, a:invoke("echo", 2))
        assert.is_nil(a:invoke("Null"))
        assert.equal(0, select("#", a:invoke("Null")))
        assert.same({ 1, { k = "v" } }, a:invoke("Echo", { 1, { k = "v" } }))
        assert.equal(signalua.null,
            a:invoke("Echo", { k = signalua.null }).k)
        assert.is_nil(a:invoke("Echo", nil, 2))
        assert.equal("hello", a:invoke("Greeting"))
    end)

    it("gets the errors that a client gets", function()
        assert.has_error(function() a:invoke("Refuse") end,
            "An unexpected error occurred invoking 'Refuse' on the server. "
            .. "HubException: for clients")
        assert.has_error(function() a:invoke("Raise") end,
            "An unexpected error occurred invoking 'Raise' on the server.")
        assert.error_matches(function() a:invoke("Nothing") end,
            "Method does not exist")
    end)

    it("sees what was logged", function()
        testing.logged()
        pcall(a.invoke, a, "Raise")
        assert.matches("lab%.lua:16: not for clients", testing.logged())
        assert.equal("", testing.logged())
        a:send("Log")
        assert.matches("noted", testing.logged())
    end)

    it("comes with query, headers, address and user", function()
        local b = lab:connect { user_id = "bob", query = { room = "a b&c" },
            headers = { ["User-Agent"] = "test" }, remote_address = "10.1.2.3" }
        assert.same({ path = "/lab", room = "a b&c", agent = "test",
            from = "10.1.2.3", user = "bob", authenticated = true,
            transport = "WebSockets", id = b.connection_id },
            b:invoke("Request"))
        assert.is_false(a:invoke("Request").authenticated)
        assert.is_true(lab:connect { authenticated = true }
            :invoke("Request").authenticated)
        assert.error_matches(function() lab:connect { user = "x" } end,
            "\"user\" is not an option")
    end)

    it("receives what is sent, in order", function()
        local b, c = lab:connect(), lab:connect()
        a:invoke("Enter", "r")
        b:invoke("Enter", "r")
        c:invoke("Enter", "r")
        local entered = a:received()
        assert.equal(2, #entered)
        assert.same({ "Entered", b.connection_id, signalua.null }, entered[1])
        assert.equal(c.connection_id, entered[2][2])
        assert.same({}, a:received())
        assert.equal(3, #lab:members("r"))
        assert.same({}, lab:members("other"))

        testing.advance(10)
        c:close()
        assert.same({ { "Gone", "client" } }, a:received("Gone"))
        assert.same({ { "Tick", 1 } }, a:received("Tick"))
        b:lose()
        assert.same({ { "Gone", "lost" } }, a:received("Gone"))
        assert.equal(1, #lab:members("r"))
    end)

    it("is closed by the hub", function()
        assert.error_matches(function() a:invoke("Leave") end,
            "you asked for it")
        assert.is_true(a.closed)
        assert.matches("you asked for it", a.close_error)
        assert.error_matches(function() a:invoke("Echo", 1) end, "is closed")
    end)

    it("answers what the hub invokes", function()
        assert.error_matches(function() a:invoke("Ask", 1) end,
            "An unexpected error occurred invoking 'Ask'")
        a:on("answer", function(question) return question * 2 end)
        assert.equal("heard: 42", a:invoke("Ask", 21))
        a:on("Answer", function() error("no", 0) end)
        assert.error_matches(function() a:invoke("Ask", 1) end, "'Ask'")
        -- A handler may call the hub.
        a:on("Answer", function() return a:invoke("Echo", "nested") end)
        local call = a:call("Ask", 1)
        assert.is_true(call.done)
    end)

    it("goes on when time has passed", function()
        local call = a:call("Slow", 2.5)
        assert.is_false(call.done)
        assert.error_matches(function() call:result() end, "has not answered")
        assert.error_matches(function() a:invoke("Slow", 1) end,
            "Slow has not answered")
        testing.advance(2.4)
        assert.is_false(call.done)
        testing.advance(0.1)
        assert.is_true(call.done)
        assert.is_true(math.abs(call:result() - 2.5) < 0.02)
        assert.is_true(math.abs(testing.now() - 2.5) < 0.001)
        assert.error_matches(function() testing.advance(-1) end, "seconds")
    end)

    it("stays while hours pass", function()
        testing.advance(7200)
        assert.equal(720, #a:received("Tick"))
        assert.equal("x", a:invoke("Echo", "x"))
    end)
end)

describe("streams", function()
    local lab, a

    before_each(function()
        lab = testing.hub("lab")
        a = lab:connect()
    end)

    it("come at once, or as time passes", function()
        local call = a:stream("Count", 3)
        assert.same({ 1, 2, 3 }, call:items())
        assert.is_true(call.done)
        assert.is_nil(call:result())
        call = a:stream("Count", 3, 1)
        assert.same({ 1 }, call:items())
        testing.advance(1)
        assert.same({ 2 }, call:items())
        assert.is_false(call.done)
        testing.advance(2)
        assert.same({ 3 }, call:items())
        assert.is_true(call.done)
    end)

    it("are cancelled", function()
        local call = a:stream("Watch")
        testing.advance(1)
        assert.same({ "seen", "seen" }, call:items())
        call:cancel()
        assert.same({ { "Unwatched", "cancelled" } }, a:received("Unwatched"))
        testing.advance(5)
        assert.same({}, call:items())
    end)

    it("are told when they never rest", function()
        assert.error_matches(function() a:stream("Endless") end,
            "does not come to rest")
    end)

    it("go up as a whole", function()
        assert.equal(16, a:invoke("Sum", 10, testing.upload { 1, 2, 3 }))
        assert.equal(0, a:invoke("Sum", 0, testing.upload {}))
    end)

    it("go up one by one", function()
        local upload = testing.upload()
        assert.error_matches(function() upload:send(1) end, "no argument")
        local call = a:call("Sum", 1, upload)
        for i = 1, 20 do upload:send(i) end
        assert.is_false(call.done)
        upload:close()
        assert.equal(211, call:result())
        assert.error_matches(function() upload:send(1) end, "has ended")
        upload = testing.upload()
        call = a:call("Sum", 1, upload)
        upload:close("broken")
        assert.matches("'Sum'", call.error)
    end)
end)

describe("who may", function()
    it("is asked of whoever connects", function()
        local lobby = testing.hub("game/lobby")
        assert.has_error(function() lobby:connect() end,
            "connect: refused with 401")
        assert.has_error(function() lobby:connect { user_id = "eve" } end,
            "connect: refused with 403")
        local ann = lobby:connect { user_id = "ann",
            claims = { role = { "player", "cook" } } }
        assert.equal("ann", ann:invoke("Who"))
        assert.same({ role = { "player", "cook" } }, ann:invoke("Claims"))
        assert.error_matches(function() ann:invoke("Reset") end,
            "user is unauthorized")
        local boss = lobby:connect { claims = { role = "player", level = 9 } }
        local other = lobby:hub("lab"):connect()
        boss:invoke("Reset")
        assert.same({ { "Reset" } }, other:received())
    end)

    it("ends with the token", function()
        local lobby = testing.hub("game/lobby")
        local ann = lobby:connect { claims = { role = "player" },
            expires = 60 }
        testing.advance(59)
        assert.is_false(ann.closed)
        testing.advance(2)
        assert.is_true(ann.closed)
    end)

    it("is decided by authenticate", function()
        local keyed = testing.hub("keyed")
        assert.has_error(function() keyed:connect() end,
            "connect: refused with 401")
        local ann = keyed:connect { query = { key = "letmein" },
            headers = { ["X-Name"] = "ann" } }
        assert.equal("ann", ann:invoke("Who"))
        assert.error_matches(function()
            keyed:connect { query = { key = "slow" } }
        end, "has not decided")
        testing.advance(6)
    end)
end)

describe("testing.hub", function()
    it("begins anew", function()
        local before = testing.hub("lab")
        local a = before:connect()
        a:invoke("Remember", "x")
        assert.equal("x", testing.store.get("word"))
        testing.advance(61)
        assert.is_nil(a:invoke("Recall"))
        testing.store.set("word", "y")
        assert.equal("y", a:invoke("Recall"))
        assert.error_matches(function() testing.store.get({}) end, "must be")

        local b = testing.hub("lab"):connect()
        assert.is_nil(b:invoke("Recall"))
        assert.equal(0, testing.now())
        assert.error_matches(function() a:invoke("Echo", 1) end,
            "begun anew")
        assert.error_matches(function() testing.hub("none") end,
            "there is no hub \"none\"")
    end)

    it("finds modules of the hubs' folder for tests", function()
        assert.equal("hello", require("lib.words").greeting)
    end)
end)

-- What lua_testing_test.lua looks at: one method for each thing that the module
-- signalua.testing shows.
local signalua = require "signalua"
local words = require "lib.words"
local Lab = signalua.hub { stream_buffer = 4 }

local ticks = 0
signalua.every(10, function()
    ticks = ticks + 1
    Lab.clients.all:send("Tick", ticks)
end)

function Lab:Echo(...) return ... end
function Lab:Greeting() return words.greeting end
function Lab:Null() return nil end
function Lab:Raise() error("not for clients") end
function Lab:Refuse() error(signalua.hub_error("for clients")) end

function Lab:Request()
    local context = self.context
    return { path = context.path, room = context.query.room,
        agent = context.headers["user-agent"], from = context.remote_address,
        user = context.user_id, authenticated = context.authenticated,
        transport = context.transport, id = context.connection_id }
end

function Lab:Slow(seconds)
    local began = signalua.now()
    signalua.sleep(seconds)
    return signalua.now() - began
end

function Lab:Enter(room)
    self.groups:add(room)
    self.clients:others_in_group(room):send("Entered",
        self.context.connection_id, signalua.null)
end

function Lab:Ask(question)
    return "heard: " .. tostring(self.clients.caller:invoke("Answer", question))
end

function Lab:AskShortly()
    return self.clients.caller:timeout(1):invoke("Answer")
end

function Lab:Count(n, delay)
    return signalua.stream(function(emit)
        for i = 1, n do
            emit(i)
            if delay then signalua.sleep(delay) end
        end
    end)
end

function Lab:Watch()
    return signalua.stream(function(emit)
        local _, err = pcall(function()
            while true do
                emit("seen")
                signalua.sleep(1)
            end
        end)
        Lab.clients.all:send("Unwatched", tostring(err))
        error(err, 0)
    end)
end

function Lab:Endless()
    return signalua.stream(function(emit)
        while true do emit(0) end
    end)
end

function Lab:Sum(first, numbers)
    local total = first
    for x in numbers do total = total + x end
    return total
end

function Lab:Remember(text)
    signalua.store.set("word", text)
    signalua.store.expire("word", 60)
end

function Lab:Recall() return signalua.store.get("word") end
function Lab:Leave() self.context:abort("you asked for it") end

function Lab:Log()
    signalua.log.warn("noted", { place = "lab" })
end

function Lab:on_disconnected(_, reason)
    self.clients.all:send("Gone", reason)
end

return Lab

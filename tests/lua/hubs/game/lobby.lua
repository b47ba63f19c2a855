-- A second hub, and who may use it.
local signalua = require "signalua"
local Lobby = signalua.hub {
    authorize = { roles = { "player" } },
    close_on_expiry = true,
    methods = { Reset = { authorize = { claims = { level = 9 } } } },
}

function Lobby:Who()
    local context = self.context
    return context.user_id, context.claims
end

function Lobby:Claims()
    return self.context.claims
end

function Lobby:Reset()
    signalua.hubs.lab.clients.all:send("Reset")
end

return Lobby

-- For endings.test.mjs: says in the log why each connection ended.
local signalua = require "signalua"
local Hub = signalua.hub {
  keep_alive = 0.3, client_timeout = 0.8, disconnect_timeout = 0.5, max_message_size = 1024, max_outbound = 65536,
}

function Hub:Echo(value) return value end
function Hub:Abort() self.context:abort() end
function Hub:Kick(id, text) return self.clients:client(id):close(text) end
function Hub:Flood(id) for _ = 1, 100 do self.clients:client(id):send("flood", ("x"):rep(10000)) end end

function Hub:on_disconnected(err, reason)
  signalua.log.info("ended", { who = self.context.connection_id, reason = reason, error = err })
end

return Hub

-- For transports.test.mjs: says in the log why each connection ended.
local signalua = require "signalua"
-- disconnect_timeout: time enough for a poll after the last on a busy machine.
local Hub = signalua.hub { disconnect_timeout = 5, max_outbound = 65536 }

function Hub:Echo(value) return value end
function Hub:Flood(id) for _ = 1, 100 do self.clients:client(id):send("flood", ("x"):rep(1000)) end end
function Hub:Tell(text) self.clients.others:send("told", text) end

function Hub:on_disconnected(_, reason)
  signalua.log.info("ended", { who = self.context.connection_id, reason = reason })
end

return Hub

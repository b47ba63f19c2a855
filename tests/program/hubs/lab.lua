-- What the tests of tests/program call.
local signalua = require "signalua"
local store = signalua.store

local Lab = signalua.hub { max_outbound = 256 * 1024, max_parallel_invocations = 4 }

function Lab:Echo(value) return value end
function Lab:Worker() return self.context.worker end
function Lab:Pod() return self.context.pod end
function Lab:Id() return self.context.connection_id end

function Lab:Raise() error("the reason nobody shall read") end

-- Ends only with its connection.
function Lab:Nap()
  self.clients.caller:send("napping")
  while true do signalua.sleep(0.02) end
end

-- To everybody else, again and again.
function Lab:Flood(count, size)
  local text = ("x"):rep(size)
  for _ = 1, count do self.clients.others:send("flood", text) end
end

function Lab:on_disconnected(_, reason) store.set("reason:" .. self.context.connection_id, reason) end
function Lab:Reason(id) return store.get("reason:" .. id) end

function Lab:Incr(key) return store.incr(key) end
function Lab:Set(key, value) store.set(key, value) end
function Lab:Get(key) return store.get(key) end
function Lab:List(key) return signalua.array(store.lrange(key, 0, -1)) end

-- Each Lua state writes its own name, so that the lists tell how many of them ran a timer.
local me = tostring({})
for _, where in ipairs { "worker", "pod", "cluster" } do
  signalua.every(0.03, function() store.rpush("every:" .. where, me) end, { where = where })
  signalua.after(0.03, function() store.rpush("after:" .. where, me) end, { where = where })
end
signalua.every(0.03, function() store.rpush("every:default", me) end)

signalua.route("POST", "/shout", function(request)
  return 201, request.body:upper(), { ["x-query"] = request.query.q or "none", ["content-type"] = "text/shout" }
end)
signalua.route("GET", "/broken", function() error("the route's reason") end)
signalua.route("GET", "/never", function() while true do signalua.sleep(0.02) end end)

return Lab

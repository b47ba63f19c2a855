local signalua = require "signalua"

return function(options)
  local Room = signalua.hub(options)

  function Room:Where() return { worker = self.context.worker, id = self.context.connection_id } end
  function Room:Add(a, b) return a + b end

  function Room:Join(group) self.groups:add(group) end
  function Room:Put(id, group) self.groups:add(group, id) end
  function Room:Take(id, group) self.groups:remove(group, id) end
  function Room:Group(group, ...) self.clients:group(group):send("heard", ...) end

  -- The same message by one of four ways, which must not overtake each other.
  function Room:Say(way, group, ids, ...)
    local to = self.clients
    if way == 0 then to = to.all
    elseif way == 1 then to = to:group(group)
    elseif way == 2 then to = to:clients(ids)
    else to = to:all_except {} end
    to:send("heard", ...)
  end

  return Room
end

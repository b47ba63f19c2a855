-- Streams that go wrong, for streams.test.mjs.
local signalua = require "signalua"
local store = signalua.store

local Streams = signalua.hub { max_streams = 5, stream_buffer = 4, max_outbound = 256 * 1024, keep_alive = 0.5 }

function Streams:Echo(value) return value end

-- Notes under `name` that it began, and how it ended.
local function watched(name, body)
  return signalua.stream(function(emit)
    store.set("stream:" .. name, "runs")
    local _, err = pcall(body, emit)
    store.set("stream:" .. name, tostring(err))
    error(err, 0)
  end)
end

function Streams:Ticks(name)
  return watched(name, function(emit)
    while true do emit("tick") signalua.sleep(0.1) end
  end)
end

function Streams:Sleeps(name)
  return watched(name, function(emit)
    emit("once")
    signalua.sleep(3600)
  end)
end

function Streams:Endless(name, size)
  local text = ("x"):rep(size)
  return watched(name, function(emit)
    while true do emit(text) end
  end)
end

function Streams:State(name) return store.get("stream:" .. name) end

-- Reads an item now and then.
function Streams:Read(name, items)
  local count = 0
  local ok, err = pcall(function()
    for _ in items do
      count = count + 1
      store.set("read:" .. name, count)
      signalua.sleep(0.005)
    end
  end)
  store.set("upload:" .. name, ok and "ended" or tostring(err))
  return count
end

function Streams:Reads(name) return tonumber(store.get("read:" .. name) or 0) end
function Streams:Upload(name) return store.get("upload:" .. name) end

return Streams

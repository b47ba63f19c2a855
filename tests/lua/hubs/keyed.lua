-- A hub that reads the request itself, and takes its time with one of them.
local signalua = require "signalua"
local Keyed = signalua.hub {}

function Keyed.authenticate(request)
    if request.query.key == "slow" then signalua.sleep(5) end
    if request.query.key ~= "letmein" then return nil, "wrong key" end
    return { user_id = request.headers["x-name"] }
end

function Keyed:Who()
    return self.context.user_id
end

return Keyed

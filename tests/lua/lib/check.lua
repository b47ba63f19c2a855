-- SPDX-License-Identifier: MIT
--
-- Tests as methods of a hub, so that they run as authors' code does: in a
-- coroutine, with self, and able to wait.
--
--   local check = require "lib.check"
--   local Hub, test = check.hub()
--   function test.adds(self) check.equal(1 + 1, 2) end
--   return Hub
local signalua = require "signalua"

local check = {}

function check.hub(options)
    options = options or {}
    options.detailed_errors = true
    local Hub, names = signalua.hub(options), signalua.array {}
    function Hub:Tests() return names end
    return Hub, setmetatable({}, {
        __newindex = function(_, name, test)
            names[#names + 1] = name
            Hub[name] = test
        end,
    })
end

function check.equal(got, wanted, what)
    if got ~= wanted then
        error(("%sgot %s, wanted %s"):format(what and what .. ": " or "",
            tostring(got), tostring(wanted)), 2)
    end
end

function check.contains(text, part)
    if type(text) ~= "string" or not text:find(part, 1, true) then
        error(("%q is not in %s"):format(part, tostring(text)), 2)
    end
end

-- fn(...) raises an error whose text contains the part. Gives the error.
function check.raises(part, fn, ...)
    local ok, err = pcall(fn, ...)
    if ok then error("did not raise: " .. part, 2) end
    local text = tostring(err)
    if not text:find(part, 1, true) then
        error(("raised %q, wanted %q"):format(text, part), 2)
    end
    return err
end

return check

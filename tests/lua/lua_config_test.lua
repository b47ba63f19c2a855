-- SPDX-License-Identifier: MIT
--
-- signalua.config and signalua.keep.
local signalua = require "signalua"
local check = require "lib.check"
local Hub, test = check.hub()

function test.reads_settings()
    check.equal(signalua.config.workers, "1")
    check.equal(signalua.config.listen, "here")
    check.equal(signalua.config.nothing, nil)
end

function test.sees_only_its_part_of_the_environment()
    check.equal(signalua.config.env.GREETING, "hello")
    check.equal(signalua.config.env.PATH, nil)
end

function test.is_read_only()
    check.raises("signalua.config is read-only", function()
        signalua.config.workers = 2
    end)
    check.raises("signalua.config.env is read-only", function()
        signalua.config.env.X = 2
    end)
end

function test.keeps_by_name()
    local kept = signalua.keep("counts", { n = 1 })
    kept.n = kept.n + 1
    check.equal(signalua.keep("counts", { n = 9 }).n, 2)
    check.equal(type(signalua.keep("other")), "table")
    check.raises("wants a name", signalua.keep)
end

return Hub

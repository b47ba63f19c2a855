-- SPDX-License-Identifier: MIT
--
-- The standard of hub scripts for luacheck (Debian's package lua-check): copy
-- it beside a hubs folder of your own. Scripts run in LuaJIT, and what they
-- use of the host comes from `require "signalua"`: no global is the host's.
std = "luajit"
max_line_length = 160

-- Methods have self, whether they need it or not.
self = false

-- Tests of hubs, for `signalua test`: describe, it and assert.
files["**/*_test.lua"] = { std = "+busted" }

-- Made to be read by editors: nothing in it is ever run.
exclude_files = {
    "**/*.meta.lua", "**/node_modules/**", "build/**",
}

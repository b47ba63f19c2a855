-- SPDX-License-Identifier: MIT
--
-- Proves that the lints can fail: each case is a small tree with one fault,
-- made in a temporary folder, and the words that the lint must find in it.

local here = arg[0]:gsub("[^/]*$", "")
local interpreter = arg[-1]

local function run(command)
    local pipe = assert(io.popen(command .. " 2>&1; echo status=$?"))
    local output = pipe:read("*a")
    pipe:close()
    return output, tonumber(output:match("status=(%d+)%s*$"))
end

local function write_tree(root, files)
    for path, text in pairs(files) do
        local folder = root .. "/" .. (path:match("^(.*)/") or "")
        assert(os.execute("mkdir -p '" .. folder .. "'") == 0)
        local file = assert(io.open(root .. "/" .. path, "w"))
        file:write(text)
        file:close()
    end
end

-- A sound tree; each case lays its fault over it.
local sound = {
    ["ARCHITECTURE.md"] = [[
| layer | may include |
|---|---|
| core/base | |
| core/wire | core/base |
| core/hub | core/base core/wire |
| bindings | core/base core/hub |
| core/main.c | everything |

| library header | seen by |
|---|---|
| `uv.h` | core/wire |
| `lua.h` `lauxlib.h` | bindings |
]],
    ["CMakeLists.txt"] = "add_executable(signalua core/main.c)\n",
    ["core/CMakeLists.txt"] = "sl_module(base SOURCES base/buf.c)\n",
    ["core/main.c"] = '#include "bindings/engine.h"\n#include "hub/conn.h"\n',
    ["core/base/buf.c"] = '#include "base/buf.h"\n#include <stdio.h>\n',
    ["core/base/buf.h"] = "#pragma once\n",
    ["core/wire/url.h"] = '#include "base/buf.h"\n#include <uv.h>\n',
    ["core/hub/conn.h"] = '#include "wire/url.h"\n#include "base/buf.h"\n',
    ["bindings/engine.h"] = '#include "hub/conn.h"\n#include <lua.h>\n',
    ["tests/CMakeLists.txt"] = "sl_unit_test(base/buf)\n",
    ["tests/unit/base/buf_test.c"] = "int main(void) { return 0; }\n",
}

local cases = {
    { lint = "layers", finds = nil },
    { lint = "layers", finds = "core/base may not include core/hub",
        files = { ["core/base/buf.h"] = '#include "hub/conn.h"\n' } },
    { lint = "layers", finds = "core/hub may not include bindings",
        files = { ["core/hub/conn.c"] = '#include "bindings/engine.h"\n' } },
    { lint = "layers", finds = "core/hub may not include <uv.h>",
        files = { ["core/hub/conn.c"] = "#include <uv.h>\n" } },
    { lint = "layers", finds = "core/base may not include <lua.h>",
        files = { ["core/base/buf.c"] = "#  include <lua.h>\n" } },
    { lint = "layers", finds = "belongs to its own folder",
        files = { ["core/wire/internal.h"] = "",
            ["core/hub/conn.h"] = '#include "wire/internal.h"\n' } },
    { lint = "layers", finds = "headers include each other",
        files = { ["core/base/buf.h"] = '#include "base/str.h"\n',
            ["core/base/str.h"] = '#include "buf.h"\n' } },
    { lint = "layers", finds = 'finds no "gone.h"',
        files = { ["core/wire/url.h"] = '#include "gone.h"\n' } },
    -- Made at build time: in no folder, but it names its layer.
    { lint = "layers", finds = "core/base may not include core/wire",
        files = { ["core/base/buf.h"] = '#include "wire/made.h"\n' } },
    { lint = "layers", finds = "layer core/redis is not in ARCHITECTURE.md",
        files = { ["core/redis/redis.h"] = "" } },
    { lint = "layers", finds = "has no table headed `layer`",
        files = { ["ARCHITECTURE.md"] = "nothing\n" } },
    { lint = "mirror", finds = nil },
    { lint = "mirror", finds = "has no tests/unit/base/str_test.c",
        files = { ["core/base/str.c"] = "" } },
    { lint = "mirror", finds = "core/base/str.c: is in no CMakeLists.txt",
        files = { ["core/base/str.c"] = "" } },
    { lint = "mirror", finds = "tests/lua/lua_log_test.lua",
        files = { ["bindings/lua_log.c"] = "" } },
    { lint = "mirror", finds = "is not registered in tests/CMakeLists.txt",
        files = { ["tests/unit/base/str_test.c"] = "" } },
    { lint = "mirror", finds = "take it off the list",
        files = { ["tests/unit/main/main_test.c"] = "" } },
    { lint = "sizes", finds = nil },
    { lint = "sizes", finds = "core/base/buf.c:2: a function of 73 lines",
        passes = true, files = { ["core/base/buf.c"] =
            "int f(void)\n{\n" .. ("    ;\n"):rep(71) .. "}\n" } },
    { lint = "sizes", finds = "core/base/buf.c:1: 81 columns",
        passes = true, files = { ["core/base/buf.c"] =
            "/* " .. ("x"):rep(75) .. " */\n" } },
}

local failed = 0
for number, case in ipairs(cases) do
    local root = os.tmpname()
    os.remove(root)
    write_tree(root, sound)
    write_tree(root, case.files or {})
    local output, status = run(string.format("'%s' '%s%s.lua' '%s'",
        interpreter, here, case.lint, root))
    local wanted_status = (case.finds and not case.passes) and 1 or 0
    local found = not case.finds or output:find(case.finds, 1, true)
    if status ~= wanted_status or not found then
        failed = failed + 1
        print(string.format("case %d (%s): wanted status %d and %s, got:\n%s",
            number, case.lint, wanted_status, tostring(case.finds), output))
    end
    assert(root:match("^/tmp/") and os.execute("rm -rf '" .. root .. "'") == 0)
end
print(string.format("lint.selftest: %d cases, %d failed", #cases, failed))
os.exit(failed == 0 and 0 or 1)

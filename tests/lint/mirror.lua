-- SPDX-License-Identifier: MIT
--
-- Each source has its test at the mirrored path, and CMake knows both:
-- core/hub/conn.c is tested by tests/unit/hub/conn_test.c, bindings/engine.c
-- by tests/unit/bindings/engine_test.c or, seen from a script, by
-- tests/lua/engine_test.lua. A file that no list names is found here, since
-- nothing is globbed.

package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local tree = require "tree"
local root = arg[1] or "."

-- Sources without a test of their own, each with its reason.
local exceptions = {
    ["core/main.c"] = "joins the layers; every suite that starts the program runs it",
}

local findings, checked = {}, 0
local function report(path, text, ...)
    findings[#findings + 1] = path .. ": " .. string.format(text, ...)
end

local function tests_of(source)
    local layer = source:match("^core/(.*)/") or source:match("^(bindings)/")
        or "main"
    local noun = source:match("([^/]+)%.c$")
    local tests = { "tests/unit/" .. layer .. "/" .. noun .. "_test.c" }
    if layer == "bindings" then
        tests[2] = "tests/lua/" .. noun .. "_test.lua"
    end
    return tests
end

-- True where a CMakeLists.txt at or above the file's folder names it.
local function is_listed(path, name)
    local folder = tree.folder(path)
    while true do
        local lists = (folder == "" and "" or folder .. "/") .. "CMakeLists.txt"
        if tree.exists(root, lists) then
            for word in tree.read(root, lists):gmatch("[^%s()\"]+") do
                if word == name or word:sub(-#name - 1) == "/" .. name then
                    return true
                end
            end
        end
        if folder == "" then
            return false
        end
        folder = tree.folder(folder)
    end
end

for _, source in ipairs(tree.list(root, { "core", "bindings" }, "*.c")) do
    local found, tests = false, tests_of(source)
    for _, test in ipairs(tests) do
        found = found or tree.exists(root, test)
    end
    checked = checked + 1
    if exceptions[source] and found then
        report(source, "is tested now; take it off the list of exceptions")
    elseif not exceptions[source] and not found then
        report(source, "has no %s", table.concat(tests, " nor "))
    end
    if not is_listed(source, source:match("[^/]+$")) then
        report(source, "is in no CMakeLists.txt")
    end
end
for source in pairs(exceptions) do
    if tree.exists(root, "core/CMakeLists.txt")
        and not tree.exists(root, source) then
        report(source, "is gone; take it off the list of exceptions")
    end
end
for _, test in ipairs(tree.list(root, { "tests/unit" }, "*_test.c")) do
    checked = checked + 1
    if not is_listed(test, test:match("^tests/unit/(.*)_test%.c$")) then
        report(test, "is not registered in tests/CMakeLists.txt")
    end
end
for _, case in ipairs(tree.list(root, { "tests/wire" }, "*.wire")) do
    checked = checked + 1
    if not is_listed(case, case:match("^tests/wire/([^/]+)%.wire$")
            or case:match("^tests/wire/(.*)$")) then
        report(case, "is not registered in tests/CMakeLists.txt")
    end
end
tree.finish("lint.mirror", checked, findings)

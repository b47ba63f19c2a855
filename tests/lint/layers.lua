-- SPDX-License-Identifier: MIT
--
-- Holds every #include under core/ and bindings/ against the two tables of
-- ARCHITECTURE.md: which layer may include which, and which library is seen
-- by which layers. Finds a foreign include, a library outside its layers, an
-- internal.h of another folder and a ring among headers.

package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local tree = require "tree"
local root = arg[1] or "."

-- The rows of the Markdown table whose first heading is `heading`: a list of
-- { first cell, second cell }, without backquotes.
local function read_table(text, heading)
    local rows, inside = {}, false
    for _, line in tree.lines(text) do
        local first, second = line:match("^|%s*(.-)%s*|%s*(.-)%s*|")
        if not first then
            inside = false
        elseif first == heading then
            inside = true
        elseif inside and not first:match("^%-+$") then
            rows[#rows + 1] =
                { (first:gsub("`", "")), (second:gsub("`", "")) }
        end
    end
    return rows
end

local function words_of(cell)
    local set = {}
    for word in cell:gmatch("[^%s,]+") do
        set[word] = true
    end
    return set
end

-- layer -> set of layers it may include
local function read_grants(text)
    local grants, names = {}, {}
    for _, row in ipairs(read_table(text, "layer")) do
        grants[row[1]] = words_of(row[2])
        names[row[1]] = true
    end
    for layer, granted in pairs(grants) do
        if granted.everything then
            grants[layer] = names
        end
    end
    return grants
end

-- Lua pattern of a system header -> set of layers, and the library's name
local function read_libraries(text)
    local libraries = {}
    for _, row in ipairs(read_table(text, "library header")) do
        local set = words_of(row[2])
        for header in pairs(words_of(row[1])) do
            local pattern = header:gsub("[%.%-%+]", "%%%0"):gsub("%*", ".*")
            libraries[#libraries + 1] =
                { pattern = "^" .. pattern .. "$", layers = set }
        end
    end
    return libraries
end

-- A quoted include is looked for beside its includer, then from core/, then
-- from the root, as the compiler does. A header made at build time stands in
-- no folder: the path it is written with tells its layer.
local function resolve(includer, written, grants)
    local beside = tree.folder(includer) .. "/" .. written
    if tree.exists(root, beside) then
        return beside
    end
    for _, path in ipairs { "core/" .. written, written } do
        if tree.exists(root, path) then
            return path
        end
    end
    for _, path in ipairs { "core/" .. written, written } do
        if path:find("/", 6, true) and grants[tree.layer(path)] then
            return path
        end
    end
    return nil
end

local findings = {}
local function report(path, line, text, ...)
    findings[#findings + 1] =
        string.format("%s:%d: " .. text, path, line, ...)
end

local function check_project_include(path, number, target, grants)
    local from, to = tree.layer(path), tree.layer(target)
    if path == "core/main.c" then
        from = path
    end
    if from ~= to and not grants[from][to] then
        report(path, number, "%s may not include %s (%s)", from, to, target)
    end
    if target:match("[^/]*$") == "internal.h"
        and tree.folder(path) ~= tree.folder(target) then
        report(path, number, "%s belongs to its own folder", target)
    end
end

local function check_library_include(path, number, header, libraries)
    local layer = tree.layer(path)
    for _, library in ipairs(libraries) do
        if header:match(library.pattern) and not library.layers[layer] then
            report(path, number, "%s may not include <%s>", layer, header)
        end
    end
end

-- Depth first; a header met again while it is still open closes a ring.
local function check_rings(includes)
    local state, stack = {}, {}
    local function visit(header)
        if state[header] == "done" then
            return
        end
        if state[header] == "open" then
            local first = #stack
            while stack[first] ~= header do
                first = first - 1
            end
            report(header, 1, "headers include each other: %s -> %s",
                table.concat(stack, " -> ", first), header)
            return
        end
        state[header] = "open"
        stack[#stack + 1] = header
        for _, target in ipairs(includes[header] or {}) do
            visit(target)
        end
        stack[#stack] = nil
        state[header] = "done"
    end
    local headers = {}
    for header in pairs(includes) do
        headers[#headers + 1] = header
    end
    table.sort(headers)
    for _, header in ipairs(headers) do
        visit(header)
    end
end

local architecture = tree.read(root, "ARCHITECTURE.md")
local grants = read_grants(architecture)
local libraries = read_libraries(architecture)
local includes, checked = {}, 0

if next(grants) == nil then
    report("ARCHITECTURE.md", 1, "has no table headed `layer`")
end
for _, path in ipairs(tree.list(root, { "core", "bindings" }, "*.[ch]")) do
    local layer = path == "core/main.c" and path or tree.layer(path)
    if not grants[layer] then
        report(path, 1, "layer %s is not in ARCHITECTURE.md", layer)
        grants[layer] = {}
    end
    for number, line in tree.lines(tree.read(root, path)) do
        local quoted = line:match('^%s*#%s*include%s*"([^"]+)"')
        local system = line:match("^%s*#%s*include%s*<([^>]+)>")
        local target = quoted and resolve(path, quoted, grants)
        checked = checked + ((quoted or system) and 1 or 0)
        if target then
            check_project_include(path, number, target, grants)
            if path:match("%.h$") then
                includes[path] = includes[path] or {}
                table.insert(includes[path], target)
            end
        elseif quoted then
            report(path, number, 'finds no "%s"', quoted)
        elseif system then
            check_library_include(path, number, system, libraries)
        end
    end
end
check_rings(includes)
tree.finish("lint.layers", checked, findings)

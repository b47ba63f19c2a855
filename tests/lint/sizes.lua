-- SPDX-License-Identifier: MIT
--
-- Prints how the tree stands to the sizes that CONTRIBUTING.md aims at: lines
-- of files and functions, width, share of comments, assertions, test lines.
-- A report: it names what is over and never fails.
--
-- It relies on the form that .clang-format gives: a function's body opens with
-- a brace alone in column 1 and ends with one.

package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local tree = require "tree"
local root = arg[1] or "."

local over = {}
local function note(path, line, text, ...)
    over[#over + 1] = string.format("%s:%d: " .. text, path, line, ...)
end

local function percentile(values, share)
    if #values == 0 then
        return 0
    end
    table.sort(values)
    return values[math.max(1, math.ceil(#values * share))]
end

-- Columns, not bytes: UTF-8 continuation bytes take none.
local function width_of(line)
    return #line:gsub("[\128-\191]", "")
end

-- Counts of one file: lines, comment lines, wide lines, assertions, and the
-- lengths of its functions, braces included.
local function measure(path)
    local file = { lines = 0, comments = 0, wide = 0, asserts = 0,
        functions = {} }
    local in_comment, opened = false, nil
    for number, line in tree.lines(tree.read(root, path)) do
        file.lines = number
        if width_of(line) > 80 then
            file.wide = file.wide + 1
            note(path, number, "%d columns", width_of(line))
        end
        if in_comment or line:match("^%s*/[/*]") then
            file.comments = file.comments + 1
            in_comment = not line:find("*/", 1, true)
                and not line:match("^%s*//")
        end
        if line:find("assert%w*%(") then
            file.asserts = file.asserts + 1
        end
        if line == "{" then
            opened = number
        elseif opened and line == "}" then
            local length = number - opened + 1
            file.functions[#file.functions + 1] = length
            if length > 70 then
                note(path, opened, "a function of %d lines", length)
            end
            opened = nil
        end
    end
    return file
end

local function gather(folders, pattern, line_bound)
    local all = { files = {}, functions = {}, lines = 0, comments = 0,
        wide = 0, asserts = 0 }
    for _, path in ipairs(tree.list(root, folders, pattern)) do
        local file = measure(path)
        all.files[#all.files + 1] = file.lines
        for _, count in ipairs { "lines", "comments", "wide", "asserts" } do
            all[count] = all[count] + file[count]
        end
        for _, length in ipairs(file.functions) do
            all.functions[#all.functions + 1] = length
        end
        if line_bound and file.lines > line_bound then
            note(path, 1, "%d lines", file.lines)
        end
    end
    return all
end

local sources = gather({ "core", "bindings" }, "*.c", 800)
local headers = gather({ "core", "bindings" }, "*.h", 150)
local tests = gather({ "tests" }, "*.[ch]")
local hub_tests = gather({ "tests" }, "*_test.lua")
local ours = sources.lines + headers.lines

local function row(what, aim, value, ...)
    print(string.format("%-28s %-24s " .. value, what, aim, ...))
end
row("what", "aim", "now")
row("lines of a .c", "median 300, max 800", "median %d, max %d (%d files)",
    percentile(sources.files, 0.5), percentile(sources.files, 1),
    #sources.files)
row("lines of a .h", "max 150", "median %d, max %d (%d files)",
    percentile(headers.files, 0.5), percentile(headers.files, 1),
    #headers.files)
row("lines of a function", "median 15, 9 in 10 45", "median %d, 9 in 10 %d, max %d",
    percentile(sources.functions, 0.5), percentile(sources.functions, 0.9),
    percentile(sources.functions, 1))
row("lines over 80 columns", "0", "%d", sources.wide + headers.wide)
row("comment lines", "18 to 28 %", "%.0f %%",
    ours > 0 and 100 * (sources.comments + headers.comments) / ours or 0)
row("assertions per function", "1", "%.2f",
    #sources.functions > 0 and sources.asserts / #sources.functions or 0)
row("test lines per source line", "1.0", "%.2f (%d to %d)",
    ours > 0 and (tests.lines + hub_tests.lines) / ours or 0,
    tests.lines + hub_tests.lines, ours)
for _, line in ipairs(over) do
    print(line)
end

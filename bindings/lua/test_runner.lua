-- SPDX-License-Identifier: MIT
--
-- Runs test files: with busted where it is installed, else with the part of it
-- that is here: describe, it, before_each and after_each, assert. Output is the
-- same: a line for each test, file:line: message for each failure, and what was
-- logged meanwhile. Returns whether all went well.
local native, make_testing, files, folder = ...

local testing = make_testing(native)
package.loaded["signalua.testing"] = testing
package.path = folder .. "/?.lua;" .. folder .. "/?/init.lua;" .. package.path

local counts = { passed = 0, failed = 0, pending = 0 }

local function indent(text)
    return (text:gsub("\n$", ""):gsub("\n", "\n    "))
end

-- kind: "ok", "FAIL", "skip"
local function tell(kind, name, message)
    io.write(("%-4s  %s\n"):format(kind, name))
    local log = native.testing_logged()
    if message ~= nil then
        io.write(indent(message), "\n")
    end
    if kind == "FAIL" and log ~= "" then
        io.write("    logged:\n    ", indent(log), "\n")
    end
end

local function passed(name)
    counts.passed = counts.passed + 1
    tell("ok", name)
end

local function failed(name, message)
    counts.failed = counts.failed + 1
    tell("FAIL", name, message)
end

local function pending(name, message)
    counts.pending = counts.pending + 1
    tell("skip", name, message)
end

-- The error of a file that does not even load: its name is whole again.
local function load_error(file, err)
    local line, text = err:match("^[^\n]-:(%d+): (.*)$")
    return line and ("%s:%s: %s"):format(file, line, text)
        or ("%s: %s"):format(file, err)
end

---- busted

local function run_busted(make_core)
    local busted = make_core()
    local names = {} -- of elements that failed: told once
    require "busted" (busted)

    local function full_name(element)
        local words = { element.name or element.descriptor }
        local parent = busted.context.parent(element)
        while parent and parent.name and parent.descriptor ~= "file" do
            table.insert(words, 1, parent.name)
            parent = busted.context.parent(parent)
        end
        return table.concat(words, " ")
    end

    -- An error that was raised without a place, as those of clients are, gets
    -- that of the line that called us.
    local function relocate(message, trace)
        local text = message:match("^signalua/[%w_]+%.lua:%d+: (.*)$")
        for _, file in ipairs(text and trace and files or {}) do
            local plain = file:gsub("%p", "%%%0")
            local line = trace.traceback:match("%s" .. plain .. ":(%d+):")
            if line then
                return ("%s:%s: %s"):format(file, line, text)
            end
        end
        return message
    end

    local function on_failure(element, _, message, trace)
        if not names[element] then
            names[element] = true
            failed(full_name(element), relocate(tostring(message), trace))
        end
        return nil, true
    end
    busted.subscribe({ "failure" }, on_failure)
    busted.subscribe({ "error" }, on_failure)
    busted.subscribe({ "test", "end" }, function(element, _, status)
        if status == "success" then
            passed(full_name(element))
        elseif status == "pending" then
            pending(full_name(element))
        end
        return nil, true
    end)

    for _, file in ipairs(files) do
        local chunk, err = loadfile(file)
        if chunk == nil then
            failed(file, load_error(file, err))
        else
            busted.executors.file(file, setmetatable({
                getTrace = function(_, info) return info end,
            }, { __call = chunk }))
        end
    end
    require "busted.execute" (busted)(1, {})
end

---- our own: assert

local function show(value, depth)
    depth = depth or 0
    if type(value) == "string" then
        return ("%q"):format(value):gsub("\\\n", "\\n")
    elseif type(value) ~= "table" or depth == 4
        or (getmetatable(value) or {}).__tostring then
        return tostring(value)
    end
    local parts, count = {}, #value
    for i = 1, count do
        parts[i] = show(value[i], depth + 1)
    end
    local named = {}
    for key, item in pairs(value) do
        if type(key) ~= "number" or key < 1 or key > count or key % 1 ~= 0 then
            table.insert(named, ("%s = %s"):format(
                type(key) == "string" and key or "[" .. show(key) .. "]",
                show(item, depth + 1)))
        end
    end
    table.sort(named)
    for _, part in ipairs(named) do
        table.insert(parts, part)
    end
    return "{ " .. table.concat(parts, ", ") .. " }"
end

local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b
    end
    for key, value in pairs(a) do
        if not same(value, b[key]) then
            return false
        end
    end
    for key in pairs(b) do
        if a[key] == nil then
            return false
        end
    end
    return true
end

-- Each gives whether it holds and what to say when it does not.
local checks = {}

function checks.equal(expected, given)
    return expected == given, ("expected %s, not %s"):format(show(expected),
        show(given))
end

function checks.same(expected, given)
    return same(expected, given), ("expected %s, not %s"):format(
        show(expected), show(given))
end

checks["true"] = function(value)
    return value == true, ("expected true, not %s"):format(show(value))
end

checks["false"] = function(value)
    return value == false, ("expected false, not %s"):format(show(value))
end

checks["nil"] = function(value)
    return value == nil, ("expected nil, not %s"):format(show(value))
end

function checks.truthy(value)
    return not not value, ("expected something, not %s"):format(show(value))
end

function checks.falsy(value)
    return not value, ("expected nil or false, not %s"):format(show(value))
end

for _, name in ipairs { "string", "number", "table", "boolean", "function" } do
    checks[name] = function(value)
        return type(value) == name, ("expected a %s, not %s"):format(name,
            show(value))
    end
end

function checks.matches(pattern, text)
    return type(text) == "string" and text:find(pattern) ~= nil,
        ("expected a text like %s, not %s"):format(show(pattern), show(text))
end

function checks.error(fn, expected)
    local ok, err = pcall(fn)
    if ok then
        return false, "expected an error"
    end
    return expected == nil or same(expected, err)
        or (type(err) == "string" and type(expected) == "string"
            and err:gsub("^[^\n:]+:%d+: ", "") == expected),
        ("expected the error %s, not %s"):format(show(expected), show(err))
end

function checks.error_matches(fn, pattern)
    local ok, err = pcall(fn)
    if ok then
        return false, "expected an error"
    end
    return tostring(err):find(pattern) ~= nil,
        ("expected an error like %s, not %s"):format(show(pattern), show(err))
end

local aliases = { equals = "equal", errors = "error", match = "matches",
    is_true = "true", ["error_match"] = "error_matches" }
local filler = { is = true, are = true, has = true, have = true, was = true,
    no = "not", ["not"] = "not", Not = "not" }

-- assert.are_not.equal: words that say nothing, one that turns the sense, and
-- the check. An underscore is as good as a dot.
local function asserter(negated)
    return setmetatable({}, {
        __index = function(_, name)
            local sense = negated
            local rest = name
            while true do
                local word, more = rest:match("^(%a+)_(.+)$")
                if word == nil then
                    word, more = rest, ""
                end
                if not filler[word] then
                    break
                end
                if filler[word] == "not" then
                    sense = not sense
                end
                rest = more
                if rest == "" then
                    return asserter(sense)
                end
            end
            local check = checks[aliases[rest] or rest]
            if check == nil then
                error(("assert.%s is not known here; lua-busted has more")
                    :format(name), 2)
            end
            return function(...)
                local ok, text = check(...)
                if ok == sense then
                    error(sense and "not " .. text or text, 2)
                end
                return ...
            end
        end,
        __call = function(_, value, message, ...)
            if not value then
                error(message or "assertion failed!", 2)
            end
            return value, message, ...
        end,
    })
end

---- our own: describe and it

-- Where in the test file it happened, with the file's whole name: Lua shortens
-- long ones.
local function locate(file, err)
    local text = type(err) == "string" and err or show(err)
    local short, line, rest = text:match("^([^\n]-):(%d+): (.*)$")
    for level = 2, 100 do
        local info = debug.getinfo(level, "Sl")
        if info == nil then
            break
        elseif short ~= nil and info.short_src == short then
            return ("%s:%s: %s"):format(info.source:gsub("^@", ""), line, rest)
        elseif short == nil and info.source == "@" .. file then
            return ("%s:%d: %s"):format(file, info.currentline, text)
        end
    end
    return short and text or ("%s: %s"):format(file, text)
end

local PENDING = {}

local function attempt(file, fn)
    return xpcall(fn, function(err)
        return err == PENDING and err or locate(file, err)
    end)
end

-- Hooks of a block and of those around it; the outer ones come first, or last.
local function run_hooks(file, block, kind, outer_first)
    local blocks = {}
    while block do
        table.insert(blocks, outer_first and 1 or #blocks + 1, block)
        block = block.parent
    end
    for _, each in ipairs(blocks) do
        for _, hook in ipairs(each[kind]) do
            local ok, err = attempt(file, hook)
            if not ok then
                return false, err
            end
        end
    end
    return true
end

local function run_test(file, block, test)
    local ok, err = run_hooks(file, block, "before_each", true)
    if ok then
        ok, err = attempt(file, test.fn)
    end
    local after_ok, after_err = run_hooks(file, block, "after_each", false)
    if ok and not after_ok then
        ok, err = false, after_err
    end
    if ok then
        passed(test.name)
    elseif err == PENDING then
        pending(test.name)
    else
        failed(test.name, err)
    end
end

local function run_block(file, block)
    local name = block.name ~= "" and block.name or file
    for _, hook in ipairs(block.setup) do
        local ok, err = attempt(file, hook)
        if not ok then
            failed(name .. " setup", err)
            return
        end
    end
    for _, child in ipairs(block.children) do
        if child.children then
            run_block(file, child)
        else
            run_test(file, block, child)
        end
    end
    for _, hook in ipairs(block.teardown) do
        local ok, err = attempt(file, hook)
        if not ok then
            failed(name .. " teardown", err)
        end
    end
end

local function new_block(name, parent)
    return { name = name, parent = parent, children = {}, setup = {},
        teardown = {}, before_each = {}, after_each = {} }
end

local function run_file(file)
    local root = new_block("", nil)
    local current = root
    local env = setmetatable({ assert = asserter(false) }, { __index = _G })
    env._G = env

    local function named(name)
        return current.name == "" and name or current.name .. " " .. name
    end

    function env.describe(name, fn)
        local block = new_block(named(name), current)
        table.insert(current.children, block)
        current = block
        local ok, err = attempt(file, fn)
        current = block.parent
        if not ok then
            failed(block.name, err)
        end
    end

    function env.it(name, fn)
        table.insert(current.children, { name = named(name), fn = fn })
    end

    -- As a block, or in the middle of a test.
    function env.pending(name, fn)
        if fn == nil and env._running then
            error(PENDING, 0)
        end
        env.it(name, function() error(PENDING, 0) end)
    end

    for _, kind in ipairs { "setup", "teardown", "before_each", "after_each" } do
        env[kind] = function(fn)
            table.insert(current[kind], fn)
        end
    end
    env.context, env.test, env.spec = env.describe, env.it, env.it
    env.lazy_setup, env.lazy_teardown = env.setup, env.teardown

    local chunk, err = loadfile(file, "t", env)
    if chunk == nil then
        failed(file, load_error(file, err))
        return
    end
    local ok, message = attempt(file, chunk)
    if not ok then
        failed(file, message)
        return
    end
    env._running = true
    run_block(file, root)
end

---- all of it

local has_busted, core = pcall(require, "busted.core")
if has_busted then
    run_busted(core)
else
    for _, file in ipairs(files) do
        run_file(file)
    end
end

local skipped = counts.pending > 0 and (", %d skipped"):format(counts.pending)
    or ""
print(("%d passed, %d failed%s"):format(counts.passed, counts.failed, skipped))
return counts.failed == 0 and counts.passed > 0

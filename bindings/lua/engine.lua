-- SPDX-License-Identifier: MIT
--
-- Run once per engine, with the primitives of the C side: what every
-- generation of scripts shares, since values of it live longer than one. Fills
-- the table it is given.
--
-- A primitive that may wait returns true and its results, or false and an
-- error; `finish` makes of that what authors see. It is called in tail
-- position, so level 2 is the author's line.
local native = ...
local ffi = require "ffi"

local int64, uint64 = ffi.typeof("int64_t"), ffi.typeof("uint64_t")

local function finish(ok, ...)
    if ok then
        return ...
    end
    local err = ...
    error(err, type(err) == "string" and 2 or 0)
end
native.finish = finish

-- Raises at the author's line, however many functions of ours are between.
local getinfo = debug.getinfo

local function blame(text)
    local level = 2
    local info = getinfo(level, "S")
    while info and info.source:find("^=signalua/") do
        level = level + 1
        info = getinfo(level, "S")
    end
    error(text, level)
end
native.blame = blame

-- Makes reading a name that the table has not an error which says what was
-- meant. otherwise(name), if given, has the word before.
function native.strict(values, what, otherwise)
    return setmetatable(values, {
        __index = function(_, name)
            local text = otherwise and otherwise(name)
            if not text then
                local names = {}
                for known in pairs(values) do
                    names[#names + 1] = known
                end
                table.sort(names)
                text = native.unknown(what, name, names)
            end
            blame(text)
        end,
    })
end
local strict = native.strict

-- Halves of an integer that a double cannot hold.
function native.int64(high, low, unsigned)
    local value = ffi.cast(uint64, high) * 0x100000000ULL
        + ffi.cast(uint64, low)
    return unsigned and value or ffi.cast(int64, value)
end

function native.int64_sort(value)
    if ffi.istype(int64, value) then
        return 1
    end
    return ffi.istype(uint64, value) and 2 or 0
end

-- The text of an error value that is not a string.
function native.describe(err)
    local mt = getmetatable(err)
    if type(err) == "table" and not (type(mt) == "table" and mt.__tostring) then
        return "(error object is a table value)"
    end
    return tostring(err)
end

-- What the loader wants to know of a method.
function native.shape(fn)
    local info = debug.getinfo(fn, "Su")
    return info.nparams, info.isvararg, info.short_src, info.linedefined
end

native.cancelled = setmetatable({}, {
    __tostring = function() return "cancelled" end,
})

native.unauthorized = setmetatable({}, {
    __tostring = function() return "user is unauthorized" end,
})

-- A claim holds one value, or a list of them.
local function has(claim, wanted)
    if type(claim) ~= "table" then
        return claim == wanted
    end
    for _, value in ipairs(claim) do
        if value == wanted then
            return true
        end
    end
    return false
end

local role_claim = native.config().jwt_role_claim or "role"

-- Whether `authorize` lets somebody in; a function says so itself, and why not.
local function holds(policy, context)
    if type(policy) == "function" then
        return policy(context)
    end
    if not context.authenticated then
        return false, "not authenticated"
    end
    if policy == true then
        return true
    end
    for name, wanted in pairs(policy.claims or {}) do
        if not has(context.claims[name], wanted) then
            return false, "claim " .. tostring(name)
        end
    end
    for _, role in ipairs(policy.roles or {}) do
        if has(context.claims[role_claim], role) then
            return true
        end
    end
    return policy.roles == nil, "role"
end

-- A method and its policy; self is the one that the method gets.
function native.guarded(policy, self, fn, ...)
    if not holds(policy, self.context) then
        error(native.unauthorized, 0)
    end
    return fn(...)
end

-- What authenticate returned: user id and claims as texts.
local function read_user(who)
    local id = who.user_id
    if type(id) == "number" then
        id = ("%.14g"):format(id)
    elseif id ~= nil and type(id) ~= "string" then
        error("authenticate: user_id must be a text, not a " .. type(id), 0)
    end
    if who.claims ~= nil and type(who.claims) ~= "table" then
        error("authenticate: claims must be a table, not a "
            .. type(who.claims), 0)
    end
    return id, who.claims or {}
end

-- Decides on a request: 0, or the status to refuse it with, and the reason.
-- The hook's word on who it is replaces the token's.
function native.admit(authenticate, policy, request)
    local claims
    if authenticate ~= nil then
        local who, reason = authenticate(request)
        if who == nil or who == false then
            return 401, reason
        elseif type(who) ~= "table" then
            error("authenticate must return a table, as in {user_id = \"ann\"}"
                .. ", or nil and a reason", 0)
        end
        request.user_id, request.claims = read_user(who)
        request.authenticated = true
        claims = native.json_encode(request.claims)
    end
    if policy ~= nil then
        local ok, reason = holds(policy, request)
        if not ok then
            return request.authenticated and 403 or 401, reason
        end
    end
    return 0, nil, claims and request.user_id, claims
end

native.hub_error_mt.__tostring = function(err)
    return err.text
end
native.host_error_mt.__tostring = native.hub_error_mt.__tostring

-- emit of a stream, around the primitive: `finish` would cost each item.
function native.stream_run(fn, stream)
    local emit = native.stream_emit
    fn(function(item)
        local ok, err = emit(stream, item)
        if not ok then
            error(err, type(err) == "string" and 2 or 0)
        end
    end)
end

-- An upload is called to read it, by `for item in upload do` as well.
native.upload_mt.__call = function(upload)
    return finish(native.upload_next(upload))
end

-- The metatable of one hub's clients; the same for all generations.
local clients_mts = {}

function native.clients_mt(index)
    local mt = clients_mts[index]
    if mt == nil then
        local known, other = native.clients_known(index), native.clients_index
        mt = {
            [0] = native.clients_mark,
            __index = function(clients, key)
                local value = known[key]
                if value ~= nil then
                    return value
                end
                return other(clients, key)
            end,
        }
        clients_mts[index] = mt
    end
    return mt
end

native.proxy_methods.invoke = function(...)
    return finish(native.proxy_invoke(...))
end
native.proxy_methods.count = function(...)
    return finish(native.proxy_count(...))
end
native.proxy_methods.close = function(...)
    return finish(native.proxy_close(...))
end

-- A typed hub of .NET has its clients' methods here.
strict(native.proxy_methods, "this proxy", function(name)
    if type(name) == "string" and name:find("^%u") then
        return ('to call "%s" of the clients write :send("%s", ...)')
            :format(name, name)
    end
end)
native.proxy_mt.__call = function()
    blame("this is no function but a proxy: write clients.all:send(...), "
        .. "clients.caller:send(...)")
end

native.groups_mt.__index = strict({
    add = function(...) return finish(native.groups_add(...)) end,
    remove = function(...) return finish(native.groups_remove(...)) end,
    members = function(...) return finish(native.groups_members(...)) end,
    count = function(...) return finish(native.groups_count(...)) end,
}, "groups")

native.users_mt.__index = strict({
    online = function(...) return finish(native.users_online(...)) end,
}, "users")

native.task_mt.__index = strict({
    wait = function(task) return finish(native.task_wait(task)) end,
}, "a task")

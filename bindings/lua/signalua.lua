-- SPDX-License-Identifier: MIT
--
-- Run once per generation of scripts: makes the module that `require
-- "signalua"` returns, and the environment in which the scripts run. Returns
-- the function with which the loader runs a hub file.
local native = ...
local finish, blame, strict = native.finish, native.blame, native.strict

local signalua = {
    null = native.null,
    cancelled = native.cancelled,
    binary = native.binary,
    timestamp = native.timestamp,
    now = native.now,
    every = native.every,
    after = native.after,
    spawn = native.spawn,
    route = native.route,
    on_reload = native.on_reload,
    metrics = native.metrics,
    json = strict({
        encode = native.json_encode,
        decode = native.json_decode,
    }, "signalua.json"),
    log = strict({
        debug = native.log_debug,
        info = native.log_info,
        warn = native.log_warn,
        error = native.log_error,
    }, "signalua.log"),
}

function signalua.array(items)
    if type(items) ~= "table" then
        error("signalua.array wants a table, as in signalua.array{1, 2}", 2)
    end
    return setmetatable(items, native.array_mt)
end

function signalua.hub_error(text, data)
    if type(text) ~= "string" then
        error("signalua.hub_error wants the text that the client sees", 2)
    end
    return setmetatable({ text = text, data = data }, native.hub_error_mt)
end

function signalua.stream(fn)
    if type(fn) ~= "function" then
        error("signalua.stream wants a function, as in "
            .. "signalua.stream(function(emit) emit(1) end)", 2)
    end
    return setmetatable({ stream = fn }, native.stream_mt)
end

function signalua.sleep(seconds)
    return finish(native.sleep(seconds))
end

-- Every command of the store is called alike.
signalua.store = {}
for _, name in ipairs(native.store_commands) do
    signalua.store[name] = function(...)
        return finish(native.store(name, ...))
    end
end

-- By its name: one that has no function of its own.
function signalua.store.command(name, ...)
    if type(name) ~= "string" then
        error("store.command wants the name of a command", 2)
    end
    return finish(native.store(name:lower(), ...))
end
strict(signalua.store, "signalua.store")

function signalua.keep(name, default)
    if type(name) ~= "string" then
        error("signalua.keep wants a name", 2)
    end
    local kept = native.kept[name]
    if kept == nil then
        kept = default == nil and {} or default
        native.kept[name] = kept
    end
    return kept
end

-- A table that can be read only. (A proxy, since LuaJIT without 5.2 mode has
-- no __pairs: what is to be listed is asked for by name.)
local function read_only(values, what)
    return setmetatable({}, {
        __index = values,
        __newindex = function(_, key)
            error(what .. " is read-only: " .. tostring(key), 2)
        end,
        __metatable = what,
    })
end

local config = native.config()
config.env = read_only(config.env, "signalua.config.env")
signalua.config = read_only(config, "signalua.config")

---- hubs

-- Clients and groups are [0] the hub's number, [1] the handle of the caller's
-- connection, if there is one.
local function makers(index)
    local clients_mt = native.clients_mt(index)
    local groups_mt, context_mt = native.groups_mt, native.context_mt
    local users = setmetatable({ [0] = index }, native.users_mt)
    return {
        clients = function(handle)
            return setmetatable({ [0] = index, handle }, clients_mt)
        end,
        groups = function(handle)
            return setmetatable({ [0] = index, handle }, groups_mt)
        end,
        context = function(handle)
            return setmetatable({ [0] = handle }, context_mt)
        end,
        users = function() return users end,
    }
end

-- What a hub has outside of its methods.
local function outside(index)
    local make = makers(index)
    return {
        clients = make.clients(),
        groups = make.groups(),
        users = make.users(),
    }
end

-- Fields of a hub are its author's and may be nil, but for these.
local meant = {
    client = "clients", Clients = "clients",
    group = "groups", Groups = "groups",
    Users = "users", Context = "context",
}

local function misread(_, name)
    if name == "context" then
        blame("context is only there inside of a call, as self.context")
    elseif meant[name] then
        blame(('a hub has no "%s": did you mean "%s"?')
            :format(name, meant[name]))
    end
end

-- A field that would hide what every hub has, and a hook that could not run.
local reserved = { clients = true, groups = true, users = true, context = true }
local hooks = {
    on_connected = true, on_disconnected = true, around_invoke = true,
    authenticate = true,
}

local function set_field(hub, name, value)
    if type(value) ~= "function" then -- functions are looked at when it is made
        if reserved[name] then
            blame(name .. " is what every hub has already: choose another name")
        elseif hooks[name] then
            blame(("%s is a hook and must be a function, not a %s")
                :format(name, type(value)))
        end
    end
    rawset(hub, name, value)
end

signalua.hubs = setmetatable({}, {
    __index = function(hubs, name)
        local index = native.hub_find(name)
        if index == nil then
            return nil
        end
        local what = "signalua.hubs." .. name
        local hub = read_only(strict(outside(index), what), what)
        rawset(hubs, name, hub)
        return hub
    end,
})

-- `self` of a call reads through to the hub; clients, groups and context are
-- made when they are asked for. self[0] names the connection.
local function self_metatable(hub, index)
    local lazy = makers(index)
    return {
        __index = function(self, key)
            local make = lazy[key]
            if make == nil then
                return hub[key]
            end
            local value = make(self[0])
            self[key] = value
            return value
        end,
    }
end

-- around_invoke and its `next`: Lua all the way, so that methods can wait.
local function call_around(around, method, name, self, ...)
    return around(self, name, function(...)
        return method(self, ...)
    end, ...)
end

function signalua.hub(options)
    local id, index = native.hub_define(options)
    local hub = setmetatable({}, {
        __index = setmetatable(outside(index), { __index = misread }),
        __newindex = set_field,
    })
    native.hub_register(id, hub, self_metatable(hub, index), call_around)
    return hub
end

strict(signalua, "signalua")

---- scripts

local environment = setmetatable({}, { __index = _G })
environment._G = environment

local loaded = { signalua = signalua }
local LOADING = {}

local function run(file, ...)
    local text = native.source(file)
    local chunk, err = load(text, "@" .. file, "t", environment)
    if not chunk then
        error(err, 0)
    end
    return chunk(...)
end

-- "lib.rooms" is lib/rooms.lua (or lib/rooms/init.lua) of the scripts' folder
-- and belongs to this generation; every other name is an installed module.
local function find(name)
    local path = name:gsub("%.", "/")
    for _, file in ipairs { path .. ".lua", path .. "/init.lua" } do
        if native.source(file) then
            return file
        end
    end
    error(("module '%s' not found: there is no %s.lua in the scripts' folder")
        :format(name, path), 3)
end

function environment.require(name)
    local value = loaded[name]
    if value == LOADING then
        error("loop of require: " .. name .. " is still being loaded", 2)
    elseif value ~= nil then
        return value
    elseif type(name) ~= "string" or not name:match("^lib%.") then
        return require(name)
    end
    local file = find(name)
    loaded[name] = LOADING
    local ok, result = pcall(run, file, name)
    loaded[name] = nil
    if not ok then
        error(result, 0)
    end
    if result == nil then
        result = true
    end
    loaded[name] = result
    return result
end

-- Installed modules may ask for it, too.
package.loaded.signalua = signalua

return run

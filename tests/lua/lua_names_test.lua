-- SPDX-License-Identifier: MIT
--
-- Mistakes in names: each stands at the author's line and says what was meant.
-- And bindings/lua/signalua.meta.lua, which tells editors the names, has all
-- of them and no others.
local signalua = require "signalua"
local check = require "lib.check"
local Hub, test = check.hub()

-- fn raises the text at the line where it stands.
local function mistake(text, fn)
    local line = debug.getinfo(fn, "S").linedefined
    local err = check.raises(text, fn)
    check.contains(tostring(err), ("lua_names_test.lua:%d: "):format(line))
end

function test.the_module()
    mistake([[signalua has no "slep": did you mean "sleep"?]], function() return signalua.slep(1) end)
    mistake([[signalua has no "Spawn": did you mean "spawn"?]], function() return signalua.Spawn end)
    mistake([[signalua has no "zzzzzzzz", but after, array, ]], function() return signalua.zzzzzzzz end)
    mistake([[signalua has no "number", but ]], function() return signalua[1] end)
end

function test.its_tables()
    mistake([[signalua.log has no "warning", but debug, error, info, warn]],
        function() signalua.log.warning("x") end)
    mistake([[signalua.log has no "inf": did you mean "info"?]], function() signalua.log.inf("x") end)
    mistake([[signalua.json has no "dump", but decode, encode]], function() signalua.json.dump(1) end)
    mistake([[signalua.store has no "hgetal": did you mean "hgetall"?]],
        function() signalua.store.hgetal("k") end)
    mistake([[signalua.hubs.lua_names_test has no "cleints": did you mean "clients"?]],
        function() return signalua.hubs.lua_names_test.cleints end)
    check.equal(signalua.hubs.nobody, nil, "to be asked")
    check.equal(signalua.config.nothing, nil, "to be asked")
end

function test.clients_and_proxies(self)
    local clients = self.clients
    mistake([[clients has no "OthersInGroup": did you mean "others_in_group"?]],
        function() clients:OthersInGroup("g"):send("x") end)
    mistake([[clients has no "nobody", but all, caller, others, ]], function() return clients.nobody end)
    mistake("clients:send, but of whom? Write clients.all:send(...)", function() clients:send("x") end)
    mistake("clients:invoke, but of whom? Write clients.caller:invoke(...)",
        function() clients:invoke("x") end)
    mistake("call it with a colon: clients:group(...)", function() clients.group("g") end)
    mistake("this is no function but a proxy: write clients.all:send(", function() clients:all() end)
    mistake([[to call "Receive" of the clients write :send("Receive", ...)]],
        function() clients.all:Receive("hello") end)
    mistake([[this proxy has no "sent": did you mean "send"?]], function() clients.all:sent("x") end)
    mistake("call it with a colon, as in clients.all:send(", function() clients.all.send("x") end)
    mistake("the target must be a string, not nil", function() clients.all:send(nil) end)
    mistake("the target is empty", function() clients.all:send("") end)
    mistake("invoke asks one client, and this proxy may mean many: write "
        .. "clients:client(id):invoke(...) or clients.caller:invoke(...); send is for many",
        function() clients.all:invoke("x") end)
    mistake("clients.caller is only there inside a call, as self.clients.caller",
        function() return Hub.clients.caller end)
end

function test.groups_users_tasks_and_context(self)
    mistake([[groups has no "addd": did you mean "add"?]], function() self.groups:addd("g") end)
    mistake([[groups has no "join", but add, count, members, remove]],
        function() self.groups:join("g") end)
    mistake([[users has no "onlin": did you mean "online"?]], function() self.users:onlin("u") end)
    local task = signalua.spawn(function() end)
    mistake([[a task has no "join", but wait]], function() task:join() end)
    mistake([[context has no "user_i": did you mean "user_id"?]], function() return self.context.user_i end)
    mistake([[context has no "zzzzzzzz", but connection_id, ]], function() return self.context.zzzzzzzz end)
    mistake("the text must be a string, not table", function() self.context:abort({}) end)
end

function test.hubs(self)
    mistake("context is only there inside of a call, as self.context", function() return Hub.context end)
    mistake([[a hub has no "client": did you mean "clients"?]], function() return self.client end)
    mistake([[a hub has no "Groups": did you mean "groups"?]], function() return Hub.Groups end)
    check.equal(self.anything_else, nil, "authors' own fields may be nil")
    mistake("groups is what every hub has already: choose another name", function() Hub.groups = {} end)
    mistake("on_connected is a hook and must be a function, not a number",
        function() Hub.on_connected = 5 end)
    Hub.round = 1
    check.equal(self.round, 1)
end

function test.what_cannot_be_sent(self)
    local all = self.clients.all
    mistake([[argument 2 of "x" is a function]], function() all:send("x", 1, print) end)
    mistake([[argument 1 of "x": field "a.b" is not a number]],
        function() all:send("x", { a = { b = 0 / 0 } }) end)
    mistake("is not UTF-8 (signalua.binary sends bytes)", function() all:send("x", "\255") end)
    mistake([[argument 1 of "x" is a coroutine]],
        function() self.clients.caller:invoke("x", coroutine.create(print)) end)
    mistake("contains itself", function() local t = {}; t.t = t; all:send("x", t) end)
end

---- the meta file

-- Names by class, as LuaLS understands the file.
local function read_meta()
    local classes, class, class_of = {}, nil, {}
    for line in io.lines("../bindings/lua/signalua.meta.lua") do
        local name, parent = line:match("^%-%-%-@class ([%w_.]+):? ?([%w_.]*)")
        local field = line:match("^%-%-%-@field ([%w_]+)")
        local variable = line:match("^local (%w+) = {}")
        local owner, method = line:match("^function (%w+)[.:]([%w_]+)%(")
        if name then
            class = { parent = parent }
            classes[name] = class
        elseif field then
            class[field] = true
        elseif variable then
            class_of[variable] = class
        elseif owner then
            local owned = class_of[owner]
            owned[method] = true
        end
    end
    return classes
end

local function list(set)
    local names = {}
    for name in pairs(set) do
        if name ~= "parent" then names[#names + 1] = name end
    end
    table.sort(names)
    return table.concat(names, " ")
end

-- What the error for an unknown name lists.
local function listed(values)
    local text = select(2, pcall(function() return values.zzzzzzzzzzzz end))
    local set = {}
    for name in text:match(", but (.*)$"):gmatch("[%w_]+") do set[name] = true end
    return set
end

-- signalua.hub works only here, while the file is loaded.
local unknown = {}
for name in pairs(read_meta()["signalua.HubOptions"]) do
    local _, err = pcall(signalua.hub, { [name] = {} })
    if name ~= "parent" and tostring(err):find("unknown option") then
        unknown[#unknown + 1] = name
    end
end

-- Another test sees to it that hubs/README.md has all options.
function test.the_meta_file_has_the_options()
    check.equal(table.concat(unknown, " "), "")
    local options, inside = {}, false
    for line in io.lines("../hubs/README.md") do
        if line:find("^## ") then inside = line == "## Options" end
        local name = inside and line:match("^| `([%w_]+)` |")
        if name then options[name] = true end
    end
    check.equal(list(read_meta()["signalua.HubOptions"]), list(options))
end

function test.the_meta_file_is_lua()
    check.equal(select(2, loadfile("../bindings/lua/signalua.meta.lua")), nil)
end

function test.the_meta_file_has_the_names_of_objects(self)
    local classes = read_meta()
    local function same(class, values)
        check.equal(list(classes[class]), list(listed(values)), class)
    end
    same("signalua", signalua)
    same("signalua.Json", signalua.json)
    same("signalua.Log", signalua.log)
    same("signalua.Store", signalua.store)
    same("signalua.Metrics", signalua.metrics)
    same("signalua.Counter", signalua.metrics.counter("a"))
    same("signalua.Gauge", signalua.metrics.gauge("b"))
    same("signalua.Histogram", signalua.metrics.histogram("c"))
    same("signalua.Clients", self.clients)
    same("signalua.Groups", self.groups)
    same("signalua.Users", self.users)
    same("signalua.Context", self.context)
    same("signalua.OtherHub", signalua.hubs.lua_names_test)
    same("signalua.Task", signalua.spawn(function() end))
    for name in pairs(classes["signalua.Proxy"]) do
        classes["signalua.ClientProxy"][name] = true
    end
    same("signalua.ClientProxy", self.clients.caller)
end

return Hub

-- SPDX-License-Identifier: MIT
--
-- The module `signalua.testing`: hubs without a server. A client speaks the
-- JSON hub protocol, as its methods below write and read it. Nothing here waits
-- for anything: what the hub does at this moment has been done when a function
-- returns, and time passes in testing.advance alone.
local native = ...
local signalua = require "signalua"
local null = signalua.null

local RECORD_END = "\30"
local INVOCATION, STREAM_ITEM, COMPLETION = 1, 2, 3
local STREAM_INVOCATION, CANCEL_INVOCATION, PING, CLOSE = 4, 5, 6, 7

local testing = {}
local clients = {} -- of the hubs under test

---- values

-- An argument or result: null is nil there.
local function unpack_values(values, first)
    local plain = {}
    for i = 1, #values do
        if values[i] ~= null then
            plain[i] = values[i]
        end
    end
    return unpack(plain, first or 1, #values)
end

local function pack_values(...)
    local values = signalua.array { n = select("#", ...), ... }
    for i = 1, values.n do
        if values[i] == nil then
            values[i] = null
        end
    end
    return values
end

---- time

-- Until neither the hubs nor the clients have anything left to do.
local function settle()
    local busy
    repeat
        native.testing_settle()
        busy = false
        for _, client in ipairs(clients) do
            busy = client:_hear() or busy
        end
    until not busy
end

-- Lets time pass: what is due on the way happens at its moment.
function testing.advance(seconds)
    if type(seconds) ~= "number" or seconds < 0 then
        error("testing.advance wants seconds", 2)
    end
    local till = native.testing_now() + seconds
    settle()
    while native.testing_step(till) do
        settle()
    end
end

-- Seconds since testing.hub began.
function testing.now()
    return native.testing_now()
end

---- uploads

local Upload = {}
Upload.__index = Upload

-- An argument that is a stream: testing.upload{1, 2, 3} is sent as a whole;
-- testing.upload() is sent by its methods, once the call has begun.
function testing.upload(items)
    local upload = setmetatable({ ended = false }, Upload)
    if items ~= nil then
        upload.items = items
    end
    return upload
end

function Upload:_say(message)
    if self.ended then
        error("this upload has ended", 3)
    elseif self.client == nil then
        error("this upload is no argument of a call yet", 3)
    end
    self.client:_say(message)
    settle()
end

function Upload:send(item)
    if item == nil then
        item = null
    end
    self:_say { type = STREAM_ITEM, invocationId = self.id, item = item }
end

-- With a text: it fails.
function Upload:close(err)
    self:_say { type = COMPLETION, invocationId = self.id, error = err }
    self.ended = true
end

---- calls

local Call = {}
Call.__index = Call

-- What the method returned; or its error is raised.
function Call:result()
    if not self.done then
        error(("%s has not answered: it waits, let time pass by "
            .. "testing.advance"):format(self.target), 2)
    elseif self.error ~= nil then
        error(self.error, 0)
    end
    if self.value ~= null then
        return self.value
    end
end

-- Of a stream: the items that came since the last time.
function Call:items()
    local items = self.new_items
    self.new_items = {}
    return items
end

function Call:cancel()
    self.client:_say { type = CANCEL_INVOCATION, invocationId = self.id }
    settle()
end

---- clients

local Client = {}
Client.__index = Client

function Client:_say(message)
    native.testing_say(self.number, signalua.json.encode(message) .. RECORD_END)
end

local on_message = {}

on_message[INVOCATION] = function(self, message)
    local values = message.arguments
    local handler = self.handlers[message.target:lower()]
    table.insert(self.inbox, { message.target, unpack(values, 1, #values) })
    local id = message.invocationId
    if id == nil then
        if handler then
            handler(unpack_values(values))
        end
    elseif handler == nil then
        self:_say { type = COMPLETION, invocationId = id,
            error = "Client didn't provide a result." }
    else
        local ok, result = pcall(handler, unpack_values(values))
        if not ok then
            self:_say { type = COMPLETION, invocationId = id,
                error = tostring(result) }
        else
            if result == nil then
                result = null
            end
            self:_say { type = COMPLETION, invocationId = id, result = result }
        end
    end
end

on_message[STREAM_ITEM] = function(self, message)
    local call = self.calls[message.invocationId]
    if call then
        table.insert(call.new_items, message.item)
    end
end

on_message[COMPLETION] = function(self, message)
    local call = self.calls[message.invocationId]
    if call then
        self.calls[message.invocationId] = nil
        call.done, call.error, call.value = true, message.error, message.result
    end
end

on_message[PING] = function() end

on_message[CLOSE] = function(self, message)
    self.close_error = message.error
    self.may_reconnect = message.allowReconnect == true
end

-- Takes what came. A handler may call the hub, and so get here again: messages
-- are taken one by one, whoever takes them.
function Client:_hear()
    local bytes, closed = native.testing_heard(self.number)
    self.unread = self.unread .. bytes
    local heard = false
    while true do
        local text, rest = self.unread:match("^([^\30]*)\30(.*)$")
        if text == nil then
            break
        end
        self.unread, heard = rest, true
        local message = signalua.json.decode(text)
        if message.type == nil then -- the answer to the handshake
            self.close_error = message.error
        elseif on_message[message.type] then
            on_message[message.type](self, message)
        end
    end
    if closed and not self.closed then
        self.closed, heard = true, true
        for id, call in pairs(self.calls) do
            self.calls[id] = nil
            call.done = true
            call.error = self.close_error or "The connection was closed."
        end
    end
    return heard
end

function Client:_begin(kind, target, ...)
    if type(target) ~= "string" then
        error("the name of a method is missing", 3)
    elseif self.closed then
        error("this client's connection is closed", 3)
    end
    self.last_id = self.last_id + 1
    local id = tostring(self.last_id)
    local values, uploads, stream_ids = signalua.array {}, {}, nil
    for i, value in ipairs(pack_values(...)) do
        if getmetatable(value) == Upload then
            self.last_id = self.last_id + 1
            value.client, value.id = self, tostring(self.last_id)
            stream_ids = stream_ids or signalua.array {}
            table.insert(stream_ids, value.id)
            table.insert(uploads, value)
        else
            values[i - #uploads] = value
        end
    end
    local call = setmetatable({ client = self, target = target, id = id,
        new_items = {}, done = false }, Call)
    self.calls[id] = call
    self:_say { type = kind, invocationId = id, target = target,
        arguments = values, streamIds = stream_ids }
    settle()
    for _, upload in ipairs(uploads) do
        if upload.items then
            for _, item in ipairs(upload.items) do
                upload:send(item)
            end
            upload:close()
        end
    end
    return call
end

-- Calls and gives back the result, or raises the error that a client gets.
function Client:invoke(target, ...)
    local call = self:_begin(INVOCATION, target, ...)
    if not call.done then
        error(("%s has not answered: it waits; use client:call and let time "
            .. "pass by testing.advance"):format(target), 2)
    end
    return call:result()
end

-- Begins a call; its result comes later: call.done, call:result().
function Client:call(target, ...)
    return self:_begin(INVOCATION, target, ...)
end

-- Begins a stream: call:items(), call.done, call.error, call:cancel().
function Client:stream(target, ...)
    return self:_begin(STREAM_INVOCATION, target, ...)
end

-- Calls without an answer.
function Client:send(target, ...)
    self:_say { type = INVOCATION, target = target,
        arguments = pack_values(...) }
    settle()
end

-- What the hub sent, the oldest first, as { target, ... }; taken away. With a
-- target: of that one alone.
function Client:received(target)
    local taken, kept = {}, {}
    for _, message in ipairs(self.inbox) do
        local wanted = target == nil or message[1] == target
        table.insert(wanted and taken or kept, message)
    end
    self.inbox = kept
    return taken
end

-- Answers what the hub invokes, by what fn returns or raises; any case.
function Client:on(target, fn)
    self.handlers[target:lower()] = fn
end

-- Leaves with a goodbye.
function Client:close()
    native.testing_leave(self.number, false)
    settle()
end

-- Leaves without one, as when a network fails.
function Client:lose()
    native.testing_leave(self.number, true)
    settle()
end

---- hubs

local Hub = {}
Hub.__index = Hub

local function encode_query(query)
    local parts = {}
    for name, value in pairs(query or {}) do
        local pair = { tostring(name), tostring(value) }
        for i = 1, 2 do
            pair[i] = pair[i]:gsub("[^%w%-._~]", function(c)
                return ("%%%02X"):format(c:byte())
            end)
        end
        table.insert(parts, table.concat(pair, "="))
    end
    table.sort(parts)
    return table.concat(parts, "&")
end

local function list_headers(headers)
    local list = {}
    for name, value in pairs(headers or {}) do
        table.insert(list, name:lower())
        table.insert(list, tostring(value))
    end
    return list
end

local CONNECT_OPTIONS = { user_id = true, claims = true, authenticated = true,
    headers = true, query = true, remote_address = true, expires = true }

-- A new client of the hub. Whoever has a user id or claims is authenticated,
-- as by a token. An error: the hub does not let it in.
function Hub:connect(options)
    options = options or {}
    for name in pairs(options) do
        if not CONNECT_OPTIONS[name] then
            error(("connect: \"%s\" is not an option"):format(tostring(name)),
                2)
        end
    end
    local authenticated = options.authenticated
    if authenticated == nil then
        authenticated = options.user_id ~= nil or options.claims ~= nil
    end
    local number = native.testing_connect(self.name, authenticated,
        options.user_id and tostring(options.user_id),
        options.claims and signalua.json.encode(options.claims),
        options.expires, encode_query(options.query),
        options.remote_address or "127.0.0.1", list_headers(options.headers))
    settle()
    local status = native.testing_status(number)
    if status == 0 then
        error("connect: the hub has not decided whether to let it in: it waits",
            2)
    elseif status ~= 200 then
        error(("connect: refused with %d"):format(status), 0)
    end
    local client = setmetatable({ number = number, unread = "", inbox = {},
        handlers = {}, calls = {}, last_id = 0, closed = false }, Client)
    client.connection_id = native.testing_open(number)
    table.insert(clients, client)
    client:_say { protocol = "json", version = 1 }
    settle()
    return client
end

-- The members of a group, as connection ids.
function Hub:members(group)
    return native.testing_members(self.name, group)
end

-- Another hub of the same scripts.
function Hub:hub(name)
    if not native.testing_serves(name) then
        error(("there is no hub \"%s\""):format(tostring(name)), 2)
    end
    return setmetatable({ name = name }, Hub)
end

-- Begins anew: the scripts are loaded again, the store is empty, nobody is
-- connected, and clients and hubs from before are gone.
function testing.hub(name)
    local ok, errors = native.testing_begin()
    clients = {}
    if not ok then
        error("the hubs do not load:\n" .. errors, 0)
    end
    settle()
    return Hub.hub(nil, name)
end

---- the rest

-- The store of the hubs under test, with the functions of signalua.store.
testing.store = setmetatable({}, {
    __index = function(_, name)
        return function(...)
            local values, ok, result = { n = select("#", ...), ... }, nil, nil
            -- In a task, since commands wait.
            native.spawn(function()
                ok, result = pcall(signalua.store[name],
                    unpack(values, 1, values.n))
            end)
            settle()
            if not ok then
                error(result, 2)
            end
            return result
        end
    end,
})

-- What was logged since the last time, as text.
function testing.logged()
    return native.testing_logged()
end

return testing

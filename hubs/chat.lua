-- The hub of the chat example, served at /chat. Its page is examples/chat/www.
--
-- A connection is in one room at a time, under one name; both live in
-- self.context.items. What was said last is in the store, which all workers
-- share, so that who comes late sees what the others saw.
local signalua = require "signalua"
local store = signalua.store

local Chat = signalua.hub {
    max_message_size = 8192,
    methods = {
        Join = { args = { "string", "string" } },
        Say = { args = { "string" } },
        Typing = { args = {} },
    },
}

local NAME_MAX = 80         -- bytes
local TEXT_MAX = 4000       -- bytes
local HISTORY = 20          -- messages that a newcomer sees
local HISTORY_SECONDS = 86400

---- what was said

-- The last HISTORY messages of each room are a list; ids count on.
local function history_key(room)
    return "chat:" .. room .. ":history"
end

-- Numbers the message and keeps it.
local function remember(message)
    local count_key = "chat:" .. message.room .. ":count"
    local key = history_key(message.room)
    message.id = store.incr(count_key)
    store.rpush(key, signalua.json.encode(message))
    store.ltrim(key, -HISTORY, -1)
    store.expire(key, HISTORY_SECONDS)
    store.expire(count_key, HISTORY_SECONDS)
end

local function history(room)
    local messages = signalua.array {}
    for i, text in ipairs(store.lrange(history_key(room), 0, -1)) do
        messages[i] = signalua.json.decode(text)
    end
    return messages
end

---- what clients send

-- An error whose text the client sees; any other would be hidden from it.
local function refuse(text)
    error(signalua.hub_error(text))
end

local function check_text(text, what, longest)
    text = text:match("^%s*(.-)%s*$")
    if text == "" then refuse("Please enter " .. what .. ".") end
    if #text > longest then refuse("That is too long for " .. what .. ".") end
    return text
end

local function check_name(name)
    name = check_text(name, "a name", NAME_MAX)
    if name:find("%c") then refuse("A name is one line of text.") end
    return name
end

local function check_room(room)
    if #room > 32 or not room:find("^[%w_-]+$") then
        refuse("A room's name has 1 to 32 letters, digits, - or _.")
    end
    return room
end

-- The caller's room and name, or an error.
function Chat:_seat()
    local items = self.context.items
    if not items.room then refuse("Join a room first.") end
    return items.room, items.name
end

---- rooms

function Chat:_leave()
    local items = self.context.items
    local room, name = items.room, items.name
    if not room then return end
    items.room = nil
    self.groups:remove(room)
    self.clients:group(room):send("Left", name)
end

-- Enters a room (and leaves the one before) or, in the same room, takes
-- another name. Returns the last messages, the oldest first.
function Chat:Join(room, name)
    local items = self.context.items
    room, name = check_room(room), check_name(name)

    if items.room == room then
        local before = items.name
        items.name = name
        if before ~= name then
            self.clients:group(room):send("Renamed", before, name)
        end
        return history(room)
    end

    self:_leave()
    self.groups:add(room)
    items.room, items.name = room, name
    self.clients:others_in_group(room):send("Joined", name)
    return history(room)
end

function Chat:Say(text)
    local room, name = self:_seat()
    local message = {
        room = room,
        name = name,
        text = check_text(text, "a message", TEXT_MAX),
        time = os.time(),
    }
    remember(message)
    self.clients:group(room):send("Message", message)
end

function Chat:Typing()
    local room, name = self:_seat()
    self.clients:others_in_group(room):send("Typing", name)
end

-- The connection is in no group any more: what is left is to say so.
function Chat:on_disconnected()
    local items = self.context.items
    if items.room then
        self.clients:group(items.room):send("Left", items.name)
    end
end

return Chat

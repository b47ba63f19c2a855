---@meta signalua
-- SPDX-License-Identifier: MIT
--
-- The Lua API for LuaLS (lua-language-server), so that editors complete and
-- check hub scripts: put this file's folder into `workspace.library` of
-- .luarc.json. It is never run; a test compares its names with the real ones.
-- What everything does stands in hubs/README.md.

---@class signalua
---@field null userdata null inside of tables
---@field cancelled table raised by waits of what the client cancelled or left
---@field hubs table<string, signalua.OtherHub> other hubs by name
---@field config table<string, any> settings by name, as texts; `env` has SIGNALUA_APP_… of the environment
---@field json signalua.Json
---@field log signalua.Log
---@field metrics signalua.Metrics
---@field store signalua.Store
local signalua = {}

---@class signalua.Rate
---@field [1] integer how many
---@field per? number seconds, 1 by default

---@class signalua.Policy
---@field roles? string[] one of them
---@field claims? table<string, string> all of them

---@class signalua.MethodOptions
---@field args? string[] any boolean number int int64 string binary timestamp array object stream stream<T>, `?` where null may stand
---@field stream? boolean the method streams, or never does
---@field authorize? boolean|signalua.Policy|fun(context: table): boolean, string?
---@field rate? signalua.Rate calls of this method

---@class signalua.HubOptions
---@field path? string path of the URL
---@field methods? table<string, signalua.MethodOptions>
---@field transports? ("WebSockets"|"ServerSentEvents"|"LongPolling")[]
---@field rate? signalua.Rate messages of one connection
---@field backplane_name? string
---@field authorize? boolean|signalua.Policy|fun(context: table): boolean, string?
---@field keep_alive? number seconds
---@field client_timeout? number seconds
---@field handshake_timeout? number seconds
---@field disconnect_timeout? number seconds
---@field negotiate_timeout? number seconds
---@field poll_timeout? number seconds
---@field max_message_size? integer bytes
---@field max_parallel_invocations? integer
---@field max_outbound? integer bytes
---@field max_streams? integer
---@field stream_buffer? integer items
---@field stateful_reconnect_buffer? integer bytes
---@field detailed_errors? boolean
---@field strict_arguments? boolean
---@field close_on_expiry? boolean

---@class signalua.Hub
---@field clients signalua.Clients
---@field groups signalua.Groups
---@field users signalua.Users
---@field context signalua.Context in a call only
---@field on_connected? fun(self: signalua.Hub)
---@field on_disconnected? fun(self: signalua.Hub, err: string?, reason: string)
---@field around_invoke? fun(self: signalua.Hub, method: string, next: function, ...: any): any
---@field authenticate? fun(request: signalua.Request): table?, string?
---@field [string] any

---@class signalua.OtherHub
---@field clients signalua.Clients
---@field groups signalua.Groups
---@field users signalua.Users

---@param options? signalua.HubOptions
---@return signalua.Hub
function signalua.hub(options) end

---@param text string what the client sees
---@param data? any for the log only
---@return table
function signalua.hub_error(text, data) end

---@param fn fun(emit: fun(item: any))
---@return table
function signalua.stream(fn) end

---Marks a table as an array; its field `n`, if any, is its length.
---@generic T: table
---@param items T
---@return T
function signalua.array(items) end

---@param bytes string
---@return userdata
function signalua.binary(bytes) end

---@param seconds number since 1970
---@param nanoseconds? integer
---@return userdata
function signalua.timestamp(seconds, nanoseconds) end

---@return number seconds of a clock that only goes forward
function signalua.now() end

---@param seconds number
function signalua.sleep(seconds) end

---@class signalua.TimerOptions
---@field where? "cluster"|"pod"|"worker"

---@param seconds number
---@param fn function
---@param options? signalua.TimerOptions
function signalua.every(seconds, fn, options) end

---@param seconds number
---@param fn function
---@param options? signalua.TimerOptions
function signalua.after(seconds, fn, options) end

---@class signalua.Task
local Task = {}

---Its results, or raises its error.
---@return any ...
function Task:wait() end

---@param fn function
---@param ... any
---@return signalua.Task
function signalua.spawn(fn, ...) end

---@class signalua.Request
---@field method string
---@field path string
---@field query table<string, string>
---@field headers table<string, string> names in lower case
---@field body string
---@field remote_address string
---@field user_id string?
---@field claims table
---@field authenticated boolean

---@param method string
---@param path string
---@param fn fun(request: signalua.Request): integer, string?, table<string, string>?
function signalua.route(method, path, fn) end

---@param fn fun(old_version: string, new_version: string)
function signalua.on_reload(fn) end

---A table that outlives the scripts of this worker.
---@generic T
---@param name string
---@param default? T
---@return T
function signalua.keep(name, default) end

---@class signalua.Clients
---@field all signalua.Proxy every connection of the hub
---@field caller signalua.ClientProxy in a call only
---@field others signalua.Proxy in a call only
local Clients = {}

---@param ids string[]
---@return signalua.Proxy
function Clients:all_except(ids) end

---@param id string
---@return signalua.ClientProxy
function Clients:client(id) end

---@param ids string[]
---@return signalua.Proxy
function Clients:clients(ids) end

---@param group string
---@return signalua.Proxy
function Clients:group(group) end

---@param groups string[]
---@return signalua.Proxy
function Clients:groups(groups) end

---@param group string
---@param ids string[]
---@return signalua.Proxy
function Clients:group_except(group, ids) end

---In a call only.
---@param group string
---@return signalua.Proxy
function Clients:others_in_group(group) end

---@param id string
---@return signalua.Proxy
function Clients:user(id) end

---@param ids string[]
---@return signalua.Proxy
function Clients:users(ids) end

---@class signalua.Proxy
local Proxy = {}

---Calls the handler of the clients and does not wait for them.
---@param target string
---@param ... any
function Proxy:send(target, ...) end

---How many connections are meant.
---@return integer
function Proxy:count() end

---Ends them.
---@param text? string
---@return integer how many
function Proxy:close(text) end

---@class signalua.ClientProxy: signalua.Proxy
local ClientProxy = {}

---Calls the client and waits for its result.
---@param target string
---@param ... any
---@return any
function ClientProxy:invoke(target, ...) end

---@param seconds number
---@return signalua.ClientProxy
function ClientProxy:timeout(seconds) end

---@class signalua.Groups
local Groups = {}

---Returns when later sends to the group reach the connection.
---@param group string
---@param id? string the caller's by default
function Groups:add(group, id) end

---@param group string
---@param id? string the caller's by default
function Groups:remove(group, id) end

---@param group string
---@return string[] connection ids, in no order
function Groups:members(group) end

---@param group string
---@return integer
function Groups:count(group) end

---@class signalua.Users
local Users = {}

---@param id string
---@return boolean
function Users:online(id) end

---@class signalua.Context
---@field connection_id string
---@field user_id string?
---@field claims table
---@field authenticated boolean
---@field items table lives as long as the connection
---@field transport "WebSockets"|"ServerSentEvents"|"LongPolling"
---@field protocol "json"|"messagepack"
---@field remote_address string
---@field path string
---@field query table<string, string>
---@field headers table<string, string> names in lower case
---@field aborted boolean
---@field hub string
---@field pod string
---@field worker integer
---@field version string of the scripts
local Context = {}

---@param text? string
function Context:abort(text) end

---@class signalua.Json
local Json = {}

---@param value any
---@return string
function Json.encode(value) end

---@param text string
---@return any
function Json.decode(text) end

---@class signalua.Log
local Log = {}

---@param text string
---@param fields? table<string, any>
function Log.debug(text, fields) end

---@param text string
---@param fields? table<string, any>
function Log.info(text, fields) end

---@param text string
---@param fields? table<string, any>
function Log.warn(text, fields) end

---@param text string
---@param fields? table<string, any>
function Log.error(text, fields) end

---@class signalua.Metrics
local Metrics = {}

---@param name string ends in _total, as Prometheus wants
---@param labels? table<string, string|number|boolean>
---@return signalua.Counter
function Metrics.counter(name, labels) end

---@param name string
---@param labels? table<string, string|number|boolean>
---@return signalua.Gauge
function Metrics.gauge(name, labels) end

---@param name string
---@param labels? table<string, string|number|boolean>
---@param buckets? number[] upper bounds, rising; seconds from 0.005 to 10 by default
---@return signalua.Histogram
function Metrics.histogram(name, labels, buckets) end

---@class signalua.Counter
local Counter = {}

---@param by? number 1 by default
function Counter:inc(by) end

---@class signalua.Gauge
local Gauge = {}

---@param value number
function Gauge:set(value) end

---@param by? number 1 by default
function Gauge:inc(by) end

---@param by? number 1 by default
function Gauge:dec(by) end

---@class signalua.Histogram
local Histogram = {}

---@param value number
function Histogram:observe(value) end

---Functions with the names, arguments and errors of the Redis commands.
---@class signalua.Store
---@field get fun(key: string): string?
---@field set fun(key: string, value: string|number, ...: any): any
---@field del fun(...: string): integer
---@field incr fun(key: string): integer
---@field expire fun(key: string, seconds: integer): integer
---@field ttl fun(key: string): integer
---@field rpush fun(key: string, ...: any): integer
---@field lrange fun(key: string, first: integer, last: integer): string[]
---@field ltrim fun(key: string, first: integer, last: integer): any
---@field hget fun(key: string, field: string): string?
---@field hset fun(key: string, ...: any): integer
---@field hdel fun(key: string, ...: string): integer
---@field hgetall fun(key: string): table<string, string>
---@field sadd fun(key: string, ...: any): integer
---@field srem fun(key: string, ...: any): integer
---@field smembers fun(key: string): string[]
---@field zadd fun(key: string, ...: any): integer
---@field zrem fun(key: string, ...: any): integer
---@field zrange fun(key: string, first: integer, last: integer, ...: any): string[]
---@field command fun(name: string, ...: any): any any other command by its name

return signalua

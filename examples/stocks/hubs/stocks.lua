-- The hub of the stocks example: prices are a stream, a portfolio is an upload,
-- and an order asks its client before it counts.
local signalua = require "signalua"
local store = signalua.store

local Stocks = signalua.hub {
    methods = {
        Watch = { args = { "array" }, stream = true },
        Value = { args = { "stream<object>" } },
        Buy = { args = { "string", "int" } },
    },
}

local PRICES = { ACME = 120, GLOBEX = 54.5, HOOLI = 310, INITECH = 17.25 } -- at first
local TICK = 0.25           -- seconds between two moves of the prices
local CONFIRM_SECONDS = 30
local COUNT_MAX = 1000000   -- shares in one order

-- An error whose text the client sees.
local function refuse(text)
    error(signalua.hub_error(text))
end

---- prices

-- In the store, which all workers share.
local function price_of(symbol)
    return tonumber(store.hget("stocks", symbol) or PRICES[symbol])
end

local function check_symbol(symbol)
    if not PRICES[symbol] then refuse("There is no stock of that name.") end
end

math.randomseed(os.time())
signalua.every(TICK, function()
    for symbol in pairs(PRICES) do
        local price = price_of(symbol) * (0.99 + 0.02 * math.random())
        store.hset("stocks", symbol, ("%.2f"):format(math.max(price, 1)))
    end
end, { where = "pod" })

---- what clients call

function Stocks:Symbols()
    local symbols = signalua.array {}
    for symbol in pairs(PRICES) do symbols[#symbols + 1] = symbol end
    table.sort(symbols)
    return symbols
end

-- Each price at once, and then whenever it has changed, until the client has
-- enough: its cancel ends the loop at emit or sleep.
function Stocks:Watch(symbols)
    for _, symbol in ipairs(symbols) do check_symbol(symbol) end
    return signalua.stream(function(emit)
        local last = {}
        while true do
            for _, symbol in ipairs(symbols) do
                local price = price_of(symbol)
                if price ~= last[symbol] then
                    last[symbol] = price
                    emit({ symbol = symbol, price = price, time = os.time() })
                end
            end
            signalua.sleep(TICK)
        end
    end)
end

-- Takes {symbol, count} after {symbol, count}; however many there are, one is
-- in memory at a time.
function Stocks:Value(holdings)
    local total = 0
    for holding in holdings do
        check_symbol(holding.symbol)
        if type(holding.count) ~= "number" then refuse("How many?") end
        total = total + holding.count * price_of(holding.symbol)
    end
    return total
end

-- The client's method Confirm has the last word.
function Stocks:Buy(symbol, count)
    check_symbol(symbol)
    if count < 1 or count > COUNT_MAX then refuse("That is no order.") end
    local price = price_of(symbol)
    local caller = self.clients.caller:timeout(CONFIRM_SECONDS)
    local ok, answer = pcall(caller.invoke, caller, "Confirm", symbol, count, price)
    if not ok or answer ~= true then refuse("The order was not confirmed.") end
    return { symbol = symbol, count = count, price = price, total = count * price }
end

return Stocks

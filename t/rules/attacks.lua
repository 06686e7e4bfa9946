-- What a rule may try.  Each part is a chunk of its own; what it returns has a
-- function "publish", or the chunk does its work already when it is loaded.
-- Each has to end soon, with an error or by itself; where it answers "escaped"
-- it has got out.

--- an endless loop
return { publish = function() while true do end end }

--- an endless loop when it is loaded
while true do end

--- repeat without a body
return { publish = function() repeat until false end }

--- goto
return { publish = function() ::again:: goto again end }

--- a loop that counts to infinity
return { publish = function() for i = 1, math.huge do end end }

--- a loop with a step of nothing
return { publish = function() for i = 1, 2, 0 do end end }

--- recursion
local function f() return f() + 1 end
return { publish = f }

--- tail calls
local function f() return f() end
return { publish = f }

--- pcall catches the end
return { publish = function()
  while true do pcall(function() while true do end end) end
end }

--- pcall within pcall
local function f() pcall(f) end
return { publish = function() while true do f() end end }

--- pcall of pcall of pcall
return { publish = function()
  while true do pcall(pcall, pcall, pcall, error) end
end }

--- an error handler that does not end
return { publish = function()
  while true do
    xpcall(function() while true do end end, function() while true do end end)
  end
end }

--- an error handler that fails
return { publish = function()
  while true do xpcall(error, function() error("again") end) end
end }

--- xpcall whose handler is itself
return { publish = function() while true do xpcall(xpcall, xpcall) end end }

--- errors thrown and caught
return { publish = function() while true do pcall(error, "x") end end }

--- an error with a huge text
return { publish = function() error(("x"):rep(60000)) end }

--- an error that is a table
return { publish = function() error({}) end }

--- an error that is its own handler
return { publish = function() error(setmetatable) end }

--- gsub that calls pcall
return { publish = function()
  local s = ("x"):rep(60000)
  while true do s:gsub(".", pcall) end
end }

--- gsub within gsub
local function f() return (("x"):gsub(".", f)) end
return { publish = f }

--- gsub within gsub within pcall
local function f() pcall(string.gsub, "xxxx", ".", f) end
return { publish = function() while true do f() end end }

--- sort that does not end
return { publish = function()
  local t = {}
  for i = 1, 4000 do t[i] = i % 7 end
  while true do table.sort(t, function(a, b) return true end) end
end }

--- sort within sort
local t = { 3, 2, 1, 5 }
local function less(a, b) table.sort({ 2, 1, 3 }, less) return a < b end
return { publish = function() table.sort(t, less) end }

--- sort of long strings
return { publish = function()
  local t, s = {}, ("x"):rep(30000)
  for i = 1, 20 do t[i] = s .. i end
  while true do table.sort(t) end
end }

--- sort of many
return { publish = function()
  local t = {}
  for i = 1, 8000 do t[i] = -i end
  while true do table.sort(t) end
end }

--- two quantifiers
return { publish = function()
  return (("a"):rep(60000)):find(".-.-.-b")
end }

--- many quantifiers
return { publish = function()
  return (("a"):rep(1000)):match((".*"):rep(60) .. "b")
end }

--- a star behind a star in gmatch
return { publish = function()
  for a in (("a"):rep(60000)):gmatch("a*a*a*b") do end
end }

--- a balance that is not balanced
return { publish = function()
  return (("("):rep(60000)):find("%b()")
end }

--- a pattern of sixty thousand brackets
return { publish = function() return ("x"):find(("("):rep(60000)) end }

--- a pattern with a huge set
return { publish = function()
  return (("x"):rep(60000)):find("[" .. ("a"):rep(60000) .. "]b")
end }

--- frontiers
return { publish = function()
  return (("a"):rep(60000)):gsub("%f[" .. ("b"):rep(1000) .. "]", "")
end }

--- back references
return { publish = function()
  return (("a"):rep(30000)):find("(a*)%1%1b")
end }

--- plain search again and again
return { publish = function()
  local s = ("a"):rep(60000)
  while true do s:find(("a"):rep(30000) .. "b", 1, true) end
end }

--- rep
return { publish = function() return ("x"):rep(1e9) end }

--- rep of nothing
return { publish = function() return (""):rep(1e9) end }

--- rep of rep
return { publish = function()
  local s = "x"
  while true do s = s:rep(2) end
end }

--- rep with a separator
return { publish = function() return ("x"):rep(1e8, "y") end }

--- rep below zero, and what is no number
return { publish = function()
  return ("x"):rep(-1e300) .. ("x"):rep(0 / 0)
end }

--- concatenation that doubles
return { publish = function()
  local s = "x"
  while true do s = s .. s end
end }

--- doubling within pcall
return { publish = function()
  local s = "x"
  while true do pcall(function() s = s .. s end) end
end }

--- many pieces
return { publish = function()
  local t = {}
  while true do t[#t + 1] = {} end
end }

--- many pieces within pcall
return { publish = function()
  local t = {}
  while true do pcall(function() t[#t + 1] = ("x"):rep(60000) .. #t end) end
end }

--- a table that is large at once
return { publish = function() local t = {} t[1e9] = 1 t[2 ^ 53] = 2 return t end }

--- a table of a table
return { publish = function()
  local t = {}
  for i = 1, 1e9 do t = { t } end
end }

--- concat of a range that is not there
return { publish = function() return table.concat({}, "", 1, 1e9) end }

--- concat with a long separator
return { publish = function()
  local t = {}
  for i = 1, 1000 do t[i] = "" end
  return table.concat(t, ("x"):rep(60000))
end }

--- concat at the end of integers
return { publish = function()
  return table.concat({}, "", 2147483647, 2147483647)
end }

--- insert in front
return { publish = function()
  local t = {}
  while true do table.insert(t, 1, 1) end
end }

--- remove in front
return { publish = function()
  local t = {}
  for i = 1, 8000 do t[i] = i end
  while true do table.remove(t, 1) t[#t + 1] = 1 end
end }

--- unpack of everything
return { publish = function() return unpack({}, 1, 1e7) end }

--- unpack at the ends of integers
return { publish = function() return unpack({}, -2147483648, 2147483647) end }

--- select of many
local function f(...) return f(1, 2, 3, 4, 5, 6, 7, 8, ...) end
return { publish = f }

--- select from far behind
return { publish = function() return select(-1e9, 1) end }

--- byte of everything
return { publish = function() return (("x"):rep(60000)):byte(1, -1) end }

--- char of many
return { publish = function()
  while true do string.char(unpack({ 1, 2, 3 })) end
end }

--- format with a wide field
return { publish = function()
  return string.format("%99.99f%99.99f%99.99f", 1e308, -1e308, 1 / 0)
end }

--- format with a field that is too wide
return { publish = function() return string.format("%1000000000d", 1) end }

--- format of an address
return { publish = function()
  local s = string.format("%s %s", tostring(print), {})
  if s:find("0x") then return "escaped" end
  return string.format("%p", {})
end }

--- format of a long text, again and again
return { publish = function()
  local s = ("x"):rep(60000)
  while true do string.format("%q", s) end
end }

--- tostring tells an address
return { publish = function()
  if tostring({}):find("0x") or tostring(pcall):find("0x")
     or tostring(function() end):find("%d")
  then return "escaped" end
end }

--- tonumber of a long text
return { publish = function()
  local s = ("9"):rep(60000)
  while true do tonumber(s) tonumber(s, 10) end
end }

--- comparison of long strings
return { publish = function()
  local a = ("x"):rep(60000)
  local b = a:sub(1, -2) .. "y"
  while true do local c = a < b end
end }

--- strings with the same hash
return { publish = function()
  local t = {}
  for i = 1, 3000 do
    t[("x"):rep(40) .. ("%08d"):format(i) .. ("x"):rep(40)] = i
  end
  while true do local x = t[("x"):rep(40) .. "99999999" .. ("x"):rep(40)] end
end }

--- next over a table that was large
return { publish = function()
  local t = {}
  for i = 1, 2000 do t["k" .. i] = i end
  for i = 1, 2000 do t["k" .. i] = nil end
  while true do next(t) end
end }

--- pairs over a table that was large
return { publish = function()
  local t = {}
  for i = 1, 2000 do t["k" .. i] = i end
  for i = 1, 2000 do t["k" .. i] = nil end
  while true do for k in pairs(t) do end end
end }

--- next with a key that is not there
return { publish = function() return next({}, "nothing") end }

--- length of a table, again and again
return { publish = function()
  local t = {}
  for i = 1, 8000 do t[i] = i end
  while true do local n = #t end
end }

--- upper, lower, reverse
return { publish = function()
  local s = ("x"):rep(60000)
  while true do s:upper() s:lower() s:reverse() end
end }

--- libraries of the host
return { publish = function()
  if os or io or debug or package or require or dofile or loadfile or ffi
     or jit or load or loadstring or module or newproxy or collectgarbage
     or print or coroutine or getfenv or setfenv or gcinfo or rawset or rawget
     or rawequal or setmetatable or getmetatable or string.dump
     or table.foreach or table.foreachi or table.maxn or math.random
  then return "escaped" end
end }

--- libraries when it is loaded
local there = os or io or debug or ffi or jit or loadstring
return { publish = function() if there then return "escaped" end end }

--- bytecode
return { publish = function() return string.dump(function() end) end }

--- the environment by name
return { publish = function()
  if _G or _ENV then return "escaped" end
  x = 1
  return "escaped"
end }

--- a library is changed
return { publish = function()
  string.format = nil
  return "escaped"
end }

--- a library is changed by table.insert
return { publish = function()
  table.insert(string, "x")
  return "escaped"
end }

--- a library is changed by table.sort and remove
return { publish = function()
  if pcall(table.sort, string) or pcall(table.remove, math) then
    return "escaped"
  end
end }

--- strings' methods are changed
return { publish = function()
  local s = ""
  s.upper = 1
  return "escaped"
end }

--- a stock function behind the one that is bounded
return { publish = function()
  for name, f in pairs(string) do return "escaped" end
  if ("").dump or ("").rep ~= string.rep then return "escaped" end
end }

--- numbers that are none
return { publish = function()
  local t = {}
  t[0 / 0] = 1
end }

--- bits
return { publish = function()
  return bit.lshift(1, 1e9) + bit.tobit(1e300) + bit.bor(0 / 0)
end }

--- an integer that overflows
return { publish = function() return ("x"):sub(-2 ^ 63, 2 ^ 63) end }

--- find from beyond
return { publish = function()
  return ("x"):find("x", -2 ^ 53), ("x"):find("", 2 ^ 53)
end }

--- a capture that is not there
return { publish = function() return ("x"):gsub("x", "%9") end }

--- a capture within itself
return { publish = function() return ("xx"):find("(x%1)") end }

--- a pattern that ends too soon
return { publish = function()
  pcall(string.find, "x", "[")
  pcall(string.find, "x", "[^")
  pcall(string.find, "x", "[%")
  pcall(string.find, "x", "%b")
  pcall(string.find, "x", "%bx")
  pcall(string.find, "x", "%f")
  pcall(string.find, "x", "%f[")
  return ("x"):find("%")
end }

--- what is kept between calls
local kept = {}
return { publish = function()
  for i = 1, 50 do kept[#kept + 1] = ("x"):rep(3000) .. #kept end
end }

--- no table is returned
return 1

--- a function that is a table
return { publish = {} }

--- no Lua
return { publish = function(

--- nested too deep for a compiler
return ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((

--- a shebang, and what is behind it
#!/bin/sh
return { publish = function() end }

--- a schema whose spec contains itself
local t = {}
t.t = t
rt.schema{ type = "t", versions = { t } }

--- a schema that is as wide as it is deep
local t = { a = "any" }
for i = 1, 30 do t = { l = t, r = t, m = t } end
rt.schema{ type = "t", versions = { t } }

--- schemas without end
for i = 1, math.huge do
  rt.schema{ type = "t" .. i, versions = { "any" } }
end

--- schemas with all the fields there may be
local f = {}
for i = 1, 128 do f[("x"):rep(60) .. i] = "any" end
local t = {}
for i = 1, 7 do t["f" .. i] = f end
for i = 1, math.huge do
  pcall(rt.schema, { type = "t" .. i, versions = { t } })
end

--- a schema of versions without end
local v = {}
for i = 1, 100000 do v[i] = "any" end
rt.schema{ type = "t", versions = v, upgrade = v }

--- a schema with a metatable of ours
local t = rt.array({ "any" })
rt.schema{ type = "t", versions = { t, t }, upgrade = rt.array({ error }) }
return {}

--- a schema of the libraries
rt.schema{ type = "t", versions = { string, rt }, upgrade = { rt.allow } }
return { publish = function(session, publication)
  string.rep = nil
  return rt.allow()
end }

--- a schema that is declared when a function runs
return { publish = function()
  rt.schema{ type = "t", versions = { "any" } }
  return rt.deny(666, "escaped")
end }

--- a schema that is declared when an upgrade runs
rt.schema{ type = "t", versions = { "any", "any" }, upgrade = { function(d)
  rt.schema{ type = "u", versions = { "any" } }
  return "escaped"
end } }
return { publish = function(session, publication)
  if publication.data == "escaped" then return rt.deny(666, "escaped") end
end }

--- a schema that is changed by an upgrade
local spec = { a = "string" }
local versions, upgrade = { "any", spec }, {}
upgrade[1] = function(d)
  spec.a, versions[2], upgrade[1] = "number", "any", nil
  return { a = 5 }
end
rt.schema{ type = "t", versions = versions, upgrade = upgrade }
return { publish = function(session, publication)
  if publication.version == 2 then return rt.deny(666, "escaped") end
end }

--- an upgrade that does not end
rt.schema{ type = "t", versions = { "any", "any" },
  upgrade = { function(d) while true do end end } }
return {}

--- an upgrade that catches its end
rt.schema{ type = "t", versions = { "any", "any" }, upgrade = { function(d)
  while true do pcall(function() while true do end end) end
end } }
return {}

--- upgrades that pass the work on
local function work(d) for i = 1, 90000 do end return d end
local v, u = {}, {}
for i = 1, 64 do v[i], u[i] = "any", work end
u[64] = nil
rt.schema{ type = "t", versions = v, upgrade = u }
return { publish = function() for i = 1, 90000 do end end }

--- an upgrade that returns itself
rt.schema{ type = "t", versions = { "any", "any" }, upgrade = { function(d)
  local t = {}
  t.t = t
  return t
end } }
return {}

--- an upgrade that returns a ring which is wide
rt.schema{ type = "t", versions = { "any", "any" }, upgrade = { function(d)
  local t = {}
  for i = 1, 100 do t[i] = t end
  return t
end } }
return {}

--- an upgrade that returns much, in few tables
rt.schema{ type = "t", versions = { "any", "any" }, upgrade = { function(d)
  local t = ("x"):rep(60000)
  for i = 1, 12 do t = { t, t, t, t } end
  return t
end } }
return {}

--- an upgrade that returns long names
rt.schema{ type = "t", versions = { "any", { a = "string" } },
  upgrade = { function(d)
    local t = { a = 1 }
    for i = 1, 20 do t[("\1"):rep(2000) .. i] = ("\2"):rep(2000) end
    return t
  end } }
return {}

--- upgrades that write much, 63 times
local v, u = {}, {}
local text = ("\1"):rep(8000)
for i = 1, 64 do v[i], u[i] = "any", function(d) return { text, d } end end
u[64] = nil
rt.schema{ type = "t", versions = v, upgrade = u }
return {}

--- an upgrade that raises errors of all kinds
local n = 0
rt.schema{ type = "t", versions = { "any", "any" }, upgrade = { function(d)
  n = n + 1
  if n % 4 == 0 then error(("\255"):rep(60000)) end
  if n % 4 == 1 then error({}) end
  if n % 4 == 2 then error(nil) end
  error(rt.deny(100, "escaped"))
end } }
return {}

--- an upgrade that answers for others
local kept
rt.schema{ type = "t", versions = { "any", "any" }, upgrade = { function(d)
  kept = kept or rt.allow()
  return kept
end } }
return {}

--- an upgrade that makes a view of what it was given
local kept
rt.schema{ type = "t", versions = { "any", { a = "string" } },
  upgrade = { function(d) kept = { a = "x" } return kept end } }
return { publish = function(session, publication)
  kept.a = 5
  for i = 1, 100 do kept[i] = kept end
  return rt.transform(publication.data)
end }

--- recursion by upgrades
local f
rt.schema{ type = "t", versions = { "any", "any" },
  upgrade = { function(d) return f(d) end } }
f = function(d) return ("x"):gsub(".", f) end
return {}

--- an upgrade that is a function of the library
rt.schema{ type = "t", versions = { "any", "any", "any", "any" },
  upgrade = { pcall, rt.transform, string.rep } }
return {}

--- a log without end
return { publish = function() while true do rt.log(("x"):rep(1000)) end end }

--- a log of much at once
local text = ("\27"):rep(60000)
return { publish = function()
  while true do
    rt.log(text, text, text, text, text, text, text, text, text, text)
  end
end }

--- a log of tables that contain themselves
local t = {}
for i = 1, 50 do t[i] = t end
return { publish = function() while true do rt.log(t, t, t, t, t, t) end end }

--- a log of functions, views and verdicts
return { publish = function(session, publication)
  rt.log(session, publication, rt.allow(), rt.log, rt, nil, 0/0)
  rt.log()
  rt.log(unpack({}, 1, 64))
end }

--- a log within an error handler
return { publish = function()
  while true do xpcall(error, rt.log, ("x"):rep(1000)) end
end }

--- a log within a sort
return { publish = function()
  local t = {}
  for i = 1, 1000 do t[i] = -i end
  table.sort(t, function(a, b) rt.log(a, b) return a < b end)
end }

--- claims that are kept and changed
local kept
return { publish = function(session, publication)
  if kept and session.claims.plan == "escaped" then return rt.deny(666, "escaped") end
  kept = session.claims
  kept.plan, kept.t = "escaped", kept
  session.headers.x = kept
  return rt.transform(session.claims)
end }

--- claims that are deep, again and again
return { publish = function(session, publication)
  while true do pcall(function() return session.claims.deep.x.y end) end
end }

--- headers that are written into
return { publish = function(session, publication)
  session.headers = {}
end }

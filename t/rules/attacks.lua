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

-- Moderation before publish: in channels of "chat", messages have a text of up
-- to 500 bytes, links are only for those who may, and some words are masked.
-- What is not touched passes byte for byte.

local MAX = 500

local masked = { "darn", "heck" }
local links = { alice = true }          -- users who may

-- letters in either case: "darn" as "[dD][aA][rR][nN]"
local patterns = {}

for i, word in ipairs(masked) do
  patterns[i] = word:gsub("%a", function(c)
    return "[" .. c:lower() .. c:upper() .. "]"
  end)
end

return {
  publish = function(session, publication)
    if publication.namespace ~= "chat" then return nil end

    local data = publication.data

    if type(data) ~= "table" or type(data.text) ~= "string" then
      return rt.deny(107, "data.text: a string is expected")
    end

    local text = data.text

    if #text > MAX then
      return rt.deny(4001, "data.text: longer than " .. MAX .. " bytes")
    end

    if text:find("https?://") and not links[session.user] then
      return rt.deny(4002, "links are not for everyone")
    end

    for _, pattern in ipairs(patterns) do
      text = text:gsub(pattern, function(word) return ("*"):rep(#word) end)
    end

    if text ~= data.text then
      data.text = text
      return rt.transform(data)
    end
  end,
}

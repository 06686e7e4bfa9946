-- a tenant's own: what it says nothing of is for default.lua

return {
  publish = function(session, publication)
    if publication.channel == "chat:closed" then return rt.allow() end
    if publication.channel == "chat:mine" then
      return rt.deny(4020, "acme says no")
    end
  end,
}

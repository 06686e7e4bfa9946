-- a tenant that no other test has asked for, whose verdicts can be counted

return {
  publish = function(session, publication)
    if publication.channel == "chat:mine" then
      return rt.deny(4020, "no, it says")
    end
    if publication.channel == "chat:liar" then
      error("tenants/acme.lua:99: it was not me", 0)
    end
  end,
}

-- rules of t/053-flags.t and of t/clients/flags.test.js

return {
  -- who is in, when it connects: the user, or nobody
  connect = function(session)
    if rt.flag("closed") then return rt.deny(4001, "closed") end
  end,

  publish = function(session, publication)
    if publication.channel == "chat:fails" and rt.flag("beta") then
      return rt.deny(4002, "beta fails")
    end
    if publication.channel == "chat:bad" then rt.flag("no name") end
  end,

  -- what the flags answer: rpc METHOD {"key": KEY} asks the flag METHOD
  command = function(session, command)
    local data = command.data
    return rt.reply(rt.flag(command.method, data and data.key))
  end,
}

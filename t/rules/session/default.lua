-- of the suite t/055-rule-session.t: what a rule sees of a session

local function plan(session)
  return session.claims and session.claims.plan or "none"
end

return {
  connect = function(session)
    if session.headers["x-deny"] then
      return rt.deny(4060, session.headers["x-deny"] .. " " .. plan(session))
    end
  end,

  subscribe = function(session, channel)
    if channel.namespace == "pro" and plan(session) ~= "pro" then
      return rt.deny(4061, plan(session))
    end
  end,

  publish = function(session, publication)
    return rt.transform({ plan(session), session.headers["x-plan"] or "-" })
  end,

  command = function(session, command)
    if command.method == "claims" then
      return rt.reply(session.claims or rt.null)
    end
    if command.method == "changed" then
      session.claims.plan = "pro"
      session.headers["x-plan"] = "pro"
      return rt.allow()
    end
    if command.method == "log" then
      rt.log("log", command.data, "x\ny")
      return rt.reply("logged")
    end
    if command.method == "length" then
      return rt.reply(#session.headers["x-plan"])
    end
    return rt.reply(session.headers)
  end,
}

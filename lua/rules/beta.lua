-- Private beta by percentage: channels of "beta", and commands whose method
-- begins with "beta.", are for those who have the flag "beta".  Set it for
-- everyone (rt_flag beta 5%;), or for a tenant by the API, with a list of those
-- who are in from the start:
--
--     {"beta": {"percent": 5, "allow": ["alice"], "deny": ["bob"]}}
--
-- Who is in at 5 % is in at 20 %, too: nobody loses what he has seen.

local function outside()
  return rt.deny(4010, "the beta is not open to you yet")
end

return {
  subscribe = function(session, channel)
    if channel.namespace == "beta" and not rt.flag("beta") then
      return outside()
    end
  end,

  publish = function(session, publication)
    if publication.namespace == "beta" and not rt.flag("beta") then
      return outside()
    end
  end,

  command = function(session, command)
    if command.method:sub(1, 5) == "beta." and not rt.flag("beta") then
      return outside()
    end

    -- what a page asks before it shows the button
    if command.method == "beta" then return rt.reply(rt.flag("beta")) end
  end,
}

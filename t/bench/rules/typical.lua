-- for t/bench/run: what a rule usually does: it reads three fields, asks a flag,
-- and routes

local MAX = 4096

return {
  publish = function(session, publication)
    if publication.namespace ~= "bench" then
      return rt.deny(4001, "not here")
    end

    if publication.size > MAX then return rt.deny(4002, "too long") end
    if session.user == "nobody" then return rt.deny() end

    if rt.flag("beta") then return rt.fast() end

    return rt.allow()
  end,

  -- so that a client which only connects needs the state, too
  connect = function(session) return rt.allow() end,
}

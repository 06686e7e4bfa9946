-- for t/bench/run: what a rule usually does: it reads some fields, asks a flag,
-- and routes

local MAX = 4096

local function judge(session, about)
  if about.namespace ~= "bench" then return rt.deny(4001, "not here") end
  if (about.size or 0) > MAX then return rt.deny(4002, "too long") end

  if rt.flag and rt.flag("beta", session.user or session.id) then return rt.fast() end

  return rt.allow()
end

return {
  publish = judge,

  -- so that a client which only connects needs the state, too
  connect = function(session) return rt.allow() end,
}

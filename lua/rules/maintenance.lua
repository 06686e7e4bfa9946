-- Maintenance: who is in stays and hears, and nobody publishes or enters.
-- Make it the tenant's own rule (tenants/TENANT.lua), reload, and take it away
-- again when it is over.

local CODE, REASON = 4503, "maintenance: come back in a few minutes"

local function closed() return rt.deny(CODE, REASON) end

return {
  publish = closed,
  command = closed,

  connect = function(session)
    if session.user ~= "operator" then return closed() end
  end,
}

-- Model routing by plan: what is asked in channels of "ask" goes to a model
-- that the client's plan has.  The plan is the claim "plan" of its token; who
-- has none, or one that is not known, is on the free one.
--
-- A client may ask for a model (data.model) and gets it if its plan has it;
-- without, it gets the plan's own.  Who works on the questions reads data.model,
-- and can rely on it: a client cannot choose what it has not paid for.  Each
-- model's answers have a channel, "model:NAME", for the plans that have it.

local plans = {
  free       = { model = "small",  has = { small = true }, bytes = 4000 },
  pro        = { model = "medium", has = { small = true, medium = true }, bytes = 32000 },
  enterprise = { model = "large",  has = { small = true, medium = true, large = true },
                 bytes = 64000 },
}

local function plan_of(session)
  local name = session.claims and session.claims.plan
  return plans[name] or plans.free
end

return {
  subscribe = function(session, channel)
    if channel.namespace ~= "model" then return nil end

    if not plan_of(session).has[channel.name:sub(#"model:" + 1)] then
      return rt.deny(4020, "your plan does not have this model")
    end
  end,

  publish = function(session, publication)
    if publication.namespace ~= "ask" then return nil end

    local plan = plan_of(session)

    if publication.size > plan.bytes then
      return rt.deny(4021, "your plan takes questions of up to " .. plan.bytes .. " bytes")
    end

    local data = publication.data

    if type(data) ~= "table" then
      return rt.deny(107, "data: an object is expected")
    end

    local model = data.model

    if model == nil then
      data.model = plan.model
      return rt.transform(data)
    end

    -- a model that may be asked for passes as it came, byte for byte
    if not plan.has[model] then
      return rt.deny(4020, "your plan does not have this model")
    end
  end,

  -- what a page asks before it shows the choice
  command = function(session, command)
    if command.method ~= "models" then return nil end

    local plan = plan_of(session)
    local models = rt.array()

    for _, model in ipairs({ "small", "medium", "large" }) do
      if plan.has[model] then models[#models + 1] = model end
    end

    return rt.reply({ models = models, default = plan.model })
  end,
}

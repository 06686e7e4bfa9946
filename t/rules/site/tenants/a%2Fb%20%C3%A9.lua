return {
  connect = function(session)
    return rt.deny(4021, "it is " .. session.tenant)
  end,
}

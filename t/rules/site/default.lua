-- of the suite t/050-rules.t: for every tenant that has no rule of its own, or
-- whose rule says nothing

return {
  connect = function(session, client)
    if session.user == "banned" then
      return rt.deny(4010, "you are not wanted")
    end
    if session.data and session.data.room == "full" then
      return rt.deny()
    end
  end,

  subscribe = function(session, channel)
    if channel.name == "chat:secret" and session.user ~= "alice" then
      return rt.deny(103, "not for " .. (session.user or "nobody"))
    end
    if channel.namespace == "room" then return rt.allow() end
  end,

  publish = function(session, publication)
    local channel = publication.channel

    if channel == "chat:closed" then return rt.deny(4011, "closed") end
    if channel == "chat:fast" then return rt.fast() end
    if channel == "chat:durable" then return rt.durable() end

    if channel == "chat:words" then
      local d = publication.data
      d.text = d.text:gsub("darn", "****")
      return rt.transform(d)
    end

    if channel == "chat:types" then
      return rt.transform({
        list = { 1, 2.5, "x", rt.null, true, {}, rt.array() },
        size = publication.size,
        echo = publication.data,
      })
    end

    if channel == "chat:large" then return rt.transform(("x"):rep(70000)) end
    if channel == "chat:slow" then for _ = 1, 90000 do end end
    if channel == "chat:loop" then while true do end end
    if channel == "chat:error" then error("no idea") end
    if channel == "chat:table" then return { kind = "allow" } end
    if channel == "chat:reply" then return rt.reply(1) end
    if channel == "chat:task" then return rt.task("q") end
    if channel == "chat:event" then
      return rt.deny(4012, (publication.id or "-")
                           .. (publication.type or "-") .. publication.version)
    end
  end,

  command = function(session, command)
    if command.method == "sum" then
      local n = 0
      for _, each in ipairs(command.data) do n = n + each end
      return rt.reply({ sum = n, tenant = session.tenant })
    end
    if command.method == "who" then
      return rt.reply(session.id and session.user or rt.null)
    end
    if command.method == "no" then return rt.deny(4013, "no \"way\"\n") end
    if command.method == "odd" then return rt.reply(0 / 0) end
    if command.method == "kept" then
      local ok = pcall(function() kept = session end)
      return rt.reply(ok)
    end
  end,
}

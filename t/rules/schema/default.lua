-- of the suite t/054-schema.t: types of all tenants

rt.schema{
  type = "com.example.prompt",

  versions = {
    [1] = { prompt = "string" },
    [2] = { prompt = "string", options = { temperature = "number?" },
            ["tags?"] = { "string" } },
    [3] = { text = "string", tags = { "string" }, ["seed?"] = "integer" },
  },

  upgrade = {
    [1] = function(data)
      if data.prompt == "loop" then while true do end end
      if data.prompt == "error" then error("no idea") end
      if data.prompt == "wrong" then return { prompt = 5, options = {} } end
      if data.prompt == "denied" then return rt.deny(4050, "not that") end
      if data.prompt == "big" then data.prompt = ("x"):rep(40000) end
      if data.prompt == "large" then data.prompt = ("x"):rep(70000) end
      data.options = { temperature = 1 }
      return data
    end,

    [2] = function(data)
      return { text = data.prompt, tags = data.tags or rt.array() }
    end,
  },
}

rt.schema{ type = "com.example.ping", versions = { "any" } }

return {
  publish = function(session, publication)
    if publication.channel == "chat:seen" then
      return rt.deny(4051, (publication.type or "-") .. " "
                           .. publication.version .. " " .. publication.size
                           .. " " .. (publication.data.text or "-"))
    end
    if publication.channel == "chat:changed" then
      local data = publication.data
      data.seed = 7
      return rt.transform({ data.text, data.seed })
    end
    if publication.channel == "chat:broken" then error("no idea") end
  end,

  command = function(session, command)
    return rt.reply({ command.method, command.id or rt.null,
                      command.type or rt.null, command.version, command.data })
  end,
}

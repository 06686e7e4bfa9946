-- Versions of an event: prompts of version 1, which old clients still send, are
-- made version 2, and whoever works on them has to know that one only.  Take a
-- version away when nobody sends it any more, and its upgrade with it: who still
-- does is told which versions there are.
--
-- Clients publish by rpc rt.publish, with an event.  A plain publish has no
-- type that could be held against anything, so channels of "ask" take none.

rt.schema{
  type = "com.example.prompt",

  versions = {
    [1] = {
      prompt = "string",
      ["temperature?"] = "number",
    },

    [2] = {
      messages = { { role = "string", text = "string" } },
      options = { ["temperature?"] = "number", ["seed?"] = "integer" },
    },
  },

  upgrade = {
    -- the prompt becomes the only message, and options have a place of their own
    [1] = function(data)
      return {
        messages = { { role = "user", text = data.prompt } },
        options = { temperature = data.temperature },
      }
    end,
  },
}

return {
  publish = function(session, publication)
    if publication.namespace ~= "ask" then return nil end

    if not publication.type then
      return rt.deny(107, "events only: rpc rt.publish")
    end

    if #publication.data.messages == 0 then
      return rt.deny(4030, "data.messages: at least one is expected")
    end
  end,
}

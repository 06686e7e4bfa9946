return {
  command = function(session, command)
    if command.method == "mine" then return rt.reply("own.lua") end
  end,
}

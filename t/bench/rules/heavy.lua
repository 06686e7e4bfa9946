-- for t/bench/run: spends nearly all of its budget at every publish, and says
-- something: it never fails

return {
  publish = function()
    local n = 0
    for i = 1, 45000 do n = n + i end
    return rt.allow()
  end,
}

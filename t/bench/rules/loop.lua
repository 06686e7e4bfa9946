-- for t/bench/run: spends its whole budget at every publish, and fails

return {
  publish = function() while true do end end,
}

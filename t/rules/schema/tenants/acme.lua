-- of the suite t/054-schema.t: what is this tenant's own, and a type of all
-- tenants that is another one here

rt.schema{
  type = "com.example.order",
  versions = { [2] = { n = "number" }, [3] = { n = "integer", of = "string" } },
  upgrade = {
    [2] = function(data) data.of, data.n = "acme", math.floor(data.n) return data end,
  },
}

rt.schema{ type = "com.example.ping", versions = { { at = "integer" } } }

return {}

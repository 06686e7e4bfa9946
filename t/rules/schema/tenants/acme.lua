-- of the suite t/054-schema.t: what is this tenant's own, and a type of all
-- tenants that is another one here

rt.schema{
  type = "com.example.order",
  versions = { [9] = { n = "number" }, [10] = { n = "integer", of = "string" } },
  upgrade = {
    [9] = function(data) data.of, data.n = "acme", math.floor(data.n) return data end,
  },
}

rt.schema{ type = "com.example.ping", versions = { { at = "integer" } } }

return {}

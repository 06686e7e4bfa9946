-- of the suite t/054-schema.t: no type of its own
return {}

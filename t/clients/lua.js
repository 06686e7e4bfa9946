"use strict";

/* The scripts of Redis, as they stand in the sources of the module. */

const fs = require("node:fs");
const path = require("node:path");

const STREAM = path.join(__dirname, "../../ngx_rt_module/stream");

const read = name => fs.readFileSync(path.join(STREAM, name), "utf8");


/* a macro's strings */
function shared(name) {
    return new RegExp(`#define ${name} .*?(?<!\\\\)\n`, "s")
        .exec(read("ngx_rt_stream_lua.h"))[0]
        .slice(`#define ${name}`.length).replace(/\\\n/g, "\n");
}


/* its text: what stands in quotes, but for the name before it */
function script(file, name) {
    const source = read(`${file}.c`);
    const from = source.indexOf(`${name} = {`);
    const code = source.slice(from, source.indexOf("\n};", from))
                       .replace(/\/\*.*?\*\//gs, "")
                       .replace(/NGX_RT_LUA_\w+/g, shared);

    return [...code.matchAll(/"((?:[^"\\]|\\.)*)"/g)].slice(1)
        .map(match => JSON.parse(`"${match[1]}"`)).join("");
}


module.exports = { script };

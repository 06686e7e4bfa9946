"use strict";

/*
 * What rules cost is held against those who have them, and what they say stays
 * theirs: the making of a state counts, no tenant is taken for another one, and
 * the text of an error is a line of the log.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { test } = require("node:test");

const { client } = require("./commands.js");
const { Nginx, config, tool } = require("./nginx.js");


const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
`;

const PUBLISH = { publish: { channel: "chat:x", data: {} } };

/* murmur2 says the same of both */
const ALIKE = ["pnftttha", "nqccdatm"];


/* rules: { file: text } */
async function start(t, rules) {
    const nginx = await Nginx.start({ server: SERVER, text: that => {
        fs.mkdirSync(`${that.prefix}/rules/tenants`, { recursive: true });

        for (const [file, text] of Object.entries(rules)) {
            fs.writeFileSync(`${that.prefix}/rules/${file}`, text);
        }

        return config({ ...that, http: `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_rules      ${that.prefix}/rules;
    rt_namespace  chat  publish=any;
` });
    } });

    t.after(() => nginx.stop());

    return nginx;
}


async function codes(nginx, tenant, n) {
    const c = await client(nginx, tenant);
    const replies = await c.commands(Array(n).fill(PUBLISH));

    c.terminate();

    return replies.map(({ error }) => error?.code);
}


/*
 * 16 KB that the compiler works on for milliseconds, and calls that spoil the
 * state.  (What valgrind takes says nothing.)
 */

test("a state that is dear to make is paid for",
    { skip: tool === "valgrind" }, async t => {
    const nginx = await start(t, { "tenants/dear.lua": `local x = {} x = x`
        + " or x".repeat(3200) + ` return { publish = function()
  while true do end
end }` });

    const told = await codes(nginx, "dear", 9);

    assert.equal(told[0], 100);
    assert.ok(told.includes(111), `${told}`);
});


test("tenants with the same hash are two", async t => {
    const nginx = await start(t, { "default.lua": `return {
  publish = function(session)
    if session.tenant == "${ALIKE[0]}" then error("broken") end
    return rt.deny(4000)
  end
}` });

    assert.deepEqual(await codes(nginx, ALIKE[0], 11), Array(11).fill(100));
    assert.deepEqual(await codes(nginx, ALIKE[1], 1), [4000]);
});


test("an error of a rule is one line of the log", async t => {
    const nginx = await start(t, { "tenants/liar.lua": `return {
  publish = function()
    error("one\\n2026/01/01 00:00:00 [alert] two\\27[2J")
  end
}` });

    assert.deepEqual(await codes(nginx, "liar", 1), [100]);

    const log = fs.readFileSync(`${nginx.prefix}/error.log`, "utf8");

    assert.match(log, /failed: .*one.*\[alert\] two/);
    assert.doesNotMatch(log, /^2026\/01\/01 00:00:00 \[alert\]/m);
    assert.ok(!log.includes("\x1b"));
});

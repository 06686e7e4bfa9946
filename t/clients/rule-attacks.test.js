"use strict";

/*
 * All of t/rules/attacks.lua against a server that lives: each is a tenant's
 * rule, by a file or by the API, which its clients ask again and again.
 * Meanwhile a neighbour on the same worker publishes: all of it arrives, as its own rule has made it, and
 * soon.  Nobody ends the worker, and its memory does not grow.
 */

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");

const { client } = require("./commands.js");
const { Nginx, binary, config, sleep, slow, tool, top, until }
    = require("./nginx.js");


const STATES = 8;                             /* that a worker keeps */
const CALLS = 6;                              /* of each, twice: the tenth in a
                                                 row turns a rule off */
const EVERY_MS = 10;                          /* the neighbour publishes */

/* a turn of the event loop has several calls, each of up to 2 ms */
const LATE_MS = 500;

const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
        location /api                  { rt_api zone=live; rt_api_key off; }
`;

const NEIGHBOUR = `return {
  publish = function(session, publication)
    return rt.transform({ n = publication.data, ruled = true })
  end,
}
`;


/* { name: text } */
function attacks() {
    const text = fs.readFileSync(path.join(top, "t/rules/attacks.lua"), "utf8");
    const parts = text.split(/^--- (.*)\n/m).slice(1);
    const all = new Map();

    for (let i = 0; i < parts.length; i += 2) {
        all.set(parts[i], parts[i + 1]);
    }

    return all;
}


/* "user root;" of the tests' servers is for those that run */
function broken(nginx) {
    try {
        execFileSync(binary, ["-t", "-p", nginx.prefix, "-c",
            `${nginx.prefix}/nginx.conf`, "-e", "stderr"], { stdio: "pipe" });
        return undefined;

    } catch (error) {
        return error.stderr.toString();
    }
}


/*
 * Writes the rules; one that is refused when it is loaded has been stopped, it
 * is told with its name, and goes.  Returns the tenants that are left.
 */
function install(nginx, all) {
    const folder = `${nginx.prefix}/rules/tenants`;
    const tenants = new Map();

    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(`${folder}/neighbour.lua`, NEIGHBOUR);

    [...all].forEach(([name, text], i) => {
        tenants.set(`a${i}`, name);
        fs.writeFileSync(`${folder}/a${i}.lua`, text);
    });

    for (let said; (said = broken(nginx)) !== undefined;) {
        const [, tenant] = /tenants\/(a\d+)\.lua/.exec(said) ?? [];

        assert.ok(tenants.has(tenant), said);
        tenants.delete(tenant);
        fs.unlinkSync(`${folder}/${tenant}.lua`);
    }

    return tenants;
}


/* the same by the API, which tries each before it takes it */
async function put(nginx, all) {
    const tenants = new Map();

    for (const [name, text] of all) {
        const tenant = `a${tenants.size}`;
        const { status } = await nginx.api("rules", { text },
                                           { "X-Tenant": tenant }, "PUT");

        assert.ok(status === 200 || status === 400, `${name}: ${status}`);

        if (status === 200) {
            tenants.set(tenant, name);
        }
    }

    return tenants;
}


/* publishes until it is told to stop; what its subscriber got, and when */
async function neighbour(nginx) {
    const [ear, mouth] = [await client(nginx, "neighbour"),
                          await client(nginx, "neighbour")];
    const that = { sent: [], took: [], wrong: [], running: true };

    ear.heard = ({ pub: { data } }) => {
        if (data.ruled !== true) {
            that.wrong.push(data);
        }

        that.took[data.n] = performance.now() - that.sent[data.n];
    };

    assert.ok((await ear.command({ subscribe: { channel: "chat:x" } }))
        .subscribe);

    that.done = (async () => {
        while (that.running) {
            that.sent.push(performance.now());

            const reply = await mouth.command({ publish: {
                channel: "chat:x", data: that.sent.length - 1 } });

            if (!reply.publish) {
                that.wrong.push(reply);
            }

            await sleep(EVERY_MS);
        }
    })();

    that.stop = async () => {
        that.running = false;
        await that.done;
        await until("the neighbour's last publication", () =>
            Object.keys(that.took).length === that.sent.length);
        ear.terminate();
        mouth.terminate();
    };

    return that;
}


/* what each was answered; a rule may say nothing, and then it is published */
async function attack(nginx, tenants) {
    const told = new Map();

    for (const [tenant, name] of tenants) {
        const c = await client(nginx, tenant);
        const replies = await c.commands(Array.from({ length: CALLS }, () =>
            ({ publish: { channel: "chat:x", data: { text: "abc" } } })));

        c.terminate();

        for (const { error } of replies) {
            const what = error ? error.code : "published";

            assert.ok(["published", 100, 111].includes(what),
                      `${name}: ${what}`);
            told.set(what, (told.get(what) ?? 0) + 1);
        }
    }

    return told;
}


/* bytes that are a worker's own */
function memory(pid) {
    const [, kb] = /^RssAnon:\s+(\d+) kB/m.exec(
        fs.readFileSync(`/proc/${pid}/status`, "utf8"));

    return Number(kb) * 1024;
}


for (const by of ["files", "the API"]) {
    test(`attacks by ${by} on a server that lives`, t => attacked(t, by));
}


async function attacked(t, by) {
    const all = attacks();
    let tenants;

    assert.ok(all.size > 80);

    const nginx = await Nginx.start({ server: SERVER, text: that => {
        const text = config({ ...that, http: `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_rules      ${that.prefix}/rules states=${STATES};
    rt_namespace  chat  publish=any;
` });

        fs.writeFileSync(`${that.prefix}/nginx.conf`, text);
        tenants = install(that, by === "files" ? all : new Map());

        return text;
    } });

    t.after(() => nginx.stop());

    const [worker] = nginx.workerPids();
    const next = await neighbour(nginx);
    t.after(() => { next.running = false; });

    if (by !== "files") {
        tenants = await put(nginx, all);
    }

    assert.ok(tenants.size > 70, `${tenants.size} of ${all.size}`);

    const before = memory(worker);

    await attack(nginx, tenants);

    const after = memory(worker);
    const told = await attack(nginx, tenants);
    const again = memory(worker);

    await next.stop();

    const late = [...next.took].sort((a, b) => a - b);
    const p99 = late[Math.floor(late.length * 0.99)];

    t.diagnostic(`${tenants.size} tenants; the neighbour: ${late.length}, p50 `
        + `${late[late.length >> 1].toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; `
        + `memory: ${[before, after, again].map(n => n >> 10)} KB; `
        + JSON.stringify([...told]));

    assert.deepEqual(next.wrong, []);
    assert.ok(next.sent.length > 20);
    assert.ok(p99 < LATE_MS * slow, `${p99} ms`);
    assert.deepEqual(nginx.workerPids(), [worker]);

    if (!tool) {
        assert.ok(after - before < (2 * STATES + 8) * 2 ** 20);
        assert.ok(again - after < 2 ** 20, `${after} and then ${again}`);
    }

    assert.deepEqual(nginx.alarms(), []);
}

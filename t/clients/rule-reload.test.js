"use strict";

/*
 * Rules that change while clients publish, by PUT /api/rules and by reloads of
 * files, on two workers.  Each version stamps what it judges twice; so one sees
 * what was judged by none, or by half of one.  Who publishes after a PUT was
 * answered is judged by that version or a later one, on every connection; after
 * a reload, on every new one.  Versions of a connection never go back, and what
 * was acknowledged is in the history, once.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { test } = require("node:test");

const { client } = require("./commands.js");
const { Nginx, config, sleep, slow } = require("./nginx.js");


const PUBLISHERS = 4;
const PAUSE_MS = 2;
const PUTS = 25;
const RELOADS = 4;

const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
        location /api                  { rt_api zone=live; rt_api_key off; }
`;

const http = prefix => `
    rt_zone       $http_x_tenant zone=live:64m;
    rt_drain      window=50ms;
    rt_rules      ${prefix}/rules;
    rt_namespace  chat  publish=any history=30000 ttl=10m;
`;


/* what a version of the rules is as a text; each is a little longer */
const rules = v => `
local V = ${v}
${"-- ...\n".repeat(v % 20)}
return {
  publish = function(session, publication)
    return rt.transform({ v = V, n = publication.data, w = ${v} })
  end,
}
`;


/* publishes until it is told to stop; what is not answered is said again */
async function publisher(that, number) {
    for (let n = 0; that.running;) {
        const floor = that.fresh;
        const c = await client(that.nginx, "t").catch(() => sleep(20));

        if (!c) {
            continue;
        }

        const connection = { floor, acknowledged: [] };
        that.connections.push(connection);

        while (that.running && !c.ended) {
            const id = `${number}-${n}`;
            const least = that.least;
            const reply = await c.command({ rpc: { method: "rt.publish", data: {
                channel: "chat:x", event: { id, type: "t", data: id } } } });

            if (reply.rpc) {
                connection.acknowledged.push({ id, least, most: that.most });
                n++;

            } else if (reply.error.code !== undefined) {
                that.wrong.push(reply);
                break;
            }

            await sleep(PAUSE_MS);
        }

        c.terminate();
    }
}


/* { id: [version of each publication], in all of the history } */
async function history(nginx) {
    const all = new Map();
    let since;

    for (;;) {
        const { body: { result } } = await nginx.api("history", {
            channel: "chat:x", limit: 1000, ...since && { since } },
            { "X-Tenant": "t" });
        const last = result.publications.at(-1);

        for (const { data, offset } of result.publications) {
            assert.ok(data.v !== undefined && data.v === data.w,
                      JSON.stringify(data));
            all.set(data.n, [...all.get(data.n) ?? [], data.v]);
            since = { offset, epoch: result.epoch };
        }

        if (!last) {
            return all;
        }
    }
}


/* the same over all connections; returns how many versions were seen */
function judge(that, all) {
    const seen = new Set();

    for (const { floor, acknowledged } of that.connections) {
        let before = 0;

        for (const { id, least, most } of acknowledged) {
            const versions = all.get(id) ?? [];

            assert.equal(versions.length, 1, `${id}: ${versions}`);

            const [v] = versions;

            assert.ok(v >= Math.max(least, floor, before) && v <= most,
                `${id}: ${v}, not from ${[least, floor, before]} to ${most}`);
            before = v;
            seen.add(v);
        }
    }

    return seen.size;
}


async function start(t) {
    const that = { running: true, connections: [], wrong: [],
                   least: 0, fresh: 0, most: 1 };

    that.nginx = await Nginx.start({ workers: 2, server: SERVER,
        text: nginx => {
            fs.mkdirSync(`${nginx.prefix}/rules`);
            fs.writeFileSync(`${nginx.prefix}/rules/default.lua`, rules(1));
            return config({ ...nginx, http: http(nginx.prefix) });
        } });

    t.after(() => {
        that.running = false;
        return that.nginx.stop();
    });

    that.done = Promise.all(Array.from({ length: PUBLISHERS }, (_, i) =>
        publisher(that, i)));

    return that;
}


async function end(that) {
    await sleep(50);
    that.running = false;
    await that.done;

    const all = await history(that.nginx);
    const seen = judge(that, all);

    assert.deepEqual(that.wrong, []);
    assert.deepEqual(that.nginx.alarms().filter(line =>
        !/rule default\.lua:1: .* near/.test(line)), []);

    return { seen, n: all.size, connections: that.connections.length };
}


test("PUT while clients publish", async t => {
    const that = await start(t);
    const put = text => that.nginx.api("rules", { text },
                                       { "X-Tenant": "t" }, "PUT");

    for (let v = 2; v <= PUTS + 1; v++) {
        that.most = v;
        assert.equal((await put(rules(v))).status, 200);
        that.least = v;

        /* one that is broken changes nothing, nor does another tenant's */

        if (v % 5 === 0) {
            const { status } = await put(`${rules(0)} )`);
            assert.equal(status, 400);
            assert.equal((await that.nginx.api("rules",
                { text: rules(1e6) }, { "X-Tenant": "u" }, "PUT")).status, 200);
        }

        await sleep(30 * slow);
    }

    const told = await end(that);

    t.diagnostic(JSON.stringify(told));
    assert.ok(told.seen > PUTS / 2);
});


test("reloads while clients publish", async t => {
    const that = await start(t);

    for (let v = 2; v <= RELOADS + 1; v++) {
        that.most = v;
        fs.writeFileSync(`${that.nginx.prefix}/rules/default.lua`, rules(v));
        await that.nginx.reload();
        that.fresh = v;

        /* one that is broken is no reload */

        if (v === 3) {
            fs.writeFileSync(`${that.nginx.prefix}/rules/default.lua`, "no");
            that.nginx.child.kill("SIGHUP");
        }

        await sleep(150 * slow);
    }

    const told = await end(that);

    t.diagnostic(JSON.stringify(told));
    assert.ok(told.seen > 2 && told.connections > PUBLISHERS);
});

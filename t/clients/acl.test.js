"use strict";

/*
 * The user of Redis that docs/redis.md says is enough: it is, for all that two
 * nodes do; it has no command that is not sent; and without the rights that may
 * be left out everything goes on.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { afterEach, describe, test } = require("node:test");

const { Connection, errorLog } = require("./ledger.js");
const { clients, count, isReady, seen, start } = require("./links.js");
const { top, until } = require("./nginx.js");
const { Redis } = require("./redis.js");

const LINE = /```acl\n(user rt on .*)\n```/.exec(
    fs.readFileSync(path.join(top, "docs/redis.md"), "utf8"))[1];

const RIGHTS = LINE.split(" ").filter(word => word.startsWith("+"))
                   .map(word => word.slice(1));

const MORE = `
    rt_limit     streams tenant max=1m;
    rt_namespace kept history=100 ttl=1m durable publish=any;
    rt_namespace fast publish=any;
`;

/* the default user looks on; it says who else did what */
const acl = line => [line.replace("PASSWORD", "secret"),
                     "user default on nopass ~* &* +@all"];


/* what the sources send: commands of their own, and those of scripts */
function sent() {
    const folder = path.join(top, "ngx_rt_module");
    const files = ["redis", "stream"].flatMap(name =>
        fs.readdirSync(path.join(folder, name)).filter(f => /\.[ch]$/.test(f))
            .map(f => fs.readFileSync(path.join(folder, name, f), "utf8")));
    const words = new Set();

    for (const text of files) {
        for (const [, name, sub] of text.matchAll(
            /call\('([A-Z]+)'(?:, '([A-Z]+)')?/g))
        {
            words.add((/^(XINFO|MEMORY)$/.test(name) ? `${name}|${sub}` : name)
                      .toLowerCase());
        }

        for (const [, list] of text.matchAll(
            /"((?:CLIENT|CONFIG|SCRIPT)", "[A-Z]+)"/g))
        {
            words.add(list.replace('", "', "|").toLowerCase());
        }

        for (const [, name] of text.matchAll(/"([A-Z]{3,})"/g)) {
            words.add(name.toLowerCase());
        }
    }

    /* parts of others, and what needs no right, or is no command */
    for (const word of ["client", "config", "script", "setname", "load",
                        "auth"])
    {
        words.delete(word);
    }

    return words;
}


describe("a user of Redis with the rights that are needed",
         { timeout: 60000 }, () => {
    const started = [];

    async function add(promise) {
        const it = await promise;

        started.push(it);

        return it;
    }

    afterEach(async () => {
        for (const it of started.splice(0).reverse()) {
            assert.deepEqual(await it.stop() ?? [], []);
        }
    });

    const denied = async redis => (await redis.call("ACL", "LOG"))
        .map(entry => `${entry[entry.indexOf("object") + 1]}`);

    const url = r => r.url({ user: "rt", password: "secret" })
                     + " backoff=10ms:50ms";

    const publish = (n, channel, more = {}) => n.api("publish",
        { channel, data: 1, ...more }, { "X-Tenant": "t" })
        .then(({ body }) => {
            assert.ok(body.result, JSON.stringify(body));
            return body.result;
        });

    /* publications of every kind, heard here and there, and what was missed */
    async function everything(a, b) {
        const heard = await Promise.all([a, b].map(n =>
            new Connection(n, "t", ["kept:x", "fast:x"]).ready));

        for (const n of [a, b]) {
            await publish(n, "kept:x");
            await publish(n, "kept:x", { idempotency_key: `k${n.port}` });
            await publish(n, "kept:x", { idempotency_key: `k${n.port}` });
            await publish(n, "kept:x", { version: n === a ? 1 : 2,
                                         version_epoch: "e" });
            await publish(n, "fast:x", { idempotency_key: `k${n.port}` });
            await publish(n, "fast:x", { idempotency_key: `k${n.port}` });
        }

        await until("everybody has heard", () => heard.every(({ heard: h }) =>
            h.get("kept:x").length >= 6 && h.get("fast:x").length >= 1));

        const { body } = await b.api("history",
            { channel: "kept:x", limit: 100 }, { "X-Tenant": "t" });

        assert.equal(body.result.publications.length, 6);

        const status = await fetch(`http://127.0.0.1:${b.port}/api/events/`
            + `k${a.port}?channel=kept:x`, { headers: { "X-Tenant": "t" } });

        assert.equal(status.status, 200);
        assert.equal((await status.json()).offset, 2);

        heard.forEach(({ socket }) => socket.terminate());

        /* of a channel that no node has a copy of; and what empties it */
        await publish(a, "kept:y");

        for (const method of ["history", "history_remove", "history"]) {
            const { body: said } = await b.api(method,
                { channel: "kept:y", limit: 1 }, { "X-Tenant": "t" });

            assert.ok(said.result, JSON.stringify(said));
        }

        return body.result;
    }

    test("no right is missing, and none is too many", async () => {
        const r = await add(Redis.start({ acl: acl(LINE), aof: "always" }));
        const a = await add(start(url(r), { more: MORE }));
        const b = await add(start(url(r), { more: MORE }));

        await Promise.all([isReady(a), isReady(b)]);
        assert.ok((await clients(r)).every(({ user }) => user === "rt"));

        await r.call("CONFIG", "RESETSTAT");
        await everything(a, b);

        /* a Redis that has lost its scripts, and one that begins anew */
        await r.call("SCRIPT", "FLUSH");
        await publish(a, "kept:x");
        await r.restart();
        await Promise.all([isReady(a), isReady(b)]);
        await publish(b, "kept:x");

        assert.deepEqual(await denied(r), []);
        assert.equal((await seen(a))["replies_total.noperm"], undefined);
        assert.equal(count(a, /NOPERM/) + count(b, /NOPERM/), 0);
    });

    test("it is what the sources send", () => {
        assert.deepEqual([...RIGHTS].sort(), [...sent()].sort());
    });

    test("it can do nothing else", async () => {
        const r = await add(Redis.start({ acl: acl(LINE) }));
        const client = await r.connect();

        await client.call("AUTH", "rt", "secret");

        for (const command of [["SET", "other", "1"], ["GET", "artists"],
                               ["KEYS", "*"], ["FLUSHALL"], ["ACL", "LIST"],
                               ["CONFIG", "SET", "maxmemory", "1"],
                               ["CLIENT", "LIST"], ["EVAL", "return 1", "0"],
                               ["SUBSCRIBE", "other"], ["SHUTDOWN"],
                               ["PUBLISH", "other", "1"]])
        {
            const said = await client.call(...command).catch(error => error);

            assert.equal(said.kind, "NOPERM", command.join(" "));
        }

        client.close();
    });

    test("what may be left out may be", async () => {
        const less = LINE.replace(" +client|setname", "")
                         .replace(" +config|get", "");
        const r = await add(Redis.start({ acl: acl(less), aof: "everysec" }));
        const a = await add(start(url(r), { more: MORE }));
        const b = await add(start(url(r), { more: MORE }));

        await Promise.all([isReady(a), isReady(b)]);
        await everything(a, b);

        assert.equal((await clients(r)).length, 0);
        assert.equal(count(a, /append-only file is on the disk/), 0);
    });

    test("a right that is missing is told of", async () => {
        const less = LINE.replace(" +xadd", "");
        const r = await add(Redis.start({ acl: acl(less), aof: "always" }));
        const n = await add(start(url(r), { more: MORE }));

        await isReady(n);

        const { body } = await n.api("publish",
            { channel: "kept:x", data: 1 }, { "X-Tenant": "t" });

        assert.equal(body.error.code, 100);
        await until("it is told", () =>
            /The user executing the script can't run this command/
                .test(errorLog(n)));
        assert.ok((await seen(n))["replies_total.noperm"] > 0);
    });

    test("one that is missing from the start keeps it away", async () => {
        const less = LINE.replace(" +info", "");
        const r = await add(Redis.start({ acl: acl(less) }));
        const n = await add(start(url(r), { more: MORE }));

        await until("it is told", () => /INFO: NOPERM/.test(errorLog(n)));
    });
});

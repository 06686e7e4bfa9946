"use strict";

/*
 * rt_limit streams: what a tenant keeps in Redis is held to its bound, by the
 * script that weighs and shortens, and by all workers of all nodes together;
 * nobody else gives way, and who is behind is told.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { after, afterEach, before, beforeEach, describe, test }
    = require("node:test");

const { Connection, errorLog, get } = require("./ledger.js");
const { isReady, says, start } = require("./links.js");
const { script } = require("./lua.js");
const { until } = require("./nginx.js");
const { Redis } = require("./redis.js");

const MB = 1024 * 1024;
const retain = script("ngx_rt_stream_retain", "ngx_rt_retain_script");

const stream = (name, tenant = "t") => `rt:{${tenant}}:channel:${name}`;

const bytes = (redis, name, tenant) =>
    redis.call("MEMORY", "USAGE", stream(name, tenant), "SAMPLES", "0");

/* offsets of a stream, which have to rise by one */
async function offsets(redis, name, tenant) {
    const list = (await redis.stream(stream(name, tenant)))
        .map(({ id }) => Number(id.replace(/-0$/, "")));

    list.forEach((offset, i) =>
        assert.equal(offset, list[0] + i, `${name}: a hole`));

    return list;
}


describe("the script", { timeout: 60000 }, () => {
    let redis;

    const call = (...args) => redis.call(...args);

    /* n publications of so many bytes each; a minute to live */
    async function fill(name, n, size, tenant) {
        const key = stream(name, tenant);
        const text = "x".repeat(size);
        const [last] = await call("XREVRANGE", key, "+", "-", "COUNT", "1");
        const from = last ? parseInt(last[0], 10) : 0;

        await Promise.all(Array.from({ length: n }, (_, i) =>
            call("XADD", key, `${from + i + 1}-0`, "data", text)));
        await call("PEXPIRE", key, "60000");
    }

    const weigh = (names, bound = MB, client = redis) =>
        client.call("EVAL", retain, "2", "rt:{t}:sizes", "rt:{t}:ends",
                    String(bound), ...names);

    /* { channel: bytes } as they are known, with the sum */
    async function known() {
        const list = await call("ZRANGE", "rt:{t}:sizes", "0", "-1",
                                "WITHSCORES");

        return Object.fromEntries(list.flatMap((name, i) =>
            i % 2 ? [] : [[name, Number(list[i + 1])]]));
    }

    async function right() {
        const { "*": sum, ...sizes } = await known();

        assert.equal(sum, Object.values(sizes).reduce((a, b) => a + b, 0));

        for (const [name, size] of Object.entries(sizes)) {
            assert.equal(size, await bytes(redis, name), name);
        }

        return sum;
    }

    before(async () => { redis = await Redis.start(); });
    after(() => redis.stop());
    beforeEach(() => call("FLUSHALL"));


    test("what is below the bound is known, and stays", async () => {
        await fill("a", 100, 1000);
        await fill("b", 10, 100);
        await fill("c", 10, 100, "u");

        const [sum, went, more] = await weigh(["a", "b", "gone"]);

        assert.deepEqual([went, more], [0, 0]);
        assert.equal(sum, await right());
        assert.deepEqual(Object.keys(await known()).sort(), ["*", "a", "b"]);
        assert.equal((await offsets(redis, "a")).length, 100);
    });

    test("the largest give way, the oldest first, the latest never",
         async () => {
        await fill("small", 100, 1000);
        await fill("large", 1000, 1000);
        await fill("huge", 30, 65536);

        const [sum, went] = await weigh(["small", "large", "huge"]);

        assert.ok(sum <= MB / 8 * 7, `${sum}`);
        assert.equal(sum, await right());

        const left = await Promise.all(["small", "large", "huge"].map(
            name => offsets(redis, name)));

        assert.equal(left[0].length, 100);
        assert.equal(left[1].at(-1), 1000);
        assert.equal(left[2].at(-1), 30);
        assert.equal(went, 1130 - left.flat().length);

        /* no more than has to, and of those that are too large alike */
        assert.ok(sum > MB / 2, `${sum}`);

        const { large, huge } = await known();

        assert.ok(large < 2 * huge && huge < 2 * large, `${large} ${huge}`);
    });

    test("channels that are over all by themselves", async () => {
        await fill("one", 3, 2 * MB);

        await weigh(["one"]);

        assert.deepEqual(await offsets(redis, "one"), [3]);
        await right();
    });

    test("nothing goes that would give nothing back", async () => {
        const names = Array.from({ length: 300 }, (_, i) => `c${i}`);

        for (const name of names) {
            await fill(name, 5, 200);
        }

        const [sum, went, more] = await weigh(names, MB / 2);

        assert.ok(sum > MB / 2, `${sum}`);
        assert.deepEqual([went, more], [0, 0]);

        for (const name of names) {
            assert.equal(await call("XLEN", stream(name)), 5);
        }
    });

    test("what is not done in one go is done in the next", async () => {
        const names = Array.from({ length: 100 }, (_, i) => `c${i}`);

        for (const name of names) {
            await fill(name, 40, 2000);
        }

        let [sum, went, more] = await weigh(names, MB);
        let rounds = 1;

        assert.deepEqual([went > 0, more], [true, 1]);

        for (; more; rounds++) {
            assert.ok(rounds < 100);
            [sum, went, more] = await weigh([], MB);
        }

        assert.ok(sum <= MB / 8 * 7, `${sum}`);
        assert.equal(sum, await right());
        assert.ok(rounds > 1);

        for (const name of names) {
            assert.equal((await offsets(redis, name)).at(-1), 40);
        }
    });

    test("channels that are gone do not count", async () => {
        await fill("a", 500, 1000);
        await fill("b", 500, 1000);
        await weigh(["a", "b"]);

        await call("DEL", stream("a"));
        await call("ZADD", "rt:{t}:ends", "1", "a", "1", "b");

        /* with it, c would be too much */
        await fill("c", 400, 1000);

        const [sum, went] = await weigh(["c"]);

        assert.equal(went, 0);
        assert.equal(sum, await right());
        assert.deepEqual(Object.keys(await known()).sort(), ["*", "b", "c"]);

        /* b is not, and is looked at again when it is due */
        assert.ok(Number(await call("ZSCORE", "rt:{t}:ends", "b")) > 1);
        assert.equal(await call("ZSCORE", "rt:{t}:ends", "a"), null);
    });

    test("what is known outlives the streams, and not for ever", async () => {
        await fill("a", 10, 1000);
        await weigh(["a"]);

        for (const name of ["sizes", "ends"]) {
            const left = await call("PTTL", `rt:{t}:${name}`);

            assert.ok(left > 100000 && left < 4000000, `${name}: ${left}`);
        }
    });

    test("a sum that is too large takes nothing", async () => {
        await fill("a", 100, 1000);
        await weigh(["a"]);
        await call("ZADD", "rt:{t}:sizes", String(100 * MB), "*");

        const [sum, went] = await weigh(["a"]);

        assert.equal(went, 0);
        assert.equal(sum, await right());
    });

    test("what became smaller meanwhile takes nothing of others", async () => {
        await fill("a", 600, 1000);
        await fill("b", 200, 1000);
        await weigh(["a", "b"]);

        /* its age, or its number, or history_remove */
        await call("XTRIM", stream("a"), "MAXLEN", "10");
        await fill("b", 250, 1000);

        const [sum, went] = await weigh(["b"]);

        assert.equal(went, 0);
        assert.equal(sum, await right());
        assert.equal(await call("XLEN", stream("b")), 450);
    });

    test("keys that are something else", async () => {
        await fill("a", 2000, 1000);
        await call("RPUSH", stream("list"), "x".repeat(2 * MB));

        const said = await weigh(["a", "list"]).catch(error => error);

        assert.equal(said.kind, "WRONGTYPE");
        assert.equal(await call("LLEN", stream("list")), 1);
        assert.equal((await offsets(redis, "a")).at(-1), 2000);
        await right();

        await call("SET", "rt:{u}:sizes", "x");
        assert.equal((await call("EVAL", retain, "2", "rt:{u}:sizes",
            "rt:{u}:ends", "1", "a").catch(error => error)).kind, "WRONGTYPE");
    });

    test("a Redis that takes nothing more", async () => {
        await fill("a", 2000, 1000);
        await redis.set("maxmemory", "1");

        assert.equal((await weigh(["a"]).catch(error => error)).kind, "OOM");
        assert.equal((await offsets(redis, "a")).length, 2000);

        await redis.set("maxmemory", "0");
        await weigh(["a"]);
        assert.ok(await right() <= MB / 8 * 7);
    });


    /* each command is one that its user may not use: it stops half-way */

    const everything = ["memory", "zscore", "zincrby", "zadd", "zrem",
                        "zrangebyscore", "zrange", "zrevrange", "zcard",
                        "xinfo", "xtrim", "pttl", "pexpire", "time"];

    for (const denied of everything) {

        test(`without ${denied} nothing goes that may stay`, async () => {
            await call("ACL", "SETUSER", "rt", "reset", "on", "nopass", "~*",
                       "&*", "+@all", `-${denied}`);

            const less = await redis.connect();

            await less.call("AUTH", "rt", "x");

            await fill("a", 300, 1000);
            await fill("b", 300, 1000);
            await fill("gone", 10, 1000);
            await weigh(["gone"]);
            await call("DEL", stream("gone"));
            await call("ZADD", "rt:{t}:ends", "1", "gone");

            /* below the bound, however often it fails; then above it */
            for (let i = 0; i < 5; i++) {
                await weigh(["a", "b"], MB, less).catch(error => error);
            }

            assert.equal((await offsets(redis, "a")).length, 300);
            assert.equal((await offsets(redis, "b")).length, 300);

            await weigh(["a", "b"]);
            assert.equal((await offsets(redis, "a")).length, 300);
            assert.equal((await offsets(redis, "b")).length, 300);

            /* what is too large is seen to when it matters; too small, never */
            const { "*": all, ...sizes } = await known();

            assert.ok(all >= Object.values(sizes).reduce((x, y) => x + y, 0));

            await fill("b", 1000, 1000);
            await weigh(["a", "b"], MB, less).catch(error => error);
            await weigh(["a", "b"]);

            assert.ok(await right() <= MB / 8 * 7);
            assert.equal((await offsets(redis, "a")).length, 300);
            assert.equal((await offsets(redis, "b")).at(-1), 1300);

            less.close();
            await call("ACL", "DELUSER", "rt");
        });
    }
});


describe("nodes", { timeout: 60000 }, () => {
    const MORE = `
        rt_limit      streams tenant max=2m;
        rt_namespace  kept history=100000 ttl=10m durable publish=any;
    `;

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

    const node = (redis, { more = MORE, url = redis.url(), ...options } = {}) =>
        add(start(`${url} backoff=10ms:50ms`, { more, ...options }));

    /* n publications in one request, in turn to those channels */
    async function publish(nginx, tenant, channels, n, size = 1000) {
        const { body } = await nginx.api("batch", {
            commands: Array.from({ length: n }, (_, i) => ({ publish: {
                channel: channels[i % channels.length],
                data: "x".repeat(size),
            } })),
        }, { "X-Tenant": tenant });

        for (const reply of body.replies) {
            assert.ok(reply.publish, JSON.stringify(reply));
        }

        return body.replies.map(({ publish: said }) => said);
    }

    async function weight(redis, tenant) {
        const keys = await redis.call("KEYS", `rt:{${tenant}}:channel:*`);
        const sizes = await Promise.all(keys.map(key =>
            redis.call("MEMORY", "USAGE", key, "SAMPLES", "0")));

        return sizes.reduce((a, b) => a + b, 0);
    }

    const gave = async (nginx, tenant) => Number(new RegExp(
        `^rt_tenant_limited_streams_total\\{.*tenant="${tenant}"\\} (\\d+)`,
        "m").exec(await get(nginx, "/metrics"))?.[1]);

    test("the bound holds, and nobody else gives way", async () => {
        const redis = await add(Redis.start());
        const a = await node(redis), b = await node(redis);
        const channels = ["kept:a", "kept:b", "kept:c", "kept:d", "kept:e"];

        await Promise.all([isReady(a), isReady(b)]);

        let most = 0;

        for (let i = 0; i < 40; i++) {
            await Promise.all([
                publish(a, "t", channels, 100), publish(b, "t", channels, 100),
                publish(a, "t", ["kept:a"], 50),
                publish(b, "u", ["kept:a"], 20),
            ]);
            most = Math.max(most, await weight(redis, "t"));
        }

        /* 10 MB were published; four workers have a call on its way each */
        assert.ok(most <= 2 * MB * 1.1, `${most}`);
        assert.ok(most >= 2 * MB * 0.8, `${most}`);

        for (const name of channels) {
            const top = Number(await redis.call("HGET",
                                                `rt:{t}:meta:${name}`, "top"));

            assert.equal((await offsets(redis, name)).at(-1), top);
        }

        /* of the neighbour all is there */
        assert.deepEqual(await offsets(redis, "kept:a", "u"),
                         Array.from({ length: 800 }, (_, i) => i + 1));
        assert.equal(await gave(b, "u"), 0);
        assert.ok(await gave(a, "t") + await gave(b, "t") > 5000);
    });

    test("who is behind is told, or gets all", async () => {
        const redis = await add(Redis.start());
        const a = await node(redis);

        await isReady(a);

        const first = (await publish(a, "t", ["kept:a"], 1))[0];
        let last;

        for (let i = 0; i < 40; i++) {
            last = await publish(a, "t", ["kept:a"], 100);
        }

        await until("some have gone", async () => await gave(a, "t") > 1000);

        /* a node that has no copy of it as yet */
        const b = await node(redis);

        await isReady(b);

        const top = last.at(-1).offset;

        async function since(offset) {
            const it = await new Connection(b, "t").ready;
            const [{ subscribe }] = await it.commands([{ subscribe: {
                channel: "kept:a", recover: true, offset, epoch: first.epoch,
            } }]);

            it.socket.terminate();

            return subscribe;
        }

        const missed = await since(first.offset);

        assert.ok(!missed.recovered);
        assert.equal(missed.offset, top);

        const all = await since(top - 20);

        assert.equal(all.recovered, true);
        assert.deepEqual(all.publications.map(pub => pub.offset),
                         last.slice(-20).map(({ offset }) => offset));

        /* offsets go on */
        assert.equal((await publish(b, "t", ["kept:a"], 1))[0].offset,
                     top + 1);
    });

    test("workers that die have weighed less, and no more", async () => {
        const redis = await add(Redis.start());
        const a = await node(redis);

        for (let round = 0; round < 5; round++) {
            await isReady(a);

            for (let i = 0; i < 8; i++) {
                await publish(a, "t", ["kept:a", "kept:b"], 100);
            }

            await a.killWorkers();
        }

        await isReady(a);
        await publish(a, "t", ["kept:a", "kept:b"], 100);
        await until("it is below", async () =>
            await weight(redis, "t") <= 2 * MB);
        assert.ok(await gave(a, "t") > 0);
    });

    test("a lower bound is there after a reload", async () => {
        const redis = await add(Redis.start());
        const a = await node(redis, { more: MORE.replace("2m", "8m") });
        const channels = Array.from({ length: 100 }, (_, i) => `kept:${i}`);

        await isReady(a);

        for (let i = 0; i < 45; i++) {
            await publish(a, "t", channels, 100);
        }

        assert.ok(await weight(redis, "t") > 4 * MB);
        assert.equal(await gave(a, "t"), 0);

        const conf = `${a.prefix}/nginx.conf`;

        fs.writeFileSync(conf, fs.readFileSync(conf, "utf8")
                                 .replace("max=8m", "max=2m"));
        await a.reload();
        await isReady(a);
        await publish(a, "t", ["kept:1"], 100);
        await until("it is below", async () =>
            await weight(redis, "t") <= 2 * MB);
    });

    test("a right that is missing is told of, and all else goes on",
         async () => {
        const redis = await add(Redis.start({ acl: [
            "user rt on >secret ~* &* +@all -memory",
            "user default on nopass ~* &* +@all"] }));
        const a = await node(redis, {
            url: redis.url({ user: "rt", password: "secret" }) });

        await isReady(a);
        await publish(a, "t", ["kept:a"], 400);

        await says(a, /what tenant "t" keeps in Redis could not be held/);
        assert.equal((await offsets(redis, "kept:a")).length, 400);
        assert.doesNotMatch(errorLog(a), /secret/);
    });
});

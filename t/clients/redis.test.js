"use strict";

/* The Redis, the proxy and the false Redis of the other tests: what they do. */

const assert = require("node:assert/strict");
const { afterEach, describe, test } = require("node:test");

const { FakeRedis } = require("./fakeredis.js");
const { until } = require("./nginx.js");
const { Proxy } = require("./proxy.js");
const { Redis } = require("./redis.js");
const { RespClient } = require("./resp.js");


describe("of the tests", { timeout: 60000 }, () => {
    const started = [];
    const start = async (what, ...args) => {
        started.unshift(await what.start(...args));

        return started[0];
    };

    afterEach(async () => {
        for (const one of started.splice(0)) {
            await one.stop();
        }
    });

    const kind = promise => promise.then(() => "", error => error.kind);

    test("what is in the AOF is there after a kill; without one, it is not",
         async () => {
        for (const aof of ["always", undefined]) {
            const redis = await start(Redis, { aof });
            const run = (await redis.info("server")).run_id;

            await redis.call("XADD", "s", "1-0", "data", "1\r\n2");
            await redis.restart();

            assert.notEqual((await redis.info("server")).run_id, run);
            assert.deepEqual(await redis.stream("s"), !aof ? []
                : [{ id: "1-0", fields: { data: "1\r\n2" } }]);
        }
    });

    test("memory, disk, a replica, TLS, ACLs", async () => {
        const redis = await start(Redis, { aof: "everysec", tls: true });
        const replica = await start(Redis, { replicaOf: redis });
        const acl = await start(Redis, { acl: [
            "user default on nopass ~* +@all",
            "user rt on >secret ~rt:* +get",
        ] });

        await redis.set("maxmemory", "1mb");
        assert.equal(await kind(redis.call("SET", "a", "b")), "OOM");
        await redis.set("maxmemory", "0");

        redis.limitFiles(1024);
        await until("MISCONF", async () => await kind(
            redis.call("SET", "a", "b".repeat(2048))) === "MISCONF");
        redis.limitFiles(Infinity);
        await until("it is over", async () =>
            await kind(redis.call("SET", "a", "b")) === "");

        await until("it replicates", async () =>
            await replica.call("GET", "a") === "b");
        assert.equal(await kind(replica.call("SET", "a", "c")), "READONLY");

        const tls = await RespClient.connect({ port: redis.tlsPort,
            tls: { rejectUnauthorized: false } });

        assert.equal(await tls.call("GET", "a"), "b");
        tls.close();

        const user = await acl.connect();

        await user.call("AUTH", "rt", "secret");
        assert.equal(await kind(user.call("GET", "x")), "NOPERM");
        assert.equal(await user.call("GET", "rt:x"), null);
        user.close();
    });

    test("the proxy splits, holds, drops, cuts", async () => {
        const redis = await start(Redis);
        const proxy = await start(Proxy, redis);
        let client = await RespClient.connect(proxy);

        proxy.pieces = 1;
        assert.deepEqual(await Promise.all([client.call("SET", "a", "é"),
            client.call("GET", "a")]), ["OK", "é"]);
        proxy.pieces = 0;

        proxy.hold();
        let said;
        const held = client.call("INCR", "n").then(value => { said = value; });
        assert.equal(await redis.call("GET", "n"), null);
        assert.equal(said, undefined);
        proxy.release();
        await held;
        assert.equal(said, 1);

        proxy.onReply = (value, [name]) => name === "INCR" ? "cut" : undefined;
        await assert.rejects(client.call("INCR", "n"), /closed/);
        assert.equal(await redis.call("GET", "n"), "2");

        proxy.onReply = () => ({ bytes: 3 });
        client = await RespClient.connect(proxy);
        await assert.rejects(client.call("GET", "n"), /closed/);
        assert.equal(client.parser.buffer.toString(), "$1\r");

        proxy.onReply = undefined;
        proxy.onMessage = (channel, text) => text === "2" ? "drop" : undefined;
        client = await RespClient.connect({ port: proxy.port });
        const heard = [];
        await client.subscribe("c", text => heard.push(text));
        for (const text of ["1", "2", "3"]) {
            await redis.call("PUBLISH", "c", text);
        }
        await until("3", () => heard.includes("3"));
        assert.deepEqual(heard, ["1", "3"]);
        assert.equal(proxy.count("incr"), 2);
        client.close();
    });

    test("a Redis that stands", async () => {
        const redis = await start(Redis);
        let said;

        await redis.call("PING");
        redis.pause();
        const waits = redis.call("PING").then(value => { said = value; });
        await new Promise(resolve => setTimeout(resolve, 50));
        assert.equal(said, undefined);
        redis.resume();
        await waits;
        assert.equal(said, "PONG");
    });

    test("the false one says what it is told to", async () => {
        const fake = await start(FakeRedis, { GET: "-LOADING soon\r\n" });
        const client = await RespClient.connect(fake);

        assert.equal(await client.call("PING"), "PONG");
        assert.equal(await kind(client.call("GET", "a")), "LOADING");
        fake.answers.GET = null;
        await assert.rejects(client.call("GET", "a"), /closed/);
        assert.equal(fake.count("GET"), 2);
    });
});

"use strict";

/*
 * Two nodes and one Redis: who is there, what of the one reaches subscribers on
 * the other, what each of them subscribes to, and what is left when a worker, a
 * node or Redis is gone.
 */

const assert = require("node:assert/strict");
const { afterEach, describe, test } = require("node:test");

const { children, Nginx, slow, until } = require("./nginx.js");
const { Connection, conf, connectTo, errorLog, metrics }
    = require("./ledger.js");
const { Redis } = require("./redis.js");


const HTTP = redis => `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_drain      window=100ms;
    rt_redis      unix:${redis.path} timeout=2s backoff=20ms:100ms;
    rt_namespace  chat  publish=any;
    rt_namespace  kept  history=100 ttl=10m publish=any;
    rt_namespace  room  presence join_leave;
`;

const SETTLED = 20000;


describe("two nodes", { timeout: 120000 }, () => {
    const open = [], quiet = new Set();
    let redis;

    const start = async (options = {}) => {
        const nginx = await Nginx.start({ workers: 2,
            text: conf({ http: HTTP(redis) }), ...options });

        open.unshift(async () => {
            const alarms = await nginx.stop();

            assert.deepEqual(quiet.has(nginx) ? [] : alarms, []);
        });

        return nginx;
    };

    const others = async nginx => (await metrics(nginx)).rt_bus_others;

    const know = (n, ...nodes) => Promise.all(nodes.map(nginx =>
        until(`${n} others`, async () => await others(nginx) === n, SETTLED)));

    /* a Redis of its own, and two nodes that know each other */
    const both = async options => {
        redis = await Redis.start();
        open.unshift(() => redis.stop());

        const a = await start(options);
        const b = await start(options);

        await know(1, a, b);

        return { a, b };
    };

    afterEach(async () => {
        for (const stop of open.splice(0)) {
            await stop();
        }
    });

    /* all of its processes at once */
    const killNode = async nginx => {
        quiet.add(nginx);
        nginx.child.kill("SIGSTOP");
        children(nginx).forEach(pid => process.kill(pid, "SIGKILL"));
        nginx.child.kill("SIGKILL");
        await nginx.exited;
    };


    test("they know each other, and that one leaves, is killed, is restarted",
         async () => {
        const { a, b } = await both();
        const listed = () => redis.call("ZRANGE", "rt:nodes", "0", "-1");

        assert.equal((await listed()).length, 2);

        const { child } = a;

        await a.quit();
        await know(0, b);
        assert.match(errorLog(b), /rt: node [-0-9a-f]{36} has left/);

        await a.run();
        assert.notEqual(a.child, child);
        await know(1, a, b);

        await a.reload();
        await b.killWorkers();
        await know(1, a, b);
        assert.doesNotMatch(errorLog(b), /taken for gone/);

        await killNode(a);
        await know(0, b);
        assert.match(errorLog(b), /1 other node\(s\) were not heard of/);
    });


    test("a heartbeat goes on whichever worker is killed", async () => {
        const { a, b } = await both();
        const score = async () => {
            const list = await redis.call("ZRANGE", "rt:nodes", "0", "-1",
                                          "WITHSCORES");

            return list.filter((x, i) => i % 2).map(Number);
        };

        for (const nginx of [a, b]) {
            const [pid] = nginx.workerPids();

            process.kill(pid, "SIGKILL");
            await until("another worker", () => {
                const now = nginx.workerPids();

                return now.length === 2 && !now.includes(pid);
            });
        }

        const then = Math.max(...await score());

        await until("both again", async () =>
            (await score()).filter(s => s > then + 2).length === 2);
        await know(1, a, b);
    });
});

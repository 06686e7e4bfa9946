"use strict";

/*
 * Two nodes and one Redis: who is there, and what is left when a worker, a node
 * or Redis is gone.
 */

const assert = require("node:assert/strict");
const { afterEach, describe, test } = require("node:test");

const { children, until } = require("./nginx.js");
const { errorLog, metrics } = require("./ledger.js");
const { SETTLED, pair, publish, upTo } = require("./pair.js");


describe("two nodes", { timeout: 120000 }, () => {
    const p = pair();

    afterEach(() => p.stop());


    test("they know each other, and that one leaves, is killed, is restarted",
         async () => {
        const { a, b } = await p.both();
        const listed = () => p.redis.call("ZRANGE", "rt:nodes", "0", "-1");

        assert.equal((await listed()).length, 2);

        const { child } = a;

        await a.quit();
        await p.know(0, b);
        assert.match(errorLog(b), /rt: node [-0-9a-f]{36} has left/);

        await a.run();
        assert.notEqual(a.child, child);
        await p.know(1, a, b);

        await a.reload();
        await b.killWorkers();
        await p.know(1, a, b);
        assert.doesNotMatch(errorLog(b), /taken for gone/);

        await p.kill(a);
        await p.know(0, b);
        assert.match(errorLog(b), /1 other node\(s\) were not heard of/);
    });


    test("a heartbeat goes on whichever worker is killed", async () => {
        const { a, b } = await p.both();
        const score = async () => {
            const list = await p.redis.call("ZRANGE", "rt:nodes", "0", "-1",
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
        await p.know(1, a, b);
    });


    test("one that stands still is gone, and there again when it goes on",
         async () => {
        const { a, b } = await p.both();
        const here = await p.client(a, ["chat:x"]);
        const there = await p.client(b, ["chat:x"]);
        const all = children(b);

        await p.heard("chat:x", a, b);

        all.forEach(pid => process.kill(pid, "SIGSTOP"));
        p.later(() => all.forEach(pid => process.kill(pid, "SIGCONT")));
        await p.know(0, a);
        await publish(a, "chat:x", "alone");
        await until("its own", () => here.heard.get("chat:x").length === 1);

        p.open.shift()();
        await p.know(1, a, b);
        await p.heard("chat:x", a, b);

        await until("there", async () => {
            await publish(a, "chat:x", "a");
            return there.heard.get("chat:x").includes("a");
        }, SETTLED);
        await until("here", async () => {
            await publish(b, "chat:x", "b");
            return here.heard.get("chat:x").includes("b");
        }, SETTLED);

        /* nobody was told, while nobody was there */
        assert.ok(!there.heard.get("chat:x").includes("alone"));
    });


    test("its listener is killed: another worker of the node takes over",
         async () => {
        const { a, b } = await p.both();
        const clients = await p.everywhere(b, "chat:x");

        await p.heard("chat:x", b);

        for (let round = 0; round < 2; round++) {
            /* whichever listens is among them */
            const [victim] = clients.splice(0, 1);

            process.kill(victim.pid, "SIGKILL");
            await victim.closed;

            const other = await until("a new worker", () =>
                b.workerPids().find(pid => pid !== victim.pid
                    && clients.every(c => c.pid !== pid)));

            clients.push(await p.clientOf(b, ["chat:x"],
                                          pid => pid === other));

            await p.heard("chat:x", b);

            const sent = `round ${round}`;

            await until("it is heard", async () => {
                await publish(a, "chat:x", sent);

                return clients.every(c =>
                    c.heard.get("chat:x").includes(sent));
            });
        }
    });


    test("Redis stands still: the fast path goes on, and nothing piles up",
         async () => {
        const { a, b } = await p.both();
        const here = await p.client(a, ["chat:x"]);
        const there = await p.client(b, ["chat:x"]);

        await p.heard("chat:x", a, b);

        const c = await p.client(a);
        const pad = "x".repeat(16000), N = 3000;

        p.redis.pause();

        /* 48 MB, of which a worker may keep one or two */
        for (let n = 1; n <= N; n += 3) {
            await c.commands(upTo(3).map(i => ({ publish: {
                channel: "chat:x", data: { n: n + i - 1, pad } } })));
        }

        const all = here.heard.get("chat:x");

        await until("all of them here", () => all.length >= N);
        assert.deepEqual(all.map(d => d.n), upTo(N));

        const seen = await metrics(a);

        assert.ok(seen.rt_bus_dropped_total > N / 2, "nothing was dropped");
        assert.ok(seen.rt_redis_pending_bytes < 20e6,
                  `${seen.rt_redis_pending_bytes} bytes wait`);

        p.redis.resume();

        /* both ways again */
        await until("there", async () => {
            await publish(a, "chat:x", "a");
            return there.heard.get("chat:x").includes("a");
        }, SETTLED);
        await until("here", async () => {
            await publish(b, "chat:x", "b");
            return all.includes("b");
        }, SETTLED);

        const got = there.heard.get("chat:x").map(d => d.n).filter(Boolean);

        assert.equal(new Set(got).size, got.length);
        assert.deepEqual(got, [...got].sort((x, y) => x - y));
    });


    test("Redis dies and comes back: inside the node nothing is missed",
         async () => {
        const { a, b } = await p.both();
        const here = await p.everywhere(a, "chat:x");
        const there = await p.client(b, ["chat:x"]);

        await p.heard("chat:x", a, b);
        await p.redis.kill();

        for (const n of upTo(50)) {
            await publish(a, "chat:x", n);
        }

        for (const c of here) {
            await until("all of them", () =>
                c.heard.get("chat:x").length === 50);
            assert.deepEqual(c.heard.get("chat:x"), upTo(50));
        }

        await p.redis.run();
        await p.know(1, a, b);
        await p.heard("chat:x", a, b);

        await until("there", async () => {
            await publish(a, "chat:x", "a");
            return there.heard.get("chat:x").includes("a");
        }, SETTLED);
        await until("here", async () => {
            await publish(b, "chat:x", "b");
            return here[0].heard.get("chat:x").includes("b");
        }, SETTLED);
    });
});

"use strict";

/*
 * Two nodes and one Redis: who is there, what of the one reaches subscribers on
 * the other, what each of them subscribes to, and what is left when a worker, a
 * node or Redis is gone.
 */

const assert = require("node:assert/strict");
const { afterEach, describe, test } = require("node:test");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

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


class Tenant extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { headers: { "X-Tenant": "t" } });
    }
}


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


    /* raw WebSockets */
    const client = (nginx, channels = [], more = {}) => {
        const c = new Connection(nginx, "t", channels, more);

        open.unshift(() => c.close());

        return c.ready;
    };

    const bus = channel => `rt:{t}:bus:${channel}`;

    /* of pub/sub, what nodes listen to, but for what they say of themselves */
    const listened = async () =>
        (await redis.call("PUBSUB", "CHANNELS", "rt:{*")).sort();

    const counts = async (...channels) => (await redis.call("PUBSUB", "NUMSUB",
        ...channels.map(bus))).filter((x, i) => i % 2);

    const heard = (channel, ...nodes) => until(`${channel} is listened to`,
        async () => (await counts(channel))[0] === nodes.length, SETTLED);

    const publish = async (nginx, channel, data, more = {}) => {
        const { body } = await nginx.api("publish", { channel, data, ...more },
                                         { "X-Tenant": "t" });

        assert.ok(body.result, JSON.stringify(body));

        return body.result;
    };

    const upTo = n => Array.from({ length: n }, (_, i) => i + 1);


    test("fast: both ways, each once, each publisher's in order", async () => {
        const { a, b } = await both();
        const subscribers = await Promise.all([a, a, b, b, b].map(nginx =>
            client(nginx, ["chat:x"])));

        await heard("chat:x", a, b);

        const publishers = await Promise.all([a, b, a, b].map(nginx =>
            client(nginx)));
        const N = 200;

        await Promise.all(publishers.map(async (c, p) => {
            for (let n = 1; n <= N; n += 20) {
                await c.commands(upTo(20).map(i => ({ publish: {
                    channel: "chat:x", data: { p, n: n + i - 1 } } })));
            }
        }));

        for (const c of subscribers) {
            const all = c.heard.get("chat:x");

            await until("all of them", () => all.length >= 4 * N);

            for (const p of [0, 1, 2, 3]) {
                assert.deepEqual(all.filter(d => d.p === p).map(d => d.n),
                                 upTo(N));
            }

            assert.equal(all.length, 4 * N);
        }

        const [one, two] = await Promise.all([metrics(a), metrics(b)]);

        assert.equal(one.rt_bus_told_total + two.rt_bus_told_total, 4 * N);
        assert.equal(one.rt_bus_heard_total, 2 * N);
        assert.equal(two.rt_bus_heard_total, 2 * N);
        assert.equal(one.rt_bus_dropped_total, 0);

        /* each is accepted once */
        assert.equal(one.rt_publishes_total + two.rt_publishes_total, 4 * N);
        assert.equal(one.rt_tenant_publishes_total, 2 * N);
    });


    test("fast, with the SDK: who published it, tags, a history of each node",
         async () => {
        const { a, b } = await both();
        const c = new Centrifuge(b.url("ws"), { websocket: Tenant });

        open.unshift(() => c.disconnect());

        const sub = c.newSubscription("kept:x"), pubs = [];

        sub.on("publication", ctx => pubs.push(ctx));
        sub.subscribe();
        c.connect();
        await sub.ready(10000);
        await heard("kept:x", b);

        const alice = await client(a, [], { headers: { "X-User": "alice" } });

        await publish(a, "kept:x", { n: 1.0 }, { tags: { k: "v" } });
        await alice.commands([{ publish: { channel: "kept:x", data: "2" } }]);
        await publish(a, "kept:x", 3, { skip_history: true });
        await publish(b, "kept:x", 4);

        await until("all four", () => pubs.length === 4);

        assert.deepEqual(pubs.map(({ data, offset, tags, info }) =>
            [data, offset, tags, info?.user]), [
            [{ n: 1 }, 1, { k: "v" }, undefined],
            ["2", 2, undefined, "alice"],
            [3, undefined, undefined, undefined],
            [4, 3, undefined, undefined]]);

        /* a had no subscriber: it has its own three only */
        const history = async nginx => (await nginx.api("history",
            { channel: "kept:x", limit: -1 }, { "X-Tenant": "t" }))
            .body.result.publications.map(pub => pub.data);

        assert.deepEqual(await history(a), [{ n: 1 }, "2"]);
        assert.deepEqual(await history(b), [{ n: 1 }, "2", 4]);
    });


    test("a node listens to what its connections hold, one worker of it",
         async () => {
        const { a, b } = await both();

        await publish(a, "chat:nobody", 1);
        await publish(a, "kept:nobody", 1);
        assert.deepEqual(await listened(), []);

        const first = await Promise.all(upTo(6).map(() =>
            client(a, ["chat:x"])));

        await heard("chat:x", a);
        await client(b, ["chat:y"]);
        await heard("chat:y", b);
        assert.deepEqual(await listened(), [bus("chat:x"), bus("chat:y")]);

        await Promise.all(first.map(c => c.close()));
        await until("it is given up", async () =>
            (await listened()).join() === bus("chat:y"), 30000);
        assert.deepEqual(await counts("chat:x", "chat:y"), [0, 1]);

        /* again */
        const again = await client(a, ["chat:x"]);

        await heard("chat:x", a);
        await publish(b, "chat:x", 1);
        await until("it is heard", () =>
            again.heard.get("chat:x").length === 1);
    });


    test("tenants stay apart, whatever their names", async () => {
        const { a, b } = await both();
        const names = ["t", "t}", "{t}", "t:bus:chat:x", "%7D"];
        const subscribers = await Promise.all(names.map(name => {
            const c = new Connection(b, name, ["chat:x"]);

            open.unshift(() => c.close());

            return c.ready;
        }));

        await until("all are listened to", async () =>
            (await listened()).length === names.length);

        for (const name of names) {
            await a.api("publish", { channel: "chat:x", data: name },
                        { "X-Tenant": name });
        }

        await until("each has one", () => subscribers.every(c =>
            c.heard.get("chat:x").length));
        assert.deepEqual(subscribers.map(c => c.heard.get("chat:x")),
                         names.map(name => [name]));
    });


    /* clients of all workers, so that another can take over */
    const everywhere = async (nginx, channel) => {
        const list = [];

        for (const pid of nginx.workerPids()) {
            list.push(await connectTo(nginx, "t", [channel],
                                      is => is === pid));
        }

        list.forEach(c => open.unshift(() => c.close()));

        return list;
    };

    test("its listener is killed: another worker of the node takes over",
         async () => {
        const { a, b } = await both();
        const clients = await everywhere(b, "chat:x");

        await heard("chat:x", b);

        for (let round = 0; round < 2; round++) {
            /* whichever listens is among them */
            const [victim] = clients.splice(0, 1);

            process.kill(victim.pid, "SIGKILL");
            await victim.closed;

            const other = await until("a new worker", () =>
                b.workerPids().find(pid => pid !== victim.pid
                    && clients.every(c => c.pid !== pid)));

            clients.push(await connectTo(b, "t", ["chat:x"],
                                         pid => pid === other));
            open.unshift(() => clients.at(-1).close());

            await heard("chat:x", b);

            const sent = `round ${round}`;

            await until("it is heard", async () => {
                await publish(a, "chat:x", sent);

                return clients.every(c =>
                    c.heard.get("chat:x").includes(sent));
            });
        }
    });


    test("a node that is alone listens to nothing, until another comes",
         async () => {
        redis = await Redis.start();
        open.unshift(() => redis.stop());

        const a = await start();
        const c = await client(a, ["chat:x"]);

        await publish(a, "chat:x", 1);
        await until("its own", () => c.heard.get("chat:x").length === 1);
        assert.deepEqual(await listened(), []);
        assert.equal((await metrics(a)).rt_bus_told_total, 0);

        const b = await start();

        await know(1, a, b);
        await heard("chat:x", a);
        await publish(b, "chat:x", 2);
        await until("the other's", () => c.heard.get("chat:x").length === 2);

        await b.quit();
        await until("nothing is listened to", async () =>
            (await listened()).length === 0, 30000);
    });


    const changes = (c, kind) => c.pushes.filter(push => push[kind])
        .map(push => push[kind].info.user);

    test("joins and leaves reach who watches on the other node", async () => {
        const { a, b } = await both();
        const watching = { asks: () => ({ join_leave: true }) };
        const ma = await client(a, ["room:x"], watching);
        const mb = await client(b, ["room:x"], watching);
        const silent = await client(b, ["room:x"]);

        await heard("room:x", a, b);

        const alice = await client(a, ["room:x"],
                                   { headers: { "X-User": "alice" } });
        const bob = await client(b, ["room:x"],
                                 { headers: { "X-User": "bob" } });

        for (const c of [ma, mb]) {
            await until("both", () => ["alice", "bob"].every(user =>
                changes(c, "join").includes(user)));
        }

        await alice.close();
        await bob.close();

        for (const c of [ma, mb]) {
            await until("both have left", () => ["alice", "bob"].every(user =>
                changes(c, "leave").includes(user)));

            for (const kind of ["join", "leave"]) {
                const named = changes(c, kind).filter(Boolean).sort();

                assert.deepEqual(named, ["alice", "bob"]);
            }
        }

        assert.deepEqual(silent.pushes, []);

        /* whoever is reaped has left, too */
        const carol = await connectTo(a, "t", ["room:x"],
            pid => pid !== ma.pid, { headers: { "X-User": "carol" } });

        await until("carol", () => changes(mb, "join").includes("carol"));
        process.kill(carol.pid, "SIGKILL");
        await until("carol is gone", () =>
            changes(mb, "leave").includes("carol"), SETTLED);
    });


    test("Redis stands still: the fast path goes on, and nothing piles up",
         async () => {
        const { a, b } = await both();
        const here = await client(a, ["chat:x"]);
        const there = await client(b, ["chat:x"]);

        await heard("chat:x", a, b);

        const p = await client(a);
        const pad = "x".repeat(16000), N = 3000;

        redis.pause();

        /* 48 MB, of which a worker may keep one or two */
        for (let n = 1; n <= N; n += 3) {
            await p.commands(upTo(3).map(i => ({ publish: {
                channel: "chat:x", data: { n: n + i - 1, pad } } })));
        }

        const all = here.heard.get("chat:x");

        await until("all of them here", () => all.length >= N);
        assert.deepEqual(all.map(d => d.n), upTo(N));

        const seen = await metrics(a);

        assert.ok(seen.rt_bus_dropped_total > N / 2, "nothing was dropped");
        assert.ok(seen.rt_redis_pending_bytes < 20e6,
                  `${seen.rt_redis_pending_bytes} bytes wait`);

        redis.resume();

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
});

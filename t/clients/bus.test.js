"use strict";

/*
 * Two nodes and one Redis: what of the one reaches subscribers on the other,
 * and what each of them subscribes to.
 */

const assert = require("node:assert/strict");
const { afterEach, describe, test } = require("node:test");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

const { until } = require("./nginx.js");
const { Connection, metrics } = require("./ledger.js");
const { SETTLED, ask, bus, pair, publish, upTo } = require("./pair.js");


class Tenant extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { headers: { "X-Tenant": "t" } });
    }
}


describe("between two nodes", { timeout: 120000 }, () => {
    const p = pair();

    afterEach(() => p.stop());


    test("fast: both ways, each once, each publisher's in order", async () => {
        const { a, b } = await p.both();
        const subscribers = await Promise.all([a, a, b, b, b].map(nginx =>
            p.client(nginx, ["chat:x"])));

        await p.heard("chat:x", a, b);

        const publishers = await Promise.all([a, b, a, b].map(nginx =>
            p.client(nginx)));
        const N = 200;

        await Promise.all(publishers.map(async (c, who) => {
            for (let n = 1; n <= N; n += 20) {
                await c.commands(upTo(20).map(i => ({ publish: {
                    channel: "chat:x", data: { who, n: n + i - 1 } } })));
            }
        }));

        for (const c of subscribers) {
            const all = c.heard.get("chat:x");

            await until("all of them", () => all.length >= 4 * N);

            for (const who of [0, 1, 2, 3]) {
                assert.deepEqual(all.filter(d => d.who === who).map(d => d.n),
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


    test("durable: both ways, in one order, with one history", async () => {
        const { a, b } = await p.both();
        const offsets = [];
        const heard = (c, channel, data, pub) => offsets.push(pub.offset);
        const subscribers = await Promise.all([a, b, b].map((nginx, i) =>
            p.client(nginx, ["told:x"], i ? {} : { heard })));

        await p.heard("told:x", a, b);

        const publishers = await Promise.all([a, b].map(nginx =>
            p.client(nginx)));
        const N = 100;

        await Promise.all(publishers.map(async (c, who) => {
            for (let n = 1; n <= N; n += 10) {
                await c.commands(upTo(10).map(i => ({ publish: {
                    channel: "told:x", data: { who, n: n + i - 1 } } })));
            }
        }));

        const [first, ...others] = subscribers.map(c => c.heard.get("told:x"));

        await until("all of them", () => [first, ...others].every(all =>
            all.length >= 2 * N));
        assert.deepEqual(offsets, upTo(2 * N));

        for (const all of others) {
            assert.deepEqual(all, first);
        }

        for (const who of [0, 1]) {
            assert.deepEqual(first.filter(d => d.who === who).map(d => d.n),
                             upTo(N));
        }

        const [one, two] = await Promise.all([a, b].map(nginx =>
            ask(nginx, "history", { channel: "told:x", limit: -1 })));

        assert.deepEqual(one.result, two.result);
        assert.equal(one.result.offset, 2 * N);

        /* the script has told it, no worker */
        assert.equal((await metrics(a)).rt_bus_told_total, 0);
    });


    test("fast, with the SDK: who published it, tags, a history of each node",
         async () => {
        const { a, b } = await p.both();
        const c = new Centrifuge(b.url("ws"), { websocket: Tenant });

        p.later(() => c.disconnect());

        const sub = c.newSubscription("kept:x"), pubs = [];

        sub.on("publication", ctx => pubs.push(ctx));
        sub.subscribe();
        c.connect();
        await sub.ready(10000);
        await p.heard("kept:x", b);

        const alice = await p.client(a, [], { headers: { "X-User": "alice" } });

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
        const history = async nginx => (await ask(nginx, "history",
            { channel: "kept:x", limit: -1 }))
            .result.publications.map(pub => pub.data);

        assert.deepEqual(await history(a), [{ n: 1 }, "2"]);
        assert.deepEqual(await history(b), [{ n: 1 }, "2", 4]);
    });


    test("a node listens to what its connections hold, one worker of it",
         async () => {
        const { a, b } = await p.both();

        await publish(a, "chat:nobody", 1);
        await publish(a, "kept:nobody", 1);
        assert.deepEqual(await p.listened(), []);

        const first = await Promise.all(upTo(6).map(() =>
            p.client(a, ["chat:x"])));

        await p.heard("chat:x", a);
        await p.client(b, ["chat:y"]);
        await p.heard("chat:y", b);
        assert.deepEqual(await p.listened(), [bus("chat:x"), bus("chat:y")]);

        await Promise.all(first.map(c => c.close()));
        await until("it is given up", async () =>
            (await p.listened()).join() === bus("chat:y"), 30000);
        assert.deepEqual(await p.counts("chat:x", "chat:y"), [0, 1]);

        /* again */
        const again = await p.client(a, ["chat:x"]);

        await p.heard("chat:x", a);
        await publish(b, "chat:x", 1);
        await until("it is heard", () =>
            again.heard.get("chat:x").length === 1);
    });


    test("nothing is said where there is no other node", async () => {
        await p.begin();

        const a = await p.node(), said = [], key = () => String(Math.random());
        const client = await p.redis.connect();

        p.later(() => client.close());

        for (const channel of ["chat:x", "told:x"]) {
            await client.subscribe(bus(channel), () => said.push(channel));
        }

        const three = async () => {
            await publish(a, "told:x", 1);
            await publish(a, "told:x", 2, { idempotency_key: key() });
            await publish(a, "chat:x", 3);
        };

        await three();

        const b = await p.node();

        await p.know(1, a, b);
        await three();
        await until("three", () => said.length >= 3);

        /* what was said before had come before */
        assert.deepEqual(said.sort(), ["chat:x", "told:x", "told:x"]);
    });


    test("a node that is alone listens to nothing, until another comes",
         async () => {
        await p.begin();

        const a = await p.node();
        const c = await p.client(a, ["chat:x"]);

        await publish(a, "chat:x", 1);
        await until("its own", () => c.heard.get("chat:x").length === 1);
        assert.deepEqual(await p.listened(), []);
        assert.equal((await metrics(a)).rt_bus_told_total, 0);

        const b = await p.node();

        await p.know(1, a, b);
        await p.heard("chat:x", a);
        await publish(b, "chat:x", 2);
        await until("the other's", () => c.heard.get("chat:x").length === 2);

        await b.quit();
        await until("nothing is listened to", async () =>
            (await p.listened()).length === 0, 30000);
    });


    test("tenants stay apart, whatever their names", async () => {
        const { a, b } = await p.both();
        const names = ["t", "t}", "{t}", "t:bus:chat:x", "%7D"];
        const subscribers = await Promise.all(names.map(name => {
            const c = new Connection(b, name, ["chat:x"]);

            p.later(() => c.close());

            return c.ready;
        }));

        await until("all are listened to", async () =>
            (await p.listened()).length === names.length);

        for (const name of names) {
            await a.api("publish", { channel: "chat:x", data: name },
                        { "X-Tenant": name });
        }

        await until("each has one", () => subscribers.every(c =>
            c.heard.get("chat:x").length));
        assert.deepEqual(subscribers.map(c => c.heard.get("chat:x")),
                         names.map(name => [name]));
    });


    const changes = (c, kind) => c.pushes.filter(push => push[kind])
        .map(push => push[kind].info.user);


    test("joins and leaves reach who watches on the other node", async () => {
        const { a, b } = await p.both();
        const watching = { asks: () => ({ join_leave: true }) };
        const ma = await p.client(a, ["room:x"], watching);
        const mb = await p.client(b, ["room:x"], watching);
        const silent = await p.client(b, ["room:x"]);

        await p.heard("room:x", a, b);

        const alice = await p.client(a, ["room:x"],
                                   { headers: { "X-User": "alice" } });
        const bob = await p.client(b, ["room:x"],
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
        const carol = await p.clientOf(a, ["room:x"],
            pid => pid !== ma.pid, { headers: { "X-User": "carol" } });

        await until("carol", () => changes(mb, "join").includes("carol"));
        process.kill(carol.pid, "SIGKILL");
        await until("carol is gone", () =>
            changes(mb, "leave").includes("carol"), SETTLED);
    });
});

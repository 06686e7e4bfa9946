"use strict";

/*
 * What one node asks all others: who is there, in which channels, and what is
 * to be done with sessions that others serve.  Half an answer is none.
 */

const assert = require("node:assert/strict");
const { afterEach, describe, test } = require("node:test");

const { children, until } = require("./nginx.js");
const { metrics } = require("./ledger.js");
const { HTTP, SETTLED, ask, pair, upTo } = require("./pair.js");
const { Peer } = require("./peer.js");


const AWAY = { code: 100, message: "not all nodes have answered" };

const as = user => ({ headers: { "X-User": user } });


describe("one node asks the other", { timeout: 120000 }, () => {
    const p = pair();

    afterEach(() => p.stop());

    const result = async (nginx, method, params) => {
        const body = await ask(nginx, method, params);

        assert.ok(body.result, JSON.stringify(body));

        return body.result;
    };

    const users = ({ presence }) =>
        Object.values(presence).map(c => c.user ?? "").sort();


    test("who is in a channel, whichever node is asked", async () => {
        const { a, b } = await p.both();
        const bob = await p.client(a, ["room:x"], as("bob"));
        const clients = [await p.clientOf(a, ["room:x"],
                             pid => pid === bob.pid, as("alice")), bob,
                         await p.client(b, ["room:x"], as("alice")),
                         await p.client(b, ["room:x"]),
                         await p.client(b, ["room:y"], as("carol"))];

        for (const nginx of [a, b]) {
            const { presence } = await result(nginx, "presence",
                                              { channel: "room:x" });

            assert.deepEqual(users({ presence }),
                             ["", "alice", "alice", "bob"]);

            for (const [id, info] of Object.entries(presence)) {
                assert.equal(info.client, id);
            }

            assert.deepEqual(await result(nginx, "presence_stats",
                { channel: "room:x" }), { num_clients: 4, num_users: 3 });
            assert.deepEqual(await result(nginx, "presence_stats",
                { channel: "room:none" }), { num_clients: 0, num_users: 0 });
            assert.deepEqual(users(await result(nginx, "presence",
                { channel: "room:none" })), []);
        }

        /* and clients, each by its own node */
        for (const c of clients.slice(0, 4)) {
            const [one, two] = await c.commands([
                { presence: { channel: "room:x" } },
                { presence_stats: { channel: "room:x" } }]);

            assert.deepEqual(users(one.presence),
                             ["", "alice", "alice", "bob"]);
            assert.deepEqual(two.presence_stats,
                             { num_clients: 4, num_users: 3 });
        }

        await assert.rejects(clients[4].commands([
            { presence: { channel: "room:x" } }]), { code: 103 });

        /* who has left, or whose worker was killed, is gone everywhere */
        const dave = await p.clientOf(a, ["room:x"],
            pid => pid !== bob.pid, as("dave"));

        await clients[0].close();
        process.kill(dave.pid, "SIGKILL");

        await until("the others are left", async () => {
            const { result: it } = await ask(b, "presence",
                                             { channel: "room:x" });

            return it && users(it).join() === ",alice,bob";
        });
    });


    test("infos come as they are", async () => {
        const { a, b } = await p.both();

        await p.client(b, ["room:x"], as("bob"));
        await result(a, "subscribe", { user: "bob", channel: "room:z",
                                       info: { n: 1.50, s: "\u2028\"" } });

        const seen = await until("it is in", async () => {
            const { presence } = await result(a, "presence",
                                              { channel: "room:z" });

            return Object.values(presence)[0];
        });

        assert.equal(seen.user, "bob");
        assert.deepEqual(seen.chan_info, { n: 1.50, s: "\u2028\"" });

        const c = await p.client(a, ["room:z"]);
        const [reply] = await c.commands([{ presence: { channel: "room:z" } }]);
        const [other] = Object.values(reply.presence.presence)
            .filter(info => info.user);

        assert.deepEqual(other, seen);
    });


    test("which channels there are, and nodes", async () => {
        const { a, b } = await p.both();

        await p.client(a, ["chat:both", "chat:a", "room:a"]);
        await p.client(b, ["chat:both", "chat:b"]);
        await p.client(b, ["chat:both"]);

        for (const nginx of [a, b]) {
            assert.deepEqual(await result(nginx, "channels"), { channels: {
                "chat:a": { num_clients: 1 }, "chat:b": { num_clients: 1 },
                "chat:both": { num_clients: 3 }, "room:a": { num_clients: 1 },
            } });
            assert.deepEqual(
                await result(nginx, "channels", { pattern: "chat:b*" }),
                { channels: { "chat:b": { num_clients: 1 },
                              "chat:both": { num_clients: 3 } } });

            const { nodes } = await result(nginx, "info");

            assert.deepEqual(nodes.map(n => n.num_clients).sort(), [1, 2]);
            assert.equal(new Set(nodes.map(n => n.uid)).size, 2);
        }

        /* another tenant has none of it */
        const other = await a.api("channels", {}, { "X-Tenant": "u" });

        assert.deepEqual(other.body.result, { channels: {} });
    });


    test("orders reach sessions of the other node", async () => {
        const { a, b } = await p.both();
        const here = await p.client(a, [], as("alice"));
        const there = await p.client(b, [], as("alice"));
        const bob = await p.client(b, ["chat:x"], as("bob"));
        const pushed = (c, kind) => until(kind, () =>
            c.pushes.find(push => push[kind]));

        await result(a, "subscribe", { user: "alice", channel: "chat:x" });

        for (const c of [here, there]) {
            assert.equal((await pushed(c, "subscribe")).channel, "chat:x");
        }

        await result(a, "unsubscribe", { user: "alice", channel: "chat:x" });

        for (const c of [here, there]) {
            assert.equal((await pushed(c, "unsubscribe")).channel, "chat:x");
        }

        const list = await result(a, "presence", { channel: "room:x" });

        assert.deepEqual(list, { presence: {} });

        await result(a, "disconnect", { user: "alice",
            disconnect: { code: 4501, reason: "over" } });
        assert.equal(await here.closed, 4501);
        assert.equal(await there.closed, 4501);

        await result(a, "refresh", { user: "bob", expired: true });
        assert.equal(await bob.closed, 3005);

        /* one session, by its id, wherever it is */
        const [one, two] = [await p.client(b, ["room:x"], as("eve")),
                            await p.client(b, ["room:x"], as("eve"))];
        const ids = Object.keys((await result(a, "presence",
            { channel: "room:x" })).presence);

        await result(a, "disconnect", { user: "eve", whitelist: [ids[0]] });
        await Promise.race([one.closed, two.closed]);
        await until("one is left", async () => Object.keys((await result(a,
            "presence", { channel: "room:x" })).presence).join() === ids[0]);
    });


    test("a batch asks in its order", async () => {
        const { a, b } = await p.both();
        const c = await p.client(b, [], as("alice"));
        const { body } = await a.api("batch", { parallel: true, commands: [
            { subscribe: { user: "alice", channel: "room:x" } },
            { info: {} },
            { presence_stats: { channel: "room:none" } },
            { presence: { channel: "nowhere:x" } },
            { disconnect: { user: "alice" } }] }, { "X-Tenant": "t" });

        assert.deepEqual(body.replies.map(r => Object.keys(r)[0]),
            ["subscribe", "info", "presence_stats", "error", "disconnect"]);
        assert.equal(body.replies[1].info.nodes.length, 2);
        assert.equal(await c.closed, 3503);
    });


    test("half an answer is none: a node stands still, then is gone",
         async () => {
        const { a, b } = await p.both();
        const c = await p.client(a, ["room:x"], as("alice"));

        await p.client(b, ["room:x"], as("bob"));

        const all = children(b);

        all.forEach(pid => process.kill(pid, "SIGSTOP"));
        p.later(() => all.forEach(pid => process.kill(pid, "SIGCONT")));

        const replies = await Promise.all([
            ["presence", { channel: "room:x" }],
            ["presence_stats", { channel: "room:x" }], ["channels"],
            ["disconnect", { user: "nobody" }]].map(([method, params]) =>
            ask(a, method, params)));

        for (const { error } of replies) {
            assert.deepEqual(error, AWAY);
        }

        const { nodes } = await result(a, "info");

        assert.deepEqual(nodes.map(n => n.silent).sort(), [true, undefined]);

        await assert.rejects(c.commands([{ presence: { channel: "room:x" } }]),
                             { code: 100 });

        /* it ends with its heartbeat */
        await p.know(0, a);
        assert.deepEqual(users(await result(a, "presence",
            { channel: "room:x" })), ["alice"]);
        assert.equal((await result(a, "info")).nodes.length, 1);
        assert.ok((await metrics(a)).rt_bus_partial_total >= 6);
    });


    test("a worker that stands still is passed over", async () => {
        const { a, b } = await p.both();
        const there = await p.client(b, ["room:x"], as("bob"));
        const [pid] = b.workerPids().filter(each => each !== there.pid);
        const c = await p.client(a, ["room:x"], as("alice"));

        process.kill(pid, "SIGSTOP");
        p.later(() => process.kill(pid, "SIGCONT"));

        /* whoever is asked first */
        for (let i = 0; i < 2; i++) {
            assert.deepEqual(users(await result(a, "presence",
                { channel: "room:x" })), ["alice", "bob"]);

            const [{ presence_stats: stats }] = await c.commands([
                { presence_stats: { channel: "room:x" } }]);

            assert.deepEqual(stats, { num_clients: 2, num_users: 2 });
        }

        assert.equal((await metrics(a)).rt_bus_partial_total, 0);
    });


    test("Redis is away: nobody takes half for the whole", async () => {
        const { a, b } = await p.both();
        const c = await p.client(a, ["room:x"], as("alice"));
        const there = await p.client(b, ["room:x"], as("alice"));

        await p.redis.kill();
        await until("it is noticed", async () =>
            (await ask(a, "presence", { channel: "room:x" })).error);

        for (const [method, params] of [["presence", { channel: "room:x" }],
            ["channels", {}], ["disconnect", { user: "alice" }]])
        {
            const { status, body, headers } = await a.api(method, params,
                { "X-Tenant": "t", "X-Centrifugo-Error-Mode": "transport" });

            assert.deepEqual([status, body.code], [503, 100]);
        }

        /* what could be done here was */
        assert.equal(await c.closed, 3503);

        const { nodes } = await result(a, "info");

        assert.deepEqual(nodes.map(n => n.silent).sort(), [true, undefined]);

        await p.redis.run();
        await until("it is done there, too", async () =>
            (await ask(a, "disconnect", { user: "alice" })).result, SETTLED);
        assert.equal(await there.closed, 3503);
    });


    /* a node that says what no node would */
    const strange = async () => {
        await p.begin();

        const a = await p.node();
        const peer = await Peer.join(p.redis);

        p.later(() => peer.leave());
        await p.know(1, a);

        return { a, peer };
    };

    test("hostile answers are none", async () => {
        const { a, peer } = await strange();
        const c = await p.client(a, ["room:x"]);
        const id = "00000000-0000-4000-8000-000000000000";
        const bad = ["{", "[]", "{}", "null", "\xff", '{"result":[]}',
            '{"result":{}}', '{"result":{"presence":[]}}',
            '{"result":{"presence":{"x":1}}}',
            '{"result":{"presence":{"x":{"client":"y"}}}}',
            '{"result":{"presence":{}},"error":{"code":1,"message":"x"}}',
            '{"error":{"code":0,"message":"x"}}',
            '{"error":{"code":1}}', '{"result":{"presence":{}}} x',
            `{"result":{"presence":${"[".repeat(100000)}}}`];

        for (const text of bad) {
            peer.answers = () => Buffer.from(text, "latin1");

            await assert.rejects(c.commands([
                { presence: { channel: "room:x" } }]), { code: 100 }, text);
        }

        for (const text of bad.slice(0, 8)) {
            peer.answers = () => Buffer.from(text, "latin1");

            for (const [method, params] of [["presence", { channel: "room:x" }],
                ["presence_stats", { channel: "room:x" }], ["channels"]])
            {
                const { error } = await ask(a, method, params);

                assert.equal(error?.code, 100, `${method} ${text}`);
            }
        }

        /* an error of a node is the answer's */
        peer.answers = () => '{"error":{"code":507,"message":"\\"full\\""}}';
        assert.deepEqual(await ask(a, "disconnect", { user: "u" }),
            { error: { code: 507, message: '"full"' } });

        /* too many, too much */
        const many = n => upTo(n).map(i => {
            const uid = id.slice(0, -6) + String(i).padStart(6, "0");

            return `"${uid}":{"client":"${uid}","user":"u${i}"}`;
        }).join();

        peer.answers = () => `{"result":{"presence":{${many(999)}}}}`;

        const [{ presence }] = await c.commands([
            { presence: { channel: "room:x" } }]);

        assert.equal(Object.keys(presence.presence).length, 1000);

        peer.answers = () => `{"result":{"presence":{${many(1000)}}}}`;
        await assert.rejects(c.commands([
            { presence: { channel: "room:x" } }]), { code: 106 });

        peer.answers = () => `{"result":{"presence":{${
            " ".repeat(3 << 20)}}}}`;
        await assert.rejects(c.commands([
            { presence: { channel: "room:x" } }]), { code: 106 });
        assert.equal((await ask(a, "presence", { channel: "room:x" }))
            .error.code, 106);

        /* twice, of another question, in another's name: the first counts */
        peer.answers = m => {
            peer.say(m.reply, "r", { offset: m.offset + 2n, data: "{}" });
            peer.say(m.reply, "r", { offset: m.offset, data: "{}", node: id });
            peer.say(m.reply, "r", { offset: m.offset,
                                     data: '{"result":{"presence":{}}}' });
            return "{";
        };

        const whole = await c.commands([{ presence: { channel: "room:x" } }]);

        assert.equal(Object.keys(whole[0].presence.presence).length, 1);
    });


    test("hostile questions do nothing", async () => {
        const { a, peer } = await strange();
        const c = await p.client(a, ["room:x"], as("alice"));
        const asked = async (method, data, tenant = "t") =>
            JSON.parse(await peer.ask(method, data, tenant));

        assert.deepEqual(await asked("presence_stats", "{}").catch(() => 0), 0);
        assert.equal((await asked("users", '{"channel":"room:x"}'))
            .result.num_clients, 1);
        assert.equal((await asked("users", '{"channel":"room:x"}', "u"))
            .result.num_clients, 0);
        assert.equal((await asked("presence", "{")).error.code, 107);
        assert.equal((await asked("presence", "")).error.code, 107);
        assert.equal((await asked("disconnect", '{"user":5}')).error.code, 107);

        const before = (await metrics(a)).rt_bus_answered_total;

        for (const [method, data, tenant] of [
            ["publish", '{"channel":"chat:x","data":1}', "t"],
            ["rpc", "{}", "t"], ["batch", "{}", "t"], ["", "{}", "t"],
            ["users\0", "{}", "t"], ["presence", '{"channel":"room:x"}', ""],
            ["presence", '{"channel":"room:x"}', "t".repeat(129)],
            ["presence", '{"channel":"room:x"}', "\x01"],
            ["presence", Buffer.from([0xff]), "t"],
            ["presence", " ".repeat(70000), "t"]])
        {
            peer.say("rt:nodes", "a", { offset: 7n << 32n, data,
                                        info: method, tags: tenant });
        }

        /* what is not answered is not done; what comes behind it is */
        assert.equal((await asked("users", '{"channel":"room:x"}'))
            .result.num_clients, 1);
        assert.equal((await metrics(a)).rt_bus_answered_total, before + 1);
        assert.ok(c.open);

        /* nor is one heard that is asked by many workers twice */
        await asked("disconnect", '{"user":"alice"}');
        assert.equal(await c.closed, 3503);
    });


    test("what is asked is bounded", async () => {
        const { a, peer } = await strange();

        const { error } = await ask(a, "disconnect",
            { user: "x", more: "y".repeat(40000) });

        assert.equal(error.code, 106);

        /* of a client eight wait; who says nothing is not waited for long */
        const asked = new Set();

        peer.answers = m => { asked.add(m.offset | 1n); };

        const c = await p.client(a, ["room:x"]);
        const all = await Promise.allSettled(upTo(12).map(() =>
            c.commands([{ presence: { channel: "room:x" } }])));

        assert.deepEqual(all.map(({ reason }) => reason?.code),
                         upTo(12).map(() => 100));
        assert.equal(asked.size, 8);

        /* what nobody waits for any more harms nobody */
        const late = new Promise(resolve => {
            peer.answers = m => resolve(m);
        });

        c.commands([{ presence: { channel: "room:x" } }]).catch(() => {});

        const m = await late;

        c.socket.terminate();
        await until("it is gone", async () =>
            (await metrics(a)).rt_connections === 0);
        await peer.say(m.reply, "r", { offset: m.offset,
            data: '{"result":{"presence":{}}}' });
        peer.answers = () => '{"result":{"channels":{}}}';
        assert.deepEqual(await ask(a, "channels"),
                         { result: { channels: {} } });
    });
});

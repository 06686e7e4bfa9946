"use strict";

/* The JavaScript SDK as it comes from npm, over plain TCP and over TLS. */

const assert = require("node:assert/strict");
const { after, before, describe, test } = require("node:test");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

const { Nginx, sleep, slow, until } = require("./nginx.js");


/* for a certificate of our own, and with headers */
class Socket extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { rejectUnauthorized: false });
    }
}


/* the same, with headers of one's own */
const socketWith = headers => class extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { rejectUnauthorized: false, headers });
    }
};


function client(nginx, scheme, options = {}) {
    const c = new Centrifuge(nginx.url(scheme), {
        websocket: Socket, minReconnectDelay: 50, maxReconnectDelay: 500,
        ...options,
    });

    c.seen = [];
    for (const state of ["connecting", "connected", "disconnected", "error"]) {
        c.on(state, ctx => c.seen.push({ state, ...ctx }));
    }

    return c;
}


async function connected(nginx, scheme, options) {
    const c = client(nginx, scheme, options);

    c.connect();
    await c.ready(10000);

    return c;
}


function listen(c, channel) {
    const sub = c.newSubscription(channel, { minResubscribeDelay: 50 });

    sub.heard = [];
    sub.on("publication", ctx => sub.heard.push(ctx));
    sub.on("error", () => {});
    sub.subscribe();

    return sub;
}


const data = sub => sub.heard.map(ctx => ctx.data);


for (const scheme of ["ws", "wss"]) {

    describe(`centrifuge over ${scheme}`, { timeout: 120000 * slow }, () => {
        let nginx;
        const clients = [];

        const join = async options => {
            const c = await connected(nginx, scheme, options);
            clients.push(c);
            return c;
        };

        before(async () => { nginx = await Nginx.start({ workers: 2 }); });

        after(async () => {
            clients.forEach(c => c.disconnect());
            assert.deepEqual(await nginx.stop(), []);
        });

        test("connects and disconnects", async () => {
            const c = await join();
            const { client: id } = c.seen.find(e => e.state === "connected");

            assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
            c.disconnect();
            await until("disconnected", () => c.state === "disconnected");
        });

        test("two clients chat", async () => {
            const [a, b] = [await join(), await join()];
            const [sa, sb] = [listen(a, "chat:x"), listen(b, "chat:x")];

            await Promise.all([sa.ready(10000), sb.ready(10000)]);
            await sa.publish({ text: "hello" });
            await sb.publish({ text: "hi", list: [1, "two", null] });

            const all = [{ text: "hello" },
                         { text: "hi", list: [1, "two", null] }];

            for (const sub of [sa, sb]) {
                await until("both messages", () => sub.heard.length === 2);
                assert.deepEqual(data(sub), all);
            }
        });

        test("the backend publishes", async () => {
            const a = await join();
            const sub = listen(a, "news:x");

            await sub.ready(10000);

            const { status, body } = await nginx.api("publish",
                { channel: "news:x", data: { n: 1 } });

            assert.equal(status, 200);
            assert.deepEqual(body, { result: {} });
            await until("the message", () => sub.heard.length === 1);
            assert.deepEqual(data(sub), [{ n: 1 }]);
        });

        test("in order, while many are in flight", async () => {
            const [a, b] = [await join(), await join()];
            const [sa, sb] = [listen(a, "chat:order"), listen(b, "chat:order")];
            const want = Array.from({ length: 500 }, (_, i) => i);

            await Promise.all([sa.ready(10000), sb.ready(10000)]);
            await Promise.all(want.map(i => sa.publish(i)));
            await until("500", () => sb.heard.length === 500);
            assert.deepEqual(data(sb), want);
        });

        test("rpc", async () => {
            const a = await join();
            const { data: echo } = await a.rpc("rt.echo", { a: [1, 2] });

            assert.deepEqual(echo, { a: [1, 2] });
            await assert.rejects(a.rpc("nope", {}), { code: 104 });
            assert.equal(a.state, "connected");
        });

        test("unsubscribe stops the messages", async () => {
            const [a, b] = [await join(), await join()];
            const [sa, sb] = [listen(a, "chat:u"), listen(b, "chat:u")];

            await Promise.all([sa.ready(10000), sb.ready(10000)]);
            sa.unsubscribe();
            await a.rpc("rt.echo", 1);
            await sb.publish("not for a");
            await until("b has it", () => sb.heard.length === 1);
            await a.rpc("rt.echo", 2);
            assert.equal(sa.heard.length, 0);

            sa.subscribe();
            await sa.ready(10000);
            await sb.publish("for both");
            await until("a has it", () => sa.heard.length === 1);
            assert.deepEqual(data(sa), ["for both"]);
        });

        test("unknown channels and denied publishes", async () => {
            const a = await join();
            const sub = a.newSubscription("nope:x");
            const ended = new Promise(resolve =>
                sub.on("unsubscribed", resolve));

            sub.subscribe();
            assert.equal((await ended).code, 102);

            const news = listen(a, "news:x");

            await news.ready(10000);
            await assert.rejects(news.publish(1), { code: 103 });
            await assert.rejects(a.publish("chat:none", 1), { code: 103 });
            assert.equal(a.state, "connected");
        });

        test("a token ends it for good, with 3500", async () => {
            const c = client(nginx, scheme, { token: "abc" });
            const ended = new Promise(resolve => c.on("disconnected", resolve));

            clients.push(c);
            c.connect();

            const { code, reason } = await ended;

            assert.equal(code, 3500);
            assert.equal(reason, "invalid token");
            await sleep(200);
            assert.equal(c.state, "disconnected");
        });

        test("send has no receiver: the end, with 3508", async () => {
            const c = await join();
            const ended = new Promise(resolve => c.on("disconnected", resolve));

            c.send({ a: 1 }).catch(() => {});

            const { code, reason } = await ended;

            assert.deepEqual([code, reason], [3508, "not available"]);
        });

        const as = user => join({ websocket: socketWith({ "X-User": user }) });

        const order = async (method, params) => assert.deepEqual(
            await nginx.api(method, params),
            { status: 200, body: { result: {} } });

        test("presence, joins and leaves", async () => {
            const [a, b] = [await as("alice"), await as("bob")];
            const sa = a.newSubscription("room:p", { joinLeave: true });
            const sb = b.newSubscription("room:p");
            const seen = [];

            sa.on("join", ({ info }) => seen.push(`+${info.user}`));
            sa.on("leave", ({ info }) => seen.push(`-${info.user}`));
            sa.subscribe();
            await sa.ready(10000);
            sb.subscribe();
            await sb.ready(10000);

            const { clients: present } = await sa.presence();
            const { numClients, numUsers } = await sb.presenceStats();

            assert.deepEqual(Object.values(present).map(i => i.user).sort(),
                             ["alice", "bob"]);
            assert.deepEqual(Object.keys(present).sort(),
                             Object.values(present).map(i => i.client).sort());
            assert.deepEqual([numClients, numUsers], [2, 2]);

            b.disconnect();
            await until("he leaves", () => seen.length === 3);
            assert.deepEqual(seen, ["+alice", "+bob", "-bob"]);

            const news = listen(a, "news:p");

            await news.ready(10000);
            await assert.rejects(news.presence(), { code: 108 });
            await assert.rejects(a.presenceStats("room:other"), { code: 103 });
        });

        test("the backend subscribes, and ends it", async () => {
            const a = await as("carol");
            const seen = [];

            a.on("subscribed", ctx => seen.push(["subscribed", ctx.channel,
                                                 ctx.data]));
            a.on("publication", ctx => seen.push(["publication", ctx.channel,
                                                  ctx.data]));
            a.on("unsubscribed", ctx => seen.push(["unsubscribed",
                                                   ctx.channel]));

            await order("subscribe", { user: "carol", channel: "news:s",
                                       data: { n: 1 } });
            await until("subscribed", () => seen.length === 1);
            await order("publish", { channel: "news:s", data: 2 });
            await until("the publication", () => seen.length === 2);
            await order("unsubscribe", { user: "carol", channel: "news:s" });
            await until("unsubscribed", () => seen.length === 3);
            assert.deepEqual(seen, [["subscribed", "news:s", { n: 1 }],
                                    ["publication", "news:s", 2],
                                    ["unsubscribed", "news:s"]]);
        });

        test("the backend ends a client's subscription for good", async () => {
            const a = await as("dave");
            const sub = listen(a, "news:d");
            const ended = new Promise(resolve =>
                sub.on("unsubscribed", resolve));

            await sub.ready(10000);
            await order("unsubscribe", { user: "dave", channel: "news:d" });

            const { code, reason } = await ended;

            assert.deepEqual([code, reason], [2000, "server unsubscribe"]);
            await sleep(300);
            assert.equal(sub.state, "unsubscribed");
            assert.equal(a.state, "connected");
        });

        test("codes that say stay away, and codes that say come back",
             async () => {
            const codes = [[3503, false], [3000, true], [3499, true],
                           [3500, false], [4000, true], [4499, true],
                           [4500, false], [4999, false]];

            await Promise.all(codes.map(async ([code, back]) => {
                const a = await as(`user-${code}`);
                const times = () =>
                    a.seen.filter(e => e.state === "connected").length;

                await order("disconnect", { user: `user-${code}`,
                    disconnect: { code, reason: "because" } });

                if (back) {
                    await until("back", () => times() === 2);
                } else {
                    await until("away", () => a.state === "disconnected");
                    await sleep(300);
                    assert.equal(times(), 1);
                }

                const last = a.seen.filter(e => e.state
                    === (back ? "connecting" : "disconnected")).pop();

                assert.deepEqual([last.code, last.reason],
                                 [code, "because"]);
            }));
        });

        test("tenants hear nothing of each other", async () => {
            const other = socketWith({ "X-Tenant": "other" });
            const [a, o] = [await join(), await join({ websocket: other })];
            const [sa, so] = [listen(a, "chat:t"), listen(o, "chat:t")];

            await Promise.all([sa.ready(10000), so.ready(10000)]);
            await sa.publish("a");
            await so.publish("o");
            await until("each its own",
                        () => sa.heard.length && so.heard.length);
            await a.rpc("rt.echo", 1);
            await o.rpc("rt.echo", 1);
            assert.deepEqual(data(sa), ["a"]);
            assert.deepEqual(data(so), ["o"]);
        });
    });


    describe(`centrifuge over ${scheme}, when nginx changes`,
             { timeout: 120000 * slow }, () => {
        let nginx, a, b, sa, sb;

        before(async () => {
            nginx = await Nginx.start({
                workers: 2,
                server: `
        rt_ping_interval 1s;
        rt_pong_timeout  500ms;
        location /connection/websocket { rt_websocket zone=live; }
        location /api { rt_api zone=live; rt_api_key off; }
`,
            });

            a = await connected(nginx, scheme);
            b = await connected(nginx, scheme);
            [sa, sb] = [listen(a, "chat:x"), listen(b, "chat:x")];
            await Promise.all([sa.ready(10000), sb.ready(10000)]);
        });

        after(async () => {
            a.disconnect();
            b.disconnect();
            assert.deepEqual(await nginx.stop(), []);
        });

        const flows = async text => {
            const back = c => until("connected again", () =>
                c.seen.filter(e => e.state === "connected").length > c.times);

            await Promise.all([back(a), back(b)]);
            await Promise.all([sa.ready(10000), sb.ready(10000)]);
            sa.heard.length = sb.heard.length = 0;
            await sa.publish(text);
            await until("both hear it",
                        () => sa.heard.length && sb.heard.length);
            assert.deepEqual(data(sa), [text]);
            assert.deepEqual(data(sb), [text]);
        };

        const count = () => [a, b].forEach(c => {
            c.times = c.seen.filter(e => e.state === "connected").length;
        });

        test("the server's pings keep an idle connection", async () => {
            count();
            await sleep(3500);
            for (const c of [a, b]) {
                assert.equal(c.state, "connected");
                assert.equal(c.seen.filter(e => e.state === "connected").length,
                             c.times);
            }
        });

        test("workers are killed: the clients come back", async () => {
            count();
            await nginx.killWorkers();
            await flows("after the kill");
        });

        test("a reload: the clients are told 3001 and come back", async () => {
            count();
            await nginx.reload();
            await flows("after the reload");

            for (const c of [a, b]) {
                const last = c.seen.filter(e => e.state === "connecting").pop();

                assert.equal(last.code, 3001);
                assert.equal(last.reason, "shutdown");
            }
        });

        test("the counts are right after all of it", async () => {
            await until("two clients", async () => {
                const { body } = await nginx.api("channels", {});
                return body.result.channels["chat:x"]?.num_clients === 2;
            });
        });
    });
}

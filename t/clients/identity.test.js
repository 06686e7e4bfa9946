"use strict";

/* Tokens with the JavaScript SDK as it comes from npm. */

const assert = require("node:assert/strict");
const { after, before, describe, test } = require("node:test");
const crypto = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

const { Nginx, slow, until } = require("./nginx.js");


const secret = crypto.randomBytes(24).toString("hex");
const now = () => Math.floor(Date.now() / 1000);

const b64 = value => Buffer.from(value).toString("base64url");

function jwt(claims) {
    const text = `${b64('{"alg":"HS256","typ":"JWT"}')}.${
        b64(JSON.stringify(claims))}`;

    return `${text}.${crypto.createHmac("sha256", secret).update(text)
        .digest("base64url")}`;
}


function start() {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rt-tokens-"));

    fs.writeFileSync(`${dir}/secret`, secret);

    return Nginx.start({
        http: `
    rt_zone         default zone=live:8m;
    rt_jwt          hs256 file=${dir}/secret;
    rt_token_grace  1s;
    rt_namespace    room publish=subscriber;
    rt_namespace    kept history=3 ttl=1m;
    rt_namespace    last history=3 ttl=1m cache;
`,
    }).finally(() => fs.rmSync(dir, { recursive: true }));
}


describe("tokens", { timeout: 60000 * slow }, () => {
    let nginx;
    const clients = [];

    const client = options => {
        const c = new Centrifuge(nginx.url("ws"), {
            websocket: WebSocket, minReconnectDelay: 50,
            maxReconnectDelay: 200, ...options,
        });

        c.codes = [];
        c.on("error", () => {});
        c.on("disconnected", ctx => c.codes.push(ctx.code));
        c.on("connecting", ctx => c.codes.push(ctx.code));
        clients.push(c);
        c.connect();

        return c;
    };

    before(async () => {
        nginx = await start();
    });

    after(async () => {
        clients.forEach(c => c.disconnect());
        assert.deepEqual(await nginx.stop(), []);
    });

    test("getToken is asked for the first token and for each later one",
         async () => {
        let asked = 0;

        const c = client({ getToken: async () => {
            asked++;
            return jwt({ sub: "alice", exp: now() + 2 });
        } });

        await c.ready(5000 * slow);
        await until("three tokens were asked for", () => asked >= 3);

        assert.equal(c.state, "connected");
        assert.deepEqual(c.codes, [0]);
    });

    test("an expired token makes it ask for another", async () => {
        const tokens = [jwt({ sub: "alice", exp: now() - 1 }),
                        jwt({ sub: "alice", exp: now() + 60 })];

        const c = client({ getToken: async () => tokens.shift() });

        await c.ready(5000 * slow);
        assert.equal(tokens.length, 0);
    });

    test("a token that is not valid is the end", async () => {
        const c = client({ token: jwt({ sub: "a" }).slice(0, -4) + "AAAA" });

        await until("it is disconnected", () => c.state === "disconnected");
        assert.equal(c.codes.at(-1), 3500);
    });

    test("a subscription is allowed, and renewed, by tokens", async () => {
        let asked = 0;

        const c = client({ token: jwt({ sub: "alice", info: { n: 1 } }) });
        const sub = c.newSubscription("$room:x", { getToken: async ctx => {
            asked++;
            return jwt({ sub: "alice", channel: ctx.channel,
                         exp: now() + 2, info: { m: 2 } });
        } });
        const heard = [];

        sub.on("publication", ctx => heard.push(ctx));
        sub.subscribe();
        await sub.ready(5000 * slow);
        await until("three tokens were asked for", () => asked >= 3);
        assert.equal(sub.state, "subscribed");

        await sub.publish("hello");
        await until("it hears itself", () => heard.length === 1);
        assert.deepEqual(heard[0].info.connInfo, { n: 1 });
        assert.deepEqual(heard[0].info.chanInfo, { m: 2 });
    });

    test("a subscription without a token is not", async () => {
        const c = client({ token: jwt({ sub: "alice" }) });
        const sub = c.newSubscription("$room:y");
        let code;

        sub.on("unsubscribed", ctx => { code = ctx.code; });
        sub.subscribe();
        await until("it is refused", () => code === 103);
    });

    test("channels of the token are server-side subscriptions", async () => {
        const heard = [];
        const seen = [];

        const c = client({ token: jwt({
            sub: "bob", subs: { "room:s": { data: { a: 1 } } },
        }) });

        c.on("subscribed", ctx => seen.push(ctx));
        c.on("publication", ctx => heard.push(ctx.data));
        await c.ready(5000 * slow);
        await until("it is told of its channel", () => seen.length === 1);
        assert.equal(seen[0].channel, "room:s");
        assert.deepEqual(seen[0].data, { a: 1 });

        await nginx.api("publish", { channel: "room:s", data: 7 });
        await until("it hears the backend", () => heard.length === 1);
    });

    test("what is missed in channels of the token is recovered", async () => {
        let last;
        let away = false;

        class Socket extends WebSocket {
            constructor(url, protocols) {
                super(away ? "ws://127.0.0.1:1" : url, protocols);
                last = this;
            }
        }

        const heard = [];
        const began = [];
        let n = 0;

        const publish = async count => {
            for (let i = 0; i < count; i++) {
                await nginx.api("publish", { channel: "kept:s", data: ++n });
            }
        };

        const c = client({ websocket: Socket,
            token: jwt({ sub: "eve", channels: ["kept:s"] }) });

        c.on("subscribed", ctx => began.push(ctx));
        c.on("publication", ctx => heard.push(ctx.data));
        await c.ready(5000 * slow);
        await publish(1);
        await until("the first", () => heard.length === 1);

        const miss = async count => {
            away = true;
            last.terminate();
            await until("it is away", () => c.state === "connecting");
            await publish(count);
            away = false;
            await c.ready(5000 * slow);
        };

        await miss(3);
        await until("all of them", () => heard.length === 4);
        assert.deepEqual(heard, [1, 2, 3, 4]);
        assert.equal(began[1].recovered, true);
        assert.equal(began[1].wasRecovering, true);

        /* one more than the history has */

        await miss(4);
        await publish(1);
        await until("the next", () => heard.at(-1) === n);
        assert.deepEqual(heard, [1, 2, 3, 4, 9]);
        assert.equal(began[2].recovered, false);
        assert.equal(began[2].wasRecovering, true);
    });

    test("the latest of a cache comes by the token, and by the backend",
         async () => {
        await nginx.api("publish", { channel: "last:t", data: 1 });
        await nginx.api("publish", { channel: "last:t", data: 2 });
        await nginx.api("publish", { channel: "last:b", data: 3 });

        const heard = [];
        const c = client({ token: jwt({ sub: "fay", channels: ["last:t"] }) });

        c.on("publication", ctx => heard.push([ctx.channel, ctx.data]));
        await c.ready(5000);
        await nginx.api("subscribe", { user: "fay", channel: "last:b" });
        await until("both", () => heard.length === 2);
        assert.deepEqual(heard, [["last:t", 2], ["last:b", 3]]);
    });

    test("the backend subscribes from a position", async () => {
        for (const data of [1, 2, 3, 4]) {
            await nginx.api("publish", { channel: "kept:b", data });
        }

        const { body: { result: { epoch } } } =
            await nginx.api("history", { channel: "kept:b" });

        const heard = [];
        const began = [];
        const c = client({ token: jwt({ sub: "gil" }) });

        c.on("subscribed", ctx => began.push(ctx));
        c.on("publication", ctx => heard.push(ctx.data));
        await c.ready(5000);
        await nginx.api("subscribe", { user: "gil", channel: "kept:b",
                                       recover_since: { offset: 2, epoch } });
        await until("what was missed", () => heard.length === 2);
        assert.deepEqual(heard, [3, 4]);
        assert.equal(began[0].recovered, true);

        await nginx.api("publish", { channel: "kept:b", data: 5 });
        await until("what is new", () => heard.length === 3);
        assert.deepEqual(heard, [3, 4, 5]);
    });

    test("who does not renew is closed, and comes back with a token",
         async () => {
        const tokens = [jwt({ sub: "carol", exp: now() + 1 + slow }),
                        jwt({ sub: "carol", exp: now() + 60 })];
        let late;

        /* the renewal hangs, as a backend may */

        const c = client({ token: tokens[0], getToken: () =>
            new Promise(resolve => { late = resolve; }) });

        await c.ready(5000 * slow);
        await until("it is closed", () => c.codes.includes(3005));
        await until("it asks for a token", () => late);
        late(tokens[1]);
    });

    test("a revoked token is the end", async () => {
        const c = client({ token: jwt({ sub: "dave", jti: "d1" }) });

        await c.ready(5000 * slow);
        await nginx.api("revoke_token", { uid: "d1" });
        await until("it is disconnected", () => c.state === "disconnected");
        assert.equal(c.codes.at(-1), 3500);
    });
});

"use strict";

/*
 * Durable channels over everything that can happen to workers, nginx, the bus
 * and Redis: who was there, or comes back, has heard all that was acknowledged,
 * in order and once, or is told of the hole.  What it costs Redis is counted.
 */

const assert = require("node:assert/strict");
const { afterEach, describe, test } = require("node:test");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

const { metrics } = require("./ledger.js");
const { Nginx, sleep, until } = require("./nginx.js");
const { Proxy } = require("./proxy.js");
const { Reader } = require("./reader.js");
const { Redis } = require("./redis.js");
const { isReady } = require("./links.js");

const TENANT = "t";
const headers = { "X-Tenant": TENANT };
const key = (kind, channel) => `rt:{${TENANT}}:${kind}:${channel}`;

const HTTP = url => `
    rt_zone       $http_x_tenant zone=live:64m;
    rt_drain      window=50ms;
    rt_redis      ${url} timeout=2s connect_timeout=2s backoff=10ms:100ms;
    rt_namespace  kept  publish=any history=1000 ttl=10m durable;
    rt_namespace  few   publish=any history=50   ttl=10m durable;
    rt_namespace  brief publish=any history=1000 ttl=1s  durable;
    rt_max_queue  256k;
`;

const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
        location /api                  { rt_api zone=live; rt_api_key off; }
        location /metrics              { rt_metrics; }
`;


class Socket extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { headers });
    }
}


/* by the SDK: what it hears of a channel, and what it is told */
class Follower {
    constructor(nginx, channel) {
        Object.assign(this, { channel, heard: [], told: [], left: [] });

        this.client = new Centrifuge(nginx.url(), { websocket: Socket,
            minReconnectDelay: 20, maxReconnectDelay: 200, timeout: 5000 });
        this.sub = this.client.newSubscription(channel, {
            minResubscribeDelay: 20, maxResubscribeDelay: 200 });

        this.sub.on("publication", ({ offset, data }) =>
            this.heard.push({ offset, data }));
        this.sub.on("subscribed", ctx => this.told.push(ctx));
        this.sub.on("subscribing", ({ code }) => this.left.push(code));
        this.sub.on("error", () => {});
        this.client.on("error", () => {});
        this.sub.subscribe();
        this.client.connect();

        this.ready = this.subscribed(1);
    }

    subscribed(times) {
        return until(`${times} subscriptions`, () => this.told.length >= times);
    }

    offsets() {
        return this.heard.map(({ offset }) => offset);
    }

    hears(offset) {
        return until(`offset ${offset}`, () => this.offsets().at(-1) >= offset)
            .catch(error => {
                throw new Error(`${error.message}: ${this.offsets().at(-1)}`);
            });
    }

    /* every one of them, once and in order, whatever came in between */
    missedNothing(from, to) {
        assert.deepEqual(this.offsets(),
            Array.from({ length: to - from + 1 }, (_, i) => from + i));
        assert.deepEqual(this.told.slice(1).filter(ctx => !ctx.recovered), []);
        assert.equal(new Set(this.told.map(ctx => ctx.streamPosition.epoch))
                     .size, 1);
    }

    close() {
        this.client.disconnect();
    }
}


async function publish(nginx, channel, data, more = {}) {
    return (await nginx.api("publish", { channel, data, ...more }, headers))
        .body;
}


/* says it again, under its key, until it is accepted */
async function insist(nginx, channel, n) {
    return until(`publication ${n} is accepted`, () =>
        publish(nginx, channel, n, { idempotency_key: `${channel} ${n}` })
            .then(body => body.result, () => undefined));
}


async function many(nginx, channel, from, to) {
    let last;

    for (let n = from; n <= to; n++) {
        last = await publish(nginx, channel, n);
        assert.equal(last.result?.offset, n, JSON.stringify(last));
    }

    return last.result;
}


const history = async (nginx, channel, more = {}) =>
    (await nginx.api("history", { channel, limit: -1, ...more }, headers)).body;

/* scripts that Redis has run since the last call */
async function scripts(redis) {
    const { evalsha = 0 } = await redis.stats();

    await redis.call("CONFIG", "RESETSTAT");

    return evalsha;
}


/* a script with the stream, the meta and ten arguments */
const isPage = (args, channel) => args?.length === 15
    && args[0] === "EVALSHA" && args[3] === key("channel", channel);


/* a WebSocket that says and hears JSON, a thousand of which are no trouble */
function raw(nginx) {
    return new Promise((resolve, reject) => {
        const socket = new Socket(nginx.url());

        socket.heard = [];
        socket.on("message", text => String(text).split("\n").forEach(line =>
            socket.heard.push(JSON.parse(line))));
        socket.on("error", reject);
        socket.on("open", () => {
            socket.send('{"id":1,"connect":{}}');
            resolve(socket);
        });
    });
}


describe("durable channels", { timeout: 120000 }, () => {
    let open = [];

    const keep = thing => {
        open.push(() => thing.close?.() ?? thing.socket?.destroy());
        return thing;
    };

    const node = async (url, options = {}) => {
        const nginx = await Nginx.start({ workers: 2, http: HTTP(url),
                                          server: SERVER, ...options });

        open.unshift(async () => assert.deepEqual(await nginx.stop(), []));
        await isReady(nginx);

        return nginx;
    };

    const store = async (options = { aof: "always" }) => {
        const redis = await Redis.start(options);

        open.push(() => redis.stop());

        return redis;
    };

    const follow = async (nginx, channel) => {
        const f = keep(new Follower(nginx, channel));

        await f.ready;

        return f;
    };

    /* both know of each other, so that they tell each other */
    async function meet(...nodes) {
        for (const nginx of nodes) {
            await until("they know each other", async () =>
                (await metrics(nginx)).rt_bus_others === nodes.length - 1);
        }
    }

    /* clients go, then nginx, then what it is connected to */
    afterEach(async () => {
        const all = open;

        open = [];

        for (const end of all) {
            await end();
        }
    });


    test("workers are killed, nginx is reloaded, stopped, started: nothing is"
         + " missed", async () => {
        const redis = await store();
        const nginx = await node(redis.url());
        const all = await Promise.all(Array.from({ length: 4 }, () =>
            follow(nginx, "kept:x")));
        let n = 0, over = false;

        const publisher = (async () => {
            while (!over) {
                n++;
                assert.equal((await insist(nginx, "kept:x", n)).offset, n);
            }
        })();

        const some = async times => {
            const to = n + 20;

            await until("some are published", () => n >= to);
            await Promise.all(all.map(f => f.subscribed(times)));
        };

        await some(1);
        await nginx.killWorkers();
        await some(2);
        await nginx.reload();
        await some(3);
        await nginx.quit();
        await sleep(50);
        await nginx.run();
        await some(4);
        await nginx.killWorkers();
        await some(5);

        over = true;
        await publisher;

        for (const f of all) {
            await f.hears(n);
            f.missedNothing(1, n);
        }

        assert.equal((await redis.stream(key("channel", "kept:x"))).length, n);
    });


    test("Redis is killed and started with its AOF: subscribers stay, nothing"
         + " is missed", async () => {
        const redis = await store();
        const nginx = await node(redis.url());
        const f = await follow(nginx, "kept:x");
        const { epoch } = await many(nginx, "kept:x", 1, 5);

        for (let round = 0; round < 2; round++) {
            await redis.kill();
            await until("it is refused", async () =>
                (await publish(nginx, "kept:x", "no")).error?.code === 100);
            await redis.run();
            await isReady(nginx);
            await many(nginx, "kept:x", 6 + 5 * round, 10 + 5 * round);
        }

        await f.hears(15);
        f.missedNothing(1, 15);
        assert.equal(f.told.length, 1);
        assert.equal(f.told[0].streamPosition.epoch, epoch);
    });


    const losses = {
        "is killed and started without an AOF": async redis => {
            await redis.kill();
            await redis.run();
        },
        "is emptied (FLUSHALL)": redis => redis.call("FLUSHALL"),
        "has lost its files": async redis => {
            await redis.forget();
            await redis.run();
        },
    };

    for (const [what, lose] of Object.entries(losses)) {
        test(`Redis ${what}: those who are there and who were away are told`,
             async () => {
            const redis = await store(/AOF/.test(what) ? {}
                                                       : { aof: "always" });
            const nginx = await node(redis.url());
            const f = await follow(nginx, "kept:x");
            const away = await follow(nginx, "kept:x");
            const { epoch } = await many(nginx, "kept:x", 1, 5);

            await f.hears(5);
            await away.hears(5);
            away.client.disconnect();
            await lose(redis);
            await isReady(nginx);

            /* without a publication, too */
            await f.subscribed(2);
            away.client.connect();
            await away.subscribed(2);

            const { result } = await publish(nginx, "kept:x", "new");

            assert.notEqual(result.epoch, epoch);

            for (const one of [f, away]) {
                await until("the new one", () =>
                    one.heard.at(-1).data === "new");

                const ctx = one.told.at(-1);

                assert.equal(ctx.recovered, false);
                assert.equal(ctx.wasRecovering, true);
                assert.equal(ctx.streamPosition.epoch, result.epoch);
                assert.equal(one.heard.length, 6);
            }

            assert.ok(f.left.includes(2500), f.left.join());
        });
    }


    for (const first of ["a client", "a publication"]) {
        test(`Redis is started from a snapshot while nginx is down, ${first}`
             + " comes first: who had more is told", async () => {
            const redis = await store({});
            const nginx = await node(redis.url());
            const all = [await follow(nginx, "kept:x"),
                         await follow(nginx, "kept:x")];
            const { epoch } = await many(nginx, "kept:x", 1, 5);

            await redis.call("SAVE");
            await many(nginx, "kept:x", 6, 9);

            for (const f of all) {
                await f.hears(9);
                f.client.disconnect();
            }

            await nginx.quit();
            await redis.kill();
            await redis.run();
            await nginx.run();
            await isReady(nginx);

            if (first === "a client") {
                all[0].client.connect();
                await all[0].subscribed(2);
            }

            /* so that its offset is there, of another publication */
            const last = await many(nginx, "kept:x", 6, 12);

            assert.notEqual(last.epoch, epoch);

            for (const f of all) {
                f.client.connect();
                await f.subscribed(2);
                assert.equal(f.told[1].recovered, false);
                assert.equal(f.told[1].streamPosition.epoch, last.epoch);
            }

            assert.equal(all[1].heard.length, 9);
        });
    }


    test("a stream that was put back to an earlier state: a new epoch, told",
         async () => {
        const redis = await store();
        const nginx = await node(redis.url());
        const f = await follow(nginx, "kept:x");

        await many(nginx, "kept:x", 1, 5);

        const dump = await redis.connect();
        const keys = ["channel", "meta"].map(kind => key(kind, "kept:x"));

        /* as a replica that was behind: both keys are of then */
        for (const name of keys) {
            await dump.call("COPY", name, `${name}-then`);
        }

        await many(nginx, "kept:x", 6, 9);
        await f.hears(9);

        for (const name of keys) {
            await dump.call("RENAME", `${name}-then`, name);
        }

        dump.close();
        await f.subscribed(2);

        const { result } = await publish(nginx, "kept:x", "new");

        await until("the new one", () => f.heard.at(-1).data === "new");
        assert.equal(f.told[1].recovered, false);
        assert.notEqual(result.epoch, f.told[0].streamPosition.epoch);
        assert.equal(result.epoch, f.told[1].streamPosition.epoch);
    });


    test("messages of the bus are lost: the gaps are read from the stream",
         async () => {
        const redis = await store();
        const proxy = await Proxy.start(redis);

        open.push(() => proxy.stop());

        const a = await node(redis.url());
        const b = await node(proxy.url());
        const f = await follow(b, "kept:x");
        const is = what => (channel, text) => /:bus:kept:x$/.test(channel)
            && /^1 p /.test(text) && what(Number(text.split(" ")[3]))
            ? "drop" : undefined;

        await meet(a, b);

        const { offset: first } = await insist(a, "kept:x", "first");

        await f.hears(first);

        proxy.onMessage = is(offset => offset % 3 === 0);
        await many(a, "kept:x", first + 1, first + 30);
        proxy.onMessage = undefined;
        await many(a, "kept:x", first + 31, first + 31);
        await f.hears(first + 31);

        /* one that nothing follows is found when positions are compared */
        proxy.onMessage = is(() => true);
        await many(a, "kept:x", first + 32, first + 40);
        await f.hears(first + 40);
        proxy.onMessage = undefined;

        /* all connections at once, while it goes on */
        for (let n = first + 41; n <= first + 80; n++) {
            await many(a, "kept:x", n, n);

            if (n % 10 === 0) {
                proxy.cut();
            }
        }

        await f.hears(first + 80);
        f.missedNothing(1, first + 80);
        assert.equal(f.told.length, 1);
    });


    for (const how of ["hears of it", "finds it when positions are compared"]) {
        test(`history_remove: another node's copy ${how}`, async () => {
            const redis = await store();
            const proxy = await Proxy.start(redis);

            open.push(() => proxy.stop());

            const a = await node(redis.url());
            const b = await node(proxy.url());
            const f = await follow(b, "kept:x");
            let told = 0;

            await meet(a, b);
            await many(a, "kept:x", 1, 3);
            await f.hears(3);
            assert.equal((await history(b, "kept:x")).result.publications
                         .length, 3);

            proxy.onMessage = (channel, text) => {
                if (/^1 e /.test(text)) {
                    told++;
                    return /hears/.test(how) ? undefined : "drop";
                }
                return undefined;
            };

            assert.deepEqual((await a.api("history_remove",
                { channel: "kept:x" }, headers)).body, { result: {} });

            await until("it is empty", async () =>
                (await history(b, "kept:x")).result.publications.length === 0);
            assert.equal(told, 1);

            await many(a, "kept:x", 4, 4);
            await f.hears(4);
            f.missedNothing(1, 4);
            assert.equal(f.told.length, 1);
            assert.deepEqual((await history(b, "kept:x")).result.publications
                             .map(pub => pub.offset), [4]);
        });
    }


    test("a gap that the stream does not have any more is told", async () => {
        const redis = await store();
        const proxy = await Proxy.start(redis);

        open.push(() => proxy.stop());

        const a = await node(redis.url());
        const b = await node(proxy.url());
        const f = await follow(b, "kept:x");

        await meet(a, b);
        await many(a, "kept:x", 1, 4);
        await f.hears(4);

        proxy.onMessage = channel => /:bus:/.test(channel) ? "drop" : undefined;

        /* no read passes before the entry is gone */
        proxy.onCommand = args => args[0] === "EVALSHA" && args.some(word =>
            word === key("channel", "kept:x")) ? "cut" : undefined;
        await many(a, "kept:x", 5, 5);
        await redis.call("XDEL", key("channel", "kept:x"), "5-0");
        proxy.onCommand = proxy.onMessage = undefined;

        await many(a, "kept:x", 6, 7);
        await f.subscribed(2);
        await many(a, "kept:x", 8, 8);
        await f.hears(8);

        /* it goes on behind the hole, which it knows of */
        assert.deepEqual(f.offsets(), [1, 2, 3, 4, 8]);
        assert.deepEqual(f.left.slice(1), [2500]);
        assert.equal(f.told[1].recovered, false);
        assert.equal(f.told[1].streamPosition.offset, 7);
        assert.equal(f.told.length, 2);
    });


    test("a node cut off from Redis: its subscribers stay, holes are filled"
         + " later, with two reads a channel", async () => {
        const redis = await store();
        const proxy = await Proxy.start(redis);
        const channels = Array.from({ length: 100 }, (_, i) => `kept:${i}`);

        open.push(() => proxy.stop());

        const a = await node(redis.url());
        const b = await node(proxy.url());
        const client = keep(new Follower(b, "few:x"));
        const subs = channels.map(channel => {
            const sub = client.client.newSubscription(channel);

            Object.assign(sub, { told: 0, heard: [] });
            sub.on("publication", ({ offset }) => sub.heard.push(offset));
            sub.on("subscribed", () => { sub.told++; });
            sub.subscribe();

            return sub;
        });

        await client.ready;
        await until("all subscriptions", () => subs.every(sub => sub.told));
        await meet(a, b);

        proxy.refuses = true;
        proxy.cut();

        for (const channel of channels) {
            await many(a, channel, 1, 3);
        }

        /* of this one more than the stream keeps */
        await many(a, "few:x", 1, 300);

        /* nobody is given what may be old */
        const late = keep(await raw(b));

        late.send('{"id":2,"subscribe":{"channel":"kept:0"}}');

        const { error } = await until("the reply", () =>
            late.heard.find(o => o.id === 2));

        assert.equal(error?.code, 100);
        assert.equal(error.temporary, true);
        assert.equal((await history(b, "kept:0")).error?.code, 100);

        proxy.commands.length = 0;
        proxy.refuses = false;

        await until("all of it", () =>
            subs.every(sub => sub.heard.length >= 3));
        await client.subscribed(2);

        for (const sub of subs) {
            assert.deepEqual(sub.heard, [1, 2, 3]);
            assert.equal(sub.told, 1);
        }

        assert.equal(client.told[1].recovered, false);
        assert.ok(client.left.includes(2500));

        const reads = proxy.commands.filter(args => args[0] === "EVALSHA"
            && args.some(word => /:channel:/.test(word))).length;

        console.log(`# 101 channels after an absence: ${reads} reads`);
        assert.ok(reads <= 2 * 101, `${reads} reads`);
    });


    test("a thousand come back at once to an nginx that was started again:"
         + " two reads a worker", async () => {
        const redis = await store();
        const nginx = await node(redis.url());
        const { epoch } = await many(nginx, "kept:x", 1, 40);
        const sockets = [];

        await nginx.quit();
        await nginx.run();
        await isReady(nginx);

        for (let i = 0; i < 1000; i += 100) {
            sockets.push(...await Promise.all(Array.from({ length: 100 }, () =>
                raw(nginx))));
        }

        open.unshift(() => sockets.forEach(socket => socket.terminate()));

        await until("all are connected", () =>
            sockets.every(socket => socket.heard.length));
        await scripts(redis);

        const before = process.hrtime.bigint();

        for (const socket of sockets) {
            socket.send(JSON.stringify({ id: 2, subscribe: {
                channel: "kept:x", recover: true, offset: 10, epoch } }));
        }

        const reply = socket => socket.heard.find(o => o.id === 2);

        await until("all have recovered", () => sockets.every(reply));

        const took = Number(process.hrtime.bigint() - before) / 1e6;
        const { evalsha = 0 } = await redis.stats();

        for (const socket of sockets) {
            const { subscribe } = reply(socket);

            assert.equal(subscribe.recovered, true);
            assert.deepEqual(subscribe.publications.map(pub => pub.offset),
                Array.from({ length: 30 }, (_, i) => 11 + i));
        }

        console.log(`# 1000 clients recovered in ${took.toFixed()} ms with`
                    + ` ${evalsha} scripts`);

        /* the watch compares positions, and says that the node is alive */
        assert.ok(evalsha <= 2 * nginx.workers + 2 * (2 + took / 1000),
                  `${evalsha} scripts`);
    });


    /* whose copy begins with the latest 300 of 900 */
    async function old(nginx, channel, followers) {
        const { epoch } = await many(nginx, channel, 1, 100);

        for (const f of followers) {
            await f.hears(100);
            f.client.disconnect();
        }

        await many(nginx, channel, 101, 900);
        await nginx.quit();
        await nginx.run();
        await isReady(nginx);

        return epoch;
    }


    test("history has all that was accepted before it was asked for, though a"
         + " read is on its way", async () => {
        const redis = await store();
        const proxy = await Proxy.start(redis);

        open.push(() => proxy.stop());

        const a = await node(redis.url());
        const b = await node(proxy.url(), { workers: 1 });

        await many(a, "kept:x", 1, 2);

        let reads = 0;

        proxy.onReply = (value, args) => isPage(args, "kept:x")
            && reads++ === 0 ? { delay: 500 } : undefined;

        const first = history(b, "kept:x");

        await until("it is read", () => reads);
        await many(a, "kept:x", 3, 3);

        const second = await Promise.all(Array.from({ length: 5 }, () =>
            history(b, "kept:x")));

        for (const { result } of second) {
            assert.equal(result.offset, 3);
            assert.equal(result.publications.length, 3);
        }

        assert.ok((await first).result.offset >= 2);
        assert.equal(reads, 2);

        const { rt_redis_read_pages_total: pages,
                rt_redis_read_shared_total: shared } = await metrics(b);

        assert.deepEqual([pages, shared], [2, 4]);
    });


    test("more is asked for than is read at once: all are answered, or told"
         + " that Redis went away", async () => {
        const redis = await store();
        const proxy = await Proxy.start(redis);
        const channels = Array.from({ length: 300 }, (_, i) => `kept:${i}`);

        open.push(() => proxy.stop());

        const nginx = await node(proxy.url(), { workers: 1 });

        await nginx.api("broadcast", { channels, data: 1 }, headers);

        const all = () => Promise.all(channels.map(channel =>
            history(nginx, channel)));
        const read = (await all()).map(({ result }) =>
            result?.publications.map(pub => pub.offset));

        assert.deepEqual(read, channels.map(() => [1]));

        proxy.hold();

        const held = all();

        await until("some are asked for", () => proxy.commands.filter(args =>
            channels.some(channel => isPage(args, channel))).length > 300);
        proxy.refuses = true;
        proxy.cut();
        proxy.release();

        for (const { error } of await held) {
            assert.equal(error?.code, 100);
        }

        proxy.refuses = false;
        await isReady(nginx);
        assert.ok((await all()).every(({ result }) => result?.offset === 1));
    });


    test("who missed more than a copy has gets it from the stream: a read a"
         + " page, for all who are there", async () => {
        const redis = await store();
        const nginx = await node(redis.url());
        const f = await follow(nginx, "kept:x");
        const epoch = await old(nginx, "kept:x", [f]);

        f.client.connect();
        await f.hears(900);
        assert.equal(f.told[1].recovered, true);

        const sockets = [];

        open.unshift(() => sockets.forEach(socket => socket.terminate()));

        for (let i = 0; i < 200; i++) {
            sockets.push(await raw(nginx));
        }

        await scripts(redis);

        const since = performance.now();

        for (const socket of sockets) {
            socket.send(JSON.stringify({ id: 2, subscribe: {
                channel: "kept:x", recover: true, offset: 100, epoch } }));
        }

        const offsets = socket => socket.heard.flatMap(o =>
            o.subscribe?.publications ?? o.push?.pub ?? [])
            .map(pub => pub.offset);

        await many(nginx, "kept:x", 901, 901);
        await until("all have all", () => sockets.every(socket =>
            offsets(socket).at(-1) === 901));

        const { evalsha } = await redis.stats();
        const seconds = (performance.now() - since) / 1000;
        const all = Array.from({ length: 801 }, (_, i) => 101 + i);

        for (const socket of sockets) {
            assert.deepEqual(offsets(socket), all);
            assert.equal(socket.heard.find(o => o.id === 2).subscribe
                         .recovered, true);
        }

        await f.hears(901);
        f.missedNothing(1, 901);

        /* one alone would take ten or so */
        console.log(`# 200 clients have recovered 801 publications each with`
                    + ` ${evalsha} scripts`);
        assert.ok(evalsha <= sockets.length + 2 * (2 + seconds),
                  `${evalsha} scripts`);
    });


    test("the server subscribes from further back: it is pushed, or the client"
         + " is told when the stream has it no more", async () => {
        const redis = await store();
        const nginx = await node(redis.url());
        const epoch = await old(nginx, "kept:x", []);
        const all = Array.from({ length: 800 }, (_, i) => 101 + i);

        /* one that stays, so that the copy does */
        const other = await follow(nginx, "kept:x");

        const back = async () => {
            const socket = keep(await raw(nginx));
            const closed = new Promise(resolve => socket.on("close", resolve));
            const { connect } = await until("connected", () =>
                socket.heard.find(o => o.id === 1));

            await nginx.api("subscribe", { client: connect.client, user: "",
                channel: "kept:x", recover_since: { offset: 100, epoch } },
                headers);

            const { push } = await until("the push", () =>
                socket.heard.find(o => o.push?.subscribe));

            return { socket, closed, told: push.subscribe };
        };

        const first = await back();
        const offsets = () => first.socket.heard.flatMap(o =>
            o.push?.pub?.offset ?? []);

        assert.equal(first.told.recovered, true);
        await until("all of it", () => offsets().at(-1) === 900);
        assert.deepEqual(offsets(), all);

        await redis.call("XTRIM", key("channel", "kept:x"), "MINID", "301-0");

        const second = await back();

        assert.equal(await second.closed, 3010);
        assert.ok(!second.socket.heard.some(o => o.push?.pub));

        const third = await back();

        assert.equal(third.told.recovered, undefined);
        assert.equal(third.told.offset, 900);
        await many(nginx, "kept:x", 901, 901);
        await until("what is new", () => third.socket.heard.some(o =>
            o.push?.pub?.offset === 901));
        await other.hears(901);
    });


    test("Redis goes away meanwhile: it goes on later, and nothing is missed",
         async () => {
        const redis = await store();
        const proxy = await Proxy.start(redis);

        open.push(() => proxy.stop());

        const nginx = await node(proxy.url());
        const f = await follow(nginx, "kept:x");
        let pages = 0;

        await old(nginx, "kept:x", [f]);

        proxy.onCommand = args => isPage(args, "kept:x")
            && ++pages % 7 === 0 ? "cut" : undefined;

        f.client.connect();
        await f.hears(900);
        await many(nginx, "kept:x", 901, 901);
        await f.hears(901);
        f.missedNothing(1, 901);
        assert.ok(pages > 6, `${pages} pages`);
    });


    test("a slow subscriber is served at its own pace, and told when it falls"
         + " off", async () => {
        const redis = await store();
        const nginx = await node(redis.url(), { workers: 1 });
        const pad = "x".repeat(20000);
        const deaf = keep(new Reader(nginx, TENANT, ["kept:x", "few:x"]));
        const n = channel => deaf.heard.filter(o => o.push?.pub
            && o.push.channel === channel).map(o => o.push.pub.data.n);

        await deaf.ready;
        deaf.socket.pause();

        /* sockets take some megabytes before its queue does */
        const pour = async (channel, to) => {
            for (let i = 1; i <= to; i += 50) {
                await nginx.api("batch", { commands: Array.from({ length: 50 },
                    (_, j) => ({ publish: { channel,
                                            data: { n: i + j, pad } } })) },
                    headers);
            }
        };

        await pour("kept:x", 900);

        deaf.socket.resume();
        await until("all of it", () => n("kept:x").length === 900);
        assert.deepEqual(n("kept:x"), Array.from({ length: 900 },
                                                 (_, i) => i + 1));

        const { rt_history_deliveries_total: late } = await metrics(nginx);

        assert.ok(late > 0, "its queue was never full");

        deaf.socket.pause();

        await pour("few:x", 1500);

        deaf.socket.resume();

        const told = await until("it is told", () => deaf.heard.find(o =>
            o.push?.channel === "few:x" && o.push.unsubscribe));

        assert.equal(told.push.unsubscribe.code, 2500);

        const heard = n("few:x");

        assert.deepEqual(heard, heard.map((_, i) => i + 1));
        assert.ok(heard.length < 1500);
        assert.ok(!deaf.ended);
    });


    test("retention by count: readers have exactly as many", async () => {
        const redis = await store();
        const nginx = await node(redis.url());

        const read = async () => {
            const { result } = await history(nginx, "few:x");

            return result.publications.map(pub => pub.offset);
        };

        const { epoch } = await many(nginx, "few:x", 1, 400);
        const kept = Array.from({ length: 50 }, (_, i) => 351 + i);
        const length = Number(await redis.call("XLEN",
                                               key("channel", "few:x")));

        console.log(`# history=50: ${length} entries in the stream`);
        assert.ok(length >= 50 && length <= 150, `${length} entries`);

        /* from the stream, and from a copy */
        assert.deepEqual(await read(), kept);

        for (const [offset, recovered] of [[349, undefined], [350, true]]) {
            const socket = keep(await raw(nginx));

            socket.send(JSON.stringify({ id: 2, subscribe: {
                channel: "few:x", recover: true, offset, epoch } }));

            const { subscribe } = await until("the reply", () =>
                socket.heard.find(o => o.id === 2));

            assert.equal(subscribe.recovered, recovered, `since ${offset}`);
            assert.deepEqual(subscribe.publications?.map(pub => pub.offset),
                             recovered && kept);
        }

        assert.deepEqual(await read(), kept);
    });


    test("retention by age: the stream gives its room back, its position stays",
         async () => {
        const redis = await store();
        const nginx = await node(redis.url());
        const stream = key("channel", "brief:x");
        let n = 0;

        /* by those that come later */
        const entries = await until("something is trimmed", async () => {
            await many(nginx, "brief:x", ++n, n);

            const list = await redis.stream(stream);

            return list[0].id !== "1-0" && list;
        });

        const oldest = Date.now() - Number(entries[0].fields.time);

        console.log(`# ttl=1s: ${entries.length} of ${n} entries, the oldest`
                    + ` ${oldest} ms old`);
        assert.ok(Number(entries[0].id.slice(0, -2)) > 1);

        await until("the stream is gone", async () =>
            await redis.call("EXISTS", stream) === 0);

        const { result } = await history(nginx, "brief:x");

        assert.deepEqual(result.publications, []);
        assert.equal(result.offset, n);

        const last = await many(nginx, "brief:x", n + 1, n + 1);

        assert.equal(last.epoch, result.epoch);
    });
});

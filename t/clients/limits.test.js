"use strict";

/*
 * Limits and the others: a tenant at a hundred times its limits, and how long
 * its neighbour's messages take meanwhile; limits that a reload changes, or
 * would have changed; the SDK, which comes back by itself.
 *
 * The flood comes from a process of its own, so that the clock of the
 * neighbour is not late because of it.
 */

const assert = require("node:assert/strict");
const { fork } = require("node:child_process");
const fs = require("node:fs");
const { once } = require("node:events");
const { test } = require("node:test");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

const { children } = require("./ledger.js");
const { Nginx, sleep, tool, until } = require("./nginx.js");


const RATE = 100;                             /* publications a second */
const BURST = 100;
const TIMES = 100;                            /* so much does it try */
const SUBSCRIBERS = 50;                       /* to whom each would go */
const SECONDS = 2;

/* the neighbour's p99 may be so much longer; and a turn of a busy machine */
const FACTOR = 10;
const SLACK_MS = 10;

const http = limits => `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_drain      window=100ms;
    rt_namespace  chat  publish=subscriber;
    ${limits}
`;

const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
        location /api                  { rt_api zone=live; rt_api_key off; }
        location /metrics              { rt_metrics; }
`;


/* connected; commands(...) sends, and answers with the replies by their ids */
async function client(port, tenant) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/connection/websocket`,
                                 { headers: { "X-Tenant": tenant } });
    const waits = new Map();
    let id = 0;

    socket.pushes = 0;
    socket.heard = () => {};
    socket.on("message", text => {
        for (const line of text.toString().split("\n")) {
            const m = JSON.parse(line);

            if (m.id) {
                waits.get(m.id)(m);
                waits.delete(m.id);

            } else if (m.push) {
                socket.pushes++;
                socket.heard(m.push);
            }
        }
    });

    socket.on("close", code => {
        waits.forEach(resolve => resolve({ error: { code } }));
        waits.clear();
    });

    socket.commands = (...list) => {
        const replies = list.map(() => new Promise(resolve =>
            waits.set(++id, resolve)));
        const from = id - list.length;

        socket.send(list.map((c, i) => JSON.stringify({ id: from + i + 1, ...c }))
                        .join("\n"));

        return Promise.all(replies);
    };

    await once(socket, "open");
    await socket.commands({ connect: {} });

    return socket;
}


const subscribe = (...channels) =>
    channels.map(channel => ({ subscribe: { channel } }));

const publish = (channel, data) => ({ publish: { channel, data } });


/* another process: TIMES the rate, each to SUBSCRIBERS */
async function flood(port) {
    const all = await Promise.all(Array.from({ length: SUBSCRIBERS },
        () => client(port, "greedy")));
    const [talker] = all;

    await Promise.all(all.map(c => c.commands(...subscribe("chat:greedy"))));
    process.send({ ready: true });
    await once(process, "message");

    const told = { tried: 0, accepted: 0, denied: 0, other: 0 };
    const start = Date.now();
    const replies = [];

    while (Date.now() < start + SECONDS * 1000
           && talker.readyState === WebSocket.OPEN) {
        const due = (Date.now() - start) / 1000 * RATE * TIMES + 10;
        const list = [];

        /* what was late comes in several messages: rt_max_message */

        while (told.tried < due && list.length < 300) {
            list.push(publish("chat:greedy", told.tried++));
        }

        if (list.length) {
            replies.push(talker.commands(...list));
        }

        await sleep(told.tried < due ? 0 : 5);
    }

    for (const r of (await Promise.all(replies)).flat()) {
        if (r.publish) {
            told.accepted++;
        } else if (r.error.code === 111 && r.error.temporary) {
            told.denied++;
        } else {
            told.other++;
        }
    }

    told.seconds = (Date.now() - start) / 1000;
    process.send(told);
    all.forEach(c => c.terminate());
    process.disconnect();
}


/* how long a message takes to another client, within the limits: the p99 */
async function p99(from, to, seconds) {
    const took = [];
    const end = Date.now() + seconds * 1000;

    while (Date.now() < end) {
        const heard = new Promise(resolve => { to.heard = resolve; });
        const start = process.hrtime.bigint();

        const [[reply]] = await Promise.all(
            [from.commands(publish("chat:quiet", 1)), heard]);

        took.push(Number(process.hrtime.bigint() - start) / 1e6);
        assert.ok(reply.publish, `denied: ${JSON.stringify(reply)}`);
        await sleep(1000 / RATE);
    }

    took.sort((a, b) => a - b);

    return { n: took.length, ms: took[Math.floor(took.length * 0.99)] };
}


async function metric(port, name, tenant) {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    const head = `rt_tenant_${name}{zone="live",tenant="${tenant}"} `;
    const line = (await answer.text()).split("\n")
        .find(l => l.startsWith(head));

    return line ? Number(line.slice(head.length)) : 0;
}


async function serve(options, work) {
    const nginx = await Nginx.start({ server: SERVER, ...options });

    try {
        await work(nginx);

    } catch (error) {
        await nginx.stop();
        throw error;
    }

    const alarms = await nginx.stop();

    assert.deepEqual(alarms.filter(l => !nginx.meant?.test(l)), []);
}


/* who comes to a worker that is about to leave may be sent away: once more */
async function again(ask) {
    for (;;) {
        try {
            return await ask();

        } catch (error) {
            if (error.code !== "ECONNRESET") {
                throw error;
            }
        }
    }
}


/* other words in the configuration; nginx is not told */
function rewrite(nginx, was, now) {
    const path = `${nginx.prefix}/nginx.conf`;
    const text = fs.readFileSync(path, "utf8");

    assert.ok(text.includes(was), was);
    fs.writeFileSync(path, text.replace(was, now));
}


function tests() {
    test("a tenant at a hundred times its limits, its neighbour's p99",
         { timeout: 60000 }, () => serve({
            workers: 2,
            http: http(`rt_limit publish tenant rate=${RATE}r/s burst=${BURST};`),
        }, async nginx => {
            const [from, to] = await Promise.all(
                [client(nginx.port, "quiet"), client(nginx.port, "quiet")]);

            await from.commands(...subscribe("chat:quiet"));
            await to.commands(...subscribe("chat:quiet"));

            const child = fork(__filename, ["flood", nginx.port],
                               { execArgv: [] });
            await once(child, "message");
            await p99(from, to, 0.3);

            const alone = await p99(from, to, SECONDS);

            const told = once(child, "message");
            child.send("go");
            await sleep(100);

            const beside = await p99(from, to, SECONDS - 0.2);
            const [greedy] = await told;

            from.terminate();
            to.terminate();

            const text = `alone ${alone.ms.toFixed(2)} ms (${alone.n}), beside `
                + `${beside.ms.toFixed(2)} ms (${beside.n}), `
                + JSON.stringify(greedy);
            console.log(`# ${text}`);

            assert.ok(tool || beside.ms <= FACTOR * alone.ms + SLACK_MS,
                      text);
            assert.equal(greedy.other, 0, text);
            assert.equal(greedy.accepted + greedy.denied, greedy.tried);
            assert.ok(greedy.tried >= 0.5 * TIMES * RATE * SECONDS, text);
            assert.ok(greedy.accepted <= BURST + RATE * greedy.seconds, text);
            assert.ok(greedy.accepted >= RATE * SECONDS / 2, text);
            assert.equal(await metric(nginx.port, "limited_publishes_total",
                                      "greedy"), greedy.denied);
            assert.equal(await metric(nginx.port, "limited_publishes_total",
                                      "quiet"), 0);
        }));


    test("a reload raises a rate at once, one that fails changes nothing",
         () => serve({
            http: http(`rt_limit publish tenant rate=1r/m burst=2;
                        rt_limit connections tenant max=1;`),
        }, async nginx => {
            const say = async () => (await again(() => nginx.api("publish",
                { channel: "chat:x", data: 1 }, { "X-Tenant": "t" }))).body;

            await say();
            await say();
            assert.equal((await say()).error.code, 111);

            /* it fails once the first zone is there already */

            rewrite(nginx, "rt_limit connections tenant max=1;",
                    "rt_limit connections tenant max=3; "
                    + "rt_zone $host zone=z:1m;");
            await nginx.reload();
            rewrite(nginx, "max=3", "max=5");
            rewrite(nginx, "rt_zone $host", "rt_zone $uri");
            nginx.meant = /"z" uses the "\$uri" key/;
            nginx.child.kill("SIGHUP");
            await until("a reload that fails", () => fs.readFileSync(
                `${nginx.prefix}/error.log`, "utf8").match(nginx.meant));

            await Promise.all(Array.from({ length: 3 },
                () => again(() => client(nginx.port, "t"))));
            await assert.rejects(client(nginx.port, "t"), /429/);
            assert.equal((await say()).error.code, 111);

            rewrite(nginx, "rt_zone $uri", "rt_zone $host");
            rewrite(nginx, "rate=1r/m burst=2", "rate=1000r/s burst=1000");
            rewrite(nginx, "max=5", "max=4");
            await nginx.reload();

            await until("the new rate", async () => (await say()).result);

            /* a worker that is told to stop while it drains says so */
            await until("the old worker is gone", () =>
                children(nginx).length === nginx.workers);
        }));


    test("the SDK comes back by itself when there is room", () => serve({
        http: http("rt_limit connections tenant max=1;"
                   + "rt_limit channels tenant max=1;"),
    }, async nginx => {
        const sdk = () => new Centrifuge(nginx.url(), { websocket: WebSocket,
            minReconnectDelay: 50, maxReconnectDelay: 200 });
        const first = sdk();
        const second = sdk();
        let refused = 0;

        first.connect();
        await first.ready(5000);

        second.on("error", () => { refused++; });
        second.connect();
        await until("it is refused", () => refused >= 2);
        assert.equal(second.state, "connecting");

        first.disconnect();
        await second.ready(5000);

        /* the same for a channel */

        const one = second.newSubscription("chat:one");
        const two = second.newSubscription("chat:two",
            { minResubscribeDelay: 50, maxResubscribeDelay: 200 });
        let error;

        one.subscribe();
        await one.ready(5000);
        two.on("error", ctx => { error = ctx.error; });
        two.subscribe();
        await until("it is denied", () => error);
        assert.equal(error.code, 111);
        assert.match(error.message, /rt_limit channels tenant, 1 at most/);
        assert.equal(two.state, "subscribing");

        one.unsubscribe();
        await two.ready(5000);
        second.disconnect();
    }));
}


if (process.argv[2] === "flood") {
    flood(process.argv[3]);

} else {
    tests();
}

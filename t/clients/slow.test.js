"use strict";

/*
 * Clients that do not keep up: what each policy of a namespace spares them, what
 * they are told, what the metrics say, and that nobody else notices.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { test } = require("node:test");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

const { Nginx, slow, tool, until } = require("./nginx.js");
const { conf, get, metrics, private_ } = require("./ledger.js");
const { Reader } = require("./reader.js");


const HTTP = `
    rt_zone         $http_x_tenant zone=live:16m log=4m;
    rt_namespace    default;
    rt_namespace    keep;
    rt_namespace    oldest slow=drop;
    rt_namespace    latest slow=conflate;
    rt_max_queue    256k;
    rt_max_backlog  32m tenant=16m;
    rt_ping_interval 1h;
`;

const PAD = "x".repeat(8000);


async function run(body, options = {}) {
    const nginx = await Nginx.start({ workers: 1, text: conf({ http: HTTP }),
                                      ...options });
    const open = [];

    nginx.reader = async (channels, tenant = "t") => {
        const r = new Reader(nginx, tenant, channels);

        open.push(r);
        await r.ready;

        return r;
    };

    nginx.publish = async (channel, data, tenant = "t") => {
        const { status, body: said } = await nginx.api("publish",
            { channel, data }, { "X-Tenant": tenant });

        assert.equal(status, 200);
        assert.deepEqual(said, { result: {} });
    };

    try {
        await body(nginx);

    } finally {
        open.forEach(r => r.socket.destroy());
        assert.deepEqual(await nginx.stop(), []);
    }
}


/* what is counted of a namespace by that policy, and by no other */
async function drops(nginx, namespace, policy) {
    const lines = (await get(nginx, "/metrics")).split("\n").filter(line =>
        line.startsWith("rt_namespace_drops_total{"));
    const head = `rt_namespace_drops_total{zone="live",`
                 + `namespace="${namespace}",policy="${policy}"} `;

    assert.ok(lines.length === 1 && lines[0].startsWith(head), lines.join());

    return Number(lines[0].slice(head.length));
}


const rises = numbers => numbers.every((n, i) => i === 0
                                                 || n > numbers[i - 1]);

const N = 1800;                           /* of 8 KB: more than any socket */


test("slow=drop: the oldest go, the order stays, and it is told", () =>
    run(async nginx => {
        const slow = await nginx.reader(["oldest:a"]);
        const fast = await nginx.reader(["oldest:a"]);

        slow.socket.pause();

        for (let n = 1; n <= N; n++) {
            await nginx.publish("oldest:a", { n, PAD });
        }

        await until("all of them", () =>
            fast.numbers("oldest:a").length === N);
        assert.equal(fast.lost("oldest:a"), 0);

        slow.socket.resume();
        await until("the last", () =>
            slow.numbers("oldest:a").at(-1) === N);

        const got = slow.numbers("oldest:a");

        assert.ok(rises(got), "out of order, or twice");
        assert.ok(got.length < N, "nothing was lost, so nothing was shown");

        await until("what it lost", () => slow.lost("oldest:a"));
        assert.equal(slow.lost("oldest:a"), N - got.length);

        const seen = await metrics(nginx);

        assert.equal(seen.rt_tenant_drops_oldest_total, N - got.length);
        assert.equal(seen.rt_tenant_drops_total, N - got.length);
        assert.equal(await drops(nginx, "oldest", "drop"), N - got.length);
        assert.equal(seen.rt_tenant_slow_closes_total, 0);

        /* the connection goes on */
        await nginx.publish("oldest:a", { n: N + 1 });
        await until("one more", () =>
            slow.numbers("oldest:a").at(-1) === N + 1);
    }));


test("the SDK hands on what was lost", () => run(async nginx => {
    let last;

    class Socket extends WebSocket {
        constructor(url, protocols) {
            super(url, protocols, { headers: { "X-Tenant": "t" } });
            last = this;
        }
    }

    const c = new Centrifuge(nginx.url("ws"), { websocket: Socket });
    const sub = c.newSubscription("oldest:a");
    const heard = [];
    const told = [];

    sub.on("publication", ctx => heard.push(ctx.data.n));
    c.on("message", ctx => told.push(ctx.data));
    sub.subscribe();
    c.connect();
    await sub.ready(10000);

    last.pause();

    for (let n = 1; n <= N; n++) {
        await nginx.publish("oldest:a", { n, PAD });
    }

    last.resume();
    await until("what it lost", () => told.length);

    const { type, channel, messages } = told[0];

    assert.deepEqual([type, channel], ["rt.lost", "oldest:a"]);
    assert.equal(messages, N - heard.length);
    c.disconnect();
}));


test("slow=conflate: the latest of each channel stays", () =>
    run(async nginx => {
        const slow = await nginx.reader(["latest:a", "latest:b", "oldest:c"]);

        slow.socket.pause();

        /* six in one go: of those too only the latest stays */
        for (let n = 0; n < N; n += 6) {
            const { status } = await nginx.api("batch", {
                commands: [1, 2, 3, 4, 5, 6].map(i => ({ publish: {
                    channel: i % 3 ? "latest:a" : "latest:b",
                    data: { n: n + i, PAD: PAD.slice(0, 4000) } } })),
            }, { "X-Tenant": "t" });

            assert.equal(status, 200);
        }

        slow.socket.resume();
        await until("the latest of both", () =>
            slow.numbers("latest:a").at(-1) === N - 1
            && slow.numbers("latest:b").at(-1) === N);

        const a = slow.numbers("latest:a"), b = slow.numbers("latest:b");

        assert.ok(rises(a) && rises(b), "out of order, or twice");
        assert.ok(a.length + b.length < N, "nothing was lost");

        await until("what it lost", () =>
            slow.lost("latest:a") + slow.lost("latest:b")
            === N - a.length - b.length);

        const seen = await metrics(nginx);

        assert.equal(seen.rt_tenant_conflations_total,
                     N - a.length - b.length);
        assert.equal(await drops(nginx, "latest", "conflate"),
                     N - a.length - b.length);
        assert.equal(slow.lost("oldest:c"), 0);
    }));


test("the policy of the publication that does not fit decides", () =>
    run(async nginx => {
        const slow = await nginx.reader(["oldest:a", "keep:b"]);

        slow.socket.pause();

        for (let n = 1; n <= N; n++) {
            await nginx.publish("oldest:a", { n, PAD });
        }

        let n = 0;

        /* the queue is full of the other channel's, which it must not touch */
        while ((await metrics(nginx)).rt_tenant_slow_closes_total === 0) {
            await nginx.publish("keep:b", { n: ++n, PAD });
            assert.ok(n < N, "it was never closed");
        }

        slow.socket.resume();
        await until("the close", () => slow.code);
        assert.equal(slow.code, 3008);
    }));


const seconds = pid => {
    const text = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    const [user, system] = text.split(") ")[1].split(" ").slice(11, 13);

    return (+user + +system) / 100;
};

const median = list => list.toSorted((a, b) => a - b)[list.length >> 1];


/* the publisher's clock is ours: from before the request to the reading */
async function latency(nginx, reader, channel, tenant, n) {
    const times = [];

    for (let i = 0; i < n; i++) {
        const start = performance.now();
        const have = reader.heard.length;

        await nginx.publish(channel, { n: i }, tenant);
        await until("it arrives", () => reader.heard.length > have);

        times.push(reader.heard.at(-1).at - start);
    }

    return median(times);
}


/*
 * Memory: what the backlog may take, the free lists, and the allocator's
 * slack.  The neighbour's latency: within a factor, or within what the flood
 * itself takes of a shared core.
 */
test("1,000 that never read: memory at its bound, a neighbour serves on", () =>
    run(async nginx => {
        const neighbour = await nginx.reader(["news"], "other");
        const [pid] = nginx.workerPids();

        const channels = ["oldest:x", "latest:x", "keep:x"];
        const deaf = [];

        while (deaf.length < 1000) {
            deaf.push(...await Promise.all(Array.from({ length: 50 }, (_, i) =>
                nginx.reader(deaf.length < 900 ? [channels[i % 2]]
                                               : channels))));
        }

        deaf.forEach(r => r.socket.pause());

        const quiet = await latency(nginx, neighbour, "news", "other", 100);
        const before = private_(pid);

        let stop = false, sent = 0, most = 0;

        const flood = (async () => {
            while (!stop) {
                await Promise.all(channels.map(c =>
                    nginx.publish(c, { n: ++sent, PAD })));
                most = Math.max(most, private_(pid));
            }
        })();

        await until("it is much", () => sent > 1500, 60000);

        const busy = await latency(nginx, neighbour, "news", "other", 100);

        stop = true;
        await flood;

        const grown = (most - before) / 1048576;

        console.log(`# ${sent} publications, memory grew by `
                    + `${grown.toFixed(1)} MB, the neighbour's median `
                    + `${quiet.toFixed(2)} ms, ${busy.toFixed(2)} ms in it`);

        assert.ok(tool || grown < 16 + 16, `memory grew by ${grown} MB`);
        assert.ok(busy < Math.max(50 * slow, 20 * quiet), `${busy} ms`);
        assert.equal(neighbour.numbers("news").length, 200);

        const seen = await metrics(nginx);

        assert.ok(seen.rt_tenant_slow_closes_total >= 100);
        assert.ok(seen.rt_tenant_drops_oldest_total > 0);
        assert.ok(seen.rt_tenant_conflations_total > 0);
    }, { text: conf({ http: HTTP, main: "worker_rlimit_nofile 4096;",
                      connections: 4096 }) }));


test("a tenant's backlog has its bound, and is not its neighbour's", () =>
    run(async nginx => {
        const patient = await nginx.reader(["keep:y"], "other");
        const greedy = [];

        for (let i = 0; i < 20; i++) {
            greedy.push(await nginx.reader([`keep:${i}`]));
        }

        const [pid] = nginx.workerPids(), before = private_(pid);

        [patient, ...greedy].forEach(r => r.socket.pause());

        /* beyond what its socket takes, and within its queue */
        let n = 0;

        do {
            await nginx.publish("keep:y", { n: ++n, PAD }, "other");
        } while (private_(pid) - before < 512 * 1024);

        for (let k = 0; k < 600; k++) {
            await Promise.all(greedy.map((_, i) =>
                nginx.publish(`keep:${i}`, { n: k, PAD })));
        }

        const grown = (private_(pid) - before) / 1048576;

        console.log(`# memory grew by ${grown.toFixed(1)} MB`);
        assert.ok(tool || grown < 4 + 8, `memory grew by ${grown} MB`);
        assert.ok((await metrics(nginx)).rt_tenant_slow_closes_total > 0);

        patient.socket.resume();
        await until("all of it", () => patient.numbers("keep:y").length === n);
        assert.equal(patient.code, undefined);
    }, { text: conf({ http: HTTP.replace("256k", "1m")
                                .replace("tenant=16m", "tenant=4m") }) }));


test("small publications count with what it takes to remember them", () =>
    run(async nginx => {
        const TURNS = 150;
        const small = Array.from({ length: 100 }, (_, i) => `oldest:${i}`);
        const deaf = [];

        while (deaf.length < 25) {
            deaf.push(await nginx.reader(["latest:f", ...small]));
        }

        const fresh = await nginx.reader(["oldest:0"]);
        const [pid] = nginx.workerPids();

        deaf.forEach(r => r.socket.pause());

        /* until their sockets take no more; of these only one will wait */
        for (let n = 0; n < 150; n++) {
            await nginx.publish("latest:f", { n, PAD: PAD.repeat(4) });
        }

        const before = private_(pid), cpu = seconds(pid);
        let most = 0;

        for (let n = 1; n <= TURNS; n++) {
            const { status } = await nginx.api("batch", {
                commands: small.map(channel =>
                    ({ publish: { channel, data: { n } } })),
            }, { "X-Tenant": "t" });

            assert.equal(status, 200);
            most = Math.max(most, private_(pid));
        }

        const grown = (most - before) / 1048576;
        const turn = (seconds(pid) - cpu) / TURNS * 1000;

        console.log(`# memory grew by ${grown.toFixed(1)} MB, a turn with `
                    + `100 channels took ${turn.toFixed(1)} ms`);

        assert.ok(tool || grown < 4 + 1, `memory grew by ${grown} MB`);
        assert.ok(turn < 50, `${turn} ms`);

        /* who keeps up has all of it */
        await until("all", () => fresh.numbers("oldest:0").length === TURNS);
        assert.ok((await metrics(nginx)).rt_tenant_drops_oldest_total > 0);
    }, { text: conf({ http: HTTP.replace("256k", "1m")
        .replace("32m tenant=16m", "4m tenant=4m") }) }));

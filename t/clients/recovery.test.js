"use strict";

/*
 * Channels with a history: nothing is missed over kills, reloads, laps of the
 * log and a client's own slowness, or the client is told; with the real SDK and
 * with clients that do not read.
 */

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const net = require("node:net");
const { test } = require("node:test");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

const { Nginx, until } = require("./nginx.js");
const { conf, metrics, rewrite } = require("./ledger.js");


const HTTP = `
    rt_zone         $http_x_tenant zone=live:64m log=256k;
    rt_namespace    feed  history=5000 ttl=10m publish=any;
    rt_namespace    short history=10   ttl=10m publish=any;
    rt_namespace    last  history=1    ttl=10m cache;
    rt_namespace    brief history=100  ttl=300ms;
    rt_namespace    plain;
    rt_history_meta_ttl 500ms;
    rt_max_queue    256k;
    rt_drain        window=100ms;
`;

const PAD = "x".repeat(8000);


class Socket extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { headers: { "X-Tenant": "t" } });
        this.on("upgrade", response => {
            Socket.pid = Number(response.headers["x-pid"]);
        });
    }
}


/* a WebSocket by hand, so that its socket can be left unread for good */
class Reader {
    constructor(nginx, channel) {
        Object.assign(this, { heard: [], ended: false, pid: 0,
                              buf: Buffer.alloc(0), nextId: 2 });

        this.socket = net.connect({ port: nginx.port, host: "127.0.0.1" });
        this.socket.write("GET /connection/websocket HTTP/1.1\r\n"
            + `Host: 127.0.0.1:${nginx.port}\r\nX-Tenant: t\r\n`
            + "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
            + `${crypto.randomBytes(16).toString("base64")}\r\n\r\n`);

        this.say({ id: 1, connect: {} });
        this.subscribe(channel);

        this.socket.on("data", piece => this.read(piece));
        this.socket.on("error", () => { this.ended = true; });
        this.socket.on("close", () => { this.ended = true; });

        this.ready = until("the replies", () => this.heard.find(o => o.id === 2));
    }

    subscribe(channel, more = {}) {
        this.say({ id: this.nextId++, subscribe: { channel, ...more } });
    }

    say(command) {
        const text = Buffer.from(JSON.stringify(command));
        const head = text.length < 126
            ? Buffer.from([0x81, 0x80 | text.length])
            : Buffer.from([0x81, 0xfe, text.length >> 8, text.length & 255]);

        this.socket.write(Buffer.concat([head, Buffer.alloc(4), text]));
    }

    read(piece) {
        this.buf = Buffer.concat([this.buf, piece]);

        if (!this.pid) {
            const end = this.buf.indexOf("\r\n\r\n");

            if (end < 0) {
                return;
            }

            this.pid = Number(/x-pid: (\d+)/i.exec(this.buf.toString())[1]);
            this.buf = this.buf.subarray(end + 4);
        }

        for (;;) {
            const short = this.buf[1] & 127;
            const head = short < 126 ? 2 : short === 126 ? 4 : 10;

            if (this.buf.length < head) {
                return;
            }

            const len = short < 126 ? short
                : short === 126 ? this.buf.readUInt16BE(2)
                : Number(this.buf.readBigUInt64BE(2));

            if (this.buf.length < head + len) {
                return;
            }

            this.take(this.buf[0], this.buf.subarray(head, head + len));
            this.buf = this.buf.subarray(head + len);
        }
    }

    take(first, payload) {
        if ((first & 15) === 8) {
            this.code = payload.readUInt16BE(0);
            return;
        }

        for (const line of payload.toString().split("\n")) {
            const o = JSON.parse(line);

            if (Object.keys(o).length) {
                this.heard.push(o);

            } else {
                this.say({});
            }
        }
    }

    pubs() {
        return this.heard.map(o => o.push?.pub).filter(Boolean);
    }

    offsets() {
        return this.pubs().map(pub => pub.offset);
    }

    told(code) {
        return this.heard.find(o => o.push?.unsubscribe?.code === code);
    }
}


async function run(options, body) {
    const nginx = await Nginx.start({ workers: 1,
        text: conf({ http: options.http ?? HTTP }), ...options });
    const open = [];

    nginx.reader = async channel => {
        const r = new Reader(nginx, channel);

        open.push(() => r.socket.destroy());
        await r.ready;

        return r;
    };

    nginx.client = async () => {
        const c = new Centrifuge(nginx.url("ws"), { websocket: Socket,
            minReconnectDelay: 20, maxReconnectDelay: 200 });

        open.push(() => c.disconnect());
        c.connect();
        await c.ready(10000);
        c.pid = Socket.pid;

        return c;
    };

    nginx.publish = async (channel, data) => {
        const ask = () => nginx.api("publish", { channel, data },
                                    { "X-Tenant": "t" });

        /* a connection that was kept alive may have been a killed worker's */
        const { body: said } = await ask().catch(ask);

        assert.ok(said.result, JSON.stringify(said));

        return said.result;
    };

    try {
        await body(nginx);

    } finally {
        open.forEach(end => end());
        assert.deepEqual(await nginx.stop(), []);
    }
}


async function listen(c, channel, options = {}) {
    const sub = c.newSubscription(channel, { minResubscribeDelay: 20,
                                             ...options });

    sub.heard = [];
    sub.began = [];
    sub.on("publication", ctx => sub.heard.push(ctx.offset));
    sub.on("subscribed", ctx => sub.began.push(ctx));
    sub.subscribe();
    await sub.ready(10000);

    return sub;
}


const upTo = n => Array.from({ length: n }, (_, i) => i + 1);


test("kills and reloads: the SDK has everything, once and in order", () =>
    run({ workers: 2 }, async nginx => {
        const c = await nginx.client();
        const sub = await listen(c, "feed:a");
        let n = 0;

        const publish = async count => {
            for (let i = 0; i < count; i++) {
                const { offset } = await nginx.publish("feed:a", ++n);
                assert.equal(offset, n);
            }
        };

        for (const round of [1, 2, 3]) {
            await publish(3);

            if (round % 2) {
                await nginx.killWorkers();
            } else {
                await nginx.reload();
            }

            await publish(5);
            await until("all of them", () => sub.began.length > round
                                             && sub.heard.length >= n);
            assert.deepEqual(sub.heard, upTo(n));
        }

        const back = sub.began.filter(ctx => ctx.wasRecovering);

        assert.equal(back.length, 3);
        assert.ok(back.every(ctx => ctx.recovered));
    }));


test("a slow client gets all of a history, in order, at its own pace", () =>
    run({}, async nginx => {
        const N = 2500;
        const slow = await nginx.reader("feed:a");
        const other = await nginx.reader("feed:a");
        const fast = await nginx.reader("feed:a");

        slow.socket.pause();
        other.socket.pause();

        for (let n = 1; n <= N; n++) {
            await nginx.publish("feed:a", PAD);

            if (n === N / 2) {
                other.socket.resume();
            }
        }

        await until("all of them", () => fast.pubs().length === N);
        await until("all of the second", () => other.pubs().length === N);
        assert.deepEqual(fast.offsets(), upTo(N));
        assert.deepEqual(other.offsets(), upTo(N));

        const before = await metrics(nginx);

        assert.equal(before.rt_tenant_drops_total, 0);

        slow.socket.resume();
        await until("all of the slow one", () => slow.pubs().length === N);
        assert.deepEqual(slow.offsets(), upTo(N));

        /* live again */
        await nginx.publish("feed:a", 1);
        await until("one more", () => [slow, other, fast].every(r =>
            r.offsets().at(-1) === N + 1));

        const seen = await metrics(nginx);

        assert.ok(seen.rt_history_deliveries_total > 100, "nobody was behind");
        assert.equal(seen.rt_tenant_slow_closes_total, 0);
        assert.equal(seen.rt_insufficient_states_total, 0);
        assert.equal(slow.ended, false);
    }));


test("who falls off the end of a history is told, and goes on", () =>
    run({}, async nginx => {
        const N = 1800;
        const slow = await nginx.reader("short:a");

        slow.socket.pause();

        for (let n = 1; n <= N; n++) {
            await nginx.publish("short:a", PAD);
        }

        slow.socket.resume();
        await until("that there is a hole", () => slow.told(2500));

        const got = slow.offsets();

        assert.deepEqual(got, upTo(got.length));
        assert.ok(got.length < N);

        const { epoch } = slow.heard.find(o => o.id === 2).subscribe;

        slow.subscribe("short:a", { recover: true, epoch,
                                    offset: got.length });
        await until("the reply", () => slow.heard.find(o => o.id === 3));

        const { subscribe } = slow.heard.find(o => o.id === 3);

        assert.equal(subscribe.recovered, undefined);
        assert.equal(subscribe.was_recovering, true);
        assert.equal(subscribe.offset, N);

        await nginx.publish("short:a", 1);
        await until("the next", () => slow.offsets().at(-1) === N + 1);

        const seen = await metrics(nginx);

        assert.equal(seen.rt_insufficient_states_total, 1);
    }));


/* a worker is stopped while another appends more than the log holds */
async function lap(nginx, pid, channel, count) {
    let c = await nginx.client();

    while (c.pid === pid) {
        c = await nginx.client();
    }

    process.kill(pid, "SIGSTOP");

    try {
        for (let n = 1; n <= count; n++) {
            await c.publish(channel, PAD);
        }

    } finally {
        process.kill(pid, "SIGCONT");
    }
}


test("a worker that was lapped reads the history: nothing is lost", () =>
    run({ workers: 2 }, async nginx => {
        const r = await nginx.reader("feed:a");

        await nginx.publish("feed:a", 1);
        await until("the first", () => r.pubs().length === 1);

        await lap(nginx, r.pid, "feed:a", 100);
        await until("all", () => r.pubs().length === 101);
        assert.deepEqual(r.offsets(), upTo(101));

        const seen = await metrics(nginx);

        assert.ok(seen.rt_log_laps_total >= 1, "it was not lapped");
        assert.equal(seen.rt_insufficient_states_total, 0);
    }));


test("what a history has no more after a lap is told: the SDK comes back", () =>
    run({ workers: 2 }, async nginx => {
        const c = await nginx.client();
        const sub = await listen(c, "short:a");

        await nginx.publish("short:a", 1);
        await until("the first", () => sub.heard.length === 1);

        await lap(nginx, c.pid, "short:a", 100);
        await until("subscribed again", () => sub.began.length === 2);

        const [, again] = sub.began;

        assert.equal(again.wasRecovering, true);
        assert.equal(again.recovered, false);
        assert.equal(again.streamPosition.offset, 101);

        await nginx.publish("short:a", 2);
        await until("the next", () => sub.heard.at(-1) === 102);
        assert.deepEqual(sub.heard, [1, 102]);

        const seen = await metrics(nginx);

        assert.equal(seen.rt_insufficient_states_total, 1);
    }));


test("the same, where the backend subscribed: 3010, and it comes back", () =>
    run({ workers: 2 }, async nginx => {
        const c = await nginx.client();
        const heard = [];
        const codes = [];
        let id;

        const subscribe = more => nginx.api("subscribe",
            { client: id, channel: "short:a", ...more }, { "X-Tenant": "t" });

        c.on("publication", ctx => heard.push(ctx.offset));
        c.on("connecting", ctx => codes.push(ctx.code));
        c.on("connected", ctx => { id = ctx.client; });
        c.disconnect();
        c.connect();
        await c.ready(10000);
        c.pid = Socket.pid;
        codes.length = 0;

        await subscribe();
        await until("it is subscribed", async () => {
            await nginx.publish("short:a", 1);
            return heard.length;
        });

        const first = heard.at(-1);

        await lap(nginx, c.pid, "short:a", 100);
        await until("it is told", () => codes.length);
        assert.deepEqual(codes, [3010]);
        await c.ready(10000);

        /* as the backend knows it, so far behind that it cannot be had */
        const began = new Promise(resolve => c.on("subscribed", resolve));

        await subscribe({ recover_since: { offset: first } });

        const { wasRecovering, recovered } = await began;

        assert.deepEqual([wasRecovering, recovered], [true, false]);

        const seen = await metrics(nginx);

        assert.equal(seen.rt_insufficient_states_total, 1);
    }));


test("the SDK reads a history page by page, and the latest of a cache", () =>
    run({}, async nginx => {
        const c = await nginx.client();

        for (let n = 1; n <= 25; n++) {
            await nginx.publish("feed:a", { n });
            await nginx.publish("last:a", { n });
        }

        const sub = await listen(c, "feed:a");
        let since = { offset: 0, epoch: sub.began[0].streamPosition.epoch };
        const read = [];

        for (;;) {
            const { publications } = await sub.history({ since, limit: 10 });

            if (publications.length === 0) {
                break;
            }

            read.push(...publications.map(p => p.data.n));
            since = { ...since, offset: publications.at(-1).offset };
        }

        assert.deepEqual(read, upTo(25));

        const last = await sub.history({ limit: 2, reverse: true });

        assert.deepEqual(last.publications.map(p => p.data.n), [25, 24]);
        await assert.rejects(sub.history({ limit: 1,
            since: { offset: 1, epoch: "other" } }), { code: 112 });

        const cached = await listen(c, "last:a");

        await until("the latest", () => cached.heard.length);
        assert.deepEqual(cached.heard, [25]);
    }));


test("the SDK gets the state anew where it cannot recover", () =>
    run({}, async nginx => {
        const c = await nginx.client();
        let asked = 0;

        const position = async () => {
            const { offset, epoch } = await nginx.publish("short:a", ++asked);

            return { offset, epoch };
        };

        const sub = await listen(c, "short:a", { getState: position });

        assert.equal(asked, 1);

        sub.unsubscribe();

        for (let n = 0; n < 11; n++) {
            await nginx.publish("short:a", "missed");
        }

        sub.subscribe();
        await sub.ready(10000);
        assert.equal(asked, 2);

        await nginx.publish("short:a", "new");
        await until("the next", () => sub.heard.length === 1);
        assert.deepEqual(sub.heard, [14]);
        assert.ok(sub.began.every(ctx => ctx.recovered));
    }));


test("a reload that makes histories shorter, switches them off and on", () =>
    run({}, async nginx => {
        const text = size => conf({ http: HTTP.replace("history=5000 ttl=10m",
                                                       size) });
        const read = async () => {
            const c = await nginx.client();
            const sub = await listen(c, "feed:a");
            const h = sub.began[0].recoverable
                ? await sub.history({ limit: -1 }) : null;

            c.disconnect();

            return h && { epoch: h.epoch, offset: h.offset,
                          offsets: h.publications.map(p => p.offset) };
        };

        for (let n = 1; n <= 20; n++) {
            await nginx.publish("feed:a", n);
        }

        const whole = await read();

        assert.deepEqual(whole.offsets, upTo(20));

        rewrite(nginx, text("history=3 ttl=10m"));
        await nginx.reload();

        const { offset, epoch } = await nginx.publish("feed:a", 21);

        assert.deepEqual([offset, epoch], [21, whole.epoch]);
        assert.deepEqual((await read()).offsets, [19, 20, 21]);

        rewrite(nginx, text(""));
        await nginx.reload();
        assert.deepEqual(await nginx.publish("feed:a", 22), {});
        assert.equal(await read(), null);

        rewrite(nginx, text("history=3 ttl=10m"));
        await nginx.reload();

        const anew = await nginx.publish("feed:a", 23);
        const after = await read();

        assert.notEqual(anew.epoch, epoch);
        assert.deepEqual(after, { ...anew, offsets: [anew.offset] });
    }));


test("no room: the publication is refused, what is kept stays", () =>
    run({ http: HTTP.replace("zone=live:64m", "zone=live:512k") },
        async nginx => {
            const c = await nginx.client();
            const sub = await listen(c, "feed:a");
            let n = 0;
            let error;

            while (!error && n < 500) {
                const { body } = await nginx.api("publish",
                    { channel: "feed:a", data: PAD }, { "X-Tenant": "t" });

                error = body.error;
                n += !error;
            }

            assert.equal(error.code, 507);
            assert.ok(n > 10, `only ${n}`);

            const refused = await nginx.api("publish",
                { channel: "feed:a", data: PAD },
                { "X-Tenant": "t", "X-Centrifugo-Error-Mode": "transport" });

            assert.equal(refused.status, 507);

            /* others go on */
            assert.deepEqual(await nginx.publish("plain:a", PAD), {});

            const h = await sub.history({ limit: 1, reverse: true });

            assert.equal(h.offset, n);
            assert.equal(h.publications[0].offset, n);
            await until("all that was accepted", () => sub.heard.length === n);
            assert.deepEqual(sub.heard, upTo(n));
        }));


test("what is old gives its room back, and then its position goes", () =>
    run({ workers: 2 }, async nginx => {
        const bytes = async () => (await metrics(nginx)).rt_tenant_bytes;

        await nginx.publish("plain:a", 1);

        const empty = await bytes();
        const { epoch } = await nginx.publish("brief:a", 1);

        for (let n = 0; n < 50; n++) {
            await nginx.publish("brief:b", PAD);
        }

        assert.ok(await bytes() > empty + 300000);
        await until("the room", async () => await bytes() === empty);

        const anew = await nginx.publish("brief:a", 1);

        assert.equal(anew.offset, 1);
        assert.notEqual(anew.epoch, epoch);
        }));

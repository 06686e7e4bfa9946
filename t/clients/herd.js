"use strict";

/*
 * Clients and backends of every kind for one nginx.  Some stay and are in its
 * ledger: WebSockets by hand and by the SDK, over plain TCP and TLS.  Users
 * stay, too, and do what the backend orders.  Others come and go while the
 * ledger is not quiet: publishers, who never read, who flood, who break off.
 */

const assert = require("node:assert/strict");
const net = require("node:net");
const tls = require("node:tls");

const { sleep, until } = require("./nginx.js");
const { Connection, Ledger, children } = require("./ledger.js");
const { httpPublisher, wsPublisher } = require("./publisher.js");
const { Reader } = require("./reader.js");
const sdk = require("./sdk.js");


const CHANNELS = ["open:a", "open:b", "room:c", "lobby"];
const PACE = 50;                              /* ms between bursts of 8 */

const HTTP = `
    rt_zone          $http_x_tenant zone=live:16m log=16m;
    rt_user          $http_x_user;
    rt_drain         window=100ms;
    rt_max_backlog   64m tenant=8m;
    rt_namespace     default publish=any;
    rt_namespace     open    publish=any;
    rt_namespace     room    publish=any presence join_leave;
    rt_namespace     mine    presence;
    rt_namespace     keep;
    rt_namespace     oldest  slow=drop;
    rt_namespace     latest  slow=conflate;
`;

const PAD = "x".repeat(32000);
const DEAF = ["oldest:x", "latest:x", "keep:x"];

const any = list => list[Math.floor(Math.random() * list.length)];

/* what a kill does to those who talk to a worker */
const cut = error => {
    assert.match(`${error.code} ${error.message}`,
                 /ECONN|EPIPE|socket hang up|closed/);
};


class Herd {
    constructor(nginx, tenants, size, channels = CHANNELS) {
        Object.assign(this, { nginx, tenants, channels, ledger: new Ledger(nginx),
            staying: [], sdks: [], users: [], expected: 0,
            seen: { orders: 0, deaf: 0, floods: 0, broken: 0, asked: 0,
                    guests: 0 } });

        for (const tenant of tenants) {
            for (let i = 0; i < size; i++) {
                this.subscriber(tenant, i);
            }

            this.sdk(tenant, "ws");
            this.sdk(tenant, "wss");

            this.user(tenant, "alice", "ws");
            this.user(tenant, "bob", "wss");
        }
    }

    subscriber(tenant, i) {
        const n = this.channels.length;
        const channels = [this.channels[i % n], this.channels[(i + 1) % n]];
        const more = { scheme: i % 2 ? "wss" : "ws",
                       asks: { join_leave: i % 3 === 0 } };

        this.staying.push(this.ledger.subscriber(tenant, channels, more));
        this.expected++;
    }

    sdk(tenant, scheme) {
        this.sdks.push(sdk.subscribe(this.ledger, tenant, this.channels,
                                     { scheme, joins: ["room:c"] }));
        this.expected += this.channels.length;
    }

    /* a client for the backend's orders: it comes back whatever they are */
    user(tenant, name, scheme) {
        const user = { tenant, name };

        const stay = async () => {
            while (!this.ledger.stopped) {
                user.c = new Connection(this.nginx, tenant, [],
                    { scheme, headers: { "X-User": name } });

                await user.c.ready.catch(() => {});
                await user.c.closed;
                await sleep(10 + Math.random() * 40);
            }
        };

        this.users.push(user);
        this.staying.push(stay());
    }

    async api(tenant, method, body) {
        const answer = await this.nginx.api(method, body,
            { "X-Tenant": tenant }).catch(cut);

        if (answer) {
            assert.equal(answer.status, 200);
        }

        return answer?.body;
    }

    async orders() {
        while (!this.ledger.quiet) {
            const { tenant, name } = any(this.users);
            const channel = "mine:" + name;

            await this.api(tenant, ...any([
                ["subscribe", { user: name, channel }],
                ["subscribe", { user: name, channel }],
                ["unsubscribe", { user: name, channel }],
                ["disconnect", { user: name }],
            ]));

            this.seen.orders++;
            await sleep(100);
        }
    }

    /* an order that comes when nothing disturbs it is followed */
    async ordered() {
        for (const { tenant, name, c } of this.users) {
            const channel = "mine:" + name;
            const told = what => until(`${name}: ${what}`, () =>
                c.pushes.some(p => p[what] && p.channel === channel));
            const order = method => this.api(tenant, method,
                                             { user: name, channel });

            c.pushes.length = 0;
            await order("unsubscribe");
            await order("subscribe");
            await told("subscribe");
            await order("unsubscribe");
            await told("unsubscribe");
            c.pushes.length = 0;
        }
    }

    async questions() {
        while (!this.ledger.quiet) {
            const tenant = any(this.tenants);

            await this.api(tenant, ...any([
                ["presence", { channel: "room:c" }],
                ["presence_stats", { channel: "room:c" }],
                ["channels", {}],
                ["info", {}],
            ]));

            this.seen.asked++;
            await sleep(50);
        }
    }

    /* they hold their connections, and read nothing */
    async deaf() {
        const readers = [];

        for (let i = 0; i < 12; i++) {
            const r = new Reader(this.nginx, "deaf", [DEAF[i % 3]]);

            r.ready.then(() => r.socket.pause(), () => {});
            readers.push(r);
        }

        while (!this.ledger.quiet) {
            await this.api("deaf", "broadcast", { channels: DEAF, data: PAD });
            this.seen.deaf++;
            await sleep(20);
        }

        readers.forEach(r => r.socket.destroy());
        await Promise.allSettled(readers.map(r => r.ready));
    }

    /* a client that asks without end, and another that reads no reply */
    async flood() {
        while (!this.ledger.quiet) {
            const deaf = new Connection(this.nginx, "flood");
            const c = new Connection(this.nginx, "flood");
            const list = Array.from({ length: 50 }, (_, i) =>
                ({ rpc: { method: "rt.echo", data: i } }));

            await Promise.allSettled([c.ready, deaf.ready]);

            for (let i = 0; i < 100 && c.open && !this.ledger.quiet; i++) {
                if (deaf.open && deaf.socket.readyState === 1) {
                    deaf.socket._socket.pause();
                    deaf.commands(list).catch(() => {});
                }

                if (c.socket.readyState === 1) {
                    await c.commands(list).catch(() => {});
                }

                this.seen.floods++;
                await sleep(10);
            }

            deaf.socket.terminate();
            c.socket.terminate();
            await Promise.all([c.closed, deaf.closed]);
        }
    }

    /* they come, subscribe, hear a little, and go */
    async guests() {
        for (let n = 0; !this.ledger.quiet; n++) {
            const c = new Connection(this.nginx, any(this.tenants),
                [any(this.channels), `open:${n}`],
                { scheme: any(["ws", "wss"]) });

            await c.ready.catch(cut);
            any([() => c.socket.close(), () => c.socket.terminate()])();
            await c.closed;
            this.seen.guests++;
            await sleep(10);
        }
    }

    /* handshakes and frames that end in the middle, or are none */
    async broken() {
        const head = "GET /connection/websocket HTTP/1.1\r\nHost: x\r\n"
            + "X-Tenant: broken\r\nUpgrade: websocket\r\n"
            + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        const frame = "\x81\x8e\0\0\0\0{\"id\":1,\"conn";

        while (!this.ledger.quiet) {
            const secure = Math.random() < 0.5;
            const socket = secure
                ? tls.connect({ port: this.nginx.tlsPort, host: "127.0.0.1",
                                rejectUnauthorized: false })
                : net.connect(this.nginx.port, "127.0.0.1");
            const text = any([head, head + frame, head + "\x81\x05hello",
                              head.slice(0, 60), "\x16\x03\x01\0\0"]);

            socket.on("error", () => {});
            socket.resume();
            socket.write(Buffer.from(text, "latin1"));
            await sleep(Math.random() * 40);
            any([() => socket.destroy(), () => socket.end()])();
            setTimeout(() => socket.destroy(), 100);
            this.seen.broken++;
        }
    }

    /* everything, until the ledger is quiet */
    start() {
        this.ledger.quiet = false;
        this.busy = this.work();
    }

    work() {
        return [
            ...this.tenants.flatMap(tenant => [
                httpPublisher(this.ledger, tenant, "http", this.channels,
                              { pace: PACE }),
                wsPublisher(this.ledger, tenant, "ws", this.channels,
                            { pace: PACE }),
            ]),
            this.orders(), this.questions(), this.deaf(), this.flood(),
            this.guests(), this.broken(),
        ];
    }

    settled() {
        return until("all are there", () => {
            const live = this.ledger.live();

            return live.length === this.expected
                   && this.users.every(({ c }) => c.pid && c.open
                                       && c.waiting.size === 0)
                   && live;
        }, 30000);
    }

    /* all is quiet; the last of every channel reaches everyone */
    async rest() {
        this.ledger.quiet = true;
        await Promise.all(this.busy);
        await this.settled();

        /* no connection of ours is left with a worker that leaves */
        await until("only one generation", () =>
            children(this.nginx).length === this.nginx.workers, 30000);
        this.nginx.agent.destroy();

        for (const tenant of this.tenants) {
            for (const channel of this.channels) {
                const data = this.ledger.send(tenant, channel, "last", 1);

                const { result } = await this.api(tenant, "publish",
                    { channel, data });

                this.ledger.ack(data, result);
            }
        }

        await until("the last", () => this.ledger.live().every(c =>
            c.channels.every(channel =>
                c.heard.get(channel).at(-1)?.p === "last")), 30000)
            .catch(error => {
                const late = this.ledger.live().flatMap(c => c.channels
                    .map(channel => [c.tenant, c.pid, channel,
                        JSON.stringify(c.heard.get(channel).at(-1))])
                    .filter(each => !/"last"/.test(each[3])));

                throw new Error(`${error.message} for ${late.join("; ")}`);
            });
        await this.ordered();
    }

    async leave() {
        this.ledger.stopped = this.ledger.quiet = true;
        this.sdks.forEach(c => c.disconnect());
        this.users.forEach(({ c }) => c?.socket.terminate());
        this.ledger.connections.forEach(c => c.socket?.terminate());
        await Promise.all(this.staying);
    }
}


module.exports = { HTTP, Herd };

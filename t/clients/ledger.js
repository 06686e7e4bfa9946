"use strict";

/*
 * For tests of faults: connections by hand, publishers, and a ledger that
 * knows what was sent, what was acknowledged and who heard what.
 *
 * Time is a counter that moves with every event, so "sent after it had been
 * acknowledged" is exact.
 */

const assert = require("node:assert/strict");
const { once } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const WebSocket = require("ws");

const { children, module_, sleep, slow, until } = require("./nginx.js");


const HTTP = `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_drain      window=100ms;
    rt_namespace  default publish=any;
    rt_namespace  open    publish=any;
`;


/* text for Nginx.start: workers that share the work, and can be told apart */
const conf = ({ main = "", http = HTTP, server = "", workers = true,
                connections = 1024, listen = "" } = {}) =>
    nginx => `
load_module  ${module_};
${workers ? `worker_processes ${nginx.workers};` : ""}
${main}
pid          ${nginx.prefix}/nginx.pid;
error_log    ${nginx.prefix}/error.log info;
events { worker_connections ${connections}; }
http {
    access_log            off;
    client_body_temp_path ${nginx.prefix}/body;
    proxy_temp_path       ${nginx.prefix}/proxy;
    fastcgi_temp_path     ${nginx.prefix}/fastcgi;
    uwsgi_temp_path       ${nginx.prefix}/uwsgi;
    scgi_temp_path        ${nginx.prefix}/scgi;
${http}
    server {
        listen 127.0.0.1:${nginx.port} ${workers ? "reuseport" : ""} ${listen};
        listen 127.0.0.1:${nginx.tlsPort} ssl ${workers ? "reuseport" : ""};
        ssl_certificate     ${nginx.prefix}/test.crt;
        ssl_certificate_key ${nginx.prefix}/test.key;
        location /connection/websocket {
            rt_websocket  zone=live;
            add_header    X-Pid $pid always;
        }
        location /api        { rt_api zone=live; rt_api_key off; }
        location /metrics    { rt_metrics; }
        location /generation { return 200 "${nginx.generation ?? 1}"; }
${server}
    }
}
`;


/* a new configuration, but no signal yet */
function rewrite(nginx, text) {
    fs.writeFileSync(`${nginx.prefix}/nginx.conf`, text(nginx));
}


const errorLog = nginx => fs.readFileSync(`${nginx.prefix}/error.log`, "utf8");


function get(nginx, path) {
    return new Promise((resolve, reject) => {
        http.get({ host: "127.0.0.1", port: nginx.port, path, agent: false },
            response => {
                let text = "";

                response.on("data", piece => { text += piece; });
                response.on("end", () => resolve(text));
                response.on("error", reject);
            }).on("error", reject);
    });
}


/* bytes of a process's own, what is shared with others left out */
const private_ = pid => {
    const text = fs.readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");

    return /^Anonymous:\s+(\d+) kB/m.exec(text)[1] * 1024;
};


/* { name: the sum over all labels } */
async function metrics(nginx) {
    const sums = {};

    for (const line of (await get(nginx, "/metrics")).split("\n")) {
        const [, name, value] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];

        if (name) {
            sums[name] = (sums[name] ?? 0) + Number(value);
        }
    }

    return sums;
}


/* a client that connects, subscribes, and keeps what it hears */
class Connection {
    constructor(nginx, tenant, channels = [], {
        location = "/connection/websocket", subscribed = () => {},
        heard = () => {}, silent = false, headers = {}, asks = {},
        scheme = "ws" } = {})
    {
        Object.assign(this, { tenant, channels, subscribed, onHeard: heard,
            asks, pid: 0, pushes: [], nextId: channels.length + 2, waiting: new Map(),
            heard: new Map(channels.map(channel => [channel, []])) });

        this.socket = new WebSocket(nginx.url(scheme, location),
            { headers: { "X-Tenant": tenant, ...headers },
              rejectUnauthorized: false, handshakeTimeout: 10000 * slow });

        this.socket.on("upgrade", response => {
            this.pid = Number(response.headers["x-pid"]);
        });
        this.socket.on("error", error => { this.error = error; });
        this.socket.on("message", message => this.read(String(message)));

        this.closed = new Promise(resolve =>
            this.socket.on("close", code => {
                this.code = code;
                for (const [, reject] of this.waiting.values()) {
                    reject(new Error(`closed with ${code}`));
                }
                resolve(code);
            }));

        if (!silent) {
            this.ready = this.begin();
            this.ready.catch(() => {});
        }
    }

    get open() {
        return this.code === undefined;
    }

    async begin() {
        const all = [
            this.expect(1),
            ...this.channels.map((channel, i) => this.expect(i + 2)
                .then(() => this.subscribed(this, channel))),
        ];

        this.socket.once("open", () => this.socket.send(
            ['{"id":1,"connect":{}}',
             ...this.channels.map((channel, i) =>
                 JSON.stringify({ id: i + 2,
                                  subscribe: { channel, ...this.asks } }))]
                .join("\n")));

        await Promise.all(all);

        return this;
    }

    expect(id) {
        return new Promise((resolve, reject) =>
            this.waiting.set(id, [resolve, reject]));
    }

    /* several in one frame; their replies */
    commands(list) {
        const ids = list.map(() => this.nextId++);
        const replies = Promise.all(ids.map(id => this.expect(id)));

        this.socket.send(list.map((command, i) =>
            JSON.stringify({ id: ids[i], ...command })).join("\n"));

        return replies;
    }

    read(text) {
        for (const line of text.split("\n")) {
            const reply = JSON.parse(line);
            const { id, error, push } = reply;

            if (push && !push.pub) {
                this.pushes.push(push);

            } else if (push) {
                this.heard.get(push.channel)?.push(push.pub.data);
                this.onHeard(this, push.channel, push.pub.data);

            } else if (id) {
                const [resolve, reject] = this.waiting.get(id);

                this.waiting.delete(id);

                if (error) {
                    reject(new Error(`${error.code} ${error.message}`));
                } else {
                    resolve(reply);
                }

            } else if (line === "{}" && this.socket.readyState === 1) {
                this.socket.send("{}");
            }
        }
    }

    close() {
        this.socket.close();
        return this.closed;
    }
}


/* connections until one is on a worker that will do */
async function connectTo(nginx, tenant, channels, fits, more) {
    return until("a worker that will do", async () => {
        const c = await new Connection(nginx, tenant, channels, more).ready;

        if (fits(c.pid)) {
            return c;
        }

        await c.close();
    });
}


class Ledger {
    constructor(nginx) {
        Object.assign(this, { nginx, clock: 0, publications: new Map(),
            connections: [], foreign: 0, reconnects: 0, longest: 0,
            codes: {}, stopped: false });
    }

    send(tenant, channel, publisher, seq) {
        const data = { t: tenant, c: channel, p: publisher, s: seq };

        this.publications.set(JSON.stringify(data),
            { tenant, channel, sent: ++this.clock, acked: 0 });

        return data;
    }

    ack(data) {
        this.publications.get(JSON.stringify(data)).acked = ++this.clock;
    }

    connection(tenant, channels, more) {
        const c = new Connection(this.nginx, tenant, channels, {
            subscribed: (me, channel) => me.since.set(channel, ++this.clock),
            heard: (me, channel, data) => this.judge(me, channel, data),
            ...more,
        });

        c.since = new Map();
        this.connections.push(c);

        return c;
    }

    judge(c, channel, data) {
        this.foreign += data.t !== c.tenant || data.c !== channel
                        || !c.channels.includes(channel);
    }

    /* a subscription that somebody else keeps, an SDK's */
    subscription(tenant, channel) {
        const s = { tenant, channels: [channel], open: true,
            since: new Map([[channel, ++this.clock]]),
            heard: new Map([[channel, []]]),
            hear: data => {
                s.heard.get(channel).push(data);
                this.judge(s, channel, data);
            } };

        this.connections.push(s);

        return s;
    }

    /* a client that comes back until it is told to stop */
    async subscriber(tenant, channels, more) {
        let gone;

        for (let times = 0; !this.stopped; times++) {
            const c = this.connection(tenant, channels, more);

            await c.ready.then(() => {
                if (gone) {
                    this.longest = Math.max(this.longest, Date.now() - gone);
                    this.reconnects++;
                    gone = undefined;
                }
            }, () => {});

            const code = await c.closed;

            if (this.stopped) {
                return;
            }

            this.codes[code] = (this.codes[code] ?? 0) + 1;
            gone ??= Date.now();
            await sleep(10 + Math.random() * 40);
        }
    }

    live() {
        return this.connections.filter(c => c.open
            && c.since.size === c.channels.length);
    }

    /*
     * Each channel has one order for all: who hears y next after x hears it as
     * everyone does who heard x.  So a message that one of them missed shows.
     */
    checkOrder() {
        const next = new Map();
        const wrong = [];

        for (const c of this.connections) {
            for (const [, heard] of c.heard) {
                const keys = heard.map(data => JSON.stringify(data));

                if (new Set(keys).size !== keys.length) {
                    wrong.push("twice");
                }

                for (let i = 1; i < keys.length; i++) {
                    const then = next.get(keys[i - 1]) ?? keys[i];

                    next.set(keys[i - 1], then);

                    if (then !== keys[i]) {
                        wrong.push(`${keys[i - 1]} then ${then}`
                                   + ` or ${keys[i]}`);
                    }
                }
            }
        }

        assert.deepEqual(wrong.slice(0, 3), []);
    }

    /* a publisher's own are heard in the order in which it sent them */
    checkPublishers() {
        for (const c of this.connections) {
            for (const [, heard] of c.heard) {
                const last = new Map();

                for (const { p, s } of heard) {
                    assert.ok(s > (last.get(p) ?? 0), `${p}: ${s} is late`);
                    last.set(p, s);
                }
            }
        }
    }

    /*
     * What was sent after a connection had subscribed and acknowledged before
     * something was sent that it heard, it heard; one that lives, everything.
     * Returns how many it has judged.
     */
    checkAcknowledged() {
        const acked = new Map();
        let judged = 0;

        for (const [key, p] of this.publications) {
            const name = `${p.tenant} ${p.channel}`;

            if (p.acked) {
                acked.set(name, acked.get(name) ?? []).get(name)
                    .push({ key, ...p });
            }
        }

        for (const c of this.connections) {
            for (const [channel, since] of c.since) {
                const keys = new Set(c.heard.get(channel)
                    .map(data => JSON.stringify(data)));
                const end = c.open ? Infinity : Math.max(0, ...[...keys]
                    .map(key => this.publications.get(key).sent));
                const due = (acked.get(`${c.tenant} ${channel}`) ?? [])
                    .filter(p => p.sent > since && p.acked < end);

                judged += due.length;
                assert.deepEqual(due.filter(p => !keys.has(p.key))
                    .slice(0, 3).map(p => p.key), [], "acknowledged and lost");
            }
        }

        return judged;
    }

    /* all is judged and at rest: what lives begins anew */
    forget() {
        this.publications.clear();
        this.connections = this.connections.filter(c => c.open);

        for (const c of this.connections) {
            for (const channel of c.channels) {
                c.since.set(channel, ++this.clock);
                c.heard.get(channel).length = 0;
            }
        }
    }

    count(what) {
        let n = 0;

        for (const p of this.publications.values()) {
            n += what(p);
        }

        return n;
    }
}


const request = (tenant, channel, data) => {
    const body = JSON.stringify({ channel, data });

    return `POST /api/publish HTTP/1.1\r\nHost: localhost\r\n`
           + `X-Tenant: ${tenant}\r\nContent-Type: application/json\r\n`
           + `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};


/* requests in one write on a connection that is kept; acknowledged(i) */
class Pipeline {
    constructor(nginx) {
        this.nginx = nginx;
    }

    async connect() {
        this.socket = net.connect(this.nginx.port, "127.0.0.1");
        this.socket.setEncoding("utf8");
        this.socket.on("error", () => {});
        this.socket.on("close", () => this.end?.());
        this.socket.on("data", text => this.read(text));
        this.text = "";
        await once(this.socket, "connect");
    }

    read(text) {
        const parts = (this.text + text).split(/(?=HTTP\/1\.1 )/);

        /* the last may not be whole */
        this.text = /\r\n\r\n\{"result":\{\}\}(\r\n0\r\n\r\n)?$/
                    .test(parts.at(-1)) ? "" : parts.pop();

        for (const part of parts) {
            assert.match(part, /^HTTP\/1\.1 200 [^]*\{"result":\{\}\}/);
            this.acknowledged(this.done++);
        }

        if (this.done === this.expected) {
            this.end();
        }
    }

    /* resolves when all is answered, or the connection is gone */
    async publish(tenant, list, acknowledged = () => {}) {
        if (!this.socket || this.socket.destroyed) {
            await this.connect();
        }

        const ended = new Promise(resolve => { this.end = resolve; });

        Object.assign(this, { done: 0, expected: list.length, acknowledged });
        this.socket.write(list.map(([channel, data]) =>
            request(tenant, channel, data)).join(""));
        await ended;

        if (this.done < this.expected) {
            this.close();
        }

        return this.done;
    }

    close() {
        this.socket?.destroy();
    }
}


/* publishes in bursts until the ledger is stopped, by both ways */
async function httpPublisher(ledger, tenant, name, channels, pace) {
    const pipeline = new Pipeline(ledger.nginx);

    for (let seq = 1; !ledger.quiet; /* void */) {
        const list = Array.from({ length: 8 }, () => {
            const channel = channels[seq % channels.length];
            return [channel, ledger.send(tenant, channel, name, seq++)];
        });

        await pipeline.publish(tenant, list, i => ledger.ack(list[i][1]))
            .catch(error => assert.match(error.code, /^ECONN/));
        await sleep(pace);
    }

    pipeline.close();
}


async function wsPublisher(ledger, tenant, name, channels, pace) {
    let seq = 1;

    while (!ledger.quiet) {
        const c = new Connection(ledger.nginx, tenant);

        await c.ready.catch(() => sleep(20));

        while (c.open && c.socket.readyState === 1 && !ledger.quiet) {
            const list = Array.from({ length: 8 }, () => {
                const channel = channels[seq % channels.length];
                return ledger.send(tenant, channel, name, seq++);
            });

            await c.commands(list.map(data =>
                ({ publish: { channel: data.c, data } })))
                .then(() => list.forEach(data => ledger.ack(data)),
                      error => assert.match(error.message, /^closed with/));
            await sleep(pace);
        }

        await c.close();
    }
}


module.exports = { Connection, HTTP, Ledger, Pipeline, children, conf,
    connectTo, errorLog, get, httpPublisher, metrics, private_, rewrite,
    wsPublisher };

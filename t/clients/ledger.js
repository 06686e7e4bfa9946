"use strict";

/*
 * For tests of faults: connections by hand, and a ledger that knows what was
 * sent, what was acknowledged or refused, and who heard what.  What is neither
 * is unknown.
 *
 * Time is a counter that moves with every event, so "sent after it had been
 * acknowledged" is exact.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const WebSocket = require("ws");

const { children, module_, sleep, slow, until } = require("./nginx.js");
const { Record } = require("./record.js");


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
        heard = () => {}, silent = false, headers = {}, asks = () => {},
        pushed = () => {}, scheme = "ws" } = {})
    {
        Object.assign(this, { tenant, channels, subscribed, onHeard: heard,
            asks, pushed, pid: 0, pushes: [], nextId: channels.length + 2,
            waiting: new Map(),
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
        const all = [1, ...this.channels.map((channel, i) => i + 2)]
            .map(id => this.expect(id));

        this.socket.once("open", () => this.socket.send(
            ['{"id":1,"connect":{}}',
             ...this.channels.map((channel, i) =>
                 JSON.stringify({ id: i + 2,
                    subscribe: { channel, ...this.asks(channel) } }))]
                .join("\n")));

        await Promise.all(all);

        return this;
    }

    expect(id) {
        return this.open ? new Promise((resolve, reject) =>
            this.waiting.set(id, [resolve, reject]))
            : Promise.reject(new Error(`closed with ${this.code}`));
    }

    /* several in one frame; a promise for each reply */
    each(list) {
        const ids = list.map(() => this.nextId++);
        const replies = ids.map(id => this.expect(id));

        this.socket.send(list.map((command, i) =>
            JSON.stringify({ id: ids[i], ...command })).join("\n"));

        return replies;
    }

    commands(list) {
        return Promise.all(this.each(list));
    }

    hear(channel, pub) {
        this.heard.get(channel)?.push(pub.data);
        this.onHeard(this, channel, pub.data, pub);
    }

    read(text) {
        for (const line of text.split("\n")) {
            const reply = JSON.parse(line);
            const { id, error, push } = reply;

            if (push && !push.pub) {
                this.pushes.push(push);
                this.pushed(this, push);

            } else if (push) {
                this.hear(push.channel, push.pub);

            } else if (id) {
                const [resolve, reject] = this.waiting.get(id);

                this.waiting.delete(id);

                if (error) {
                    reject(Object.assign(
                        new Error(`${error.code} ${error.message}`),
                        { code: error.code }));
                } else {
                    this.entered(id, reply);
                    resolve(reply);
                }

            } else if (line === "{}" && this.socket.readyState === 1) {
                this.socket.send("{}");
            }
        }
    }

    /* at once: what it missed comes before what it hears next */
    entered(id, { subscribe }) {
        const channel = this.channels[id - 2];

        if (subscribe && channel) {
            this.subscribed(this, channel, subscribe);
            subscribe.publications?.forEach(pub => this.hear(channel, pub));
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
            connections: [], records: [], foreign: 0, reconnects: 0,
            longest: 0, codes: {}, stopped: false, pending: 0, unknown: 0,
            repeats: 0, duplicates: 0 });
    }

    /* with a key, it may be said again until it is answered */
    send(tenant, channel, publisher, seq, key = "") {
        const data = { t: tenant, c: channel, p: publisher, s: seq, k: key };

        this.publications.set(JSON.stringify(data),
            { tenant, channel, key, sent: ++this.clock, acked: 0 });

        return data;
    }

    /* where it stands, as far as the answer says */
    ack(data, { offset, epoch } = {}) {
        const p = this.publications.get(JSON.stringify(data));

        p.acked = ++this.clock;
        Object.assign(p, { offset, epoch });
    }

    /* it may be in no history, and nobody may hear it */
    refuse(data) {
        this.publications.get(JSON.stringify(data)).refused = true;
    }

    connection(tenant, channels, { nginx = this.nginx, ...more } = {}) {
        const c = new Connection(nginx, tenant, channels, {
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

    /* what a subscriber has of each channel, over all its connections */
    record(tenant, channel) {
        const record = new Record(tenant, channel);

        this.records.push(record);

        return record;
    }

    /* a subscription that somebody else keeps, an SDK's, on that worker */
    subscription(tenant, channel, pid = 0) {
        const s = { tenant, channels: [channel], open: true, pid,
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
    async subscriber(tenant, channels, { asks = {}, ...more } = {}) {
        const records = new Map(channels.map(channel =>
            [channel, this.record(tenant, channel)]));
        let gone;

        while (!this.stopped) {
            const c = this.connection(tenant, channels, {
                asks: channel => ({ ...asks, ...records.get(channel).asks }),
                subscribed: (me, channel, reply) => {
                    me.since.set(channel, ++this.clock);
                    records.get(channel).subscribed(reply);
                },
                heard: (me, channel, data, pub) => {
                    this.judge(me, channel, data);
                    records.get(channel)?.hear(pub);
                },
                /* a hole: it comes back for what it missed */
                pushed: (me, push) => push.unsubscribe && me.close(),
                ...more,
            });

            await c.ready.then(() => {
                if (gone) {
                    this.longest = Math.max(this.longest, Date.now() - gone);
                    this.reconnects++;
                    gone = undefined;
                }
            }, () => c.socket.terminate());

            const code = await c.closed;

            if (this.stopped) {
                return;
            }

            this.codes[code] = (this.codes[code] ?? 0) + 1;
            gone ??= Date.now();
            await sleep(10 + Math.random() * 40);
        }
    }

    /* who is on that worker may miss what no history keeps */
    lap(pid) {
        this.connections.filter(c => c.open && c.pid === pid)
            .forEach(c => { c.lapped = true; });
    }

    /* channels of which it may have missed something */
    lossy(c, channel) {
        return c.lapped && !this.records.some(r => r.position
            && r.tenant === c.tenant && r.channel === channel);
    }

    live() {
        return this.connections.filter(c => c.open
            && c.since.size === c.channels.length);
    }

    /*
     * Each channel has one order for all: who hears y next after x hears it as
     * everyone does who heard x.  So a message that one of them missed shows;
     * but what was never acknowledged, because a worker died, may have reached
     * some and not others.
     */
    checkOrder() {
        const next = new Map();
        const wrong = [];

        for (const c of this.connections) {
            for (const [channel, heard] of c.heard) {
                const all = heard.map(data => JSON.stringify(data));
                const keys = all.filter(key =>
                    this.publications.get(key)?.acked);

                if (new Set(all).size !== all.length) {
                    wrong.push("twice");
                }

                if (this.lossy(c, channel)) {
                    continue;
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
                    .push({ ...p, key });
            }
        }

        for (const c of this.connections) {
            for (const [channel, since] of c.since) {
                if (this.lossy(c, channel)) {
                    continue;
                }

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
        this.records.forEach(record => record.forget());
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


module.exports = { Connection, HTTP, Ledger, children, conf, connectTo,
    errorLog, get, metrics, private_, rewrite };

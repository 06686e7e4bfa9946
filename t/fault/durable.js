"use strict";

/*
 * What the faults of Redis happen to: a Redis, one or two nodes of several
 * workers each, subscribers by the SDK and by hand who stay or come back, and
 * publishers to durable channels, by WebSocket and by HTTP, with keys and
 * without.  What has a key is said again until it is answered, each time by
 * another way: another transport, another node.
 *
 * A round is: all publish, something is done to them, all rest; and then what
 * Redis has is compared with what everyone was told (streams.js).
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");

const { Nginx, children, sleep, until } = require("../clients/nginx.js");
const { Ledger, conf, metrics } = require("../clients/ledger.js");
const { ByWebSocket } = require("../clients/publisher.js");
const { Proxy } = require("../clients/proxy.js");
const { Redis } = require("../clients/redis.js");
const sdk = require("../clients/sdk.js");
const { state, sweep, tables } = require("./points.js");
const { checkStreams } = require("./streams.js");


const TENANTS = ["one", "two"];

/* how many each of them keeps */
const CHANNELS = { "kept:a": 100000, "kept:b": 100000, "short:a": 20 };
const FAST = "fast:a";
const CLOSED = "closed:a";

const BURST = 4;
const PACE = 40;
const TIMEOUT = 600;

/* no answer comes later than that: what is told of Redis's absence is told at
   once, or when a command has had its time */
const PROMPT = 10 * TIMEOUT;
const SETTLED = 30000;

const AWAY = 100;
const CONFLICT = 409;
const FORBIDDEN = 103;

const HTTP = url => `
    rt_zone         $http_x_tenant zone=live:32m log=4m;
    rt_user         $http_x_user;
    rt_drain        window=100ms;
    rt_redis        ${url} timeout=${TIMEOUT}ms connect_timeout=${TIMEOUT}ms
                    backoff=10ms:100ms pending=1m;
    rt_idempotency  window=10m;
    rt_namespace    kept   publish=any history=100000 ttl=1h durable;
    rt_namespace    short  publish=any history=20 ttl=1h durable;
    rt_namespace    closed history=20 ttl=1h durable;
    rt_namespace    odd    publish=any history=100 ttl=1h durable;
    rt_namespace    fast   publish=any;
`;


/* publishers by HTTP: an event has the same content by either transport */
class ByApi {
    constructor(nginx, tenant) {
        Object.assign(this, { nginx, tenant });
    }

    async one(data, i, answered) {
        const [method, body] = /^event/.test(data.p)
            ? ["rpc", { method: "rt.publish", params: { channel: data.c,
                        event: { id: data.k, type: "t", data } } }]
            : ["publish", { channel: data.c, data,
                            ...data.k && { idempotency_key: data.k } }];

        const said = await this.nginx.api(method, body,
            { "X-Tenant": this.tenant })
            .catch(error => assert.match(`${error.code} ${error.message}`,
                                         /ECONN|EPIPE|socket hang up/));

        if (said) {
            answered(i, said.body);
        }
    }

    say(list, answered) {
        return Promise.all(list.map((data, i) => this.one(data, i, answered)));
    }

    close() {}
}


/* name: the transports that say it, on each node */
const KINDS = {
    event: [ByWebSocket, ByApi],
    key: [ByApi],
    ws: [ByWebSocket],
    http: [ByApi],
};

const keyed = kind => kind === "event" || kind === "key";


class World {
    /*
     * redis: its options; nodes, workers: how many; proxied: by way of a proxy;
     * lossy: Redis will lose what it has
     */
    static async start({ redis = { aof: "always" }, nodes = 1, workers = 3,
                         proxied = false, lossy = false } = {})
    {
        const world = new World();
        const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rt-durable-"));

        Object.assign(world, { dir, lossy, workers, rounds: 0, waits: 0,
            unknown: 0, there: 0, lost: 0,
            busy: [], sdks: [], staying: [], expected: 0, nodes: [],
            seen: { told: 0, repeats: 0, duplicates: 0, conflicts: 0,
                    refused: 0, cut: 0 } });

        world.redis = await Redis.start(redis);

        if (proxied) {
            world.proxy = await Proxy.start(world.redis);
        }

        const url = `unix:${(world.proxy ?? world.redis).path}`;

        for (let i = 0; i < nodes; i++) {
            const nginx = await Nginx.start({ workers,
                text: conf({ http: HTTP(url),
                             main: `env RT_FAULT_DIR=${dir};` }) });

            nginx.agent = new http.Agent({ keepAlive: true });
            world.nodes.push(nginx);
        }

        [world.nginx] = world.nodes;
        world.ledger = new Ledger(world.nginx);
        world.channels = Object.keys(CHANNELS);

        world.enter();
        await world.settled();

        return world;
    }

    /* subscribers: of each tenant, on each node */
    enter() {
        for (const nginx of this.nodes) {
            for (const tenant of TENANTS) {
                this.subscriber(nginx, tenant, ["kept:a", "short:a"]);
                this.subscriber(nginx, tenant, ["kept:b", FAST]);
                this.subscriber(nginx, tenant, ["kept:a", "kept:b"]);
                this.sdk(nginx, tenant, ["kept:a", "kept:b"]);
            }
        }
    }

    subscriber(nginx, tenant, channels) {
        this.staying.push(this.ledger.subscriber(tenant, channels, { nginx }));
        this.expected++;
    }

    sdk(nginx, tenant, channels) {
        this.sdks.push(sdk.subscribe(this.ledger, tenant, channels,
                                     { nginx }));
        this.expected += channels.length;
    }

    /* resolves to what was not answered, or by "it may be, and may not" */
    async say(way, list) {
        const open = new Set(list);
        const began = performance.now();

        await way.say(list, (i, { result, error }) => {
            this.waits = Math.max(this.waits, performance.now() - began);

            if (error?.code === AWAY) {
                this.seen.told++;
                return;
            }

            open.delete(list[i]);

            if (error) {
                this.answer(list[i], error);
            } else {
                this.accept(list[i], result.data ?? result);
            }
        });

        this.seen.cut += open.size;

        return [...open];
    }

    accept(data, result) {
        const p = this.ledger.publications.get(JSON.stringify(data));

        assert.ok(!p.refused, `accepted: ${JSON.stringify(data)}`);
        assert.ok(!result.duplicate || p.again,
                  `a duplicate of nothing: ${JSON.stringify(data)}`);
        this.seen.duplicates += Boolean(result.duplicate);
        this.ledger.ack(data, result);
    }

    answer(data, error) {
        const p = this.ledger.publications.get(JSON.stringify(data));

        assert.ok(p.refused, `refused: ${error.code} ${error.message}`);
        this.seen.conflicts += error.code === CONFLICT;
        this.seen.refused += error.code === FORBIDDEN;
    }

    again(list) {
        this.seen.repeats += list.length;

        for (const data of list) {
            this.ledger.publications.get(JSON.stringify(data)).again = true;
        }
    }

    ways(tenant, kinds) {
        return this.nodes.flatMap(nginx => kinds.map(Way =>
            new Way(nginx, tenant)));
    }

    /* by any way, until there is an answer */
    async insist(ways, list, turn = 0) {
        let open = await this.say(ways[turn % ways.length], list);

        while (open.length) {
            this.again(open);
            await sleep(20);
            open = await this.say(ways[++turn % ways.length], open);
        }
    }

    async publish(tenant, kind, channels) {
        const ways = this.ways(tenant, KINDS[kind]);
        const name = `${kind}-${this.rounds}`;
        let seq = 0;

        for (let turn = 0; !this.ledger.quiet; turn++) {
            const list = Array.from({ length: BURST }, () =>
                this.ledger.send(tenant, channels[++seq % channels.length],
                    name, seq, keyed(kind) ? `${name}-${seq}` : ""));

            if (keyed(kind)) {
                await this.insist(ways, list, turn);
            } else {
                await this.say(ways[turn % ways.length], list);
            }

            await sleep(PACE);
        }

        ways.forEach(way => way.close());
    }

    /* a key again with other content; a channel that is not for clients */
    async refused(tenant) {
        const ways = this.ways(tenant, KINDS.event);
        const name = `event-refused-${this.rounds}`;

        for (let seq = 1; !this.ledger.quiet; seq++) {
            const key = `${name}-${seq}`;
            const send = (channel, n, k) => this.ledger.send(tenant, channel,
                                                             name, n, k);

            await this.insist(ways, [send("kept:a", 2 * seq, key)], seq);

            const wrong = [send("kept:a", 2 * seq + 1, key),
                           send(CLOSED, seq, "")];

            wrong.forEach(data => this.ledger.refuse(data));
            await this.say(ways[(seq + 1) % ways.length], wrong.slice(0, 1));
            await this.say(ways[0], wrong.slice(1));
            await sleep(2 * PACE);
        }

        ways.forEach(way => way.close());
    }

    start() {
        const all = this.channels;

        this.rounds++;
        this.ledger.quiet = false;

        this.busy = TENANTS.flatMap(tenant => [
            this.publish(tenant, "event", [...all, FAST]),
            this.publish(tenant, "key", [...all, FAST]),
            this.publish(tenant, "ws", all),
            this.publish(tenant, "http", all),
            ...this.lossy ? [] : [this.refused(tenant)],
        ]);

        /* whoever fails first ends the round */
        this.failed = new Promise((resolve, reject) =>
            this.busy.forEach(each => each.catch(reject)));
        this.failed.catch(() => {
            this.ledger.quiet = true;
        });
    }

    /* what goes from node to node in a fast channel is heard once or not */
    mayMiss(channel) {
        return channel === FAST && this.nodes.length > 1;
    }

    live() {
        return this.ledger.live();
    }

    settled() {
        return until("all are subscribed", () =>
            this.live().length === this.expected, SETTLED)
            .catch(error => {
                throw new Error(`${error.message}: ${this.live().length} of `
                                + `${this.expected}`);
            });
    }

    /* each node publishes, and all who are there hear the last */
    async rest() {
        this.ledger.quiet = true;
        await Promise.all(this.busy);
        await this.whole();
        await this.settled();

        const last = `event-last-${this.rounds}`;
        let seq = 0;

        for (const tenant of TENANTS) {
            const ways = this.ways(tenant, [ByApi]);

            for (const channel of [...this.channels, FAST]) {
                for (const way of ways) {
                    await this.insist([way], [this.ledger.send(tenant, channel,
                        last, ++seq, `${last}-${seq}`)]);
                }
            }
        }

        await until("all stand at the last", () => this.late(last).length === 0
            && this.live().length === this.expected, SETTLED)
            .catch(error => {
                throw new Error(`${error.message}: `
                    + this.late(last).slice(0, 3).join("; "));
            });
    }

    /* who has not come to the last publication of its channel yet */
    late(last) {
        const top = new Map([...this.ledger.publications.values()]
            .filter(p => p.key.startsWith(`${last}-`))
            .map(p => [`${p.tenant} ${p.channel}`, p]));

        const records = this.ledger.records.filter(({ tenant, channel,
            position }) => channel !== FAST
            && position?.offset !== top.get(`${tenant} ${channel}`).offset)
            .map(r => `${r.tenant} ${r.channel} ${JSON.stringify(r.position)}`);

        const fast = this.live().filter(c => c.channels.includes(FAST)
            && !this.mayMiss(FAST) && c.heard.get(FAST).at(-1)?.p !== last)
            .map(c => `${c.tenant} ${FAST}`);

        return [...records, ...fast];
    }

    /* what was accepted is said again, by another way: nothing is new */
    async repeat() {
        const last = [...this.ledger.publications]
            .filter(([, p]) => p.acked && /^event/.test(p.key)
                               && p.sent > this.lost)
            .slice(-40);

        for (const [key, { tenant, offset, epoch }] of last) {
            const data = JSON.parse(key);

            for (const way of this.ways(tenant, KINDS.event)) {
                await way.say([data], (i, { result, error }) => {
                    assert.deepEqual(error, undefined);

                    const first = result.data ?? result;

                    assert.equal(first.duplicate, true, key);
                    assert.deepEqual([first.offset, first.epoch],
                                     [offset, epoch], key);
                });
                way.close();
            }
        }
    }

    async judge() {
        const { ledger, lost } = this;

        assert.equal(ledger.foreign, 0, "another tenant's");
        assert.ok(this.waits < PROMPT, `an answer after ${this.waits} ms`);

        await this.repeat();

        const figures = await checkStreams(ledger, this.redis, this.nodes,
                                           TENANTS, CHANNELS, lost);

        if (!lost) {
            ledger.connections.filter(c => c.channels.some(channel =>
                this.mayMiss(channel))).forEach(c => { c.lapped = true; });
            ledger.checkOrder();
            figures.due = ledger.checkAcknowledged();
        }

        assert.equal(ledger.count(p => p.key !== "" && !p.acked && !p.refused),
                     0, "never answered");

        return figures;
    }

    /* act(world), while all publish.  Resolves to figures. */
    async round(act) {
        const { ledger, seen } = this;
        const before = { ...seen, sent: ledger.publications.size,
                         acked: ledger.count(p => p.acked > 0),
                         holes: this.holes(), back: ledger.reconnects };

        this.start();
        await sleep(300);

        try {
            await Promise.race([act(this), this.failed]);
        } finally {
            ledger.quiet = true;
        }

        ledger.quiet = false;
        await sleep(200);
        await this.rest();

        const figures = { ...seen, sent: ledger.publications.size,
                          acked: ledger.count(p => p.acked > 0),
                          holes: this.holes(), back: ledger.reconnects };

        Object.keys(before).forEach(name => { figures[name] -= before[name]; });

        const { unknown, there, ...more } = await this.judge();

        Object.assign(figures, more, { unknown: unknown - this.unknown,
                                       there: there - this.there });
        Object.assign(this, { unknown, there });

        return figures;
    }

    /* where there is no need of any */
    holes() {
        return this.ledger.records.filter(r => CHANNELS[r.channel] > 20)
            .reduce((n, r) => n + r.holes.length, 0);
    }

    /* so many more are accepted: everything works */
    async works(n = 20) {
        const acked = () => this.ledger.count(p => p.acked > 0);
        const before = acked();

        await until("publications are accepted", () => acked() > before + n,
                    SETTLED);
    }

    /* so many more are told that Redis does not take them */
    async fails(n = 8) {
        const before = this.seen.told;

        await until("publishers are told", () => this.seen.told > before + n,
                    SETTLED);
    }

    /* what was said until now, Redis may have lost */
    loses() {
        this.lost = this.ledger.clock;
    }

    /* a worker dies there, while all publish */
    async killAt(name) {
        const workers = tables(this.dir).filter(({ pid }) =>
            state(pid) !== "gone");

        workers.forEach(({ points }) => points.arm(name, "kill", 2));
        await until(`${name} is reached`, () =>
            workers.some(({ points }) => points.fired(name)));
        workers.forEach(({ points }) => points.disarm(name));
        await this.whole();
        sweep(this.dir);
    }

    /* all nodes have all their workers, and no others */
    whole() {
        return until("all workers", () => this.nodes.every(nginx =>
            nginx.workerPids().length === nginx.workers
            && children(nginx).length === nginx.workers), SETTLED);
    }

    /* how many each stream has */
    async lengths() {
        const all = {};

        for (const tenant of TENANTS) {
            for (const channel of this.channels) {
                all[`${tenant} ${channel}`] = await this.redis.call("XLEN",
                    `rt:{${tenant}}:channel:${channel}`);
            }
        }

        return all;
    }

    async epochs() {
        const all = {};

        for (const tenant of TENANTS) {
            for (const channel of this.channels) {
                all[`${tenant} ${channel}`] = await this.redis.call("HGET",
                    `rt:{${tenant}}:meta:${channel}`, "epoch");
            }
        }

        return all;
    }

    async metric(name) {
        const all = await Promise.all(this.nodes.map(metrics));

        return all.reduce((n, each) => n + each[name], 0);
    }

    async stop() {
        this.ledger.stopped = this.ledger.quiet = true;
        this.sdks.forEach(c => c.disconnect());
        this.ledger.connections.forEach(c => c.socket?.terminate());

        const alarms = [];

        for (const nginx of this.nodes) {
            nginx.agent.destroy();
            alarms.push(...await nginx.stop());
        }

        await this.proxy?.stop();
        await this.redis.stop();
        await Promise.all(this.staying);
        fs.rmSync(this.dir, { recursive: true, force: true });

        return alarms;
    }
}


module.exports = { CHANNELS, TENANTS, TIMEOUT, World };

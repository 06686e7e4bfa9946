"use strict";

/*
 * Nodes of one Redis, two as a rule, for a suite: what it starts is stopped
 * behind each test, newest first, and no log may have an alarm.
 *
 *     const p = pair(HTTP);
 *     afterEach(() => p.stop());
 */

const assert = require("node:assert/strict");

const { children, Nginx, until } = require("./nginx.js");
const { Connection, conf, connectTo, metrics } = require("./ledger.js");
const { Redis } = require("./redis.js");

/* a node that says nothing is taken for gone after 8 seconds */
const SETTLED = 20000;

const HTTP = path => `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_drain      window=100ms;
    rt_redis      unix:${path} timeout=2s backoff=20ms:100ms;
    rt_namespace  chat  publish=any;
    rt_namespace  kept  history=100 ttl=10m publish=any;
    rt_namespace  told  history=1000 ttl=10m durable publish=any;
    rt_namespace  room  presence join_leave;
`;

const upTo = n => Array.from({ length: n }, (_, i) => i + 1);
const bus = channel => `rt:{t}:bus:${channel}`;


class Pair {
    constructor(http) {
        Object.assign(this, { http, open: [], quiet: new Set() });
    }

    async stop() {
        for (const stop of this.open.splice(0)) {
            await stop();
        }
    }

    later(stop) {
        this.open.unshift(stop);
    }

    async begin(options) {
        this.redis = await Redis.start(options);
        this.later(() => this.redis.stop());
    }

    async node(options = {}) {
        const { path = this.redis.path, ...rest } = options;
        const nginx = await Nginx.start({ workers: 2,
            text: conf({ http: this.http(path) }), ...rest });

        this.later(async () => {
            const alarms = await nginx.stop();

            assert.deepEqual(this.quiet.has(nginx) ? [] : alarms, []);
        });

        return nginx;
    }

    /* a Redis of its own, and two nodes that know each other */
    async both(options) {
        await this.begin();

        const a = await this.node(options);
        const b = await this.node(options);

        await this.know(1, a, b);

        return { a, b };
    }

    know(n, ...nodes) {
        return Promise.all(nodes.map(nginx => until(`${n} others`, async () =>
            (await metrics(nginx)).rt_bus_others === n, SETTLED)));
    }

    /* all of its processes at once */
    async kill(nginx) {
        this.quiet.add(nginx);
        nginx.child.kill("SIGSTOP");
        children(nginx).forEach(pid => process.kill(pid, "SIGKILL"));
        nginx.child.kill("SIGKILL");
        await nginx.exited;
    }

    /* raw WebSockets, of the tenant t */
    client(nginx, channels = [], more = {}) {
        const c = new Connection(nginx, "t", channels, more);

        this.later(() => c.close());

        return c.ready;
    }

    /* on a worker that will do */
    async clientOf(nginx, channels, fits, more) {
        const c = await connectTo(nginx, "t", channels, fits, more);

        this.later(() => c.close());

        return c;
    }

    /* one of each worker, so that another can take over */
    async everywhere(nginx, channel) {
        const list = [];

        for (const pid of nginx.workerPids()) {
            list.push(await this.clientOf(nginx, [channel],
                                          is => is === pid));
        }

        return list;
    }

    /* of pub/sub, what nodes listen to, but for what they say of themselves */
    async listened() {
        return (await this.redis.call("PUBSUB", "CHANNELS", "rt:{*")).sort();
    }

    async counts(...channels) {
        return (await this.redis.call("PUBSUB", "NUMSUB",
            ...channels.map(bus))).filter((x, i) => i % 2);
    }

    heard(channel, ...nodes) {
        return until(`${channel} is listened to`, async () =>
            (await this.counts(channel))[0] === nodes.length, SETTLED);
    }
}


/* { result } or { error } of the tenant t */
async function ask(nginx, method, params = {}) {
    return (await nginx.api(method, params, { "X-Tenant": "t" })).body;
}

async function publish(nginx, channel, data, more = {}) {
    const body = await ask(nginx, "publish", { channel, data, ...more });

    assert.ok(body.result, JSON.stringify(body));

    return body.result;
}


module.exports = { HTTP, Pair, SETTLED, ask, bus, publish, upTo,
    pair: (http = HTTP) => new Pair(http) };

"use strict";

/*
 * The points of reading a stream: a page for who asks for a history, and the
 * end of it for the node's copy, when the first one subscribes.  The worker
 * comes to the point; what it was asked for is read by another one, all of it,
 * and when it is over whoever comes gets all there is, and what is new.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const { Nginx, until } = require("../clients/nginx.js");
const { conf, connectTo } = require("../clients/ledger.js");
const { Redis } = require("../clients/redis.js");
const { RECOVERY, requests, state } = require("./stage.js");
const { Points } = require("./points.js");

const CHANNEL = "kept:x";
const THERE = 8;


const text = (redis, dir) => conf({ http: `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_redis      unix:${redis.path} timeout=1s;
    rt_namespace  kept publish=any history=100 ttl=1h durable;
`, server: `
        location = /pid { return 200 $pid; }
`, main: `env RT_FAULT_DIR=${dir};` });

const offsets = publications => publications.map(({ offset }) => offset);
const upTo = n => Array.from({ length: n }, (_, i) => i + 1);


class Reading {
    static async start(name) {
        const it = new Reading();

        Object.assign(it, { name, published: 0, connections: [] });
        it.dir = fs.mkdtempSync(path.join(os.tmpdir(), "rt-fault-"));
        it.redis = await Redis.start();
        it.nginx = await Nginx.start({ workers: 3,
            text: text(it.redis, it.dir) });

        await until("the tables", () => fs.readdirSync(it.dir)
            .filter(each => /^\d+$/.test(each)).length === 3);

        const [victim, other] = it.nginx.workerPids();

        it.pid = victim;
        it.points = new Points(it.dir, victim);
        it.api = await requests(it.nginx, pid => pid === other);
        it.theirs = await requests(it.nginx, pid => pid === victim);
        it.client = await it.connect(victim);

        for (let i = 0; i < THERE; i++) {
            await it.publish();
        }

        return it;
    }

    async connect(pid, channels = []) {
        const c = await connectTo(this.nginx, "t", channels, at => at === pid,
            { asks: () => this.all });

        this.connections.push(c);

        return c;
    }

    /* what who has nothing asks for */
    get all() {
        return { recover: true, offset: 0, epoch: this.epoch };
    }

    async publish() {
        const { result } = await until("it is taken", async () => {
            const said = await this.api.post("publish",
                { channel: CHANNEL, data: this.published + 1 });

            return said.result && said;
        });

        assert.equal(result.offset, ++this.published);
        this.epoch = result.epoch;
    }

    async history(api) {
        const { result } = await until("a history", async () => {
            const said = await api.post("history",
                { channel: CHANNEL, limit: 100 });

            return said.result && said;
        });

        return offsets(result.publications);
    }

    act() {
        return this.name.startsWith("read_page")
            ? this.history(this.theirs)
            : this.client.commands([{ subscribe:
                { channel: CHANNEL, ...this.all } }])
                .then(([{ subscribe }]) => offsets(subscribe.publications));
    }

    async visit(action) {
        const { name, pid, points } = this;

        points.arm(name, action);

        const over = this.act().catch(error => error);

        await until("it is there", () => points.fired(name));

        if (action === "kill") {
            await this.client.closed;
            assert.ok(await over instanceof Error, "it was answered");
        } else {
            await until("it stands", () => state(pid) === "T");
        }

        const start = performance.now();

        await this.publish();
        assert.deepEqual(await this.history(this.api), upTo(THERE + 1));
        assert.ok(performance.now() - start < RECOVERY, "it took too long");

        if (action === "stop") {
            process.kill(pid, "SIGCONT");

            const got = await over;

            assert.ok(!(got instanceof Error), got);
            assert.deepEqual(got, upTo(got.length));
            assert.ok(got.length >= THERE, got.join());
        }

        await this.judge();
    }

    /* whoever comes, at every worker */
    async judge() {
        await until("three workers", () =>
            this.nginx.workerPids().length === 3);

        const comers = [];

        for (const pid of this.nginx.workerPids()) {
            comers.push(await this.connect(pid, [CHANNEL]));
        }

        await this.publish();

        for (const { heard } of comers) {
            await until("all is heard", () =>
                heard.get(CHANNEL).length >= this.published);
            assert.deepEqual(heard.get(CHANNEL), upTo(this.published));
        }

        assert.deepEqual(await this.history(this.api), upTo(this.published));
    }

    async stop() {
        this.connections.forEach(c => c.socket.terminate());
        this.api.close();
        this.theirs.close();

        const alarms = await this.nginx.stop();

        await this.redis.stop();
        fs.rmSync(this.dir, { recursive: true, force: true });

        return alarms;
    }
}


/* a worker does it at that point, with a Redis and a nginx of its own */
async function read(name, action) {
    const it = await Reading.start(name);

    try {
        await it.visit(action);

    } finally {
        assert.deepEqual(await it.stop(), []);
    }
}


module.exports = { read };

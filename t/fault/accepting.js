"use strict";

/*
 * The points of a publish that waits for Redis: into a durable channel, or with
 * a key into a fast one.  The worker that has taken it comes to the point; what
 * was said is then asked for again by its key at another one, and stands once in
 * the stream, if there is one, and is heard once, in its place.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const { Nginx, until } = require("../clients/nginx.js");
const { conf, connectTo } = require("../clients/ledger.js");
const { Redis } = require("../clients/redis.js");
const { RECOVERY, state } = require("./stage.js");
const { Points } = require("./points.js");

const DURABLE = "kept:x";
const FAST = "open:x";

/* a second, after which a claim that nobody settles is given up */
const TIMEOUT = 1000;
const GIVEN_UP = 4 * TIMEOUT;


const text = (redis, dir) => conf({ http: `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_redis      unix:${redis.path} timeout=${TIMEOUT}ms;
    rt_namespace  open publish=any;
    rt_namespace  kept publish=any history=100 ttl=1h durable;
`, main: `env RT_FAULT_DIR=${dir};` });

const keyed = (channel, id) => [{ rpc: { method: "rt.publish",
    data: { channel, event: { id, type: "t", data: id } } } }];


class Accepting {
    static async start(channel) {
        const it = new Accepting();

        it.channel = channel;
        it.dir = fs.mkdtempSync(path.join(os.tmpdir(), "rt-fault-"));
        it.redis = await Redis.start();
        it.nginx = await Nginx.start({ workers: 3,
            text: text(it.redis, it.dir) });

        await until("the tables", () => fs.readdirSync(it.dir)
            .filter(name => /^\d+$/.test(name)).length === 3);

        it.listener = await connectTo(it.nginx, "t", [channel], () => true);

        const besides = pid => pid !== it.listener.pid;

        it.victim = await connectTo(it.nginx, "t", [], besides);
        it.other = await connectTo(it.nginx, "t", [], pid => besides(pid)
            && pid !== it.victim.pid);

        return it;
    }

    /* by who is not the victim, until it is known what became of it */
    async again(id) {
        return until(`what became of ${id}`, () =>
            this.other.commands(keyed(this.channel, id))
                .then(([{ rpc }]) => rpc.data, error => {
                    assert.equal(error.code, 100, error);
                }), GIVEN_UP);
    }

    async said(id) {
        const result = await this.again(id);

        assert.equal(result.duplicate, false);
        assert.equal(result.status, "accepted");

        return result;
    }

    async visit(name, action) {
        const { victim: { pid } } = this;
        const points = new Points(this.dir, pid);

        await this.said("before");
        points.arm(name, action);

        const answer = this.victim.commands(keyed(this.channel, "it"))
            .then(([{ rpc }]) => rpc.data, error => error);

        if (action === "kill") {
            await this.victim.closed;
            assert.ok(await answer instanceof Error, "it was answered");
        } else {
            await until("it stands", () => state(pid) === "T");
        }

        assert.ok(points.fired(name), "it was never reached");

        const start = performance.now();

        await this.said("meanwhile");
        assert.ok(performance.now() - start < RECOVERY, "it took too long");

        if (action === "stop") {
            process.kill(pid, "SIGCONT");
            await answer;
        }

        await this.judge(await answer);
    }

    /* asked for again, it has one result, which is the first */
    async judge(answer) {
        const first = await this.again("it");
        const result = { ...await this.again("it"), duplicate: undefined };

        assert.deepEqual(result, { ...first, duplicate: undefined });

        if (answer instanceof Error) {
            assert.match(answer.message, /closed|^100 /);
        } else {
            assert.equal(answer.duplicate, false);
            assert.deepEqual({ ...answer, duplicate: undefined }, result);
        }

        await this.said("after");

        const heard = this.listener.heard.get(this.channel);

        await until("all is heard", () => heard.includes("after"));
        assert.deepEqual([...heard].sort(),
                         ["after", "before", "it", "meanwhile"]);

        if (this.channel === DURABLE) {
            const stream = await this.redis
                .stream(`rt:{t}:channel:${DURABLE}`);

            assert.deepEqual(stream.map(({ id }) => id),
                             ["1-0", "2-0", "3-0", "4-0"]);
            assert.deepEqual(stream.map(({ fields }) =>
                JSON.parse(fields.data)), heard);
            assert.equal(heard[result.offset - 1], "it");
        }
    }

    async stop() {
        [this.listener, this.victim, this.other].forEach(c =>
            c?.socket.terminate());

        const alarms = await this.nginx?.stop();

        await this.redis.stop();
        fs.rmSync(this.dir, { recursive: true, force: true });

        return alarms;
    }
}


/* a worker does it at that point, with a Redis and a nginx of its own */
async function accept(name, action) {
    const it = await Accepting.start(name.startsWith("keyed") ? FAST : DURABLE);

    try {
        await it.visit(name, action);

    } finally {
        assert.deepEqual(await it.stop(), []);
    }
}


module.exports = { accept };

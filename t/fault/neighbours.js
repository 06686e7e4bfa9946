"use strict";

/*
 * The points of what a node tells others and asks them, with a Redis, a nginx
 * of three workers, and a node that is none (peer.js).  The worker comes to the
 * point; the others and the other node go on, and when it is over everybody
 * hears and is answered again.  What was on its way may be lost, but comes to
 * nobody twice.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const { Nginx, until } = require("../clients/nginx.js");
const { conf, connectTo } = require("../clients/ledger.js");
const { Peer } = require("../clients/peer.js");
const { Redis } = require("../clients/redis.js");
const { requests, state } = require("./stage.js");
const { Points } = require("./points.js");

const CHANNEL = "room:x";
const BUS = `rt:{t}:bus:${CHANNEL}`;

/* who is dead or late is not waited for longer; msec */
const AGAIN = 20000;


const text = (redis, dir) => conf({ http: `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_redis      unix:${redis.path} timeout=1s;
    rt_namespace  room publish=any presence;
`, server: `
        location = /pid { return 200 $pid; }
`, main: `env RT_FAULT_DIR=${dir};` });


/* what leads the victim there */
const ACTS = {
    bus_tell: ({ victim }) => victim.commands([{ publish:
        { channel: CHANNEL, data: "told" } }]),

    bus_hear: ({ peer }) => peer.say(BUS, "p", { data: '"heard"' }),

    survey: async it => {
        const api = await requests(it.nginx, pid => pid === it.victim.pid);

        return api.post("presence", { channel: CHANNEL })
            .finally(() => api.close());
    },

    /* it has its turn after a while */
    survey_taken: async ({ peer, points, name }) => {
        for (let i = 0; i < 20 && !points.fired(name); i++) {
            await peer.ask("disconnect", '{"user":"ordered"}', "t", 100)
                .catch(() => {});
        }
    },
};

ACTS.survey_served = ACTS.survey_taken;


class Neighbours {
    static async start(name) {
        const it = new Neighbours();

        it.name = name;
        it.dir = fs.mkdtempSync(path.join(os.tmpdir(), "rt-fault-"));
        it.redis = await Redis.start();
        it.nginx = await Nginx.start({ workers: 3,
            text: text(it.redis, it.dir) });
        it.peer = await Peer.join(it.redis);
        it.peer.answers = () => '{"result":{"presence":{}}}';
        it.told = [];
        await it.peer.ear.subscribe(BUS, line =>
            it.told.push(JSON.parse(it.peer.parse(line).data || "null")));

        await until("the tables", () => fs.readdirSync(it.dir)
            .filter(each => /^\d+$/.test(each)).length === 3);

        /* the first one listens to the channel for all */
        it.victim = await connectTo(it.nginx, "t", [CHANNEL], () => true);
        await it.listened();

        it.others = [];

        for (const pid of it.nginx.workerPids()) {
            if (pid !== it.victim.pid) {
                it.others.push(await connectTo(it.nginx, "t", [CHANNEL],
                                               at => at === pid));
            }
        }

        it.ordered = await connectTo(it.nginx, "t", [],
            pid => pid !== it.victim.pid,
            { headers: { "X-User": "ordered" } });

        it.points = new Points(it.dir, it.victim.pid);

        return it;
    }

    /* by the node, besides us */
    listened() {
        return until("it is listened to", async () =>
            (await this.redis.call("PUBSUB", "NUMSUB", BUS))[1] === 2, AGAIN);
    }

    async visit(action) {
        const { name, victim: { pid }, points } = this;

        points.arm(name, action);

        const act = ACTS[name] ?? ACTS[name.split("_")[0]];
        const over = Promise.resolve(act(this)).catch(error => error);

        await until("it is there", () => points.fired(name));

        if (action === "kill") {
            await this.victim.closed;
        } else {
            await until("it stands", () => state(pid) === "T");
            await this.goesOn("meanwhile");
            process.kill(pid, "SIGCONT");
            assert.ok(!(await over instanceof Error), await over);
        }

        await this.goesOn("after");
        await this.judge();
    }

    /* inside the node at once, and the other node's questions, in the end */
    async goesOn(what) {
        const [one, two] = this.others;

        await one.commands([{ publish: { channel: CHANNEL, data: what } }]);
        await until("it is heard", () => [one, two].every(c =>
            c.heard.get(CHANNEL).includes(what)));
        await until("others hear it", () => this.told.includes(what), AGAIN);

        await until("it is answered", () => this.peer.ask("users",
            `{"channel":"${CHANNEL}"}`, "t", 500).catch(() => {}), AGAIN);
        await until("it answers", () => two.commands([{ presence:
            { channel: CHANNEL } }]).catch(error =>
            assert.equal(error.code, 100, error)), AGAIN);
    }

    /* the other node is heard again, by another worker if need be */
    async judge() {
        await this.listened();

        await until("the other node is heard", async () => {
            await this.peer.say(BUS, "p", { data: '"again"' });

            return this.others.every(c =>
                c.heard.get(CHANNEL).includes("again"));
        }, AGAIN);

        for (const c of this.others) {
            const list = c.heard.get(CHANNEL).filter(d => d !== "again");

            assert.equal(new Set(list).size, list.length, list.join());
        }

        const told = this.told.filter(d => d !== "again" && d !== "heard");

        assert.equal(new Set(told).size, told.length, told.join());

        if (this.name === "bus_tell") {
            assert.ok(this.others.every(c =>
                c.heard.get(CHANNEL).includes("told")), "it is lost here");
        }

        /* an order that was not answered is given again */
        if (this.name.startsWith("survey")) {
            await until("it is obeyed", () => this.peer.ask("disconnect",
                '{"user":"ordered"}', "t", 500).catch(() => {}), AGAIN);
            assert.equal(await this.ordered.closed, 3503);
        }
    }

    async stop() {
        [this.victim, this.ordered, ...this.others].forEach(c =>
            c?.socket.terminate());

        await this.peer.leave();

        const alarms = await this.nginx.stop();

        await this.redis.stop();
        fs.rmSync(this.dir, { recursive: true, force: true });

        return alarms;
    }
}


/* a worker does it at that point, with a Redis, nginx and node of its own */
async function neighbour(name, action) {
    const it = await Neighbours.start(name);

    try {
        await it.visit(action);

    } finally {
        assert.deepEqual(await it.stop(), []);
    }
}


module.exports = { neighbour };

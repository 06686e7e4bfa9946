"use strict";

/*
 * Faults for an nginx under load: a worker is killed at each named point and
 * at random, nginx is reloaded, and a worker is stopped with a record half
 * read while others write all of the log anew.
 */

const assert = require("node:assert/strict");

const { sleep, until } = require("../clients/nginx.js");
const { connectTo, metrics } = require("../clients/ledger.js");
const { stand, state, sweep, tables } = require("./points.js");
const { requests } = require("./stage.js");


const ATTEMPTS = 12;
const MOMENT = 400;                           /* ms for a point to be reached */
const WHILE = 2500;
const FLOOD = "flood:x";
const PAD = "x".repeat(32000);

/*
 * A mutex of a zone that is not configured any more: see leaving.js; what there
 * is with Redis alone, or with a file: see accepting.js and lasting.js.
 */
const ELSEWHERE =
    /^(lock_relieve$|durable_|keyed_|bus_|survey_|settings_|read_)/;

/* what passes often is not always to act at the first time */
const MANY = { store: 300, txn_written: 30, txn_counted: 30, txn_stored: 30 };

/* how a worker comes to a point, where it does not do so by itself */
const WAYS = { claim: "killNext", reap: "killNext", drain: "killLeaving",
               exit: "killLeaving", txn_undo: "killUndoing",
               session_empty: "killOrdered" };

/* reached now and then, by whichever worker: all of them are armed */
const RARE = new RegExp("^(limit|room|linger|resume|revoke|key_expire"
                        + "|history_(create|read|floor|sweep))");

/* between a publication that is read and its answer */
const PUBLISHING = new RegExp("^(publish|txn_[^u]|lock_[tl]|heap_taken|log"
    + "|record|key_(linked|hung)|history_(entry|stored))");

const any = list => list[Math.floor(Math.random() * list.length)];

function shuffled(list) {
    return list.map(each => [Math.random(), each])
        .sort(([a], [b]) => a - b).map(([, each]) => each);
}


class Storm {
    constructor(nginx, ledger, dir) {
        Object.assign(this, { nginx, ledger, dir, kills: 0, reloads: 0,
            stalls: 0, laps: 0, others: 0, inFlight: 0, visited: new Set(),
            missed: [] });
        this.names = tables(dir)[0].points.names
            .filter(name => !ELSEWHERE.test(name));
    }

    /* workers that are not on their way out, with their points */
    async workers() {
        return until("all workers", () => {
            const pids = this.nginx.workerPids();
            const there = tables(this.dir)
                .filter(({ pid }) => pids.includes(pid));

            return pids.length === this.nginx.workers
                   && there.length === pids.length && there;
        });
    }

    /* while something is being published, if that comes soon */
    async strike(pid) {
        await until("a publish", () => this.ledger.pending > 0, 200)
            .catch(() => {});

        this.kills++;
        this.inFlight += this.ledger.pending > 0;
        process.kill(pid, "SIGKILL");
    }

    async reload() {
        await this.workers();
        await this.nginx.reload();
        this.reloads++;
    }

    async killAny() {
        const { pid } = any(await this.workers());

        await this.strike(pid);
        await until("it is gone", () => state(pid) === "gone");
    }

    /* resolves to whether one of them was reached in time */
    async fires(list, name, ms = MOMENT) {
        const end = performance.now() + ms;

        while (performance.now() < end) {
            const dead = list.filter(({ points }) => points.fired(name));

            if (dead.length) {
                list.filter(each => !dead.includes(each))
                    .forEach(({ points }) => points.disarm(name));
                return true;
            }

            await sleep(5);
        }

        list.forEach(({ points }) => points.disarm(name));

        return list.some(({ points }) => points.fired(name));
    }

    /* the worker that comes after one that is killed */
    async killNext(name) {
        const workers = await this.workers();
        const { pid } = any(workers);
        const before = tables(this.dir).map(each => each.pid);

        workers[0].points.armNext(name, "kill");
        await this.strike(pid);

        return until("the next one", () => tables(this.dir).some(each =>
            !before.includes(each.pid) && each.points.fired(name)), 1000)
            .then(() => true, () => false);
    }

    async killLeaving(name) {
        const workers = await this.workers();
        const one = any(workers);

        one.points.arm(name, "kill");
        await this.reload();

        return this.fires([one], name);
    }

    /* who dies in a transaction, and whoever undoes it dies as well */
    async killUndoing(name) {
        const workers = await this.workers();

        workers.forEach(({ points }) => points.arm(name, "kill"));
        any(workers).points.arm("txn_stored", "kill", 9);

        const fired = await this.fires(workers, name);

        workers.forEach(({ points }) => points.disarm("txn_stored"));

        return fired;
    }

    /* a session is gone before an order to it is taken */
    async killOrdered(name) {
        const one = any(await this.workers());
        const other = at => at !== one.pid;
        const api = await requests(this.nginx, other, "one");
        const guest = await connectTo(this.nginx, "one", ["room:c"],
            at => at === one.pid, { headers: { "X-User": "ordered" } });

        await stand(this.dir, one.pid);
        one.points.arm(name, "kill");

        try {
            await api.post("subscribe",
                { user: "ordered", channel: "mine:ordered" });
            guest.socket.terminate();

        } finally {
            process.kill(one.pid, "SIGCONT");
            api.close();
        }

        return this.fires([one], name);
    }

    async killHere(name) {
        const n = 1 + Math.floor(Math.random() * (MANY[name] ?? 2));
        const workers = shuffled(await this.workers());

        workers[0].points.arm(name, "kill", n);

        return this.fires([workers[0]], name);
    }

    async killFirst(name) {
        const workers = await this.workers();

        workers.forEach(({ points }) => points.arm(name, "kill"));

        return this.fires(workers, name, WHILE);
    }

    async killAt(name) {
        const way = WAYS[name] ?? WAYS[name.split("_")[0]]
                    ?? (RARE.test(name) ? "killFirst" : "killHere");

        for (let i = 0; i < ATTEMPTS; i++) {
            if (await this[way](name)) {
                this.kills++;
                this.visited.add(name);
                return;
            }
        }

        this.missed.push(name);
    }

    /* it stands between a record's head and its parts; the log goes round */
    async stall() {
        const workers = await this.workers();
        const { pid, points } = any(workers);
        const before = (await metrics(this.nginx)).rt_log_laps_total;
        const other = at => at !== pid;
        const api = await requests(this.nginx, other, "flood");
        const listener = await connectTo(this.nginx, "flood", [FLOOD], other);

        points.arm("deliver_found", "stop");
        await until("it stands", () => state(pid) === "T");

        try {
            this.ledger.lap(pid);

            for (let i = 0; i < 48; i++) {
                assert.deepEqual(await api.post("publish",
                    { channel: FLOOD, data: PAD }), { result: {} });
            }

        } finally {
            process.kill(pid, "SIGCONT");
        }

        await until("it was lapped", async () =>
            (await metrics(this.nginx)).rt_log_laps_total > before, 2000)
            .then(() => { this.laps++; }, () => {});

        this.ledger.lap(pid);
        this.stalls++;
        api.close();
        listener.socket.terminate();
    }

    /* a worker that was too slow by itself: nobody knows which */
    async lapsOfOthers(before, laps) {
        const now = (await metrics(this.nginx)).rt_log_laps_total;

        if (now - before > this.laps - laps) {
            this.others += now - before - (this.laps - laps);
            this.ledger.connections.forEach(c => { c.lapped = true; });
        }
    }

    /* all of it in any order; points that need a reload count for one */
    async rage({ kills, publishes, reloads, stalls }) {
        const begun = this.reloads;
        const { laps } = this;
        const before = (await metrics(this.nginx)).rt_log_laps_total;
        const near = this.names.filter(name => PUBLISHING.test(name));
        const repeat = (n, act) => Array.from({ length: n }, () => act);
        const acts = shuffled([
            ...this.names.map(name => () => this.killAt(name)),
            ...repeat(kills, () => this.killAny()),
            ...repeat(publishes, () => this.killAt(any(near))),
            ...repeat(stalls, () => this.stall()),
            ...repeat(reloads, () => this.reloads - begun < reloads
                                     && this.reload()),
        ]);

        for (const act of acts) {
            await act();
            await sleep(Math.random() * 80);
            sweep(this.dir);
        }

        await this.lapsOfOthers(before, laps);
    }
}


module.exports = { Storm, shuffled };

"use strict";

/*
 * The points of workers that leave: a reload, for which no worker can be one
 * of those who stay (see stage.js).
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const { Nginx, until } = require("../clients/nginx.js");
const { Connection, children, conf, connectTo, metrics,
        rewrite } = require("../clients/ledger.js");
const { OPEN, RECOVERY, fds, state } = require("./stage.js");
const { Points } = require("./points.js");


const text = (size, drain) => conf({ http: `
    rt_zone       $http_x_tenant zone=live:${size};
    rt_drain      window=${drain};
    rt_namespace  open publish=any;
` });


class Leaving {
    static async start(drain) {
        const leaving = new Leaving();
        const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rt-fault-"));
        const main = `env RT_FAULT_DIR=${dir};\n`;

        Object.assign(leaving, { dir, clients: [],
            text: size => nginx => main + text(size, drain)(nginx) });

        leaving.nginx = await Nginx.start({ workers: 3,
            text: leaving.text("8m") });
        await until("the tables", () => leaving.pids().length === 3);

        /* the tenant's own row stays */
        await (await leaving.client()).close();
        leaving.before = await leaving.figures();

        return leaving;
    }

    pids() {
        return fs.readdirSync(this.dir).filter(name => /^\d+$/.test(name));
    }

    async client(fits = () => true) {
        const c = await connectTo(this.nginx, "t", [OPEN], fits);

        this.clients.push(c);

        return c;
    }

    async figures() {
        const m = await metrics(this.nginx);

        return {
            sessions: m.rt_zone_sessions,
            bytes: m.rt_zone_heap_bytes,
            pages: m.rt_zone_heap_pages_free,
            fds: fds(this.nginx.child.pid),
            workers: children(this.nginx).length,
        };
    }

    /* on a new worker each; heard in time */
    async goesOn(from) {
        const start = performance.now();
        const data = `after ${start}`;

        from.commands([{ publish: { channel: OPEN, data } }]).catch(() => {});
        await until("all hear it", () => this.clients.every(c => !c.open
            || state(c.pid) === "T"
            || c.heard.get(OPEN).includes(data)));

        assert.ok(performance.now() - start < RECOVERY, "it took too long");
    }

    async reload() {
        const old = this.nginx.workerPids();

        await this.nginx.reload();

        return pid => !old.includes(pid);
    }

    /* a worker comes to the point as it leaves */
    async reloadAt(name, action) {
        const victim = await this.client();
        const other = await this.client(pid => pid !== victim.pid);
        const points = new Points(this.dir, victim.pid);

        points.arm(name, action);

        const isNew = await this.reload();

        assert.equal(await other.closed, 3001);

        if (action === "stop") {
            await until("it stands", () => state(victim.pid) === "T");
        } else {
            assert.ok([1006, 3001].includes(await victim.closed));
        }

        const fresh = await this.client(isNew);

        await this.client(pid => isNew(pid) && pid !== fresh.pid);
        await this.goesOn(fresh);

        if (action === "stop") {
            process.kill(victim.pid, "SIGCONT");
            assert.equal(await victim.closed, 3001);
        }

        await until("it is gone", () => state(victim.pid) === "gone");
        assert.ok(points.fired(name), "it was never reached");
        await this.clear();
    }

    /*
     * A mutex that the master does not free: of a zone that is no longer
     * configured, between workers that still leave.
     */
    async relieveAt(name, action) {
        const first = await this.client();
        const second = await this.client(pid => pid !== first.pid);
        const third = await this.client(pid => ![first.pid, second.pid]
            .includes(pid));

        rewrite(this.nginx, this.text("4m"));
        await this.reload();

        new Points(this.dir, first.pid).arm("log_written", "kill");
        first.commands([{ publish: { channel: OPEN, data: 0 } }])
            .catch(() => {});
        await first.closed;

        const points = new Points(this.dir, second.pid);

        points.arm(name, action);
        second.commands([{ publish: { channel: OPEN, data: 0 } }])
            .catch(() => {});
        await until("it was reached", () => points.fired(name));
        await this.goesOn(third);

        if (action === "stop") {
            process.kill(second.pid, "SIGCONT");
            await this.goesOn(second);
        }
    }

    async clear() {
        this.clients.splice(0).forEach(c => c.socket.terminate());

        let now;

        await until("what there was before", async () => {
            now = await this.figures();

            return JSON.stringify(now) === JSON.stringify(this.before);
        }, 5000).catch(() => assert.deepEqual(now, this.before));
    }

    async stop() {
        this.clients.forEach(c => c.socket.terminate());

        const alarms = await this.nginx.stop();

        fs.rmSync(this.dir, { recursive: true, force: true });

        return alarms;
    }
}


/* the worker does it at that point, which needs a nginx of its own */
async function leave(name, action) {
    const relieves = name === "lock_relieve";
    const leaving = await Leaving.start(relieves ? "600s" : "50ms");

    try {
        if (relieves) {
            await leaving.relieveAt(name, action);
        } else {
            await leaving.reloadAt(name, action);
        }

    } finally {
        assert.deepEqual(await leaving.stop(), []);
    }
}


module.exports = { leave };

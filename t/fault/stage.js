"use strict";

/*
 * What faults happen to: an nginx of three workers with a debug build of the
 * module.  Clients of two tenants sit on two of them and stay; those on one of
 * the two publish all the time, those on the other only listen, so that their
 * worker has to be woken.  The third worker is the victim, again and again.
 * Whatever is done to it, those who stayed show what it did to others.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");

const { Nginx, sleep, until } = require("../clients/nginx.js");
const { Ledger, conf, connectTo, metrics } = require("../clients/ledger.js");
const { Points, state, sweep, tables } = require("./points.js");


const TENANTS = ["t", "u"];
const OPEN = "open:x";
const ROOM = "room:x";

/* only the worker that never publishes has to hear of it */
const QUIET = "open:quiet";

const PACE = 20;

/* FAULTS: the others go on within 2 s */
const RECOVERY = 2000;

const HTTP = `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_drain      window=100ms;
    rt_namespace  open publish=any;
    rt_namespace  room presence join_leave;
`;

const SERVER = `
        location = /pid { return 200 $pid; }
`;


const fds = pid => fs.readdirSync(`/proc/${pid}/fd`).length;


/* one connection for requests to a worker that will do */
async function requests(nginx, fits, tenant = "t") {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (method, location, body) => new Promise((resolve, reject) => {
        const request = http.request({ agent, method, path: location,
            port: nginx.port, host: "127.0.0.1",
            headers: { "X-Tenant": tenant,
                       "Content-Type": "application/json" } },
            response => {
                let text = "";

                response.on("data", piece => { text += piece; });
                response.on("end", () => resolve(text));
                response.on("error", reject);
            });

        request.on("error", reject);
        request.end(body);
    });

    if (!fits(Number(await ask("GET", "/pid")))) {
        agent.destroy();
        return requests(nginx, fits, tenant);
    }

    return {
        post: async (method, body) =>
            JSON.parse(await ask("POST", `/api/${method}`,
                                 JSON.stringify(body))),
        put: async (resource, body) =>
            JSON.parse(await ask("PUT", `/api/${resource}`,
                                 JSON.stringify(body))),
        close: () => agent.destroy(),
    };
}


class Stage {
    /* tidy(), mend(): when a scene is over, and if channels have gone */
    static async start({ http: text = HTTP, server = () => "",
                         prepare = () => {}, tidy = () => {},
                         mend = () => {} } = {})
    {
        const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rt-fault-"));
        const stage = new Stage();

        Object.assign(stage, { dir, tidy, mend, guests: [], waits: 0,
                               paused: false, sequence: 0, began: new Map() });

        stage.nginx = await Nginx.start({ workers: 3,
            text: nginx => conf({ http: text, server: SERVER + server(nginx),
                main: `env RT_FAULT_DIR=${dir};` })(nginx) });
        /* none of it is left open, to be counted among descriptors */
        stage.nginx.agent = new http.Agent({ keepAlive: false });
        stage.ledger = new Ledger(stage.nginx);

        await until("the tables", () => fs.readdirSync(dir)
            .filter(name => /^\d+$/.test(name)).length === 3);

        stage.steady = stage.nginx.workerPids().slice(0, 2);
        await stage.enter();
        await prepare(stage);

        await until("what was opened for that is closed", async () => {
            stage.before = await stage.figures();
            await sleep(100);

            return JSON.stringify(stage.before)
                   === JSON.stringify(await stage.figures());
        });

        return stage;
    }

    /* those who stay, on two workers and of two tenants */
    async enter() {
        this.stayed = [];

        for (const pid of this.steady) {
            for (const tenant of TENANTS) {
                this.stayed.push(await this.stay(tenant, pid));
            }
        }

        this.publishing = this.stayed
            .filter(c => c.pid === this.steady[0])
            .map(c => this.publish(c));
    }

    async stay(tenant, pid) {
        for (;;) {
            const c = this.ledger.connection(tenant,
                pid === this.steady[0] ? [OPEN] : [OPEN, QUIET]);
            const judge = c.onHeard;

            c.onHeard = (me, channel, data) => {
                judge(me, channel, data);
                this.waited(data);
            };

            await c.ready;

            if (c.pid === pid) {
                await c.commands([{ subscribe:
                    { channel: ROOM, join_leave: true } }]);
                return c;
            }

            this.ledger.connections.pop();
            await c.close();
        }
    }

    async publish(c) {
        for (let seq = 1; !this.over; seq++) {
            await until("it goes on", () => !this.paused || this.over, 60000);

            const data = this.ledger.send(c.tenant, OPEN, "stay", seq);

            this.began.set(JSON.stringify(data), performance.now());
            await c.commands([{ publish: { channel: OPEN, data } }]);
            this.ledger.ack(data);
            this.waited(data);

            await sleep(PACE);
        }
    }

    /* for an answer or to hear it: so long nothing went on for someone */
    waited(data) {
        const began = this.began.get(JSON.stringify(data));

        if (began !== undefined) {
            this.waits = Math.max(this.waits, performance.now() - began);
        }
    }

    /* one of a worker that is no other's than the victim's */
    async guest(pid, channels = [], { tenant = "t", headers = {},
                                      ...more } = {}) {
        const c = await connectTo(this.nginx, tenant, channels,
            at => at === pid, { headers: { "X-User": "guest", ...headers },
                heard: (me, channel, data) => {
                    this.ledger.foreign += data.t !== tenant
                                           || data.c !== channel;
                }, ...more });

        this.guests.push(c);

        return c;
    }

    /* those who stay are silent, and their workers sleep */
    async pause(quiet) {
        this.paused = Boolean(quiet);

        if (quiet) {
            await sleep(2 * PACE);
        }
    }

    /* by a guest, who may not live to see the answer */
    async say(c, channel = OPEN) {
        const data = this.ledger.send(c.tenant, channel, "guest",
                                      ++this.sequence);

        await c.commands([{ publish: { channel, data } }]);
        this.ledger.ack(data);
    }

    requests(pid) {
        return requests(this.nginx, at => at === pid);
    }

    /* the worker that is not one of the steady ones, and its points */
    async victim() {
        const pid = await until("a victim", () => {
            const pids = this.nginx.workerPids();

            return pids.length === 3
                   && pids.find(at => !this.steady.includes(at)
                                      && fs.existsSync(`${this.dir}/${at}`));
        });

        return { pid, points: new Points(this.dir, pid) };
    }

    /* the tables of all that are or were victims */
    tables() {
        return tables(this.dir).filter(({ pid }) => !this.steady.includes(pid));
    }

    sweep() {
        sweep(this.dir);
    }

    async figures() {
        const m = await metrics(this.nginx);

        return {
            sessions: m.rt_zone_sessions,
            channels: m.rt_zone_channels,
            bytes: m.rt_zone_heap_bytes,
            pages: m.rt_zone_heap_pages_free,
            fds: [this.nginx.child.pid, ...this.steady].map(fds),
        };
    }

    /* everyone who stayed hears what is said from now on, and none was late */
    async goesOn() {
        const marks = new Map(this.stayed.map(c => [c, this.ledger.clock]));
        const heardSince = c => {
            const last = c.heard.get(OPEN).findLast(data =>
                data.p !== "guest" && data.t === c.tenant);

            return last && this.ledger.publications
                .get(JSON.stringify(last)).sent > marks.get(c);
        };

        await until("those who stayed hear of each other", () =>
            this.stayed.every(heardSince), 2 * RECOVERY);

        assert.ok(this.waits < RECOVERY,
                  `nothing went on for ${this.waits} ms`);
        assert.ok(this.stayed.every(c => c.open), "one who stayed is gone");
    }

    /* guests go, and all is as it was before */
    async clear() {
        this.guests.splice(0).forEach(c => c.socket.terminate());
        await this.tidy(this);

        let now;

        await until("what there was before", async () => {
            now = await this.figures();

            if (now.sessions === this.before.sessions
                && now.channels < this.before.channels)
            {
                await this.mend(this);
            }

            return JSON.stringify(now) === JSON.stringify(this.before);
        }, 5000).catch(() => assert.deepEqual(now, this.before));
    }

    /* whoever came and is not there any more has gone, to those who watch */
    async checkWatchers() {
        for (const c of this.stayed) {
            const { body } = await this.nginx.api("presence",
                { channel: ROOM }, { "X-Tenant": c.tenant });
            const there = Object.keys(body.result.presence);

            await until("all who came have gone", () => {
                const joined = new Set();

                for (const { join, leave } of c.pushes) {
                    if (join) {
                        joined.add(join.info.client);
                    } else if (leave) {
                        joined.delete(leave.info.client);
                    }
                }

                return [...joined].every(id => there.includes(id));
            }, 5000);
        }
    }

    async end() {
        this.over = true;
        await Promise.all(this.publishing);
        await sleep(200);

        const judged = this.ledger.checkAcknowledged();

        this.ledger.checkOrder();
        await this.checkWatchers();
        assert.equal(this.ledger.foreign, 0, "another tenant's");

        return judged;
    }

    async stop() {
        this.over = true;
        await Promise.allSettled(this.publishing);
        [...this.guests, ...this.stayed].forEach(c => c.socket.terminate());
        this.tables().filter(({ pid }) => state(pid) === "T")
            .forEach(({ pid }) => process.kill(pid, "SIGCONT"));

        const alarms = await this.nginx.stop();

        fs.rmSync(this.dir, { recursive: true, force: true });

        return alarms;
    }
}


module.exports = { HTTP, OPEN, QUIET, RECOVERY, ROOM, Stage, fds, requests,
                   state };

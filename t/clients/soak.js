"use strict";

/*
 * Clients of every kind for SOAK_SECONDS, at two nginx: one in a storm, whose
 * workers are killed and which is reloaded; one in the calm, whose workers stay,
 * so that what leaks adds up.  The work comes in rounds.  After each one the
 * ledger is balanced (who had to hear what has heard it), and what
 * nginx holds is measured.
 */

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { after, before, describe, test } = require("node:test");

const { Nginx, sleep, slow, tool, top, until } = require("./nginx.js");
const { children, conf, metrics, private_ } = require("./ledger.js");
const { HTTP, Herd } = require("./herd.js");


const SECONDS = Number(process.env.SOAK_SECONDS ?? 45);
const ROUND = 1000 * Math.min(10, SECONDS / 6);
const MIB = 1024 * 1024;

/*
 * What the workers may have more at the end than they had when they were warm:
 * blocks of malloc() and their bytes, bytes that are mapped.  Things that are
 * made when they are first needed, and slabs that were fuller once.
 */
const MORE = { blocks: 64, bytes: MIB / 2, mapped: MIB / 16 };

const fds = pid => fs.readdirSync(`/proc/${pid}/fd`).length;
const sum = list => list.reduce((a, b) => a + b, 0);
const median = list => list.toSorted((a, b) => a - b)[list.length >> 1];


/* each process of an nginx counts what it takes and gives back, in a file */
class Taken {
    constructor() {
        this.dir = fs.mkdtempSync(path.join(os.tmpdir(), "rt-taken-"));

        execFileSync(process.env.CC || "cc", ["-shared", "-fPIC", "-O1", "-o",
            `${this.dir}/taken.so`, path.join(top, "t/lib/taken.c")]);

        this.env = { LD_PRELOAD: `${this.dir}/taken.so`,
                     RT_TAKEN_DIR: this.dir };
    }

    /* what these processes have, together */
    of(pids) {
        const all = pids.map(pid => fs.readFileSync(`${this.dir}/${pid}`));
        const total = at => sum(all.map(b => Number(b.readBigInt64LE(at))));

        return { blocks: total(0), bytes: total(8), mapped: total(16) };
    }

    remove() {
        fs.rmSync(this.dir, { recursive: true });
    }
}


class Place {
    static async open(name, workers, tenants, size, taken) {
        const nginx = await Nginx.start({ workers, env: taken?.env,
            text: conf({ http: HTTP, main: "worker_rlimit_nofile 4096;",
                         connections: 2048, listen: "sndbuf=64k" }) });
        const place = new Place();

        /* one of its own, so that its connections can be closed */
        nginx.agent = new http.Agent({ keepAlive: true });

        /* tenants stay for their counters: what they need is no leak */
        for (const tenant of [...tenants, "deaf", "flood", "broken"]) {
            const { status } = await nginx.api("publish",
                { channel: "lobby", data: 0 }, { "X-Tenant": tenant });
            assert.equal(status, 200);
        }

        Object.assign(place, { name, nginx, taken, samples: [], kills: [],
            reloads: 0, sent: 0, acked: 0, judged: 0,
            first: { fds: fds(nginx.child.pid), ...await metrics(nginx) },
            herd: new Herd(nginx, tenants, size) });

        return place;
    }

    /* what nginx holds once nobody but the herd is there */
    async measure() {
        const { nginx } = this;

        nginx.agent.destroy();

        const m = await until(`${this.name}: only those who stay`,
            async () => {
                const now = await metrics(nginx);

                return now.rt_zone_sessions === this.sessions()
                       && children(nginx).length === nginx.workers && now;
            }, 30000);

        const pids = nginx.workerPids();

        return {
            memory: sum(pids.map(private_)), heap: m.rt_zone_heap_bytes,
            pages: m.rt_zone_heap_pages_free, master: fds(nginx.child.pid),
            workers: sum(pids.map(fds)), laps: m.rt_log_laps_total,
            ...this.taken?.of(pids),
        };
    }

    /* what comes back takes its time: connections that close */
    async rested() {
        const first = this.samples[0];

        return first ? until(`${this.name}: what it had`, async () => {
            const now = await this.measure();

            this.latest = now;

            return now.master === first.master
                   && now.workers === first.workers
                   && now.heap === first.heap && now;
        }).catch(error => {
            assert.deepEqual({ ...this.latest, memory: 0, pages: 0 },
                             { ...first, memory: 0, pages: 0 });
            throw error;
        }) : this.measure();
    }

    sessions() {
        const { sdks, users, ledger, tenants } = this.herd;

        return sdks.length + users.length
               + ledger.live().filter(c => c.socket).length;
    }

    async round(work) {
        const { herd } = this;

        herd.start();
        await work(this);
        await herd.rest();

        this.sent += herd.ledger.publications.size;
        this.acked += herd.ledger.count(p => p.acked > 0);

        herd.ledger.checkPublishers();
        herd.ledger.checkOrder();
        this.judged += herd.ledger.checkAcknowledged();
        herd.ledger.forget();

        this.samples.push(await this.rested());
    }

    /* the first tenth once it is warm, and the last one */
    windows(what) {
        const all = this.samples.map(s => s[what]);
        const warm = all.slice(Math.ceil(all.length / 5));
        const n = Math.ceil(warm.length / 10);

        return [median(warm.slice(0, n)), median(warm.slice(-n))];
    }
}


async function kill({ nginx, herd, kills }) {
    const pids = nginx.workerPids();
    const pid = pids[Math.floor(Math.random() * pids.length)];

    kills.push(herd.ledger.live().filter(c => c.pid === pid).length);
    process.kill(pid, "SIGKILL");
    await sleep((200 + Math.random() * 1000) * slow);
}


async function storm(place) {
    const end = Date.now() + ROUND;

    await sleep(300);

    while (Date.now() < end) {
        await kill(place);

        if (Math.random() < 0.4 || !place.reloads) {
            await until("the killed one's successor", () =>
                place.nginx.workerPids().length === place.nginx.workers);
            await place.nginx.reload();
            place.reloads++;
            await sleep(Math.random() * 400);
        }
    }
}


describe(`a soak of ${SECONDS} s`, () => {
    const taken = tool ? undefined : new Taken();
    let stormy, calm, all = [], rounds = 0;

    before(async () => {
        stormy = await Place.open("storm", 4, ["one", "two", "three"], 12);
        calm = await Place.open("calm", 2, ["one", "two"], 8, taken);
        all = [stormy, calm];
    });

    after(async () => {
        await Promise.all(all.map(p => p.herd.leave()));

        for (const { nginx } of all) {
            nginx.agent.destroy();
            assert.deepEqual(await nginx.stop(), []);
        }

        taken?.remove();
    });

    test("subscribers sit on three workers at least", async () => {
        const [live] = await Promise.all(all.map(p => p.herd.settled()));

        assert.ok(new Set(live.map(c => c.pid).filter(Boolean)).size >= 3);
    });

    test("round after round, everyone hears what is due, once and in order",
        async () => {
            const end = Date.now() + 1000 * SECONDS;
            let said = Date.now();

            while (Date.now() < end || rounds < 3) {
                await Promise.all([stormy.round(storm),
                                   calm.round(() => sleep(ROUND))]);
                rounds++;

                if (Date.now() - said > 60000) {
                    said = Date.now();
                    all.forEach(p => console.log(`# ${rounds} ${p.name} `
                        + JSON.stringify(p.samples.at(-1))));
                }
            }
        });

    test("it was a storm, with all kinds of clients", t => {
        for (const { name, herd, sent, acked, judged, reloads, kills } of all) {
            t.diagnostic(`${name}: ${rounds} rounds, ${sent} sent, ${acked} `
                + `acknowledged, ${judged} deliveries were due; ${kills.length}`
                + ` kills met ${sum(kills)} clients, ${reloads} reloads; `
                + `${herd.ledger.reconnects} reconnects, `
                + `${herd.ledger.longest} ms at most; `
                + `${JSON.stringify(herd.ledger.codes)}; `
                + JSON.stringify(herd.seen));

            for (const [kind, n] of Object.entries(herd.seen)) {
                assert.ok(n > 0, `${name}: no ${kind}`);
            }
        }

        assert.ok(sum(stormy.kills) > 0, "no kill met a client");
        assert.ok(stormy.reloads > 1 && stormy.kills.length > 5);
        assert.ok(stormy.acked > 1000, "hardly a publication");
        assert.ok(stormy.judged > 10000 && calm.judged > 10000);
    });

    test("every policy for slow clients was needed", async () => {
        const seen = await metrics(calm.nginx);

        for (const name of ["slow_closes", "drops_oldest", "conflations"]) {
            assert.ok(seen[`rt_tenant_${name}_total`] > 0, name);
        }
    });

    test("no tenant saw another's", () => {
        assert.deepEqual(all.map(p => p.herd.ledger.foreign), [0, 0]);
    });

    test("nobody was shut out", () => {
        const { codes, longest } = stormy.herd.ledger;

        assert.ok(longest < 10000 * slow, `${longest} ms`);
        assert.deepEqual(Object.keys(codes).filter(code =>
            !["1006", "3001"].includes(code)), []);
        assert.deepEqual(calm.herd.ledger.codes, {});
    });

    test("memory is flat where the workers stay", t => {
        const [first, last] = calm.windows("memory");

        t.diagnostic(`private memory of the workers: ${first / MIB} MiB, then `
            + `${last / MIB}; all: ${calm.samples.map(s =>
                (s.memory / MIB).toFixed(2))}`);

        assert.ok(tool || last < first * 1.05 + MIB, `${first}, then ${last}`);
    });

    for (const [what, more] of Object.entries(taken ? MORE : {})) {
        test(`what they take they give back: ${what}`, t => {
            const [first, last] = calm.windows(what);

            t.diagnostic(`${calm.samples.map(s => s[what])}`);
            assert.ok(last <= first + more, `${first}, then ${last}`);
        });
    }

    test("nobody was lapped", () => {
        assert.deepEqual(all.map(p => p.samples.at(-1).laps), [0, 0]);
    });

    for (const which of ["storm", "calm"]) {
        test(`nothing is left when all have gone: ${which}`, async t => {
            const { nginx, herd, first } = all.find(p => p.name === which);

            await herd.leave();
            nginx.agent.destroy();

            const end = await until("no sessions", async () => {
                const m = await metrics(nginx);

                return m.rt_zone_sessions === 0 && m.rt_zone_channels === 0
                       && m.rt_zone_heap_bytes === first.rt_zone_heap_bytes
                       && m;
            });

            t.diagnostic(`${end.rt_zone_rollbacks_total} undone, `
                + `${end.rt_zone_sessions_reaped_total} reaped`);

            assert.equal(end.rt_zone_heap_bytes, end.rt_tenant_bytes);
            await until("no connections", async () =>
                (await metrics(nginx)).rt_connections === 0);
            await until("the workers", () =>
                children(nginx).length === nginx.workers);
            await until("the master's descriptors", () =>
                fds(nginx.child.pid) === first.fds);
        });
    }
});

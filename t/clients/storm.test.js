"use strict";

/*
 * Workers are killed and nginx is reloaded while two tenants publish.  The
 * ledger tells who had to hear what; at the end nothing may be left.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { after, before, describe, test } = require("node:test");

const { Nginx, sleep, until } = require("./nginx.js");
const { Ledger, children, conf, httpPublisher, metrics,
        wsPublisher } = require("./ledger.js");


const TENANTS = ["one", "two"];
const CHANNELS = ["open:a", "open:b", "open:c", "lobby"];
const SUBSCRIBERS = 20;                       /* of each tenant */
const KILLS = 12;
const RELOADS = 6;
const PACE = 25;                              /* ms between bursts of 8 */


describe("a storm of kills and reloads", () => {
    let nginx, ledger, start, clients, publishers;
    const kills = [];

    const fds = () => fs.readdirSync(`/proc/${nginx.child.pid}/fd`).length;

    const settled = what => until(what, async () => {
        const live = ledger.live();
        return live.length === 2 * SUBSCRIBERS && live;
    });

    const kill = async () => {
        const pids = nginx.workerPids();
        const pid = pids[Math.floor(Math.random() * pids.length)];

        kills.push(ledger.live().filter(c => c.pid === pid).length);
        process.kill(pid, "SIGKILL");
        await sleep(200 + Math.random() * 800);
    };

    before(async () => {
        nginx = await Nginx.start({ workers: 4, text: conf() });
        ledger = new Ledger(nginx);

        /* tenants stay for their counters: what they need is no leak */
        for (const tenant of TENANTS) {
            const { status } = await nginx.api("publish",
                { channel: "lobby", data: 0 }, { "X-Tenant": tenant });
            assert.equal(status, 200);
        }

        start = { fds: fds(), metrics: await metrics(nginx) };
    });

    after(async () => {
        ledger.stopped = ledger.quiet = true;
        ledger.connections.forEach(c => c.socket.terminate());
        assert.deepEqual(await nginx.stop(), []);
    });

    test("subscribers sit on three workers at least", async () => {
        clients = TENANTS.flatMap(tenant =>
            Array.from({ length: SUBSCRIBERS }, (_, i) =>
                ledger.subscriber(tenant,
                    [CHANNELS[i % 4], CHANNELS[(i + 1) % 4]])));

        const live = await settled("all are there");

        assert.ok(new Set(live.map(c => c.pid)).size >= 3);
    });

    test("they are killed and reloaded while all publish", async () => {
        publishers = TENANTS.flatMap(tenant => [
            httpPublisher(ledger, tenant, "http", CHANNELS, PACE),
            httpPublisher(ledger, tenant, "more", CHANNELS, PACE),
            wsPublisher(ledger, tenant, "ws", CHANNELS, PACE),
        ]);

        await sleep(300);

        for (let i = 0; i < KILLS; i++) {
            await kill();

            if (i % 2 === 0 && i / 2 < RELOADS) {
                await nginx.reload();
                await sleep(Math.random() * 400);
            }
        }

        await settled("all are back");
        await sleep(300);

        ledger.quiet = true;
        await Promise.all(publishers);
    });

    test("the last of every channel reaches everyone", async () => {
        for (const tenant of TENANTS) {
            for (const channel of CHANNELS) {
                const data = ledger.send(tenant, channel, "last", 1);
                const { body } = await nginx.api("publish",
                    { channel, data }, { "X-Tenant": tenant });

                assert.deepEqual(body, { result: {} });
                ledger.ack(data);
            }
        }

        await until("the last", () => ledger.live().every(c =>
            c.channels.every(channel =>
                c.heard.get(channel).at(-1)?.p === "last")));
    });

    test("it was a storm", t => {
        const acked = ledger.count(p => p.acked > 0);

        t.diagnostic(`${ledger.publications.size} sent, ${acked} acknowledged; `
            + `kills met ${kills} clients; ${ledger.reconnects} reconnects, `
            + `${ledger.longest} ms at most; ${JSON.stringify(ledger.codes)}`);

        assert.ok(kills.some(n => n > 0), "no kill met a client");
        assert.ok(ledger.reconnects > SUBSCRIBERS, "hardly a reconnect");
        assert.ok(acked > 1000, "hardly a publication");
    });

    test("everyone heard it once and in order", () => {
        ledger.checkPublishers();
        ledger.checkOrder();
    });

    test("what was acknowledged reached all who were there", t => {
        const judged = ledger.checkAcknowledged();

        t.diagnostic(`${judged} deliveries were due`);
        assert.ok(judged > 10000);
    });

    test("no tenant saw another's", () => {
        assert.equal(ledger.foreign, 0);
    });

    test("nobody was shut out", () => {
        assert.ok(ledger.longest < 10000, `${ledger.longest} ms`);
        assert.deepEqual(Object.keys(ledger.codes).filter(code =>
            !["1006", "3001"].includes(code)), []);
    });

    test("nothing is left when all have gone", async t => {
        ledger.stopped = true;
        ledger.live().forEach(c => c.close());
        await Promise.all(clients);

        const end = await until("no sessions", async () => {
            const m = await metrics(nginx);
            return m.rt_zone_sessions === 0 && m.rt_zone_channels === 0 && m;
        });

        t.diagnostic(`${end.rt_zone_rollbacks_total} undone, `
            + `${end.rt_zone_sessions_reaped_total} reaped`);

        assert.equal(end.rt_zone_heap_bytes, start.metrics.rt_zone_heap_bytes);
        assert.equal(end.rt_zone_heap_bytes, end.rt_tenant_bytes);
        assert.equal(end.rt_connections, 0);
        assert.equal(end.rt_log_laps_total, 0);
        assert.equal(end.rt_drops_total, 0);
    });

    test("the old workers have left, the master has what it had", async () => {
        await until("four workers", () => children(nginx).length === 4);
        await until("the master's descriptors", () => fds() === start.fds);
    });
});

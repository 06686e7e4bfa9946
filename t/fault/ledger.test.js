"use strict";

/*
 * Everything that may happen to workers, under load, and a ledger that is
 * balanced from outside: the histories, what every subscriber has, what every
 * publisher was told.  A round has all the reloads and points; LEDGER_SECONDS:
 * rounds for so long.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { after, before, describe, test } = require("node:test");

const { Nginx, children, sleep, until } = require("../clients/nginx.js");
const { conf, metrics } = require("../clients/ledger.js");
const { balance } = require("./balance.js");
const { Crowd, HTTP, KEPT } = require("./crowd.js");
const { BRIEF, REVOKED, server } = require("./comers.js");
const { Storm } = require("./storm.js");
const { fds, state } = require("./stage.js");
const { sweep, tables } = require("./points.js");


const SECONDS = Number(process.env.LEDGER_SECONDS ?? 0);
const TENANTS = ["one", "two", "three"];
const SUBSCRIBERS = 5;                        /* of each tenant, by hand */
const RELOADS = 50;
const KILLS = 20;
const PUBLISHES = 40;                         /* in which a worker dies */
const STALLS = 6;

/* what the crowd has to have met */
const MET = ["orders", "asked", "refused", "visits", "resumed", "taken",
             "limited", "brief", "revoked"];

const sum = (list, what) => list.reduce((n, each) => n + what(each), 0);


describe("a ledger of faults", () => {
    const began = performance.now();
    const offsets = {};
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), "rt-fault-"));
    const figures = { rounds: 0, sent: 0, acked: 0, refused: 0, kept: 0,
                      due: 0, unknown: 0, there: 0 };
    let nginx, crowd, ledger, storm, start;

    const api = (tenant, method, body) =>
        nginx.api(method, body, { "X-Tenant": tenant });

    const eachHistory = async act => {
        for (const tenant of TENANTS) {
            for (const channel of Object.keys(KEPT)) {
                await act(tenant, channel);
            }
        }
    };

    const shared = async () => {
        const m = await metrics(nginx);

        return {
            sessions: m.rt_zone_sessions,
            channels: m.rt_zone_channels,
            bytes: m.rt_zone_heap_bytes,
            pages: m.rt_zone_heap_pages_free,
            fds: fds(nginx.child.pid),
            workers: children(nginx).length,
        };
    };

    const forget = () => eachHistory((tenant, channel) =>
        api(tenant, "history_remove", { channel }));

    /* tenants stay, and that tokens were revoked */
    const visit = async () => {
        for (const tenant of [...TENANTS, BRIEF, "flood"]) {
            await api(tenant, "publish", { channel: "open:a", data: 0 });
            await api(tenant, "invalidate_user_tokens",
                      { user: REVOKED, issued_before: 1000 });
        }
    };

    /* what makes a run worth something, and was not met */
    const unmet = () => Object.entries({
        "an unknown outcome": ledger.unknown,
        "a recovery": sum(ledger.records, r => r.recovered),
        "a recovery that brought something": sum(ledger.records, r => r.caught),
        "a publish in flight at a kill": storm.inFlight,
        "a lap": storm.laps,
    }).filter(([, n]) => n === 0).map(([what]) => what);

    async function judge() {
        assert.equal(ledger.foreign, 0, "another tenant's");
        assert.equal(crowd.seen.lost, 0, "a session that lingered");

        const { kept, unknown, there } =
            await balance(ledger, TENANTS, KEPT, offsets);

        figures.kept += kept;
        figures.unknown += unknown;
        figures.there += there;
        figures.sent += ledger.publications.size;
        figures.acked += ledger.count(p => p.acked > 0);
        figures.refused += crowd.checkRefused();

        ledger.checkPublishers();
        ledger.checkOrder();
        figures.due += ledger.checkAcknowledged();
        assert.equal(ledger.count(p =>
            p.key !== "" && !p.acked && !p.refused), 0, "never answered");
        assert.equal(ledger.pending, 0);
    }

    async function round(act) {
        await crowd.settled();
        crowd.start();
        await act();
        await storm.workers();
        await crowd.settled();
        await sleep(200);
        await crowd.rest();

        await judge();
        await forget();
        ledger.forget();
        sweep(dir);
    }

    before(async () => {
        nginx = await Nginx.start({ workers: 4, text: me => conf({ http: HTTP,
            main: `env RT_FAULT_DIR=${dir};\nworker_rlimit_nofile 4096;`,
            server: `location = /pid { return 200 $pid; }${server(me)}`,
        })(me) });
        nginx.agent = new http.Agent({ keepAlive: true });

        await until("the tables", () => tables(dir).length === nginx.workers);
        await visit();

        start = await shared();
        crowd = new Crowd(nginx, TENANTS, SUBSCRIBERS);
        ({ ledger } = crowd);
        storm = new Storm(nginx, ledger, dir);
    });

    after(async () => {
        tables(dir).filter(({ pid }) => state(pid) === "T")
            .forEach(({ pid }) => process.kill(pid, "SIGCONT"));
        ledger.quiet = true;
        await crowd.leave();
        nginx.agent.destroy();

        const alarms = await nginx.stop();

        fs.rmSync(dir, { recursive: true, force: true });
        assert.deepEqual(alarms, []);
    });

    test("a run without faults is void", async () => {
        await round(() => sleep(1000));

        assert.ok(figures.acked > 100);
        assert.deepEqual(unmet(), ["an unknown outcome", "a recovery",
            "a recovery that brought something",
            "a publish in flight at a kill", "a lap"]);
    });

    test("kills, reloads and stalls under load: the ledger balances",
        async () => {
            do {
                await round(() => storm.rage({ kills: KILLS,
                    publishes: PUBLISHES, stalls: STALLS, reloads: RELOADS }));
                figures.rounds++;
            } while (performance.now() - began < SECONDS * 1000);
        });

    test("it was a storm, and met what it was to meet", t => {
        const recovered = sum(ledger.records, r => r.recovered);
        const caught = sum(ledger.records, r => r.caught);
        const holes = sum(ledger.records, r => r.holes.length);

        t.diagnostic(`${Math.round((performance.now() - began) / 1000)} s, `
            + `${figures.rounds} rounds: ${storm.kills} kills `
            + `(${storm.inFlight} with a publish in flight), `
            + `at ${storm.visited.size} points, `
            + `${storm.reloads} reloads, ${storm.laps} of ${storm.stalls} `
            + `stalls lapped, ${storm.others} laps of others`);
        t.diagnostic(`${figures.sent} sent, ${figures.acked} acknowledged, `
            + `${figures.refused} refused, ${ledger.unknown} outcomes unknown, `
            + `${ledger.repeats} repeats of which ${ledger.duplicates} had `
            + `been accepted; for good unknown ${figures.unknown} in `
            + `histories, ${figures.there} there`);
        t.diagnostic(`${recovered} recoveries with ${caught} publications, `
            + `${holes} holes told, ${figures.due} deliveries due; `
            + `${ledger.reconnects} reconnects, ${ledger.longest} ms at most; `
            + `${JSON.stringify(ledger.codes)} ${JSON.stringify(crowd.seen)}`);

        assert.deepEqual(unmet(), []);
        assert.ok(storm.reloads >= RELOADS);
        assert.deepEqual(MET.filter(what => !crowd.seen[what]), []);
    });

    test("no point was left out", () => {
        assert.deepEqual(storm.missed, []);
    });

    test("nobody was shut out", () => {
        assert.ok(ledger.longest < 10000, `${ledger.longest} ms`);
        assert.deepEqual(Object.keys(ledger.codes).filter(code =>
            !["1005", "1006", "3001"].includes(code)), []);
    });

    test("nothing is left behind", async () => {
        await crowd.leave();
        nginx.agent.destroy();

        let now;

        await until("what there was before", async () => {
            now = await shared();

            return JSON.stringify(now) === JSON.stringify(start);
        }, 40000).catch(() => assert.deepEqual(now, start));
    });
});

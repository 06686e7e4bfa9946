"use strict";

/* Single faults and odd ways to run nginx; each has an nginx of its own. */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const { describe, test } = require("node:test");

const { Nginx, sleep, until } = require("./nginx.js");
const { Connection, children, conf, connectTo, errorLog, get, metrics,
        rewrite } = require("./ledger.js");
const { Pipeline } = require("./publisher.js");


const numbers = (n, from = 0) => Array.from({ length: n }, (_, i) => from + i);


/* runs the test and stops nginx, whatever happens; alarms that are meant */
async function run(options, body, meant = /^$/) {
    const nginx = await Nginx.start({ workers: 2, text: conf(), ...options });
    const open = [];

    nginx.client = async (channels, more) => {
        const c = new Connection(nginx, "t", channels, more);

        open.push(c);
        await c.ready;

        return c;
    };

    nginx.clientAt = async (channels, fits, more) => {
        const c = await connectTo(nginx, "t", channels, fits, more);

        open.push(c);

        return c;
    };

    nginx.publish = async (channel, data) => {
        const { status, body: said } = await nginx.api("publish",
            { channel, data }, { "X-Tenant": "t" });

        assert.equal(status, 200);
        assert.deepEqual(said, { result: {} });
    };

    try {
        await body(nginx);

    } finally {
        open.forEach(c => c.socket.terminate());
        assert.deepEqual((await nginx.stop())
            .filter(line => !meant.test(line)), []);
    }
}


/* HUP, until the new generation answers */
async function reconfigure(nginx, text) {
    nginx.generation = (nginx.generation ?? 1) + 1;
    rewrite(nginx, text);
    nginx.child.kill("SIGHUP");

    await until("the new configuration", async () =>
        await get(nginx, "/generation").catch(() => "")
        === String(nginx.generation));
}


const hears = (c, channel, n) => until(`${n} of ${channel}`, () =>
    c.heard.get(channel).length >= n || !c.open, 10000);


/* one connection to the API of a worker that is not that one */
async function elsewhere(nginx, pid) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (method, path, body) => new Promise((resolve, reject) => {
        const request = http.request({ agent, method, path, port: nginx.port,
            host: "127.0.0.1", headers: { "X-Tenant": "t" } }, response => {
                let text = "";

                response.on("data", piece => { text += piece; });
                response.on("end", () => resolve(text));
            });

        request.on("error", reject);
        request.end(body);
    });

    if (await ask("GET", "/pid") === String(pid)) {
        agent.destroy();
        return elsewhere(nginx, pid);
    }

    return {
        post: async (path, body) =>
            JSON.parse(await ask("POST", path, JSON.stringify(body))),
        close: () => agent.destroy(),
    };
}


/* asks without end, so that its worker never sleeps */
async function keepBusy(c) {
    while (c.open) {
        await c.commands([{ rpc: { method: "rt.echo", data: 1 } }])
            .catch(() => {});
    }
}


describe("faults", () => {

    /* it looks at the log between a record's append and its mark, too */
    test("a worker that never sleeps misses nothing", () => run({},
        async nginx => {
            const single = 5000;
            const total = 25000;
            const s = await nginx.client(["open:x"]);
            const p = await nginx.clientAt([], pid => pid !== s.pid);
            const publish = list => p.commands(list.map(data =>
                ({ publish: { channel: "open:x", data } })));

            for (let i = 0; i < 10; i++) {
                keepBusy(await nginx.clientAt([], pid => pid === s.pid));
            }

            for (let i = 0; i < single; i++) {
                await publish([i]);
            }

            for (let i = single; i < total; i += 20) {
                await publish(numbers(20, i));
            }

            await hears(s, "open:x", total);
            assert.deepEqual(s.heard.get("open:x"), numbers(total));
        }));

    test("the clients of a killed worker leave, once, and the others hear it",
        () => run({ workers: 4, text: conf({ http: `
            rt_zone      $http_x_tenant zone=live:8m;
            rt_user      $http_x_user;
            rt_namespace room presence join_leave;` }) },
        async nginx => {
            const asks = () => ({ join_leave: true });
            const victim = await nginx.client(["room:x"],
                { headers: { "X-User": "u0" } });
            const { pid } = victim;

            for (let i = 1; i < 40; i++) {
                await nginx.clientAt(["room:x"], at => at === pid,
                    { headers: { "X-User": `u${i}` } });
            }

            const watchers = [];

            while (new Set(watchers.map(w => w.pid)).size < 2) {
                watchers.push(await nginx.clientAt(["room:x"],
                    at => at !== pid, { asks }));
            }

            process.kill(pid, "SIGKILL");

            /* watchers that came to the wrong worker had no name, and left */
            const left = w => w.pushes.filter(push => push.leave?.info.user)
                .map(push => push.leave.info);

            for (const w of watchers) {
                await until("all are gone", () => left(w).length >= 40);
            }

            await until("only the watchers are there", async () =>
                (await nginx.api("presence_stats", { channel: "room:x" },
                    { "X-Tenant": "t" })).body.result.num_clients
                === watchers.length);

            for (const w of watchers) {
                assert.deepEqual(left(w).map(info => info.user).sort(),
                                 numbers(40).map(i => `u${i}`).sort());
                assert.equal(new Set(left(w).map(info => info.client)).size,
                             40);
            }
        }));

    test("a worker that is lapped misses publications, but no order",
        () => run({ text: conf({ http: `
            rt_zone      $http_x_tenant zone=live:8m log=256k;
            rt_user      $http_x_user;
            rt_namespace open publish=any;`, server: `
            location = /pid { return 200 $pid; }` }) },
        async nginx => {
            const s = await nginx.client(["open:x"],
                { headers: { "X-User": "alice" } });
            const p = await nginx.clientAt([], pid => pid !== s.pid);
            const api = await elsewhere(nginx, s.pid);

            process.kill(s.pid, "SIGSTOP");

            try {
                for (let i = 0; i < 40; i++) {
                    await p.commands(numbers(4).map(() => ({ publish:
                        { channel: "open:x", data: "x".repeat(8000) } })));
                }

                assert.deepEqual(await api.post("/api/disconnect",
                    { user: "alice" }), { result: {} });

            } finally {
                process.kill(s.pid, "SIGCONT");
                api.close();
            }

            assert.equal(await s.closed, 3503);
            assert.ok(s.heard.get("open:x").length < 160);
            assert.ok((await metrics(nginx)).rt_log_laps_total > 0);
        }));

    test("orders for a worker that is killed go with its sessions",
        () => run({ text: conf({ http: `
            rt_zone      $http_x_tenant zone=live:8m;
            rt_user      $http_x_user;
            rt_namespace open;`, server: `
            location = /pid { return 200 $pid; }` }) },
        async nginx => {
            const headers = { "X-User": "alice" };
            const s = await nginx.client([], { headers });
            const { pid } = s;
            const other = await nginx.clientAt([], at => at !== pid);
            const api = await elsewhere(nginx, pid);
            const bytes = async () => (await metrics(nginx))
                .rt_zone_heap_bytes;
            const before = await bytes();

            for (let i = 0; i < 9; i++) {
                await nginx.clientAt([], at => at === pid, { headers });
            }

            process.kill(pid, "SIGSTOP");

            for (const channel of ["open:x", "open:y"]) {
                assert.deepEqual(await api.post("/api/subscribe",
                    { user: "alice", channel }), { result: {} });
            }

            assert.deepEqual(await api.post("/api/disconnect",
                { user: "alice" }), { result: {} });
            api.close();

            process.kill(pid, "SIGKILL");
            assert.equal(await s.closed, 1006);
            await until("another worker", () =>
                nginx.workerPids().length === 2
                && !nginx.workerPids().includes(pid));

            const again = await nginx.clientAt([], at => at !== other.pid,
                                               { headers });

            await until("the memory is back", async () =>
                await bytes() === before);
            assert.deepEqual(again.pushes, []);

            await nginx.api("subscribe", { user: "alice", channel: "open:z" },
                            { "X-Tenant": "t" });
            await until("the push", () => again.pushes.length);
            assert.equal(again.pushes[0].channel, "open:z");
            assert.ok(other.open);
        }));

    test("more clients than presence lists to a client",
        () => run({ workers: 4, text: conf({ http: `
            rt_zone      $http_x_tenant zone=live:8m;
            rt_user      $http_x_user;
            rt_namespace room presence;` }) },
        async nginx => {
            const channel = "room:x";
            const enter = i => nginx.client([channel],
                { headers: { "X-User": `u${i % 3}` } });
            const clients = [];

            while (clients.length < 1000) {
                clients.push(...await Promise.all(numbers(50).map(enter)));
            }

            const [first] = clients;

            await first.commands([{ presence: { channel } }]);
            await enter(1);
            await assert.rejects(first.commands([{ presence: { channel } }]),
                                 /106 limit exceeded/);
            await first.commands([{ presence_stats: { channel } }]);

            const ask = async method => (await nginx.api(method, { channel },
                { "X-Tenant": "t" })).body.result;

            assert.deepEqual(await ask("presence_stats"),
                             { num_clients: 1001, num_users: 3 });
            assert.equal(Object.keys((await ask("presence")).presence).length,
                         1001);
        }));

    test("a queue smaller than a turn's batch, a client that reads",
        () => run({ text: conf({
            server: `
                rt_max_message 1k;
                rt_max_queue 4k;
                keepalive_requests 10000;` }) },
        async nginx => {
            const channels = numbers(8).map(i => `open:${i}`);
            const s = await nginx.client(channels);
            const pipeline = new Pipeline(nginx);
            const list = numbers(400).map(i =>
                [channels[i % 8], i + "x".repeat(500)]);

            for (let i = 0; i < 5; i++) {
                assert.equal(await pipeline.publish("t", list), 400);
            }

            for (const channel of channels) {
                await hears(s, channel, 250);
                assert.equal(s.code, undefined, `closed with ${s.code}`);
                assert.equal(s.heard.get(channel).length, 250);
            }

            pipeline.close();
        }));

    test("a client that does not connect is closed where there is a mirror",
        () => run({ text: conf({ server: `
            rt_connect_timeout 1s;
            location = /mirror { internal; return 204; }
            location /mirrored { mirror /mirror; rt_websocket zone=live; }` })
        },
        async nginx => {
            const c = new Connection(nginx, "t", [],
                { location: "/mirrored", silent: true });
            const start = Date.now();

            assert.equal(await Promise.race([c.closed, sleep(8000)]), 3502);
            assert.ok(Date.now() - start >= 900);

            const d = await nginx.client(["open:x"],
                { location: "/mirrored" });

            await nginx.publish("open:x", 1);
            await hears(d, "open:x", 1);
            await sleep(1500);
            assert.equal(d.code, undefined);
        }));

    test("more workers than slots, until the old ones have left",
        () => run({ workers: 40 },
        async nginx => {
            for (let i = 0; i < 20; i++) {
                await nginx.client(["open:x"]);
            }

            /* so that they are still there when the new ones come */
            const old = children(nginx);

            old.forEach(pid => process.kill(pid, "SIGSTOP"));
            nginx.child.kill("SIGHUP");
            await until("more workers than slots", () =>
                /worker slots are taken/.test(errorLog(nginx)));
            await until("the new ones", () => children(nginx).length === 80);

            old.forEach(pid => process.kill(pid, "SIGCONT"));
            await until("the old ones are gone", () =>
                children(nginx).every(pid => !old.includes(pid)));
            assert.equal(children(nginx).length, 40);

            const round = async () => {
                const all = numbers(120).map(() => new Connection(nginx, "t"));
                const good = await Promise.all(all.map(c =>
                    c.ready.then(() => true, () => false)));

                all.forEach(c => c.socket.terminate());

                return good.every(Boolean);
            };

            await until("everyone is let in", round);
            assert.ok(await round(), "and then somebody is not");
            assert.ok(await round(), "and then somebody is not");
        }));

    /* nginx itself takes no new connections then */
    test("one process: a reload, and the connections go on",
        () => run({ workers: 1, text: conf({ workers: false,
                                             main: "master_process off;" }) },
        async nginx => {
            const all = [await nginx.client(["open:x"]),
                         await nginx.client(["open:x"])];

            for (let i = 1; i < 4; i++) {
                nginx.child.kill("SIGHUP");
                await until("the reload", () =>
                    errorLog(nginx).split(" reconfiguring").length > 2 * i);
                await all[i % 2].commands([{ publish: { channel: "open:x",
                                                        data: i } }]);
                await Promise.all(all.map(c => hears(c, "open:x", i)));
            }

            for (const c of all) {
                assert.deepEqual(c.heard.get("open:x"), [1, 2, 3]);
                assert.equal(c.code, undefined);
            }
        }));

    test("a reload that fails, then a worker is killed",
        () => run({},
        async nginx => {
            const a = await nginx.client(["open:x"]);
            const b = await nginx.clientAt(["open:x"], pid => pid !== a.pid);
            const old = nginx.workerPids();

            fs.writeFileSync(`${nginx.prefix}/nginx.conf`, "nonsense;\n");
            nginx.child.kill("SIGHUP");
            await until("the complaint", () =>
                /unknown directive "nonsense"/.test(errorLog(nginx)));
            assert.deepEqual(nginx.workerPids(), old);

            process.kill(a.pid, "SIGKILL");
            assert.equal(await a.closed, 1006);
            await until("another worker", () => nginx.workerPids().length === 2
                && !nginx.workerPids().includes(a.pid));

            const c = await nginx.clientAt(["open:x"], pid => pid !== b.pid);

            assert.notEqual(c.pid, a.pid);
            await b.commands([{ publish: { channel: "open:x", data: 1 } }]);
            await c.commands([{ publish: { channel: "open:x", data: 2 } }]);

            for (const s of [b, c]) {
                await hears(s, "open:x", 2);
                assert.deepEqual(s.heard.get("open:x"), [1, 2]);
            }
        }, /unknown directive "nonsense"/));

    test("a zone that changes its size begins anew, and all come back",
        () => run({ workers: 4 },
        async nginx => {
            const text = conf({ http: `
                rt_zone      $http_x_tenant zone=live:4m;
                rt_namespace open publish=any;` });
            const before = await Promise.all(numbers(16).map(() =>
                nginx.client(["open:x"])));

            await nginx.publish("open:x", "before");
            await Promise.all(before.map(c => hears(c, "open:x", 1)));

            await reconfigure(nginx, text);
            assert.deepEqual(await Promise.all(before.map(c => c.closed)),
                             before.map(() => 3001));

            const now = await Promise.all(numbers(16).map(() =>
                nginx.client(["open:x"])));

            await nginx.publish("open:x", "after");
            await Promise.all(now.map(c => hears(c, "open:x", 1)));
            await sleep(100);

            for (const c of before) {
                assert.deepEqual(c.heard.get("open:x"), ["before"]);
            }

            for (const c of now) {
                assert.deepEqual(c.heard.get("open:x"), ["after"]);
            }

            await until("the counts", async () =>
                (await metrics(nginx)).rt_zone_sessions === 16);
        }));
});


/*
 * The worker that comes after a dead one has its pid: the dead one's sessions
 * are not its own.  The kernel lets root say which pid is next; others on the
 * machine take pids too, so it may need some attempts.
 */
const LAST_PID = "/proc/sys/kernel/ns_last_pid";

const stageable = () => {
    try {
        fs.accessSync(LAST_PID, fs.constants.W_OK);
        return true;
    } catch {
        return false;
    }
};


async function replaceByNamesake(nginx, pid) {
    nginx.child.kill("SIGSTOP");
    process.kill(pid, "SIGKILL");
    await sleep(20);
    fs.writeFileSync(LAST_PID, String(pid - 1));
    nginx.child.kill("SIGCONT");

    await until("another worker", () => {
        const pids = nginx.workerPids();
        return pids.length === 2 && (!pids.includes(pid)
            || fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2]
               !== "Z");
    });

    return nginx.workerPids().includes(pid);
}


if (stageable()) {

    test("a worker with the pid of the dead one", () => run({},
        async nginx => {
            let same = false;

            for (let i = 0; i < 30 && !same; i++) {
                const c = await nginx.client(["open:x"]);

                same = await replaceByNamesake(nginx, c.pid);
                assert.equal(await c.closed, 1006);
            }

            assert.ok(same, "no attempt gave the same pid");

            await until("no sessions", async () => {
                const m = await metrics(nginx);
                return m.rt_zone_sessions === 0 && m.rt_zone_channels === 0;
            }, 5000);

            const c = await nginx.client(["open:x"]);

            await nginx.publish("open:x", 1);
            await hears(c, "open:x", 1);
            assert.deepEqual(c.heard.get("open:x"), [1]);
        }));
}

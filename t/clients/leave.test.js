"use strict";

/*
 * A worker that leaves: its clients are told one by one, over a window, and
 * are served until then; a quit and a time-out; what fifty reloads leave behind.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const { test } = require("node:test");
const { isDeepStrictEqual } = require("node:util");

const { Nginx, sleep, until } = require("./nginx.js");
const { Connection, children, conf, get, metrics } = require("./ledger.js");


const settings = drain => `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_namespace  open publish=any;
    ${drain}
`;


async function run({ drain, main = "", server = "", workers = 2 }, body) {
    const nginx = await Nginx.start({ workers,
        text: conf({ http: settings(drain), main, server }) });
    const open = [];

    nginx.clients = async n => {
        const list = Array.from({ length: n }, () =>
            new Connection(nginx, "t", ["open:x"]));

        open.push(...list);
        await Promise.all(list.map(c => c.ready));

        for (const c of list) {
            c.told = c.closed.then(code => ({ code, at: performance.now() }));
        }

        return list;
    };

    try {
        await body(nginx);

    } finally {
        open.forEach(c => c.socket.terminate());
        assert.deepEqual(await nginx.stop(), []);
    }
}


/*
 * Publishes numbers, one after the other, until it is told to stop.  A request
 * in the backlog of a listener that closes is reset: it is said again.
 */
function publisher(nginx) {
    const p = { sent: 0, stopped: false };

    const publish = data => nginx.api("publish", { channel: "open:x", data },
        { "X-Tenant": "t" }).catch(error => {
            assert.equal(error.code, "ECONNRESET");
            return publish(data);
        });

    p.done = (async () => {
        while (!p.stopped) {
            const { status } = await publish(p.sent + 1);

            assert.equal(status, 200);
            p.sent++;
        }
    })();

    return p;
}


const stop = async p => {
    p.stopped = true;
    await p.done;
};


/* from its first number on, each one to the last before it was told */
function complete(c) {
    const heard = c.heard.get("open:x");

    return heard.every((n, i) => i === 0 || n === heard[i - 1]
                                 || n === heard[i - 1] + 1);
}


test("a reload: told over the window, served until then", () =>
    run({ drain: "rt_drain window=2s;" }, async nginx => {
        const clients = await nginx.clients(200);
        const p = publisher(nginx);

        await until("publications", () => p.sent > 20);

        await nginx.reload();

        const told = await Promise.all(clients.map(c => c.told));
        const start = Math.min(...told.map(t => t.at));
        const times = told.map(t => t.at - start).sort((a, b) => a - b);

        await stop(p);

        assert.ok(told.every(t => t.code === 3001), "a code that is not 3001");

        /* 200 at random over 2 s: four quarters, and nobody after the end */
        for (let q = 0; q < 4; q++) {
            const n = times.filter(t => t >= q * 500
                                        && t < (q + 1) * 500 + (q === 3) * 5000)
                .length;

            assert.ok(n >= 15, `${n} in quarter ${q + 1}: ${times}`);
        }

        /* the last ones heard what was published while the others left */
        assert.ok(clients.every(complete), "a hole");
        assert.ok(clients.some(c => c.heard.get("open:x").length > p.sent / 3),
                  "nobody heard much");

        const late = clients.filter((c, i) => told[i].at - start > 1500);

        for (const c of late) {
            const first = c.heard.get("open:x")[0];

            assert.ok(c.heard.get("open:x").at(-1) - first > 20,
                      "it was not served while it waited");
        }

        await until("the old workers are gone", () =>
            children(nginx).length === nginx.workers);
    }));


test("the rate is kept where the window is too narrow for it", () =>
    run({ drain: "rt_drain window=10ms rate=50;" }, async nginx => {
        const clients = await nginx.clients(100);
        const start = performance.now();

        await nginx.reload();

        const told = await Promise.all(clients.map(c => c.told));
        const last = Math.max(...told.map(t => t.at)) - start;

        /* 100 at 50 a second are two; by chance the last may be a bit early */
        assert.ok(last > 1200, `all were told within ${last} ms`);
    }));


test("quit: told 3001 over the window, then nginx ends by itself", () =>
    run({ drain: "rt_drain window=500ms;" }, async nginx => {
        const clients = await nginx.clients(40);

        nginx.child.kill("SIGQUIT");

        const told = await Promise.all(clients.map(c => c.told));

        assert.ok(told.every(t => t.code === 3001));
        assert.equal(await nginx.exited, 0);
    }));


test("worker_shutdown_timeout is the end, and it is told too", () =>
    run({ drain: "rt_drain window=600s;",
          main: "worker_shutdown_timeout 500ms;" }, async nginx => {
        const clients = await nginx.clients(40);
        const old = nginx.workerPids();

        await nginx.reload();

        const told = await Promise.all(clients.map(c => c.told));

        assert.ok(told.every(t => t.code === 3001 || t.code === 1006));
        assert.ok(told.filter(t => t.code === 3001).length >= 36,
                  "the close frame was hardly ever sent");

        await until("the old workers are gone", () =>
            !children(nginx).some(pid => old.includes(pid)));
    }));


test("a client that does not read does not hold its worker", () =>
    run({ drain: "rt_drain window=100ms;" }, async nginx => {
        const [c] = await nginx.clients(1);

        c.socket._socket.pause();

        for (let i = 0; i < 60; i++) {
            await nginx.api("publish", { channel: "open:x",
                data: "x".repeat(60000) }, { "X-Tenant": "t" });
        }

        await nginx.reload();
        await until("the old workers are gone", () =>
            children(nginx).length === nginx.workers);
    }));


const cpu = pid => {
    const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /, "").split(" ");

    return (Number(fields[11]) + Number(fields[12])) * 10;      /* ms */
};


test("who came before a reload and spoke after it is taken, and told", () =>
    run({ drain: "rt_drain window=100ms;",
          server: "location /stub { stub_status; }" }, async nginx => {
        const socket = net.connect(nginx.port, "127.0.0.1");
        let said = Buffer.alloc(0);

        socket.on("data", data => { said = Buffer.concat([said, data]); });
        socket.on("error", () => {});

        socket.write("GET /connection/websocket HTTP/1.1\r\nHost: x\r\n");
        await until("the request has begun", async () =>
            (await get(nginx, "/stub")).includes("Reading: 1 "));

        await nginx.reload();
        socket.write("Upgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

        /* a close frame: 3001, shutdown */
        const close = Buffer.from("\x88\x0a\x0b\xb9shutdown", "latin1");

        await until("told", () => said.includes(close));
        assert.match(said.toString("latin1"), /^HTTP\/1.1 101 /);

        socket.destroy();
        await until("the old workers are gone", () =>
            children(nginx).length === nginx.workers);
    }));


test("a worker that waits for its clients to go does not spin", () =>
    run({ drain: "rt_drain window=600s;" }, async nginx => {
        const clients = await nginx.clients(20);
        const old = nginx.workerPids();

        await nginx.reload();
        await sleep(200);

        const before = old.map(cpu);

        await sleep(1000);

        const used = old.map((pid, i) => cpu(pid) - before[i]);

        assert.ok(used.every(ms => ms < 300), `${used} ms in a second`);

        /* the last one goes: so does the worker */
        clients.forEach(c => c.socket.close());
        await until("the old workers are gone", () =>
            children(nginx).length === nginx.workers);
    }));


test("fifty reloads leave no descriptor, no zone page, no worker", () =>
    run({ drain: "rt_drain window=50ms;" }, async nginx => {
        const fds = pid => fs.readdirSync(`/proc/${pid}/fd`).length;

        /* what the master has, and the workers together */
        const held = () => ({
            master: fds(nginx.child.pid),
            workers: nginx.workerPids().map(fds).reduce((a, b) => a + b, 0),
            shared: fs.readFileSync(`/proc/${nginx.child.pid}/maps`, "utf8")
                .split("\n").filter(line => /rw-s/.test(line)).length,
        });

        /* the tenant's own row stays */
        const [first] = await nginx.clients(1);

        await first.close();
        await nginx.reload();
        await until("two workers", () => children(nginx).length === 2);

        http.globalAgent.destroy();

        /* a connection that just ended may still be there */
        const still = async () => {
            const now = held();

            await sleep(300);

            return isDeepStrictEqual(held(), now) && now;
        };

        const before = { held: await until("quiet", still),
                         metrics: await metrics(nginx) };
        let back = 0, left = 0, ended = false;

        const stay = async () => {
            while (!ended) {
                const c = new Connection(nginx, "t", ["open:x"],
                    { scheme: back % 2 ? "wss" : "ws" });

                await c.ready.catch(() => {});
                back++;

                if (await c.closed !== 3001 && !ended) {
                    await sleep(20);
                }
            }

            left++;
        };

        const staying = Array.from({ length: 20 }, stay);

        for (let i = 0; i < 50; i++) {
            await nginx.reload();
        }

        ended = true;

        /* who was on its way is let in by the new workers: once more, then */
        await until("all have left", async () => {
            await nginx.reload();
            return left === staying.length;
        });
        await Promise.all(staying);

        assert.ok(back > 200, `${back} connections`);

        await until("two workers", () => children(nginx).length === 2);
        await until("descriptors and zones as before", () =>
            isDeepStrictEqual(held(), before.held)).catch(() =>
                assert.deepEqual(held(), before.held));

        const after = await until("no sessions", async () => {
            const m = await metrics(nginx);
            return m.rt_zone_sessions === 0 && m;
        });

        for (const name of ["rt_zone_heap_bytes", "rt_zone_heap_pages_free",
                            "rt_zone_channels"]) {
            assert.equal(after[name], before.metrics[name], name);
        }
    }));


test("another binary (USR2): the old one's clients are told, and come over",
    () => run({ drain: "rt_drain window=100ms;",
                main: "env TEST_RT_REPORTS; env PATH;" }, async nginx => {
        await nginx.daemon();

        const clients = await nginx.clients(20);

        try {
            await nginx.upgrade();

            for (const c of clients) {
                assert.equal((await c.told).code, 3001);
            }

            const again = await nginx.clients(20);
            const p = publisher(nginx);

            await until("publications", () => p.sent > 20);
            await stop(p);
            await until("everyone has heard them", () => again.every(c =>
                c.heard.get("open:x").at(-1) === p.sent));
            assert.ok(again.every(complete));
            assert.equal((await metrics(nginx)).rt_zone_sessions, 20);

        } finally {
            await nginx.quit(nginx.master());
        }
    }));

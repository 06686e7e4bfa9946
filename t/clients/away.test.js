"use strict";

/*
 * Redis away, and back: connections that come to nothing, that end, that stand
 * still; what waits between two attempts; workers that come, leave and die; and
 * other modules that bring hiredis along.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { Agent } = require("node:http");
const net = require("node:net");
const { afterEach, describe, test } = require("node:test");

const { FakeRedis } = require("./fakeredis.js");
const { Connection } = require("./ledger.js");
const { clients, count, http, isReady, ready, says, seen, start }
    = require("./links.js");
const { children, freePort, module_, sleep, until }
    = require("./nginx.js");
const { Proxy } = require("./proxy.js");
const { Redis } = require("./redis.js");

const SOON = "backoff=10ms:50ms";
const KEPT = "rt_namespace kept history=100 ttl=1m durable;";
const MODULES = "/usr/lib/nginx/modules";

const AWAY = 100;


/* { offset } or { error: { code } } */
async function publish(nginx, data, more = {}) {
    const { body } = await nginx.api("publish",
        { channel: "kept:x", data, ...more }, { "X-Tenant": "t" });

    return body.result ?? body;
}


describe("Redis away", { timeout: 120000 }, () => {
    const started = [];

    async function add(promise) {
        const it = await promise;

        started.push(it);

        return it;
    }

    const redis = options => add(Redis.start(options));
    const nginx = (conf, options) => add(start(conf, { more: KEPT,
                                                       ...options }));

    afterEach(async () => {
        for (const it of started.splice(0).reverse()) {
            const alarms = await it.stop();

            assert.deepEqual(alarms ?? [], []);
        }
    });

    test("who listens and says nothing is not waited for", async () => {
        const sockets = new Set();
        const silent = net.createServer(socket => {
            sockets.add(socket);
            socket.on("error", () => {});
        });

        await new Promise(done => silent.listen(0, "127.0.0.1", done));
        await add({ stop: () => {
            sockets.forEach(socket => socket.destroy());
            silent.close();
        } });

        const n = await nginx(`redis://127.0.0.1:${silent.address().port}
                               connect_timeout=300ms ${SOON}`);

        assert.equal((await publish(n, 1)).error.code, AWAY);
        await says(n, /is away for commands: it was not ready in time/);
        await until("it is tried again", () => sockets.size > 8);

        /* once, however often it is tried */
        assert.equal(count(n, /is away for commands/), 2);
        assert.equal((await publish(n, 2)).error.code, AWAY);
    });

    test("who is not there", async () => {
        const n = await nginx(`redis://127.0.0.1:${await freePort()} ${SOON}`);

        await says(n, /is away for commands: connect\(\) failed/);
        assert.equal((await publish(n, 1)).error.code, AWAY);
        assert.ok((await seen(n)).declined_total > 0);
        assert.equal(await ready(n), 0);
    });

    test("who stands still is left after a command's time-out", async () => {
        const r = await redis({ aof: "always" });
        const n = await nginx(`${r.url()} timeout=300ms connect_timeout=300ms
                               ${SOON}`);

        await isReady(n);
        assert.equal((await publish(n, 1)).offset, 1);

        r.pause();

        const said = await Promise.all([1, 2, 3, 4].map(i =>
            publish(n, "still", { idempotency_key: `k${i}` })));

        assert.ok(said.every(({ error }) => error.code === AWAY));
        await says(n, /is away for commands: it did not answer in time/);
        await says(n, /is away for pub\/sub: it did not answer in time/);
        await until("pub/sub is not ready", async () =>
            (await seen(n))["state.pubsub.ready"] === 0);

        const now = await seen(n);

        assert.ok(now.timeouts_total >= 2);
        assert.equal(now.pending_bytes, 0);

        r.resume();
        await isReady(n);

        /* what was unknown is known now: each once */
        for (const i of [1, 2, 3, 4]) {
            const again = await publish(n, "still",
                                        { idempotency_key: `k${i}` });

            assert.equal(again.error, undefined);
        }

        assert.equal((await r.stream("rt:{t}:channel:kept:x")).length, 5);
    });

    test("a connection that is cut in a reply is begun anew", async () => {
        const r = await redis({ aof: "always" });
        const proxy = await add(Proxy.start(r));
        const n = await nginx(`${proxy.url()} ${SOON}`, { workers: 1 });

        await isReady(n);

        let left = 1;

        proxy.onReply = (value, [command]) =>
            command === "EVALSHA" && left-- > 0 ? { bytes: 3 } : undefined;

        const cut = await publish(n, "cut", { idempotency_key: "k" });

        assert.equal(cut.error.code, AWAY);
        await isReady(n);

        const again = await publish(n, "cut", { idempotency_key: "k" });

        assert.equal(again.offset, 1);
        assert.equal((await r.stream("rt:{t}:channel:kept:x")).length, 1);
    });

    test("attempts are spread, and become rarer", async () => {
        const fake = await add(FakeRedis.start());
        const n = await nginx(`${fake.url()} backoff=400ms:1600ms`,
                              { workers: 8 });

        await isReady(n);

        const LINKS = 16, times = [];
        const from = performance.now();

        for (const server of fake.servers) {
            server.removeAllListeners("connection");
            server.on("connection", socket => {
                times.push(performance.now() - from);
                socket.on("error", () => {});
                socket.destroy();
            });
        }

        fake.cut();
        await until("five attempts of each", () => times.length >= 5 * LINKS,
                    60000);

        /* no herd: that all come in less than a third of the time that they
           may take is one in a million */
        assert.ok(times[LINKS - 1] - times[0] > 133, `${times}`);

        /* five of each take their average of 0.2, 0.4 and 0.8 s: far more than
           without any wait, or with the first wait each time */
        assert.ok(times.at(-1) > 1200, `${times.at(-1)}`);

        const now = await seen(n);

        assert.ok(now.losses_total >= 5 * LINKS);
        assert.equal(now["state.commands.ready"], 0);
    });

    test("Redis is restarted", async () => {
        const r = await redis({ aof: "always" });
        const n = await nginx(`${r.url()} ${SOON}`);

        await isReady(n);
        assert.equal((await publish(n, 1)).offset, 1);

        for (let i = 2; i < 5; i++) {
            await r.restart();
            await isReady(n);
            assert.equal((await publish(n, i)).offset, i);
        }

        assert.equal((await clients(r)).length, 4);

        /* a line of each use, worker and loss, and one when it is back */
        assert.equal(count(n, /is back for commands after/), 6);
        assert.equal(count(n, /is back for pub\/sub after/), 6);
        assert.ok(count(n, /is away for commands/) <= 12);
    });

    test("scripts that are gone are loaded again", async () => {
        const r = await redis({ aof: "always" });
        const n = await nginx(`${r.url()} ${SOON}`, { workers: 1 });

        await isReady(n);
        await publish(n, 1);

        for (let i = 2; i < 6; i++) {
            await r.call("SCRIPT", "FLUSH");

            const said = await Promise.all([1, 2, 3].map(k =>
                publish(n, i, { channel: `kept:${k}` })));

            assert.ok(said.every(({ error }) => !error),
                      JSON.stringify(said));
        }

        const now = await seen(n);

        assert.ok(now["replies_total.noscript"] >= 4);
        assert.equal(now.losses_total, 0);
    });

    test("a reload leaves no connection behind", async () => {
        const r = await redis({ aof: "always" });
        const n = await nginx(`${r.url()} ${SOON}`, { workers: 3 });

        await isReady(n);

        let going = true, accepted = 0;

        const publishing = (async () => {
            while (going) {
                const said = await publish(n, accepted).catch(() => undefined);

                /* a worker that leaves takes no more, and says so */
                assert.ok(!said?.error || said.error.code === AWAY,
                          JSON.stringify(said));
                accepted += said && !said.error ? 1 : 0;
            }
        })();

        for (let i = 0; i < 4; i++) {
            await n.reload();
            await isReady(n);
        }

        going = false;
        await publishing;

        await until("the old workers have left", () =>
            children(n).length === 3);
        await until("their connections are gone", async () =>
            (await clients(r)).length === 6);

        assert.ok(accepted > 0);
        assert.equal(Number(await r.call("HGET", "rt:{t}:meta:kept:x", "top")),
                     accepted);
    });

    test("a killed worker's connections end with it", async () => {
        const r = await redis({ aof: "always" });
        const n = await nginx(`${r.url()} ${SOON}`);

        await isReady(n);

        for (let i = 0; i < 3; i++) {
            await n.killWorkers();
            await isReady(n);
        }

        await until("their connections are gone", async () =>
            (await clients(r)).length === 4);
    });

    test("worker_shutdown_timeout ends who waits for Redis", async () => {
        const r = await redis({ aof: "always" });
        const n = await nginx(`${r.url()} timeout=60s ${SOON}`,
                              { workers: 1 });

        await isReady(n);

        const text = fs.readFileSync(`${n.prefix}/nginx.conf`, "utf8");

        fs.writeFileSync(`${n.prefix}/nginx.conf`,
                         `worker_shutdown_timeout 300ms;\n${text}`);
        await n.reload();
        await isReady(n);
        r.pause();

        const [pid] = n.workerPids();
        const waits = publish(n, 1).catch(() => "ended");

        await sleep(0);
        await until("it waits", async () => (await seen(n)).pending_bytes > 0);
        process.kill(pid, "SIGQUIT");

        const said = await waits;

        assert.ok(said === "ended" || said.error.code === AWAY);
        await until("it is gone", () => !fs.existsSync(`/proc/${pid}`));
        r.resume();
    });

    /* each of them before ours, and behind it */
    for (const [name, files, conf] of [
        ["Nchan", ["ngx_nchan_module"], "location /nchan { nchan_pubsub; }"],
        ["Nchan with its own Redis", ["ngx_nchan_module"],
         "location /nchan { nchan_pubsub; nchan_redis_pass nchan; }"],
        ["Lua", ["ndk_http_module", "ngx_http_lua_module"],
         "location /lua { content_by_lua_block { ngx.say(1 + 1) } }"],
    ]) {
        for (const first of [true, false]) {
            test(`beside ${name}, ${first ? "loaded first" : "loaded later"}`,
                 async () => {
                const r = await redis({ aof: "always", tls: true });
                const theirs = await redis();
                const others = files.map(file =>
                    `load_module ${MODULES}/${file}.so;`).join("\n");
                const more = `${KEPT}
                    ${/nchan_redis/.test(conf)
                      ? `upstream nchan { nchan_redis_server ${theirs.url()}; }`
                      : ""}`;

                const n = await nginx(`${r.tlsUrl()} ${SOON}
                    tls_ca=${r.folder}/redis.crt`, { text: that => {
                    const ours = `load_module ${module_};`;

                    return `
                        ${first ? others : ""}
                        ${ours}
                        ${first ? "" : others}
                        worker_processes 2;
                        pid        ${that.prefix}/nginx.pid;
                        error_log  ${that.prefix}/error.log info;
                        events { worker_connections 1024; }
                        http {
                            access_log off;
                            client_body_temp_path ${that.prefix}/body;
                            ${http(`${r.tlsUrl()} ${SOON}
                                    tls_ca=${r.folder}/redis.crt`, more)}
                            server {
                                listen 127.0.0.1:${that.port};
                                location /api { rt_api zone=live;
                                                rt_api_key off; }
                                location /metrics { rt_metrics; }
                                ${conf}
                            }
                        }`;
                } });

                await isReady(n);
                assert.equal((await publish(n, 1)).offset, 1);

                /* hiredis is asked for more than a word */
                await r.call("SCRIPT", "FLUSH");
                assert.equal((await publish(n, 2)).offset, 2);
                await r.restart();
                await isReady(n);
                assert.equal((await publish(n, 3)).offset, 3);
            });
        }
    }

    test("who has not said yet which one it is begins no new epoch",
        async () => {
            const r = await redis({ aof: "always" });
            const proxy = await add(Proxy.start(r));
            const n = await nginx(`${proxy.url()} ${SOON}`, { workers: 1 });

            n.agent = new Agent({ keepAlive: false });
            await isReady(n);

            const first = await publish(n, 1);

            proxy.onReply = (value, args) =>
                args[0] === "INFO" ? { delay: 200 } : undefined;

            for (const [i, more] of [{}, { idempotency_key: "k" }].entries()) {
                await n.killWorkers();
                assert.deepEqual(await publish(n, 2, more),
                                 { ...first, offset: i + 2 });
            }

            await n.killWorkers();

            /* who subscribes has the stream read */
            const c = new Connection(n, "t", ["kept:x"], {
                subscribed: (me, channel, { epoch, offset }) =>
                    assert.deepEqual({ epoch, offset },
                                     { ...first, offset: 3 }) });

            await c.ready;
            await c.close();
        });

    test("who comes back gets what it missed, though pub/sub is away",
        async () => {
            const r = await redis({ aof: "always" });
            const proxy = await add(Proxy.start(r));
            const n = await nginx(`${proxy.url()} ${SOON}`, { workers: 1 });

            /* that of pub/sub says nothing behind its name */
            proxy.onReply = (value, [name], { waiting }) =>
                name === "CLIENT" && !waiting.length ? "drop" : undefined;
            proxy.cut();
            await until("just that of commands", async () =>
                (await seen(n))["state.commands.ready"] === 1
                && await ready(n) === 1);

            const { epoch } = await publish(n, 1);

            await publish(n, 2);
            await publish(n, 3);

            for (const offset of [1, 2]) {
                const c = new Connection(n, "t", ["kept:x"],
                    { asks: () => ({ recover: true, offset, epoch }),
                      subscribed: (me, channel, reply) => {
                          me.recovered = reply.recovered;
                      } });

                await c.ready;
                assert.equal(c.recovered, true);
                assert.deepEqual(c.heard.get("kept:x"), [2, 3].slice(offset - 1));
                await c.close();
            }
        });
});

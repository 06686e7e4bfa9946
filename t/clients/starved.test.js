"use strict";

/*
 * No memory for an answer when Redis has given its own: the connection closes,
 * the request fails, and what they have waited for comes to nobody any more.
 */

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { promisify } = require("node:util");
const { once } = require("node:events");
const { describe, test } = require("node:test");
const WebSocket = require("ws");

const { Nginx, tool, top, until } = require("./nginx.js");
const { Proxy } = require("./proxy.js");
const { Redis } = require("./redis.js");


/* a request that has failed is there for as long as its client is */
const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
        location /api {
            rt_api            zone=live;
            rt_api_key        off;
            lingering_close   always;
            lingering_timeout 60s;
        }
        location /metrics { rt_metrics; }
`;

/* what the replies of these need: such as nobody has had and given back */
const ID = "i".repeat(250);
const REPLY = [512, 2048];
const MANY = 2000;
const REPLIES = [64 * 1024, 1024 * 1024];

const publication = data => ({ channel: "kept:x", data });


/* play() begins when the answers of Redis are held */
async function over(play) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rt-starved-"));
    const sizes = fs.openSync(`${folder}/sizes`, "w+");
    const starve = range =>
        fs.writeSync(sizes, new BigUint64Array(range.map(BigInt)), 0, 16, 0);

    starve([0, 0]);
    execFileSync(process.env.CC || "cc", ["-shared", "-fPIC", "-O1", "-o",
        `${folder}/starved.so`, path.join(top, "t/lib/starved.c")]);

    const redis = await Redis.start();
    const proxy = await Proxy.start(redis);
    const nginx = await Nginx.start({
        env: { LD_PRELOAD: `${folder}/starved.so`,
               RT_STARVED: `${folder}/sizes` },
        server: SERVER,
        http: `
            rt_zone       $http_x_tenant zone=live:8m;
            rt_redis      redis://127.0.0.1:${proxy.port} timeout=60s;
            rt_namespace  kept publish=any history=100 ttl=1m durable;
        `,
    });
    const workers = nginx.workerPids();
    const key = "rt:{default}:channel:kept:x";
    const length = n => until("Redis has it", async () =>
        await redis.call("XLEN", key) === n);

    try {
        await nginx.api("publish", publication(1));
        await length(1);

        proxy.hold();
        await play({ nginx, proxy, starve, length });
        starve([0, 0]);

        const { body } = await nginx.api("publish", publication(9));

        assert.ok(body.result, "it goes on");
        assert.deepEqual(nginx.workerPids(), workers, "in the same process");
        assert.deepEqual(nginx.alarms().filter(
            line => !/malloc\(\d+\) failed/.test(line)), []);

    } finally {
        await nginx.stop();
        await proxy.stop();
        await redis.stop();
        fs.closeSync(sizes);
        fs.rmSync(folder, { recursive: true });
    }
}


/* asan's malloc() comes first, valgrind brings its own */
describe("no memory for the answer", { timeout: 60000, skip: tool }, () => {

    test("to a client: it is closed, once", () =>
        over(async ({ nginx, proxy, starve, length }) => {
            const ws = new WebSocket(nginx.url());
            const event = { id: ID, type: "t", data: 1 };
            const rpc = id => ({ id, rpc: { method: "rt.publish",
                data: { channel: "kept:x", event: { ...event, id: ID + id }}}});

            await once(ws, "open");
            ws.send([{ id: 1, connect: {} }, rpc(2), rpc(3), rpc(4)]
                .map(command => JSON.stringify(command)).join("\n"));
            await once(ws, "message");

            const closed = once(ws, "close");

            starve(REPLY);
            proxy.release();
            assert.equal((await closed)[0], 3004);
            await length(4);
        }));

    test("to a request: it fails, once", () =>
        over(async ({ nginx, proxy, starve, length }) => {
            const body = JSON.stringify({ commands: [
                { publish: publication(2) },
                { broadcast: { channels: Array(MANY).fill("kept:y"),
                               data: 3 } },
            ] });
            const socket = net.connect({ port: nginx.port, host: "127.0.0.1",
                                         allowHalfOpen: true });
            let text = "";

            socket.setEncoding("utf8");
            socket.on("data", piece => { text += piece; });

            starve(REPLIES);
            socket.write("POST /api/batch HTTP/1.1\r\nHost: localhost\r\n"
                + `Content-Length: ${body.length}\r\n\r\n${body}`);
            await until("it fails", () => /^HTTP\/1.1 500 /.test(text));

            starve([0, 0]);
            proxy.release();
            await length(2);
            assert.ok((await nginx.api("publish", publication(3))).body.result);

            /* whose end it is would be reset by the second */
            await promisify(socket.write).call(socket, "x");
            await promisify(socket.write).call(socket, "x");

            socket.end();
            await once(socket, "close");
            assert.equal(text.split("HTTP/1.1").length, 2, text);
        }));
});

"use strict";

/*
 * Floods of commands against one worker: who reads is served beside others,
 * who does not is closed with 3008, and the worker's memory is bounded.
 */

const assert = require("node:assert/strict");
const { after, before, describe, test } = require("node:test");
const crypto = require("node:crypto");
const fs = require("node:fs");
const net = require("node:net");
const { once } = require("node:events");
const WebSocket = require("ws");

const { Nginx, sleep, slow, tool, until } = require("./nginx.js");


const QUEUE = 1024 * 1024;                    /* rt_max_queue's default */
const DEAF = 20;
const FLOOD_MS = 2000;
const MIB = 1024 * 1024;

const HTTP = `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_drain      window=100ms;
    rt_namespace  chat  publish=subscriber;
`;

const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
        location /metrics              { rt_metrics; }
`;


describe("floods of commands", { timeout: 120000 * slow }, () => {
    let nginx;
    const sockets = [];

    before(async () => {
        nginx = await Nginx.start({ http: HTTP, server: SERVER });
    });

    after(async () => {
        sockets.forEach(s => s.terminate ? s.terminate() : s.destroy());
        assert.deepEqual(await nginx.stop(), []);
    });

    const metric = async name => {
        const answer = await fetch(`http://127.0.0.1:${nginx.port}/metrics`);
        const line = (await answer.text()).split("\n")
            .find(l => l.startsWith(name));

        return line ? Number(line.split(" ").pop()) : 0;
    };

    /* bytes of the only worker */
    const memory = what => {
        const status = fs.readFileSync(
            `/proc/${nginx.workerPids()[0]}/status`, "utf8");

        return 1024 * Number(status.match(`${what}:\\s+(\\d+)`)[1]);
    };

    const client = async () => {
        const socket = new WebSocket(nginx.url());

        sockets.push(socket);
        await once(socket, "open");
        socket.send('{"id":1,"connect":{}}');
        await once(socket, "message");

        return socket;
    };

    const rpc = id =>
        `{"id":${id},"rpc":{"method":"rt.echo","data":"${"x".repeat(40)}"}}`;

    test("one that reads gets all, others go on meanwhile", async () => {
        const flooder = await client();
        const others = await Promise.all(Array.from({ length: 5 }, client));
        const end = Date.now() + FLOOD_MS;
        let sent = 1, heard = 1, slowest = 0;

        flooder.on("message", text => {
            heard += text.toString().split("\n").length;
        });

        const flood = async () => {
            while (Date.now() < end) {
                const lines = [];

                for (let i = 0; i < 500; i++) {
                    lines.push(rpc(++sent));
                }

                flooder.send(lines.join("\n"));

                while (flooder.bufferedAmount > MIB) {
                    await sleep(1);
                }

                await sleep(0);
            }
        };

        const roundTrips = async socket => {
            let n = 0;

            for (; Date.now() < end; n++) {
                const start = Date.now();

                socket.send(rpc(n + 2));
                await once(socket, "message");
                slowest = Math.max(slowest, Date.now() - start);
            }

            return n;
        };

        const [, ...done] = await Promise.all(
            [flood(), ...others.map(roundTrips)]);

        await until("every reply", () => heard === sent);

        assert.ok(sent > 10000, `a flood: ${sent}`);
        assert.ok(done.every(n => n >= 10), `round trips: ${done}`);
        assert.ok(slowest < FLOOD_MS / 2, `the slowest: ${slowest} ms`);
        assert.equal(flooder.readyState, WebSocket.OPEN);
    });

    /* shakes hands and connects, then reads no more */
    const deaf = () => new Promise((resolve, reject) => {
        const socket = net.connect(nginx.port, "127.0.0.1");

        sockets.push(socket);
        socket.on("error", () => socket.destroy());
        socket.on("close", () => { socket.gone = true; });
        socket.once("data", text => {
            socket.pause();

            if (/^HTTP\/1.1 101/.test(text)) {
                resolve(socket);
            } else {
                reject(new Error(text.toString()));
            }
        });

        socket.write("GET /connection/websocket HTTP/1.1\r\n"
            + "Host: localhost\r\nUpgrade: websocket\r\n"
            + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + `Sec-WebSocket-Key: ${crypto.randomBytes(16).toString("base64")}`
            + "\r\n\r\n");
    });

    const frame = text => {
        const payload = Buffer.from(text);
        const head = Buffer.alloc(8);

        head.writeUInt16BE(0x81fe, 0);
        head.writeUInt16BE(payload.length, 2);

        return Buffer.concat([head, payload]);   /* a mask of zeroes */
    };

    test("those that do not read are closed: 3008", async () => {
        const commands = frame(Array.from({ length: 500 },
            (_, i) => rpc(i + 2)).join("\n"));

        const before_ = memory("VmRSS");
        const closes = 'rt_closes_total{worker="0",code="3008"';
        const all = await Promise.all(Array.from({ length: DEAF }, deaf));

        const flood = async socket => {
            socket.write(frame('{"id":1,"connect":{}}'.padEnd(200)));

            while (!socket.gone && !socket.stopped) {
                if (socket.writableLength < MIB) {
                    socket.write(commands);
                }

                await sleep(1);
            }
        };

        const floods = all.map(flood);

        await until("all are closed",
                    async () => await metric(closes) >= DEAF, 60000);

        all.forEach(socket => { socket.stopped = true; });
        await Promise.all(floods);

        /* the highest that it ever was: queues, and what the heap wastes */
        const grown = memory("VmHWM") - before_;

        assert.ok(tool || grown < 2 * DEAF * QUEUE,
                  `grown by ${Math.round(grown / MIB)} MiB`);

        const other = await client();
        other.send(rpc(2));
        assert.match((await once(other, "message"))[0].toString(), /"id":2/);

        all.forEach(socket => socket.destroy());
        await until("the connections end",
                    async () => await metric('rt_connections{') < 10);
    });
});

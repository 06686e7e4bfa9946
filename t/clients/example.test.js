"use strict";

/* docs/examples/two-nodes/run: what it says, what crosses, what it leaves. */

const assert = require("node:assert/strict");
const { execFile, spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { promisify } = require("node:util");
const { afterEach, beforeEach, describe, test } = require("node:test");
const WebSocket = require("ws");

const { freePort, module_, top, until } = require("./nginx.js");


describe("the example of two nodes", { timeout: 60000 }, () => {
    let folder, ports, run, said;

    const file = name => `${folder}/two-nodes/${name}`;

    beforeEach(async () => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "rt-two-"));
        ports = [await freePort(), await freePort(), await freePort()];

        for (const example of ["quickstart", "two-nodes"]) {
            fs.cpSync(`${top}/docs/examples/${example}`,
                      `${folder}/${example}`, { recursive: true });
        }

        fs.mkdirSync(`${folder}/build`);
        fs.copyFileSync(module_, `${folder}/build/ngx_rt_module.so`);

        for (const name of ["run", "nginx.conf"]) {
            fs.writeFileSync(file(name), fs.readFileSync(file(name), "utf8")
                .replace("127.0.0.1:8081", `127.0.0.1:${ports[0]}`)
                .replace("127.0.0.1:8082", `127.0.0.1:${ports[1]}`)
                .replace("127.0.0.1:6390", `127.0.0.1:${ports[2]}`));
        }
    });

    afterEach(() => {
        if (alive()) {
            process.kill(-run.pid, "SIGKILL");
        }

        fs.rmSync(folder, { recursive: true, force: true });
    });

    /* a process group of its own, as a terminal makes one */
    const start = () => {
        said = "";
        run = spawn(file("run"), [`${folder}/build`], { detached: true });
        run.exited = once(run, "exit");
        run.stdout.on("data", text => { said += text; });
        run.stderr.on("data", text => { said += text; });
    };

    const alive = () => {
        try {
            return process.kill(-run.pid, 0);
        } catch {
            return false;
        }
    };

    const listens = port => new Promise(resolve => {
        const socket = net.connect(port, "127.0.0.1");

        socket.on("connect", () => { socket.destroy(); resolve(true); });
        socket.on("error", () => resolve(false));
    });

    const url = n => `http://127.0.0.1:${ports[n]}`;

    /* what a page hears, by channel */
    const page = async n => {
        const socket = new WebSocket(
            `${url(n).replace("http", "ws")}/connection/websocket`);
        const heard = { "chat:lobby": [], "tokens:demo": [] };

        await once(socket, "open");
        socket.on("message", text => String(text).split("\n").forEach(line => {
            const { push } = JSON.parse(line);

            if (push?.pub) {
                heard[push.channel].push(push.pub.data);
            }
        }));
        socket.send(['{"id":1,"connect":{}}', ...Object.keys(heard).map(
            (channel, i) => JSON.stringify({ id: i + 2,
                                             subscribe: { channel } }))]
            .join("\n"));

        return { heard, close: () => socket.terminate() };
    };

    const cross = (...nodes) =>
        promisify(execFile)(file("cross"), nodes.map(url));


    test("what is said at one is heard at the other; Ctrl-C leaves nothing",
         async () => {
        start();
        await until("it says what to open", () =>
            said.includes(`Open ${url(0)} and ${url(1)}`));
        assert.match(said, new RegExp(`cross ${url(0)} ${url(1)}`));

        const pages = [await page(0), await page(1)];

        /* words come to the first */
        for (const { heard } of pages) {
            await until("words", () => heard["tokens:demo"].length);
        }

        for (const way of [[0, 1], [1, 0]]) {
            const { stdout } = await cross(...way);

            assert.match(stdout, /"offset":\d+/);
        }

        for (const { heard } of pages) {
            await until("both", () => heard["chat:lobby"].length === 2);
        }

        assert.deepEqual(pages[0].heard["chat:lobby"],
                         pages[1].heard["chat:lobby"]);

        const { result } = await (await fetch(`${url(1)}/api/presence`,
            { method: "POST", headers: { "Content-Type": "application/json" },
              body: '{"channel":"chat:lobby"}' })).json();

        assert.equal(Object.keys(result.presence).length, 2);

        pages.forEach(({ close }) => close());
        process.kill(-run.pid, "SIGINT");

        assert.deepEqual(await run.exited, [0, null]);
        await until("its processes are gone", () => !alive());

        for (const port of ports) {
            assert(!await listens(port));
        }

        assert.deepEqual(fs.readdirSync(`${folder}/build`),
                         ["ngx_rt_module.so"]);
    });


    for (const [i, what] of ["first node", "second node", "Redis"].entries()) {
        test(`the port of the ${what} is taken: it says so, and ends`,
             async () => {
            const other = net.createServer().listen(ports[i], "127.0.0.1");

            await once(other, "listening");
            start();

            assert.deepEqual(await run.exited, [1, null]);
            other.close();

            assert.match(said, /bind/);
            assert.doesNotMatch(said, /Open http/);
            await until("its processes are gone", () => !alive());
            assert.deepEqual(fs.readdirSync(`${folder}/build`),
                             ["ngx_rt_module.so"]);
        });
    }
});

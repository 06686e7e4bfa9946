"use strict";

/* `make run`, once the module is built: what it says, and what it leaves. */

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { afterEach, beforeEach, describe, test } = require("node:test");

const { freePort, module_, top, until } = require("./nginx.js");


describe("make run", { timeout: 60000 }, () => {
    let folder, port, run, said;

    beforeEach(async () => {
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "rt-run-"));
        port = await freePort();

        fs.cpSync(`${top}/docs/examples/quickstart`, `${folder}/quickstart`,
                  { recursive: true });
        fs.mkdirSync(`${folder}/build`);
        fs.copyFileSync(module_, `${folder}/build/ngx_rt_module.so`);

        const conf = `${folder}/quickstart/nginx.conf`;

        fs.writeFileSync(conf, fs.readFileSync(conf, "utf8").replace(
            "127.0.0.1:8080", `127.0.0.1:${port}`));
    });

    afterEach(async () => {
        if (alive()) {
            process.kill(-run.pid, "SIGKILL");
        }

        fs.rmSync(folder, { recursive: true, force: true });
    });

    /* a process group of its own, as a terminal makes one */
    const start = () => {
        said = "";
        run = spawn(`${folder}/quickstart/run`, [`${folder}/build`],
                    { detached: true });
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

    const listens = () => new Promise(resolve => {
        const socket = net.connect(port, "127.0.0.1");

        socket.on("connect", () => { socket.destroy(); resolve(true); });
        socket.on("error", () => resolve(false));
    });

    const words = async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
        const text = await answer.text();

        return [...text.matchAll(/^rt_publishes_total\{.*\} (\d+)$/mg)]
            .some(([, count]) => Number(count) > 0);
    };

    const left = () => fs.readdirSync(`${folder}/build`);

    for (const signal of ["SIGINT", "SIGTERM"]) {
        test(`it tells where it listens; ${signal} leaves nothing`, async () => {
            start();
            await until("it says what to open", () =>
                said.includes(`Open http://127.0.0.1:${port} in two tabs`));
            assert(await listens());
            await until("words", words);

            process.kill(-run.pid, signal);

            assert.deepEqual(await run.exited, [0, null]);
            await until("its processes are gone", () => !alive());
            assert(!await listens());
            assert.deepEqual(left(), ["ngx_rt_module.so"]);
        });
    }

    test("a port that is taken: it says so, and nothing else", async () => {
        const other = net.createServer().listen(port, "127.0.0.1");

        await once(other, "listening");
        start();

        assert.deepEqual(await run.exited, [1, null]);
        other.close();

        assert.match(said, /bind\(\) to 127\.0\.0\.1:\d+ failed/);
        assert.doesNotMatch(said, /Open http/);
        await until("its processes are gone", () => !alive());
        assert.deepEqual(left(), ["ngx_rt_module.so"]);
    });
});

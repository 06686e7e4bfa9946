"use strict";

/* Points that are armed from the start, by the environment. */

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { Nginx, until } = require("../clients/nginx.js");
const { Connection, conf, errorLog } = require("../clients/ledger.js");
const { state } = require("./stage.js");


async function run(faults, body, meant = /^$/) {
    const nginx = await Nginx.start({ workers: 1,
        text: conf({ main: `env RT_FAULT=${faults};` }) });

    try {
        await body(nginx);

    } finally {
        assert.deepEqual((await nginx.stop())
            .filter(line => !meant.test(line)), []);
    }
}


const publish = { publish: { channel: "open:x", data: 1 } };


test("at its third pass", () => run("wake_heard:stop,publish_begin:kill@3",
    async nginx => {
        const c = await new Connection(nginx, "t").ready;

        await c.commands([publish]);
        await c.commands([publish]);
        await until("it is at rest", () => state(c.pid) === "S");

        await assert.rejects(c.commands([publish]), /closed with 1006/);
        await until("it is gone", () => state(c.pid) === "gone");

        /* the next one has three lives as well */
        const d = await new Connection(nginx, "t").ready;

        await d.commands([publish]);
        await d.close();
    }));


test("a delay", () => run("publish_hold:delay=300", async nginx => {
    const c = await new Connection(nginx, "t").ready;
    const start = performance.now();

    await c.commands([publish]);
    assert.ok(performance.now() - start >= 299);
    c.socket.terminate();
}));


for (const wrong of ["nowhere:kill", "publish_hold:hit", "publish_hold",
                     "publish_hold:kill@0", "publish_hold:delay=1x"]) {

    test(`no such thing: ${wrong}`, () => run(wrong,
        nginx => until("the complaint", () =>
            errorLog(nginx).includes(`invalid fault points: ${wrong}`)),
        /invalid fault points|fatal code 2/));
}

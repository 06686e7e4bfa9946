"use strict";

/*
 * A worker stands at every fault point there is, as one does that the kernel
 * gives no time, and then goes on.  While it stands with no mutex held, the
 * others go on; with one held they wait for it, for it is alive.  What it was
 * about comes to its end, and nothing is lost or left behind.
 */

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");

const { sleep, until } = require("../clients/nginx.js");
const { Stage, state } = require("./stage.js");
const { STAGE } = require("./lasting.js");
const scenes = require("./scenes.js");

const ATTEMPTS = 5;
const MOMENT = 20;

let stage, names;
const visited = new Set();
const held = new Set();


/* resolves to whether it was reached by the one that was armed */
async function stop(name, scene) {
    const victim = await stage.victim();
    const it = await scene.prepare(stage, victim);

    await stage.pause(scene.quiet);

    if (scene.next) {
        victim.points.armNext(name, "stop");
    } else {
        victim.points.arm(name, "stop");
    }

    const acted = Promise.resolve(scene.act(stage, victim, it));
    const standing = () => stage.tables().find(({ pid, points }) =>
        points.fired(name) && state(pid) === "T");
    const worker = await until("it stands", standing, 1500)
        .catch(() => undefined);

    if (worker?.points.held) {
        held.add(name);
        await sleep(MOMENT);

    } else if (worker) {
        stage.paused = false;
        stage.waits = 0;
        await stage.goesOn();
    }

    if (worker) {
        process.kill(worker.pid, "SIGCONT");
    }

    await acted;

    stage.paused = false;
    await stage.goesOn();
    await stage.clear();
    stage.sweep();

    return Boolean(worker);
}


before(async () => {
    stage = await Stage.start(STAGE);
    names = (await stage.victim()).points.names;
});


after(async () => {
    assert.deepEqual(await stage.stop(), []);
});


test("at every point", async t => {
    for (const name of names) {
        await t.test(name, async () => {
            const scene = scenes.sceneOf(name);
            let stood = false;

            if (scene.elsewhere) {
                await scene.elsewhere(name, "stop");
                stood = true;
            }

            for (let i = 0; i < ATTEMPTS && !stood; i++) {
                stood = await stop(name, scene);
            }

            assert.ok(stood, "it was never reached");
            visited.add(name);
        });
    }
});


test("nobody who stayed has lost anything", async t => {
    const judged = await stage.end();

    t.diagnostic(`${judged} deliveries were due`);
    t.diagnostic(`with a mutex held: ${[...held].join(" ")}`);
    assert.ok(judged > 1000, "hardly a delivery");
    assert.ok(held.size > 10 && held.size < names.length);
});


test("no point was left out", () => {
    assert.deepEqual(names.filter(name => !visited.has(name)), []);
});

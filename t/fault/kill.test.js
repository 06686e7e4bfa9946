"use strict";

/*
 * A worker is killed at every fault point there is, and before stores to shared
 * memory in the middle of all that changes it.  Each time: the others went on,
 * its sessions ended, and all that is shared is as it was before.  At the end:
 * nothing acknowledged was lost to those who stayed, nobody heard another
 * tenant, and no point was left out.
 */

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");

const { until } = require("../clients/nginx.js");
const { Stage, state } = require("./stage.js");
const { STAGE } = require("./lasting.js");
const scenes = require("./scenes.js");

const ATTEMPTS = 5;

/* of the stores of a scene one in so many; RT_FAULT_STRIDE=1: each */
const STRIDE = Number(process.env.RT_FAULT_STRIDE ?? 9);

let stage, names;
const visited = new Set();


/* resolves to whether it was the point that did it; it may have lived on */
async function kill(name, scene, n = 1) {
    const victim = await stage.victim();
    const it = await scene.prepare(stage, victim);

    await stage.pause(scene.quiet);
    stage.waits = 0;

    if (scene.next) {
        victim.points.armNext(name, "kill", n);
    } else {
        victim.points.arm(name, "kill", n);
    }

    const acted = Promise.resolve(scene.act(stage, victim, it))
        .then(() => true, () => false);
    const died = until(`a death at ${name}`, () => state(victim.pid) === "gone",
                       5000).then(() => true, () => false);

    if (await acted && (n > 1 || scene.quiet && !scene.next)
        && !victim.points.fired(name))
    {
        victim.points.disarm(name);
    } else {
        assert.ok(await died, `${name} did not kill it`);
    }

    await until("a worker for it", async () => state((await stage.victim()).pid)
        !== "gone");

    stage.paused = false;
    await stage.goesOn();

    const fired = stage.tables().some(({ points }) => points.fired(name));

    await stage.clear();
    stage.sweep();

    return fired;
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
            let fired = false;

            if (scene.elsewhere) {
                await scene.elsewhere(name, "kill");
                fired = true;
            }

            /* the others may be quicker than the one that is armed */
            for (let i = 0; i < ATTEMPTS && !fired; i++) {
                fired = await kill(name, scene);
            }

            assert.ok(fired, "it was never reached");
            visited.add(name);
        });
    }
});


test("before stores to shared memory", async t => {
    const first = 1 + Math.floor(Math.random() * STRIDE);

    for (const name of ["publish", "join", "leave", "connect", "close",
                        "issue", "set"]) {
        await t.test(name, async t => {
            let n = first + 1;

            while (await kill("store", scenes[name], n)) {
                n += STRIDE;
            }

            t.diagnostic(`${n - first} stores or less, `
                         + `from ${first + 1} on`);
        });
    }
});


test("nobody who stayed has lost anything", async t => {
    const judged = await stage.end();

    t.diagnostic(`${judged} deliveries were due`);
    assert.ok(judged > 1000, "hardly a delivery");
});


test("no point was left out", () => {
    assert.deepEqual(names.filter(name => !visited.has(name)), []);
});

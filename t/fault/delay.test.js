"use strict";

/*
 * Every point of every worker takes its time now and then, while all there is
 * is done at once: what depends on somebody being quick shows.
 */

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { sleep } = require("../clients/nginx.js");
const { Stage } = require("./stage.js");
const { Points } = require("./points.js");
const { STAGE } = require("./lasting.js");
const scenes = require("./scenes.js");

const SECONDS = 4;
const PASSES = 40;
const MS = 4;

const random = n => 1 + Math.floor(Math.random() * n);


/* those that have fired again, at another time */
async function arm(stage, tables, ended) {
    while (!ended()) {
        for (const points of tables) {
            for (const name of points.names.filter(each =>
                !points.armedNow(each)))
            {
                points.arm(name, "delay", random(PASSES), random(MS));
            }
        }

        await sleep(50);
    }

    tables.forEach(points => points.names.forEach(name =>
        points.disarm(name)));
}


test("every point takes its time", async t => {
    const stage = await Stage.start(STAGE);

    try {
        const victim = await stage.victim();
        const tables = [...stage.steady, victim.pid].map(pid =>
            new Points(stage.dir, pid));
        const end = Date.now() + SECONDS * 1000;
        const ended = () => Date.now() > end;
        const delays = arm(stage, tables, ended);
        const play = ["publish", "join", "leave", "connect", "close", "issue"]
            .map(async name => {
                for (let n = 0; ; n++) {
                    if (ended()) {
                        return n;
                    }

                    const scene = scenes[name];
                    const it = await scene.prepare(stage, victim);

                    await scene.act(stage, victim, it);
                }
            });

        t.diagnostic(`${await Promise.all(play)} times`);
        await delays;

        await stage.goesOn();
        await stage.clear();

        const judged = await stage.end();

        t.diagnostic(`${judged} deliveries were due`);
        assert.ok(judged > 100, "hardly a delivery");

    } finally {
        assert.deepEqual(await stage.stop(), []);
    }
});

"use strict";

/*
 * The check of what is done with a mutex held (held.c, t/lib/holds) finds what
 * is planted.  That it finds nothing else is what all that runs under it shows.
 */

const assert = require("node:assert/strict");
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");

const { top, until } = require("../clients/nginx.js");
const { Stage } = require("./stage.js");
const scenes = require("./scenes.js");


const read = file => fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";


/* a stage whose reports are its own */
async function run(body) {
    const { RT_HELD_REPORT } = process.env;
    const report = `${RT_HELD_REPORT}.planted`;

    fs.rmSync(report, { force: true });
    process.env.RT_HELD_REPORT = report;

    const stage = await Stage.start();

    process.env.RT_HELD_REPORT = RT_HELD_REPORT;

    try {
        await body(stage, report);

    } finally {
        assert.deepEqual(await stage.stop(), []);
        fs.rmSync(report, { force: true });
    }
}


test("memory and system calls with a mutex held are found", () =>
    run(async (stage, report) => {
        const victim = await stage.victim();
        const { points } = victim;
        const guest = await scenes.publish.prepare(stage, victim);
        const plant = async (name, action) => {
            points.arm(name, action);
            await scenes.publish.act(stage, victim, guest);
            await until("it was reached", () => points.fired(name));
        };

        await plant("publish_begin", "alloc");
        await plant("publish_done", "write");
        assert.equal(read(report), "", "no mutex is held there");

        await plant("publish_hold", "alloc");
        assert.match(read(report), /^malloc with 1 held, in \d+:$/m);
        assert.match(read(report), /^free with 1 held/m);

        await plant("log_reserved", "write");
        assert.match(read(report), /^write with 2 held/m);
    }));


test("a call that may not be is found in the code", () => {
    const file = "ngx_rt_module/state/ngx_rt_channel.c";
    const code = fs.readFileSync(path.join(top, file), "utf8");
    const plant = (before, line) => {
        assert.equal(code.split(before).length, 2);

        const dir = fs.mkdtempSync(path.join(process.env.TEST_RT_BUILD,
                                             "planted-"));
        const planted = path.join(dir, path.basename(file));

        fs.writeFileSync(planted, code.replace(before, line + before));

        try {
            execFileSync("perl", [`${top}/t/lib/holds`, planted],
                         { cwd: top, stdio: "pipe" });
            return "";

        } catch (error) {
            return String(error.stdout);

        } finally {
            fs.rmSync(dir, { recursive: true });
        }
    };

    assert.equal(plant("    rt_fault(join_hold);", ""), "");

    /* in a function that is called with it, in a hold, and further down */
    assert.match(plant("    rt_fault(leave_hold);",
                       "    p = ngx_alloc(1, ngx_cycle->log);\n"),
                 /ngx_rt_channel_leave_locked.* calls ngx_alloc/);
    assert.match(plant("        rt_fault(join_hold);",
                       "        ngx_log_error(NGX_LOG_INFO, log, 0, \"x\");\n"),
                 /ngx_rt_channel_join.* calls ngx_log_error/);
    assert.match(plant("    rt_fault(leave_told);",
                       "    ngx_rt_hub_told(NULL, told);\n"),
                 /ngx_rt_hub_told.* calls/);
    assert.match(plant("    rt_fault(leave_told);", "    st->call(m);\n"),
                 /calls st->call/);
});


test("how long a mutex is held", () =>
    run(async stage => {
        const victim = await stage.victim();

        for (const name of ["publish", "join", "leave", "connect", "close",
                            "issue"]) {
            const scene = scenes[name];
            const it = await scene.prepare(stage, victim);

            await scene.act(stage, victim, it);
        }

        /* nothing is asserted: the kernel may take the processor away */
        const us = Math.round(victim.points.longest);

        console.log(`# longest hold of a mutex: ${us} us`);
        assert.ok(us >= 0);
        assert.equal(victim.points.held, 0);
    }));

"use strict";

/*
 * A worker is killed while it publishes to a channel with a history, at every
 * point of the way.  What the history has, and nothing else, is heard by all who
 * are subscribed, once and in its order: an entry that was stored and not told
 * is found by the next publication.
 */

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");

const { until } = require("../clients/nginx.js");
const { Stage, state } = require("./stage.js");

const CHANNEL = "kept:x";

const HTTP = `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_drain      window=100ms;
    rt_namespace  open publish=any;
    rt_namespace  room presence join_leave;
    rt_namespace  kept publish=any history=60 ttl=1h;
`;

/* of the stores one in so many; RT_FAULT_STRIDE=1: each */
const STRIDE = Number(process.env.RT_FAULT_STRIDE ?? 5);
const STORES = 400;

const POINTS = ["publish_begin", "publish_hold", "txn_commit", "log_reserved",
                "log_written", "log_head", "log_appended", "record_appended",
                "record_mark", "record_marked", "heap_freed", "lock_leave",
                "publish_done", "turn_begin"];

let stage;
let listeners;
let number = 0;
let stored = 0;


async function kept() {
    const { body } = await stage.nginx.api("history",
        { channel: CHANNEL, limit: -1 }, { "X-Tenant": "t" });

    return body.result;
}


const publish = (c, n) => c.commands([{ publish: { channel: CHANNEL,
                                                   data: { n } } }]);


/* resolves to whether it died there */
async function kill(name, n = 1) {
    const victim = await stage.victim();
    const guest = await stage.guest(victim.pid);
    const mine = ++number;

    victim.points.arm(name, "kill", n);

    const answered = await publish(guest, mine)
        .then(() => true, () => false);

    if (answered) {
        victim.points.disarm(name);
    } else {
        await until("its death", () => state(victim.pid) === "gone", 5000);
    }

    const other = await stage.guest(stage.steady[0]);
    const last = ++number;

    await publish(other, last);
    await until("all to hear the next", () => listeners.every(c =>
        c.heard.get(CHANNEL).at(-1).n === last), 5000);

    const { publications, offset } = await kept();
    const all = publications.map(p => p.data.n);
    const offsets = publications.map(p => p.offset);

    assert.equal(offsets.at(-1), offset);
    assert.ok(offsets.every((o, i) => i === 0 || o === offsets[i - 1] + 1));
    assert.ok(!answered || all.includes(mine), "acknowledged, and not there");
    stored += !answered && all.includes(mine);

    for (const c of listeners) {
        const heard = c.heard.get(CHANNEL).map(data => data.n);

        assert.deepEqual(heard.slice(-all.length), all, `${name}@${n}`);
        assert.equal(new Set(heard).size, heard.length, "twice");
    }

    await stage.goesOn();
    stage.guests.splice(0).forEach(c => c.socket.terminate());
    await stage.victim();
    stage.sweep();

    return !answered;
}


before(async () => {
    stage = await Stage.start({ http: HTTP });
    listeners = [];

    for (const pid of stage.steady) {
        listeners.push(await stage.guest(pid, [CHANNEL]));
    }

    stage.guests = [];

    /* the history is full, so that each publication drops one, too */
    for (const c = listeners[0]; number < 60; ) {
        await publish(c, ++number);
    }
});


after(async () => {
    listeners.forEach(c => c.socket.terminate());
    assert.deepEqual(await stage.stop(), []);
});


test("at every point", async t => {
    for (const name of POINTS) {
        await t.test(name, async () => {
            assert.ok(await kill(name), "it was never reached");
        });
    }
});


test("before stores", async () => {
    let n = 1;

    while (n < STORES && await kill("store", n)) {
        n += STRIDE;
    }

    assert.ok(n > 20 && n < STORES, `${n} stores`);
    assert.ok(stored > 3, "nothing was stored by one that died");
});

"use strict";

/*
 * A worker is killed while it publishes what has a key, at every point of the
 * way and before stores to shared memory in the middle of it, in a channel
 * without a history, where standing in the log is all that accepts it.  Whoever
 * asks again by another worker gets it published, if it was not; those who
 * stayed hear it once in any case.
 */

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");

const { until } = require("../clients/nginx.js");
const { OPEN, Stage, state } = require("./stage.js");

/* of the stores one in so many; RT_FAULT_STRIDE=1: each */
const STRIDE = Number(process.env.RT_FAULT_STRIDE ?? 5);
const STORES = 400;

const POINTS = ["publish_begin", "publish_hold", "txn_commit", "log_reserved",
                "log_written", "log_head", "log_appended", "record_appended",
                "record_mark", "record_marked", "lock_leave", "publish_done",
                "turn_begin"];

let stage;
let number = 0;
const outcomes = { first: 0, again: 0 };


const keyed = (id, data) => ({ rpc: { method: "rt.publish",
    data: { channel: OPEN, event: { id, type: "t", data } } } });


const heard = id => stage.stayed.filter(c => c.tenant === "t").map(c =>
    c.heard.get(OPEN).filter(data => data.key === id).length);


/* resolves to whether it died there */
async function kill(name, n = 1) {
    const victim = await stage.victim();
    const guest = await stage.guest(victim.pid);
    const other = await stage.guest(stage.steady[0]);
    const id = `key-${++number}`;
    const data = { ...stage.ledger.send("t", OPEN, "guest", number), key: id };

    victim.points.arm(name, "kill", n);

    const answered = await guest.commands([keyed(id, data)])
        .then(() => true, () => false);

    if (answered) {
        victim.points.disarm(name);
    } else {
        await until("its death", () => state(victim.pid) === "gone", 5000);
    }

    const [reply] = await other.commands([keyed(id, data)]);
    const { duplicate } = reply.rpc.data;

    outcomes[duplicate ? "first" : "again"]++;
    assert.ok(!answered || duplicate, "an answer is for good");

    await until("all to hear it", () => heard(id).every(Boolean), 5000);

    const [repeat] = await other.commands([keyed(id, data)]);

    assert.ok(repeat.rpc.data.duplicate);
    await stage.goesOn();
    assert.ok(heard(id).every(times => times === 1),
              `${id} was heard ${heard(id)} times, ${name}@${n}`);

    stage.guests.splice(0).forEach(c => c.socket.terminate());
    await stage.victim();
    stage.sweep();

    return !answered;
}


before(async () => {
    stage = await Stage.start();
});


after(async () => {
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
});


test("some had been accepted when it died, some had not", () => {
    assert.ok(outcomes.first > 5 && outcomes.again > 5,
              JSON.stringify(outcomes));
});

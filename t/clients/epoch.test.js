"use strict";

/*
 * Histories that begin anew: a quit, another binary (USR2), a zone of another
 * size.  Who comes back, by the SDK or by hand, is told that there is a hole; a
 * reload makes none.
 */

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

const { Nginx, until } = require("./nginx.js");
const { Ledger, conf, rewrite } = require("./ledger.js");


const CHANNEL = "kept:x";
const headers = { "X-Tenant": "t" };

const text = size => conf({ main: "env TEST_RT_REPORTS; env PATH;", http: `
    rt_zone       $http_x_tenant zone=live:${size};
    rt_drain      window=100ms;
    rt_namespace  kept history=10 ttl=1m;
` });


/* one subscriber by the SDK, with all that it was told */
function sdk(nginx) {
    const c = new Centrifuge(nginx.url(), {
        minReconnectDelay: 20, maxReconnectDelay: 200,
        websocket: class extends WebSocket {
            constructor(url, protocols) {
                super(url, protocols, { headers });
            }
        },
    });
    const sub = c.newSubscription(CHANNEL, { minResubscribeDelay: 20 });

    Object.assign(sub, { told: [], heard: [] });
    sub.on("subscribed", ctx => sub.told.push(ctx));
    sub.on("publication", ctx => sub.heard.push(ctx.data));
    sub.on("error", () => {});
    c.on("error", () => {});
    sub.subscribe();
    c.connect();

    return { c, sub };
}


/* two subscribers, before and after something is done to nginx */
async function over(act, judge) {
    const nginx = await Nginx.start({ workers: 2, text: text("8m") });
    const ledger = new Ledger(nginx);
    const { c, sub } = sdk(nginx);
    const by = ledger.subscriber("t", [CHANNEL]);
    const [record] = ledger.records;

    /* the sequence of publications goes on, whatever histories do */
    const publish = async seq => {
        const data = ledger.send("t", CHANNEL, "api", seq);
        const { body } = await nginx.api("publish",
            { channel: CHANNEL, data }, headers);

        await until("both hear it", () =>
            sub.heard.at(-1)?.s === seq && record.seen.at(-1)?.key
            === JSON.stringify(data));

        return body.result;
    };

    try {
        await act.prepare?.(nginx);
        await until("both are there", () =>
            sub.state === "subscribed" && ledger.live().length === 1);

        const before = await publish(1);

        assert.deepEqual(await publish(2), { ...before, offset: 2 });

        const times = sub.told.length;

        await act(nginx);
        await until("both are back", () => sub.told.length > times
            && sub.state === "subscribed" && ledger.reconnects > 0
            && ledger.live().length === 1);

        const after = await publish(3);

        judge({ before, after, told: sub.told.at(-1), record });
        assert.deepEqual(record.wrong, []);

    } finally {
        ledger.stopped = true;
        c.disconnect();
        ledger.connections.forEach(each => each.socket.terminate());
        await act.finish?.(nginx);
        await by;
        assert.deepEqual(await nginx.stop(), []);
    }
}


function anew({ before, after, told, record }) {
    assert.equal(after.offset, 1);
    assert.notEqual(after.epoch, before.epoch);

    assert.equal(told.wasRecovering, true);
    assert.equal(told.recovered, false);
    assert.equal(told.streamPosition.epoch === before.epoch, false);

    assert.equal(record.recovered, 0);
    assert.equal(record.holes.at(-1).before.epoch, before.epoch);
    assert.equal(record.position.epoch, after.epoch);
}


test("a quit, and nginx again", () => over(async nginx => {
    await nginx.quit();
    await nginx.run();
}, anew));


test("a zone of another size", () => over(async nginx => {
    rewrite(nginx, text("9m"));
    await nginx.reload();
}, anew));


test("another binary (USR2)", () => over(Object.assign(
    nginx => nginx.upgrade(),
    { prepare: nginx => nginx.daemon(),
      finish: nginx => nginx.quit(nginx.master()) }), anew));


test("a reload: the same epoch, and no hole", () => over(
    nginx => nginx.reload(),
    ({ before, after, told, record }) => {
        assert.deepEqual(after, { ...before, offset: 3 });
        assert.equal(told.recovered, true);
        assert.equal(record.recovered, 1);
        assert.deepEqual(record.holes, []);
    }));

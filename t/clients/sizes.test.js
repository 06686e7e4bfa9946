"use strict";

/*
 * What a tenant, a session, a subscription, a channel and a publication weigh
 * in the zone, as its metrics say; the figures are printed.
 */

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { Nginx } = require("./nginx.js");
const { Connection, conf, metrics } = require("./ledger.js");


const HTTP = `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_namespace  open publish=any;
    rt_namespace  kept publish=any history=1000 ttl=10m;
`;


async function weigh(nginx) {
    const m = await metrics(nginx);

    return { tenant: m.rt_tenant_bytes ?? 0, zone: m.rt_zone_heap_bytes };
}


const connect = (nginx, n, channels) => Promise.all(
    Array.from({ length: n }, (_, i) => {
        const c = new Connection(nginx, "t", channels(i));
        return c.ready.then(() => c);
    }));


test("bytes of the zone", async t => {
    const nginx = await Nginx.start({ workers: 1, text: conf({ http: HTTP }) });

    try {
        const publish = channel => nginx.api("publish",
            { channel, data: "x".repeat(126) }, { "X-Tenant": "t" });
        const size = {};

        const empty = await weigh(nginx);

        await publish("open:none");

        const tenant = await weigh(nginx);

        size.tenant = tenant.zone - empty.zone;

        const idle = await connect(nginx, 100, () => []);
        const sessions = await weigh(nginx);

        size.session = (sessions.tenant - tenant.tenant) / 100;

        const shared = await connect(nginx, 100, () => ["open:shared"]);
        const subscribed = await weigh(nginx);

        size.subscription = (subscribed.tenant - sessions.tenant) / 100
            - size.session;

        const own = await connect(nginx, 100, i => [`open:own-${i}`]);
        const channels = await weigh(nginx);

        size.channel = (channels.tenant - subscribed.tenant) / 100
            - size.session - size.subscription;

        await publish("kept:x");

        const one = await weigh(nginx);

        for (let i = 0; i < 100; i++) {
            await publish("kept:x");
        }

        size.publication = ((await weigh(nginx)).tenant - one.tenant) / 100;

        t.diagnostic(JSON.stringify(size));

        assert.ok(size.tenant > 0 && size.tenant <= 1024, "tenant");
        assert.ok(size.session > 0 && size.subscription > 0);
        assert.ok(size.session + size.subscription <= 768, "session");
        assert.ok(size.channel > 0 && size.channel <= 256, "channel");

        /* the payload has 128 bytes */
        assert.ok(size.publication >= 128 && size.publication <= 256,
                  "publication");

        [...idle, ...shared, ...own].forEach(c => c.socket.terminate());

    } finally {
        assert.deepEqual(await nginx.stop(), []);
    }
});

"use strict";

/* The JavaScript SDK as a subscriber whom a ledger knows. */

const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");


/* one subscription of it, each time that it begins, and what it hears */
function note(ledger, tenant, channel, sub, pid) {
    const record = ledger.record(tenant, channel);
    let s;

    sub.on("subscribed", ({ streamPosition, ...ctx }) => {
        s = ledger.subscription(tenant, channel, pid());
        record.subscribed({ ...ctx, ...streamPosition });
    });
    sub.on("publication", ctx => {
        s.hear(ctx.data);
        record.hear(ctx);
    });
    sub.on("error", () => {});

    for (const end of ["subscribing", "unsubscribed"]) {
        sub.on(end, () => { s &&= void (s.open = false); });
    }
}


/* joins: channels of which it wants joins and leaves */
function subscribe(ledger, tenant, channels,
    { nginx = ledger.nginx, scheme = "ws", joins = [] } = {})
{
    let pid;
    const c = new Centrifuge(nginx.url(scheme), {
        minReconnectDelay: 20, maxReconnectDelay: 300,
        websocket: class extends WebSocket {
            constructor(url, protocols) {
                super(url, protocols, { rejectUnauthorized: false,
                    headers: { "X-Tenant": tenant } });
                this.on("upgrade", ({ headers }) => {
                    pid = Number(headers["x-pid"]);
                });
            }
        },
    });

    c.on("error", () => {});

    for (const channel of channels) {
        const sub = c.newSubscription(channel, {
            minResubscribeDelay: 20, maxResubscribeDelay: 300,
            joinLeave: joins.includes(channel) });

        note(ledger, tenant, channel, sub, () => pid);
        sub.subscribe();
    }

    c.connect();

    return c;
}


module.exports = { subscribe };

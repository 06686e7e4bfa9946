"use strict";

/*
 * A herd (t/clients/herd.js) for the ledger of faults: channels with and
 * without a history, publishers with and without keys, publications that are
 * refused, and clients that come, ask and go all the time.
 */

const assert = require("node:assert/strict");

const { sleep } = require("../clients/nginx.js");
const { Connection } = require("../clients/ledger.js");
const { Herd } = require("../clients/herd.js");
const { httpPublisher, wsPublisher } = require("../clients/publisher.js");
const comers = require("./comers.js");


const PACE = 120;                             /* ms between bursts of 8 */

/* what a history keeps: all but one all of it; the last has no subscribers */
const HERD = { "whole:a": 100000, "whole:b": 100000, "short:a": 50 };
const KEPT = { ...HERD, [comers.TIGHT]: 100000 };
const FAST = ["open:a", "room:c"];
const CLOSED = "closed:a";

const HTTP = `
    rt_zone         $http_x_tenant zone=live:64m log=1m;
    rt_user         $http_x_user;
    rt_drain        window=100ms;
    rt_idempotency  window=10s;
    rt_namespace    open   publish=any;
    rt_namespace    room   publish=any presence join_leave;
    rt_namespace    mine   presence;
    rt_namespace    flood  publish=any;
    rt_namespace    whole  publish=any history=100000 ttl=1h;
    rt_namespace    short  publish=any history=50 ttl=1h;
    rt_namespace    closed history=50 ttl=1h;
${comers.HTTP}`;


class Crowd extends Herd {
    constructor(nginx, tenants, size) {
        super(nginx, tenants, size, [...Object.keys(HERD), ...FAST]);
        Object.assign(this.seen, { refused: 0, visits: 0 });
        this.comers = new comers.Comers(this);
        this.rounds = 0;
    }

    work() {
        const { ledger, channels } = this;
        const known = channels.filter(channel => channel !== "short:a");

        /* a key of the round before is not forgotten yet */
        const keyed = `key-${++this.rounds}`;

        return this.tenants.flatMap(tenant => [
            httpPublisher(ledger, tenant, "http", channels, { pace: PACE }),
            httpPublisher(ledger, tenant, `http-${keyed}`, channels,
                          { pace: PACE, keyed: true }),
            wsPublisher(ledger, tenant, "ws", known, { pace: PACE }),
            wsPublisher(ledger, tenant, `ws-${keyed}`, channels,
                        { pace: PACE, keyed: true }),
            this.refused(tenant),
            this.visits(tenant),
        ]).concat(this.orders(), this.questions(), this.comers.work());
    }

    /* a key again with other content; a channel that is not for clients */
    async refused(tenant) {
        for (let seq = 1; !this.ledger.quiet; seq++) {
            const channel = "whole:a";
            const key = `twice-${this.ledger.clock}`;
            const ask = data => this.api(tenant, "publish",
                { channel, data, idempotency_key: key });
            const first = this.ledger.send(tenant, channel, "first", seq, key);
            let answer;

            while (!(answer = await ask(first))) {
                this.ledger.unknown++;
                this.ledger.repeats++;
                await sleep(20);
            }

            this.ledger.ack(first, answer.result);

            const other = this.ledger.send(tenant, channel, "other", seq, key);

            this.ledger.refuse(other);
            answer = await ask(other);
            assert.ok(!answer || answer.error.code === 409,
                      JSON.stringify(answer));

            this.seen.refused += Boolean(answer);
            await sleep(150);
        }
    }

    /* it comes, looks around, says what it may not, and goes */
    async visits(tenant) {
        for (let seq = 1; !this.ledger.quiet; seq++) {
            const c = new Connection(this.nginx, tenant, ["whole:a"],
                { headers: { "X-User": "visitor" },
                  asks: () => ({ recover: true }) });
            const data = this.ledger.send(tenant, CLOSED, "visitor", seq);

            this.ledger.refuse(data);

            await c.ready.then(async () => {
                await c.commands([{ subscribe: { channel: "room:c" } },
                                  { subscribe: { channel: `room:${seq}` } },
                                  { presence: { channel: "room:c" } },
                                  { history: { channel: "whole:a",
                                               limit: 200 } }]);
                await assert.rejects(c.commands([{ publish:
                    { channel: CLOSED, data } }]), /103|closed with/);
                await c.commands([{ unsubscribe: { channel: "room:c" } }]);
                this.seen.visits++;
            }).catch(error => assert.match(error.message,
                /closed with|not open/));

            c.socket.terminate();
            await c.closed;
            await sleep(50);
        }
    }

    /* what nobody who is subscribed may have heard */
    checkRefused() {
        const refused = new Set([...this.ledger.publications]
            .filter(([, p]) => p.refused).map(([key]) => key));
        const heard = this.ledger.connections.flatMap(c =>
            [...c.heard.values()].flat().map(data => JSON.stringify(data))
                .filter(key => refused.has(key)));

        assert.deepEqual(heard.slice(0, 3), []);

        return refused.size;
    }
}


module.exports = { Crowd, HTTP, KEPT };

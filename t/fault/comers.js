"use strict";

/*
 * Those who come and go in a crowd, for what only they lead to: sessions that
 * linger and are got back, tokens that are revoked, publications over a limit,
 * channels that give way to others.  All they do may be cut off, but what they
 * are told has to be true, and a session that lingers is not lost.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");

const { sleep, until } = require("../clients/nginx.js");
const { Connection } = require("../clients/ledger.js");
const { enter, jwt, opened } = require("./proof.js");


const ROOM = "room:c";
const WHOLE = "whole:a";
const TIGHT = "tight:a";                      /* nobody is subscribed to it */
const BURST = 12;

/* of channels, as many as rt_limit allows: each new one is another's end */
const BRIEF = "brief";
const CHANNELS = 24;
const OWN = "kept:000000";

const REVOKED = "revoked";
const SECRET = "0123456789abcdef0123456789abcdef";

const HTTP = `
    rt_session_ttl  5s max=4000 tenant=1000;
    rt_history_meta_ttl  5s;
    rt_namespace    tight publish=any history=100000 ttl=1h;
    rt_namespace    kept  history=100 ttl=1h;
    rt_limit        publish user rate=1000r/s burst=1000;
    rt_limit        publish namespace=tight rate=20r/s burst=10;
    rt_limit        channels tenant max=${CHANNELS};
`;

const any = list => list[Math.floor(Math.random() * list.length)];

/* what a death does to those who talk to a worker */
const cut = error => assert.match(`${error.code} ${error.message}`,
    /closed with (1006|3001)|not open|ECONN|EPIPE|socket hang up/);

let names = 0;

const subscribe = channel => ({ subscribe: { channel } });
const unsubscribe = channel => ({ unsubscribe: { channel } });


function server(nginx) {
    fs.writeFileSync(`${nginx.prefix}/secret`, SECRET);

    return `
        location = /connection/brisk {
            rt_websocket      zone=live;
            rt_ping_interval  1s;
            rt_pong_timeout   900ms;
            add_header        X-Pid $pid always;
        }
        location = /connection/token {
            rt_websocket  zone=live;
            rt_user       "";
            rt_jwt        hs256 file=${nginx.prefix}/secret;
            add_header    X-Pid $pid always;
        }
`;
}


/* so many channels that were not there before */
async function begin(nginx, n) {
    const c = new Connection(nginx, BRIEF, Array.from({ length: n }, () =>
        `kept:${String(++names).padStart(6, "0")}`));

    await c.ready.finally(() => c.socket.terminate());
    await c.closed;
}


class Comers {
    constructor(crowd) {
        const { nginx, tenants, ledger, seen } = crowd;

        Object.assign(this, { crowd, nginx, tenants, ledger, seen,
                              issued: 1000 });
        Object.assign(seen, { resumed: 0, lost: 0, taken: 0, limited: 0,
                                   brief: 0, revoked: 0 });
    }

    get quiet() {
        return this.ledger.quiet;
    }

    work() {
        return this.tenants.flatMap(tenant => [this.lingers(tenant),
            this.lingers(tenant), this.over(tenant), this.revoked(tenant)])
            .concat(this.gives());
    }

    /* a session, over some connections; what is cut off is tried again */
    async lingers(tenant) {
        const more = { location: "/connection/brisk",
                       headers: { "X-User": "lingers" } };
        const come = async (proof, commands) => {
            const c = await opened(this.nginx, tenant, undefined, more);

            return { c, ...await enter(c, { proof, commands }) };
        };

        while (!this.quiet) {
            let at = await come("", [subscribe(ROOM), subscribe(WHOLE)])
                .catch(cut);

            for (let n = 1 + Math.random() * 3; at && n > 0; n--) {
                at = await this.back(at, come);
            }

            if (at) {
                await any([() => at.c.close(), () => at.c.socket.terminate(),
                           () => this.takeAndGo(at, more)])();
                await at.c.closed;
            }
        }
    }

    /* the session ends before those that it was taken from have heard of it */
    async takeAndGo({ c, proof }, more) {
        const next = await opened(this.nginx, c.tenant, undefined, more)
            .catch(cut);

        if (next) {
            enter(next, { proof }).catch(() => {});
            next.socket.close(1000);
            await next.closed;
        }

        c.socket.terminate();
    }

    async stay(c, ms) {
        const end = Date.now() + ms;

        while (!this.quiet && c.open && Date.now() < end) {
            await sleep(20);
        }
    }

    /* the session on another connection; undefined: it is quiet */
    async back(at, come) {
        const taken = Math.random() < 0.5;

        /* until it is asked whether it is there; until it is given up */
        await this.stay(at.c, any([0, 0, 0, 0, 0, 0, 0, 0, 1200, 5500]));

        if (!taken) {
            at.c.socket.terminate();
            await at.c.closed;
        }

        while (!this.quiet) {
            const next = await come(at.proof, any([[], [subscribe(ROOM)],
                [unsubscribe(ROOM)], [subscribe(ROOM), subscribe(WHOLE)]]))
                .catch(cut);

            if (next) {
                this.seen[next.id === at.id ? "resumed" : "lost"]++;
                this.seen.taken += taken && next.id === at.id;
                await at.c.closed;
                return next;
            }

            await sleep(20);
        }

        at.c.socket.terminate();
    }

    /* a user nobody knew, and more than may be published at once */
    async over(tenant) {
        for (let seq = 0; !this.quiet; /* void */) {
            const c = new Connection(this.nginx, tenant, [],
                { headers: { "X-User": `over-${seq}` } });
            const list = Array.from({ length: BURST }, () =>
                this.ledger.send(tenant, TIGHT, "over", ++seq));

            await c.ready.then(() => Promise.all(c.each(list.map(data =>
                ({ publish: { channel: TIGHT, data } }))).map((reply, i) =>
                reply.then(() => this.ledger.ack(list[i]), error => {
                    if (error.code) {
                        assert.equal(error.code, 111);
                        this.ledger.refuse(list[i]);
                        this.seen.limited++;
                    } else {
                        cut(error);
                    }
                })))).catch(cut);

            c.socket.terminate();
            await c.closed;
            await sleep(150);
        }
    }

    /* one whose token ends with it, while it is there or away */
    async revoked(tenant) {
        const more = { location: "/connection/token" };

        while (!this.quiet) {
            const iat = this.issued++;
            const token = jwt(SECRET, { sub: REVOKED, iat });
            const c = await opened(this.nginx, tenant, undefined, more)
                .catch(cut);
            const at = c && await enter(c, { proof: "", token,
                commands: [subscribe(ROOM)] }).catch(cut);

            if (at && Math.random() < 0.5) {
                c.socket.terminate();
            }

            if (at && await this.revoke(tenant, iat + 1)) {
                assert.ok([1006, 3001, 3500].includes(await until("the end",
                    () => c.code)));
                this.seen.revoked++;
            }

            c?.socket.terminate();
            await c?.closed;
            await sleep(50);
        }
    }

    revoke(tenant, before) {
        return this.crowd.api(tenant, "invalidate_user_tokens",
            { user: REVOKED, issued_before: before });
    }

    /* channels that begin, for which others end; and one that is emptied */
    async gives() {
        while (!this.quiet) {
            await begin(this.nginx, 3).catch(cut);

            for (let n = 0; n < 4; n++) {
                await this.crowd.api(BRIEF, "publish",
                                     { channel: OWN, data: n });
            }

            await this.crowd.api(BRIEF, "history_remove", { channel: OWN });
            this.seen.brief++;
            await sleep(20);
        }
    }
}


module.exports = { BRIEF, Comers, HTTP, REVOKED, TIGHT, server };

"use strict";

/*
 * Streams, as they are in Redis, against a ledger and what its subscribers
 * have.  Each offset of an epoch has one publication, in the stream, in answers
 * to publishers, at every subscriber; each publication one offset of an epoch.
 *
 * Where Redis loses what it has, lost says up to which event of the ledger: what
 * was said until then may be gone with its epoch, but nothing of the epoch that
 * is there, and nothing that was said later.
 */

const assert = require("node:assert/strict");

const { sleep } = require("../clients/nginx.js");


const json = JSON.stringify;


class Account {
    constructor(ledger, tenant, channel, { kept, lost = 0 }) {
        Object.assign(this, { ledger, tenant, channel, kept, lost,
            wrong: [], places: new Map(), keys: new Map() });
    }

    /* the stream, and what the channel says of itself */
    async read(redis) {
        const key = kind => `rt:{${this.tenant}}:${kind}:${this.channel}`;
        const meta = await redis.call("HGETALL", key("meta"));

        this.entries = await redis.stream(key("channel"));
        this.meta = Object.fromEntries(meta.flatMap((name, i) =>
            i % 2 ? [] : [[name, meta[i + 1]]]));
        this.top = Number(this.meta.top ?? 0);
        this.epoch = this.meta.epoch;
    }

    note(what) {
        this.wrong.push(`${this.tenant} ${this.channel}: ${what}`);
    }

    place(who, { epoch, offset }, key) {
        const at = `${epoch} ${offset}`;
        const mine = `${epoch} ${key}`;
        const there = this.places.get(at) ?? key;
        const before = this.keys.get(mine) ?? offset;

        if (epoch !== this.epoch && !this.lost) {
            this.note(`${who}: another epoch, ${epoch}: ${key}`);
        }

        /* a place of an old epoch may be given again until that is noticed */
        if (there !== key && epoch === this.epoch) {
            this.note(`${who}: ${at} is ${key}, not ${there}`);
        }

        if (before !== offset) {
            this.note(`${who}: twice, ${before} and ${offset}: ${key}`);
        }

        this.places.set(at, key);
        this.keys.set(mine, offset);
    }

    /* ids are OFFSET-0 and rise by one up to the top; all that is kept is */
    checkStream() {
        const { entries, top, kept, epoch } = this;

        entries.forEach(({ id, fields }, i) => {
            const offset = top - entries.length + 1 + i;

            if (id !== `${offset}-0`) {
                this.note(`${id} is at ${i} of ${entries.length} to ${top}`);
            }

            this.place("stream", { epoch, offset }, fields.data);
        });

        if (entries.length < Math.min(kept, top) && !this.lost) {
            this.note(`${entries.length} are kept of ${top}`);
        }
    }

    checkRecords() {
        for (const record of this.ledger.records.filter(r =>
            r.tenant === this.tenant && r.channel === this.channel))
        {
            const { epoch, offset } = record.position ?? {};

            record.wrong.forEach(text => this.note(text));
            record.seen.forEach(p => this.place("subscriber", p, p.key));
            record.needless(this.kept).forEach(hole =>
                this.note(`a needless hole: ${json(hole)}`));

            if (epoch !== this.epoch || offset !== this.top) {
                this.note(`one stands at ${epoch} ${offset}, not at `
                          + `${this.epoch} ${this.top}`);
            }
        }
    }

    mine() {
        return [...this.ledger.publications].filter(([, p]) =>
            p.tenant === this.tenant && p.channel === this.channel);
    }

    /* whatever anybody has of this epoch is in the stream, or was trimmed */
    checkPublications() {
        const mine = new Map(this.mine());
        const there = new Map(this.entries.map(({ id, fields }) =>
            [fields.data, parseInt(id, 10)]));
        const trimmed = this.top - this.entries.length;

        for (const [key, p] of mine) {
            if (p.offset) {
                this.place("answer", p, key);
            }

            /* the protocol's publish is answered without a place */
            if (p.acked && p.sent > this.lost
                && (p.offset ? p.offset > trimmed
                               && there.get(key) !== p.offset
                             : trimmed === 0 && !there.has(key)))
            {
                this.note(`acknowledged and lost: ${key}`);
            }
        }

        for (const [at, key] of this.places) {
            const [epoch, offset] = at.split(" ");
            const p = mine.get(key);

            if (epoch === this.epoch && offset > trimmed
                && there.get(key) !== Number(offset))
            {
                this.note(`${p?.acked ? "acknowledged" : "heard"} and lost: `
                          + `${offset} ${key}`);
            }

            if (!p) {
                this.note(`nobody sent it here: ${key}`);
            } else if (p.refused) {
                this.note(`refused and there: ${key}`);
            }
        }
    }

    /* how many are unknown, and how many of them were heard or are there */
    get figures() {
        const known = new Set(this.places.values());
        const open = this.mine().filter(([, p]) => !p.acked && !p.refused);

        return { kept: this.entries.length, unknown: open.length,
                 there: open.filter(([key]) => known.has(key)).length };
    }
}


/* what a node's API says is what is in the stream, as far as that goes back */
async function checkHistory(account, nginx) {
    const { body } = await nginx.api("history",
        { channel: account.channel, limit: 20, reverse: true },
        { "X-Tenant": account.tenant });
    const { publications, offset, epoch } = body.result ?? {};

    assert.deepEqual({ offset, epoch },
                     { offset: account.top, epoch: account.epoch });

    const entries = account.entries.slice(-20).reverse();

    assert.ok(publications.length >= entries.length);
    assert.deepEqual(publications.slice(0, entries.length)
        .map(p => [`${p.offset}-0`, json(p.data)]),
        entries.map(({ id, fields }) => [id, fields.data]));
}


/* channels: { name: how many are kept }; nothing is published meanwhile */
async function checkStreams(ledger, redis, nodes, tenants, channels, lost) {
    const figures = { kept: 0, unknown: 0, there: 0 };
    const wrong = [];

    for (const tenant of tenants) {
        for (const [channel, kept] of Object.entries(channels)) {
            const account = new Account(ledger, tenant, channel,
                                        { kept, lost });

            await account.read(redis);
            account.checkStream();
            account.checkRecords();
            account.checkPublications();
            wrong.push(...account.wrong);

            for (const [name, n] of Object.entries(account.figures)) {
                figures[name] += n;
            }

            for (const nginx of account.wrong.length ? [] : nodes) {
                await checkHistory(account, nginx);
            }

            await sleep(0);
        }
    }

    assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} are wrong`);

    return figures;
}


module.exports = { checkStreams };

"use strict";

/*
 * The histories of an nginx against a ledger and what its subscribers have.
 * Each offset of a channel has one publication, in the history, in answers to
 * publishers, at every subscriber; each publication has one offset.
 */

const assert = require("node:assert/strict");

const PAGE = 300;


/* what is kept behind that offset */
async function read(nginx, tenant, channel, after) {
    const all = [];

    for (let at = after; ; at = all.at(-1).offset) {
        const { body } = await nginx.api("history",
            { channel, limit: PAGE, since: { offset: at, epoch: "" } },
            { "X-Tenant": tenant });
        const { publications, offset, epoch } = body.result;

        all.push(...publications);

        if (publications.length === 0) {
            return { all, offset, epoch };
        }
    }
}


class Account {
    constructor(ledger, tenant, channel, { kept, after, history }) {
        Object.assign(this, { ledger, tenant, channel, kept, after, history,
            wrong: [], places: new Map(), keys: new Map() });
    }

    note(what) {
        this.wrong.push(`${this.tenant} ${this.channel}: ${what}`);
    }

    place(who, { epoch, offset }, key) {
        const there = this.places.get(offset) ?? key;
        const before = this.keys.get(key) ?? offset;

        if (epoch !== this.history.epoch) {
            this.note(`${who}: another epoch, ${epoch}`);
        }

        if (there !== key) {
            this.note(`${who}: ${offset} is ${key}, not ${there}`);
        }

        if (before !== offset) {
            this.note(`${who}: twice, ${before} and ${offset}: ${key}`);
        }

        this.places.set(offset, key);
        this.keys.set(key, offset);
    }

    /* offsets rise by one, up to the top; no more is trimmed than may be */
    checkList() {
        const { all, offset: top, epoch } = this.history;
        const n = Math.min(this.kept, top - this.after);

        all.forEach(({ offset, data }, i) => {
            if (offset !== top - all.length + 1 + i) {
                this.note(`${offset} is at ${i} of ${all.length} to ${top}`);
            }

            this.place("history", { epoch, offset }, JSON.stringify(data));
        });

        if (all.length !== n) {
            this.note(`${all.length} are kept, not ${n}`);
        }
    }

    checkRecords() {
        const { offset: top } = this.history;

        for (const record of this.ledger.records.filter(r =>
            r.tenant === this.tenant && r.channel === this.channel))
        {
            record.wrong.forEach(text => this.note(text));
            record.seen.forEach(p => this.place("subscriber", p, p.key));
            record.needless(this.kept).forEach(hole =>
                this.note(`a needless hole: ${JSON.stringify(hole)}`));

            if (record.position?.offset !== top) {
                this.note(`one stands at ${record.position?.offset}, `
                          + `not at ${top}`);
            }
        }
    }

    mine() {
        return [...this.ledger.publications].filter(([, p]) =>
            p.tenant === this.tenant && p.channel === this.channel);
    }

    /* each acknowledged one is there, or was and is trimmed */
    checkAcknowledged() {
        const { offset: top } = this.history;

        for (const [key, p] of this.mine().filter(([, each]) => each.acked)) {
            if (p.offset) {
                this.place("answer", p, key);
            }

            const offset = this.keys.get(key);

            if (!offset) {
                this.note(`acknowledged and lost: ${key}`);
            } else if (offset > top) {
                this.note(`acknowledged behind the top: ${key}`);
            }
        }
    }

    /* whatever is there was sent here, and not refused */
    checkOthers() {
        const mine = new Map(this.mine());

        for (const key of this.keys.keys()) {
            if (!mine.has(key)) {
                this.note(`nobody sent it here: ${key}`);
            } else if (mine.get(key).refused) {
                this.note(`refused and there: ${key}`);
            }
        }
    }

    check() {
        this.checkList();
        this.checkRecords();
        this.checkAcknowledged();
        this.checkOthers();

        return this.wrong;
    }
}


/*
 * channels: { channel: how many its history keeps }; after: where each began,
 * { "TENANT CHANNEL": offset }, which moves on.  Returns figures.
 */
async function balance(ledger, tenants, channels, after) {
    const { nginx } = ledger;
    const figures = { histories: 0, kept: 0, unknown: 0, there: 0 };
    const wrong = [];

    for (const tenant of tenants) {
        for (const [channel, kept] of Object.entries(channels)) {
            const name = `${tenant} ${channel}`;
            const from = after[name] ?? 0;
            const history = await read(nginx, tenant, channel, from);
            const account = new Account(ledger, tenant, channel,
                { kept, after: from, history });

            wrong.push(...account.check());

            for (const [key, p] of account.mine()) {
                const open = !p.acked && !p.refused;

                figures.unknown += open;
                figures.there += open && account.keys.has(key);
            }

            figures.histories++;
            figures.kept += history.all.length;
            after[name] = history.offset;
        }
    }

    assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} are wrong`);

    return figures;
}


module.exports = { balance };

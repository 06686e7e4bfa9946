"use strict";

/*
 * What one subscriber has of one channel with a history, over all connections
 * and workers: each publication with its offset.  A hole of which it was not
 * told, a publication that comes twice, a position that is not where it was:
 * all of that is wrong at once.
 */

/* publications that a reply brings at most */
const CAP = 300;


class Record {
    constructor(tenant, channel) {
        Object.assign(this, { tenant, channel, wrong: [], recovered: 0,
                              caught: 0, holes: [], position: undefined });
        this.forget();
    }

    /* all is judged; where it stands stays */
    forget() {
        this.seen = [];
    }

    /* fields of a command to subscribe, for who comes back */
    get asks() {
        return this.position ? { recover: true, ...this.position } : {};
    }

    /* by a reply, whose publications are heard next */
    subscribed({ recoverable, recovered, epoch, offset = 0,
                 publications = [] })
    {
        const before = this.position;

        if (!recoverable) {
            return;
        }

        this.position = { epoch, offset };

        if (recovered) {
            this.recovered++;
            this.caught += publications.length;

            if (!before || before.epoch !== epoch || before.offset !== offset) {
                this.wrong.push(`recovered ${JSON.stringify(this.position)}`
                                + `, was at ${JSON.stringify(before)}`);
            }

        } else if (before) {
            this.holes.push({ before, after: this.position });
        }
    }

    hear({ offset, data }) {
        if (!this.position) {
            return;
        }

        if (offset !== this.position.offset + 1) {
            this.wrong.push(`${offset} after ${this.position.offset}`);
        }

        this.position.offset = offset;
        this.seen.push({ epoch: this.position.epoch, offset,
                         key: JSON.stringify(data) });
    }

    /* each hole has to be more than the history, or a reply, could give */
    needless(kept) {
        return this.holes.filter(({ before, after }) =>
            before.epoch === after.epoch
            && after.offset - before.offset <= Math.min(kept, CAP));
    }
}


module.exports = { Record };

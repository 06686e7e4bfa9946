"use strict";

/*
 * The fault points of a worker of a debug build, in the file that the worker
 * has mapped: see ngx_rt_module/pure/rt_fault.h, whose layout this is.
 */

const fs = require("node:fs");
const path = require("node:path");

const { sleep, until } = require("../clients/nginx.js");

const HEAD = 64;
const POINT = 64;
const NAME = 48;

const ACTIONS = { none: 0, kill: 1, stop: 2, delay: 3, alloc: 4, write: 5 };


class Points {
    /* of a process that is there, or was */
    constructor(dir, pid) {
        this.path = path.join(dir, String(pid));
        this.load();
        this.names = [];

        for (let at = HEAD; at < this.bytes.length; at += POINT) {
            this.names.push(this.bytes.toString("latin1", at, at + NAME)
                .replace(/\0.*$/, ""));
        }
    }

    load() {
        this.bytes = fs.readFileSync(this.path);
        return this.bytes;
    }

    /* of the bytes of the point of that name */
    offset(name) {
        const i = this.names.indexOf(name);

        if (i === -1) {
            throw new Error(`no such fault point: ${name}`);
        }

        return HEAD + i * POINT + NAME;
    }

    static armed(action, n, ms = 0) {
        const word = Buffer.alloc(8);

        word.writeUInt16LE(ACTIONS[action], 0);
        word.writeUInt16LE(ms, 2);
        word.writeUInt32LE(n, 4);

        return word;
    }

    /* the worker does it at its nth pass from now on */
    arm(name, action, n = 1, ms = 0) {
        const fd = fs.openSync(this.path, "r+");

        fs.writeSync(fd, Points.armed(action, n, ms), 0, 8,
                     this.offset(name));
        fs.closeSync(fd);
    }

    disarm(name) {
        this.arm(name, "none", 0);
    }

    /* the next worker to start has this one's table, with that one armed */
    armNext(name, action, n = 1, ms = 0) {
        const dir = path.dirname(this.path);
        const bytes = Buffer.from(this.load());

        bytes.fill(0, 0, HEAD);
        this.names.forEach(each => bytes.fill(0, this.offset(each),
                                              this.offset(each) + 16));
        Points.armed(action, n, ms).copy(bytes, this.offset(name));

        fs.writeFileSync(path.join(dir, "next.new"), bytes);
        fs.renameSync(path.join(dir, "next.new"), path.join(dir, "next"));
    }

    armedNow(name) {
        return this.load().readUInt32LE(this.offset(name) + 4) !== 0;
    }

    /* was armed, and has done it, or is about to */
    fired(name) {
        const at = this.offset(name);
        const bytes = this.load();

        return bytes.readUInt16LE(at) !== 0 && bytes.readUInt32LE(at + 4) === 0;
    }

    passes(name) {
        return Number(this.load().readBigUInt64LE(this.offset(name) + 8));
    }

    /* mutexes of shared memory */
    get held() {
        return Number(this.load().readBigUInt64LE(0));
    }

    /* hold of one, in microseconds */
    get longest() {
        return Number(this.load().readBigUInt64LE(8)) / 1000;
    }
}


const state = pid => {
    try {
        return fs.readFileSync(`/proc/${pid}/stat`, "utf8")
            .replace(/^.*\) /, "")[0];
    } catch {
        return "gone";
    }
};


/* it stands, with no mutex that others wait for */
async function stand(dir, pid) {
    const points = new Points(dir, pid);

    for (;;) {
        process.kill(pid, "SIGSTOP");
        await until("it stands", () => state(pid) === "T");

        if (points.held === 0) {
            return;
        }

        process.kill(pid, "SIGCONT");
        await sleep(1);
    }
}


/* of all that are there or were */
const tables = dir => fs.readdirSync(dir).filter(name => /^\d+$/.test(name))
    .map(name => ({ pid: Number(name), points: new Points(dir, name) }));


/* forgets those that are gone; one that is still being written is not */
function sweep(dir) {
    fs.rmSync(`${dir}/next`, { force: true });

    for (const { pid } of tables(dir)) {
        if (state(pid) === "gone") {
            fs.rmSync(`${dir}/${pid}`, { force: true });
        }
    }
}


module.exports = { Points, stand, state, sweep, tables };

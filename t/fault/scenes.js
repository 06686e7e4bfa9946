"use strict";

/*
 * What leads a worker to each of its fault points.  A scene is found by the
 * name of the point, or else by the part of it before the first "_":
 *
 *   prepare(stage, victim)   before the point is armed; what it returns
 *   act(stage, victim, it)   is given to this, which need not come to an end
 *   next                     the point is one of the worker that comes after
 *   quiet                    those who stay have to be silent meanwhile
 *   elsewhere(point, action) it needs another nginx, and plays there
 */

const { OPEN, QUIET, ROOM } = require("./stage.js");
const { stand } = require("./points.js");
const { opened } = require("./proof.js");
const { accept } = require("./accepting.js");
const { leave: leaves } = require("./leaving.js");
const { neighbour } = require("./neighbours.js");
const { read } = require("./reading.js");
const { SCENES: LASTING } = require("./lasting.js");


const subscribe = channel => ({ subscribe: { channel } });
const unsubscribe = channel => ({ unsubscribe: { channel } });

const NEW = "room:new";

/* whom orders are given, and nobody else */
const USER = "ordered";
const ordered = { headers: { "X-User": USER } };


const publish = {
    prepare: (stage, { pid }) => stage.guest(pid, [OPEN]),
    act: (stage, victim, guest) => stage.say(guest),
};


/* someone is rung who sleeps, and would sleep on if the bell were lost */
const wake = {
    quiet: true,
    prepare: (stage, { pid }) => stage.guest(pid),
    act: (stage, victim, guest) => stage.say(guest, QUIET),
};


const join = {
    prepare: (stage, { pid }) => stage.guest(pid),
    act: (stage, victim, guest) =>
        guest.commands([subscribe(NEW), subscribe(ROOM)]),
};


const leave = {
    prepare: (stage, { pid }) => stage.guest(pid, [NEW, ROOM]),
    act: (stage, victim, guest) =>
        guest.commands([unsubscribe(NEW), unsubscribe(ROOM)]),
};


const presence = {
    prepare: (stage, { pid }) => stage.guest(pid, [ROOM]),
    act: (stage, victim, guest) =>
        guest.commands([{ presence: { channel: ROOM } }]),
};


const connect = {
    async prepare(stage, { pid }) {
        const c = await opened(stage.nginx, "t", at => at === pid);

        stage.guests.push(c);

        return c;
    },

    act(stage, victim, c) {
        const reply = c.expect(1);

        c.socket.send('{"id":1,"connect":{}}');

        return reply;
    },
};


const close = {
    prepare: (stage, { pid }) => stage.guest(pid, [ROOM]),
    act: (stage, victim, guest) => guest.close(),
};


/* it is gone before an order to it is taken */
const closeOrdered = {
    prepare: (stage, { pid }) => stage.guest(pid, [ROOM], ordered),

    async act(stage, { pid }, guest) {
        const api = await stage.requests(stage.steady[0]);

        await stand(stage.dir, pid);
        await api.post("subscribe", { user: USER, channel: NEW });
        api.close();
        guest.socket.terminate();
        process.kill(pid, "SIGCONT");
        await guest.closed;
    },
};


const issue = {
    async prepare(stage, { pid }) {
        await stage.guest(pid, [], ordered);
        await stage.guest(pid, [], ordered);

        return stage.requests(pid);
    },

    act: (stage, victim, api) =>
        api.post("subscribe", { user: USER, channel: NEW })
            .finally(() => api.close()),
};


const obey = {
    async prepare(stage, { pid }) {
        await stage.guest(pid, [], ordered);

        return stage.requests(stage.steady[0]);
    },

    act: (stage, victim, api) =>
        api.post("subscribe", { user: USER, channel: NEW })
            .finally(() => api.close()),
};


/* the next one has the slot, and sessions to end that are not its own */
const replace = {
    next: true,

    async prepare(stage, { pid }) {
        await stage.guest(pid, [NEW, ROOM]);
        await stage.guest(pid, [ROOM]);
    },

    act: (stage, { pid }) => process.kill(pid, "SIGKILL"),
};


/* it dies in a transaction, and whoever undoes it dies as well */
const undo = {
    next: true,
    quiet: true,
    prepare: join.prepare,

    async act(stage, { points }, guest) {
        points.arm("txn_stored", "kill", 9);
        await join.act(stage, null, guest).catch(() => {});
    },
};


const accepting = { elsewhere: accept };
const neighbours = { elsewhere: neighbour };
const reading = { elsewhere: read };
const leaving = { elsewhere: leaves };


const SCENES = {
    ...LASTING,
    store: publish,
    lock: publish,
    lock_relieve: leaving,
    txn: join,
    txn_undo: undo,
    heap_taken: join,
    heap_freed: leave,
    publish,
    log: publish,
    record: publish,
    wake,
    wake_heard: publish,
    turn: publish,
    deliver: publish,
    flush: publish,
    join,
    leave,
    channel_create: join,
    channel_expire: leave,
    presence,
    session_create: connect,
    session_created: connect,
    session_empty: closeOrdered,
    session_expire: close,
    session_expired: close,
    order_hold: issue,
    order_left: issue,
    order_issued: issue,
    order_take: obey,
    order_taken: obey,
    drain: leaving,
    exit: leaving,
    claim: replace,
    reap: replace,
    durable: accepting,
    keyed: accepting,
    read: reading,
    bus: neighbours,
    survey: neighbours,
};


function sceneOf(point) {
    const scene = SCENES[point] ?? SCENES[point.split("_")[0]];

    if (!scene) {
        throw new Error(`nothing in t/fault/scenes.js leads to ${point}`);
    }

    return scene;
}


module.exports = { close, connect, issue, join, leave, publish, sceneOf,
                   set: LASTING.settings };

"use strict";

/*
 * Scenes (see scenes.js) of what outlives a connection: histories, keys,
 * sessions that linger, limits, revocations, settings; and the stage that they
 * need.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");

const { sleep, until } = require("../clients/nginx.js");
const { Connection, metrics } = require("../clients/ledger.js");
const { enter, jwt, opened } = require("./proof.js");
const { stand } = require("./points.js");
const { HTTP, OPEN, ROOM } = require("./stage.js");


const SHORT = "short:x";
const LONG = "long:x";
const TIGHT = "tight:x";

/* its channels are as many as may be */
const FULL = "full";
const CHANNELS = 8;

const LINGERS = { headers: { "X-User": "lingers" } };
const REVOKED = "revoked";
const SECRET = "0123456789abcdef0123456789abcdef";

/* less than a scene may take, more than it takes */
const TTL = 1000;
const BEFORE = 600;
const PATIENCE = 1400;

let number = 100000;
let issued = 1000;

const subscribe = channel => ({ subscribe: { channel } });
const unsubscribe = channel => ({ unsubscribe: { channel } });
const publish = (channel, data) => ({ publish: { channel, data } });
const keyed = data => ({ rpc: { method: "rt.publish", data: { channel: OPEN,
    event: { id: `key-${data.s}`, type: "t", data } } } });


/* flags of two blocks, all of it of one number, in texts of one length */
let share = 10;

function flags() {
    share = share === 99 ? 10 : share + 1;

    const allow = Array.from({ length: 30 }, (_, i) =>
        `${share}-${String(i).padStart(200, "0")}`);

    return { flags: { scene: { percent: share, allow } }, by: "the scene" };
}

/* what was set before, or what is set then: never some of each, or less */
async function whole(nginx) {
    const { body } = await nginx.api("flags", undefined, { "X-Tenant": "t" },
                                     "GET");
    const { percent, allow } = body.result.flags.scene;

    assert.equal(allow.length, 30);
    assert.ok(allow.every(each => each.startsWith(`${percent}-0`)));

    const lines = fs.readFileSync(`${nginx.prefix}/settings`, "utf8")
        .split("\n").filter(Boolean).map(line => JSON.parse(line));

    assert.equal(lines.at(-1).tenants, lines.length - 1);
    assert.equal(lines[0].flags.scene.allow.length, 30);
}


/*
 * What a Stage is started with: prepare() before it is looked at how things
 * are, tidy() when a scene is over, mend() if channels have gone.
 */
const STAGE = {
    http: `${HTTP}
    rt_idempotency  window=200ms;
    rt_session_ttl  ${TTL}ms;
    rt_state_file   settings;
    rt_ping_interval  1s;
    rt_pong_timeout   900ms;
    rt_namespace    short publish=any history=3 ttl=1h;
    rt_namespace    long  history=100 ttl=1h;
    rt_namespace    tight publish=any;
    rt_limit        channels tenant max=${CHANNELS};
    rt_limit        publish user rate=1000r/s burst=1000;
    rt_limit        publish namespace=tight rate=1r/s;
`,

    server(nginx) {
        fs.writeFileSync(`${nginx.prefix}/secret`, SECRET);

        return `
        location = /connection/token {
            rt_websocket  zone=live;
            rt_user       "";
            rt_jwt        hs256 file=${nginx.prefix}/secret;
            add_header    X-Pid $pid always;
        }
`;
    },

    async prepare(stage) {
        const api = (method, body) => stage.nginx.api(method, body,
                                                      { "X-Tenant": "t" });

        for (let n = 0; n < 80; n++) {
            await api("publish", { channel: LONG, data: n });
        }

        await api("publish", { channel: SHORT, data: 0 });
        await api("invalidate_user_tokens",
                  { user: REVOKED, issued_before: issued });
        await stage.nginx.api("flags", flags(), { "X-Tenant": "t" }, "PUT");
        await STAGE.tidy(stage);
        await STAGE.mend(stage);
    },

    async tidy({ nginx }) {
        const headers = { "X-Tenant": "t" };

        await nginx.api("history_remove", { channel: SHORT }, headers);

        for (const user of ["lingers", REVOKED]) {
            await nginx.api("disconnect", { user }, headers);
        }

        await whole(nginx);
    },

    async mend({ nginx }) {
        const c = await new Connection(nginx, FULL, Array.from(
            { length: CHANNELS }, () => `short:${++number}`)).ready;

        await c.close();
    },
};


/* the others stand, so that it is for the victim to do */
async function alone(stage, { points }, name) {
    for (const at of stage.steady) {
        await stand(stage.dir, at);
    }

    await until("it is reached", () => points.fired(name), PATIENCE)
        .catch(() => {});

    stage.steady.forEach(at => process.kill(at, "SIGCONT"));
}


const say = (...list) => ({
    prepare: (stage, { pid }) => stage.guest(pid),
    act: (stage, victim, guest) => guest.commands(list),
});


const store = say(...[1, 2, 3, 4].map(n => publish(SHORT, n)));


const key = {
    prepare: (stage, { pid }) => stage.guest(pid),
    act: (stage, victim, guest) => guest.commands([keyed(
        stage.ledger.send("t", OPEN, "guest", ++stage.sequence))]),
};


/* whoever publishes with a key has those that are over go */
const keyOver = {
    quiet: true,

    async prepare(stage, { pid }) {
        const guest = await stage.guest(pid);

        await key.act(stage, null, guest);

        return guest;
    },

    async act(stage, victim, guest) {
        for (let n = 0; n < 20; n++) {
            await sleep(50);
            await key.act(stage, null, guest);
        }
    },
};


const ask = (method, body) => ({
    prepare: (stage, { pid }) => stage.requests(pid),
    act: (stage, victim, api) =>
        api.post(method, body).finally(() => api.close()),
});


const look = {
    prepare: (stage, { pid }) => stage.guest(pid, [LONG]),
    act: (stage, victim, guest) =>
        guest.commands([{ history: { channel: LONG, limit: 100 } }]),
};


const emptied = {
    async prepare(stage, { pid }) {
        await stage.nginx.api("publish", { channel: SHORT, data: 0 },
                              { "X-Tenant": "t" });
        return stage.requests(pid);
    },

    act: ask("history_remove", { channel: SHORT }).act,
};


/* at its next tick */
const tick = name => ({
    quiet: true,
    prepare: () => {},
    act: (stage, victim) => alone(stage, victim, name),
});


const begin = {
    prepare: (stage, { pid }) => stage.guest(pid, [], { tenant: FULL }),
    act: (stage, victim, guest) =>
        guest.commands([subscribe(`short:${++number}`)]),
};


const limit = {
    prepare: (stage, { pid }) => stage.guest(pid, [],
        { headers: { "X-User": `user-${++number}` } }),
    act: (stage, victim, guest) => Promise.allSettled(guest.each(
        [1, 2, 3].map(n => publish(TIGHT, n)))),
};


/* a session of the victim's that may linger, in a room */
async function comes(stage, { pid }, more = LINGERS, who = {}) {
    const c = await opened(stage.nginx, "t", at => at === pid, more);

    stage.guests.push(c);

    return { c, ...await enter(c, { proof: "", commands: [subscribe(ROOM)],
                                    ...who }) };
}


const goes = {
    prepare: (stage, victim) => comes(stage, victim),

    async act(stage, victim, { c }) {
        c.socket.terminate();
        await c.closed;
    },
};


/* another connection of the victim's that is about to show the proof */
const back = (left, then) => ({
    async prepare(stage, victim) {
        const { c, proof } = await comes(stage, victim);

        if (left) {
            c.socket.terminate();
            await c.closed;
        }

        const next = await opened(stage.nginx, "t", at => at === victim.pid,
                                  LINGERS);

        stage.guests.push(next);

        return { proof, next };
    },

    act: (stage, victim, { proof, next }) => then(next, proof),
});

const returns = (left, ...commands) => back(left, (next, proof) =>
    enter(next, { proof, commands }));


/* it is gone again before the one that it was taken from */
const disowns = back(false, async (next, proof) => {
    next.socket._socket.cork();
    enter(next, { proof }).catch(() => {});
    next.socket.close(1000);
    next.socket._socket.uncork();
    await next.closed;
});


/* what was sent before a ping has come, too */
const settles = {
    quiet: true,
    prepare: returns(true).prepare,

    async act(stage, { points }, { proof, next }) {
        await enter(next, { proof });
        await until("it is asked", () => points.fired("resume_settle"),
                    PATIENCE).catch(() => {});
    },
};


const expires = {
    quiet: true,

    async prepare(stage, victim) {
        await goes.act(stage, victim, await comes(stage, victim));
        await sleep(BEFORE);
    },

    act: (stage, victim) => alone(stage, victim, "linger_expire"),
};


const unclaimed = {
    quiet: true,

    async prepare(stage, victim) {
        const scene = returns(true);

        await scene.act(stage, victim, await scene.prepare(stage, victim));
        await sleep(BEFORE);
    },

    act: (stage, victim) => alone(stage, victim, "linger_unclaimed"),
};


/* the session of a token, which lingers or does not */
const revoke = left => ({
    quiet: left,

    async prepare(stage, victim) {
        const token = jwt(SECRET, { sub: REVOKED, iat: ++issued });
        const it = await comes(stage, victim,
            { location: "/connection/token" }, { token });

        if (left) {
            await goes.act(stage, victim, it);
            await until("it lingers", async () =>
                (await metrics(stage.nginx)).rt_zone_sessions_lingering > 0);
        }

        return stage.requests(victim.pid);
    },

    act: (stage, victim, api) => api.post("invalidate_user_tokens",
        { user: REVOKED, issued_before: issued + 1 })
        .finally(() => api.close()),
});


const set = {
    prepare: (stage, { pid }) => stage.requests(pid),
    act: (stage, victim, api) => api.put("flags", flags())
        .finally(() => api.close()),
};


const SCENES = {
    publish_told: key,
    limit,
    key,
    key_expire: keyOver,
    history: store,
    history_create: begin,
    history_read: look,
    history_floor: emptied,
    history_sweep: tick("history_sweep"),
    room: begin,
    linger_haunt: goes,
    linger_begin: goes,
    linger_expire: expires,
    linger_unclaimed: unclaimed,
    linger_revoke: revoke(true),
    resume_take: returns(true),
    resume_done: returns(true),
    resume_claim: returns(true, subscribe(ROOM)),
    resume_forgo: returns(true, unsubscribe(ROOM)),
    resume_heir: returns(false),
    resume_mute: returns(false, subscribe(ROOM)),
    resume_inherit: returns(false),
    resume_disown: disowns,
    resume_settle: settles,
    revoke: revoke(false),
    settings: set,
};


module.exports = { SCENES, STAGE };

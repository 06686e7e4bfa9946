"use strict";

/*
 * Clients that come back to their sessions: the JavaScript SDK with the proof
 * as a header of its connect, over lost connections, kills and reloads; and a
 * watcher, who is to see nothing of it.
 */

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { Centrifuge } = require("centrifuge");
const WebSocket = require("ws");

const { Nginx, sleep, until } = require("./nginx.js");
const { conf, metrics } = require("./ledger.js");


const HTTP = `
    rt_zone         $http_x_tenant zone=live:8m;
    rt_drain        window=300ms;
    rt_session_ttl  20s max=1000 tenant=1000;
    rt_namespace    room  publish=any presence join_leave;
`;

let nginx;
let tenants = 0;

before(async () => {
    nginx = await Nginx.start({ workers: 4, text: conf({ http: HTTP }) });
});

after(async () => {
    assert.deepEqual(await nginx.stop(), []);
});


/* its sockets are in c.sockets, the last one is the one in use */
function client(tenant, { proof = "", keeps = true } = {}) {
    const sockets = [];

    class Socket extends WebSocket {
        constructor(url, protocols) {
            super(url, protocols, { headers: { "X-Tenant": tenant } });
            sockets.push(this);
        }
    }

    const c = new Centrifuge(nginx.url(), {
        websocket: Socket, minReconnectDelay: 20, maxReconnectDelay: 300,
        headers: keeps ? { "rt-resume": proof } : {},
    });

    Object.assign(c, { sockets, ids: [], ends: [] });

    c.on("error", () => {});
    c.on("disconnected", ctx => c.ends.push(ctx));
    c.on("connected", ({ client: id, data }) => {
        c.ids.push(id);
        c.proof = data?.rt_session;

        if (keeps) {
            c.setHeaders({ "rt-resume": c.proof ?? "" });
        }
    });

    return c;
}


function enter(c, channel, options = {}) {
    const sub = c.newSubscription(channel,
        { minResubscribeDelay: 20, maxResubscribeDelay: 200, ...options });

    Object.assign(sub, { heard: [], joins: [], leaves: [] });
    sub.on("publication", ({ data }) => sub.heard.push(data));
    sub.on("join", ({ info }) => sub.joins.push(info.client));
    sub.on("leave", ({ info }) => sub.leaves.push(info.client));
    sub.on("error", () => {});
    sub.subscribe();

    return sub;
}


/* n clients in a room, and a watcher among them, who resumes as well */
async function room(n) {
    const tenant = `resume-${++tenants}`;
    const watcher = client(tenant);
    const watch = enter(watcher, "room:x", { joinLeave: true });

    watcher.connect();
    await watch.ready(10000);

    const clients = Array.from({ length: n }, () => client(tenant));
    const subs = clients.map(c => enter(c, "room:x"));

    clients.forEach(c => c.connect());
    await Promise.all(subs.map(sub => sub.ready(10000)));
    await until("all have joined", () => watch.joins.length === n + 1);

    return { tenant, watcher, watch, clients, subs,
             all: [watcher, ...clients] };
}


/* each has its id again, all hear, and nobody was seen to leave or come */
async function whole({ tenant, watch, subs, clients, all }, times) {
    await until("all are back", () =>
        all.every(c => c.ids.length > times && c.state === "connected"));
    await Promise.all([watch, ...subs].map(sub => sub.ready(10000)));

    for (const c of all) {
        assert.equal(new Set(c.ids).size, 1, `other ids: ${c.ids}`);
    }

    const mark = `mark ${Math.random()}`;
    const { status } = await nginx.api("publish",
        { channel: "room:x", data: mark }, { "X-Tenant": tenant });

    assert.equal(status, 200);
    await until("all hear", () =>
        [watch, ...subs].every(sub => sub.heard.includes(mark)));

    for (const sub of [watch, ...subs]) {
        assert.equal(sub.heard.filter(data => data === mark).length, 1);
    }

    await until("one place for each", async () => {
        const { body } = await nginx.api("presence", { channel: "room:x" },
            { "X-Tenant": tenant });

        return Object.keys(body.result.presence).sort().join()
               === all.map(c => c.ids[0]).sort().join();
    });

    assert.equal(watch.joins.length, clients.length + 1, "a join was seen");
    assert.deepEqual(watch.leaves, [], "a leave was seen");
}


const leave = ({ all }) => all.forEach(c => c.disconnect());


test("connections are lost, again and again", async () => {
    const r = await room(8);

    for (let times = 1; times <= 3; times++) {
        r.clients.forEach(c => c.sockets.at(-1).terminate());
        await until("they are back", () =>
            r.clients.every(c => c.ids.length > times));
        await whole({ ...r, all: r.clients.concat(r.watcher) }, 0);
    }

    leave(r);
});


test("a reload: every session is kept", async () => {
    const r = await room(20);

    for (let times = 1; times <= 2; times++) {
        await nginx.reload();
        await whole(r, times);
    }

    leave(r);
});


test("all workers are killed: every session is kept", async () => {
    const r = await room(20);

    for (let times = 1; times <= 2; times++) {
        await nginx.killWorkers();
        await whole(r, times);
    }

    const { rt_zone_sessions_resumed_total: n } = await metrics(nginx);

    assert.ok(n >= 42, `${n} resumed`);
    leave(r);
});


test("who comes with a proof of one that is there: the first stays away", async () => {
    const r = await room(1);
    const [first] = r.clients;
    const second = client(r.tenant, { proof: first.proof });
    const sub = enter(second, "room:x");

    second.connect();
    await sub.ready(10000);
    await until("the first is told", () => first.ends.length === 1);

    assert.equal(first.ends[0].code, 3503);
    assert.equal(second.ids[0], first.ids[0]);

    /* nobody takes it back: it is still so after the SDK's longest delay */
    await sleep(500);

    assert.equal(first.state, "disconnected");
    assert.deepEqual(second.ids, [first.ids[0]]);
    assert.equal(r.watch.joins.length, 2);
    assert.deepEqual(r.watch.leaves, []);

    second.disconnect();
    leave(r);
});


test("the same proof from many at once: one has it", async () => {
    const r = await room(1);
    const [first] = r.clients;
    const many = Array.from({ length: 12 }, () =>
        client(r.tenant, { proof: first.proof }));
    const subs = many.map(c => enter(c, "room:x"));

    many.forEach(c => c.connect());

    await until("one is left", () => {
        const mine = many.filter(c => c.ids.at(-1) === first.ids[0]
                                      && c.state === "connected");
        const others = many.filter(c => c.ids.length
                                        && c.ids[0] !== first.ids[0]);

        return mine.length === 1 && many.every(c => c.ids.length)
               && mine.length + others.length
                  + many.filter(c => c.state === "disconnected").length
                  === many.length;
    });

    assert.equal(first.state, "disconnected");
    assert.ok(!r.watch.leaves.includes(first.ids[0]), "it was seen to leave");
    assert.equal(r.watch.joins.filter(id => id === first.ids[0]).length, 1);

    many.forEach(c => c.disconnect());
    subs.forEach(sub => sub.unsubscribe());
    leave(r);
});


test("kills and reloads while they come and go: nothing is left behind", async () => {
    const r = await room(24);
    const end = Date.now() + 4000;

    for (let i = 0; Date.now() < end; i++) {
        const [pid] = nginx.workerPids().sort(() => Math.random() - 0.5);

        if (i % 5 === 4) {
            await nginx.reload();

        } else {
            process.kill(pid, "SIGKILL");
        }

        r.clients.filter(() => Math.random() < 0.3)
            .forEach(c => c.sockets.at(-1)?.terminate());

        await sleep(150);
    }

    await until("four workers", () => nginx.workerPids().length === 4);
    await whole(r, 1);

    r.all.forEach(c => c.disconnect());

    for (const c of r.all) {
        await nginx.api("disconnect", { client: c.ids[0] },
            { "X-Tenant": r.tenant });
    }

    await until("nobody is left in the room", async () => {
        const { body } = await nginx.api("channels", {},
            { "X-Tenant": r.tenant });

        return Object.keys(body.result.channels).length === 0;
    });
});

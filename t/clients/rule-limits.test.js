"use strict";

/*
 * No verdict avoids a limit.  Random rules (every kind of verdict, flags, data
 * that grows and shrinks, rules that fail) before random limits, and clients
 * that publish as fast as they are answered.  What subscribers got is held
 * against what each bucket can have given in that time: its burst, and its rate.  The
 * same clients, without rules, must come as far as the limits let them, or the
 * test would say nothing.
 *
 * RT_SEED repeats a run.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { after, test } = require("node:test");

const { client, random } = require("./commands.js");
const { Nginx, config, slow, until } = require("./nginx.js");


const SEED = Number(process.env.RT_SEED ?? Date.now() % 1e9);
const ROUNDS = 6;
const MS = 700;                               /* of publishing, in each run */
const BATCH = 12;                             /* commands in flight, a client */
const MAX_MESSAGE = 2048;

const TENANTS = ["own", "plain"];             /* the first has a file, too */
const USERS = ["u1", "u2"];
const CHANNELS = ["aa:0", "aa:1", "aa:2", "bb:0", "bb:1", "bb:2"];

const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
`;


const FLAGS = ["always", "never", "half", "nobody-knows"];

const ACTIONS = [
    () => "return nil",
    () => "return rt.allow()",
    () => "return rt.fast()",
    () => "return rt.transform('x')",
    r => `return rt.transform(('y'):rep(${r.from(100, 1500)}))`,
    r => `return rt.transform(('y'):rep(${r.from(100, 1500)}))`,
    () => "return rt.transform({ n = publication.size, d = publication.data })",
    () => "local d = publication.data return rt.transform(d)",
    () => "rt.transform('z') return rt.allow()",
    r => `rt.deny(4000) return rt.transform(('w'):rep(${r.from(1, 3000)}))`,
    r => `if publication.size % ${r.from(2, 4)} == 0 then `
         + "return rt.deny(4000, 'no') end return rt.allow()",
    () => "if session.user == 'u1' then return rt.allow() end",
    () => "if session.user == 'u2' then return rt.deny() end",
    () => "return rt.durable()",
    r => `if rt.flag('${r.of(FLAGS)}') then return rt.allow() end`,
    r => `if rt.flag('${r.of(FLAGS)}', publication.id or session.id) then `
         + `return rt.transform(('f'):rep(${r.from(1, 1500)})) end`,
    r => `return rt.flag('${r.of(FLAGS)}') and rt.fast() or rt.deny()`,
];


function rules(r) {
    const cases = CHANNELS.map(channel => `
    if publication.channel == "${channel}" then ${r.of(ACTIONS)(r)} end`);

    return `return {
  connect = function(session) ${r.of(["", "return rt.allow()"])} end,
  subscribe = function() ${r.of(["", "return rt.allow()"])} end,
  publish = function(session, publication)${cases.join("")}
  end,
}
`;
}


/* [what, whose, a second, at once], and their directives */
function limits(r) {
    const all = [];

    for (const whose of ["tenant", "user", "session", "namespace",
                         "namespace=aa"]) {
        if (r() < 0.4) {
            all.push(["publish", whose, r.from(5, 60), r.from(5, 40)]);
        }
        if (r() < 0.4) {
            all.push(["bytes", whose, r.from(500, 20000),
                      r.from(MAX_MESSAGE, 8000)]);
        }
    }

    if (!all.some(([what]) => what === "publish")) {
        all.push(["publish", "tenant", 30, 20]);
    }

    return all;
}


const directives = all => all.map(([what, whose, rate, burst]) =>
    `    rt_limit ${what} ${whose} rate=${rate}${what === "bytes" ? "" : "r"}/s`
    + ` burst=${burst};`).join("\n");


/* which bucket of a limit a publication is charged to; undefined: to none */
function subject(limits, [what, whose], { tenant, channel, user, client }) {
    const namespace = channel.split(":")[0];

    switch (whose) {
    case "tenant":      return tenant;
    case "user":        return `${tenant} ${user}`;
    case "session":     return client;
    case "namespace=aa": return namespace === "aa" ? tenant : undefined;
    default:
        return namespace === "aa" && limits.some(([w, of]) => w === what
                                                   && of === "namespace=aa")
               ? undefined : `${tenant} ${namespace}`;
    }
}


/* one publication of many, some of them as events with a key of their own */
function command(r, n) {
    const channel = r.of(CHANNELS);
    const data = "d".repeat(r.from(0, 300));

    if (r() < 0.7) {
        return { publish: { channel, data } };
    }

    return { rpc: { method: "rt.publish", data: {
        channel, event: { id: `e${n}`, type: "t", data } } } };
}


/* until the time is over: what was answered */
async function hammer(r, c, told, end) {
    let n = 0;

    while (Date.now() < end) {
        const list = Array.from({ length: BATCH },
                                () => command(r, `${c.id}-${n++}`));

        for (const reply of await c.commands(list)) {
            if (!reply.error) {
                told.accepted++;
            } else if (reply.error.code === 111) {
                told.limited++;
                told.by.add(/rt_limit (\S+ \S+?),/.exec(
                    reply.error.message)?.[1]);
            } else {
                told.refused++;
            }
        }
    }
}


/* all that came, by tenant; and how long it took at most */
async function run(seed, nginx) {
    const r = random(seed);
    const told = { accepted: 0, limited: 0, refused: 0, by: new Set() };
    const seen = [];
    const all = [];

    for (const tenant of TENANTS) {
        const ear = await client(nginx, tenant, "ear");

        ear.heard = ({ channel, pub }) => seen.push({
            tenant, channel, user: pub.info?.user, client: pub.info?.client,
            bytes: JSON.stringify(pub.data).length });

        const replies = await ear.commands(CHANNELS.map(channel =>
            ({ subscribe: { channel } })));
        assert.ok(replies.every(reply => reply.subscribe));
        ear.quiet = true;
        all.push(ear);

        for (const user of USERS) {
            for (let i = 0; i < 2; i++) {
                all.push(await client(nginx, tenant, user));
            }
        }
    }

    const start = performance.now();
    const end = Date.now() + MS * slow;

    await Promise.all(all.filter(c => !c.quiet).map(c =>
        hammer(random(r.from(0, 1e9)), c, told, end)));

    const seconds = (performance.now() - start) / 1000;

    await until("all that was accepted", () => seen.length >= told.accepted);
    all.forEach(c => c.terminate());

    return { told, seen, seconds };
}


/* of each bucket: what it gave, and what it can have given */
function buckets(limits, { seen, seconds }) {
    const all = [];

    for (const limit of limits) {
        const [what, whose, rate, burst] = limit;
        const given = new Map();

        for (const m of seen) {
            const of = subject(limits, limit, m);

            if (of !== undefined) {
                given.set(of, (given.get(of) ?? 0)
                              + (what === "bytes" ? m.bytes : 1));
            }
        }

        for (const [of, n] of given) {
            all.push({ name: `${what} ${whose}`, of, n, burst,
                       most: burst + rate * (seconds + 0.01) + 1 });
        }
    }

    return all;
}


const kinds = { accepted: 0, limited: 0, refused: 0 };


for (let round = 0; round < ROUNDS; round++) {
    test(`round ${round} of ${SEED}`, async t => {
        const seed = SEED + round * 1000003;
        const r = random(seed);
        const some = limits(r);
        const texts = { default: rules(r), "tenants/own": rules(r) };
        const onError = r.of(["deny", "pass"]);

        const http = ruled => prefix => `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_max_message ${MAX_MESSAGE};
    rt_namespace  aa  publish=any;
    rt_namespace  bb  publish=any;
    rt_flag       always on;
    rt_flag       never  off;
    rt_flag       half   50%;
${directives(some)}
    ${ruled ? `rt_rules ${prefix}/rules rate=off; rt_rules_on_error ${onError};`
            : ""}
`;

        const say = () => `${directives(some)}\n${onError}\n`
                          + Object.values(texts).join("\n");

        for (const ruled of [true, false]) {
            const nginx = await start(http(ruled), texts);
            t.after(() => nginx.stop());

            const result = await run(seed, nginx);
            const { told, seen } = result;
            const all = buckets(some, result);

            assert.equal(seen.length, told.accepted, say());

            for (const { name, of, n, most } of all) {
                assert.ok(n <= most,
                    `${name} of ${of}: ${n} and not ${most}\n${say()}`);
            }

            if (ruled) {
                assert.ok(seen.every(m => m.bytes <= MAX_MESSAGE), say());
                Object.keys(kinds).forEach(k => kinds[k] += told[k]);
                continue;
            }

            /* nothing but the limits has held them, and those fully */

            assert.equal(told.refused, 0);
            assert.ok(told.limited > 0, say());

            for (const name of told.by) {
                assert.ok(all.some(b => b.name.startsWith(name)
                    && b.n >= b.burst - (/^bytes/.test(name) ? 303 : 0)),
                    `${name} was never reached: ${JSON.stringify(all)}`);
            }
        }
    });
}


/* how many of the replies are none of an error */
const good = replies => replies.filter(reply => !reply.error).length;


/* what there may be at a time, beside rules that let all through */
test(`counts of ${SEED}`, async t => {
    const r = random(SEED ^ 0x5eed);
    const max = { connections: r.from(3, 8), sessions: r.from(1, 3),
                  channels: r.from(3, 8), mine: r.from(2, 4) };
    const text = `return { connect = function() return rt.allow() end,
                           subscribe = function() return rt.allow() end }`;

    for (const ruled of [true, false]) {
        const nginx = await start(prefix => `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_namespace  aa;
    rt_max_channels ${max.mine};
    rt_limit      connections tenant max=${max.connections};
    rt_limit      sessions user max=${max.sessions};
    rt_limit      channels tenant max=${max.channels};
    ${ruled ? `rt_rules ${prefix}/rules;` : ""}
`, { default: text });
        t.after(() => nginx.stop());

        /* each user tries once more than it may, and then everyone */

        const open = [];

        for (let i = 0; i < 2 * max.connections; i++) {
            const user = `u${Math.floor(i / (max.sessions + 1))}`;
            open.push({ user, c: await client(nginx, "t", user).catch(
                () => undefined) });
        }

        const live = open.filter(({ c }) => c);
        const of = user => live.filter(o => o.user === user).length;

        assert.equal(live.length, max.connections);
        assert.ok(live.every(o => of(o.user) <= max.sessions));
        assert.equal(of("u0"), Math.min(max.sessions, max.connections));

        let channels = 0;

        for (const { c } of live) {
            const n = good(await c.commands(Array.from({ length: 6 }, () =>
                ({ subscribe: { channel: `aa:${channels++}` } }))));

            assert.ok(n <= max.mine);
            c.n = n;
        }

        assert.equal(live.reduce((sum, { c }) => sum + c.n, 0),
                     Math.min(max.channels, max.mine * live.length));
        live.forEach(({ c }) => c.terminate());
    }
});


async function start(http, texts) {
    return Nginx.start({ server: SERVER, text: nginx => {
        fs.mkdirSync(`${nginx.prefix}/rules/tenants`, { recursive: true });

        for (const [name, text] of Object.entries(texts)) {
            fs.writeFileSync(`${nginx.prefix}/rules/${name}.lua`, text);
        }

        return config({ ...nginx, http: http(nginx.prefix) });
    } });
}


after(() => {
    console.log(`# seed ${SEED}: ${JSON.stringify(kinds)}`);
    assert.ok(kinds.accepted && kinds.limited && kinds.refused);
});

"use strict";

/*
 * Flags and given rules on two nodes of one Redis: what the API sets on one is
 * what rules (rt.flag) and the configuration ($rt_flag_NAME) have on all workers
 * of both, soon, and while everyone asks; a share is the same keys everywhere.
 */

const assert = require("node:assert/strict");
const http = require("node:http");
const path = require("node:path");
const { afterEach, describe, test } = require("node:test");

const { until } = require("./nginx.js");
const { conf } = require("./ledger.js");
const { pair, upTo } = require("./pair.js");

const RULES = path.resolve(__dirname, "../rules/flags");

const HTTP = socket => `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_drain      window=100ms;
    rt_redis      unix:${socket} timeout=2s backoff=20ms:100ms;
    rt_rules      ${RULES};
    rt_flag       share 25%;
    rt_namespace  chat publish=any;
`;

const SERVER = `
        location /say {
            add_header X-Pid $pid always;
            return 200 "$rt_flag_mine $rt_flag_share";
        }
`;

const SOON = 10000;


function request(nginx, method, where, headers = {}, body) {
    return new Promise((resolve, reject) => {
        const asked = http.request({ agent: false, host: "127.0.0.1",
            port: nginx.port, method, path: where,
            headers: { "Content-Type": "application/json", "X-Tenant": "t",
                       ...headers } },
            response => {
                let text = "";

                response.on("data", piece => { text += piece; });
                response.on("end", () => resolve({ text,
                    status: response.statusCode,
                    pid: Number(response.headers["x-pid"]) }));
            });

        asked.on("error", reject);
        asked.end(body && JSON.stringify(body));
    });
}


async function put(nginx, what, body) {
    const { status, text } = await request(nginx, "PUT", `/api/${what}`, {},
                                           body);

    assert.equal(status, 200, text);
}

const set = (nginx, flags) => put(nginx, "flags", { flags, by: "test" });


/* what rt.flag(name, key) says to that client */
const flag = async (c, name, key) =>
    (await c.commands([{ rpc: { method: name, data: { key } } }]))[0].rpc.data;


/* the variable, of each worker */
async function said(nginx) {
    const texts = new Map();

    await until("an answer of each worker", async () => {
        const { pid, text } = await request(nginx, "GET", "/say");

        texts.set(pid, text.split(" ")[0]);

        return nginx.workerPids().every(each => texts.has(each));
    });

    return nginx.workerPids().map(each => texts.get(each));
}


describe("flags on two nodes", { timeout: 120000 }, () => {
    const p = pair(HTTP);

    afterEach(() => p.stop());

    /* and a client on each worker */
    async function both() {
        await p.begin();

        const nodes = [];

        for (const _ of upTo(2)) {
            nodes.push(await p.node({ text: conf({
                http: HTTP(p.redis.path), server: SERVER }) }));
        }

        await p.know(1, ...nodes);

        const clients = [];

        for (const nginx of nodes) {
            clients.push(...await p.everywhere(nginx, "chat:x"));
        }

        assert.equal(clients.length, 4);

        return { a: nodes[0], b: nodes[1], nodes, clients };
    }


    test("a flag that is set on one is on all workers of both", async t => {
        const { a, b, nodes, clients } = await both();

        for (const [nginx, on] of [[a, true], [b, false], [a, true]]) {
            const began = Date.now();

            await set(nginx, { mine: on });

            await Promise.all(clients.map(c => until("rt.flag", async () =>
                await flag(c, "mine") === on, SOON)));

            const took = Date.now() - began;

            await Promise.all(nodes.map(node => until("$rt_flag_", async () =>
                (await said(node)).every(x => x === (on ? "on" : "off")),
                SOON)));

            t.diagnostic(`${on}: rt.flag on four workers after ${took} ms`);
        }
    });


    test("rules that are given on one judge on all workers of both", async () => {
        const { a, b, clients } = await both();
        const code = c => c.commands([{ publish: { channel: "chat:x",
                                                   data: 1 } }])
            .then(() => 0, error => error.code);

        for (const [nginx, n] of [[a, 4001], [b, 4002]]) {
            await put(nginx, "rules", { by: "test", text:
                `return { publish = function() return rt.deny(${n}) end }` });

            await Promise.all(clients.map(c => until("the rule", async () =>
                await code(c) === n, SOON)));
        }

        const { status } = await request(a, "DELETE", "/api/rules");

        assert.equal(status, 200);
        await Promise.all(clients.map(c => until("no rule", async () =>
            await code(c) === 0, SOON)));
    });


    test("while everyone asks, each answer is one that was set", async () => {
        const { nodes, clients } = await both();
        let over = false, asked = 0;

        await set(nodes[0], { mine: { percent: 0, allow: ["k"] } });
        await Promise.all(clients.map(c => until("it", async () =>
            await flag(c, "mine", "k"), SOON)));

        const asking = clients.map(async c => {
            while (!over) {
                const replies = await c.commands(upTo(20).map(i =>
                    ({ rpc: { method: "mine",
                              data: { key: i % 2 ? "k" : "never" } } })));

                replies.forEach(({ rpc }, i) =>
                    assert.ok(i % 2 ? !rpc.data : rpc.data, `answer ${i}`));
                asked += replies.length;
            }
        });

        /* "k" has it all the time, "never" never */
        for (const i of upTo(40)) {
            await set(nodes[i % 2], { mine: i % 3
                ? { percent: 100, allow: ["k", `n${i}`], deny: ["never"] }
                : { percent: 0, allow: [`n${i}`, "k"] },
                [`f${i % 5}`]: i % 2 === 0 });
        }

        over = true;
        await Promise.all(asking);
        assert.ok(asked > 0);

        await set(nodes[0], { mine: { percent: 0, allow: ["n"] } });
        await Promise.all(clients.map(c => until("the last", async () =>
            await flag(c, "mine", "n") && !await flag(c, "mine", "k"), SOON)));
    });


    /* a rule is at work, in one worker, when others change it */
    test("a rule that is changed while it runs ends as what it was", async () => {
        const { nodes, clients } = await both();
        let over = false;

        const text = n => `return { publish = function()
            local all = true
            for i = 1, 300 do all = all and rt.flag("mine") end
            return rt.deny(4000 + ${n}, all and "all" or "not all")
        end }`;

        await set(nodes[0], { mine: true });
        await put(nodes[0], "rules", { by: "test", text: text(0) });

        const codes = new Set();

        const asking = clients.map(async c => {
            while (!over) {
                await c.commands([{ publish: { channel: "chat:x", data: 1 } }])
                    .catch(error => codes.add(error.code));
            }
        });

        for (const i of upTo(40)) {
            await put(nodes[i % 2], "rules", { by: "test", text: text(i) });
            await set(nodes[i % 2], { [`f${i % 5}`]: i % 2 === 0 });
        }

        await Promise.all(clients.map(c => until("the last", () => c.commands(
            [{ publish: { channel: "chat:x", data: 1 } }])
                .then(() => false, error => error.message === "4040 all"),
            SOON)));

        over = true;
        await Promise.all(asking);

        /* and one whose share is spent */
        codes.delete(111);
        assert.deepEqual([...codes].filter(n => n < 4000 || n > 4040), []);
    });


    test("a share is the same keys everywhere, and keeps them when it grows",
         async () => {
        const { a, nodes, clients } = await both();
        const keys = upTo(200).map(i => `user-${i}`);

        const inside = async c => {
            const replies = await c.commands(keys.map(key =>
                ({ rpc: { method: "share", data: { key } } })));

            return keys.filter((key, i) => replies[i].rpc.data);
        };

        const first = await inside(clients[0]);

        assert.ok(first.length > 20 && first.length < 80, `${first.length}`);

        for (const c of clients) {
            assert.deepEqual(await inside(c), first);
        }

        for (const nginx of nodes) {
            for (const key of keys.slice(0, 20)) {
                const { text } = await request(nginx, "GET", "/say",
                                               { "X-User": key });

                assert.equal(text.split(" ")[1],
                             first.includes(key) ? "on" : "off", key);
            }
        }

        await set(a, { share: { percent: 60 } });
        await Promise.all(clients.map(c => until("more", async () =>
            (await inside(c)).length > first.length, SOON)));

        for (const c of clients) {
            const now = await inside(c);

            assert.ok(first.every(key => now.includes(key)));
            assert.ok(now.length > 80 && now.length < 160, `${now.length}`);
        }
    });
});

"use strict";

/*
 * What the API sets for tenants, flags and rules: on two nodes of one Redis, and
 * on one node with a file.  It is on all workers of all nodes, it is there again
 * after whatever happened, and two that change it at once lose nothing.
 */

const assert = require("node:assert/strict");
const { execFileSync, spawn, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { afterEach, describe, test } = require("node:test");

const { Nginx, until } = require("./nginx.js");
const { conf, errorLog } = require("./ledger.js");
const { pair } = require("./pair.js");

const RULES = path.resolve(__dirname, "../rules/site");

const HTTP = socket => `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_drain      window=100ms;
    rt_redis      unix:${socket} timeout=2s backoff=20ms:100ms;
    rt_rules      ${RULES};
`;

const PID = "\n        add_header X-Pid $pid always;\n";
const upTo = n => Array.from({ length: n }, (_, i) => i + 1);


/* of the tenant t, if nothing else is said */
const set = (nginx, flags, more = {}, tenant = "t") =>
    nginx.api("flags", { flags, by: "test", ...more }, { "X-Tenant": tenant },
              "PUT");
const put = (nginx, text, tenant = "t") =>
    nginx.api("rules", { text, by: "test" }, { "X-Tenant": tenant }, "PUT");
const get = async (nginx, what = "flags", tenant = "t") =>
    (await nginx.api(what, undefined, { "X-Tenant": tenant }, "GET"))
        .body.result;

async function accepted(answer) {
    const { status, body } = await answer;

    assert.equal(status, 200, JSON.stringify(body));

    return body.result.version;
}


/* what each worker says, by its pid */
async function everywhere(nginx, what, tenant) {
    const said = new Map();

    await until("an answer of each worker", async () => {
        const agent = new http.Agent({ keepAlive: false });
        const [pid, text] = await new Promise((resolve, reject) => {
            http.get({ agent, port: nginx.port, host: "127.0.0.1",
                path: `/api/${what}`, headers: { "X-Tenant": tenant } },
                response => {
                    let body = "";

                    response.on("data", piece => { body += piece; });
                    response.on("end", () =>
                        resolve([response.headers["x-pid"], body]));
                }).on("error", reject);
        });

        said.set(Number(pid), JSON.parse(text).result);

        return nginx.workerPids().every(each => said.has(each));
    });

    return nginx.workerPids().map(each => said.get(each));
}


/* all of them, soon */
const reaches = (nodes, good, what = "flags", tenant = "t") =>
    Promise.all(nodes.map(nginx => until("it is everywhere", async () =>
        (await everywhere(nginx, what, tenant)).every(good), 10000)));


describe("two nodes of one Redis", { timeout: 120000 }, () => {
    const p = pair(HTTP);
    const node = (options = {}) => p.node({
        text: conf({ http: HTTP(p.redis.path), server: PID }), ...options });

    afterEach(() => p.stop());

    async function both(options) {
        await p.begin(options);

        const a = await node();
        const b = await node();

        await p.know(1, a, b);

        return { a, b };
    }


    test("a change on one is on all workers of both", async () => {
        const { a, b } = await both();
        const began = Date.now();
        const v1 = await accepted(set(a, { beta: true }));

        await reaches([a, b], r => r.version === v1 && r.flags.beta.on);

        const took = Date.now() - began;
        const v2 = await accepted(put(b, "return {} -- é"));

        await reaches([a, b], r => r.version === v2
            && r.source === "api" && r.text === "return {} -- é", "rules");
        await reaches([a, b], r => r.flags.beta.by === "test");

        const v3 = (await b.api("rules?by=x", undefined, { "X-Tenant": "t" },
                                "DELETE")).body.result.version;

        await reaches([a, b], r => r.version === v3
                                   && r.source === "default", "rules");

        /* of another tenant nothing */
        assert.deepEqual(await get(b, "flags", "u"),
                         { version: 0, flags: {} });

        assert.ok(v1 < v2 && v2 < v3);
        console.log(`# on all workers of both nodes after ${took} ms`);

        assert.equal(await p.redis.call("HGET", "rt:configs", "t"),
                     String(v3));

        const audit = await p.redis.call("XRANGE", "rt:{t}:audit", "-", "+");

        assert.deepEqual(audit.map(([, fields]) => fields.slice(-2)),
            [v1, v2, v3].map(v => ["version", String(v)]));
        assert.deepEqual(audit.map(([, fields]) => fields.slice(0, 8)), [
            ["what", "flags", "change", '"beta":true', "by", "test",
             "from", "127.0.0.1"],
            ["what", "rules", "change", "15 bytes", "by", "test",
             "from", "127.0.0.1"],
            ["what", "rules", "change", "deleted", "by", "x",
             "from", "127.0.0.1"],
        ]);
    });


    test("names that need escaping are each tenant's own", async () => {
        const { a, b } = await both();
        const names = ["a:b", "a", "{a}", "a%7B", "é", "a b"];

        for (const name of names) {
            await accepted(set(a, { [`f${names.indexOf(name)}`]: true }, {},
                               Buffer.from(name).toString("latin1")));
        }

        for (const name of names) {
            const sent = Buffer.from(name).toString("latin1");

            await reaches([b], r => Object.keys(r.flags).join()
                                    === `f${names.indexOf(name)}`,
                          "flags", sent);
        }

        assert.equal(await p.redis.call("HLEN", "rt:configs"), names.length);
    });


    test("many change it at once: nothing is lost", async () => {
        const { a, b } = await both();

        /* all are sent before one is answered */
        await p.redis.call("CLIENT", "PAUSE", "300", "ALL");

        const changes = upTo(24).map(n => set(n % 2 ? a : b,
                                              { [`f${n}`]: { percent: n } }));
        const answers = await Promise.all(changes);

        for (const { status, body } of answers) {
            assert.equal(status, 200, JSON.stringify(body));
        }

        await reaches([a, b], r => Object.keys(r.flags).length === 24
            && upTo(24).every(n => r.flags[`f${n}`].percent === n));

        const versions = answers.map(({ body }) => body.result.version);

        assert.equal(new Set(versions).size, 24);
    });


    test("from a version: one of two", async () => {
        const { a, b } = await both();
        const version = await accepted(set(a, { x: true }));

        await reaches([b], r => r.version === version);

        await p.redis.call("CLIENT", "PAUSE", "300", "ALL");

        const answers = await Promise.all([
            set(a, { x: { percent: 1 } }, { version }),
            set(b, { x: { percent: 2 } }, { version })]);

        assert.deepEqual(answers.map(({ status }) => status).sort(),
                         [200, 409]);

        const won = answers[0].status === 200 ? 1 : 2;

        await reaches([a, b], r => r.flags.x.percent === won);
    });


    test("Redis is away: refused, and what was set stands", async () => {
        const { a } = await both();

        await accepted(set(a, { x: true }));
        await p.redis.kill();

        const answer = await until("it is refused", async () => {
            const said = await set(a, { x: false });

            return said.status === 503 && said;
        });

        assert.equal(answer.body.code, 100);
        assert.equal((await get(a)).flags.x.on, true);

        await p.redis.run();
        await until("it is back", async () =>
            (await set(a, { y: true })).status === 200);
        await reaches([a], r => r.flags.x.on && r.flags.y.on);
    });


    test("Redis was emptied, or restarted without its data: it is put back",
         async () => {
        const { a, b } = await both();
        const version = await accepted(set(a, { x: true }));
        const rules = await accepted(put(b, "return {}", "u"));
        const back = () => until("it is put back", async () => {
            const [t, u] = await p.redis.call("HMGET", "rt:configs", "t", "u");
            const [flags] = await p.redis.call("HMGET", "rt:{t}:config",
                                               "flags");

            return Number(t) === version && Number(u) === rules
                   && JSON.parse(flags).x.on;
        });

        await reaches([a, b], r => r.version === version);
        await p.redis.call("FLUSHALL");
        await back();

        await p.redis.kill();
        await p.redis.run();
        await back();

        /* someone who comes now has it */
        const c = await node();

        await reaches([c], r => r.flags.x?.on);
        await reaches([c], r => r.text === "return {}", "rules", "u");
        assert.match(errorLog(a) + errorLog(b),
                     /what was set for tenant "t" was not in Redis/);
    });


    test("emptied, and changed before anyone knows", async () => {
        const { a, b } = await both();

        await accepted(set(a, { x: true }));
        await reaches([b], r => r.flags.x?.on);

        await p.redis.call("FLUSHALL");
        await accepted(set(b, { y: true }));
        await reaches([a, b], r => r.flags.x?.on && r.flags.y?.on);
    });


    test("a node that was cut off, or comes later, has all of it", async () => {
        const { a, b } = await both();

        await b.quit();

        for (const n of upTo(30)) {
            await accepted(set(a, { x: { percent: n } }, {}, `t${n}`));
        }

        await b.run();
        await Promise.all(upTo(30).map(n => reaches([b], r =>
            r.flags.x?.percent === n, "flags", `t${n}`)));

        /* its connections are cut, and nobody tells it meanwhile */
        await p.redis.call("CLIENT", "KILL", "TYPE", "pubsub");
        await accepted(set(a, { x: { percent: 99 } }, {}, "t1"));
        await reaches([a, b], r => r.flags.x.percent === 99, "flags", "t1");
    });


    test("what stands in Redis makes no sense: passed over", async () => {
        const { a, b } = await both();
        const version = await accepted(set(a, { x: true }));

        for (const [key, value] of [["t", "x"], ["u", "-1"], ["v", "5"],
                                    ["w", "99999999999999999999"],
                                    ["\n", "1"], ["", "1"]]) {
            await p.redis.call("HSET", "rt:configs", key, value);
        }

        await p.redis.call("SET", "rt:{v}:config", "5");

        for (const text of ["", "x", "1 c", `1 c ${"0".repeat(36)} 0 - 1 0 0 1`
                            + "\nt", `1 c ${"0".repeat(36)} 9007199254740993`
                            + " - 1 0 0 1\nt", `1 c ${"0".repeat(36)} `
                            + "1999999999999 - 1 0 0 0\n",
            `1 c ${"0".repeat(36)} 1999999999999 - 1 1 0 1\n{t`,
            `1 c ${"0".repeat(36)} 1999999999999 - 1 0 2 1\n[]t`]) {
            await p.redis.call("PUBLISH", "rt:nodes", text);
        }

        const c = await node();

        await reaches([a, b, c], r => r.version === version && r.flags.x.on);
        assert.deepEqual(await get(c, "flags", "v"),
                         { version: 0, flags: {} });
        await accepted(set(c, { x: false }));
        await reaches([a, b, c], r => r.flags.x.on === false);

        /* a key of another type is refused, and nothing has changed */
        assert.equal((await set(a, { x: true }, {}, "v")).status, 503);
        assert.deepEqual(await get(a, "flags", "v"),
                         { version: 0, flags: {} });
    });


    test("under load, while nodes are reloaded", async () => {
        const { a, b } = await both();

        /* one that is kept may end while it is asked by it */
        a.agent = new http.Agent({ keepAlive: false });
        b.agent = a.agent;

        let over = false, n = 0, refused = 0, last = 0;

        const load = async () => {
            while (!over) {
                const now = ++n;
                const { status, body } = await set(now % 2 ? a : b,
                    { count: { percent: now % 100 } });

                assert.ok([200, 503].includes(status), JSON.stringify(body));

                if (status === 200) {
                    assert.ok(body.result.version > last, "versions rise");
                    last = body.result.version;
                } else {
                    refused++;
                }
            }
        };
        const running = load();

        for (let round = 0; round < 3; round++) {
            await a.reload();
            await b.reload();
        }

        over = true;
        await running;
        assert.ok(n - refused > 20, `${n} changes, ${refused} refused`);

        await reaches([a, b], r => r.version === last);
        console.log(`# ${n} changes, ${refused} refused`);
    });
});


describe("the script, whichever command fails", { timeout: 60000 }, () => {
    const p = pair(HTTP);

    afterEach(() => p.stop());

    const USER = "user default on nopass ~* &* +@all";

    for (const [right, accepts] of [["hmget", false], ["hset", false],
                                    ["xadd", true]])
    {
        test(`no ${right}: ${accepts ? "accepted" : "refused, and whole"}`,
             async () => {
            await p.begin({ acl: [USER] });

            const a = await p.node();

            await accepted(set(a, { x: true }));

            const before = await p.redis.call("HGETALL", "rt:{t}:config");
            const index = await p.redis.call("HGETALL", "rt:configs");

            const b = await p.node({ text: conf({ server: PID,
                http: HTTP(p.redis.path) }) });

            await reaches([b], r => r.flags.x?.on);
            await p.redis.call("ACL", "SETUSER", "default", `-${right}`);

            const { status } = await set(b, { x: false });

            await p.redis.call("ACL", "SETUSER", "default", `+${right}`);

            if (accepts) {
                assert.equal(status, 200);
                return;
            }

            assert.equal(status, 503);
            assert.deepEqual(await p.redis.call("HGETALL", "rt:{t}:config"),
                             before);
            assert.deepEqual(await p.redis.call("HGETALL", "rt:configs"),
                             index);
        });
    }
});


describe("a file", { timeout: 120000 }, () => {
    const open = [];
    const FILE = `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_drain      window=100ms;
    rt_rules      ${RULES};
    rt_namespace  default;
    rt_state_file state/settings;
`;

    afterEach(async () => {
        for (const nginx of open.splice(0)) {
            assert.deepEqual((await nginx.stop())
                .filter(line => !/rt_state_file/.test(line)), []);
        }
    });

    async function node(options = {}) {
        const nginx = await Nginx.start({ workers: 2,
            text: it => {
                fs.mkdirSync(`${it.prefix}/state`, { recursive: true });
                return conf({ http: FILE, server: PID })(it);
            }, ...options });

        open.push(nginx);
        nginx.file = `${nginx.prefix}/state/settings`;

        return nginx;
    }


    test("it outlives nginx, a reload and a kill", async () => {
        const a = await node();

        await accepted(set(a, { x: true }, {}, "\xc3\xa9 {}"));
        await accepted(put(a, "return {} -- \"x\"\n", "u"));

        const version = await accepted(set(a, { x: true, y: { percent: 5 } }));
        const before = fs.readFileSync(a.file, "utf8");
        const same = async () => {
            await reaches([a], r => r.version === version && r.flags.x.on
                                    && r.flags.y.percent === 5);
            await reaches([a], r => r.text === "return {} -- \"x\"\n", "rules",
                          "u");
            await reaches([a], r => r.flags.x?.on, "flags", "\xc3\xa9 {}");
        };

        await same();
        await a.quit();
        await a.run();
        await same();
        await a.reload();
        await same();

        assert.equal(fs.readFileSync(a.file, "utf8"), before);
        assert.equal(fs.statSync(a.file).mode & 0o777, 0o600);

        /* deleted ones keep their version */
        const gone = (await a.api("rules", undefined, { "X-Tenant": "u" },
                                  "DELETE")).body.result.version;

        await a.quit();
        await a.run();
        await reaches([a], r => r.version === gone && r.source === "default",
                      "rules", "u");
    });


    test("many change it at once: all of them are there", async () => {
        const a = await node({ workers: 4 });
        const answers = await Promise.all(upTo(24).map(n =>
            set(a, { [`f${n}`]: true })));

        for (const { status, body } of answers) {
            assert.ok(status === 200 || status === 503, JSON.stringify(body));
        }

        const good = upTo(24).filter(n => answers[n - 1].status === 200)
            .map(n => `f${n}`).sort();

        assert.ok(good.length >= 8);

        await a.quit();
        await a.run();
        assert.deepEqual(Object.keys((await get(a)).flags).sort(), good);
    });


    test("a tenant that has nothing else is kept for them", async () => {
        const a = await node();

        await accepted(set(a, { x: true }));

        /* more than are kept without anything */
        for (const n of upTo(1200)) {
            const { body } = await a.api("publish", { channel: "x", data: 1 },
                                         { "X-Tenant": `idle-${n}` });

            assert.ok(body.result, JSON.stringify(body));
        }

        assert.equal((await get(a)).flags.x.on, true);
    });


    test("it cannot be written: refused, and what was set stands", async () => {
        const a = await node();

        await accepted(set(a, { x: true }));
        fs.renameSync(`${a.prefix}/state`, `${a.prefix}/moved`);

        const { status, body } = await set(a, { x: false });

        assert.equal(status, 500);
        assert.match(body.message, /"rt_state_file" cannot be written/);
        a.child.kill("SIGHUP");
        await until("a warning at the next reload", () =>
            /\[warn\].*workers cannot write "rt_state_file"/
                .test(errorLog(a)));
        assert.equal((await get(a)).flags.x.on, true);

        /* what is there cannot be replaced */
        fs.renameSync(`${a.prefix}/moved`, `${a.prefix}/state`);
        fs.renameSync(a.file, `${a.file}.old`);
        fs.mkdirSync(`${a.file}/x`, { recursive: true });

        assert.equal((await set(a, { x: false })).status, 500);
        assert.equal((await get(a)).flags.x.on, true);
        assert.ok(!fs.existsSync(`${a.file}.new`));

        fs.rmSync(a.file, { recursive: true });
        await accepted(set(a, { x: false }));
        assert.equal((await get(a)).flags.x.on, false);

        /* that of the folder is nginx's alert, and the test's doing */
        assert.match((await a.stop()).join(), /rename\(\)/);
        open.splice(open.indexOf(a), 1);
    });


    test("a broken one refuses the start, and says why", async () => {
        const a = await node();

        await accepted(set(a, { x: true }));
        await accepted(set(a, { x: true }, {}, "u"));
        await a.quit();

        const whole = fs.readFileSync(a.file, "utf8");
        const check = () => {
            try {
                execFileSync(process.env.TEST_NGINX_BINARY ?? "nginx",
                    ["-t", "-p", a.prefix, "-c", `${a.prefix}/nginx.conf`,
                     "-e", "stderr"], { stdio: ["ignore", "ignore", "pipe"] });
                return "";
            } catch (error) {
                return String(error.stderr);
            }
        };

        assert.equal(check(), "");

        for (const [text, why] of [
            [whole.slice(0, -1), /line 3 is not ended/],
            [whole.slice(0, whole.indexOf("\n") + 1), /line 2 is missing/],
            [whole.replace(/.*\n/, ""), /line 2 counts others/],
            [whole.replace("\"version\"", "\"versio\""), /line 1 is no line/],
            [whole.replace(/\n/, "\n\n"), /line 2 is no line/],
            [whole + whole, /line 4 is not ended/],
            [whole.replace("\"tenant\":\"", "\"tenant\":\"%0"),
             /line 1 has a name/],
            ["", /line 1 is missing/],
            ["\xff\n", /line 1 is no line|not UTF-8/],
        ]) {
            fs.writeFileSync(a.file, text);
            assert.match(check(), why, JSON.stringify(text.slice(0, 60)));
            assert.match(check(), /rt_state_file" "[^"]*settings" is broken/);
        }

        fs.rmSync(a.file);
        fs.mkdirSync(a.file);
        assert.match(check(), /is not a file/);
        fs.rmSync(a.file, { recursive: true });
        assert.equal(check(), "");

        fs.writeFileSync(a.file, whole);
        await a.run();
        assert.equal((await get(a)).flags.x.on, true);
    });


    test("another worker stands while it writes: others wait, not for ever",
         async () => {
        const a = await node();
        const lock = `${a.file}.lock`;
        const holder = spawn("flock", ["-o", lock, "cat"],
                             { stdio: ["pipe", "ignore", "ignore"] });
        const ended = new Promise(resolve => holder.on("exit", resolve));

        await until("it is locked", () => spawnSync("flock",
            ["-n", lock, "true"]).status === 1);

        const { status } = await set(a, { x: true });

        assert.equal(status, 503);
        assert.equal((await get(a)).version, 0);

        const waits = set(a, { x: true });

        holder.stdin.end();
        await ended;
        await accepted(waits);
    });
});

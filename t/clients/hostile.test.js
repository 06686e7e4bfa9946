"use strict";

/*
 * What no Redis should say, and what it says when it cannot: to publications,
 * to the greeting, to pub/sub.  Nobody is told that something was accepted,
 * everybody is told something, the worker lives, and takes up again.
 */

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const fs = require("node:fs");
const { after, before, describe, test } = require("node:test");

const { FakeRedis, array, bulk } = require("./fakeredis.js");
const { count, isReady, says, seen, start } = require("./links.js");
const { script } = require("./lua.js");
const { tool, until } = require("./nginx.js");
const { Proxy } = require("./proxy.js");
const { Redis } = require("./redis.js");

const KEPT = `rt_namespace kept history=100 ttl=1m durable;
              rt_namespace fast;`;
const CONF = "timeout=500ms connect_timeout=500ms backoff=10ms:20ms";
const CALLERS = 8;

const EPOCH = "abcdefgh";

const ACCEPT = crypto.createHash("sha1").update(
    script("ngx_rt_stream_script", "ngx_rt_stream_accept")).digest("hex");

/* as the scripts answer: so many publications, to one channel */
const good = n => `*${n + 1}\r\n${bulk(EPOCH)}`
    + Array.from({ length: n }, (_, i) => bulk(`${i + 1}-0`)).join("");

const nested = (depth, what) => `*1\r\n`.repeat(depth) + what;

/* name: what is said to EVALSHA; those that end the connection, those that
   do not */
const FATAL = {
    "no protocol": "x\r\n",
    "nothing at all in a line": "\r\n",
    "another protocol": "HTTP/1.1 400 Bad Request\r\n\r\n",
    "a length that is no number": "$abc\r\n",
    "a negative length": "$-5\r\n",
    "a negative array": "*-5\r\n",
    "a number that overflows": "*99999999999999999999\r\n",
    "a huge array": "*2147483647\r\n",
    "more elements than it may have": "*131073\r\n",
    "many arrays in one": `*1024\r\n${"*1024\r\n".repeat(200)}`,
    "arrays in arrays": nested(8, ":1\r\n"),
    "arrays in arrays without end": nested(20000, ":1\r\n"),
    "a line without end": `+${"a".repeat(200000)}`,
    "a string that does not come": "$1000\r\nabc",
    "a string of a gigabyte": "$1000000000\r\nabc",
    "an array that does not come": "*2\r\n$8\r\nabcdefgh\r\n",
    "the end of the connection": null,
    "nothing": undefined,
};

const HARMLESS = {
    "nil": "$-1\r\n",
    "a nil array": "*-1\r\n",
    "an empty array": "*0\r\n",
    "an empty string": "$0\r\n\r\n",
    "OK": "+OK\r\n",
    "a number": ":1\r\n",
    "a string": bulk("1-0"),
    "nil for the epoch": "*1\r\n$-1\r\n",
    "nil for all": "*2\r\n$-1\r\n$-1\r\n",
    "the epoch alone": array([EPOCH]),
    "an epoch that is none": array(["ABC", "1-0"]),
    "an epoch with a zero in it": array(["abc\0defg", "1-0"]),
    "a number for the epoch": `*2\r\n:1\r\n${bulk("1-0")}`,
    "an array for the epoch": `*2\r\n*0\r\n${bulk("1-0")}`,
    "nil for the offset": `*2\r\n${bulk(EPOCH)}$-1\r\n`,
    "a number for the offset": `*2\r\n${bulk(EPOCH)}:1\r\n`,
    "an epoch and no offset": bulk(`${EPOCH} `),
    "an epoch and an offset of 0": bulk(`${EPOCH} 0`),
    "an epoch and a negative offset": array([`${EPOCH} -1`]),
    "an epoch and more than an offset": bulk(`${EPOCH} 1 2`),
    "an epoch and an offset that overflows":
        array([`${EPOCH} 18446744073709551617`]),
    "something between the two": array([`${EPOCH}x1`]),
    "an offset of no epoch": bulk("ABCDEFGH 1"),
    "OK for the offset": `*2\r\n${bulk(EPOCH)}+1-0\r\n`,
    "an offset of 0": array([EPOCH, "0-0"]),
    "an offset that overflows": array([EPOCH, "18446744073709551617-0"]),
    "a negative offset": array([EPOCH, "-1-0"]),
    "an offset and more": array([EPOCH, "1x-0"]),
    "words that are none": `*2\r\n${bulk(EPOCH)}${array(["yes", "1", EPOCH])}`,
    "words without an offset":
        `*2\r\n${bulk(EPOCH)}*3\r\n${bulk("untold")}$-1\r\n${bulk(EPOCH)}`,
    "words with a negative offset":
        `*2\r\n${bulk(EPOCH)}*3\r\n${bulk("untold")}:-1\r\n${bulk(EPOCH)}`,
    "too few words": `*2\r\n${bulk(EPOCH)}${array(["untold", "1"])}`,
    "arrays to the bound": nested(6, "*0\r\n"),
    "a string of a megabyte": bulk("a".repeat(1 << 20)),
    "words of a key that has none":
        `*2\r\n${bulk(EPOCH)}${array(["repeated", "1", EPOCH])}`,
    "words of a version that has none":
        `*2\r\n${bulk(EPOCH)}${array(["stale", "1", EPOCH])}`,
    "an error inside": `*2\r\n${bulk(EPOCH)}-OOM no memory\r\n`,
    "an error for the epoch": "*1\r\n-WRONGTYPE no\r\n",
};

/* by name, as FAULTS has them; and what becomes of the connection */
const ERRORS = {
    "NOSCRIPT No matching script": ["noscript", "stays"],
    "LOADING Redis is loading the dataset in memory": ["loading", "stays"],
    "BUSY Redis is busy running a script": ["busy", "stays"],
    "OOM command not allowed when used memory > 'maxmemory'": ["oom", "stays"],
    "MISCONF Redis is configured to save RDB": ["misconf", "stays"],
    "NOREPLICAS Not enough good replicas to write": ["noreplicas", "stays"],
    "CLUSTERDOWN The cluster is down": ["clusterdown", "stays"],
    "TRYAGAIN Multiple keys request": ["tryagain", "stays"],
    "ERR max number of clients reached": ["maxclients", "goes"],
    "READONLY You can't write against a read only replica": ["readonly",
                                                             "goes"],
    "MASTERDOWN Link with MASTER is down": ["masterdown", "goes"],
    "NOAUTH Authentication required": ["noauth", "goes"],
    "WRONGPASS invalid username-password pair": ["wrongpass", "goes"],
    "MOVED 3999 127.0.0.1:6381": ["moved", "stays"],
    "ASK 3999 127.0.0.1:6381": ["ask", "stays"],
    "CROSSSLOT Keys in request don't hash to the same slot": ["crossslot",
                                                              "stays"],
    "NOPERM this user has no permissions": ["noperm", "stays"],
    "WRONGTYPE Operation against a key": ["wrongtype", "stays"],
    "ERR unknown command": ["err", "stays"],
    "ERR Error running script (call to f_1): @user_script:7: -OOM no":
        ["oom", "stays"],
    "WHATEVER it is": ["other", "stays"],
    "": ["other", "stays"],
};


describe("hostile and odd replies", { timeout: 120000 }, () => {
    let fake, nginx, workers;

    before(async () => {
        fake = await FakeRedis.start();
        nginx = await start(`${fake.url()} ${CONF}`, { workers: 1,
                                                       more: KEPT });
        await isReady(nginx);
        workers = nginx.workerPids();
    });

    after(async () => {
        const alarms = await nginx.stop();

        await fake.stop();
        assert.deepEqual(alarms, []);
    });

    const publish = (n = nginx, i = 0, more = {}) => n.api("publish",
        { channel: "kept:x", data: i, ...more }, { "X-Tenant": "t" })
        .then(({ body }) => body.result ?? body);

    const callers = () => Promise.all(Array.from({ length: CALLERS },
                                                 (_, i) => publish(nginx, i)));

    /* how many publications a call has: data, info, tags after the head */
    const publications = args => {
        const nkeys = Number(args[2]);
        const careful = args[1] === ACCEPT;

        return Number(args[3 + nkeys + (careful ? 7 : 4) + 2]);
    };

    /* to publications; what the node says of itself is answered as ever */
    function say(answer) {
        fake.answers.EVALSHA = (args, connection) =>
            args[3] === "rt:nodes" ? ":0\r\n"
            : typeof answer === "function" ? answer(args, connection) : answer;
    }

    async function works() {
        say(args => good(publications(args)));
        await isReady(nginx);
        assert.equal((await publish()).epoch, EPOCH);
        assert.deepEqual(nginx.workerPids(), workers);
        await until("nobody waits", async () =>
            (await seen(nginx)).pending_bytes === 0);
    }

    /* all are refused; said to each call, or to the first one only */
    async function refused(answer) {
        say(answer);

        const said = await callers();

        for (const one of said) {
            assert.equal(one.error?.code, 100, JSON.stringify(one));
        }
    }

    test("what a Redis says is taken", works);

    for (const [what, answer] of Object.entries(FATAL)) {
        test(`${what}: the connection is begun anew`, async () => {
            const { losses_total: lost } = await seen(nginx);

            await refused(answer);
            await works();
            assert.ok((await seen(nginx)).losses_total > lost);
        });
    }

    for (const [what, answer] of Object.entries(HARMLESS)) {
        test(`${what}: nothing was accepted`, async () => {
            const { losses_total: lost } = await seen(nginx);

            await refused(answer);
            await works();
            assert.equal((await seen(nginx)).losses_total, lost);
        });
    }

    for (const [text, [name, connection]] of Object.entries(ERRORS)) {
        test(`-${text.split(" ", 1)[0]} (${name}): the connection `
             + connection, async () => {
            const then = await seen(nginx);
            const loads = fake.count("SCRIPT");

            await refused(`-${text}\r\n`);

            const kind = `replies_total.${name}`;
            const now = await seen(nginx);

            assert.ok(now[kind] > (then[kind] ?? 0), kind);
            await works();

            const { losses_total: lost } = await seen(nginx);

            assert.equal(lost > then.losses_total, connection === "goes");

            if (name === "noscript") {
                assert.ok(fake.count("SCRIPT") > loads);
            }
        });
    }

    /* a key of a fast channel: it is claimed, and what came of it written */
    for (const [what, claim, settle, code] of [
        ["all is well", "*0\r\n", ":1\r\n", undefined],
        ["OK for a claim", "+OK\r\n", ":1\r\n", 100],
        ["nil for a claim", "$-1\r\n", ":1\r\n", 100],
        ["numbers for a claim", "*3\r\n:1\r\n:2\r\n:3\r\n", ":1\r\n", 100],
        ["a claim of one word", array(["claim"]), ":1\r\n", 100],
        ["OK for a result", "*0\r\n", "+OK\r\n", 100],
        ["nil for a result", "*0\r\n", "$-1\r\n", 100],
        ["an array for a result", "*0\r\n", "*0\r\n", 100],
        ["an error for a result", "*0\r\n", "-OOM no\r\n", 100],
        ["no result", "*0\r\n", undefined, 100],
        ["the end for a result", "*0\r\n", null, 100],
    ]) {
        test(`a keyed publication, ${what}`, async () => {
            const answers = [claim, settle];

            await works();
            say(() => answers.shift());

            const said = await publish(nginx, 1, { channel: "fast:x",
                                                   idempotency_key: what });

            assert.equal(said.error?.code, code, JSON.stringify(said));
            await works();
        });
    }

    /* it says so once a second; a newer hiredis takes it for malformed */
    test("an error is no line of its own in the log", async () => {
        const malformed = count(nginx, /a reply is malformed/);

        await until("it is told", async () => {
            await refused(`*2\r\n${bulk(EPOCH)}-OOM no\n[mine] it is\r\n`);

            return count(nginx, /\[mine\]/)
                   || count(nginx, /a reply is malformed/) > malformed;
        });

        assert.equal(count(nginx, /\n\[mine\]/), 0);
        await works();
    });

    test("an answer more than was asked for ends the connection", async () => {
        await works();

        const { losses_total: lost } = await seen(nginx);

        say(args => good(publications(args)) + "+OK\r\n");

        await callers();
        await says(nginx, /away for commands: it answers what it was not asked/);
        await works();
        assert.ok((await seen(nginx)).losses_total > lost);
    });

    test("answers before there is a question", async () => {
        const { losses_total: lost } = await seen(nginx);

        fake.connections.forEach(connection =>
            connection.write(good(1).repeat(100)));

        await until("they end it", async () =>
            (await seen(nginx)).losses_total >= lost + 2);
        await works();
    });

    test("split at every byte", async () => {
        say((args, connection) => {
            (async () => {
                for (const byte of Buffer.from(good(publications(args)))) {
                    connection.write(Buffer.from([byte]));
                    await new Promise(setImmediate);
                }

                fake.goOn(connection);
            })();
        });

        assert.ok((await callers()).every(({ epoch }) => epoch === EPOCH));
        await works();
    });

    test("a string without end takes a bounded piece of memory", async () => {
        const rss = () => Number(/VmRSS:\s+(\d+)/.exec(
            fs.readFileSync(`/proc/${workers[0]}/status`))[1]);
        const most = () => Number(/VmHWM:\s+(\d+)/.exec(
            fs.readFileSync(`/proc/${workers[0]}/status`))[1]);
        const from = rss();

        await refused((args, connection) => {
            const block = Buffer.alloc(1 << 20, "a");
            let left = 100;

            connection.write("*2\r\n$8\r\nabcdefgh\r\n$104857600\r\n");
            (function more() {
                while (left-- > 0 && !connection.destroyed) {
                    if (!connection.write(block)) {
                        connection.once("drain", more);
                        return;
                    }
                }
            })();
        });

        await says(nginx, /away for commands: a reply is too large|in time/);
        await works();

        if (!tool) {
            assert.ok(most() - from < 200 * 1024, `${most()} ${from}`);
            assert.ok(rss() - from < 16 * 1024, `${rss()} ${from}`);
        }
    });

    /* the other connection */
    for (const [what, said, ends] of [
        ["a message that nobody listens to",
         array(["message", "rt:{t}:bus:x", "hello"]), false],
        ["a message that is none",
         array(["message", "rt:{t}:bus:x", "1 p x"]), false],
        ["a subscription that nobody asked for",
         `*3\r\n${bulk("subscribe")}${bulk("x")}:1\r\n`, false],
        ["the end of one", `*3\r\n${bulk("unsubscribe")}${bulk("x")}:0\r\n`,
         false],
        ["nil", "$-1\r\n", true],
        ["a number", ":1\r\n", true],
        ["an empty array", "*0\r\n", true],
        ["a message of one word", array(["message"]), true],
        ["a message of four", array(["message", "a", "b", "c"]), true],
        ["a message to a number", "*3\r\n$7\r\nmessage\r\n:1\r\n$1\r\na\r\n",
         true],
        ["a message of nil", "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$-1\r\n", true],
        ["a word that it does not know", array(["pmessage", "a", "b"]), true],
        ["a number for a word", "*3\r\n:1\r\n$1\r\na\r\n$1\r\nb\r\n", true],
        ["an error", "-NOPERM no\r\n", true],
        ["garbage", "garbage\r\n", true],
    ]) {
        test(`pub/sub, ${what}: ${ends ? "begun anew" : "no matter"}`,
             async () => {
            await works();

            const { losses_total: lost } = await seen(nginx);
            const [pubsub] = [...fake.connections].filter(connection =>
                connection.said?.every(name => name !== "INFO"));

            pubsub.write(said);

            if (ends) {
                await until("it ends", async () =>
                    (await seen(nginx)).losses_total > lost);

            } else {
                /* it is answered behind it */
                const pings = fake.count("PING");

                await until("it is asked again", () =>
                    fake.count("PING") > pings + 1);
                assert.equal((await seen(nginx)).losses_total, lost);
            }

            await works();
        });
    }

    for (const [what, answers] of Object.entries({
        "nil for INFO": { INFO: "$-1\r\n" },
        "an array for INFO": { INFO: "*1\r\n$1\r\na\r\n" },
        "an error for INFO that would be a line of the log":
            { INFO: "-ERR no\nso: [mine] it is\r\n" },
        "an error for INFO": { INFO: "-NOPERM no permission\r\n" },
        "an INFO without end": { INFO: "$1000000000\r\nabc" },
        "another digest of a script": { SCRIPT: bulk("a".repeat(40)) },
        "an error for a script": { SCRIPT: "-ERR Error compiling\r\n" },
        "garbage": { CLIENT: "garbage\r\n" },
        "the end": { INFO: null },
        "an answer more": { INFO: "+OK\r\n+OK\r\n" },
        "silence": { INFO: undefined },
    })) {
        test(`a greeting, ${what}: it is not ready, until it is`, async () => {
            await works();
            Object.assign(fake.answers, answers);
            fake.cut();

            await until("two attempts", async () =>
                (await seen(nginx)).losses_total
                && fake.count("CLIENT") > 2);
            await until("it is not ready", async () =>
                (await seen(nginx))["state.commands.ready"] === 0);
            assert.equal((await publish()).error.code, 100);

            fake.answers = {};
            await works();
        });
    }

    test("a greeting may be told less than all", async () => {
        Object.assign(fake.answers, { CONFIG: "-NOPERM no\r\n",
            CLIENT: "-ERR unknown command\r\n", INFO: bulk("") });
        fake.cut();
        await isReady(nginx);
        fake.answers = {};
        await works();
    });

    test("the log is not flooded", () => {
        assert.ok(count(nginx, /\[error\]/) < 2 * (Object.keys(FATAL).length
            + Object.keys(ERRORS).length + 60));
    });
});


test("a real Redis, byte by byte", { timeout: 60000 }, async () => {
    const redis = await Redis.start({ aof: "always" });
    const proxy = await Proxy.start(redis);

    proxy.pieces = 1;

    const nginx = await start(`${proxy.url()} connect_timeout=20s`,
                              { more: KEPT });

    await isReady(nginx);

    for (let i = 1; i < 6; i++) {
        const { body } = await nginx.api("publish",
            { channel: "kept:x", data: i }, { "X-Tenant": "t" });

        assert.equal(body.result.offset, i);
    }

    assert.deepEqual(await nginx.stop(), []);
    await proxy.stop();
    await redis.stop();
});

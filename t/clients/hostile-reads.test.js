"use strict";

/*
 * What no Redis should answer to who reads a stream or empties it: nobody is
 * told that this is what was there, everybody is told something, the worker
 * lives, and the next good answer is taken.
 */

const assert = require("node:assert/strict");
const { once } = require("node:events");
const { after, before, describe, test } = require("node:test");
const WebSocket = require("ws");

const { FakeRedis, array, bulk } = require("./fakeredis.js");
const { isReady, seen, start } = require("./links.js");
const { until } = require("./nginx.js");

const KEPT = "rt_namespace kept history=100 ttl=1m durable;";
const CONF = "timeout=500ms connect_timeout=500ms backoff=10ms:20ms";

const EPOCH = "abcdefgh";
const NOW = String(Date.now());

const fields = n => array(["data", String(n), "time", NOW]);
const entry = (n, what = fields(n)) => `*2\r\n${bulk(`${n}-0`)}${what}`;
const list = entries => `*${entries.length}\r\n${entries.join("")}`;

/* as the scripts answer */
const page = (entries, { epoch = bulk(EPOCH), top = bulk("9"), more = ":0\r\n" }
              = {}) =>
    `*4\r\n${epoch}${top}${list(entries)}${more}`;

/* of any of them */
const NONE = {
    "nil": "$-1\r\n",
    "a nil array": "*-1\r\n",
    "an empty array": "*0\r\n",
    "an empty string": "$0\r\n\r\n",
    "OK": "+OK\r\n",
    "a number": ":1\r\n",
    "an epoch that is none": `*2\r\n${bulk("ABC")}${bulk("x")}`,
    "numbers": "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n",
    "strings": array([EPOCH, "9", "x", "0"]),
    "nils": "*4\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n",
    "an error": "-ERR no\r\n",
    "an error that passes": "-LOADING no\r\n",
    "the end of the connection": null,
    "garbage": "garbage\r\n",
    "nothing": undefined,
};

/* of a page, from offset 1 on, ten at most */
const PAGES = {
    "an entry of one element": page([`*1\r\n${bulk("1-0")}`]),
    "an entry that is a string": page([bulk("1-0")]),
    "an entry that is nil": page(["*-1\r\n"]),
    "an id that is none": page([`*2\r\n${bulk("x-0")}${fields(1)}`]),
    "an id without an end": page([`*2\r\n${bulk("1")}${fields(1)}`]),
    "a number for an id": page([`*2\r\n:1\r\n${fields(1)}`]),
    "an offset of 0": page([entry(0)]),
    "an offset that overflows": page([entry("99999999999999999999")]),
    "an offset beyond the top": page([entry(10)]),
    "a hole": page([entry(1), entry(3)]),
    "the same twice": page([entry(1), entry(1)]),
    "the wrong direction": page([entry(3), entry(2), entry(1)]),
    "more than was asked for":
        page(Array.from({ length: 11 }, (_, i) => entry(i + 1)),
             { top: bulk("20") }),
    "nil for the fields": page([entry(1, "*-1\r\n")]),
    "a string for the fields": page([entry(1, bulk("data"))]),
    "numbers for the fields": page([entry(1, "*2\r\n:1\r\n:2\r\n")]),
    "no data": page([entry(1, array(["time", NOW]))]),
    "a time that is none": page([entry(1, array(["data", "1", "time", "x"]))]),
    "a name without a value": page([entry(1, array(["data"]))]),
    "entries without an epoch": page([entry(1)], { epoch: bulk("") }),
    "a number for the epoch": page([], { epoch: ":1\r\n" }),
    "nil for the top": page([], { top: "$-1\r\n" }),
    "a negative top": page([], { top: bulk("-1") }),
    "nil for what follows": page([], { more: "$-1\r\n" }),
    "an error inside": page([entry(1), "-ERR no\r\n"]),
    "arrays in arrays": page([entry(1, "*1\r\n*1\r\n*1\r\n*0\r\n")]),
};

/* of a copy that is read */
const READS = {
    "an entry of one element": page([`*1\r\n${bulk("1-0")}`],
                                    { more: bulk("0") }),
    "no data": page([entry(1, array(["time", NOW]))], { more: bulk("0") }),
    "no epoch": page([], { epoch: bulk(""), more: bulk("0") }),
    "a number for the floor": page([entry(1)]),
    "an error inside": page(["-ERR no\r\n"], { more: bulk("0") }),
};


describe("hostile and odd answers to reads", { timeout: 120000 }, () => {
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

    const api = (method, more = {}) => nginx.api(method,
        { channel: "kept:x", ...more }, { "X-Tenant": "t" })
        .then(({ body }) => body);

    /* to a script with so many words, and to no other */
    function say(words, answer) {
        fake.answers.EVALSHA = args =>
            args[3] === "rt:nodes" ? ":0\r\n"
            : args.length === words ? answer : "-ERR not now\r\n";
    }

    const history = { words: 15, good: page([entry(1), entry(2)]),
        ask: () => api("history", { limit: 10 }),
        taken: ({ result }) => result?.offset === 9
                               && result.publications.length === 2 };

    const remove = { words: 7, good: array([EPOCH, "9"]),
        ask: () => api("history_remove"),
        taken: ({ result }) => result !== undefined };

    const subscribe = { words: 14,
        good: page([entry(8), entry(9)], { more: bulk("0") }),
        async ask() {
            const socket = new WebSocket(nginx.url(),
                { headers: { "X-Tenant": "t" } });
            const heard = [];

            socket.on("message", text => String(text).split("\n")
                .forEach(line => heard.push(JSON.parse(line))));
            await once(socket, "open");
            socket.send('{"id":1,"connect":{}}\n' + JSON.stringify({ id: 2,
                subscribe: { channel: `kept:${fresh++}` } }));

            try {
                return await until("the reply", () =>
                    heard.find(o => o.id === 2));

            } finally {
                socket.terminate();
            }
        },
        taken: o => o.subscribe?.offset === 9 };

    let fresh = 0;

    for (const [name, { words, good, ask, taken }, cases] of [
        ["history", history, { ...NONE, ...PAGES }],
        ["history_remove", remove, NONE],
        ["subscribe", subscribe, { ...NONE, ...READS }],
    ]) {
        for (const [what, answer] of Object.entries(cases)) {
            test(`${name}, ${what}: error 100`, async () => {
                say(words, answer);

                const said = await ask();

                assert.equal(said.error?.code, 100, JSON.stringify(said));

                await isReady(nginx);
                say(words, good);
                await until("a good answer is taken", async () =>
                    taken(await ask()));
                assert.deepEqual(nginx.workerPids(), workers);
            });
        }
    }

    test("what is not known, and what is no info, does not matter", async () => {
        say(15, page([entry(1, array(["data", "1", "info", "{{", "tags", "",
                                      "more", "x", "time", NOW]))]));

        const { result } = await until("it is answered", async () => {
            const said = await history.ask();

            return said.result && said;
        });

        assert.deepEqual(result.publications, [{ data: 1, offset: 1 }]);
    });

    test("nobody waits, and nothing is held", async () => {
        await until("nobody waits", async () =>
            (await seen(nginx)).pending_bytes === 0);
    });
});

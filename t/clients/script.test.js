"use strict";

/*
 * The scripts of durable publications against a real Redis, without nginx: what
 * is answered, and what stands there afterwards, whichever step fails.
 */

const assert = require("node:assert/strict");
const { after, before, beforeEach, describe, test } = require("node:test");

const { script } = require("./lua.js");
const { until } = require("./nginx.js");
const { Redis } = require("./redis.js");
const { RedisError } = require("./resp.js");

const WINDOW = 300000, TTL = 600000, KEEP = 2592000000;


const append = script("ngx_rt_stream_script", "ngx_rt_stream_append");
const accept = script("ngx_rt_stream_script", "ngx_rt_stream_accept");
const key = (kind, ...rest) => [`rt:{t}:${kind}`, ...rest].join(":");
const A = "a".repeat(32), B = "b".repeat(32);


describe("durable publications", { timeout: 60000 }, () => {
    let redis;

    const call = (...args) => redis.call(...args);

    /* pubs: [{ channel, data, info, tags, key, digest, version, vepoch }] */
    function keysOf(channels, keyed) {
        return Object.entries(channels).flatMap(([name, pubs]) => [
            key("channel", name), key("meta", name),
            ...keyed === 1 ? pubs.map(pub =>
                pub.key ? key("idem", name, pub.key) : key("meta", name)) : [],
            ...keyed === 2 ? pubs.filter(pub => pub.key).flatMap(pub => [
                key("idem", name, pub.key), key("event", name, pub.key),
            ]) : [],
        ]);
    }

    function byChannel(pubs) {
        const channels = {};

        for (const pub of pubs) {
            (channels[pub.channel ?? "c"] ??= []).push(pub);
        }

        return channels;
    }

    /* per publication, in the order of the channels */
    function outcomes(reply, channels) {
        let at = 0;

        if (typeof reply === "string") {
            reply = [reply];
        }

        return Object.values(channels).flatMap(pubs => {
            const epoch = reply[at++];

            if (epoch === null || epoch instanceof RedisError) {
                return pubs.map(() => epoch);
            }

            if (epoch.length > 8) {
                const [name, first] = epoch.split(" ");

                return pubs.map((_, i) =>
                    ["accepted", String(Number(first) + i), name]);
            }

            return pubs.map(() => {
                const said = reply[at++];

                if (said === null || said instanceof RedisError) {
                    return said;
                }

                return typeof said === "string"
                    ? ["accepted", said.replace(/-0$/, ""), epoch]
                    : said.map(String);
            });
        });
    }

    async function run(text, keyed, head, each, channel, pubs) {
        const channels = byChannel(pubs);
        const keys = keysOf(channels, keyed);
        const args = Object.values(channels).flatMap(list =>
            [...channel(list.length), ...list.flatMap(each)]);

        return outcomes(await call("EVAL", text, keys.length, ...keys,
                                   ...head, ...args), channels);
    }

    const short = (pubs, { now = 1000, run: id = "run1", bus = "", max = 100,
                           turn = "5", window = WINDOW } = {}) => {
        const width = pubs.some(pub => pub.key) ? 4
                      : pubs.some(pub => pub.info || pub.tags) ? 3 : 1;

        return run(append, width === 4 ? 1 : 0, [now, bus, window, width],
            ({ data = "1", info = "", tags = "", key: name, digest = A }) => [
                ...[data, info, tags, name ? digest : ""].slice(0, width),
                ...bus ? [` ${data.length} ${info.length} ${tags.length}\n`]
                       : [],
            ], n => [max, `${id} ${turn}`, n], pubs);
    };

    const long = (pubs, { now = 1000, run: id = "run1", bus = "", max = 100,
                          turn = "5", epoch = "abcdefgh", lossy = "0",
                          ttl = TTL, window = WINDOW,
                          patience = 1000 } = {}) =>
        run(accept, 2, [now, id, bus, epoch, lossy, window, patience],
            pub => [pub.data ?? "1", pub.info ?? "", pub.tags ?? "",
                    pub.key ? pub.digest ?? A : "", pub.about ?? "",
                    pub.version ?? "",
                    pub.vepoch ?? ""],
            n => [max, `${id} ${turn}`, n, ttl, KEEP], pubs);

    const ways = { short, long };
    const entries = async (name = "c") =>
        (await redis.stream(key("channel", name)))
            .map(({ id, fields }) => [id, fields.data]);
    const meta = async (field, name = "c") =>
        call("HGET", key("meta", name), field);
    const marks = async () => (await call("KEYS", "rt:{t}:idem:*")).length;
    const kinds = list => list.map(said =>
        said instanceof RedisError ? said.kind : said);

    before(async () => { redis = await Redis.start(); });
    after(() => redis.stop());
    beforeEach(() => call("FLUSHALL"));


    for (const [name, publish] of Object.entries(ways)) {

        test(`${name}: offsets rise by one, in each channel`, async () => {
            await long([{}, { channel: "d" }]);

            assert.deepEqual(await publish([{ data: "2" }, { data: "3" },
                { channel: "d", data: "4", info: "{}", tags: "[]" }]), [
                ["accepted", "2", "abcdefgh"], ["accepted", "3", "abcdefgh"],
                ["accepted", "2", "abcdefgh"]]);

            assert.deepEqual(await entries(),
                             [["1-0", "1"], ["2-0", "2"], ["3-0", "3"]]);
            assert.equal(await meta("top"), "3");
            assert.deepEqual((await redis.stream(key("channel", "d")))[1], {
                id: "2-0",
                fields: { data: "4", info: "{}", tags: "[]", time: "1000" },
            });
        });

        test(`${name}: the bus is told, where anyone listens`, async () => {
            const heard = [], other = await redis.connect();

            await long([{}]);
            await other.subscribe(key("bus", "c"), text => heard.push(text));

            await publish([{ data: "12", tags: "345" }, { data: "6" }],
                          { bus: "1 p n ", now: 7 });
            await publish([{}]);

            await until("both are heard", () => heard.length >= 2);

            assert.deepEqual(heard, ["1 p n 2 abcdefgh 7 2 0 3\n12345",
                                     "1 p n 3 abcdefgh 7 1 0 0\n6"]);
            other.close();
        });

        test(`${name}: what is a string is no stream`, async () => {
            await long([{}]);
            await call("DEL", key("channel", "c"));
            await call("SET", key("channel", "c"), "x");

            const [said] = await publish([{}, { key: "k" }]);

            assert.ok(name === "short" ? said === null
                                       : said.kind === "WRONGTYPE", said);
            assert.equal(await meta("top"), "1");
            assert.equal(await marks(), 0);
        });

        test(`${name}: what is a string is no meta`, async () => {
            await long([{}]);
            await call("SET", key("meta", "c"), "x");

            const [said] = await publish([{}]);

            assert.ok(name === "short" ? said === null
                                       : said.kind === "WRONGTYPE", said);
            assert.deepEqual(await entries(), [["1-0", "1"]]);
        });

        test(`${name}: nothing is there when Redis takes no more`, async () => {
            await long([{}]);

            await redis.set("maxmemory", "1");
            assert.deepEqual(kinds(await publish([{}, {}])), ["OOM", "OOM"]);
            await redis.set("maxmemory", "0");

            await redis.set("min-replicas-to-write", "1");
            assert.deepEqual(kinds(await publish([{}])), ["NOREPLICAS"]);
            await redis.set("min-replicas-to-write", "0");

            await call("REPLICAOF", "127.0.0.1", "1");
            assert.deepEqual(kinds(await publish([{}])), ["READONLY"]);
            await call("REPLICAOF", "NO", "ONE");

            assert.deepEqual(await entries(), [["1-0", "1"]]);
            assert.equal(await meta("top"), "1");
        });

        test(`${name}: a channel that fails is alone`, async () => {
            await long([{}, { channel: "d" }, { channel: "e" }]);
            await call("SET", key("channel", "d"), "x");

            const said = await publish([{}, { channel: "d" },
                                        { channel: "e" }]);

            assert.deepEqual(said[0], ["accepted", "2", "abcdefgh"]);
            assert.deepEqual(said[2], ["accepted", "2", "abcdefgh"]);
            assert.notEqual(said[1]?.[0], "accepted");
        });

        test(`${name}: a stream has its length`, async () => {
            await long([{}]);
            for (let i = 0; i < 5; i++) {
                await publish(Array(64).fill({}), { max: 100 });
            }

            const { length } = await entries();

            assert.ok(length >= 100 && length < 300, `${length} entries`);
        });
    }


    test("short gives way wherever something is otherwise", async () => {
        const none = [null];

        assert.deepEqual(await short([{}]), none, "a new channel");

        await long([{}]);
        assert.equal((await short([{}]))[0][1], "2");
        assert.deepEqual(await short([{}], { run: "run2" }), none, "a run");
        assert.deepEqual(await short([{}], { turn: "6" }), none, "a turn");

        await call("XADD", key("channel", "c"), "9-0", "data", "x");
        assert.deepEqual(await short([{}]), none, "another's entry");

        await call("HSET", key("meta", "c"), "top", "x");
        assert.deepEqual(await short([{}]), none, "no number");

        await call("HSET", key("meta", "c"), "top", "2");
        await call("HDEL", key("meta", "c"), "due");
        assert.deepEqual(await short([{}]), none, "nothing is known");

        assert.equal((await entries()).length, 3);
    });

    test("a key is accepted once, whatever is said with it", async () => {
        const first = ["accepted", "1", "abcdefgh"];

        assert.deepEqual(await long([{ key: "k" }]), [first]);
        assert.deepEqual(await long([{ key: "k" }], { epoch: "zzzzzzzz" }),
                         [["repeated", "1", "abcdefgh"]]);
        assert.deepEqual(await long([{ key: "k", digest: B }]),
                         [["conflict", "1", "abcdefgh"]]);
        assert.deepEqual(await long([{ key: "k", channel: "d" }]), [first]);

        assert.equal((await entries()).length, 1);
        assert.equal(await call("GET", key("idem", "c", "k")),
                     `${A} 1 abcdefgh 1000`);
    });

    test("a key is accepted once within one call", async () => {
        assert.deepEqual(await long([{ key: "k" }, { key: "k" }, {},
                                     { key: "k", digest: B }]), [
            ["accepted", "1", "abcdefgh"], ["repeated", "1", "abcdefgh"],
            ["accepted", "2", "abcdefgh"], ["conflict", "1", "abcdefgh"]]);
    });

    test("a claim of long ago is taken over", async () => {
        const claim = `${A} claim 0-0-1000`, other = { key: "k", digest: B };

        await call("SET", key("idem", "c", "k"), claim);

        assert.deepEqual(await long([{ key: "k" }], { now: 2000 }),
                         [["repeated", "claim", "0-0-1000"]]);
        assert.deepEqual(await long([other], { now: 2000 }),
                         [["conflict", "claim", "0-0-1000"]]);
        assert.equal(await call("GET", key("idem", "c", "k")), claim);

        assert.deepEqual(await long([other], { now: 2001 }),
                         [["accepted", "1", "abcdefgh"]]);
        assert.deepEqual(await long([other], { now: 2001 }),
                         [["repeated", "1", "abcdefgh"]]);
    });

    test("what cannot be marked leaves no hole", async () => {
        const without = async (right, publish) => {
            await call("ACL", "SETUSER", "rt", "reset", "on", "nopass", "~*",
                       "&*", "+@all", "-set", `-${right}`);

            const bound = await redis.connect();
            const saved = redis.client;

            await bound.call("AUTH", "rt", "x");
            redis.client = bound;

            const said = await publish([{}, { key: "k" }, {}]);

            redis.client = saved;
            bound.close();
            await call("ACL", "DELUSER", "rt");

            return kinds(said);
        };

        await long([{}]);

        assert.deepEqual(await without("zadd", short), [
            ["accepted", "2", "abcdefgh"], null, null]);
        assert.deepEqual(await without("zadd", long), [
            ["accepted", "3", "abcdefgh"], "ERR",
            ["accepted", "4", "abcdefgh"]]);
        assert.equal(await meta("top"), "4");

        /* nobody may take the offset back: it is not used again */

        assert.deepEqual(await without("xsetid", short), [
            ["accepted", "5", "abcdefgh"], null, null]);
        assert.deepEqual(await without("xsetid", long), [
            ["accepted", "7", "abcdefgh"], "ERR",
            ["accepted", "9", "abcdefgh"]]);
        assert.equal(await meta("top"), "9");

        assert.deepEqual((await entries()).map(([id]) => id),
                         [1, 2, 3, 4, 5, 7, 9].map(n => `${n}-0`));
        assert.deepEqual(await short([{}]), [["accepted", "10", "abcdefgh"]]);
    });

    test("short: keys, as long as they are new", async () => {
        await long([{ key: "old" }]);

        assert.deepEqual(await short([{ key: "a" }, { tags: "[]" },
            { key: "old" }, { key: "a" }, { key: "b", info: "{}" }]), [
            ["accepted", "2", "abcdefgh"], ["accepted", "3", "abcdefgh"],
            null, null, ["accepted", "4", "abcdefgh"]]);
        assert.equal(await meta("top"), "4");
        assert.deepEqual(await short([{ key: "a" }, { key: "b" }]),
                         [null, null]);
        assert.equal(await meta("top"), "4");
        assert.deepEqual(await long([{ key: "b" }, { key: "a", digest: B }]), [
            ["repeated", "4", "abcdefgh"], ["conflict", "2", "abcdefgh"]]);

        const left = await call("PTTL", key("idem", "c", "a"));

        assert.ok(left > 0 && left <= WINDOW, `${left}`);
        assert.equal(await call("GET", key("idem", "c", "b")),
                     `${A} 4 abcdefgh 1000`);

        /* of the channels of a call, each has marks of its own */

        await long([{ channel: "d" }]);
        assert.deepEqual(await short([{ key: "x", channel: "e" },
            { key: "x" }, {}, { key: "x", channel: "d" }]), [
            null, ["accepted", "5", "abcdefgh"], ["accepted", "6", "abcdefgh"],
            ["accepted", "2", "abcdefgh"]]);
        assert.equal(await call("EXISTS", key("idem", "e", "x")), 0);
        assert.equal(await marks(), 5);
    });

    test("offsets over many digits", async () => {
        await call("HSET", key("meta", "c"), "top", "1");
        await long([{}]);

        for (const top of [1, 8, 9, 97, 1e6 - 9, 2 ** 53 - 40]) {
            await call("DEL", key("channel", "c"));
            await call("HSET", key("meta", "c"), "top", top);

            const said = await short(Array(23).fill({ data: "x" }));
            const offsets = said.map((_, i) => String(top + 1 + i));

            assert.deepEqual(said.map(([, offset]) => offset), offsets);
            assert.deepEqual((await entries()).map(([id]) => id),
                             offsets.map(offset => `${offset}-0`));
        }
    });

    test("short: the bus is told until nobody listens", async () => {
        const heard = [], other = await redis.connect();
        const told = async () => Number(/cmdstat_publish:calls=(\d+)/.exec(
            await call("INFO", "commandstats"))?.[1] ?? 0);

        await long([{}, { channel: "d" }]);
        await other.subscribe(key("bus", "c"), text => heard.push(text));

        const from = await told();

        await short([...Array(20).fill({}),
                     ...Array(20).fill({ channel: "d" })], { bus: "b " });
        await until("all are heard", () => heard.length >= 20);

        assert.equal(await told() - from, 21);
        assert.deepEqual(heard.map(text => text.split(" ")[1]),
                         heard.map((_, i) => String(i + 2)));
        other.close();
    });

    test("marks and status live as long as the window", async () => {
        await long([{ key: "k", about: "s1 - - " }, { key: "l" }],
                   { window: 5000 });

        for (const kind of ["idem", "event"]) {
            const left = await call("PTTL", key(kind, "c", "k"));

            assert.ok(left > 0 && left <= 5000, `${kind}: ${left}`);
        }

        const status = await call("HGETALL", key("event", "c", "k"));

        assert.deepEqual(status, ["status", "accepted", "offset", "1",
                                  "epoch", "abcdefgh", "time", "1000",
                                  "session", "s1"]);

        /* the mark says it all */

        assert.equal(await call("EXISTS", key("event", "c", "l")), 0);
        assert.equal(await call("GET", key("idem", "c", "l")),
                     `${A} 2 abcdefgh 1000`);
    });

    test("what is said of an event stands in its status", async () => {
        const rest = async name => {
            const list = await call("HGETALL", key("event", "c", name));

            return Object.fromEntries(list.slice(8).flatMap((field, i) =>
                i % 2 ? [] : [[field, list[i + 9]]]));
        };

        await long([{ key: "a", about: "s1 7 00-1 a - \nb" },
                    { key: "b", about: "- 1 - -" },
                    { key: "c", about: "s1 - - " }]);

        assert.deepEqual(await rest("a"), { session: "s1", version: "7",
            traceparent: "00-1", type: "a - \nb" });
        assert.deepEqual(await rest("b"), { version: "1", type: "-" });
        assert.deepEqual(await rest("c"), { session: "s1" });
    });

    test("a repeat is told where nothing new is taken", async () => {
        await long([{ key: "k" }]);
        await redis.set("maxmemory", "1");

        const said = await long([{ key: "k" }, { key: "l" }, {}]);

        await redis.set("maxmemory", "0");

        assert.deepEqual(kinds(said),
                         [["repeated", "1", "abcdefgh"], "OOM", "OOM"]);
        assert.equal(await marks(), 1);
        assert.equal(await call("EXISTS", key("event", "c", "l")), 0);
        assert.deepEqual((await long([{ key: "l" }]))[0],
                         ["accepted", "2", "abcdefgh"]);
    });

    test("what stands at a key and is no mark", async () => {
        await call("LPUSH", key("idem", "c", "list"), "x");
        await call("SET", key("idem", "c", "text"), "nonsense");

        const [list, text] = await long([{ key: "list" }, { key: "text" }]);

        assert.equal(list.kind, "WRONGTYPE");
        assert.equal(text[0], "conflict");
        assert.deepEqual(await entries(), []);
    });

    test("a status that cannot be kept does not undo it", async () => {
        const pub = { key: "k", about: "s1 - - " };

        await call("SET", key("event", "c", "k"), "x");

        assert.deepEqual(await long([pub]), [["untold", "1", "abcdefgh"]]);
        assert.deepEqual(await long([pub]), [["repeated", "1", "abcdefgh"]]);
    });

    test("an older version is not taken", async () => {
        const v = (version, vepoch = "") => ({ version, vepoch });
        const huge = "18446744073709551615";

        const said = await long([v("9"), v("10"), v("10"), v("9"), {},
                                 v("9", "x"), v(huge, "x"),
                                 v("18446744073709551614", "x")]);

        assert.deepEqual(said.map(s => [s[0], s[1]]), [
            ["accepted", "1"], ["accepted", "2"], ["stale", "2"],
            ["stale", "2"], ["accepted", "3"], ["accepted", "4"],
            ["accepted", "5"], ["stale", "5"]]);
        assert.deepEqual((await long([v("1", "x")]))[0],
                         ["stale", "5", "abcdefgh"]);
    });

    test("a lost meta begins an epoch behind what the stream has", async () => {
        await long([{}, {}]);
        await call("DEL", key("meta", "c"));

        assert.deepEqual(await long([{ key: "k" }], { epoch: "newepoch" }),
                         [["accepted", "3", "newepoch"]]);
        assert.equal((await entries()).length, 3);
    });

    test("so does a stream that knows more than meta", async () => {
        await long([{}, {}]);
        await call("HSET", key("meta", "c"), "top", "1");

        assert.deepEqual(await long([{}, {}], { epoch: "newepoch" }), [
            ["accepted", "3", "newepoch"], ["accepted", "4", "newepoch"]]);
        assert.equal(await meta("epoch"), "newepoch");

        await call("XADD", key("channel", "c"), "1700000000000-5", "x", "y");

        assert.deepEqual(await long([{}], { epoch: "another1" }),
                         [["accepted", "1700000000001", "another1"]]);
    });

    test("and one whose meta is nonsense", async () => {
        await long([{}, {}]);

        for (const top of ["x", "-7", "1.5", ""]) {
            const { length } = await entries();

            await call("HSET", key("meta", "c"), "top", top);

            assert.deepEqual(await long([{}], { epoch: "newepoch" }),
                [["accepted", String(length + 1), "newepoch"]], top);
        }
    });

    test("a stream that is gone is gone on with", async () => {
        await long([{}, {}]);
        await call("DEL", key("channel", "c"));

        assert.deepEqual(await long([{}]), [["accepted", "3", "abcdefgh"]]);
    });

    test("another run begins an epoch, where an end may be lost", async () => {
        const next = { run: "run2", epoch: "newepoch" };

        await long([{}]);
        assert.deepEqual(await long([{}], next),
                         [["accepted", "2", "abcdefgh"]]);
        assert.equal(await meta("run"), "run2");

        assert.deepEqual(
            await long([{}], { ...next, run: "run3", lossy: "1" }),
            [["accepted", "3", "newepoch"]]);
        assert.deepEqual(
            await long([{}], { run: "run3", lossy: "1", epoch: "another1" }),
            [["accepted", "4", "newepoch"]]);
    });

    test("a turn prolongs both keys, and drops what is old", async () => {
        const left = async kind => call("PTTL", key(kind, "c"));

        await long([{}, {}, {}]);
        assert.ok(await left("channel") > TTL && await left("meta") > KEEP);

        await call("PEXPIRE", key("channel", "c"), 1000);
        await long([{}]);
        assert.ok(await left("channel") <= 1000, "not in the same turn");

        await long([{}], { turn: "6" });
        assert.ok(await left("channel") > TTL, "in another one");

        /* three had been published a little more than its time ago */

        const [seconds] = await call("TIME");

        await call("HSET", key("meta", "c"), "ages",
                   `${seconds - TTL / 1000 - 1}:3 ${seconds - 400}:4`);
        await long([{}], { turn: "7" });

        assert.deepEqual((await entries()).map(([id]) => id),
                         ["4-0", "5-0", "6-0"]);
        assert.match(await meta("ages"), /^\d+:4 \d+:5$/);
    });

    test("turns that come and go keep the list of ages short", async () => {
        for (let i = 0; i < 50; i++) {
            await long([{}], { turn: String(i % 2), ttl: 60000 });
        }

        assert.ok((await meta("ages")).split(" ").length < 3);
    });


    /* each command of a script is one that its user may not use */

    const everything = ["hmget", "hset", "xadd", "xinfo", "get", "set", "xdel",
                        "publish", "pexpire", "xtrim", "time", "hget"];

    for (const denied of everything) {

        test(`without ${denied} nothing is said that is not so`, async () => {
            await call("ACL", "SETUSER", "rt", "reset", "on", "nopass", "~*",
                       "&*", "+@all", `-${denied}`);

            const bound = await redis.connect();
            const saved = redis.client;

            await bound.call("AUTH", "rt", "x");

            const good = [];
            let keyed = 0;

            for (let i = 0; i < 2; i++) {
                redis.client = bound;

                const said = await long(
                    [{ key: `k${i}` }, {}, { channel: "new" }],
                    { bus: "b ", turn: String(i) });

                redis.client = saved;

                const fine = one => !(one instanceof RedisError);

                good.push(...said.filter(fine));
                keyed += fine(said[0]);
            }

            const stored = [...await entries(), ...await entries("new")];

            assert.equal(good.length, stored.length,
                         `${JSON.stringify(good)} ${stored}`);
            assert.equal(await marks(), keyed);
            assert.ok(denied !== "hset" || good.length === 0,
                      "without a top there is nothing");

            bound.close();
            await call("ACL", "DELUSER", "rt");
        });
    }

    for (const denied of ["hget", "hincrby", "xadd", "xtrim", "publish"]) {

        test(`short: without ${denied} the same`, async () => {
            await long([{}, { channel: "d" }]);
            await call("ACL", "SETUSER", "rt", "reset", "on", "nopass", "~*",
                       "&*", "+@all", `-${denied}`);

            const bound = await redis.connect();
            const saved = redis.client;

            await bound.call("AUTH", "rt", "x");
            redis.client = bound;

            const said = [
                ...await short(Array(40).fill({}), { bus: "b " }),
                ...await short([{ channel: "d", info: "{}" },
                                { channel: "d" }], { bus: "b " }),
            ];

            redis.client = saved;

            const told = ["publish", "xtrim"].includes(denied);

            for (const [i, one] of said.entries()) {
                const offset = String(i < 40 ? i + 2 : i - 38);

                assert.ok(told
                    ? one[0] === "accepted" && one[1] === offset
                    : one === null || one.kind === "NOPERM",
                    `${i}: ${JSON.stringify(one)}`);
            }

            for (const [name, most] of [["c", 41], ["d", 3]]) {
                const top = String(told ? most : 1);

                assert.equal((await entries(name)).at(-1)[0], `${top}-0`);
                assert.equal(await meta("top", name), top);
            }

            bound.close();
            await call("ACL", "DELUSER", "rt");
        });
    }

    test("short: what is in the way of one of them", async () => {
        await long([{}]);

        /* a stream that knows more than meta says takes none of them */

        await call("XADD", key("channel", "c"), "3-0", "data", "x");
        assert.deepEqual(await short([{}, {}, {}]), [null, null, null]);
        assert.equal(await meta("top"), "1");

        await call("HDEL", key("meta", "c"), "top");
        assert.deepEqual(await short([{}, {}]), [null, null]);
        assert.equal(await meta("top"), "0");
        assert.equal((await entries()).length, 2);

        await call("DEL", key("channel", "c"));
        assert.deepEqual(await short([{}, {}]), [null, null]);
        assert.deepEqual(await entries(), []);
    });
});

"use strict";

/*
 * Durable channels while Redis dies, stands, forgets its scripts, is full, is a
 * replica, has something else at a key; while what is said to it or by it is
 * late, cut or in pieces; while workers die at each step of a publish, and
 * reload.  Redis keeps what it has answered for, so nothing that was
 * acknowledged may be lost, and nobody may be told of a hole that is none.
 * Where Redis does lose something is in losses.test.js.
 *
 * DURABLE_SECONDS: again and again for so long, half of it in each world.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { after, before, describe, test } = require("node:test");

const { sleep, tool, until } = require("../clients/nginx.js");
const { private_ } = require("../clients/ledger.js");
const { TIMEOUT, World } = require("./durable.js");
const { shuffled } = require("./storm.js");


const SECONDS = Number(process.env.DURABLE_SECONDS ?? 0);

const POINTS = ["durable_queued", "durable_sent", "durable_answered",
                "durable_entered", "keyed_claimed", "keyed_published"];

/* of a worker, beyond pending= and what it takes to be at work at all */
const GROWTH = 8 << 20;

const key = (kind, tenant, channel) => `rt:{${tenant}}:${kind}:${channel}`;


let world, figures, acts;

/* what a round has to have met, or it shows nothing */
const met = (...names) => names.forEach(name =>
    assert.ok(figures[name] > 0, `no ${name}: ${JSON.stringify(figures)}`));

/* judge: what is to hold besides */
function fault(name, act, judge = () => {}) {
    acts.push(act);

    test(name, async t => {
        figures = await world.round(act);
        t.diagnostic(JSON.stringify(figures));
        assert.equal(figures.holes, 0, "a hole");
        judge(figures);
    });
}

function worlds(name, options, faults) {
    describe(name, () => {
        const mine = acts = [];
        let began;

        before(async () => {
            began = performance.now();
            world = await World.start(options);
        });

        after(async () => {
            assert.deepEqual(await world.stop(), []);
        });

        faults();

        if (SECONDS) {
            test("all of it, again and again, in any order", async t => {
                let n = 0;

                while (performance.now() - began < SECONDS / 2 * 1000) {
                    assert.deepEqual(await world.stop(), []);
                    world = await World.start(options);

                    for (const act of shuffled(mine)) {
                        await world.round(act);
                        n++;
                    }
                }

                t.diagnostic(`${n} rounds`);
            });
        }
    });
}


/* Redis's own ways to be away; publishers are told, and it works again */

const away = (begin, end, ms = 100) => async () => {
    await begin();
    await world.fails();
    await sleep(ms);
    await end();
    await world.works();
};

const killed = () => away(() => world.redis.kill(), () => world.redis.run());

/* by the signal of its process, longer than anybody waits for it */
const stopped = () => away(() => world.redis.pause(),
                           () => world.redis.resume(), 2 * TIMEOUT)();

/* what is refused is not there, whatever comes after it */
const refusing = (begin, end) => async () => {
    await begin();
    await world.fails();
    await sleep(50);

    const before = await world.lengths();

    await world.fails();
    assert.deepEqual(await world.lengths(), before);
    await end();
    await world.works();
};


async function scriptsFlushed() {
    for (let i = 0; i < 6; i++) {
        await world.redis.call("SCRIPT", "FLUSH", "SYNC");
        await world.works(8);
    }
}


async function busy() {
    const other = await world.redis.connect();

    await world.redis.set("busy-reply-threshold", "50");
    other.call("EVAL", "while true do end", "0").catch(() => {});
    await world.fails();
    await world.redis.call("SCRIPT", "KILL");
    await world.works();
    other.close();
}


/* a folder is in the way of the snapshot: so says a disk that is full */
async function snapshotFails() {
    const { redis } = world;

    fs.mkdirSync(`${redis.folder}/dump.rdb/in-the-way`, { recursive: true });
    await redis.set("save", "3600 1000000");
    await redis.call("BGSAVE");
    await until("the snapshot fails", async () =>
        (await redis.info("persistence")).rdb_last_bgsave_status === "err");
}

async function snapshotsAreOff() {
    await world.redis.set("save", "");
    fs.rmSync(`${world.redis.folder}/dump.rdb`, { recursive: true });
}


/* something else is there, for a while, instead of that key */
async function other(name, act) {
    const { redis } = world;

    await redis.call("MULTI");
    await redis.call("RENAME", name, `${name}-away`);
    await redis.call("LPUSH", name, "x");
    await redis.call("EXEC");
    await act();
    await redis.call("RENAME", `${name}-away`, name);
}

/* the others of the same tenant and the same call go on */
const wrongType = kind => async () => {
    const there = key("channel", "one", "kept:a");
    const length = () => world.redis.call("XLEN",
        kind === "channel" ? `${there}-away` : there);

    await other(key(kind, "one", "kept:a"), async () => {
        const before = await length();

        await world.fails();
        await world.works();
        assert.equal(await length(), before);
    });

    await world.works();
};


async function wrongMark() {
    const { redis, nginx } = world;
    const mark = `${key("idem", "one", "odd%3Amark")}:k`;
    const ask = async () => (await nginx.api("publish", { channel: "odd:mark",
        data: 1, idempotency_key: "k" }, { "X-Tenant": "one" })).body;

    await redis.call("LPUSH", mark, "x");
    assert.equal((await ask()).error.code, 100);
    assert.deepEqual(await redis.stream(key("channel", "one", "odd:mark")), []);

    await redis.call("DEL", mark);

    const { result } = await ask();

    assert.equal(result.offset, 1);
    assert.deepEqual(await ask(), { result });
}


/* memory while nothing is taken, and many wait */
async function bounded() {
    const { redis, nginx } = world;
    const pids = nginx.workerPids();
    const sizes = () => pids.map(private_);
    const data = "x".repeat(8000);
    const flood = async () => {
        const said = await Promise.all(Array.from({ length: 40 }, () =>
            nginx.api("publish", { channel: "odd:x", data },
                      { "X-Tenant": "one" })));

        return said.filter(({ body }) => body.error?.code === 100).length;
    };

    await flood();

    const before = sizes();
    let told = 0;

    redis.pause();

    for (let i = 0; i < 12; i++) {
        told += await flood();
        assert.ok(await world.metric("rt_redis_pending_bytes")
                  <= pids.length * (1 << 20));
    }

    assert.ok(told > 300, `${told} were told`);

    if (!tool) {
        sizes().forEach((size, i) => assert.ok(size - before[i] < GROWTH,
            `${size - before[i]} bytes more`));
    }

    redis.resume();
    await world.works();
}


/* what Redis says is late, cut off, in pieces */

const late = async () => {
    world.proxy.delay = 30;
    await world.works(40);
    world.proxy.delay = 0;
    await world.works();
};

/* longer than anybody waits: it was done all the same */
const tooLate = async () => {
    world.proxy.onReply = (value, [name]) =>
        name === "EVALSHA" ? { delay: 2 * TIMEOUT } : undefined;
    await world.fails();
    world.proxy.onReply = undefined;
    world.proxy.cut();
    await world.works();
};

/* so many replies to scripts pass, and the next is done something to */
const spoil = (every, times, what) => async () => {
    const { proxy } = world;
    let n = 0, done = 0;

    proxy.onReply = (value, [name]) =>
        name === "EVALSHA" && done < times && ++n % every === 0
        ? what(done++) : undefined;

    await until("all of it is done", () => done === times, 60000);
    proxy.onReply = undefined;
    await world.works();
};

/* both ways; not what a worker says first, which is long */
const inPieces = async () => {
    const pieces = ([name]) => name === "EVALSHA" ? { pieces: 1 } : undefined;

    world.proxy.onCommand = pieces;
    world.proxy.onReply = (value, args) => pieces(args);
    await world.works(100);
    world.proxy.onCommand = world.proxy.onReply = undefined;
};

/* a worker that has begun does not know yet which Redis it is */
const slowGreetings = async () => {
    world.proxy.onReply = (value, [name]) =>
        name === "INFO" ? { delay: 100 } : undefined;
    await reloads();
    world.proxy.onReply = undefined;
};


async function reloads() {
    for (let i = 0; i < 4; i++) {
        await Promise.all(world.nodes.map(nginx => nginx.reload()));
        await world.works();
    }

    await world.whole();
}

async function reloadsWhileAway() {
    await world.redis.kill();
    await Promise.all(world.nodes.map(nginx => nginx.reload()));
    await world.redis.run();
    await world.works();
    await world.whole();
}


worlds("a node and its Redis", { redis: { aof: "always" } }, () => {

    fault("no fault: all is acknowledged, at once", () => sleep(400), f => {
        assert.deepEqual([f.told, f.cut, f.repeats, f.unknown, f.duplicates],
                         [0, 0, 0, 0, 0]);
        met("acked", "due", "conflicts", "refused");
    });

    fault("SIGKILL, and started again on its append-only file", async () => {
        await killed()();
        await killed()();
    }, () => met("told", "repeats"));

    /* what it had read it does in the end, and somebody asks again */
    fault("SIGSTOP, for longer than anybody waits", stopped, f => {
        met("told", "repeats");
        assert.ok(f.duplicates + f.there > 0, JSON.stringify(f));
    });

    fault("SCRIPT FLUSH: nobody is told anything", scriptsFlushed, f =>
        assert.deepEqual([f.told, f.cut, f.unknown], [0, 0, 0]));

    fault("out of memory", async () => {
        await refusing(() => world.redis.set("maxmemory", "1mb"),
                       () => world.redis.set("maxmemory", "0"))();
    }, () => met("told", "repeats"));

    fault("a snapshot that fails (MISCONF)", async () => {
        await refusing(snapshotFails, snapshotsAreOff)();
    }, () => met("told", "repeats"));

    fault("too few replicas (NOREPLICAS)", async () => {
        await refusing(() => world.redis.set("min-replicas-to-write", "1"),
                       () => world.redis.set("min-replicas-to-write", "0"))();
    }, () => met("told", "repeats"));

    fault("a script of another's that does not end (BUSY)", busy,
          () => met("told", "repeats"));

    fault("a replica of one that is not there (READONLY)", async () => {
        await refusing(() => world.redis.call("REPLICAOF", "127.0.0.1", "1"),
                       () => world.redis.call("REPLICAOF", "NO", "ONE"))();
    }, () => met("told", "repeats"));

    for (const kind of ["channel", "meta"]) {
        fault(`something else at the key of a ${kind}`, wrongType(kind),
              () => met("told", "repeats"));
    }

    fault("something else at the mark of a key", wrongMark);

    fault("no room on the disk: Redis ends, and comes back", async () => {
        const { redis } = world;
        const aof = fs.readdirSync(`${redis.folder}/appendonlydir`)
            .find(name => /incr/.test(name));

        redis.limitFiles(fs.statSync(
            `${redis.folder}/appendonlydir/${aof}`).size + 5000);
        await redis.exited;
        await world.fails();
        await redis.restart();
        await world.works();
    }, () => met("told", "repeats"));

    fault("memory is bounded while many wait", bounded, () => met("told"));

    fault("reloads", reloads, () => met("back"));

    fault("a reload while Redis is away", reloadsWhileAway,
          () => met("told", "back"));

    for (const name of POINTS) {
        fault(`a worker is killed at ${name}`, () => world.killAt(name),
              () => met("cut"));
    }
});


worlds("two nodes, and a proxy before Redis",
    { redis: { aof: "always" }, nodes: 2, workers: 2, proxied: true }, () => {

    fault("late, and all is acknowledged", late, f =>
        assert.deepEqual([f.told, f.cut, f.unknown], [0, 0, 0]));

    fault("too late: all is done, and nobody is told", tooLate,
          () => met("told", "repeats", "duplicates"));

    fault("cut between append and reply", spoil(12, 8, () => "cut"),
          () => met("told", "repeats", "duplicates"));

    fault("cut within a reply, at each byte of it",
          spoil(6, 24, n => ({ bytes: n + 1 })),
          () => met("told", "repeats", "duplicates"));

    fault("in pieces of a byte", inPieces, () => met("acked"));

    fault("SIGKILL", async () => {
        await killed()();
    }, () => met("told", "repeats"));

    fault("greetings that take their time, and reloads", slowGreetings,
          () => met("back"));

    fault("a worker is killed at durable_answered",
          () => world.killAt("durable_answered"), () => met("cut"));
});

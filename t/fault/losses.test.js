"use strict";

/*
 * A Redis that loses what it has answered for, because it keeps no append-only
 * file, lost the end of it, was emptied, has become the replica of another, or
 * deletes what it has no room for.  That cannot be undone; but it is told:
 * channels begin a new epoch, whoever was subscribed is told of the hole, no
 * offset stands for two publications to anyone, and whatever is accepted from
 * then on is kept.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { after, before, describe, test } = require("node:test");

const { sleep, until } = require("../clients/nginx.js");
const { Connection, errorLog } = require("../clients/ledger.js");
const { Redis } = require("../clients/redis.js");
const { CHANNELS, TENANTS, World } = require("./durable.js");


const key = (kind, tenant, channel) => `rt:{${tenant}}:${kind}:${channel}`;

let world;

function worlds(name, options, faults) {
    describe(name, () => {
        before(async () => { world = await World.start(options); });

        after(async () => {
            assert.deepEqual(await world.stop(), []);
        });

        faults();
    });
}

/* told: all who are subscribed are to have been told of a hole */
function fault(name, act, { told = true, judge = () => {} } = {}) {
    test(name, async t => {
        const epochs = told && await world.epochs();
        const figures = await world.round(act);

        t.diagnostic(JSON.stringify(figures));

        if (told) {
            assert.ok(figures.holes > 0, "nobody was told");

            for (const [channel, epoch] of Object.entries(
                 await world.epochs()))
            {
                assert.notEqual(epoch, epochs[channel], channel);
            }
        }

        judge(figures);
    });
}


worlds("no append-only file, two nodes",
    { redis: {}, nodes: 2, workers: 2, lossy: true }, () => {

    fault("SIGKILL: all of it is gone", async () => {
        await world.redis.kill();
        await world.fails();
        world.loses();
        await world.redis.run();
        await world.works();
    });

    fault("FLUSHALL, and filled again at once", async () => {
        await world.redis.call("FLUSHALL");
        world.loses();
        await world.works(100);
    });

    /* nobody publishes, so nobody meets the new epoch */
    test("FLUSHALL, and nothing is published", async () => {
        const epochs = await world.epochs();

        await world.redis.call("FLUSHALL");
        world.loses();

        await until("all are told", () => world.ledger.live().length
            === world.expected && world.ledger.records.every(r =>
            !r.position || r.position.epoch
                           !== epochs[`${r.tenant} ${r.channel}`]), 30000);
    });

    fault("the replica of an empty one, and a master again", async () => {
        const { redis } = world;
        const other = await Redis.start();

        await redis.call("REPLICAOF", "127.0.0.1", other.port);
        await until("it is in step", async () =>
            (await redis.info("replication")).master_link_status === "up");
        await world.fails();
        world.loses();
        await redis.call("REPLICAOF", "NO", "ONE");
        await world.works();
        await other.stop();
    });

    fault("what channels say of themselves is deleted", async () => {
        for (const tenant of TENANTS) {
            for (const channel of Object.keys(CHANNELS)) {
                await world.redis.call("DEL", key("meta", tenant, channel));
            }
        }

        world.loses();
        await world.works(60);
    });

    fault("streams are deleted", async () => {
        for (const tenant of TENANTS) {
            for (const channel of Object.keys(CHANNELS)) {
                await world.redis.call("DEL", key("channel", tenant, channel));
            }
        }

        world.loses();
        await world.works(60);
    }, { told: false });

    /* no node has a copy of it */
    test("who comes back for what was in a deleted stream", async () => {
        const { redis, nginx } = world;
        const publish = async () => (await nginx.api("publish",
            { channel: "odd:gone", data: 1 }, { "X-Tenant": "one" }))
            .body.result;

        await publish();

        const { offset, epoch } = await publish();

        await publish();
        await redis.call("DEL", key("channel", "one", "odd:gone"));
        assert.deepEqual(await publish(), { offset: 4, epoch });

        const c = await new Connection(nginx, "one", ["odd:gone"], {
            asks: () => ({ recover: true, offset, epoch }),
            subscribed: (me, channel, reply) => { me.reply = reply; },
        }).ready;

        assert.deepEqual([c.reply.recovered, c.reply.offset, c.reply.epoch],
                         [undefined, 4, epoch]);
        await c.close();
    });
});


worlds("an append-only file that is not always on the disk",
    { redis: { aof: "everysec" }, nodes: 2, workers: 2, lossy: true }, () => {

    const aof = () => {
        const folder = `${world.redis.folder}/appendonlydir`;

        return `${folder}/${fs.readdirSync(folder)
            .find(name => /incr/.test(name))}`;
    };

    fault("no room on the disk (MISCONF): nothing is lost", async () => {
        const { redis } = world;

        redis.limitFiles(fs.statSync(aof()).size + 5000);
        await world.fails();
        await sleep(50);

        const was = await world.lengths();

        await world.fails();
        assert.deepEqual(await world.lengths(), was);
        redis.limitFiles(Infinity);
        await world.works();
    }, { told: false, judge: f => assert.equal(f.holes, 0) });

    fault("its end is lost", async () => {
        const { redis } = world;

        await redis.kill();
        await world.fails();
        fs.truncateSync(aof(), fs.statSync(aof()).size - 20000);
        world.loses();
        await redis.run();
        await world.works();
    });
});


worlds("a policy that deletes what there is no room for",
    { redis: { aof: "always", policy: "allkeys-lru", memory: "100mb" },
      nodes: 2, workers: 2, lossy: true }, () => {

    fault("it deletes", async () => {
        const { redis, nginx } = world;
        const { used_memory: used } = await redis.info("memory");
        const data = "x".repeat(4000);
        const evicted = async () =>
            Number((await redis.info("stats")).evicted_keys);

        await redis.set("maxmemory", Number(used) + 400000);

        for (let n = 0; await evicted() < 100; n++) {
            await nginx.api("publish", { channel: `odd:${n % 40}`, data },
                            { "X-Tenant": TENANTS[n % 2] });
        }

        await redis.set("maxmemory", "100mb");
        world.loses();
        await world.works();
    }, { told: false });

    test("and that was warned of", () => world.nodes.forEach(nginx =>
        assert.match(errorLog(nginx), /deletes streams and keys when/)));
});

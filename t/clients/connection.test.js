"use strict";

/*
 * The ways to a Redis, with several workers: TCP, a socket, TLS, an ACL user, a
 * database, a name; and what the log says of one that is not to be trusted.
 */

const assert = require("node:assert/strict");
const dgram = require("node:dgram");
const fs = require("node:fs");
const { afterEach, describe, test } = require("node:test");

const { FakeRedis } = require("./fakeredis.js");
const { errorLog } = require("./ledger.js");
const { clients, count, isReady, ready, says, seen, start }
    = require("./links.js");
const { freePort, until } = require("./nginx.js");
const { Redis } = require("./redis.js");

const SOON = "backoff=10ms:50ms";
const SECRET = "s3:cr/et@%?";


/* answers every question for an address with what a test says it is */
async function nameServer() {
    const server = dgram.createSocket("udp4");
    const names = { server, asked: 0, address: undefined };

    server.on("message", (question, from) => {
        names.asked++;

        if (!names.address) {
            return;
        }

        const answer = Buffer.concat([question.subarray(0, 2),
            Buffer.from([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]),
            question.subarray(12),
            Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4,
                         ...names.address.split(".").map(Number)])]);

        server.send(answer, from.port, from.address);
    });

    await new Promise(resolve => server.bind(0, "127.0.0.1", resolve));
    names.port = server.address().port;
    names.stop = () => { server.close(); };

    return names;
}


describe("connections to Redis", { timeout: 120000 }, () => {
    const started = [];

    async function add(promise) {
        const it = await promise;

        started.push(it);

        return it;
    }

    const redis = options => add(Redis.start(options));
    const nginx = (conf, options) => add(start(conf, options));

    afterEach(async () => {
        for (const it of started.splice(0).reverse()) {
            const alarms = await it.stop();

            assert.deepEqual(alarms ?? [], []);
        }
    });

    test("TCP, and a database", async () => {
        const r = await redis({ aof: "always", memory: "64mb" });
        const n = await nginx(`${r.url({ db: 3 })} ${SOON}`, { workers: 3 });

        await isReady(n);

        const seen_ = await clients(r);

        assert.equal(seen_.length, 6);
        assert.equal(seen_.filter(({ db }) => db === "3").length, 3);
        assert.equal(count(n, /rt: Redis at/), 0);
    });

    test("a unix socket, and a database", async () => {
        const r = await redis({ aof: "always" });
        const n = await nginx(`unix:${r.path}?db=2 ${SOON}`);

        await isReady(n);

        assert.deepEqual((await clients(r)).map(({ db }) => db).sort(),
                         ["0", "0", "2", "2"]);
    });

    test("TLS, of an authority that we know", async () => {
        const r = await redis({ tls: true });
        const n = await nginx(`${r.tlsUrl().replace("127.0.0.1", "localhost")}
                               tls_ca=${r.folder}/redis.crt ${SOON}`);

        await isReady(n);
        assert.equal((await clients(r)).length, 4);
        assert.equal(Number((await r.info("stats"))
                                .total_connections_received) > 4, true);
    });

    test("TLS, of an address", async () => {
        const r = await redis({ tls: true });
        const n = await nginx(
            `${r.tlsUrl()} tls_ca=${r.folder}/redis.crt ${SOON}`);

        await isReady(n);
    });

    test("TLS, with a certificate of ours", async () => {
        const r = await redis({ tls: true });
        const ca = `tls_ca=${r.folder}/redis.crt`;

        await r.set("tls-ca-cert-file", `${r.folder}/redis.crt`);
        await r.set("tls-auth-clients", "yes");

        const without = await nginx(`${r.tlsUrl()} ${ca} ${SOON}`);
        const having = await nginx(`${r.tlsUrl()} ${ca} ${SOON}
            tls_cert=${r.folder}/redis.crt tls_key=${r.folder}/redis.key`);

        await isReady(having);
        await says(without, /rt: Redis at \S+ is away for commands/);
        assert.equal(await ready(without), 0);
    });

    for (const [what, params, why] of [
        ["of an authority that we do not know",
         () => "", /its certificate: self.signed certificate/],
        ["of another name",
         r => `tls_ca=${r.folder}/redis.crt tls_name=redis.example.com`,
         /its certificate: [Hh]ostname mismatch/],
        ["of another address",
         r => `tls_ca=${r.folder}/redis.crt tls_name=127.0.0.9`,
         /its certificate: IP address mismatch/],
    ]) {
        test(`TLS, ${what}: it is told nothing`, async () => {
            const r = await redis({ tls: true, password: "s3cret" });
            const n = await nginx(`${r.tlsUrl()} ${params(r)} ${SOON}`);

            await says(n, why);
            assert.equal(await ready(n), 0);
            assert.equal((await clients(r)).length, 0);
        });
    }

    test("TLS, believing everyone", async () => {
        const r = await redis({ tls: true });
        const n = await nginx(`${r.tlsUrl()} tls_verify=off ${SOON}`);

        await isReady(n);
    });

    test("TLS to who speaks none, and none to who speaks TLS", async () => {
        const r = await redis({ tls: true });
        const plain = await nginx(`${r.url({ port: r.tlsPort })} ${SOON}`);
        const tls = await nginx(`rediss://127.0.0.1:${r.port} ${SOON}`);

        await says(plain, /is away for commands: \w/);
        await says(tls, /is away for commands: \w/);
        assert.equal(await ready(plain) + await ready(tls), 0);
    });

    test("an ACL user, whose password is in a file or in the URL", async () => {
        const r = await redis({ acl: [`user rt on >${SECRET} ~* &* +@all`,
                                      "user default on nopass ~* &* +@all"] });

        fs.writeFileSync(`${r.folder}/password`, `${SECRET}\n`);

        const url = `redis://127.0.0.1:${r.port}`;
        const file = await nginx(
            `${url} user=rt password_file=${r.folder}/password ${SOON}`);
        const inUrl = await nginx(`${url.replace("//",
            `//rt:${encodeURIComponent(SECRET)}@`)} ${SOON}`);

        await isReady(file);
        await isReady(inUrl);

        const all = await clients(r);

        assert.equal(all.length, 8);
        assert.ok(all.every(({ user }) => user === "rt"));

        for (const n of [file, inUrl]) {
            assert.ok(!errorLog(n).includes(SECRET));
        }
    });

    test("a wrong password is told of, but not told", async () => {
        const r = await redis({ password: "right" });
        const n = await nginx(`${r.url({ password: "wr0ng" })} ${SOON}`);
        const none = await nginx(`redis://127.0.0.1:${r.port} ${SOON}`);

        await says(n, /is away for commands: AUTH: WRONGPASS$/m);
        await says(n, /is away for pub\/sub: AUTH: WRONGPASS$/m);
        await says(none, /is away for commands: \w[\w ]+: NOAUTH/);
        await says(none, /is away for pub\/sub: \w[\w ]+: NOAUTH/);

        assert.equal(await ready(n) + await ready(none), 0);
        assert.ok(!errorLog(n).includes("wr0ng"));

        /* it is made right, without a reload */
        await r.set("requirepass", "wr0ng");
        r.password = "wr0ng";
        await isReady(n);
    });

    test("a name, which the resolver follows", async () => {
        const port = await freePort();
        const at = address => redis({ port, config: { bind: address } });
        const first = await at("127.0.0.2"), second = await at("127.0.0.3");
        const names = await add(nameServer());

        names.address = "127.0.0.2";

        const n = await nginx(`redis://localhost:${port} ${SOON}
                               connect_timeout=500ms`, { more:
            `resolver 127.0.0.1:${names.port} valid=1s ipv6=off;` });

        await isReady(n);
        assert.equal((await clients(first)).length, 4);

        names.address = "127.0.0.3";
        await first.kill();
        await isReady(n);
        assert.equal((await clients(second)).length, 4);
    });

    test("a name, and a resolver that says nothing", async () => {
        const r = await redis();
        const names = await add(nameServer());
        const n = await nginx(`redis://localhost:${r.port} ${SOON}
                               connect_timeout=500ms`, { more:
            `resolver 127.0.0.1:${names.port} ipv6=off;` });

        await isReady(n);
        assert.ok(names.asked > 0);
    });

    test("a name without a resolver", async () => {
        const r = await redis();
        const n = await nginx(`redis://localhost:${r.port} ${SOON}`);

        await isReady(n);
    });

    test("each danger is told of in one line", async () => {
        const r = await redis({ policy: "allkeys-lru" });
        const n = await nginx(`${r.url()} ${SOON}`, { workers: 3 });

        await isReady(n);
        assert.equal(count(n, /\[warn\].*memory is full \(allkeys-lru\): set/), 1);
        assert.equal(count(n, /\[warn\].*keeps no append-only file/), 1);
        assert.equal(count(n, /\[warn\].*has no bound of its memory/), 1);
        assert.equal(count(n, /\[warn\]/), 3);

        /* not again for the same */
        await r.restart();
        await isReady(n);
        assert.equal(count(n, /\[warn\]/), 3);

        await r.restart({ policy: "noeviction", aof: "everysec",
                          memory: "64mb" });
        await isReady(n);
        assert.equal(count(n, /\[warn\].*append-only file is on the disk/), 1);
        assert.equal(count(n, /\[warn\]/), 4);

        /* but again, when it has come back */
        await r.restart({ aof: undefined });
        await isReady(n);
        assert.equal(count(n, /\[warn\].*keeps no append-only file/), 2);
    });

    test("one that is old", async () => {
        const fake = await add(FakeRedis.start());

        fake.info = () => FakeRedis.prototype.info.call(fake)
                              .replace("7.0.15", "5.0.14");

        const n = await nginx(`${fake.url()} ${SOON}`);

        await isReady(n);
        assert.equal(count(n, /\[warn\].*is of version 5/), 1);
    });

    for (const [what, from, to, why] of [
        ["loading", "loading:0", "loading:1", /it is loading its data/],
        ["a replica", "role:master", "role:slave", /it is a replica/],
        ["part of a Cluster", "# Server", "redis_mode:cluster",
         /it is part of a Cluster/],
    ]) {
        test(`one that is ${what} is not used until it is not`, async () => {
            const fake = await add(FakeRedis.start());

            fake.info = () => FakeRedis.prototype.info.call(fake)
                                  .replace(from, to);

            const n = await nginx(`${fake.url()} ${SOON}`);

            await says(n, why);
            assert.equal((await seen(n))["state.commands.ready"], 0);

            delete fake.info;
            await isReady(n);
        });
    }

    test("a replica of a real Redis", async () => {
        const master = await redis({ aof: "always" });
        const r = await redis({ replicaOf: master });
        const n = await nginx(`${r.url()} ${SOON}`);

        await says(n, /it is a replica, "rt_redis" has to name the master/);

        await r.call("REPLICAOF", "NO", "ONE");
        await isReady(n);
    });

    test("one that has no place for us", async () => {
        const r = await redis();

        await r.direct();
        await r.set("maxclients", "1");

        const n = await nginx(`${r.url()} ${SOON}`);

        await says(n, /is away for commands: .*max number of clients/);
        await r.set("maxclients", "1000");
        await until("there is", () => isReady(n));
    });
});

"use strict";

/*
 * Idempotency keys in Redis when the configuration changes: a channel that was
 * fast becomes durable, and what was said with a key stays said.
 */

const assert = require("node:assert/strict");
const fs = require("node:fs");
const { test } = require("node:test");

const { isReady, start } = require("./links.js");
const { Redis } = require("./redis.js");


test("a key that was used when its channel was fast", { timeout: 30000 },
     async () => {
    const redis = await Redis.start();
    const nginx = await start(redis.url(), { more: "rt_namespace chat;" });

    const publish = async data => {
        const { body } = await nginx.api("publish", { channel: "chat:x", data,
            idempotency_key: "k" }, { "X-Tenant": "t" });

        return body.error?.code ?? "accepted";
    };

    try {
        await isReady(nginx);
        assert.equal(await publish(1), "accepted");

        const conf = `${nginx.prefix}/nginx.conf`;

        fs.writeFileSync(conf, fs.readFileSync(conf, "utf8")
            .replace("rt_namespace chat;",
                     "rt_namespace chat history=10 ttl=1m durable;"));
        await nginx.reload();
        await isReady(nginx);

        assert.equal(await publish(1), "accepted");
        assert.equal(await publish(2), 409);
        assert.deepEqual(await redis.stream("rt:{t}:channel:chat:x"), []);

    } finally {
        assert.deepEqual(await nginx.stop(), []);
        await redis.stop();
    }
});

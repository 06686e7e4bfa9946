"use strict";

/*
 * A node that is none: it says that it is there, answers what others ask as a
 * test wants it, asks them, and says to any channel what it likes.
 *
 *     const peer = await Peer.join(redis);
 *     peer.answers = question => text    { method, params, tenant, offset,
 *                                          reply }; undefined: it says nothing
 */

const { randomUUID } = require("node:crypto");


function bytes(part = "") {
    return Buffer.isBuffer(part) ? part : Buffer.from(part);
}


class Peer {
    static async join(redis) {
        const peer = new Peer();

        Object.assign(peer, { node: randomUUID(), pid: process.pid,
            number: 0n, waiting: new Map(), answers: () => '{"result":{}}',
            client: await redis.connect(), ear: await redis.connect() });

        await peer.ear.subscribe("rt:nodes", text => peer.hear(text));
        await peer.ear.subscribe(`rt:worker:${peer.node}:${peer.pid}`,
                                 text => peer.answered(text));
        peer.hello();
        peer.beat = setInterval(() => peer.hello(), 1000);

        return peer;
    }

    hello() {
        this.say("rt:nodes", "h");
    }

    async leave() {
        clearInterval(this.beat);
        await this.say("rt:nodes", "b");
        this.ear.close();
        this.client.close();
    }

    say(channel, kind, { offset = 0n, epoch = "-", data, info, tags,
                         node = this.node } = {})
    {
        const parts = [data, info, tags].map(bytes);
        const head = [1, kind, node, offset, epoch, Date.now(),
                      ...parts.map(part => part.length)].join(" ");

        return this.client.call("PUBLISH", channel,
            Buffer.concat([Buffer.from(`${head}\n`), ...parts]));
    }

    parse(text) {
        const [head, rest] = [text.slice(0, text.indexOf("\n")),
                              text.slice(text.indexOf("\n") + 1)];
        const [, kind, node, offset, , , data, info]
            = head.split(" ");
        const [d, i] = [Number(data), Number(info)];

        return { kind, node, offset: BigInt(offset), data: rest.slice(0, d),
                 info: rest.slice(d, d + i), tags: rest.slice(d + i) };
    }

    hear(text) {
        const m = this.parse(text);

        if (m.kind !== "a" || m.node === this.node) {
            return;
        }

        const question = { method: m.info, params: m.data, tenant: m.tags,
            offset: m.offset, reply: `rt:worker:${m.node}:${m.offset >> 32n}` };
        const data = this.answers(question);

        if (data !== undefined) {
            this.say(question.reply, "r", { offset: m.offset, data });
        }
    }

    answered(text) {
        const m = this.parse(text);

        this.waiting.get(m.offset)?.(m.data);
    }

    /* the answer of the only other node, as text; rejects if it says nothing */
    ask(method, data, tenant, ms = 2000) {
        const offset = (BigInt(this.pid) << 32n) | this.number++;

        return new Promise((resolve, reject) => {
            const late = setTimeout(() => reject(new Error("no answer")), ms);

            this.waiting.set(offset, answer => {
                clearTimeout(late);
                resolve(answer);
            });
            this.say("rt:nodes", "a", { offset, data, info: method,
                                        tags: tenant });
        });
    }
}


module.exports = { Peer };

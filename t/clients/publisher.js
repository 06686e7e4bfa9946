"use strict";

/*
 * Publishers, by HTTP and by WebSocket.  They write each answer into the
 * ledger; what has a key they say again until there is one.
 */

const assert = require("node:assert/strict");
const { once } = require("node:events");
const net = require("node:net");

const { sleep } = require("./nginx.js");
const { Connection } = require("./ledger.js");


const BURST = 8;

/* "{...}}", alone or in chunks */
const BODY = /\r\n\r\n(?:[0-9a-f]+\r\n)?(\{[^]*\}\})(?:\r\n0\r\n\r\n)?$/;


const request = (tenant, channel, data, more) => {
    const body = JSON.stringify({ channel, data, ...more });

    return `POST /api/publish HTTP/1.1\r\nHost: localhost\r\n`
           + `X-Tenant: ${tenant}\r\nContent-Type: application/json\r\n`
           + `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};


const succeeded = (i, { result }) => assert.ok(result);


/* requests in one write on a connection that is kept */
class Pipeline {
    constructor(nginx) {
        this.nginx = nginx;
    }

    async connect() {
        this.socket = net.connect(this.nginx.port, "127.0.0.1");
        this.socket.setEncoding("utf8");
        this.socket.on("error", () => {});
        this.socket.on("close", () => this.end?.());
        this.socket.on("data", text => this.read(text));
        this.text = "";
        await once(this.socket, "connect");
    }

    read(text) {
        const parts = (this.text + text).split(/(?=HTTP\/1\.1 )/);

        /* the last may not be whole */
        this.text = BODY.test(parts.at(-1)) ? "" : parts.pop();

        for (const part of parts) {
            assert.match(part, /^HTTP\/1\.1 200 /);
            this.answered(this.done++, JSON.parse(BODY.exec(part)[1]));
        }

        if (this.done === this.expected) {
            this.end();
        }
    }

    /*
     * list: [channel, data, other fields]; answered(i, { result, error }).
     * Resolves when all is answered, or the connection is gone.
     */
    async publish(tenant, list, answered = succeeded) {
        if (!this.socket || this.socket.destroyed) {
            await this.connect();
        }

        const ended = new Promise(resolve => { this.end = resolve; });

        Object.assign(this, { done: 0, expected: list.length, answered });
        this.socket.write(list.map(item => request(tenant, ...item)).join(""));
        await ended;

        if (this.done < this.expected) {
            this.close();
        }

        return this.done;
    }

    close() {
        this.socket?.destroy();
    }
}


/* say(list, answered), close(): a way to publish what is in the ledger */
class ByHttp {
    constructor(nginx, tenant) {
        Object.assign(this, { tenant, pipeline: new Pipeline(nginx) });
    }

    async say(list, answered) {
        await this.pipeline.publish(this.tenant, list.map(data =>
            [data.c, data, data.k && { idempotency_key: data.k }]), answered)
            .catch(error => assert.match(error.code, /^ECONN/));
    }

    close() {
        this.pipeline.close();
    }
}


const command = data => data.k
    ? { rpc: { method: "rt.publish", data: { channel: data.c,
               event: { id: data.k, type: "t", data } } } }
    : { publish: { channel: data.c, data } };


class ByWebSocket {
    constructor(nginx, tenant) {
        Object.assign(this, { nginx, tenant });
    }

    async say(list, answered) {
        while (this.c?.socket.readyState !== 1) {
            this.c = new Connection(this.nginx, this.tenant);
            await this.c.ready.catch(() => sleep(20));
        }

        await Promise.all(this.c.each(list.map(command)).map((reply, i) =>
            reply.then(({ rpc }) => answered(i, { result: rpc?.data ?? {} }),
                error => {
                    if (error.code) {
                        answered(i, { error });
                    } else {
                        assert.match(error.message, /^closed with/);
                    }
                })));
    }

    close() {
        return this.c?.close();
    }
}


/* resolves to what was not answered */
async function say(ledger, way, list) {
    const open = new Set(list);

    ledger.pending += list.length;

    await way.say(list, (i, { result, error }) => {
        open.delete(list[i]);
        ledger.pending--;

        if (error) {
            ledger.refuse(list[i]);
        } else {
            ledger.ack(list[i], result);
            ledger.duplicates += Boolean(result.duplicate);
        }
    });

    ledger.pending -= open.size;
    ledger.unknown += open.size;

    return [...open];
}


/*
 * In bursts until the ledger is quiet.  keyed: each has a key; a burst of which
 * something was not answered is repeated, and that has to come to an end.
 */
async function publish(ledger, way, tenant, name, channels,
    { pace, keyed = false })
{
    for (let seq = 1; !ledger.quiet; /* void */) {
        let list = Array.from({ length: BURST }, () => {
            const channel = channels[seq % channels.length];

            return ledger.send(tenant, channel, name, seq,
                               keyed ? `${name}-${seq++}` : (seq++, ""));
        });

        list = await say(ledger, way, list);

        while (keyed && list.length) {
            ledger.repeats += list.length;
            await sleep(20);
            list = await say(ledger, way, list);
        }

        await sleep(pace);
    }

    await way.close();
}


const httpPublisher = (ledger, tenant, ...more) =>
    publish(ledger, new ByHttp(ledger.nginx, tenant), tenant, ...more);

const wsPublisher = (ledger, tenant, ...more) =>
    publish(ledger, new ByWebSocket(ledger.nginx, tenant), tenant, ...more);


module.exports = { ByWebSocket, Pipeline, httpPublisher, wsPublisher };

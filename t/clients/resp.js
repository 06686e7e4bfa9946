"use strict";

/*
 * Redis' protocol, version 2: a parser for both directions that is fed bytes as
 * they come, and a client for a test's own look at what is stored.
 */

const net = require("node:net");
const tls = require("node:tls");


class RedisError extends Error {
    /* NOSCRIPT, OOM, ... */
    get kind() {
        return this.message.split(" ")[0];
    }
}


/*
 * Frames out of a stream of bytes.  text: strings are decoded (else they stay
 * buffers).  feed() returns [{ value, raw }], raw being the frame's bytes.
 */
class Parser {
    constructor({ text = true } = {}) {
        this.text = text;
        this.buffer = Buffer.alloc(0);
    }

    feed(bytes) {
        const frames = [];
        let from = 0;

        this.buffer = Buffer.concat([this.buffer, bytes]);

        for (;;) {
            const end = this.value(from);

            if (!end) {
                break;
            }

            frames.push({ value: end.value,
                          raw: this.buffer.subarray(from, end.at) });
            from = end.at;
        }

        this.buffer = this.buffer.subarray(from);

        return frames;
    }

    /* { value, at: behind it }; undefined: it is not all there */
    value(at) {
        const eol = this.buffer.indexOf("\r\n", at);

        if (eol < 0) {
            return undefined;
        }

        const type = String.fromCharCode(this.buffer[at]);
        const line = this.buffer.toString("utf8", at + 1, eol);
        const next = eol + 2;

        switch (type) {
        case "+": return { value: line, at: next };
        case "-": return { value: new RedisError(line), at: next };
        case ":": return { value: Number(line), at: next };
        case "$": return this.bulk(Number(line), next);
        case "*": return this.array(Number(line), next);
        default:  throw new Error(`not of Redis' protocol: ${type}${line}`);
        }
    }

    bulk(length, at) {
        if (length < 0) {
            return { value: null, at };
        }

        if (this.buffer.length < at + length + 2) {
            return undefined;
        }

        const bytes = this.buffer.subarray(at, at + length);

        return { value: this.text ? bytes.toString() : bytes,
                 at: at + length + 2 };
    }

    array(length, at) {
        const value = [];

        if (length < 0) {
            return { value: null, at };
        }

        for (let i = 0; i < length; i++) {
            const one = this.value(at);

            if (!one) {
                return undefined;
            }

            value.push(one.value);
            at = one.at;
        }

        return { value, at };
    }
}


/* a command, or an array of bulk strings */
function encode(args) {
    const parts = [Buffer.from(`*${args.length}\r\n`)];

    for (const arg of args) {
        const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));

        parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes,
                   Buffer.from("\r\n"));
    }

    return Buffer.concat(parts);
}


class RespClient {
    /* { path } or { port }, tls: options of node's */
    static async connect({ path, port, tls: secure, text = true }) {
        const client = new RespClient();
        const to = path ? { path } : { port, host: "127.0.0.1" };

        Object.assign(client, { waiting: [], heard: new Map(),
            parser: new Parser({ text }),
            socket: secure ? tls.connect({ ...to, ...secure })
                           : net.connect(to) });

        const { socket } = client;

        client.closed = new Promise(resolve => socket.on("close", () => {
            client.waiting.splice(0).forEach(({ reject }) =>
                reject(new Error("Redis has closed the connection")));
            resolve();
        }));

        await new Promise((resolve, reject) => {
            socket.on(secure ? "secureConnect" : "connect", resolve);
            socket.on("error", reject);
        });

        socket.setNoDelay?.(true);
        socket.on("data", bytes => client.read(bytes));

        return client;
    }

    read(bytes) {
        for (const { value } of this.parser.feed(bytes)) {
            const told = Array.isArray(value)
                         && this.heard.get(`${value[0]} ${value[1]}`);

            if (told) {
                told(value[2]);
                continue;
            }

            const { resolve, reject } = this.waiting.shift();

            (value instanceof RedisError ? reject : resolve)(value);
        }
    }

    /* the reply; an error is thrown.  Calls that do not wait are pipelined. */
    call(...args) {
        return new Promise((resolve, reject) => {
            if (this.socket.destroyed) {
                reject(new Error("the connection is closed"));
                return;
            }

            this.waiting.push({ resolve, reject });
            this.socket.write(encode(args));
        });
    }

    /* heard(text): what is published there from now on */
    subscribe(channel, heard) {
        this.heard.set(`message ${channel}`, heard);

        return this.call("SUBSCRIBE", channel);
    }

    close() {
        this.socket.destroy();

        return this.closed;
    }
}


module.exports = { Parser, RedisError, RespClient, encode };

"use strict";

/* A WebSocket by hand, whose socket can be left unread for good. */

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const net = require("node:net");

const { until } = require("./nginx.js");


class Reader {
    constructor(nginx, tenant, channels) {
        this.heard = [];
        this.ended = false;
        this.buf = Buffer.alloc(0);
        this.socket = net.connect({ port: nginx.port, host: "127.0.0.1" });

        this.socket.write("GET /connection/websocket HTTP/1.1\r\n"
            + `Host: 127.0.0.1:${nginx.port}\r\nX-Tenant: ${tenant}\r\n`
            + "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
            + `${crypto.randomBytes(16).toString("base64")}\r\n\r\n`);

        this.say([{ id: 1, connect: {} }, ...channels.map((channel, i) =>
            ({ id: i + 2, subscribe: { channel } }))]);

        this.socket.on("data", piece => this.read(piece));
        this.socket.on("error", () => { this.ended = true; });
        this.socket.on("close", () => { this.ended = true; });

        this.ready = until("the replies", () =>
            this.heard.filter(o => o.id).length === channels.length + 1);
    }

    say(commands) {
        const text = Buffer.from(commands.map(c => JSON.stringify(c))
            .join("\n"));
        const head = text.length < 126
            ? Buffer.from([0x81, 0x80 | text.length])
            : Buffer.from([0x81, 0xfe, text.length >> 8, text.length & 255]);

        /* a mask of zeroes leaves the text as it is */
        this.socket.write(Buffer.concat([head, Buffer.alloc(4), text]));
    }

    read(piece) {
        this.buf = Buffer.concat([this.buf, piece]);

        if (!this.upgraded) {
            const end = this.buf.indexOf("\r\n\r\n");

            if (end < 0) {
                return;
            }

            this.upgraded = true;
            this.buf = this.buf.subarray(end + 4);
        }

        for (;;) {
            const short = this.buf[1] & 127;
            const head = short < 126 ? 2 : short === 126 ? 4 : 10;

            if (this.buf.length < head) {
                return;
            }

            const len = short < 126 ? short
                : short === 126 ? this.buf.readUInt16BE(2)
                : Number(this.buf.readBigUInt64BE(2));

            if (this.buf.length < head + len) {
                return;
            }

            this.take(this.buf[0], this.buf.subarray(head, head + len));
            this.buf = this.buf.subarray(head + len);
        }
    }

    take(first, payload) {
        assert.ok((first & 0xf0) === 0x80, `a cut frame: ${first}`);

        if ((first & 15) === 8) {
            this.code = payload.readUInt16BE(0);
            return;
        }

        for (const line of payload.toString().split("\n")) {
            this.heard.push({ at: performance.now(), ...JSON.parse(line) });
        }
    }

    /* the numbers of the publications of a channel, as they came */
    numbers(channel) {
        return this.heard.filter(o => o.push?.channel === channel)
            .map(o => o.push.pub.data.n);
    }

    /* how many it was told that it lost in a channel */
    lost(channel) {
        return this.heard.map(o => o.push?.message?.data)
            .filter(d => d?.type === "rt.lost" && d.channel === channel)
            .reduce((sum, d) => sum + d.messages, 0);
    }
}


module.exports = { Reader };

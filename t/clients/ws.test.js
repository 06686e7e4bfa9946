"use strict";

/* The WebSocket client "ws" against rt_echo and against bare commands. */

const assert = require("node:assert/strict");
const { after, before, describe, test } = require("node:test");
const { once } = require("node:events");
const WebSocket = require("ws");

const { Nginx, slow, until } = require("./nginx.js");


for (const scheme of ["ws", "wss"]) {

    describe(`ws over ${scheme}`, { timeout: 120000 * slow }, () => {
        let nginx;
        const sockets = [];

        const open = async (location, options = {}) => {
            const socket = new WebSocket(nginx.url(scheme, location),
                options.protocols ?? [],
                { rejectUnauthorized: false, ...options });

            sockets.push(socket);
            await once(socket, "open");
            return socket;
        };

        const next = async socket => (await once(socket, "message"))[0];

        before(async () => { nginx = await Nginx.start(); });

        after(async () => {
            sockets.forEach(socket => socket.terminate());
            assert.deepEqual(await nginx.stop(), []);
        });

        test("text and binary", async () => {
            const s = await open("/echo");

            s.send("h\u00e9llo \u{1f600}");

            let [message, binary] = await once(s, "message");

            assert.equal(message.toString(), "h\u00e9llo \u{1f600}");
            assert.equal(binary, false);

            s.send(Buffer.from([0, 255, 1, 254]));
            [message, binary] = await once(s, "message");
            assert.deepEqual([...message], [0, 255, 1, 254]);
            assert.equal(binary, true);
        });

        test("fragments", async () => {
            const s = await open("/echo");

            s.send("one ", { fin: false });
            s.ping("between");
            s.send("two ", { fin: false });
            s.send("three", { fin: true });

            const [[pong], [message]] = await Promise.all([
                once(s, "pong"), once(s, "message")]);

            assert.equal(pong.toString(), "between");
            assert.equal(message.toString(), "one two three");
        });

        test("a big message", async () => {
            const s = await open("/echo");
            const big = Buffer.alloc(16 * 1024 * 1024, "0123456789");

            s.send(big);
            assert.ok(big.equals(await next(s)));
        });

        test("a message that is too big: 1009", async () => {
            const s = await open("/connection/websocket");

            s.on("error", () => {});
            s.send("x".repeat(65537));

            const [code] = await once(s, "close");

            assert.equal(code, 1009);
        });

        test("compression is not agreed on", async () => {
            const s = await open("/echo", { perMessageDeflate: true });

            assert.equal(s.extensions, "");
            s.send("x".repeat(1000));
            assert.equal((await next(s)).length, 1000);
        });

        test("subprotocols", async () => {
            const s = await open("/connection/websocket",
                                 { protocols: ["centrifuge-json"] });

            assert.equal(s.protocol, "centrifuge-json");
        });

        test("close codes", async () => {
            const s = await open("/echo");

            s.close(4001, "done");
            assert.equal((await once(s, "close"))[0], 4001);

            const t = await open("/connection/websocket");

            t.send("not JSON");

            const [code, reason] = await once(t, "close");

            assert.equal(code, 3501);
            assert.equal(reason.toString(), "bad request");
        });

        test("many sockets at once", async () => {
            const many = await Promise.all(
                Array.from({ length: 100 }, () => open("/echo")));

            const answers = many.map(s => next(s));

            many.forEach((s, i) => s.send(`message ${i}`));
            (await Promise.all(answers)).forEach((message, i) =>
                assert.equal(message.toString(), `message ${i}`));

            const closed = many.map(s => once(s, "close"));

            many.forEach(s => s.close());
            await Promise.all(closed);
        });

        test("commands by hand", async () => {
            const s = await open("/connection/websocket");

            let text = "";

            s.on("message", message => { text += `${message}\n`; });
            s.send('{"id":1,"connect":{}}\n'
                   + '{"id":2,"rpc":{"method":"rt.echo","data":0.10}}');
            await until("the reply", () => text.includes('"id":2'));

            assert.match(text, /"data":0\.10\}/);
        });
    });
}

"use strict";

/*
 * A client of the protocol that says what a test wants it to: commands(list)
 * sends them, a frame each, and answers with the replies in their order; a
 * connection that ends answers the rest with an error that has no code.
 * heard(push) is the test's own.
 */

const assert = require("node:assert/strict");
const { once } = require("node:events");
const WebSocket = require("ws");


async function client(nginx, tenant, user = "") {
    const socket = new WebSocket(nginx.url(), {
        headers: { "X-Tenant": tenant, "X-User": user } });
    const waits = new Map();
    let id = 0;

    socket.heard = () => {};
    socket.on("error", () => {});
    socket.on("message", text => {
        for (const line of text.toString().split("\n")) {
            const m = JSON.parse(line);

            if (m.id) {
                waits.get(m.id)(m);
                waits.delete(m.id);

            } else if (m.push) {
                socket.heard(m.push);

            } else {
                socket.send("{}");
            }
        }
    });

    socket.on("close", () => {
        socket.ended = true;
        waits.forEach(resolve => resolve({ error: {} }));
        waits.clear();
    });

    socket.commands = list => Promise.all(list.map(command =>
        new Promise(resolve => {
            if (socket.ended) {
                resolve({ error: {} });
                return;
            }

            waits.set(++id, resolve);
            socket.send(JSON.stringify({ id, ...command }));
        })));

    socket.command = async command => (await socket.commands([command]))[0];

    await once(socket, "open");

    const hello = await socket.command({ connect: {} });

    assert.ok(hello.connect, JSON.stringify(hello));
    socket.id = hello.connect.client;

    return socket;
}


/* mulberry32: next(), from(low, high), of(list) */
function random(seed) {
    const next = () => {
        seed = (seed + 0x6d2b79f5) | 0;
        let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };

    next.from = (low, high) => low + Math.floor(next() * (high - low + 1));
    next.of = list => list[next.from(0, list.length - 1)];

    return next;
}


module.exports = { client, random };

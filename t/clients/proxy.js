"use strict";

/*
 * A proxy between nginx and Redis that knows the protocol: it sees each command
 * and each reply, and a test says what becomes of them.  TCP and a unix socket
 * lead to it, so one configuration reaches it as it reaches Redis.
 *
 *   proxy.onCommand = (args, connection) => what
 *   proxy.onReply = (value, args, connection) => what      args: the command's
 *   proxy.onMessage = (channel, text, connection) => what  of pub/sub
 *
 * what: undefined (it passes), "drop", "cut" (the connection ends instead),
 * { bytes: N } (N bytes of it pass, then it is cut), { delay: ms } (it and all
 * behind it come later), { pieces: N } (N bytes a write), or a Buffer (it passes
 * instead).  proxy.delay and proxy.pieces are those of all.
 */

const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const { freePort, sleep } = require("./nginx.js");
const { Parser } = require("./resp.js");


/* one direction of a connection: frames, in order, as the proxy lets them */
class Pipe {
    constructor(proxy, to, cut) {
        Object.assign(this, { proxy, to, cut, last: Promise.resolve() });
    }

    pass(raw, what) {
        this.last = this.last.then(() => this.one(raw, what)).catch(() => {});
    }

    async one(raw, what) {
        await this.proxy.held;

        if (this.proxy.delay || what?.delay) {
            await sleep(what?.delay ?? this.proxy.delay);
        }

        if (what === "cut") {
            this.cut();

        } else if (what?.bytes !== undefined) {
            await this.write(raw.subarray(0, what.bytes));
            this.to.end();
            this.cut();

        } else if (what !== "drop") {
            await this.write(Buffer.isBuffer(what) ? what : raw,
                             what?.pieces);
        }
    }

    async write(raw, pieces = this.proxy.pieces) {
        if (!pieces) {
            this.to.write(raw);
            return;
        }

        for (let at = 0; at < raw.length; at += pieces) {
            this.to.write(raw.subarray(at, at + pieces));
            await new Promise(setImmediate);
        }
    }
}


/* a connection of nginx's and its twin to Redis */
class Connection {
    constructor(proxy, client) {
        const server = net.connect(proxy.target.path
            ? { path: proxy.target.path }
            : { port: proxy.target.port, host: "127.0.0.1" });

        Object.assign(this, { proxy, client, server, waiting: [],
                              channels: new Set() });

        const cut = () => this.cut();
        const up = new Pipe(proxy, server, cut);
        const down = new Pipe(proxy, client, cut);
        const commands = new Parser();
        const replies = new Parser();

        for (const socket of [client, server]) {
            socket.setNoDelay(true);
            socket.on("error", cut);
            socket.on("close", cut);
        }

        client.on("data", bytes => {
            for (const { value, raw } of commands.feed(bytes)) {
                this.command(value, raw, up);
            }
        });
        server.on("data", bytes => {
            for (const { value, raw } of replies.feed(bytes)) {
                this.reply(value, raw, down);
            }
        });
    }

    command(args, raw, up) {
        const { proxy } = this;
        const what = proxy.onCommand?.(args, this);

        /* SUBSCRIBE a b has two replies */
        const replies = /^s?(un)?subscribe$/i.test(args[0])
                        ? Math.max(1, args.length - 1) : 1;

        proxy.commands.push(args);

        if (what !== "drop" && what !== "cut") {
            this.waiting.push(...Array(replies).fill(args));
        }

        up.pass(raw, what);
    }

    reply(value, raw, down) {
        const { proxy } = this;

        if (Array.isArray(value) && /^s?message$/.test(value[0])) {
            down.pass(raw, proxy.onMessage?.(value[1], value[2], this));
            return;
        }

        const args = this.waiting.shift();

        down.pass(raw, proxy.onReply?.(value, args, this));
    }

    cut() {
        this.proxy.connections.delete(this);
        this.client.destroy();
        this.server.destroy();
    }
}


class Proxy {
    /* target: a Redis, or { port } or { path } */
    static async start(target) {
        const proxy = new Proxy();
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rt-proxy-"));

        Object.assign(proxy, { folder, path: `${folder}/sock`, commands: [],
            target: { path: target.path, port: target.port },
            connections: new Set(), delay: 0, pieces: 0, refuses: false,
            port: await freePort() });

        proxy.servers = [proxy.port, proxy.path].map(where =>
            net.createServer(client => proxy.accept(client))
                .listen(where, ...typeof where === "number"
                               ? ["127.0.0.1"] : []));

        await Promise.all(proxy.servers.map(server =>
            new Promise(resolve => server.on("listening", resolve))));

        return proxy;
    }

    accept(client) {
        if (this.refuses) {
            client.destroy();
            return;
        }

        this.connections.add(new Connection(this, client));
    }

    url() {
        return `redis://127.0.0.1:${this.port}/0`;
    }

    /* nothing passes, either way, until release() */
    hold() {
        this.held = new Promise(resolve => { this.letGo = resolve; });
    }

    release() {
        this.letGo?.();
        this.held = undefined;
    }

    /* every connection ends now */
    cut() {
        this.connections.forEach(connection => connection.cut());
    }

    /* how many commands of that name have come */
    count(name) {
        return this.commands.filter(([command]) =>
            command.toUpperCase() === name.toUpperCase()).length;
    }

    async stop() {
        this.release();
        this.cut();
        await Promise.all(this.servers.map(server =>
            new Promise(resolve => server.close(resolve))));
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}


module.exports = { Proxy };

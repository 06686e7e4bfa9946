"use strict";

/*
 * What looks like Redis to nginx and answers what a test says: bytes that no
 * Redis would send, errors at will, nothing at all.
 *
 *   fake.answers.EVALSHA = (args, connection) => "-OOM command not allowed\r\n"
 *
 * An answer is text or a Buffer, sent as it is; null: the connection ends;
 * undefined: none, and since answers come in order, none to what comes behind it
 * on that connection, until fake.goOn(connection).  A command without one gets
 * what a Redis at its start says.
 */

const crypto = require("node:crypto");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const { freePort } = require("./nginx.js");
const { Parser } = require("./resp.js");


const bulk = text => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const array = list => `*${list.length}\r\n${list.map(bulk).join("")}`;

const settings = {
    "maxmemory-policy": "noeviction", "maxmemory": "0", "appendonly": "yes",
    "appendfsync": "everysec", "save": "",
};


class FakeRedis {
    static async start(answers = {}) {
        const fake = new FakeRedis();
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rt-fake-"));

        Object.assign(fake, { folder, path: `${folder}/sock`, commands: [],
            connections: new Set(), answers, run: "f".repeat(40),
            port: await freePort() });

        fake.servers = [fake.port, fake.path].map(where =>
            net.createServer(connection => fake.accept(connection))
                .listen(where, ...typeof where === "number"
                               ? ["127.0.0.1"] : []));

        await Promise.all(fake.servers.map(server =>
            new Promise(resolve => server.on("listening", resolve))));

        return fake;
    }

    accept(connection) {
        const parser = new Parser();

        this.connections.add(connection);
        connection.setNoDelay(true);
        connection.on("error", () => {});
        connection.on("close", () => this.connections.delete(connection));
        connection.on("data", bytes => {
            for (const { value } of parser.feed(bytes)) {
                this.command(value, connection);
            }
        });
    }

    command(args, connection) {
        const name = args[0].toUpperCase();

        if (connection.held) {
            connection.held.push(args);
            return;
        }

        const answer = name in this.answers ? this.answers[name]
                                            : this.usual(name, args);
        const said = typeof answer === "function"
                     ? answer(args, connection) : answer;

        this.commands.push(args);
        (connection.said ??= []).push(name);

        if (said === null) {
            connection.destroy();

        } else if (said === undefined) {
            connection.held = [];

        } else {
            connection.write(said);
        }
    }

    /* what was not answered is, by who calls this, and what is behind it */
    goOn(connection) {
        const held = connection.held ?? [];

        connection.held = undefined;
        held.forEach(args => this.command(args, connection));
    }

    usual(name, args) {
        switch (name) {
        case "PING":
            return "+PONG\r\n";
        case "INFO":
            return bulk(this.info());
        case "CONFIG":
            return array(args.slice(2).flatMap(option =>
                option in settings ? [option, settings[option]] : []));
        case "SCRIPT":
            return bulk(crypto.createHash("sha1").update(args[2])
                              .digest("hex"));
        case "SUBSCRIBE":
        case "UNSUBSCRIBE":
            return args.slice(1).map((channel, i) => "*3\r\n"
                + `${bulk(name.toLowerCase())}${bulk(channel)}:${i + 1}\r\n`)
                .join("");
        case "PUBLISH":
            return ":0\r\n";
        case "EVALSHA":
            return "*0\r\n";
        default:
            return "+OK\r\n";
        }
    }

    info() {
        return ["# Server", "redis_version:7.0.15", `run_id:${this.run}`,
                "# Memory", "maxmemory:0", "maxmemory_policy:noeviction",
                "# Persistence", "loading:0", "aof_enabled:1",
                "# Replication", "role:master", ""].join("\r\n");
    }

    /* how many commands of that name have come */
    count(name) {
        return this.commands.filter(([command]) =>
            command.toUpperCase() === name.toUpperCase()).length;
    }

    url() {
        return `redis://127.0.0.1:${this.port}/0`;
    }

    cut() {
        this.connections.forEach(connection => connection.destroy());
    }

    async stop() {
        this.cut();
        await Promise.all(this.servers.map(server =>
            new Promise(resolve => server.close(resolve))));
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}


module.exports = { FakeRedis, array, bulk };

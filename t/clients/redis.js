"use strict";

/*
 * A redis-server of a test's own: a free port and a unix socket, in a folder
 * that is gone with it.  It can be killed, stopped, restarted on the same data,
 * run out of memory or disk, be a replica; it is asked by a connection of the
 * test's own.  proxy.js stands in between, fakeredis.js is none at all.
 */

const { execFile, execFileSync, spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const { Nginx, freePort, until } = require("./nginx.js");
const { RespClient } = require("./resp.js");

const running = new Set();

/* a test that throws leaves none behind */
process.on("exit", () => running.forEach(child => child.kill("SIGKILL")));


function certificate(folder) {
    return new Promise((resolve, reject) => {
        execFile("openssl", ["req", "-x509", "-newkey", "ec", "-nodes",
            "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2",
            "-batch", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", `${folder}/redis.key`, "-out", `${folder}/redis.crt`],
            error => error ? reject(error) : resolve());
    });
}


/* directives, from what a test asked for */
function config(redis) {
    const { folder, port, tlsPort, aof, memory, policy, acl, password, tls }
        = redis;

    return {
        port, bind: "127.0.0.1",
        unixsocket: redis.path, dir: folder,
        save: '""', logfile: `${folder}/redis.log`, daemonize: "no",
        appendonly: aof ? "yes" : "no",
        ...aof && { appendfsync: aof },
        ...memory && { maxmemory: memory },
        ...policy && { "maxmemory-policy": policy },
        ...password && { requirepass: password },
        ...acl && { aclfile: `${folder}/users.acl` },
        ...tls && {
            "tls-port": tlsPort, "tls-auth-clients": "no",
            "tls-cert-file": `${folder}/redis.crt`,
            "tls-key-file": `${folder}/redis.key`,
        },
        ...redis.config,
    };
}


class Redis {
    /*
     * aof: "always", "everysec" or "no" (when to fsync), or none at all;
     * memory, policy: maxmemory and its policy; password: of the default user;
     * acl: lines of an ACL file; tls: also at tlsPort; config: directives;
     * replicaOf: another Redis
     */
    static async start(options = {}) {
        const redis = new Redis();
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rt-redis-"));

        Object.assign(redis, { folder, path: `${folder}/sock`,
            port: await freePort(), tlsPort: await freePort(), ...options });

        if (redis.replicaOf) {
            redis.config = { replicaof: `127.0.0.1 ${redis.replicaOf.port}`,
                             ...redis.config };
        }

        if (redis.acl) {
            fs.writeFileSync(`${folder}/users.acl`,
                             `${[].concat(redis.acl).join("\n")}\n`);
        }

        if (redis.tls) {
            await certificate(folder);
        }

        await redis.run();

        return redis;
    }

    /* SIGXFSZ is ignored, so that a limit of files is an error of write() */
    async run() {
        const text = Object.entries(config(this))
            .map(([name, value]) => `${name} ${value}\n`).join("");

        fs.writeFileSync(`${this.folder}/redis.conf`, text);
        fs.rmSync(this.path, { force: true });

        const child = spawn("sh", ["-c",
            `trap "" XFSZ; exec redis-server "$1"`, "sh",
            `${this.folder}/redis.conf`], { stdio: "ignore" });

        this.child = child;
        running.add(child);
        this.exited = new Promise(resolve => child.on("exit", () => {
            running.delete(child);
            resolve();
        }));

        await until("Redis answers", () => {
            if (child.exitCode !== null) {
                throw new Error(`Redis ended: ${this.log()}`);
            }
            return this.answers();
        });
    }

    /* it may not know us, but it has loaded what it had */
    async answers() {
        try {
            const client = await RespClient.connect({ path: this.path });
            const said = await client.call("PING").catch(error => error.kind);

            client.close();

            return said !== "LOADING" && said !== "BUSY";

        } catch {
            return false;
        }
    }

    /* connected anew after each restart; as the default user */
    async direct() {
        if (!this.client || this.client.socket.destroyed) {
            this.client = await RespClient.connect({ path: this.path });

            if (this.password) {
                await this.client.call("AUTH", this.password);
            }
        }

        return this.client;
    }

    async call(...args) {
        return (await this.direct()).call(...args);
    }

    /* another connection, for SUBSCRIBE, MONITOR and the like */
    async connect(options = {}) {
        const client = await RespClient.connect({ path: this.path,
                                                  ...options });

        if (this.password) {
            await client.call("AUTH", this.password);
        }

        return client;
    }

    /* { field: text } of a section of INFO */
    async info(section) {
        const text = await this.call("INFO", section);

        return Object.fromEntries(text.split("\r\n")
            .filter(line => line && !line.startsWith("#"))
            .map(line => [line.slice(0, line.indexOf(":")),
                          line.slice(line.indexOf(":") + 1)]));
    }

    /* { command: how often } since the last CONFIG RESETSTAT */
    async stats() {
        const info = await this.info("commandstats");

        return Object.fromEntries(Object.entries(info).map(([name, text]) =>
            [name.replace("cmdstat_", ""), Number(/calls=(\d+)/.exec(text)[1])]));
    }

    set(name, value) {
        return this.call("CONFIG", "SET", name, value);
    }

    /* [{ id, fields: { name: text } }] of a stream */
    async stream(key) {
        return (await this.call("XRANGE", key, "-", "+")).map(([id, list]) => ({
            id, fields: Object.fromEntries(list.flatMap((name, i) =>
                i % 2 ? [] : [[name, list[i + 1]]])),
        }));
    }

    /* as rt_redis wants it */
    url({ user = "", password = this.password ?? "", db = 0, port = this.port }
        = {})
    {
        const who = password ? `${user}:${password}@` : "";

        return `redis://${who}127.0.0.1:${port}/${db}`;
    }

    tlsUrl(options = {}) {
        return this.url({ port: this.tlsPort, ...options })
                   .replace("redis:", "rediss:");
    }

    log() {
        const file = `${this.folder}/redis.log`;

        return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    }

    pause() {
        this.child.kill("SIGSTOP");
    }

    resume() {
        this.child.kill("SIGCONT");
    }

    async kill(signal = "SIGKILL") {
        this.client?.close();
        this.client = undefined;

        if (this.child.exitCode === null && this.child.signalCode === null) {
            this.child.kill(signal);
            this.child.kill("SIGCONT");
            await this.exited;
        }
    }

    /* on the same data, or what is left of it; another configuration */
    async restart({ signal = "SIGKILL", ...options } = {}) {
        await this.kill(signal);
        Object.assign(this, options);
        await this.run();
    }

    /* no file may be longer: as if the disk were full; Infinity: no limit */
    limitFiles(bytes) {
        execFileSync("prlimit", ["--pid", this.child.pid,
            `--fsize=${bytes === Infinity ? "unlimited" : bytes}:`]);
    }

    /* nothing that was written is left */
    async forget() {
        await this.kill();

        for (const name of fs.readdirSync(this.folder)) {
            if (/^(appendonly|dump)/.test(name)) {
                fs.rmSync(`${this.folder}/${name}`, { recursive: true });
            }
        }
    }

    async stop() {
        await this.kill();
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}


/* nodes of one kind: count nginx with the same options */
function nodes(options, count = 2) {
    return Promise.all(Array.from({ length: count },
                                  () => Nginx.start(options)));
}


module.exports = { Redis, nodes };

"use strict";

/*
 * An nginx of a test's own: a free port, a prefix in the system's temporary
 * folder, the module from the build.  It is started in the foreground and
 * stopped by its pid; what it leaves in the error log can be looked at.
 */

const { execFile, execFileSync, spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

const top = path.resolve(__dirname, "../..");
const module_ = process.env.TEST_NGINX_RT_MODULE
                || path.join(top, "build/ngx_rt_module.so");
const binary = process.env.TEST_NGINX_BINARY || "/usr/sbin/nginx";

/* the prefix is for its owner only, so the workers have to be the owner */
const user = process.getuid() === 0 ? "user root;" : "";

/*
 * asan or valgrind, if nginx runs with it; how many times slower it is then.
 * Both keep what is freed, so that memory says nothing.
 */
const tool = process.env.TEST_RT_TOOL;
const slow = Number(process.env.TEST_RT_SLOW ?? 1);

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));


/* waits until ready() is true in the language's sense, and returns what it is */
async function until(what, ready, ms = 15000) {
    const end = Date.now() + ms * slow;

    for (;;) {
        const value = await ready();

        if (value) {
            return value;
        }

        if (Date.now() > end) {
            throw new Error(`it never came: ${what}`);
        }

        await sleep(20);
    }
}


/* one that was free a moment ago: never the same twice, for nobody has it yet */
const given = new Set();

async function freePort() {
    const port = await new Promise((resolve, reject) => {
        const server = net.createServer();

        server.on("error", reject);
        server.listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => resolve(port));
        });
    });

    if (given.has(port)) {
        return freePort();
    }

    given.add(port);

    return port;
}


function certificate(prefix) {
    return new Promise((resolve, reject) => {
        execFile("openssl", ["req", "-x509", "-newkey", "ec", "-nodes",
            "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2",
            "-batch", "-subj", "/CN=localhost",
            "-keyout", `${prefix}/test.key`, "-out", `${prefix}/test.crt`],
            error => error ? reject(error) : resolve());
    });
}


const HTTP = `
    rt_zone       $http_x_tenant zone=live:8m;
    rt_user       $http_x_user;
    rt_drain      window=100ms;
    rt_namespace  chat  publish=subscriber;
    rt_namespace  news;
    rt_namespace  room  presence join_leave;
`;

const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
        location /echo                 { rt_echo; }
        location /api                  { rt_api zone=live; rt_api_key off; }
`;


function config({ prefix, port, tlsPort, workers, http, server }) {
    return `
load_module       ${module_};
worker_processes  ${workers};
pid               ${prefix}/nginx.pid;
error_log         ${prefix}/error.log info;
events {
    worker_connections 1024;
}
http {
    access_log            off;
    client_body_temp_path ${prefix}/body;
    proxy_temp_path       ${prefix}/proxy;
    fastcgi_temp_path     ${prefix}/fastcgi;
    uwsgi_temp_path       ${prefix}/uwsgi;
    scgi_temp_path        ${prefix}/scgi;
${http}
    server {
        listen              127.0.0.1:${port};
        listen              127.0.0.1:${tlsPort} ssl;
        ssl_certificate     ${prefix}/test.crt;
        ssl_certificate_key ${prefix}/test.key;
${server}
    }
}
`;
}


/*
 * All that the master has, those on their way out too.  The kernel may leave
 * some out when one of them ends meanwhile: it has to say the same twice.
 */
function children(nginx) {
    const { pid } = nginx.child;
    const path = `/proc/${pid}/task/${pid}/children`;
    let text, again = fs.readFileSync(path, "utf8");

    do {
        text = again;
        again = fs.readFileSync(path, "utf8");
    } while (again !== text);

    return text.trim().split(/\s+/).filter(Boolean).map(Number);
}


class Nginx {
    static async start(options = {}) {
        const prefix = fs.mkdtempSync(path.join(os.tmpdir(), "rt-clients-"));
        const nginx = new Nginx();

        Object.assign(nginx, {
            prefix, port: await freePort(), tlsPort: await freePort(),
            workers: 1, http: HTTP, server: SERVER, ...options,
        });

        await certificate(prefix);

        const text = nginx.text ? nginx.text(nginx) : config(nginx);
        fs.writeFileSync(`${prefix}/nginx.conf`, text);

        await nginx.run();

        return nginx;
    }

    async run() {
        this.said = "";
        this.child = spawn(binary, ["-p", this.prefix,
            "-c", `${this.prefix}/nginx.conf`, "-e", "stderr",
            "-g", `daemon off; ${user}`],
            { stdio: ["ignore", "ignore", "pipe"],
              env: { ...process.env, ...this.env } });
        this.child.stderr.on("data", text => { this.said += text; });
        this.exited = new Promise(resolve => this.child.on("exit", resolve));

        await until("nginx listens", () => {
            if (this.child.exitCode !== null) {
                throw new Error(`nginx ended: ${this.said}`);
            }
            return this.connects();
        });
    }

    master(which = "") {
        return Number(fs.readFileSync(`${this.prefix}/nginx.pid${which}`,
                                      "utf8"));
    }

    async quit(pid = this.child.pid) {
        process.kill(pid, "SIGQUIT");

        if (pid === this.child.pid) {
            await this.exited;
        } else {
            await until(`${pid} is gone`, () =>
                !fs.existsSync(`/proc/${pid}`));
        }
    }

    /* again, as a daemon: no other takes USR2.  It is for the test to quit. */
    async daemon() {
        await this.quit();

        execFileSync(binary, ["-p", this.prefix, "-c",
            `${this.prefix}/nginx.conf`, "-e", "stderr"],
            { stdio: "ignore" });
        await until("nginx listens", () => this.connects());
    }

    /* USR2, and the old binary leaves */
    async upgrade() {
        const old = this.master();

        process.kill(old, "SIGUSR2");
        await until("another nginx", () =>
            fs.existsSync(`${this.prefix}/nginx.pid.oldbin`)
            && fs.existsSync(`${this.prefix}/nginx.pid`)
            && this.master() !== old);

        await this.quit(old);
    }

    connects() {
        return new Promise(resolve => {
            const socket = net.connect(this.port, "127.0.0.1");

            socket.on("connect", () => { socket.destroy(); resolve(true); });
            socket.on("error", () => resolve(false));
        });
    }

    /* the pids of the workers that are not on their way out */
    workerPids() {
        return children(this).filter(pid => !this.leaving(pid));
    }

    /* its title says so; valgrind hides titles, then it is the log's word */
    leaving(pid) {
        try {
            const title = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");

            /* who is dead, and not waited for yet, has none */
            return !title || /shutting down/.test(title) || (/valgrind/.test(title)
                && new RegExp(` ${pid}#\\d+: gracefully shutting down`)
                    .test(fs.readFileSync(`${this.prefix}/error.log`)));

        } catch {
            return true;
        }
    }

    /* kills every worker there is, and waits for the new ones */
    async killWorkers() {
        const old = this.workerPids();

        for (const pid of old) {
            process.kill(pid, "SIGKILL");
        }

        await this.replaced(old);
    }

    async reload() {
        const old = this.workerPids();

        this.child.kill("SIGHUP");
        await this.replaced(old);
    }

    replaced(old) {
        return until("new workers", () => {
            const now = this.workerPids();
            return now.length === old.length
                   && now.every(pid => !old.includes(pid));
        });
    }

    /* { status, body: the parsed JSON } */
    api(method, body, headers = {}, verb = "POST") {
        return new Promise((resolve, reject) => {
            const request = http.request({
                agent: this.agent, port: this.port, host: "127.0.0.1",
                method: verb,
                path: `/api/${method}`,
                headers: { "Content-Type": "application/json", ...headers },
            }, response => {
                let text = "";

                response.on("data", piece => { text += piece; });
                response.on("end", () => resolve({
                    status: response.statusCode,
                    body: text && /json/.test(response.headers["content-type"])
                          ? JSON.parse(text) : text,
                }));
            });

            request.on("error", reject);
            /* a string would make the headers UTF-8, too */
            request.end(body && Buffer.from(JSON.stringify(body)));
        });
    }

    url(scheme = "ws", location = "/connection/websocket") {
        const port = scheme === "wss" ? this.tlsPort : this.port;
        return `${scheme}://127.0.0.1:${port}${location}`;
    }

    /*
     * Lines that nobody wants to see; those of killed workers are meant, and
     * valgrind lets nobody have more descriptors.
     */
    alarms() {
        const log = `${this.prefix}/error.log`;
        const text = fs.existsSync(log) ? fs.readFileSync(log, "utf8") : "";
        const meant = tool === "valgrind"
            ? /exited on signal 9|was locked by|setrlimit\(RLIMIT_NOFILE/
            : /exited on signal 9|was locked by/;

        return (this.said + text).split("\n")
            .filter(line => /\[(alert|emerg|crit)\]/.test(line)
                            && !meant.test(line));
    }

    async stop() {
        if (this.child.exitCode === null) {
            this.child.kill("SIGTERM");

            const late = setTimeout(() => this.child.kill("SIGKILL"),
                                    5000 * slow);
            await this.exited;
            clearTimeout(late);
        }

        const alarms = this.alarms();
        fs.rmSync(this.prefix, { recursive: true, force: true });

        return alarms;
    }
}


module.exports = { Nginx, binary, children, config, freePort, module_, sleep,
    slow, tool, top, until };

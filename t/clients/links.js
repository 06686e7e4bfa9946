"use strict";

/*
 * For tests of the connections to Redis: an nginx that has rt_redis, what its
 * metrics say of them, and what Redis sees of them.
 */

const { Nginx, until } = require("./nginx.js");
const { errorLog, get } = require("./ledger.js");

const SERVER = `
        location /connection/websocket { rt_websocket zone=live; }
        location /api                  { rt_api zone=live; rt_api_key off; }
        location /metrics              { rt_metrics; }
`;


/* what rt_redis has to say; http: what else stands in http {} */
const http = (redis, more = "") => `
    rt_zone   $http_x_tenant zone=live:8m;
    rt_drain  window=50ms;
    rt_redis  ${redis};
    ${more}
`;


const start = (redis, { more, ...options } = {}) =>
    Nginx.start({ workers: 2, server: SERVER, http: http(redis, more),
                  ...options });


/* { metric: sum }, a state's by use: rt_redis_state.pubsub.ready */
async function seen(nginx) {
    const sums = {};

    for (const line of (await get(nginx, "/metrics")).split("\n")) {
        const [, name, , labels = "", value] =
            /^rt_redis_(\w+)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
        const named = ["use", "state", "class"].flatMap(label =>
            new RegExp(`${label}="(\\w+)"`).exec(labels)?.[1] ?? []);

        if (name) {
            const key = [name, ...named].join(".");

            sums[key] = (sums[key] ?? 0) + Number(value);
        }
    }

    return sums;
}


/* how many connections, of both uses, are ready */
async function ready(nginx) {
    const now = await seen(nginx);

    return now["state.commands.ready"] + now["state.pubsub.ready"];
}


const isReady = nginx => until("all connections are ready", async () =>
    await ready(nginx) === 2 * nginx.workers);


/* until the error log says so */
const says = (nginx, what) => until(`the log says ${what}`, () =>
    what.exec(errorLog(nginx)));

const count = (nginx, what) =>
    (errorLog(nginx).match(new RegExp(what.source, "g")) ?? []).length;


/* those of nginx's connections that Redis knows: [{ name, db, user, ... }] */
async function clients(redis) {
    const text = await redis.call("CLIENT", "LIST");

    return text.trim().split("\n").map(line =>
        Object.fromEntries(line.split(" ").map(field => field.split("="))))
        .filter(({ name }) => name === "ngx_rt");
}


module.exports = { clients, count, http, isReady, ready, says, seen, start };

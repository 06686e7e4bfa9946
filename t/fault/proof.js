"use strict";

/*
 * Connections that are opened first and say who they are later, all of it in
 * one frame: by the proof of a session, or by a token.
 */

const crypto = require("node:crypto");

const { Connection } = require("../clients/ledger.js");

const b64 = value => Buffer.from(value).toString("base64url");


/* one that has said nothing yet, of a worker that will do */
async function opened(nginx, tenant, fits = () => true, more = {}) {
    for (;;) {
        const c = new Connection(nginx, tenant, [], { silent: true, ...more });

        await new Promise(resolve => {
            c.socket.once("open", resolve);
            c.socket.once("close", resolve);
        });

        if (c.error) {
            throw c.error;
        }

        if (c.open && fits(c.pid)) {
            return c;
        }

        await c.close();
    }
}


/*
 * It connects, with a proof ("": to be given one), a token, or neither, and
 * sends what comes behind.  Resolves to what the reply says.
 */
async function enter(c, { proof, token, commands = [] }) {
    const [{ connect }] = await c.commands([{ connect: {
        token, headers: proof === undefined ? undefined
                                            : { "rt-resume": proof } } },
        ...commands]);

    return { id: connect.client, proof: connect.session };
}


function jwt(secret, claims) {
    const text = `${b64('{"alg":"HS256","typ":"JWT"}')}.${
        b64(JSON.stringify(claims))}`;

    return `${text}.${crypto.createHmac("sha256", secret).update(text)
        .digest("base64url")}`;
}


module.exports = { enter, jwt, opened };

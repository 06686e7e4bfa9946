
/*
 * A client's session: made at its connect, or got back by the proof that it
 * shows; and left when the close begins, to linger, or with the connection.
 *
 * Called by the protocol.  Calls the state, which locks by itself.  The secret
 * of a proof is here and in the reply only: the state has digests, and nothing
 * writes it to a log.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_linger.h"
#include "ngx_rt_protocol.h"
#include "ngx_rt_state.h"

#include <openssl/sha.h>


static ngx_int_t ngx_rt_client_resume(ngx_rt_client_t *client,
    ngx_rt_session_conf_t *sc, rt_command_t *cmd, u_char *secret,
    u_char *proof, ngx_rt_told_t *told);
static void ngx_rt_client_remember(ngx_rt_client_t *client);
static void ngx_rt_client_digest(rt_digest_t *digest, u_char *proof);


ngx_int_t
ngx_rt_client_begin(ngx_rt_client_t *client, rt_command_t *cmd,
    ngx_rt_identity_t *who, rt_str_t *proof)
{
    u_char                 id[NGX_RT_ID_LEN], secret[RT_PROOF_SECRET];
    ngx_int_t              rc;
    rt_digest_t            digest;
    ngx_rt_told_t          told;
    ngx_rt_session_conf_t  sc;

    ngx_memzero(&told, sizeof(ngx_rt_told_t));
    ngx_memzero(&sc, sizeof(ngx_rt_session_conf_t));

    sc.who = who;
    sc.conn = client->conn;
    sc.slot = ngx_rt_slot;

    if (cmd->resume.data && client->zone->linger->ttl) {

        if (RAND_bytes(secret, sizeof(secret)) != 1) {
            return NGX_ERROR;
        }

        proof->len = RT_PROOF_LEN;
        sc.proof = &digest;

        rc = ngx_rt_client_resume(client, &sc, cmd, secret, proof->data,
                                  &told);

        if (rc == NGX_OK) {
            ngx_rt_hub_told(client->zone->hub, &told);
            return NGX_OK;
        }
    }

    if (ngx_rt_uuid(id) != NGX_OK) {
        return NGX_ERROR;
    }

    sc.id = id;

    if (sc.proof) {
        rt_proof_build(proof->data, id, secret);
        ngx_rt_client_digest(&digest, proof->data);
    }

    client->session = ngx_rt_session_create(client->zone, &sc, &told);

    ngx_rt_hub_told(client->zone->hub, &told);

    return client->session ? NGX_OK : NGX_DECLINED;
}


/* NGX_DECLINED: what was shown is not good for a session */

static ngx_int_t
ngx_rt_client_resume(ngx_rt_client_t *client, ngx_rt_session_conf_t *sc,
    rt_command_t *cmd, u_char *secret, u_char *proof, ngx_rt_told_t *told)
{
    rt_digest_t  shown;

    if (!rt_proof_valid(&cmd->resume)) {
        return NGX_DECLINED;
    }

    sc->id = cmd->resume.data;

    ngx_rt_client_digest(&shown, cmd->resume.data);

    rt_proof_build(proof, sc->id, secret);
    ngx_rt_client_digest(sc->proof, proof);

    client->session = ngx_rt_session_resume(client->zone, sc, &shown, told);

    if (client->session == NULL) {
        return NGX_DECLINED;
    }

    client->unsettled = 1;

    return NGX_OK;
}


static void
ngx_rt_client_digest(rt_digest_t *digest, u_char *proof)
{
    (void) SHA256(proof, RT_PROOF_LEN, (u_char *) digest->word);
}


/* what was sent before the ping has come, too */

void
ngx_rt_client_ponged(ngx_rt_client_t *client)
{
    if (client->unsettled && client->pinged) {
        client->unsettled = 0;
        ngx_rt_session_settle(client->zone, client->session);
    }
}


void
ngx_rt_client_forgo(ngx_rt_client_t *client, ngx_str_t *channel)
{
    ngx_rt_told_t  told;

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    ngx_rt_session_forgo(client->zone, client->session, channel, &told);
    ngx_rt_hub_told(client->zone->hub, &told);
}


/*
 * Not when the connection is gone, but when its close begins: the client may be
 * back before, or must not.
 */

void
ngx_rt_client_part(ngx_rt_client_t *client, ngx_uint_t may)
{
    ngx_rt_told_t  told;

    ngx_rt_client_remember(client);

    ngx_memzero(&told, sizeof(ngx_rt_told_t));

    ngx_rt_session_expire(client->zone, client->session, may, &told);
    ngx_rt_hub_told(client->zone->hub, &told);

    client->session = NULL;
}


/* for the log of the close, which has none of it if there is no memory */

static void
ngx_rt_client_remember(ngx_rt_client_t *client)
{
    u_char  *p;

    p = ngx_alloc(NGX_RT_ID_LEN + client->tenant.len + client->user.len,
                  client->conn->connection->log);
    client->past = p;

    if (p == NULL) {
        ngx_str_null(&client->tenant);
        ngx_str_null(&client->user);
        return;
    }

    p = ngx_cpymem(p, client->session->id, NGX_RT_ID_LEN);

    ngx_memcpy(p, client->tenant.data, client->tenant.len);
    client->tenant.data = p;
    p += client->tenant.len;

    ngx_memcpy(p, client->user.data, client->user.len);
    client->user.data = p;
}


void
ngx_rt_client_end(ngx_rt_client_t *client)
{
    ngx_rt_told_t  told;

    if (client->session) {
        ngx_memzero(&told, sizeof(ngx_rt_told_t));

        ngx_rt_session_expire(client->zone, client->session, 0, &told);
        ngx_rt_hub_told(client->zone->hub, &told);
    }

    if (client->past) {
        ngx_free(client->past);
    }
}


/*
 * Proofs: what a client shows to get its session back.  A proof is a text, the
 * session's id and a secret; shared memory has digests only.
 *
 * Each resume gives a new proof.  The one that was shown for it stays good
 * until the client is known to have the new one: it shows that, or answers
 * something that was sent behind it.  So a reply that is lost costs nothing.
 */


#ifndef _RT_PROOF_H_INCLUDED_
#define _RT_PROOF_H_INCLUDED_


#include "rt_base.h"
#include "rt_txn.h"


#define RT_PROOF_ID      36       /* bytes: a UUID as text */
#define RT_PROOF_SECRET  32       /* bytes, random */

/* "ID.SECRET", the secret in base64url without padding (RFC 4648) */
#define RT_PROOF_LEN     (RT_PROOF_ID + 1 + (RT_PROOF_SECRET * 4 + 2) / 3)


/* SHA-256 of the text */
typedef struct {
    uint64_t     word[4];
} rt_digest_t;


/* those of a session that are good; lies in shared memory */
typedef struct {
    rt_digest_t  latest;
    rt_digest_t  shown;           /* what the latest was given for */
    uint64_t     both;            /* shown is good as well */
} rt_proofs_t;


/* RT_PROOF_LEN bytes of text */
void rt_proof_build(uint8_t *text, const uint8_t *id, const uint8_t *secret);

/* a text that may be one; its id is its first RT_PROOF_ID bytes */
bool rt_proof_valid(const rt_str_t *text);

/* by plain stores, before anyone can reach it */
void rt_proofs_init(rt_proofs_t *p, const rt_digest_t *first);

/* is it a good one?  Takes the same time whatever they are. */
bool rt_proofs_match(const rt_proofs_t *p, const rt_digest_t *shown);

/* a good one was shown, and a new one is given; 9 sets */
void rt_proofs_renew(rt_proofs_t *p, rt_txn_t *x, const rt_digest_t *shown,
    const rt_digest_t *latest);

/* the client has the latest; 1 set */
void rt_proofs_settle(rt_proofs_t *p, rt_txn_t *x);


/*
 * May the session of a connection that ended with that code linger?  Not where
 * one side has said that this is the end: the client by 1000, the server by a
 * code that SDKs do not come back from, or one of RFC 6455 that tells of a
 * broken or hostile client.
 */
bool rt_close_lingers(unsigned code);


#endif /* _RT_PROOF_H_INCLUDED_ */

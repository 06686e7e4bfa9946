
/*
 * The texts of proofs, and which of a session are good: see rt_proof.h.
 *
 * Called by the protocol (texts) and by the state (digests, with the zone's
 * mutex held); calls rt_txn.
 */


#include "rt_proof.h"


static void rt_digest_set(rt_txn_t *x, rt_digest_t *d, const rt_digest_t *to);
static uint64_t rt_digest_differ(const rt_digest_t *a, const rt_digest_t *b);


void
rt_proof_build(uint8_t *text, const uint8_t *id, const uint8_t *secret)
{
    unsigned  i, bits, have;

    static const uint8_t  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "abcdefghijklmnopqrstuvwxyz0123456789-_";

    memcpy(text, id, RT_PROOF_ID);
    text += RT_PROOF_ID;
    *text++ = '.';

    bits = 0;
    have = 0;

    for (i = 0; i < RT_PROOF_SECRET; i++) {
        bits = (bits << 8 | secret[i]) & 0xffff;
        have += 8;

        while (have >= 6) {
            have -= 6;
            *text++ = digits[(bits >> have) & 0x3f];
        }
    }

    *text = digits[(bits << (6 - have)) & 0x3f];
}


bool
rt_proof_valid(const rt_str_t *text)
{
    return text->len == RT_PROOF_LEN && text->data[RT_PROOF_ID] == '.';
}


void
rt_proofs_init(rt_proofs_t *p, const rt_digest_t *first)
{
    memset(p, 0, sizeof(rt_proofs_t));

    p->latest = *first;
}


static void
rt_digest_set(rt_txn_t *x, rt_digest_t *d, const rt_digest_t *to)
{
    unsigned  i;

    for (i = 0; i < 4; i++) {
        rt_txn_set(x, &d->word[i], to->word[i]);
    }
}


/* 0: they are the same */

static uint64_t
rt_digest_differ(const rt_digest_t *a, const rt_digest_t *b)
{
    unsigned           i;
    volatile uint64_t  differ;

    differ = 0;

    for (i = 0; i < 4; i++) {
        differ |= a->word[i] ^ b->word[i];
    }

    return differ;
}


bool
rt_proofs_match(const rt_proofs_t *p, const rt_digest_t *shown)
{
    bool  latest, before;

    latest = rt_digest_differ(&p->latest, shown) == 0;
    before = rt_digest_differ(&p->shown, shown) == 0;

    return latest | (before & (p->both != 0));
}


void
rt_proofs_renew(rt_proofs_t *p, rt_txn_t *x, const rt_digest_t *shown,
    const rt_digest_t *latest)
{
    rt_digest_set(x, &p->shown, shown);
    rt_digest_set(x, &p->latest, latest);
    rt_txn_set(x, &p->both, 1);
}


void
rt_proofs_settle(rt_proofs_t *p, rt_txn_t *x)
{
    rt_txn_set(x, &p->both, 0);
}


bool
rt_close_lingers(unsigned code)
{
    if (code < 3000) {
        return code == 1001 || code == 1005 || code == 1006 || code == 1011;
    }

    return code < 3500 || (code >= 4000 && code < 4500) || code >= 5000;
}

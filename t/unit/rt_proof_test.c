
/*
 * Proofs: their text, and which of a session are good, against a plain model,
 * with owners that die at every store.  Which closes a session survives.
 */


#include "tap.h"
#include "rt_death.h"
#include "rt_proof.h"


#define ROUNDS   20000
#define PROOFS   64


static void
test_text(void)
{
    unsigned  i, bit;
    uint8_t   secret[RT_PROOF_SECRET], text[RT_PROOF_LEN + 1];
    uint8_t   other[RT_PROOF_LEN];
    rt_str_t  s = { RT_PROOF_LEN, text };

    static const uint8_t  id[] = "6f1c8e0a-9a7b-4e0e-8d7e-3f0f6c1f2b11";

    memset(secret, 0, sizeof(secret));
    text[RT_PROOF_LEN] = '\0';

    rt_proof_build(text, id, secret);
    ok(strcmp((char *) text, "6f1c8e0a-9a7b-4e0e-8d7e-3f0f6c1f2b11."
              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") == 0, "zeroes");

    for (i = 0; i < sizeof(secret); i++) {
        secret[i] = (uint8_t) (i * 67 + 251);
    }

    /* what Python's base64.urlsafe_b64encode makes of it */

    rt_proof_build(text, id, secret);
    ok(strcmp((char *) text + RT_PROOF_ID,
              ".-z6BxAdKjdATVpncH2Kl6CtusfQ3er0AQ4bJDE-S1Rg") == 0,
       "%s", text);
    ok(rt_proof_valid(&s), "it may be one");

    /* each bit of the secret is in the text */

    for (bit = 0; bit < 8 * RT_PROOF_SECRET; bit++) {
        secret[bit / 8] ^= 1 << bit % 8;
        rt_proof_build(other, id, secret);
        ok(memcmp(text, other, RT_PROOF_LEN) != 0, "bit %u", bit);
        secret[bit / 8] ^= 1 << bit % 8;
    }

    s.len--;
    ok(!rt_proof_valid(&s), "too short");
    s.len += 2;
    ok(!rt_proof_valid(&s), "too long");
    s.len = RT_PROOF_LEN;
    text[RT_PROOF_ID] = '-';
    ok(!rt_proof_valid(&s), "no dot");
    s.len = 0;
    ok(!rt_proof_valid(&s), "empty");

    tap_group("the text of a proof");
}


static void
digest(rt_digest_t *d, unsigned n)
{
    unsigned  i;

    for (i = 0; i < 4; i++) {
        d->word[i] = 0x9e3779b97f4a7c15;
    }

    d->word[n % 4] ^= (uint64_t) (n + 1) << n % 56;
}


static void
test_near(void)
{
    unsigned     bit;
    rt_proofs_t  p;
    rt_digest_t  d;

    digest(&d, 1);
    rt_proofs_init(&p, &d);
    ok(rt_proofs_match(&p, &d), "itself");

    for (bit = 0; bit < 256; bit++) {
        d.word[bit / 64] ^= (uint64_t) 1 << bit % 64;
        ok(!rt_proofs_match(&p, &d), "bit %u", bit);
        d.word[bit / 64] ^= (uint64_t) 1 << bit % 64;
    }

    /* what a new one has where no second proof is */

    memset(&d, 0, sizeof(d));
    ok(!rt_proofs_match(&p, &d), "zeroes are none");

    tap_group("a digest that is nearly the same");
}


typedef struct {
    rt_txn_t     txn;
    rt_proofs_t  proofs;
} zone_t;


typedef struct {
    bool         renew;
    rt_digest_t  shown;
    rt_digest_t  latest;
} step_t;


static zone_t  zone;


static void
run(void *data)
{
    step_t  *step = data;

    rt_txn_begin(&zone.txn);

    if (step->renew) {
        rt_proofs_renew(&zone.proofs, &zone.txn, &step->shown, &step->latest);

    } else {
        rt_proofs_settle(&zone.proofs, &zone.txn);
    }

    rt_txn_commit(&zone.txn);
}


/* good[]: what a client may show; n: the last one that was given */

static void
test_model(void)
{
    bool         good[PROOFS], after[PROOFS];
    step_t       step;
    unsigned     round, i, shown, n;
    rt_digest_t  d;

    memset(&zone, 0, sizeof(zone));
    memset(good, 0, sizeof(good));

    n = 0;
    digest(&d, n);
    rt_proofs_init(&zone.proofs, &d);
    good[n] = true;

    for (round = 0; round < ROUNDS; round++) {
        memset(after, 0, sizeof(after));

        do {
            shown = (unsigned) death_rand(PROOFS);
        } while (!good[shown]);

        step.renew = death_rand(3) != 0;

        if (step.renew) {
            i = n;
            do { i = (i + 1) % PROOFS; } while (good[i]);

            digest(&step.shown, shown);
            digest(&step.latest, i);
            after[shown] = true;
            after[i] = true;

        } else {
            i = n;
            after[n] = true;
        }

        if (death_run(run, &step, (long) death_rand(60))) {
            memcpy(good, after, sizeof(good));
            n = i;

        } else {
            death_recover(&zone.txn);
        }

        for (i = 0; i < PROOFS; i++) {
            digest(&d, i);
            ok(rt_proofs_match(&zone.proofs, &d) == good[i],
               "round %u, proof %u", round, i);
        }
    }

    tap_group("which are good: shown, lost, settled, owners that die");
}


static void
test_codes(void)
{
    unsigned  code, n;

    static const unsigned  first[] = { 0, 1001, 1002, 1005, 1007, 1011, 1012,
                                       3000, 3500, 4000, 4500, 5000 };
    static const bool      lingers[] = { false, true, false, true, false, true,
                                         false, true, false, true, false,
                                         true };

    n = 0;

    for (code = 0; code < 5001; code++) {

        while (n + 1 < sizeof(first) / sizeof(first[0])
               && code >= first[n + 1])
        {
            n++;
        }

        ok(rt_close_lingers(code) == lingers[n], "code %u", code);
    }

    tap_group("after which closes a session lingers");
}


int
main(void)
{
    death_seed();

    test_text();
    test_near();
    test_model();
    test_codes();

    return tap_done();
}

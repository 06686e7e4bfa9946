
/*
 * Variants: which flags the rules of a connection have asked, and what they
 * answered last.  The commands of the connection are counted by them, so that
 * those with a flag can be compared with those without it.
 *
 * Called by ngx_rt_command_rule.c, by what answers commands, and by observe/
 * for $rt_flags.  No locking: counters in shared memory are added to.
 */


#include "ngx_rt.h"
#include "ngx_rt_policy.h"
#include "ngx_rt_protocol.h"


/* flags of a connection that are kept; the first ones */
#define NGX_RT_VARIANTS  8


typedef struct {
    ngx_rt_tally_t            *tally;
    ngx_uint_t                 on;
    size_t                     len;
    u_char                     name[RT_FLAG_NAME_MAX];
} ngx_rt_variant_t;


struct ngx_rt_variants_s {
    ngx_uint_t                 n;
    ngx_rt_variant_t           variants[NGX_RT_VARIANTS];
};


static ngx_rt_variant_t *ngx_rt_client_variant_of(ngx_rt_client_t *client,
    const ngx_str_t *name);


/* without memory it is not kept: nothing depends on it but what is told */

void
ngx_rt_client_variant(ngx_rt_client_t *client, const ngx_str_t *tenant,
    ngx_rt_flag_answer_t *answer)
{
    ngx_rt_variant_t  *v;

    v = ngx_rt_client_variant_of(client, &answer->name);

    if (v && v->on == answer->on) {
        answer->tally = v->tally;
    }

    ngx_rt_flag_count(client->zone, tenant, answer);

    if (v) {
        v->on = answer->on;
        v->tally = answer->tally;
    }
}


static ngx_rt_variant_t *
ngx_rt_client_variant_of(ngx_rt_client_t *client, const ngx_str_t *name)
{
    ngx_uint_t          i;
    ngx_rt_variant_t   *v;
    ngx_rt_variants_t  *all;

    if (client->variants == NULL) {
        all = ngx_alloc(sizeof(ngx_rt_variants_t), ngx_cycle->log);
        if (all == NULL) {
            return NULL;
        }

        all->n = 0;
        client->variants = all;
    }

    all = client->variants;

    for (i = 0; i < all->n; i++) {
        v = &all->variants[i];

        if (v->len == name->len
            && ngx_memcmp(v->name, name->data, v->len) == 0)
        {
            return v;
        }
    }

    if (i == NGX_RT_VARIANTS) {
        return NULL;
    }

    v = &all->variants[all->n++];

    v->tally = NULL;
    v->len = name->len;
    ngx_memcpy(v->name, name->data, v->len);

    return v;
}


void
ngx_rt_client_count_variants(ngx_rt_client_t *client, ngx_uint_t error)
{
    ngx_uint_t         i;
    ngx_rt_variant_t  *v;

    for (i = 0; i < client->variants->n; i++) {
        v = &client->variants->variants[i];

        (void) ngx_atomic_fetch_add(
                   &v->tally->counts[error ? NGX_RT_FLAG_ERRORS
                                           : NGX_RT_FLAG_GOOD], 1);
    }
}


/* up to NGX_RT_VARIANTS times a name, a value and two characters more */

u_char *
ngx_rt_client_say_variants(ngx_rt_client_t *client, u_char *p)
{
    ngx_str_t          text;
    ngx_uint_t         i;
    ngx_rt_variant_t  *v;

    for (i = 0; i < client->variants->n; i++) {
        v = &client->variants->variants[i];

        if (i) {
            *p++ = ',';
        }

        ngx_rt_flag_text(v->on, &text);

        p = ngx_cpymem(p, v->name, v->len);
        *p++ = '=';
        p = ngx_cpymem(p, text.data, text.len);
    }

    return p;
}

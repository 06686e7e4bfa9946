
/*
 * What a publication's key stands for: the digest of its content, made before
 * any lock is taken.
 *
 * Called by the protocol and by the API.  No locking: the secret of a zone does
 * not change.
 */


#include "ngx_rt.h"
#include "ngx_rt_fanout.h"
#include "ngx_rt_state.h"


void
ngx_rt_publish_key(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    const rt_str_t *name, const rt_content_t *content)
{
    rt_str_t  scope;

    if (name->len == 0) {
        return;
    }

    scope = ngx_rt_str(&p->channel);

    rt_idem_key(&p->key, &z->state->hash_key, &scope, name, content);
}


void
ngx_rt_publish_event(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    rt_publication_t *pub, rt_event_t *event, u_char *tags)
{
    rt_out_t        o;
    rt_content_t    content;
    rt_hash_key_t  *hash;

    hash = &z->state->hash_key;

    rt_out_init(&o, tags, RT_EVENT_TAGS_MAX);
    rt_event_tags(&o, event);

    ngx_memzero(pub, sizeof(rt_publication_t));

    pub->data = event->data;
    pub->tags.data = tags;
    pub->tags.len = o.pos - tags;

    ngx_memzero(p, sizeof(ngx_rt_publish_t));

    p->channel = ngx_rt_ngx_str(&event->channel);
    p->pub = pub;

    ngx_memzero(&content, sizeof(rt_content_t));

    rt_content_data(&content, hash, &event->data);
    rt_content_type(&content, hash, &event->type, event->version);

    ngx_rt_publish_key(z, p, &event->id, &content);
}

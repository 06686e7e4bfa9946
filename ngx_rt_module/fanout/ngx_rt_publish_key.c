
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


/* whoever finds two contents of one digest has made them for keys of its own */

static const rt_hash_key_t  ngx_rt_content_everywhere = {
    0x6e67785f72745f63, 0x6f6e74656e740001
};


const rt_hash_key_t *
ngx_rt_content_key(ngx_rt_zone_t *z)
{
    ngx_rt_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_rt_module);

    return mcf->redis ? &ngx_rt_content_everywhere : &z->state->hash_key;
}


void
ngx_rt_publish_key(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    const rt_str_t *name, const rt_content_t *content)
{
    rt_str_t  scope;

    if (name->len == 0) {
        return;
    }

    scope = ngx_rt_str(&p->channel);

    rt_idem_key(&p->key, &z->state->hash_key, &scope, name,
                ngx_rt_content_key(z), content);
}


void
ngx_rt_publish_event(ngx_rt_zone_t *z, ngx_rt_publish_t *p,
    rt_publication_t *pub, rt_event_t *event, u_char *tags)
{
    rt_out_t              o;
    rt_content_t          content;
    const rt_hash_key_t  *hash;

    hash = ngx_rt_content_key(z);

    rt_out_init(&o, tags, RT_EVENT_TAGS_MAX);
    rt_event_tags(&o, event);

    ngx_memzero(pub, sizeof(rt_publication_t));

    pub->data = event->data;
    pub->tags.data = tags;
    pub->tags.len = o.pos - tags;

    ngx_memzero(p, sizeof(ngx_rt_publish_t));

    p->channel = ngx_rt_ngx_str(&event->channel);
    p->pub = pub;
    p->event = event;

    ngx_memzero(&content, sizeof(rt_content_t));

    rt_content_data(&content, hash, &event->data);
    rt_content_type(&content, hash, &event->type, event->version);

    ngx_rt_publish_key(z, p, &event->id, &content);
}


void
ngx_rt_publish_upgraded(ngx_rt_publish_t *p, rt_event_t *event)
{
    rt_out_t  o;

    rt_out_init(&o, p->pub->tags.data, RT_EVENT_TAGS_MAX);
    rt_event_tags(&o, event);

    p->pub->tags.len = o.pos - o.start;
    p->pub->data = event->data;
}

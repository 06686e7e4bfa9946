
/*
 * Bytes on their way to Redis: commands as arrays of strings (RESP), one behind
 * the other in one buffer, which grows with what waits and shrinks when all
 * has left.
 *
 * hiredis's formatter makes a copy of each command in memory of its own; here a
 * command is written where it is sent from.
 */


#include "ngx_rt.h"
#include "ngx_rt_redis_link.h"


#define NGX_RT_REDIS_OUT_LEAST  (16 * 1024)
#define NGX_RT_REDIS_OUT_KEEP   (256 * 1024)

#define NGX_RT_REDIS_WORDS_MAX  8


static size_t ngx_rt_redis_out_digits(size_t n);
static u_char *ngx_rt_redis_out_strings(u_char *p, ngx_uint_t n,
    const ngx_str_t *s);


size_t
ngx_rt_redis_out_size(ngx_uint_t nhead, const ngx_str_t *head,
    ngx_uint_t argc, const ngx_str_t *argv)
{
    size_t      size;
    ngx_uint_t  i;

    size = 3 + ngx_rt_redis_out_digits(nhead + argc);

    for (i = 0; i < nhead; i++) {
        size += 5 + ngx_rt_redis_out_digits(head[i].len) + head[i].len;
    }

    for (i = 0; i < argc; i++) {
        size += 5 + ngx_rt_redis_out_digits(argv[i].len) + argv[i].len;
    }

    return size;
}


static size_t
ngx_rt_redis_out_digits(size_t n)
{
    size_t  digits;

    for (digits = 1; n >= 10; n /= 10) {
        digits++;
    }

    return digits;
}


ngx_int_t
ngx_rt_redis_out_reserve(ngx_rt_redis_out_t *out, size_t size)
{
    size_t   used, room;
    u_char  *start;

    if ((size_t) (out->end - out->last) >= size) {
        return NGX_OK;
    }

    used = out->last - out->pos;
    room = out->end - out->start;

    /* to the front, if that is not done again and again */

    if (room - used >= size && used <= room / 2) {
        ngx_memmove(out->start, out->pos, used);
        out->pos = out->start;
        out->last = out->start + used;
        return NGX_OK;
    }

    for (room = ngx_max(room, NGX_RT_REDIS_OUT_LEAST);
         room < used + size;
         room *= 2) { /* void */ }

    start = ngx_alloc(room, ngx_cycle->log);
    if (start == NULL) {
        return NGX_ERROR;
    }

    (void) rt_append(start, out->pos, used);

    if (out->start) {
        ngx_free(out->start);
    }

    out->start = start;
    out->pos = start;
    out->last = start + used;
    out->end = start + room;

    return NGX_OK;
}


void
ngx_rt_redis_out_command(ngx_rt_redis_out_t *out, ngx_uint_t nhead,
    const ngx_str_t *head, ngx_uint_t argc, const ngx_str_t *argv)
{
    u_char  *p;

    p = ngx_sprintf(out->last, "*%ui" CRLF, nhead + argc);
    p = ngx_rt_redis_out_strings(p, nhead, head);

    out->last = ngx_rt_redis_out_strings(p, argc, argv);
}


static u_char *
ngx_rt_redis_out_strings(u_char *p, ngx_uint_t n, const ngx_str_t *s)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        p = ngx_sprintf(p, "$%uz" CRLF, s[i].len);
        p = rt_append(p, s[i].data, s[i].len);

        *p++ = CR;
        *p++ = LF;
    }

    return p;
}


ngx_int_t
ngx_rt_redis_out_words(ngx_rt_redis_out_t *out, ...)
{
    va_list     args;
    ngx_str_t   words[NGX_RT_REDIS_WORDS_MAX];
    ngx_uint_t  n;

    va_start(args, out);

    for (n = 0; n < NGX_RT_REDIS_WORDS_MAX; n++) {
        words[n].data = va_arg(args, u_char *);

        if (words[n].data == NULL) {
            break;
        }

        words[n].len = ngx_strlen(words[n].data);
    }

    va_end(args);

    if (ngx_rt_redis_out_reserve(out, ngx_rt_redis_out_size(0, NULL, n, words))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_rt_redis_out_command(out, 0, NULL, n, words);

    return NGX_OK;
}


void
ngx_rt_redis_out_clear(ngx_rt_redis_out_t *out)
{
    if (out->end - out->start > NGX_RT_REDIS_OUT_KEEP) {
        ngx_free(out->start);
        ngx_memzero(out, sizeof(ngx_rt_redis_out_t));
        return;
    }

    out->pos = out->start;
    out->last = out->start;
}

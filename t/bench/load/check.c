
/*
 * What was published, what came, and in which order.  Called by conn.c (sent,
 * replied) and target.c (delivered); load.c asks for the sums.
 *
 * A publish is in flight from its write until its reply has come and every
 * subscriber of its channel has it.  All publishes of a channel go over one
 * connection, so their order is defined, and they complete in it: a channel's
 * ring with room for a publisher's depth holds all that are in flight.
 */


#include <string.h>
#include "load.h"


static void load_check_done(load_t *l, load_channel_t *ch, load_publish_t *pub);
static void load_check_skip(load_t *l, load_conn_t *c, uint64_t sequence);
static void load_check_latency_add(load_t *l, uint64_t ns);
static uint64_t load_check_number(const uint8_t *digits);


void
load_check_digits(uint8_t *digits, uint64_t sequence)
{
    int  i;

    for (i = LOAD_DIGITS - 1; i >= 0; i--) {
        digits[i] = '0' + (uint8_t) (sequence % 10);
        sequence /= 10;
    }
}


/* the caller has put the digits into the ring's entry */
void
load_check_sent(load_t *l, load_conn_t *c, load_channel_t *ch, uint64_t sent)
{
    load_publish_t    *pub;
    load_pending_t    *pending;
    load_publisher_t  *p;

    p = c->publisher;
    pub = &ch->ring[ch->next & l->ring_mask];

    pub->sent = sent;
    pub->missing = ch->subscribers;
    pub->replied = false;

    pending = &p->pending[p->head++ & l->ring_mask];
    pending->channel = ch;
    pending->sequence = ch->next++;

    p->in_flight++;
    l->counts.begun++;
}


void
load_check_replied(load_t *l, load_conn_t *c)
{
    load_publish_t    *pub;
    load_pending_t    *pending;
    load_publisher_t  *p;

    p = c->publisher;

    if (p->tail == p->head) {
        load_fail("a reply to nothing");
    }

    pending = &p->pending[p->tail++ & l->ring_mask];
    pub = &pending->channel->ring[pending->sequence & l->ring_mask];
    pub->replied = true;

    load_check_done(l, pending->channel, pub);
}


void
load_check_delivered(load_t *l, load_conn_t *c, const uint8_t *digits)
{
    uint64_t         sequence, back;
    load_publish_t  *pub;
    load_channel_t  *ch;

    ch = c->channel;
    pub = &ch->ring[c->next & l->ring_mask];
    sequence = c->next;

    if (sequence == ch->next || memcmp(pub->digits, digits, LOAD_DIGITS) != 0) {
        sequence = load_check_number(digits);

        if (sequence >= ch->next) {
            l->counts.corrupt++;
            return;
        }

        if (sequence < c->next) {
            back = c->next - 1 - sequence;

            if (back > 63 || (c->seen >> back & 1)) {
                l->counts.duplicated++;

            } else {
                c->seen |= (uint64_t) 1 << back;
                l->counts.reordered++;
                l->counts.lost--;
            }

            return;
        }

        load_check_skip(l, c, sequence);
        pub = &ch->ring[sequence & l->ring_mask];
    }

    c->seen = c->seen << 1 | 1;
    c->next = sequence + 1;
    l->counts.deliveries++;

    if (l->measuring) {
        load_check_latency_add(l, l->now - pub->sent);

        if (c->heard && l->now - c->heard > l->silence) {
            l->silence = l->now - c->heard;
        }
    }

    c->heard = l->now;

    pub->missing--;
    load_check_done(l, ch, pub);
}


/* what a subscriber did not get before this one counts as lost for now */
static void
load_check_skip(load_t *l, load_conn_t *c, uint64_t sequence)
{
    load_publish_t  *pub;

    while (c->next < sequence) {
        pub = &c->channel->ring[c->next & l->ring_mask];
        pub->missing--;
        l->counts.lost++;
        c->seen <<= 1;
        c->next++;

        load_check_done(l, c->channel, pub);
    }
}


static void
load_check_done(load_t *l, load_channel_t *ch, load_publish_t *pub)
{
    uint32_t      number;
    load_conn_t  *c;

    if (pub->missing || !pub->replied) {
        return;
    }

    number = (uint32_t) (ch - l->channel);
    c = &l->conn[l->subscribers + number % l->publishers];

    c->publisher->in_flight--;
    l->counts.completed++;
}


/* all that did not come until now */
void
load_check_end(load_t *l)
{
    uint32_t      i;
    load_conn_t  *c;

    for (i = 0; i < l->subscribers; i++) {
        c = &l->conn[i];
        l->counts.lost += c->channel->next - c->next;
    }
}


static uint64_t
load_check_number(const uint8_t *digits)
{
    int       i;
    uint64_t  n;

    n = 0;

    for (i = 0; i < LOAD_DIGITS; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return UINT64_MAX;
        }

        n = n * 10 + (digits[i] - '0');
    }

    return n;
}


/* 16 buckets for each power of two: at most 6 % off */
static void
load_check_latency_add(load_t *l, uint64_t ns)
{
    int  shift;

    if (ns < 16) {
        l->histogram[ns]++;
        return;
    }

    shift = 59 - __builtin_clzll(ns);
    l->histogram[(shift + 1) * 16 + (ns >> shift) - 16]++;
}


uint64_t
load_check_latency(load_t *l, double part)
{
    int       i, shift;
    uint64_t  total, sum;

    total = 0;

    for (i = 0; i < LOAD_BUCKETS; i++) {
        total += l->histogram[i];
    }

    sum = 0;

    for (i = 0; i < LOAD_BUCKETS - 1; i++) {
        sum += l->histogram[i];

        if (total && (double) sum >= part * (double) total) {
            break;
        }
    }

    if (i < 16) {
        return i;
    }

    shift = i / 16 - 1;

    return (uint64_t) (16 + i % 16 + 1) << shift;
}

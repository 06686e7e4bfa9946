
/*
 * Connections that only come and go: TCP, the upgrade, the server's 101, the
 * close by a reset; as many at a time as there are subscribers.  With
 * --target http it is a request that the server answers with 204 and a
 * close.  Called by load.c and loop.c; calls conn.c, target.c and wire.c.
 */


#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"


static void load_handshake_open(load_t *l, load_conn_t *c);
static bool load_handshake_whole(load_t *l, load_conn_t *c, bool closed);


void
load_handshake_start(load_t *l)
{
    uint32_t  i;

    for (i = 0; i < l->subscribers; i++) {
        load_handshake_open(l, &l->conn[i]);
    }
}


static void
load_handshake_open(load_t *l, load_conn_t *c)
{
    size_t   n;
    uint8_t  hello[LOAD_TEXT_MAX];

    load_conn_connect(l, c);

    n = load_target_hello(l, c, hello, sizeof(hello));
    load_conn_send(c, hello, n);

    c->carried = 0;
    l->counts.begun++;
}


void
load_handshake_read(load_t *l, load_conn_t *c)
{
    ssize_t  n;

    n = recv(c->fd, c->carry + c->carried, LOAD_CARRY - c->carried, 0);

    if (n == -1) {
        if (errno == EAGAIN || errno == EINTR) {
            return;
        }

        load_fail("handshake: %s", strerror(errno));
    }

    c->carried += (uint16_t) n;
    l->counts.reads++;

    if (!load_handshake_whole(l, c, n == 0)) {
        return;
    }

    close(c->fd);
    l->counts.completed++;

    if (l->running) {
        load_handshake_open(l, c);
    }
}


static bool
load_handshake_whole(load_t *l, load_conn_t *c, bool closed)
{
    if (l->target == LOAD_HTTP) {
        return closed && load_wire_no_content(c->carry, c->carried);
    }

    if (load_wire_upgraded(c->carry, c->carried)) {
        return true;
    }

    if (closed) {
        load_fail("closed before the 101");
    }

    return false;
}

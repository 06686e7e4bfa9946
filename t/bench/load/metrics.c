
/*
 * Numbers that the server tells of itself, from GET /metrics in Prometheus's
 * text format.  Called by idle.c; calls conn.c for a socket.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"


#define LOAD_METRICS_MAX  (8 * 1024 * 1024)


static const char *load_metrics_page(load_t *l);


double
load_metrics_sum(load_t *l, const char *name)
{
    size_t       len;
    double       sum;
    const char  *p, *space, *end;

    len = strlen(name);
    sum = 0;

    for (p = load_metrics_page(l); (end = strchr(p, '\n')); p = end + 1) {

        if (strncmp(p, name, len) != 0 || p[len] != '{') {
            continue;
        }

        for (space = end; space > p && *space != ' '; space--) { /* void */ }

        sum += strtod(space, NULL);
    }

    return sum;
}


static const char *
load_metrics_page(load_t *l)
{
    int          fd;
    size_t       len;
    ssize_t      n;
    const char  *body;

    static char  page[LOAD_METRICS_MAX + 1];
    static char  get[] = "GET /metrics HTTP/1.0\r\n\r\n";

    fd = load_conn_socket(l->port);
    n = send(fd, get, sizeof(get) - 1, 0);

    for (len = 0; n > 0 && len < LOAD_METRICS_MAX; len += (size_t) n) {
        n = recv(fd, page + len, LOAD_METRICS_MAX - len, 0);

        if (n <= 0) {
            break;
        }
    }

    close(fd);
    page[len] = '\0';
    body = strstr(page, "\r\n\r\n");

    if (n != 0 || strncmp(page, "HTTP/1.1 200", 12) != 0 || body == NULL) {
        load_fail("no page of metrics: %.100s", page);
    }

    return body + 4;
}

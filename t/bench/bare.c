/*
 * The least that a server can do for t/bench/load.c: bare PORT N.  For each
 * publish it makes one send() per subscriber; with N over 1 the frames that
 * one read brought are sent up to N at a time, as a ceiling.  It checks
 * nothing.  Its frames and replies have the bytes of ngx_rt_module's.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FDS   32768
#define SIZE  65536
#define check(e)  do { if (!(e)) { perror(#e); exit(1); } } while (0)

static const char reply[] = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/json\r\n"
    "Content-Length: 13\r\nConnection: keep-alive\r\n\r\n{\"result\":{}}";
static int    first[FDS], next[FDS], channel, gathered, limit;
static char  *input[FDS], out[SIZE];
static size_t have[FDS], out_len;

static void flush(void)
{
    for (int fd = first[channel]; fd; fd = next[fd])
        check(send(fd, out, out_len, 0) == (ssize_t) out_len);
    out_len = gathered = 0;
}

static void publish(char *body, size_t len)
{
    char *data = strstr(body, "\"data\":") + 7, *p = out + out_len + 4;
    int   n, to = atoi(strstr(body, "bench:") + 6);

    if (to != channel) { flush(); p = out + 4; channel = to; }
    n = sprintf(p, "{\"push\":{\"channel\":\"bench:%d\",\"pub\":{\"data\":"
                "%.*s}}}", to, (int) (body + len - 1 - data), data);
    memcpy(p - 4, (unsigned char[]) { 0x81, 126, n >> 8, n & 255 }, 4);
    out_len += n + 4;
    if (++gathered == limit) flush();
}

static void readable(int fd)
{
    char   *p = input[fd], *end, *body;
    ssize_t n = recv(fd, p + have[fd], SIZE - have[fd] - 1, 0);

    if (n <= 0) { close(fd); return; }
    end = p + have[fd] + n;
    *end = '\0';
    if (*p == 'J') {
        next[fd] = first[atoi(p + 5)];
        first[atoi(p + 5)] = fd;
        check(send(fd, "\x81\x02ok", 4, 0) == 4);
        return;
    }
    while ((body = strstr(p, "\r\n\r\n")) != NULL) {
        size_t len = atoi(strstr(p, "Content-Length:") + 15);
        if (end - (body += 4) < (ssize_t) len) break;
        publish(body, len);
        check(send(fd, reply, sizeof(reply) - 1, 0) == sizeof(reply) - 1);
        p = body + len;
    }
    if (gathered) flush();
    memmove(input[fd], p, have[fd] = end - p);
}

int main(int argc, char **argv)
{
    int ep = epoll_create1(0), fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in sin = { .sin_family = AF_INET };
    struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd }, evs[512];

    check(argc == 3 && (limit = atoi(argv[2])) > 0);
    sin.sin_port = htons(atoi(argv[1]));
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    check(!bind(fd, (void *) &sin, sizeof(sin)) && !listen(fd, 4096));
    for (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev); ; ) {
        for (int i = 0, n = epoll_wait(ep, evs, 512, -1); i < n; i++) {
            if (evs[i].data.fd != fd) { readable(evs[i].data.fd); continue; }
            ev.data.fd = accept(fd, NULL, NULL);
            check(ev.data.fd > 0 && ev.data.fd < FDS);
            setsockopt(ev.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            check((input[ev.data.fd] = malloc(SIZE)) != NULL);
            epoll_ctl(ep, EPOLL_CTL_ADD, ev.data.fd, &ev);
        }
    }
}


/*
 * Loaded before libc into an nginx with a debug build of the module
 * (LD_PRELOAD): what blocks, takes memory or talks to the kernel while the
 * process holds a mutex of shared memory is written down in the file
 * RT_HELD_REPORT, with the calls that led to it.
 *
 * rt_fault.c says what is held.  nginx has one thread, and so has this.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>


void rt_held(int mutexes);

/* glibc's own names: dlsym() takes memory itself */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *p);


#define HELD_DEPTH  16


static int          held;
static const char  *held_report;


void
rt_held(int mutexes)
{
    held = mutexes;
}


/* nginx empties its environment later */
__attribute__((constructor))
static void
held_init(void)
{
    void  *frames[1];

    held_report = getenv("RT_HELD_REPORT");

    if (held_report) {
        held_report = strdup(held_report);
    }

    /* loads a library when it is called first */
    (void) backtrace(frames, 1);
}


static void
held_found(const char *name)
{
    int    fd, mutexes;
    void  *frames[HELD_DEPTH];

    /* what follows is not judged */
    mutexes = held;
    held = 0;

    fd = open(held_report ? held_report : "/dev/stderr",
              O_WRONLY|O_CREAT|O_APPEND, 0666);

    if (fd != -1) {
        dprintf(fd, "%s with %d held, in %ld:\n", name, mutexes,
                (long) getpid());
        backtrace_symbols_fd(frames, backtrace(frames, HELD_DEPTH), fd);
        (void) close(fd);
    }

    held = mutexes;
}


#define held_check(name)                                                      \
    do {                                                                      \
        if (__builtin_expect(held, 0)) {                                      \
            held_found(name);                                                 \
        }                                                                     \
    } while (0)


#define HELD(type, name, params, args)                                        \
    type                                                                      \
    name params                                                               \
    {                                                                         \
        static type (*next) params;                                           \
                                                                              \
        held_check(#name);                                                    \
                                                                              \
        if (next == NULL) {                                                   \
            *(void **) &next = dlsym(RTLD_NEXT, #name);                       \
        }                                                                     \
                                                                              \
        return next args;                                                     \
    }


void *
malloc(size_t size)
{
    held_check("malloc");
    return __libc_malloc(size);
}


void *
calloc(size_t n, size_t size)
{
    held_check("calloc");
    return __libc_calloc(n, size);
}


void *
realloc(void *p, size_t size)
{
    held_check("realloc");
    return __libc_realloc(p, size);
}


int
posix_memalign(void **p, size_t align, size_t size)
{
    held_check("posix_memalign");
    *p = __libc_memalign(align, size);

    return *p ? 0 : 12;                           /* ENOMEM */
}


void
free(void *p)
{
    held_check("free");
    __libc_free(p);
}


static int
held_open(int (*next)(const char *, int, ...), const char *path, int flags,
    va_list args)
{
    return next(path, flags,
                flags & (O_CREAT|O_TMPFILE) ? va_arg(args, mode_t) : 0);
}


#define HELD_OPEN(name)                                                       \
    int                                                                       \
    name(const char *path, int flags, ...)                                    \
    {                                                                         \
        int      fd;                                                          \
        va_list  args;                                                        \
                                                                              \
        static int (*next)(const char *, int, ...);                           \
                                                                              \
        held_check(#name);                                                    \
                                                                              \
        if (next == NULL) {                                                   \
            *(void **) &next = dlsym(RTLD_NEXT, #name);                       \
        }                                                                     \
                                                                              \
        va_start(args, flags);                                                \
        fd = held_open(next, path, flags, args);                              \
        va_end(args);                                                         \
                                                                              \
        return fd;                                                            \
    }


HELD_OPEN(open)
HELD_OPEN(open64)

HELD(int, close, (int fd), (fd))

HELD(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
HELD(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
HELD(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at),
     (fd, p, n, at))
HELD(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n))

HELD(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
HELD(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at),
     (fd, p, n, at))
HELD(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at),
     (fd, p, n, at))
HELD(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
HELD(ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t at),
     (fd, v, n, at))
HELD(int, fsync, (int fd), (fd))

HELD(ssize_t, recv, (int fd, void *p, size_t n, int flags),
     (fd, p, n, flags))
HELD(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
HELD(ssize_t, send, (int fd, const void *p, size_t n, int flags),
     (fd, p, n, flags))
HELD(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags),
     (fd, m, flags))
HELD(ssize_t, sendfile, (int out, int in, off_t *at, size_t n),
     (out, in, at, n))
HELD(ssize_t, sendfile64, (int out, int in, off64_t *at, size_t n),
     (out, in, at, n))
HELD(int, shutdown, (int fd, int how), (fd, how))
HELD(int, connect, (int fd, const struct sockaddr *sa, socklen_t n),
     (fd, sa, n))

HELD(int, epoll_ctl, (int ep, int op, int fd, struct epoll_event *ee),
     (ep, op, fd, ee))
HELD(int, epoll_wait, (int ep, struct epoll_event *ee, int n, int ms),
     (ep, ee, n, ms))
HELD(int, poll, (struct pollfd *p, nfds_t n, int ms), (p, n, ms))
HELD(int, select, (int n, fd_set *r, fd_set *w, fd_set *e,
     struct timeval *tv), (n, r, w, e, tv))

HELD(int, nanosleep, (const struct timespec *ts, struct timespec *left),
     (ts, left))
HELD(int, usleep, (useconds_t us), (us))

HELD(void *, mmap, (void *p, size_t n, int prot, int flags, int fd,
     off_t at), (p, n, prot, flags, fd, at))
HELD(void *, mmap64, (void *p, size_t n, int prot, int flags, int fd,
     off64_t at), (p, n, prot, flags, fd, at))
HELD(int, munmap, (void *p, size_t n), (p, n))

HELD(int, pthread_mutex_lock, (pthread_mutex_t *m), (m))
HELD(ssize_t, getrandom, (void *p, size_t n, unsigned flags), (p, n, flags))
HELD(int, getaddrinfo, (const char *node, const char *service,
     const struct addrinfo *hints, struct addrinfo **list),
     (node, service, hints, list))

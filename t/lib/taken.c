
/*
 * Preloaded into nginx: each process counts what it has taken from malloc() and
 * mmap() and not given back, in the file RT_TAKEN_DIR/PID, which is three
 * int64_t: blocks, their bytes, mapped bytes.
 *
 * nginx has one thread, and so has this.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>


typedef struct {
    int64_t  blocks;
    int64_t  bytes;
    int64_t  mapped;
} taken_t;


/* glibc's own names: dlsym() takes memory itself */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *p);


static taken_t   before;
static taken_t  *taken = &before;
static char      dir[4096];


/* a process begins with what its parent has */

static void
begin(void)
{
    int    fd;
    char   path[sizeof(dir) + 32];
    void  *p;

    if (dir[0] == '\0') {
        return;
    }

    snprintf(path, sizeof(path), "%s/%ld", dir, (long) getpid());

    fd = open(path, O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC, 0666);

    if (fd == -1 || ftruncate(fd, sizeof(taken_t)) == -1) {
        abort();
    }

    p = (void *) syscall(SYS_mmap, NULL, sizeof(taken_t),
                         PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED) {
        abort();
    }

    memcpy(p, taken, sizeof(taken_t));
    taken = p;

    close(fd);
}


__attribute__((constructor))
static void
attach(void)
{
    const char  *name;

    name = getenv("RT_TAKEN_DIR");

    if (name && strlen(name) < sizeof(dir)) {
        strcpy(dir, name);
    }

    begin();
    (void) pthread_atfork(NULL, NULL, begin);
}


static void *
count(void *p)
{
    if (p) {
        taken->blocks++;
        taken->bytes += malloc_usable_size(p);
    }

    return p;
}


static void
discount(void *p)
{
    if (p) {
        taken->blocks--;
        taken->bytes -= malloc_usable_size(p);
    }
}


void *
malloc(size_t size)
{
    return count(__libc_malloc(size));
}


void *
calloc(size_t n, size_t size)
{
    return count(__libc_calloc(n, size));
}


void *
realloc(void *p, size_t size)
{
    void  *q;

    discount(p);
    q = __libc_realloc(p, size);

    if (q == NULL && size) {
        (void) count(p);                          /* it is what it was */
    }

    return count(q);
}


void *
memalign(size_t align, size_t size)
{
    return count(__libc_memalign(align, size));
}


void *
aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}


int
posix_memalign(void **p, size_t align, size_t size)
{
    *p = memalign(align, size);

    return *p ? 0 : ENOMEM;
}


void
free(void *p)
{
    discount(p);
    __libc_free(p);
}


void *
mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    void  *p;

    p = (void *) syscall(SYS_mmap, at, size, prot, flags, fd, offset);

    if (p != MAP_FAILED) {
        taken->mapped += size;
    }

    return p;
}


/* what large files make of it */

void *
mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset)
{
    return mmap(at, size, prot, flags, fd, offset);
}


int
munmap(void *p, size_t size)
{
    int  rc;

    rc = syscall(SYS_munmap, p, size);

    if (rc == 0) {
        taken->mapped -= size;
    }

    return rc;
}

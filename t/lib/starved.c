
/*
 * Preloaded into nginx: malloc() has nothing of the sizes that stand in the
 * file RT_STARVED, two uint64_t: the least and the largest; zeroes: none.
 *
 * nginx has one thread, and so has this.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>


/* glibc's own name: dlsym() takes memory itself */
extern void *__libc_malloc(size_t size);


static volatile const uint64_t  *starved;


static void __attribute__((constructor))
start(void)
{
    int          fd;
    void        *p;
    const char  *path;

    path = getenv("RT_STARVED");
    fd = path ? open(path, O_RDONLY) : -1;

    if (fd == -1) {
        return;
    }

    p = mmap(NULL, 2 * sizeof(uint64_t), PROT_READ, MAP_SHARED, fd, 0);

    if (p != MAP_FAILED) {
        starved = p;
    }

    close(fd);
}


void *
malloc(size_t size)
{
    if (starved && starved[0] && size >= starved[0] && size <= starved[1]) {
        errno = ENOMEM;
        return NULL;
    }

    return __libc_malloc(size);
}


/*
 * What is in a free list of ours is nobody's: a build with AddressSanitizer, or
 * one for valgrind (RT_VALGRIND), hears of it, so that a use after such a free
 * is reported like one after free().  Free lists that would hide it from them
 * are not used then (RT_REUSE).  Else, nothing.
 */


#ifndef _RT_POISON_H_INCLUDED_
#define _RT_POISON_H_INCLUDED_


#if defined __SANITIZE_ADDRESS__
#define RT_ASAN  1

#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define RT_ASAN  1
#endif
#endif


#if defined RT_ASAN

#include <sanitizer/asan_interface.h>

#define RT_REUSE                   0
#define rt_poison(p, size)         ASAN_POISON_MEMORY_REGION(p, size)
#define rt_unpoison(p, size)       ASAN_UNPOISON_MEMORY_REGION(p, size)
#define rt_unpoison_link(p, size)  ASAN_UNPOISON_MEMORY_REGION(p, size)

#elif defined RT_VALGRIND

#include <valgrind/memcheck.h>

#define RT_REUSE                   0
#define rt_poison(p, size)         (void) VALGRIND_MAKE_MEM_NOACCESS(p, size)
#define rt_unpoison(p, size)       (void) VALGRIND_MAKE_MEM_UNDEFINED(p, size)
#define rt_unpoison_link(p, size)  (void) VALGRIND_MAKE_MEM_DEFINED(p, size)

#else

#define RT_REUSE                   1
#define rt_poison(p, size)
#define rt_unpoison(p, size)
#define rt_unpoison_link(p, size)

#endif


#endif /* _RT_POISON_H_INCLUDED_ */

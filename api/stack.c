#include "api/stack.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    FRAMES = 2048
}; /* bytes below the caller's frame that are left alone: the calls from here */

/* The lowest address of the thread's stack that may be touched; 0: it cannot be told. */
static uintptr_t
find_low(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return 0;
    (void)pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    return (uintptr_t)low;
}

void
stack_trim(void)
{
    static _Thread_local uintptr_t low;
    if (!low)
        low = find_low();
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t here = ((uintptr_t)__builtin_frame_address(0) - FRAMES) & ~(page - 1);
    if (low && here > low)
        (void)madvise((void *)low, here - low, MADV_DONTNEED);
}

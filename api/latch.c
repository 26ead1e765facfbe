#include "api/latch.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

/* The highest bit is no flag: the sleeper's sleep has no end. */
static const uint32_t endless = UINT32_C(1) << 31;

void
latch_init(latch_t *self)
{
    atomic_init(&self->flags, 0);
}

/* What was up before. */
static uint32_t
put_up(latch_t *self, uint32_t flags)
{
    return atomic_fetch_or_explicit(&self->flags, flags, memory_order_acq_rel);
}

static void
wake(latch_t *self)
{
    syscall(SYS_futex, self, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void
latch_raise(latch_t *self, uint32_t flags)
{
    put_up(self, flags);
    wake(self);
}

void
latch_mark(latch_t *self, uint32_t flags)
{
    if (put_up(self, flags) & endless)
        wake(self);
}

uint32_t
latch_look(const latch_t *self, uint32_t flags)
{
    return atomic_load_explicit(&self->flags, memory_order_acquire) & flags;
}

uint32_t
latch_wait(latch_t *self, uint32_t flags, int64_t ms)
{
    int64_t end_ms = ms < 0 ? INT64_MAX : clock_mono_ms() + ms;
    if (ms < 0 && !latch_look(self, flags))
        put_up(self, endless);
    for (;;) {
        uint32_t seen = atomic_load_explicit(&self->flags, memory_order_acquire);
        if (seen & flags)
            return seen & flags;
        int64_t left_ms = ms < 0 ? INT_MAX : end_ms - clock_mono_ms();
        if (left_ms <= 0)
            return 0;
        struct timespec left = { left_ms / 1000, left_ms % 1000 * 1000000 };
        syscall(SYS_futex, self, FUTEX_WAIT_PRIVATE, seen, ms < 0 ? NULL : &left, NULL, 0);
    }
}

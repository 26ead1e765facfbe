#include "broker/retire.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "broker/worker.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/store_expiry.h"

enum { LINES_AT_ONCE = 1000 };

struct retire {
    store_t *store;
    expiry_t progress;
    line_name_t line_after; /* lines up to this one were looked at in this round */
    int64_t lines_due_ms;   /* when the next round begins, or goes on */
    bool away;              /* it has said that the store is */
    atomic_bool leads;
    worker_t *worker;
};

/* Some of the lines that are over, when it is time. *more: there are others right now. */
static bool
retire_lines(retire_t *self, bool *more, err_t *err)
{
    uint32_t count = 0;
    if (clock_mono_ms() < self->lines_due_ms)
        return true;
    if (!store_lines_clear(self->store, &self->line_after, LINES_AT_ONCE, &count, err))
        return false;
    *more = *more || count > 0;
    if (count > 0)
        return true;
    self->line_after = (line_name_t){ .tenant = "" };
    self->lines_due_ms = clock_mono_ms() + RETIRE_LINES_MS;
    return true;
}

/* One piece of the work. True: there is more right now. */
static bool
retire_some(retire_t *self)
{
    err_t err;
    bool more = false;
    bool swept = store_sweep_expired(self->store, &self->progress, &more, &err)
                 && retire_lines(self, &more, &err);
    if (!swept && !self->away)
        log_warn("retire.failed", "why=%s", err.text);
    self->away = !swept;
    return swept && more;
}

static void
retire_run(void *arg, worker_t *worker)
{
    retire_t *self = arg;
    int64_t next_ms = INT64_MAX / 2;
    while (worker_sleep(worker, next_ms)) {
        bool more = atomic_load(&self->leads) && retire_some(self);
        next_ms = clock_mono_ms() + (more ? 0 : (int64_t)RETIRE_EVERY_MS);
    }
}

void
retire_lead(retire_t *self, bool leads)
{
    atomic_store(&self->leads, leads);
    worker_wake(self->worker);
}

retire_t *
retire_new(const char *store)
{
    retire_t *self = mem_new(sizeof *self);
    self->store = store_new(store, "millrace/broker/retire");
    atomic_init(&self->leads, false);
    self->worker = worker_new(retire_run, self);
    return self;
}

void
retire_destroy(retire_t **self_p)
{
    retire_t *self = *self_p;
    if (!self)
        return;
    worker_destroy(&self->worker);
    store_destroy(&self->store);
    free(self);
    *self_p = NULL;
}

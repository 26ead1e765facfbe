/* list.c - the jobs of a tenant. */
#include <assert.h>

#include "api/engine_inner.h"

typedef struct {
    listing_t which;
    jobs_t *jobs;
} call_t;

static bool
call_list(store_t *store, void *arg, err_t *err)
{
    call_t *call = arg;
    call->jobs = store_list(store, &call->which, err);
    return call->jobs != NULL;
}

jobs_t *
engine_list(engine_t *self, const caller_t *caller, const job_filter_t *filter, err_t *err)
{
    assert(filter->most > 0 && filter->most <= JOBS_MOST);
    call_t call = { .which = { .tenant = caller->tenant,
                               .dialect = filter->dialect,
                               .running = filter->running,
                               .most = filter->most } };
    if (!readers_call(self->readers, call_list, &call, err))
        engine_own_up(err, "list");
    return call.jobs;
}

/* list.c - the jobs of a tenant. */
#include "api/engine_inner.h"

jobs_t *
engine_list(engine_t *self, const caller_t *caller, const job_filter_t *filter, err_t *err)
{
    (void)self;
    (void)caller;
    (void)filter;
    err_set(err, ERR_UNAVAILABLE, "jobs cannot be listed yet");
    return NULL;
}

/* edit.c - a job that waits is given other texts. */
#include "api/engine_inner.h"

bool
engine_edit(engine_t *self, const caller_t *caller, const jobid_t *id, const order_t *order,
            err_t *err)
{
    (void)self;
    (void)id;
    return engine_may_write(caller, err) && order_check_texts(order, err)
           && err_set(err, ERR_UNAVAILABLE, "jobs cannot be edited yet");
}

/* stored.c - what the store has of a result, beside its rows. */
#include <string.h>

#include "api/engine_inner.h"
#include "common/log.h"

/* --- the list of pages --- */

typedef struct {
    page_key_t key;
    int64_t first_row;
    uint32_t most;
    page_entry_t *entries;
    uint32_t *count;
} list_call_t;

static bool
call_list(store_t *store, void *arg, err_t *err)
{
    const list_call_t *call = arg;
    return store_page_list(store, &call->key, call->first_row, call->most, call->entries,
                           call->count, err);
}

static bool
list_inline(const result_t *result, int64_t first_row, page_entry_t *entry, uint32_t *count)
{
    *count = first_row == 0 ? 1 : 0;
    *entry = (page_entry_t){ .rows = (uint32_t)result->rows,
                             .raw_bytes = (uint32_t)result->raw_bytes,
                             .size = result->inlined_size };
    memcpy(entry->hash, result->hash, sizeof entry->hash);
    return true;
}

/* Pages that are not there may have been moved since the job was looked up. */
bool
engine_pages(engine_t *self, const job_t *job, const result_t *result, int64_t first_row,
             uint32_t most, page_entry_t *entries, uint32_t *count, err_t *err)
{
    if (result->inlined)
        return list_inline(result, first_row, entries, count);
    list_call_t call = { .key = page_key_of(job, result),
                         .first_row = first_row,
                         .most = most,
                         .entries = entries,
                         .count = count };
    for (int tries = 0; tries < 2; tries++) {
        if (!readers_call(self->readers, call_list, &call, err)) {
            engine_own_up(err, "pages");
            return false;
        }
        if (*count > 0)
            return true;
        if (engine_expired(self, job))
            return err_set(err, ERR_GONE, "the result has expired");
        if (!engine_where(self, job, &call.key.bucket_us, err))
            return false;
    }
    return err_set(err, ERR_INTERNAL, "the result is not whole");
}

/* --- what a running job has so far --- */

typedef struct {
    const job_t *job;
    uint32_t step;
    manifest_t *manifest; /* the answer */
} partial_call_t;

static bool
call_partial(store_t *store, void *arg, err_t *err)
{
    partial_call_t *call = arg;
    call->manifest = store_partial(store, call->job, call->step, err);
    return call->manifest != NULL;
}

/* Which of its steps is at work; false: none is. */
static bool
step_at_work(const job_t *job, uint32_t *step)
{
    *step = 0;
    if (!job->step)
        return job->state == JOB_RUNNING;
    while (*step < job->steps && job->step[*step].state != JOB_RUNNING)
        ++*step;
    return *step < job->steps;
}

/* Results that have no page yet leave a gap in their step, as statements are counted. */
static void
join_from(manifest_t *into, manifest_t *step, uint32_t number)
{
    own(manifest) all = manifest_new();
    for (uint32_t i = 0; i < step->count; i++) {
        while (all->count < step->results[i].ordinal) {
            result_t *none = manifest_add(all);
            none->step = number;
            none->ordinal = all->count - 1;
        }
        result_t *result = manifest_add(all);
        *result = step->results[i];
        step->results[i] = (result_t){ .tag = NULL };
    }
    manifest_join(into, all);
}

bool
engine_stored(engine_t *self, job_t *job, err_t *err)
{
    partial_call_t call = { .job = job };
    if (!job->manifest)
        job->manifest = manifest_new();
    if (!step_at_work(job, &call.step))
        return true;
    if (!readers_call(self->readers, call_partial, &call, err)) {
        engine_own_up(err, "partial");
        return false;
    }
    join_from(job->manifest, call.manifest, call.step);
    manifest_destroy(&call.manifest);
    return true;
}

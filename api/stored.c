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

bool
engine_stored(engine_t *self, job_t *job, err_t *err)
{
    (void)self;
    (void)job;
    return err_set(err, ERR_INVALID, "partial=true is not served yet");
}

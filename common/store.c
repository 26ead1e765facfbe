/* store.c - the connection; jobs out, keys. */
#include "common/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/store_inner.h"

store_t *
store_new(const char *dsn, const char *who)
{
    store_t *self = (store_t *)mem_new(sizeof *self);
    self->pg = pg_new(dsn, who);
    self->params = pg_params_new();
    return self;
}

void
store_destroy(store_t **self_p)
{
    store_t *self = *self_p;
    if (!self)
        return;
    pg_destroy(&self->pg);
    pg_params_destroy(&self->params);
    free(self);
    *self_p = NULL;
}

pg_params_t *
store_params(store_t *self)
{
    pg_params_clear(self->params);
    return self->params;
}

bool
store_run(store_t *self, sql_t query, pg_result_t **result, err_t *err)
{
    return pg_run(self->pg, query, self->params, result, err);
}

bool
store_repeat(store_t *self, sql_t query, pg_result_t **result, err_t *err)
{
    return store_run(self, query, result, err)
           || (pg_was_cut(self->pg) && store_run(self, query, result, err));
}

void
store_copy(char *to, size_t size, const char *text)
{
    size_t length = strlen(text);
    size_t kept = length < size ? length : mem_whole(text, size - 1);
    memcpy(to, text, kept);
    to[kept] = '\0';
}

int64_t
store_ms(const pg_result_t *result, int row, int column)
{
    return pg_get_time(result, row, column) / 1000;
}

char *
store_text(const pg_result_t *result, int row, int column)
{
    if (pg_is_null(result, row, column))
        return NULL;
    return mem_text(pg_get_text(result, row, column));
}

bool
store_clock(store_t *self, int64_t *ms, err_t *err)
{
    (void)store_params(self);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_clock, &result, err))
        return false;
    *ms = pg_get_time(result, 0, 0) / 1000;
    return true;
}

/* --- jobs out --- */

enum { FIND_LOOKS = 8 }; /* at a job that is edited whenever one looks */

/* How it ended, for final jobs, and what was asked of it, for others; `at` is the column of "rows".
 */
static bool
job_read_end(job_t *job, const pg_result_t *result, int row, int at, err_t *err)
{
    job->rows = pg_get_int8(result, row, at);
    job->bytes = pg_get_int8(result, row, at + 1);
    job->pages = pg_get_int4(result, row, at + 2);
    job->planning_us = pg_get_int8(result, row, at + 3);
    job->executing_us = pg_get_int8(result, row, at + 4);
    job->storing_us = pg_get_int8(result, row, at + 5);
    store_copy(job->sqlstate, sizeof job->sqlstate, pg_get_text(result, row, at + 6));
    job->error = store_text(result, row, at + 7);
    job->error_detail = store_text(result, row, at + 8);
    job->error_hint = store_text(result, row, at + 9);
    job->error_position = pg_get_int4(result, row, at + 10);
    job->expired = pg_get_bool(result, row, at + 12);
    job->steps = (uint32_t)pg_get_int2(result, row, at + 13);
    job->cancel_ms = store_ms(result, row, at + 14);
    job->retention_s = pg_get_int4(result, row, at + 15);
    job->note = store_text(result, row, at + 16);
    job->edited_ms = pg_get_int8(result, row, at + 17);
    if (pg_is_null(result, row, at + 11))
        return true;
    view_t manifest = pg_get_bytes(result, row, at + 11);
    job->manifest = manifest_unpack(manifest.data, manifest.size, err);
    return job->manifest != NULL;
}

job_t *
job_read(const pg_result_t *result, int row, int at, err_t *err)
{
    own(job) job = job_new();
    free(job->tenant);
    free(job->source);
    free(job->dialect);
    job->id = pg_get_uuid(result, row, at);
    job->tenant = mem_text(pg_get_text(result, row, at + 1));
    job->source = mem_text(pg_get_text(result, row, at + 2));
    job->dialect = mem_text(pg_get_text(result, row, at + 3));
    job->priority = pg_get_int2(result, row, at + 4);
    job->attempt = pg_get_int4(result, row, at + 6);
    job->tries = pg_get_int4(result, row, at + 7);
    job->created_ms = store_ms(result, row, at + 8);
    job->started_ms = store_ms(result, row, at + 9);
    job->first_page_ms = store_ms(result, row, at + 10);
    job->ended_ms = store_ms(result, row, at + 11);
    job->expires_ms = store_ms(result, row, at + 12);
    job->bucket_us = pg_get_time(result, row, at + 13);
    if (!job_state_parse(pg_get_text(result, row, at + 5), &job->state)) {
        (void)err_set(err, ERR_INTERNAL, "the store holds a state that this node does not know");
        return NULL;
    }
    return job_read_end(job, result, row, at + 14, err) ? take(job) : NULL;
}

/* The smallest and the largest id that is looked for. */
static void
find_range(pg_params_t *params, find_t *const *jobs, uint32_t count)
{
    const jobid_t *low = &jobs[0]->id;
    const jobid_t *high = &jobs[0]->id;
    for (uint32_t i = 1; i < count; i++) {
        if (jobid_compare(&jobs[i]->id, low) < 0)
            low = &jobs[i]->id;
        if (jobid_compare(&jobs[i]->id, high) > 0)
            high = &jobs[i]->id;
    }
    pg_param_uuid(params, low);
    pg_param_uuid(params, high);
}

static bool
find_all(store_t *self, find_t **jobs, uint32_t count, err_t *err)
{
    pg_params_t *params = store_params(self);
    PG_COLUMN(params, PG_UUID, pg_array_uuid, count, &jobs[i]->id);
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, jobs[i]->tenant);
    PG_COLUMN(params, PG_BOOL, pg_array_bool, count, jobs[i]->whole);
    find_range(params, jobs, count);
    own(pg_result) result = NULL;
    if (!store_repeat(self, SQL_find, &result, err))
        return false;
    for (int row = 0; row < pg_rows(result); row++) {
        find_t *find = jobs[pg_get_int8(result, row, 0) - 1];
        find->job = job_read(result, row, 1, err);
        if (!find->job)
            return false;
        find->verdict = FIND_FOUND;
    }
    return true;
}

/* An id that is neither live nor final within its day's partition. */
static bool
find_rest(store_t *self, find_t *find, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_uuid(params, &find->id);
    pg_param_text(params, find->tenant);
    pg_param_bool(params, find->whole);
    own(pg_result) kept = NULL;
    own(pg_result) exists = NULL;
    if (!store_run(self, SQL_find_kept, &kept, err))
        return false;
    if (pg_rows(kept)) {
        find->job = job_read(kept, 0, 0, err);
        find->verdict = FIND_FOUND;
        return find->job != NULL;
    }
    params = store_params(self);
    pg_param_uuid(params, &find->id);
    pg_param_text(params, find->tenant);
    if (!store_run(self, SQL_job_exists, &exists, err))
        return false;
    find->verdict = pg_get_bool(exists, 0, 0) ? FIND_DENIED : FIND_MISSING;
    return true;
}

/* Nobody is given half an answer. */
static bool
find_fail(find_t **jobs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        job_destroy(&jobs[i]->job);
        jobs[i]->verdict = FIND_MISSING;
    }
    return false;
}

/* What is still missing of it; *again: it was edited between two looks at it. */
static bool
find_more(store_t *self, find_t *find, bool *again, err_t *err)
{
    *again = false;
    if (find->verdict == FIND_MISSING && !find_rest(self, find, err))
        return false;
    bool stepped = find->verdict == FIND_FOUND && find->whole && find->job->steps > 1;
    if (!stepped)
        return true;
    if (!steps_fill(self, find->job, err))
        return false;
    *again = !find->job->step && !job_state_final(find->job->state);
    return true;
}

/* All of it that the first look has not brought. */
static bool
find_whole(store_t *self, find_t *find, err_t *err)
{
    bool again = false;
    for (int i = 0; i < FIND_LOOKS; i++) {
        if (!find_more(self, find, &again, err))
            return false;
        if (!again)
            return true;
        job_destroy(&find->job);
        find->verdict = FIND_MISSING;
        if (!find_all(self, &find, 1, err))
            return false;
    }
    return err_set(err, ERR_INTERNAL, "the store holds other steps than the job has");
}

bool
store_find(store_t *self, find_t **jobs, uint32_t count, err_t *err)
{
    for (uint32_t i = 0; i < count; i++) {
        jobs[i]->verdict = FIND_MISSING;
        jobs[i]->job = NULL;
    }
    if (count && !find_all(self, jobs, count, err))
        return find_fail(jobs, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!find_whole(self, jobs[i], err))
            return find_fail(jobs, count);
    }
    return true;
}

/* --- keys --- */

/* A tenant as the owner of its own name. */
static bool
tenant_find(store_t *self, const char *name, key_owner_t *owner, err_t *err)
{
    *owner = (key_owner_t){ .tenant = "" };
    pg_param_text(store_params(self), name);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_tenant_find, &result, err))
        return false;
    if (!pg_rows(result))
        return err_set(err, ERR_NO_KEY, "unknown tenant");
    store_copy(owner->tenant, sizeof owner->tenant, pg_get_text(result, 0, 0));
    return true;
}

bool
store_key_find(store_t *self, const char *key_id, key_owner_t *owner, err_t *err)
{
    char tenant[64];
    uint8_t bytes[KEY_HANDLE_BYTES];
    if (key_tenant_parse(key_id, tenant))
        return tenant_find(self, tenant, owner, err);
    bool by_secret = key_handle_parse(key_id, tenant, bytes);
    pg_params_t *params = store_params(self);
    pg_param_text(params, by_secret ? tenant : key_id);
    if (by_secret)
        pg_param_bytes(params, bytes, sizeof bytes);
    own(pg_result) result = NULL;
    if (!store_run(self, by_secret ? SQL_key_find_secret : SQL_key_find, &result, err))
        return false;
    view_t hash = pg_rows(result) ? pg_get_bytes(result, 0, 0) : (view_t){ 0 };
    if (hash.size != KEY_HASH_SIZE)
        return err_set(err, ERR_NO_KEY, "unknown, expired or revoked key");
    memcpy(owner->hash, hash.data, KEY_HASH_SIZE);
    store_copy(owner->tenant, sizeof owner->tenant, pg_get_text(result, 0, 1));
    store_copy(owner->role, sizeof owner->role, pg_get_text(result, 0, 2));
    store_copy(owner->source, sizeof owner->source, pg_get_text(result, 0, 3));
    store_copy(owner->key_id, sizeof owner->key_id, pg_get_text(result, 0, 4));
    return true;
}

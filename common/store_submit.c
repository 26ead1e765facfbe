/* store_submit.c - jobs in: the plain ones together in one statement, those that have steps or an
 * idempotency key, or must not be too many, in a transaction each.
 */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/store_inner.h"

/* Nobody but this job waits for a transaction on another node that stands still with its key. */
#define BEGIN "BEGIN; SET LOCAL lock_timeout = '1s'"
#define WAITED_SQLSTATE "55P03"
#define COMMIT "COMMIT"
#define ROLLBACK "ROLLBACK"

enum {
    SUBMIT_BYTES = 8 << 20, /* of texts in one statement, unless one alone has more */
    KEY_LOOKS = 4           /* at a key that changes hands meanwhile */
};

/* Has it rows in no other table than live, and is there room for it in any case? */
static bool
is_plain(const submit_t *job)
{
    return !job->keyed && !job->step_count && !job->queue_most;
}

/* Plain ones first, then by id. */
static int
submit_compare(const void *a, const void *b)
{
    const submit_t *const *left = (const submit_t *const *)a;
    const submit_t *const *right = (const submit_t *const *)b;
    if (is_plain(*left) != is_plain(*right))
        return is_plain(*left) ? -1 : 1;
    return jobid_compare(&(*left)->id, &(*right)->id);
}

/* 0 stands for none. */
static void
array_limit(pg_params_t *params, int64_t value)
{
    if (value)
        pg_array_int8(params, value);
    else
        pg_array_null(params);
}

static int16_t
submit_steps(const submit_t *job)
{
    return job->step_count ? (int16_t)job->step_count : 1;
}

static void
submit_params(store_t *self, submit_t *const *jobs, uint32_t count)
{
    pg_params_t *params = store_params(self);
    PG_COLUMN(params, PG_UUID, pg_array_uuid, count, &jobs[i]->id);
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, jobs[i]->tenant);
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, jobs[i]->source);
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, jobs[i]->dialect);
    PG_COLUMN(params, PG_INT2, pg_array_int2, count, (int16_t)jobs[i]->priority);
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, jobs[i]->sql);
    PG_COLUMN(params, PG_INT4, pg_array_int4, count, jobs[i]->retention_s);
    PG_COLUMN(params, PG_INT8, pg_array_int8, count, jobid_ms(&jobs[i]->id));
    PG_COLUMN(params, PG_INT2, pg_array_int2, count, submit_steps(jobs[i]));
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, jobs[i]->options);
    PG_COLUMN(params, PG_INT8, array_limit, count, jobs[i]->queue_timeout_ms);
    PG_COLUMN(params, PG_INT8, array_limit, count, jobs[i]->deadline_ms);
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, jobs[i]->queue_key);
}

/* *again: jobs of this batch were sent before, and may be stored. */
static bool
submit_run(store_t *self, submit_t *const *jobs, uint32_t count, bool *again, err_t *err)
{
    submit_params(self, jobs, count);
    if (store_run(self, *again ? SQL_submit_again : SQL_submit, NULL, err))
        return true;
    if (!pg_was_cut(self->pg))
        return false;
    *again = true;
    return pg_settle(self->pg, err) && store_run(self, SQL_submit_again, NULL, err);
}

/* The batch was refused: whose fault is it? When the store goes away on the way, the rest has that
 * answer. */
static void
submit_singly(store_t *self, submit_t **jobs, uint32_t count, bool again)
{
    for (uint32_t i = 0; i < count; i++) {
        submit_t *job = jobs[i];
        if (i && jobs[i - 1]->err.kind == ERR_UNAVAILABLE)
            job->err = jobs[i - 1]->err;
        else if (submit_run(self, &job, 1, &again, &job->err))
            err_clear(&job->err);
    }
}

/* Answer every member alike. */
static void
submit_answer(submit_t **jobs, uint32_t count, const err_t *err)
{
    for (uint32_t i = 0; i < count; i++)
        jobs[i]->err = *err;
}

static size_t
submit_bytes(const submit_t *job)
{
    return strlen(job->sql) + (job->options ? strlen(job->options) : 0);
}

/* How many of these go into one statement: few long texts, or many short ones. */
static uint32_t
submit_part(submit_t *const *jobs, uint32_t count)
{
    size_t bytes = submit_bytes(jobs[0]);
    uint32_t part = 1;
    while (part < count && (bytes += submit_bytes(jobs[part])) <= SUBMIT_BYTES)
        part++;
    return part;
}

/* One statement's jobs. False: the store is away. */
static bool
submit_together(store_t *self, submit_t **jobs, uint32_t count, err_t *err)
{
    bool again = false;
    bool stored = submit_run(self, jobs, count, &again, err);
    if (stored)
        err_clear(err);
    if (stored || err->kind == ERR_UNAVAILABLE || count == 1) {
        submit_answer(jobs, count, err);
        return stored || err->kind != ERR_UNAVAILABLE;
    }
    log_warn("store.submit", "jobs=%u sqlstate=%s what=singly", count, err->sqlstate);
    submit_singly(self, jobs, count, again);
    return true;
}

/* Jobs that are plain; returns how many are answered: fewer than all when the store is away. */
static uint32_t
submit_plain(store_t *self, submit_t **jobs, uint32_t count, err_t *err)
{
    for (uint32_t from = 0, part = 0; from < count; from += part) {
        part = submit_part(jobs + from, count - from);
        if (!submit_together(self, jobs + from, part, err))
            return from;
    }
    return count;
}

/* --- jobs with steps, keys or a line that is not to grow too long --- */

static void
array_hash(pg_params_t *params, const uint8_t *hash)
{
    pg_array_bytes(params, hash, TOKEN_HASH_SIZE);
}

/* What became of a key: somebody has it, or it changed hands while it was looked at. */
typedef enum { KEY_OURS, KEY_THEIRS, KEY_MOVED } key_hold_t;

/* A live job has the key. The same request gets it. */
static bool
key_judge(submit_t *job, const pg_result_t *result, err_t *err)
{
    view_t hash = pg_get_bytes(result, 0, 2);
    if (hash.size != TOKEN_HASH_SIZE || memcmp(hash.data, job->request_hash, hash.size) != 0)
        return err_set(err, ERR_CONFLICT, "another request had this idempotency key before");
    job->id = pg_get_uuid(result, 0, 1);
    job->existed = true;
    return true;
}

static bool
key_inherit(store_t *self, const submit_t *job, const jobid_t *owner, key_hold_t *hold, err_t *err)
{
    own(pg_result) result = NULL;
    pg_params_t *params = store_params(self);
    pg_param_text(params, job->tenant);
    pg_param_bytes(params, job->key_hash, TOKEN_HASH_SIZE);
    pg_param_bytes(params, job->request_hash, TOKEN_HASH_SIZE);
    pg_param_uuid(params, &job->id);
    pg_param_uuid(params, owner);
    if (!store_run(self, SQL_key_inherit, &result, err))
        return false;
    *hold = pg_rows(result) ? KEY_OURS : KEY_MOVED;
    return true;
}

/* Somebody has had its key before. */
static bool
key_look(store_t *self, submit_t *job, key_hold_t *hold, err_t *err)
{
    own(pg_result) result = NULL;
    pg_params_t *params = store_params(self);
    PG_COLUMN(params, PG_TEXT, pg_array_text, 1, job[i].tenant);
    PG_COLUMN(params, PG_BYTEA, array_hash, 1, job[i].key_hash);
    if (!store_run(self, SQL_keys_find, &result, err))
        return false;
    *hold = KEY_MOVED;
    if (!pg_rows(result))
        return true;
    jobid_t owner = pg_get_uuid(result, 0, 1);
    *hold = jobid_equal(&owner, &job->id) ? KEY_OURS : KEY_THEIRS;
    if (*hold == KEY_OURS)
        return true;
    if (pg_get_bool(result, 0, 3))
        return key_inherit(self, job, &owner, hold, err);
    return key_judge(job, result, err);
}

/* Take its key if nobody has it. */
static bool
key_take(store_t *self, const submit_t *job, key_hold_t *hold, err_t *err)
{
    own(pg_result) result = NULL;
    pg_params_t *params = store_params(self);
    PG_COLUMN(params, PG_TEXT, pg_array_text, 1, job[i].tenant);
    PG_COLUMN(params, PG_BYTEA, array_hash, 1, job[i].key_hash);
    PG_COLUMN(params, PG_BYTEA, array_hash, 1, job[i].request_hash);
    PG_COLUMN(params, PG_UUID, pg_array_uuid, 1, &job[i].id);
    if (!store_run(self, SQL_keys_take, &result, err))
        return false;
    *hold = pg_rows(result) ? KEY_OURS : KEY_MOVED;
    return true;
}

/* Its key is its own, or another job's that the same request made. Whoever takes the same one at
 * this moment is waited for. */
static bool
key_settle(store_t *self, submit_t *job, key_hold_t *hold, err_t *err)
{
    for (int i = 0; i < KEY_LOOKS; i++) {
        if (!key_take(self, job, hold, err))
            return false;
        if (*hold == KEY_MOVED && !key_look(self, job, hold, err))
            return false;
        if (*hold != KEY_MOVED)
            return true;
    }
    return err_set(err, ERR_CONFLICT, "the job that had this idempotency key goes just now");
}

/* Do few enough jobs wait with its queue key? Whoever asks the same at this moment is waited for.
 */
static bool
line_room(store_t *self, const submit_t *job, err_t *err)
{
    own(pg_result) result = NULL;
    pg_params_t *params = store_params(self);
    pg_param_text(params, job->tenant);
    pg_param_text(params, job->queue_key);
    pg_param_int8(params, job->queue_most);
    pg_param_uuid(params, &job->id);
    if (!store_run(self, SQL_queue_key_room, &result, err))
        return false;
    return pg_get_bool(result, 0, 0)
           || err_set(err, ERR_LIMIT, "%u jobs with this queue key wait already", job->queue_most);
}

/* All of one job, in the transaction that is open. */
static bool
whole_put(store_t *self, submit_t *job, bool again, err_t *err)
{
    key_hold_t hold = KEY_OURS;
    if (job->keyed && !key_settle(self, job, &hold, err))
        return false;
    if (hold == KEY_THEIRS)
        return true;
    if (job->queue_most && !line_room(self, job, err))
        return false;
    submit_params(self, &job, 1);
    return store_run(self, again ? SQL_submit_again : SQL_submit, NULL, err)
           && (!job->step_count || steps_add(self, job, err));
}

static bool
whole_run(store_t *self, submit_t *job, bool again, err_t *err)
{
    if (!pg_script(self->pg, BEGIN, err))
        return false;
    if (whole_put(self, job, again, err))
        return pg_script(self->pg, COMMIT, err) || job->existed;
    err_t lost; /* and the transaction with it */
    if (err->kind != ERR_UNAVAILABLE && !pg_script(self->pg, ROLLBACK, &lost))
        log_warn("store.rollback", "what=\"%s\"", lost.text);
    return false;
}

/* A transaction whose COMMIT is still under way when it is repeated would show this one a job that
 * is not there yet, and perhaps is over before it is put there again: so its session goes first, as
 * that of plain jobs does. */
static bool
whole_store(store_t *self, submit_t *job, err_t *err)
{
    if (whole_run(self, job, false, err))
        return true;
    return pg_was_cut(self->pg) && pg_settle(self->pg, err) && whole_run(self, job, true, err);
}

/* Others hold what it waited for. It was rolled back, and may be sent again. */
static bool
waited_too_long(err_t *err)
{
    if (strcmp(err->sqlstate, WAITED_SQLSTATE) != 0)
        return false;
    (void)err_set(err, ERR_UNAVAILABLE, "another request under this key has not been stored yet");
    return true;
}

/* One by one; returns how many are answered: fewer than all when the store is away. */
static uint32_t
submit_wholes(store_t *self, submit_t **jobs, uint32_t count, err_t *err)
{
    for (uint32_t i = 0; i < count; i++) {
        submit_t *job = jobs[i];
        if (whole_store(self, job, err))
            err_clear(err);
        else if (!waited_too_long(err) && err->kind == ERR_UNAVAILABLE)
            return i;
        job->err = *err;
    }
    return count;
}

/* --- all --- */

bool
store_submit(store_t *self, submit_t **jobs, uint32_t count, err_t *err)
{
    err_clear(err);
    if (!count)
        return true;
    own(mem) memory = (mem_t *)mem_array(count, sizeof *jobs);
    submit_t **sorted = (submit_t **)(void *)memory;
    memcpy(sorted, jobs, count * sizeof *jobs);
    qsort(sorted, count, sizeof *sorted, submit_compare);
    uint32_t plain = 0;
    for (uint32_t i = 0; i < count; i++) {
        plain += is_plain(sorted[i]);
        sorted[i]->existed = false;
    }
    uint32_t answered = submit_plain(self, sorted, plain, err);
    if (answered == plain)
        answered += submit_wholes(self, sorted + plain, count - plain, err);
    submit_answer(sorted + answered, count - answered, err);
    if (answered == count)
        err_clear(err);
    return answered > 0;
}

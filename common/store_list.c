/* store_list.c - the jobs of a tenant: which, what they are, and their steps, a query each. */
#include <assert.h>
#include <stdlib.h>

#include "common/store_inner.h"

enum {
    LIST_LOOK = 10000,     /* at so many jobs, in each place where some may stand */
    LIST_BYTES = 32 << 20, /* of steps' texts */
    COLUMN_JOB = 23        /* of jobs_steps */
};

/* --- which --- */

static bool
list_ids(store_t *self, const listing_t *list, pg_result_t **ids, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, list->tenant);
    pg_param_text(params, list->dialect);
    pg_param_int8(params, list->most);
    pg_param_int8(params, LIST_LOOK);
    return store_repeat(self, list->running ? SQL_jobs_running : SQL_jobs_newest, ids, err);
}

/* --- what they are --- */

static void
array_id(pg_params_t *params, jobid_t id)
{
    pg_array_uuid(params, &id);
}

/* Their rows, each in its place. */
static bool
list_rows(store_t *self, const pg_result_t *ids, jobs_t *jobs, err_t *err)
{
    jobid_t high = pg_get_uuid(ids, 0, 0);
    jobid_t low = pg_get_uuid(ids, pg_rows(ids) - 1, 0);
    pg_params_t *params = store_params(self);
    PG_COLUMN(params, PG_UUID, array_id, jobs->count, pg_get_uuid(ids, (int)i, 0));
    pg_param_uuid(params, &low);
    pg_param_uuid(params, &high);
    own(pg_result) result = NULL;
    if (!store_repeat(self, SQL_jobs_read, &result, err))
        return false;
    for (int row = 0; row < pg_rows(result); row++) {
        job_t *job = job_read(result, row, 1, err);
        if (!job)
            return false;
        jobs->list[pg_get_int8(result, row, 0) - 1] = job;
    }
    return true;
}

/* Without those that are not there, or not as they are to be any more. */
static void
list_tidy(const listing_t *list, jobs_t *jobs)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < jobs->count; i++) {
        job_t *job = take(jobs->list[i]);
        if (job && (job->expired || (list->running && job->state != JOB_RUNNING)))
            job_destroy(&job);
        if (job)
            jobs->list[count++] = job;
    }
    jobs->count = count;
}

/* --- their steps --- */

/* One whose steps are not those that it had a moment ago. */
static bool
list_again(store_t *self, const listing_t *list, job_t **job, err_t *err)
{
    find_t find = { .id = (*job)->id, .tenant = list->tenant, .whole = true };
    find_t *one = &find;
    job_destroy(job);
    if (!store_find(self, &one, 1, err))
        return false;
    if (find.job && find.job->steps > 1 && !find.job->step)
        job_destroy(&find.job);
    if (find.job)
        manifest_destroy(&find.job->manifest);
    *job = find.job;
    return true;
}

static void
list_cut(jobs_t *jobs, uint32_t at)
{
    while (jobs->count > at)
        job_destroy(&jobs->list[--jobs->count]);
}

/* How many rows from this one on are steps of this job, and the bytes of their texts. */
static uint32_t
steps_of(const pg_result_t *result, int row, const jobid_t *job, size_t *bytes)
{
    uint32_t count = 0;
    for (; row < pg_rows(result); row++, count++) {
        jobid_t of = pg_get_uuid(result, row, COLUMN_JOB);
        if (!jobid_equal(&of, job))
            break;
        *bytes += pg_get_bytes(result, row, 1).size;
    }
    return count;
}

/* Both are in one order. */
static bool
list_steps_read(store_t *self, const listing_t *list, const pg_result_t *result, jobs_t *jobs,
                err_t *err)
{
    size_t bytes = 0;
    int row = 0;
    for (uint32_t i = 0; i < jobs->count; i++) {
        job_t *job = jobs->list[i];
        if (job->steps < 2)
            continue;
        uint32_t count = steps_of(result, row, &job->id, &bytes);
        if (count == 0 && bytes >= LIST_BYTES) {
            list_cut(jobs, i);
            return true;
        }
        bool good = count == job->steps ? steps_read(result, row, count, &job->step, err)
                                        : list_again(self, list, &jobs->list[i], err);
        if (!good)
            return false;
        row += (int)count;
    }
    return true;
}

static bool
list_steps(store_t *self, const listing_t *list, jobs_t *jobs, err_t *err)
{
    pg_params_t *params = store_params(self);
    uint32_t several = 0;
    pg_array_open(params, PG_UUID);
    for (uint32_t i = 0; i < jobs->count; i++) {
        if (jobs->list[i]->steps > 1 && ++several)
            pg_array_uuid(params, &jobs->list[i]->id);
    }
    pg_array_close(params);
    pg_param_int8(params, LIST_BYTES);
    own(pg_result) result = NULL;
    if (several == 0)
        return true;
    return store_repeat(self, SQL_jobs_steps, &result, err)
           && list_steps_read(self, list, result, jobs, err);
}

/* --- all --- */

jobs_t *
store_list(store_t *self, const listing_t *list, err_t *err)
{
    own(pg_result) ids = NULL;
    if (!list_ids(self, list, &ids, err))
        return NULL;
    own(jobs) jobs = jobs_new((uint32_t)pg_rows(ids));
    if (jobs->count > 0 && !list_rows(self, ids, jobs, err))
        return NULL;
    list_tidy(list, jobs);
    if (!list_steps(self, list, jobs, err))
        return NULL;
    list_tidy(list, jobs);
    return take(jobs);
}

/* store_steps.c - the steps of jobs that have several: in, and out. */
#include <stdlib.h>

#include "common/store_inner.h"

/* --- in --- */

static void
array_timeout(pg_params_t *params, int64_t ms)
{
    if (ms)
        pg_array_int8(params, ms);
    else
        pg_array_null(params);
}

void
steps_params(pg_params_t *params, const submit_step_t *steps, uint32_t count)
{
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, steps[i].sql);
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, steps[i].condition);
    PG_COLUMN(params, PG_INT8, array_timeout, count, steps[i].timeout_ms);
    PG_COLUMN(params, PG_BOOL, pg_array_bool, count, steps[i].is_template);
}

bool
steps_add(store_t *self, const submit_t *job, err_t *err)
{
    uint32_t count = job->step_count;
    pg_params_t *params = store_params(self);
    PG_COLUMN(params, PG_UUID, pg_array_uuid, count, &job->id);
    PG_COLUMN(params, PG_INT2, pg_array_int2, count, (int16_t)i);
    steps_params(params, job->steps, count);
    return store_run(self, SQL_steps_add, NULL, err);
}

/* --- out --- */

/* Columns as steps_find has them. */
static bool
step_read(const pg_result_t *result, int row, job_step_t *step, err_t *err)
{
    step->step = (uint32_t)pg_get_int2(result, row, 0);
    step->sql = store_text(result, row, 1);
    step->condition = store_text(result, row, 2);
    step->timeout_ms = pg_get_int8(result, row, 3);
    step->is_template = pg_get_bool(result, row, 4);
    step->attempt = pg_get_int4(result, row, 6);
    step->started_ms = store_ms(result, row, 7);
    step->ended_ms = store_ms(result, row, 8);
    step->rows = pg_get_int8(result, row, 9);
    step->bytes = pg_get_int8(result, row, 10);
    step->pages = pg_get_int4(result, row, 11);
    step->executing_us = pg_get_int8(result, row, 12);
    store_copy(step->sqlstate, sizeof step->sqlstate, pg_get_text(result, row, 13));
    step->error = store_text(result, row, 14);
    step->error_detail = store_text(result, row, 15);
    step->error_hint = store_text(result, row, 16);
    step->error_position = pg_get_int4(result, row, 17);
    step->leaves = store_text(result, row, 18);
    step->manifest_size = (uint32_t)pg_get_int4(result, row, 20);
    step->raw_bytes = pg_get_int8(result, row, 21);
    step->truncated = pg_get_bool(result, row, 22);
    if (!job_state_parse(pg_get_text(result, row, 5), &step->state))
        return err_set(err, ERR_INTERNAL, "the store holds a state that this node does not know");
    if (pg_is_null(result, row, 19))
        return true;
    view_t manifest = pg_get_bytes(result, row, 19);
    step->manifest = manifest_unpack(manifest.data, manifest.size, err);
    return step->manifest != NULL;
}

bool
steps_read(const pg_result_t *result, int row, uint32_t count, job_step_t **steps, err_t *err)
{
    *steps = (job_step_t *)mem_array(count + 1, sizeof **steps);
    for (uint32_t i = 0; i < count; i++) {
        if (step_read(result, row + (int)i, &(*steps)[i], err))
            continue;
        steps_free(steps, count);
        return false;
    }
    return true;
}

void
steps_free(job_step_t **steps, uint32_t count)
{
    for (uint32_t i = 0; *steps && i < count; i++)
        job_step_clear(&(*steps)[i]);
    free(*steps);
    *steps = NULL;
}

/* Say of each result whose it is: a manifest is written before anybody knows which attempt of the
 * step takes effect. */
static void
step_results(const job_step_t *step)
{
    for (uint32_t i = 0; i < step->manifest->count; i++) {
        result_t *result = &step->manifest->results[i];
        result->step = step->step;
        if (!result->attempt)
            result->attempt = step->attempt;
    }
}

/* The steps' results, one behind the other, become the job's. */
static void
steps_join(job_t *job)
{
    for (uint32_t i = 0; i < job->steps; i++) {
        job_step_t *step = &job->step[i];
        if (!step->manifest)
            continue;
        step_results(step);
        if (!job->manifest)
            job->manifest = manifest_new();
        manifest_join(job->manifest, step->manifest);
        manifest_destroy(&step->manifest);
    }
}

bool
steps_fill(store_t *self, job_t *job, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_uuid(params, &job->id);
    pg_param_bool(params, true);
    own(pg_result) result = NULL;
    if (!store_repeat(self, SQL_steps_find, &result, err))
        return false;
    bool same = (uint32_t)pg_rows(result) == job->steps;
    if (!pg_rows(result) || (!same && !job_state_final(job->state)))
        return true;
    if (!same)
        return err_set(err, ERR_INTERNAL, "the store holds other steps than the job has");
    if (!steps_read(result, 0, job->steps, &job->step, err))
        return false;
    steps_join(job);
    return true;
}

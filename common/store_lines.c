/* store_lines.c - lines: jobs of one tenant with the same queue key, read front first. */
#include <stdlib.h>
#include <string.h>

#include "common/store_inner.h"

/* The rows of a query, and what becomes of them. */
typedef struct {
    const pg_result_t *result;
    int row; /* the next one */
    const line_wish_t *wish;
    waiting_t *jobs; /* room for a front and those behind it */
} teller_t;

static void
waiting_destroy(waiting_t **jobs_p)
{
    free(*jobs_p);
    *jobs_p = NULL;
}

/* Columns as sweep_lines has them. */
static waiting_t
line_job(const pg_result_t *result, int row)
{
    waiting_t job = { .id = pg_get_uuid(result, row, 2),
                      .priority = pg_get_int2(result, row, 4),
                      .recovering = pg_get_bool(result, row, 5) };
    store_copy(job.tenant, sizeof job.tenant, pg_get_text(result, row, 0));
    store_copy(job.queue_key, sizeof job.queue_key, pg_get_text(result, row, 1));
    store_copy(job.source, sizeof job.source, pg_get_text(result, row, 3));
    return job;
}

/* Is the next row one of this line? */
static bool
is_of(const teller_t *self, const line_name_t *name)
{
    return self->row < pg_rows(self->result)
           && strcmp(pg_get_text(self->result, self->row, 0), name->tenant) == 0
           && strcmp(pg_get_text(self->result, self->row, 1), name->queue_key) == 0;
}

/* Report this line, whose rows come next, if there are any. */
static void
line_tell(teller_t *self, const line_name_t *name)
{
    line_report_t report = { .name = name, .jobs = self->jobs };
    report.runs = is_of(self, name) && pg_get_bool(self->result, self->row, 6);
    for (; is_of(self, name); self->row++) {
        if (report.count <= self->wish->each)
            self->jobs[report.count++] = line_job(self->result, self->row);
        else
            report.more = true;
    }
    self->wish->fn(self->wish->arg, &report);
}

bool
store_line_tenants(store_t *self, const char *after, line_tenant_t *tenants, uint32_t most,
                   uint32_t *count, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, after);
    pg_param_int8(params, most);
    own(pg_result) result = NULL;
    *count = 0;
    if (!store_run(self, SQL_sweep_line_tenants, &result, err))
        return false;
    for (int row = 0; row < pg_rows(result) && *count < most; row++) {
        line_tenant_t *tenant = &tenants[(*count)++];
        store_copy(tenant->tenant, sizeof tenant->tenant, pg_get_text(result, row, 0));
        tenant->paused = pg_get_bool(result, row, 1);
    }
    return true;
}

bool
store_lines_walk(store_t *self, line_name_t *after, uint32_t lines, const line_wish_t *wish,
                 uint32_t *count, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, after->tenant);
    pg_param_text(params, after->queue_key);
    pg_param_int8(params, lines);
    pg_param_int8(params, wish->each);
    own(pg_result) result = NULL;
    *count = 0;
    if (!store_run(self, SQL_sweep_lines, &result, err))
        return false;
    own(waiting) jobs = mem_array(wish->each + 1, sizeof *jobs);
    teller_t teller = { .result = result, .wish = wish, .jobs = jobs };
    for (; teller.row < pg_rows(result); (*count)++) {
        store_copy(after->queue_key, sizeof after->queue_key, pg_get_text(result, teller.row, 1));
        line_tell(&teller, after);
    }
    return true;
}

bool
store_lines_of(store_t *self, const line_name_t *names, uint32_t count, const line_wish_t *wish,
               err_t *err)
{
    pg_params_t *params = store_params(self);
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, names[i].tenant);
    PG_COLUMN(params, PG_TEXT, pg_array_text, count, names[i].queue_key);
    pg_param_int8(params, wish->each);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_sweep_lines_of, &result, err))
        return false;
    own(waiting) jobs = mem_array(wish->each + 1, sizeof *jobs);
    teller_t teller = { .result = result, .wish = wish, .jobs = jobs };
    for (uint32_t i = 0; i < count; i++)
        line_tell(&teller, &names[i]);
    return true;
}

bool
store_lines_clear(store_t *self, line_name_t *after, uint32_t most, uint32_t *count, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, after->tenant);
    pg_param_text(params, after->queue_key);
    pg_param_int8(params, most);
    own(pg_result) result = NULL;
    *count = 0;
    if (!store_run(self, SQL_sweep_holders, &result, err))
        return false;
    if (!pg_rows(result))
        return true;
    store_copy(after->tenant, sizeof after->tenant, pg_get_text(result, 0, 0));
    store_copy(after->queue_key, sizeof after->queue_key, pg_get_text(result, 0, 1));
    *count = most;
    return true;
}

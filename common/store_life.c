/* store_life.c - what people and clocks do to a job: cancel it, keep it longer, remove it, end it
 * when its time is over; and what a tenant may ask for.
 */
#include <string.h>

#include "common/store_inner.h"

enum {
    CANCEL_LOOKS = 8,      /* at a job that moves whenever one looks */
    REMOVE_LOOKS = 2,      /* at a job that may move to the kept ones between its two places */
    REMOVE_PAGES = 1000,   /* in one statement */
    REMOVE_ROUNDS = 100000 /* of them */
};

static const char cancelled_unstarted[] = "cancelled before it was taken up";
static const char cancelled_waiting[] = "cancelled while it waited to be run again";
static const char queued_too_long[] = "not taken up within its queue timeout";
static const char deadline_over[] = "its deadline passed";
static const char never_decided[] =
    "its deadline passed before anybody could tell whether its last COMMIT took effect";

/* --- cancel --- */

bool
store_cancel(store_t *self, const jobid_t *id, const char *tenant, cancel_verdict_t *verdict,
             err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_uuid(params, id);
    pg_param_text(params, tenant);
    pg_param_text(params, cancelled_unstarted);
    pg_param_text(params, cancelled_waiting);
    for (int i = 0; i < CANCEL_LOOKS; i++) {
        own(pg_result) result = NULL;
        if (!store_repeat(self, SQL_cancel, &result, err))
            return false;
        bool asked = pg_get_bool(result, 0, 1);
        bool moved = pg_get_bool(result, 0, 2);
        *verdict = pg_get_bool(result, 0, 0) ? CANCEL_OVER : asked ? CANCEL_ASKED : CANCEL_NONE;
        if (*verdict != CANCEL_NONE || !moved)
            return true;
    }
    return err_set(err, ERR_UNAVAILABLE, "the job is handed to and fro; ask again");
}

/* --- retention --- */

bool
store_renew(store_t *self, const jobid_t *id, const char *tenant, int32_t retention_s,
            int64_t *expires_ms, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_uuid(params, id);
    pg_param_text(params, tenant);
    if (retention_s)
        pg_param_int4(params, retention_s);
    else
        pg_param_null(params);
    static const sql_t places[] = { SQL_renew, SQL_renew_kept };
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        own(pg_result) result = NULL;
        if (!store_repeat(self, places[i], &result, err))
            return false;
        if (!pg_rows(result))
            continue;
        *expires_ms = store_ms(result, 0, 0);
        return true;
    }
    return err_set(err, ERR_NOT_FOUND, "there is no final job of this id that has results");
}

/* Its pages, a part at a time: a reader or writer of others must not wait for all of them. */
static bool
pages_remove(store_t *self, int64_t bucket_us, const jobid_t *id, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_time(params, bucket_us);
    pg_param_uuid(params, id);
    pg_param_int8(params, REMOVE_PAGES);
    for (int i = 0; i < REMOVE_ROUNDS; i++) {
        own(pg_result) result = NULL;
        if (!store_repeat(self, SQL_remove_pages, &result, err))
            return false;
        if (!pg_rows(result))
            return true;
    }
    return err_set(err, ERR_LIMIT, "there are too many pages to remove them at once");
}

/* Run one of the two statements that look in both places of a final job. One look sees a job that
 * moves from one to the other in neither; it moves once. */
static bool
remove_part(store_t *self, sql_t query, const jobid_t *id, const char *tenant, pg_result_t **result,
            err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_uuid(params, id);
    pg_param_text(params, tenant);
    for (int i = 0; i < REMOVE_LOOKS; i++) {
        pg_result_destroy(result);
        if (!store_repeat(self, query, result, err))
            return false;
        if (pg_rows(*result))
            return true;
    }
    return true;
}

bool
store_remove(store_t *self, const jobid_t *id, const char *tenant, err_t *err)
{
    own(pg_result) begun = NULL;
    own(pg_result) ended = NULL;
    if (!remove_part(self, SQL_remove_begin, id, tenant, &begun, err))
        return false;
    if (!pg_rows(begun))
        return err_set(err, ERR_NOT_FOUND, "there is no final job of this id");
    if (!pg_is_null(begun, 0, 0) && !pages_remove(self, pg_get_time(begun, 0, 0), id, err))
        return false;
    return remove_part(self, SQL_remove_end, id, tenant, &ended, err);
}

/* --- terms and clocks --- */

/* A cap, and behind it whether it is the source's. */
static limit_t
read_cap(const pg_result_t *result, int column)
{
    return (limit_t){ .most = pg_get_int8(result, 0, column),
                      .owner =
                          pg_get_bool(result, 0, column + 1) ? LIMIT_OF_SOURCE : LIMIT_OF_TENANT };
}

bool
store_terms(store_t *self, const char *tenant, const char *alias, terms_t *terms, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, tenant);
    pg_param_text(params, alias);
    own(pg_result) result = NULL;
    if (!store_repeat(self, SQL_terms_find, &result, err))
        return false;
    if (!pg_rows(result))
        return err_set(err, ERR_NOT_FOUND, "the tenant has no login on this source");
    store_copy(terms->source, sizeof terms->source, pg_get_text(result, 0, 0));
    terms->retention_s = pg_get_int4(result, 0, 1);
    terms->statement_timeout_ms = pg_get_int8(result, 0, 2);
    terms->queue_timeout_ms = pg_get_int8(result, 0, 3);
    terms->deadline_ms = pg_get_int8(result, 0, 4);
    terms->max_rows = read_cap(result, 5);
    terms->max_bytes = read_cap(result, 7);
    return true;
}

bool
store_sweep_overdue(store_t *self, int64_t deadline_ms, uint32_t limit, uint32_t *ended, err_t *err)
{
    *ended = 0;
    pg_params_t *params = store_params(self);
    pg_param_int8(params, deadline_ms);
    pg_param_int8(params, limit);
    pg_param_text(params, queued_too_long);
    pg_param_text(params, deadline_over);
    pg_param_text(params, never_decided);
    pg_param_text(params, cancelled_waiting);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_sweep_overdue, &result, err))
        return false;
    *ended = (uint32_t)pg_rows(result);
    return true;
}

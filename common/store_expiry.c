/* store_expiry.c - a call of the sweep; days of jobs, and kept ones. */
#include "common/store_expiry.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/expiry_inner.h"
#include "common/log.h"

/* The sweep waits for nobody for long: what is locked is left for the next time. */
static const char begin_text[] = "SET lock_timeout = '3s'";
static const char end_text[] = "RESET lock_timeout";

enum { CALL_MS = 1000, KEPT_EVERY_MS = 3600000, STATEMENT_MS = 60000, USUAL_MS = 10000 };

/* Behind every job. */
static const jobid_t last_id = { .bytes = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

bool
expirer_ask(expirer_t *self, sql_t query, pg_result_t **result, err_t *err)
{
    return store_run(self->store, query, result, err);
}

pg_params_t *
expirer_params(expirer_t *self)
{
    return store_params(self->store);
}

bool
expirer_late(const expirer_t *self)
{
    return clock_mono_ms() >= self->end_ms;
}

/* Somebody else has a lock that we want. */
static bool
is_locked(const err_t *err)
{
    return err->kind == ERR_SQL
           && (strcmp(err->sqlstate, "55P03") == 0 || strcmp(err->sqlstate, "40P01") == 0);
}

/* --- dropping a partition --- */

/* Run the text that a query makes of its parameters. */
static bool
run_made(expirer_t *self, sql_t maker, const char *table, const char *partition, err_t *err)
{
    pg_params_t *names = expirer_params(self);
    if (table)
        pg_param_text(names, table);
    pg_param_text(names, partition);
    own(pg_result) made = NULL;
    if (!expirer_ask(self, maker, &made, err))
        return false;
    return pg_script(self->store->pg, pg_get_text(made, 0, 0), err);
}

bool
expirer_drop(expirer_t *self, const char *table, const char *partition, err_t *err)
{
    pg_param_text(expirer_params(self), partition);
    own(pg_result) standing = NULL;
    if (!expirer_ask(self, SQL_expire_standing, &standing, err))
        return false;
    if (pg_rows(standing) == 0)
        return true;
    bool pending = pg_get_bool(standing, 0, 0);
    bool detached = pg_get_bool(standing, 0, 1);
    sql_t maker = pending ? SQL_expire_finalize : SQL_expire_detach;
    if (!detached && !run_made(self, maker, table, partition, err))
        return false;
    if (!run_made(self, SQL_expire_drop, NULL, partition, err))
        return false;
    log_info("expiry.dropped", "partition=%s", partition);
    return true;
}

/* --- days of jobs --- */

static bool
day_names(expirer_t *self, const jobid_t *last, err_t *err)
{
    pg_params_t *range = expirer_params(self);
    pg_param_uuid(range, &self->progress->day_after);
    pg_param_uuid(range, last);
    return expirer_ask(self, SQL_expire_day_names, NULL, err);
}

/* Look at the next jobs of the day; *empty: there are none. */
static bool
day_some(expirer_t *self, const jobid_t *high, bool *empty, err_t *err)
{
    pg_params_t *range = expirer_params(self);
    pg_param_uuid(range, &self->progress->day_after);
    pg_param_uuid(range, high);
    pg_param_int8(range, JOBS_MOST);
    own(pg_result) jobs = NULL;
    if (!expirer_ask(self, SQL_expire_day_jobs, &jobs, err))
        return false;
    *empty = pg_rows(jobs) == 0 || pg_get_int8(jobs, 0, 1) < JOBS_MOST;
    jobid_t last = *empty ? *high : pg_get_uuid(jobs, 0, 0);
    if (!day_names(self, &last, err))
        return false;
    self->progress->day_after = *empty ? last_id : last;
    return true;
}

/* Save what is to live on of a day; *empty: all of it. */
static bool
day_save(expirer_t *self, const pg_result_t *next, bool *empty, err_t *err)
{
    expiry_t *progress = self->progress;
    jobid_t high = pg_get_uuid(next, 0, 2);
    if (strcmp(progress->day, pg_get_text(next, 0, 0)) != 0) {
        store_copy(progress->day, sizeof progress->day, pg_get_text(next, 0, 0));
        progress->day_after = pg_get_uuid(next, 0, 1);
    }
    *empty = jobid_compare(&progress->day_after, &last_id) == 0;
    for (int i = 0; !*empty && i < PIECES_MOST; i++) {
        if (!day_some(self, &high, empty, err))
            return false;
        if (expirer_late(self))
            break;
    }
    return true;
}

static bool
day_drop(expirer_t *self, err_t *err)
{
    static const char *const tables[] = { "job", "step" };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char name[24];
        (void)snprintf(name, sizeof name, "%s_%s", tables[i], self->progress->day);
        if (!expirer_drop(self, tables[i], name, err))
            return false;
    }
    self->progress->day[0] = '\0';
    return true;
}

/* The day that is next, if any is long past. */
static bool
expirer_day(expirer_t *self, err_t *err)
{
    own(pg_result) next = NULL;
    (void)expirer_params(self);
    if (!expirer_ask(self, SQL_expire_day_next, &next, err))
        return false;
    if (pg_rows(next) == 0)
        return true;
    bool empty = false;
    if (!day_save(self, next, &empty, err))
        return false;
    if (empty && !day_drop(self, err))
        return false;
    self->more = true;
    return true;
}

/* --- kept jobs --- */

/* Pages that were to be kept for ever; *empty: there are no more. */
static bool
forever_some(expirer_t *self, const jobid_t *job, bool *empty, err_t *err)
{
    pg_params_t *which = expirer_params(self);
    pg_param_uuid(which, job);
    pg_param_int8(which, PAGES_MOST);
    own(pg_result) gone = NULL;
    if (!expirer_ask(self, SQL_expire_forever, &gone, err))
        return false;
    *empty = pg_rows(gone) < PAGES_MOST;
    return true;
}

static bool
forever_remove(expirer_t *self, const jobid_t *job, bool *empty, err_t *err)
{
    *empty = false;
    for (int i = 0; !*empty && i < PIECES_MOST; i++) {
        if (!forever_some(self, job, empty, err))
            return false;
    }
    return true;
}

/* Remove those of `jobs` that are over; one whose pages are too many for now stays. */
static bool
kept_remove(expirer_t *self, const pg_result_t *jobs, err_t *err)
{
    jobid_t over[JOBS_MOST];
    uint32_t count = 0;
    for (int row = 0; row < pg_rows(jobs); row++) {
        bool empty = true;
        if (!pg_get_bool(jobs, row, 1))
            continue;
        over[count] = pg_get_uuid(jobs, row, 0);
        if (pg_get_bool(jobs, row, 2) && !forever_remove(self, &over[count], &empty, err))
            return false;
        count += empty ? 1 : 0;
    }
    if (count == 0)
        return true;
    pg_params_t *ids = expirer_params(self);
    PG_COLUMN(ids, PG_UUID, pg_array_uuid, count, &over[i]);
    return expirer_ask(self, SQL_expire_kept_remove, NULL, err);
}

/* The next kept jobs; *round: that was the last of them. */
static bool
kept_some(expirer_t *self, bool *round, err_t *err)
{
    expiry_t *progress = self->progress;
    pg_params_t *from = expirer_params(self);
    pg_param_uuid(from, &progress->kept_after);
    pg_param_int8(from, JOBS_MOST);
    own(pg_result) jobs = NULL;
    if (!expirer_ask(self, SQL_expire_kept, &jobs, err))
        return false;
    int rows = pg_rows(jobs);
    if (rows > 0 && !kept_remove(self, jobs, err))
        return false;
    *round = rows < JOBS_MOST;
    progress->kept_after = *round ? (jobid_t){ 0 } : pg_get_uuid(jobs, rows - 1, 0);
    return true;
}

static bool
expirer_kept(expirer_t *self, err_t *err)
{
    bool round = false;
    if (clock_mono_ms() < self->progress->kept_due_ms)
        return true;
    for (int i = 0; !round && i < PIECES_MOST; i++) {
        if (!kept_some(self, &round, err))
            return false;
        if (expirer_late(self))
            break;
    }
    self->progress->kept_due_ms = round ? clock_mono_ms() + KEPT_EVERY_MS : 0;
    self->more = self->more || !round;
    return true;
}

/* --- a call --- */

static bool
expirer_parts(expirer_t *self, err_t *err)
{
    static bool (*const parts[])(expirer_t *, err_t *) = { expirer_pages, expirer_day,
                                                           expirer_kept };
    bool good = true;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        err_t why;
        if (parts[i](self, &why) || is_locked(&why))
            continue;
        *err = why;
        good = false;
        if (why.kind == ERR_UNAVAILABLE)
            return false;
    }
    return good;
}

static bool
expirer_locked(expirer_t *self, err_t *err)
{
    pg_t *pg = self->store->pg;
    err_t ignored;
    if (!pg_script(pg, begin_text, err))
        return false;
    bool good = expirer_parts(self, err);
    if (!pg_script(pg, end_text, &ignored)) /* then the session is gone, and its setting */
        log_debug("expiry.end", "what=\"%s\"", ignored.text);
    return good;
}

bool
store_sweep_expired(store_t *self, expiry_t *progress, bool *more, err_t *err)
{
    expirer_t expirer = { .store = self,
                          .progress = progress,
                          .end_ms = clock_mono_ms() + CALL_MS };
    own(pg_result) locked = NULL;
    *more = false;
    (void)store_params(self);
    if (!store_run(self, SQL_expire_lock, &locked, err))
        return false;
    if (!pg_get_bool(locked, 0, 0))
        return true;
    pg_limit(self->pg, STATEMENT_MS);
    bool good = expirer_locked(&expirer, err);
    pg_limit(self->pg, USUAL_MS);
    *more = good && expirer.more;
    err_t ignored;
    (void)store_params(self);
    if (!store_run(self, SQL_expire_unlock, NULL, &ignored)) /* the session's end unlocks too */
        log_debug("expiry.unlock", "what=\"%s\"", ignored.text);
    return good;
}

/* store_buckets.c - save the pages that are to live on, drop the others. */
#include "common/expiry_inner.h"
#include "common/log.h"

/* Where a copy that begins now goes; *needed is false when the job is no survivor after all. */
static bool
copy_begin(expirer_t *self, const jobid_t *job, bool *needed, err_t *err)
{
    expiry_t *progress = self->progress;
    pg_params_t *which = expirer_params(self);
    pg_param_uuid(which, job);
    pg_param_time(which, progress->bucket_us);
    own(pg_result) target = NULL;
    if (!expirer_ask(self, SQL_expire_target, &target, err))
        return false;
    *needed = pg_rows(target) > 0;
    if (!*needed)
        return true;
    progress->copy_to_us = pg_get_time(target, 0, 0);
    progress->copy_step = -1;
    progress->copy_attempt = -1;
    progress->copy_result = -1;
    progress->copy_row = -1;
    pg_param_time(expirer_params(self), progress->copy_to_us);
    if (!expirer_ask(self, SQL_expire_partition, NULL, err))
        return false;
    progress->copy_job = *job;
    return true;
}

/* Copy some pages; *whole: few enough are left for the move to copy them. */
static bool
copy_some(expirer_t *self, bool *whole, err_t *err)
{
    expiry_t *progress = self->progress;
    pg_params_t *what = expirer_params(self);
    pg_param_uuid(what, &progress->copy_job);
    pg_param_time(what, progress->bucket_us);
    pg_param_time(what, progress->copy_to_us);
    pg_param_int2(what, progress->copy_step);
    pg_param_int4(what, progress->copy_attempt);
    pg_param_int2(what, progress->copy_result);
    pg_param_int8(what, progress->copy_row);
    pg_param_int8(what, PAGES_MOST);
    own(pg_result) last = NULL;
    if (!expirer_ask(self, SQL_expire_copy, &last, err))
        return false;
    *whole = pg_rows(last) == 0 || pg_get_int8(last, 0, 4) < PAGES_MOST;
    if (pg_rows(last) == 0)
        return true;
    progress->copy_step = pg_get_int2(last, 0, 0);
    progress->copy_attempt = pg_get_int4(last, 0, 1);
    progress->copy_result = pg_get_int2(last, 0, 2);
    progress->copy_row = pg_get_int8(last, 0, 3);
    return true;
}

/* Give a job its new bucket. */
static bool
copy_end(expirer_t *self, err_t *err)
{
    expiry_t *progress = self->progress;
    char id[JOBID_TEXT_SIZE];
    pg_params_t *what = expirer_params(self);
    pg_param_uuid(what, &progress->copy_job);
    pg_param_time(what, progress->bucket_us);
    pg_param_time(what, progress->copy_to_us);
    own(pg_result) moved = NULL;
    if (!expirer_ask(self, SQL_expire_move, &moved, err))
        return false;
    if (pg_get_bool(moved, 0, 0))
        log_debug("expiry.moved", "job=%s", jobid_text(&progress->copy_job, id));
    progress->copy_to_us = 0;
    return true;
}

/* Move a job's pages, or go on with it; *done: it has been. */
static bool
move_job(expirer_t *self, const jobid_t *job, bool *done, err_t *err)
{
    expiry_t *progress = self->progress;
    bool needed = true;
    bool under_way = progress->copy_to_us != 0 && jobid_compare(&progress->copy_job, job) == 0;
    *done = false;
    if (!under_way && !copy_begin(self, job, &needed, err))
        return false;
    bool whole = !needed;
    for (int i = 0; !whole && i < PIECES_MOST; i++) {
        if (!copy_some(self, &whole, err))
            return false;
        if (!whole && expirer_late(self))
            return true;
    }
    *done = whole;
    return !needed || !whole || copy_end(self, err);
}

/* Look at the next jobs of the bucket; *empty: there are none. */
static bool
bucket_some(expirer_t *self, bool *empty, err_t *err)
{
    expiry_t *progress = self->progress;
    pg_params_t *from = expirer_params(self);
    pg_param_time(from, progress->bucket_us);
    pg_param_uuid(from, &progress->job_after);
    pg_param_int8(from, JOBS_MOST);
    own(pg_result) jobs = NULL;
    if (!expirer_ask(self, SQL_expire_page_jobs, &jobs, err))
        return false;
    for (int row = 0; row < pg_rows(jobs); row++) {
        jobid_t job = pg_get_uuid(jobs, row, 0);
        bool done = true;
        if (pg_get_bool(jobs, row, 1) && !move_job(self, &job, &done, err))
            return false;
        if (!done)
            return true;
        progress->job_after = job;
        if (expirer_late(self))
            return true;
    }
    *empty = pg_rows(jobs) < JOBS_MOST;
    return true;
}

/* Begin with a bucket; *free: nobody can add jobs to it any more. */
static bool
bucket_begin(expirer_t *self, int64_t bucket_us, bool *free, err_t *err)
{
    pg_param_time(expirer_params(self), bucket_us);
    own(pg_result) writers = NULL;
    if (!expirer_ask(self, SQL_expire_writers, &writers, err))
        return false;
    *free = !pg_get_bool(writers, 0, 0);
    if (!*free)
        log_info("expiry.waits", "for=\"a transaction that is older than the bucket\"");
    self->progress->bucket_us = *free ? bucket_us : 0;
    self->progress->job_after = (jobid_t){ 0 };
    self->progress->copy_to_us = 0;
    return true;
}

/* Save what is in a bucket and is to live on; *empty: all of it. */
static bool
bucket_save(expirer_t *self, int64_t bucket_us, bool *empty, err_t *err)
{
    bool free = true;
    if (self->progress->bucket_us != bucket_us && !bucket_begin(self, bucket_us, &free, err))
        return false;
    for (int i = 0; free && !*empty && i < PIECES_MOST; i++) {
        if (!bucket_some(self, empty, err))
            return false;
        if (!*empty && expirer_late(self))
            break;
    }
    self->more = self->more || (free && !*empty);
    return true;
}

bool
expirer_pages(expirer_t *self, err_t *err)
{
    own(pg_result) next = NULL;
    (void)expirer_params(self);
    if (!expirer_ask(self, SQL_expire_page_next, &next, err))
        return false;
    if (pg_rows(next) == 0)
        return true;
    int64_t bucket_us = pg_get_time(next, 0, 1);
    bool empty = pg_get_bool(next, 0, 2) || pg_get_bool(next, 0, 3); /* so it was when it was cut */
    if (!empty && !bucket_save(self, bucket_us, &empty, err))
        return false;
    if (!empty)
        return true;
    if (!expirer_drop(self, "page", pg_get_text(next, 0, 0), err))
        return false;
    self->progress->bucket_us = 0;
    self->more = true;
    return true;
}

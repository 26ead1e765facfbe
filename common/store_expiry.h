/* store_expiry.h - results and jobs whose time is over.
 *
 * Nothing here deletes a result row by row. Pages stand in partitions by the hour in which they may
 * go (their bucket); when it has come, the results in it that must live on (still being written,
 * ended late, renewed) are copied to a later bucket, job by job, and the partition is dropped. A
 * job reads the same before, while and after: its row says in which bucket its pages are, and
 * changes in the transaction that makes the copy whole. Jobs stand in partitions by day; of a day
 * that is long past, the few that must live on are moved to `kept`, and the partition is dropped
 * with the rest. Kept jobs are removed one by one when they are over.
 *
 * All of it can be cut at any point, and begun again by any other node: every step is safe to
 * repeat, and what was done half is found and ended. One node at a time works; another that calls
 * meanwhile does nothing.
 */
#ifndef COMMON_STORE_EXPIRY_H
#define COMMON_STORE_EXPIRY_H

#include "common/store.h"

/* Where a sweep is. Starts as { 0 }; belongs to the caller, who only keeps it between calls. */
typedef struct {
    int64_t bucket_us;  /* the bucket that is being emptied; 0: none */
    jobid_t job_after;  /* its jobs up to this one are done */
    jobid_t copy_job;   /* the one that is being copied, if it is behind job_after, */
    int64_t copy_to_us; /* to this bucket: its pages up to this one are there */
    int16_t copy_step;
    int32_t copy_attempt;
    int16_t copy_result;
    int64_t copy_row;

    char day[9];        /* the day that is being emptied, YYYYMMDD; "": none */
    jobid_t day_after;  /* its jobs up to this one are done */
    jobid_t kept_after; /* kept jobs up to this one were looked at in this round */
    int64_t
        kept_due_ms; /* monotonic: when the next round begins; 0: at once, or one is under way */
} expiry_t;

/* Do a bounded piece of the work: a second or so, more where one statement takes longer or a lock
 * is waited for (never for long). *more: there is more to do right now; call again soon, otherwise
 * in a minute. A partition that somebody else is reading stays for the next time; this is no error.
 * Use a connection and a thread that nothing urgent waits for. */
bool store_sweep_expired(store_t *self, expiry_t *progress, bool *more, err_t *err) MUST_USE;

#endif

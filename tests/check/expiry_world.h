/* expiry_world.h - what the tests of retention share: jobs with results, and time that has passed.
 *
 * Time does not pass here: a job's pages are put into a bucket of the past instead.
 */
#ifndef TESTS_CHECK_EXPIRY_WORLD_H
#define TESTS_CHECK_EXPIRY_WORLD_H

#include "common/pg.h"
#include "common/store_expiry.h"
#include "tests/check/world.h"

enum { RESULT_PAGES = 3, PAGE_ROWS = 4, RESULT_ROWS = RESULT_PAGES * PAGE_ROWS };

/* A job that runs, with pages of its only result in the bucket that it was given. */
jobid_t a_running_job(void);

/* One more row's page of a running job, as `pg` writes it; false: fenced out. */
bool write_page(pg_t *pg, const jobid_t *job, int64_t first_row);

/* The partition that its pages are in. Caller owns the result. */
char *partition_of_pages(const jobid_t *job) MUST_USE;

/* The same job, done, with its manifest. It expires in so many seconds (they may be below 0). */
void end_job(const jobid_t *job, int expires_s);
jobid_t a_done_job(int expires_s);

/* Put its pages into the bucket of so many hours ago, which is made. */
void age(const jobid_t *job, int hours);

/* How many partitions of pages, of days of jobs, there are of a time that is over. */
int old_buckets(void);
int old_days(void);

/* Sweep until there is no more to do right now, as a node that has just started. */
void sweep(void);

/* Is a session of this application name waiting for a lock? Asked until it is. */
void await_blocked(const char *who);

/* Is the result, by the job's row and the pages in its bucket, whole? Pages as the job's row says.
 */
void assert_whole(const jobid_t *job, int pages);

#endif

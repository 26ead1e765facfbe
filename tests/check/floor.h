/* floor.h - an executor without a broker: the real runner, store and source, and a leader that is
 * this test.
 *
 * floor.c stands in for common/link.c: what the runner says to the leader is noted, and jobs are
 * dispatched by hand. The source is the store's own server, as a role of its own.
 */
#ifndef TESTS_CHECK_FLOOR_H
#define TESTS_CHECK_FLOOR_H

#include "common/loop.h"
#include "executor/runner.h"
#include "tests/check/world.h"
#include "tests/unit/opened.h"

enum { FLOOR_JOBS = 64, FLOOR_GRACE_MS = 300, FLOOR_PAGE_MS = 200 };

/* What the leader has heard of a job. */
typedef struct {
    jobid_t id;
    bool released;
    release_verdict_t verdict;
    int64_t later_ms;
    bool changed;
    job_state_t state;
} heard_t;

typedef struct {
    loop_t *loop;
    runner_t *runner;
    heard_t heard[FLOOR_JOBS];
    uint32_t count;
    uint32_t credit; /* granted and not used */
    bool lease_good;
} floor_t;

extern floor_t floor_world;

/* cmocka's set-up and tear-down of one test: an executor, enrolled, and a login for "demo". */
int floor_open(void **unused);
int floor_close(void **unused);

/* A committed job: as said (what every job here has is filled in), with this text, and with these
 * options (JSON). */
jobid_t submitted(submit_t *submit);
jobid_t a_job(const char *sql);
jobid_t a_job_with(const char *sql, const char *options);

/* Dispatch it as the leader; with its queue key. */
void dispatch(const jobid_t *id);
void dispatch_of(const jobid_t *id, const char *queue_key);

/* Turn the loop until the job was released, or said to have ended. */
heard_t *wait_released(const jobid_t *id);
heard_t *wait_changed(const jobid_t *id);

/* Turn the loop until `sql` gives `expected`. */
void wait_until(const char *sql, const char *expected);

/* Submit, dispatch, wait for the end, and read it. The caller owns it. */
job_t *ran(const char *sql) MUST_USE;

/* The same for jobs with options, and of several steps. */
job_t *ran_with(const char *sql, const char *options) MUST_USE;
job_t *ran_steps(const submit_step_t *steps, uint32_t count) MUST_USE;

/* Cancel it in the store, and tell the executor where it has the job; only tell it. */
void cancel(const jobid_t *id);
void say_cancel(const jobid_t *id);

/* The same for a job that was dispatched already. */
job_t *ended(const jobid_t *id) MUST_USE;

/* The only result of a done job; its rows, when they stand in the manifest; the first cell of them
 * as a number. The reader is the caller's. */
const result_t *result_of(const job_t *job);
opened_t *inline_rows(const result_t *result) MUST_USE;
uint64_t number_in(const job_t *job);

#define HERE(test) cmocka_unit_test_setup_teardown(test, floor_open, floor_close)

#endif

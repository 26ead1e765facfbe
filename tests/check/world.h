/* world.h - what the tests of the store room share: a store, and a look into its database.
 *
 * MILLRACE_TEST_STORE is the DSN of an empty database. What it holds is looked at over a connection
 * of the tests' own.
 */
#ifndef TESTS_CHECK_WORLD_H
#define TESTS_CHECK_WORLD_H

#include "tests/unit/unit.h"

#include "common/store.h"

extern const char *world_dsn;
extern store_t *world_store;

/* Group set-up and tear-down for cmocka: connect, migrate; close. */
int world_open(void **unused);
int world_close(void **unused);

/* Fail the test when a call that has an `err` fails. */
#define CHECK(call)                                                                                \
    do {                                                                                           \
        if (!(call))                                                                               \
            fail_msg("%s: %s %s", #call, err.sqlstate, err.text);                                  \
    } while (0)

/* Run SQL; the first value as text, "" when there is none. Caller owns the result. */
char *ask(const char *sql) MUST_USE;
void tell(const char *sql);

/* What `sql` gives, with the job's id for its %s. */
void assert_job(const jobid_t *job, const char *sql, const char *expected);

/* A fresh pending job of tenant "demo". */
jobid_t a_submitted_job(void);

/* What the store knows of a job. The job in it is the caller's. */
find_t found(const jobid_t *job, const char *tenant);

/* An executor's row. */
void enroll(const char *name, int64_t incarnation, int64_t lease_ms);

#endif

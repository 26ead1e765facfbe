/* v2_job_fake.h - CARTO's API over an engine in memory: one job, made by it, and a key in the
 * query.
 */
#ifndef TESTS_UNIT_V2_JOB_FAKE_H
#define TESTS_UNIT_V2_JOB_FAKE_H

#include "tests/unit/v1_job_fake.h"

#define V2_SQL "/user/demo/api/v2/sql"
#define V2_JOB "/user/demo/api/v2/sql/job"
#define KEY "api_key=" FAKE_KEY

static job_t *the_job;

static inline int
begin_case(void **unused)
{
    (void)unused;
    fake = (engine_t){ .renewed_s = -1 };
    content_type = "application/json";
    the_job = job_new();
    assert_true(jobid_parse(FAKE_JOB, &the_job->id));
    free(the_job->dialect);
    the_job->dialect = mem_text("v2_sql_job");
    the_job->note = mem_text("{\"query\":\"SELECT 1\"}");
    the_job->steps = 1;
    fake.job = the_job;
    return 0;
}

static inline int
end_case(void **unused)
{
    (void)unused;
    job_destroy(&the_job);
    content_type = NULL;
    authorization = NULL;
    atomic_store(&stopping, false);
    return 0;
}

static inline int
send(const char *method, const char *path, const char *body)
{
    return ask(method, path, KEY, body);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin_case, end_case)

#endif

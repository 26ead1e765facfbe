/* The job API: cancel, renew, remove. */
#include "tests/unit/unit.h"

#include "tests/unit/v1_job_fake.h"

static int delete (const char *path)
{
    return ask("DELETE", path, NULL, NULL);
}

static void
a_cancel_tells_what_became_of_the_job(void **unused)
{
    (void)unused;
    end(JOB_CANCELLED);
    fake.job->error = mem_text("cancelled by its owner");
    assert_int_equal(post(JOB "/cancel", NULL), 200);
    assert_string_equal(heard,
                        "{\"id\":\"" FAKE_JOB "\",\"jobState\":\"FAILED\",\"state\":\"cancelled\","
                        "\"outcome\":\"never_started\",\"error\":{\"code\":\"cancelled\","
                        "\"sqlstate\":null,\"message\":\"cancelled by its owner\",\"detail\":null,"
                        "\"hint\":null,\"position\":null}}");
    fake.started = true;
    assert_int_equal(post(JOB "/cancel", "{}"), 200);
    assert_heard("\"outcome\":\"cancelled\"");
    fake.job->state = JOB_DONE;
    assert_int_equal(post(JOB "/cancel", ""), 200);
    assert_heard("\"jobState\":\"COMPLETED\",\"state\":\"done\",\"outcome\":\"too_late\","
                 "\"error\":null}");
    fake.job->state = JOB_RUNNING;
    assert_int_equal(post(JOB "/cancel", NULL), 200);
    assert_heard("\"jobState\":\"RUNNING\",\"state\":\"running\",\"outcome\":\"deciding\","
                 "\"error\":null}");
}

static void
a_cancel_waits_six_seconds_or_as_asked(void **unused)
{
    (void)unused;
    assert_int_equal(post(JOB "/cancel", NULL), 200);
    assert_int_equal(fake.waited_ms, 6000);
    assert_int_equal(ask("POST", JOB "/cancel", "wait=0.5", NULL), 200);
    assert_int_equal(fake.waited_ms, 500);
    assert_int_equal(ask("POST", JOB "/cancel", "wait=x", NULL), 400);
    assert_int_equal(post(JOB "/cancel", "{\"force\":true}"), 400);
    assert_heard("unknown member 'force'");
    assert_int_equal(post(JOB "/cancel", "x"), 400);
}

static void
a_renewal_tells_the_new_end(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    assert_int_equal(post(JOB "/renew", "{\"retention_s\": 60}"), 200);
    assert_string_equal(heard, "{\"id\":\"" FAKE_JOB "\",\"expiresAt\":\"2022-04-21T18:50:13Z\"}");
    assert_int_equal(fake.renewed_s, 60);
    assert_int_equal(post(JOB "/renew", NULL), 200);
    assert_int_equal(fake.renewed_s, 0);
    assert_int_equal(post(JOB "/renew", "{}"), 200);
}

static void
a_renewal_that_is_wrong_is_named(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "{\"retention_s\":0}", "{\"retention_s\":\"60\"}",
                                         "{\"retention_s\":2592001}", "{\"retention_s\":null}" };
    end(JOB_DONE);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(post(JOB "/renew", wrong[i]), 400);
        assert_heard("option 'retention_s' must be a whole number from 1 to 2592000");
    }
    assert_int_equal(post(JOB "/renew", "{\"retention\":1}"), 400);
    assert_int_equal(fake.renewed_s, -1);
}

static void
only_a_final_job_is_renewed_or_removed(void **unused)
{
    (void)unused;
    begin();
    assert_int_equal(post(JOB "/renew", NULL), 409);
    assert_int_equal(delete (JOB), 409);
    assert_heard("{\"error\":{\"code\":\"conflict\",\"message\":\"the job is not over yet\"}");
    end(JOB_DONE);
    fake.job->expired = true;
    assert_int_equal(post(JOB "/renew", NULL), 410);
    assert_int_equal(delete (JOB), 200);
    assert_string_equal(heard, "{\"id\":\"" FAKE_JOB "\"}");
    assert_true(fake.removed);
}

static void
codes_are_403_for_another_tenant_and_404_for_what_is_not_there(void **unused)
{
    (void)unused;
    assert_int_equal(delete ("/api/v1/job/not-a-uuid"), 404);
    assert_int_equal(post("/api/v1/job/not-a-uuid/cancel", NULL), 404);
    assert_int_equal(post("/api/v1/job/01890000-0000-7000-8000-000000000000/renew", NULL), 404);
    fake.tenant = "other";
    assert_int_equal(post(JOB "/cancel", NULL), 403);
    assert_int_equal(post(JOB "/renew", NULL), 403);
    assert_int_equal(delete (JOB), 403);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(a_cancel_tells_what_became_of_the_job),
        CLAIM(a_cancel_waits_six_seconds_or_as_asked),
        CLAIM(a_renewal_tells_the_new_end),
        CLAIM(a_renewal_that_is_wrong_is_named),
        CLAIM(only_a_final_job_is_renewed_or_removed),
        CLAIM(codes_are_403_for_another_tenant_and_404_for_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

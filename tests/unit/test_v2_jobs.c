/* CARTO's API over an engine in memory: what a cluster that is well seldom shows. */
#include "tests/unit/unit.h"

#include "tests/unit/v2_job_fake.h"

static void
a_new_job_is_answered_with_its_document(void **unused)
{
    (void)unused;
    assert_int_equal(send("POST", V2_JOB, "{\"query\":\"SELECT 1\"}"), 201);
    assert_heard("{\"job_id\":\"" FAKE_JOB "\",\"user\":\"demo\",\"query\":\"SELECT 1\","
                 "\"status\":\"pending\",\"created_at\":\"2022-04-23T03:50:09.085Z\",");
    assert_string_equal(fake.sql, "SELECT 1");
    assert_string_equal(fake.note, "{\"query\":\"SELECT 1\"}");
    assert_string_equal(fake.queue_key, "carto");
}

static void
when_64_wait_one_more_is_refused(void **unused)
{
    (void)unused;
    fake.crowded = true;
    assert_int_equal(send("POST", V2_JOB, "{\"query\":\"SELECT 1\"}"), 400);
    assert_string_equal(
        heard, "{\"error\":[\"Failed to create job. Max number of jobs (64) queued reached\"]}");
}

static void
a_store_that_is_away_is_said_in_cartos_words(void **unused)
{
    (void)unused;
    fake.away = true;
    static const char *const methods[] = { "GET", "DELETE", "PUT", "PATCH" };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        assert_int_equal(send(methods[i], V2_JOB "/" FAKE_JOB, "{\"query\":\"a\"}"), 503);
        assert_heard("{\"error\":[\"");
        assert_head("Retry-After: 1\r\n");
    }
    assert_int_equal(send("GET", "/user/demo/api/v2/sql", NULL), 503);
    assert_int_equal(send("GET", "/user/demo/api/v1/jobs-wip", NULL), 503);
}

static void
the_newest_thousand_are_listed_the_oldest_first(void **unused)
{
    (void)unused;
    job_t *other = job_new();
    other->dialect[0] = '\0';
    job_t *const jobs[] = { the_job, other, the_job };
    fake.list = jobs;
    fake.list_count = 3;
    assert_int_equal(send("GET", V2_JOB, NULL), 200);
    assert_int_equal(fake.listed.most, 1000);
    assert_false(fake.listed.running);
    assert_string_equal(fake.listed_by, "v2_sql_job");
    job_destroy(&other);

    job_t *newest = job_new();
    free(newest->dialect);
    newest->dialect = mem_text("v2_sql_job");
    newest->note = mem_text("{\"query\":\"SELECT 2\"}");
    newest->steps = 1;
    job_t *const two[] = { newest, the_job };
    fake.list = two;
    fake.list_count = 2;
    assert_int_equal(send("GET", V2_JOB, NULL), 200);
    const char *first = strstr(heard, "SELECT 1");
    assert_true(heard[0] == '[' && first && strstr(first, "SELECT 2"));
    job_destroy(&newest);
    fake.list_count = 0;
    assert_int_equal(send("GET", V2_JOB, NULL), 200);
    assert_string_equal(heard, "[]");
}

static void
jobs_in_progress_are_named_by_their_user(void **unused)
{
    (void)unused;
    assert_int_equal(send("GET", "/user/demo/api/v1/jobs-wip", NULL), 200);
    assert_string_equal(heard, "{}");
    assert_true(fake.listed.running);
    the_job->state = JOB_RUNNING;
    job_t *const jobs[] = { the_job };
    fake.list = jobs;
    fake.list_count = 1;
    assert_int_equal(send("GET", "/user/demo/api/v1/jobs-wip", NULL), 200);
    assert_string_equal(heard, "{\"demo\":[\"" FAKE_JOB "\"]}");

    job_t *newest = job_new();
    assert_true(jobid_parse("0180548a-91be-7abc-9234-56789abcdef0", &newest->id));
    newest->state = JOB_RUNNING;
    job_t *const two[] = { newest, the_job };
    fake.list = two;
    fake.list_count = 2;
    assert_int_equal(send("GET", "/user/demo/api/v1/jobs-wip", NULL), 200);
    assert_string_equal(heard,
                        "{\"demo\":[\"" FAKE_JOB "\",\"0180548a-91be-7abc-9234-56789abcdef0\"]}");
    job_destroy(&newest);
}

/* --- update --- */

static void
an_update_brings_texts_and_note(void **unused)
{
    (void)unused;
    assert_int_equal(send("PUT", V2_JOB "/" FAKE_JOB, "{\"query\":\"SELECT 2\",\"status\":\"x\"}"),
                     200);
    assert_true(fake.edited);
    assert_string_equal(fake.sql, "SELECT 2");
    assert_string_equal(fake.note, "{\"query\":\"SELECT 2\"}");
}

static void
what_has_begun_is_not_updated_in_either_words(void **unused)
{
    (void)unused;
    the_job->state = JOB_RUNNING;
    assert_int_equal(send("PATCH", V2_JOB "/" FAKE_JOB, "{\"query\":\"SELECT 2\"}"), 400);
    assert_string_equal(heard,
                        "{\"errors\":[\"The job status is not pending, it cannot be updated\"]}");
    assert_head("Content-Disposition: inline\r\n");
    fake.flag = "carto_server_answers";
    assert_int_equal(send("PATCH", V2_JOB "/" FAKE_JOB, "{\"query\":\"SELECT 2\"}"), 400);
    assert_string_equal(heard, "{\"error\":[\"Job is not pending, it cannot be updated\"]}");
    assert_false(fake.edited);
}

static void
an_update_error_is_wrapped_as_all_others(void **unused)
{
    (void)unused;
    the_job->state = JOB_DONE;
    assert_int_equal(ask("PUT", V2_JOB "/" FAKE_JOB, KEY "&callback=f", "{\"query\":\"a\"}"), 200);
    assert_string_equal(heard,
                        "/**/ typeof f === 'function' && f({\"errors\":[\"The job status is not "
                        "pending, it cannot be updated\"]});");
}

static void
a_job_does_not_change_its_form(void **unused)
{
    (void)unused;
    static char large[70000];
    snprintf(large, sizeof large, "{\"query\":\"%069900d\"}", 1);
    assert_int_equal(send("PUT", V2_JOB "/" FAKE_JOB, large), 400);
    assert_string_equal(heard, "{\"error\":[\"a job's queries have at most 65536 bytes\"]}");
    assert_int_equal(send("PUT", V2_JOB "/" FAKE_JOB, "{\"query\":[\"SELECT 2\"]}"), 400);
    assert_string_equal(heard, "{\"error\":[\"You must indicate a valid SQL\"]}");
    assert_false(fake.edited);
}

/* --- cancel --- */

static void
a_cancel_shows_what_became_of_the_job(void **unused)
{
    (void)unused;
    the_job->state = JOB_RUNNING;
    fake.stops = JOB_CANCELLED;
    assert_int_equal(send("DELETE", V2_JOB "/" FAKE_JOB, NULL), 200);
    assert_heard("\"status\":\"cancelled\"");
}

static void
a_job_that_ends_while_it_is_cancelled_says_how(void **unused)
{
    (void)unused;
    the_job->state = JOB_RUNNING;
    fake.stops = JOB_DONE;
    assert_int_equal(send("DELETE", V2_JOB "/" FAKE_JOB, NULL), 400);
    assert_string_equal(heard, "{\"error\":[\"Cannot set status from done to cancelled\"]}");
    the_job->state = JOB_RUNNING;
    free(the_job->note);
    the_job->note = mem_text("{\"query\":{\"query\":[{\"query\":\"SELECT 1\"}]}}");
    assert_int_equal(send("DELETE", V2_JOB "/" FAKE_JOB, NULL), 400);
    assert_string_equal(heard, "{\"error\":[\"Cannot set status to cancelled\"]}");
}

static void
a_job_that_is_over_is_not_even_tried(void **unused)
{
    (void)unused;
    the_job->state = JOB_FAILED;
    assert_int_equal(send("DELETE", V2_JOB "/" FAKE_JOB, NULL), 400);
    assert_string_equal(heard, "{\"error\":[\"Cannot set status from failed to cancelled\"]}");
    assert_int_equal(fake.waited_ms, -1);
}

static void
a_cancel_that_is_not_over_yet_can_be_asked_again(void **unused)
{
    (void)unused;
    the_job->state = JOB_RUNNING;
    assert_int_equal(send("DELETE", V2_JOB "/" FAKE_JOB, NULL), 503);
    assert_string_equal(heard, "{\"error\":[\"The job is being cancelled, and is not over yet\"]}");
    assert_head("Retry-After: 1\r\n");
    assert_true(fake.waited_ms > 0);
}

/* --- not found --- */

static void
a_job_that_is_not_its_callers_or_not_cartos_is_not_found(void **unused)
{
    (void)unused;
    static const char said[] = "{\"error\":[\"Job with id " FAKE_JOB " not found\"]}";
    assert_int_equal(send("GET", V2_JOB "/" FAKE_JOB, NULL), 200);
    fake.tenant = "other";
    assert_int_equal(send("GET", V2_JOB "/" FAKE_JOB, NULL), 400);
    assert_string_equal(heard, said);
    fake.tenant = NULL;
    the_job->expired = true;
    assert_int_equal(send("GET", V2_JOB "/" FAKE_JOB, NULL), 400);
    assert_string_equal(heard, said);
    the_job->expired = false;
    free(the_job->note);
    the_job->note = NULL;
    assert_int_equal(send("DELETE", V2_JOB "/" FAKE_JOB, NULL), 400);
    assert_string_equal(heard, said);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_new_job_is_answered_with_its_document),
        CASE(when_64_wait_one_more_is_refused),
        CASE(a_store_that_is_away_is_said_in_cartos_words),
        CASE(the_newest_thousand_are_listed_the_oldest_first),
        CASE(jobs_in_progress_are_named_by_their_user),
        CASE(an_update_brings_texts_and_note),
        CASE(what_has_begun_is_not_updated_in_either_words),
        CASE(an_update_error_is_wrapped_as_all_others),
        CASE(a_job_does_not_change_its_form),
        CASE(a_cancel_shows_what_became_of_the_job),
        CASE(a_job_that_is_over_is_not_even_tried),
        CASE(a_job_that_ends_while_it_is_cancelled_says_how),
        CASE(a_cancel_that_is_not_over_yet_can_be_asked_again),
        CASE(a_job_that_is_not_its_callers_or_not_cartos_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The job API: submit and status. */
#include "tests/unit/unit.h"

#include "tests/unit/v1_job_fake.h"

/* --- submit --- */

static void
a_submit_is_answered_with_the_id(void **unused)
{
    (void)unused;
    assert_int_equal(post("/api/v1/job", "{\"sql\": \"SELECT 'a\\u00e4'\"}"), 200);
    assert_string_equal(heard, "{\"id\":\"" FAKE_JOB "\"}");
    assert_string_equal(fake.sql, "SELECT 'a\xc3\xa4'");
}

static void
bodies_that_are_wrong_are_named(void **unused)
{
    (void)unused;
    static const struct {
        const char *body;
        const char *said;
    } wrong[] = {
        { NULL, "the body is empty" },
        { "", "the body is empty" },
        { "{\"sql\":", "not JSON" },
        { "[]", "must be a JSON object" },
        { "{}", "member 'sql' is missing" },
        { "{\"sql\": 1}", "member 'sql' must be a text or a list of texts" },
        { "{\"sql\": null}", "member 'sql' must be a text" },
        { "{\"sql\": \"\"}", "member 'sql' is empty" },
        { "{\"sql\": \"SELECT 1\", \"limit\": 5}", "unknown member 'limit'" },
        { "{\"sql\": \"a\\u0000\"}", "not JSON" },
        { "{\"sql\": \"\xff\"}", "not UTF-8" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(post("/api/v1/job", wrong[i].body), 400);
        assert_heard(wrong[i].said);
        assert_heard("{\"error\":{\"code\":\"invalid\",\"message\":\"");
        assert_heard("\"detail\":\"");
        assert_int_equal(post("/api/v1/query", wrong[i].body), 400);
    }
    assert_string_equal(fake.sql, "");
}

static void
the_body_is_read_as_json_whatever_its_type_is_called(void **unused)
{
    static const char *const types[] = { "application/x-www-form-urlencoded", "text/plain",
                                         "application/json;charset=UTF-8" };
    (void)unused;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        content_type = types[i];
        assert_int_equal(post("/api/v1/job", "{\"sql\": \"SELECT 1\"}"), 200);
        assert_int_equal(post("/api/v1/job", "sql=SELECT+1"), 400);
    }
}

/* --- status --- */

static void
the_status_of_a_failed_job_tells_what_was_said(void **unused)
{
    (void)unused;
    end(JOB_FAILED);
    assert_int_equal(get(JOB, NULL), 200);
    assert_null(strstr(heard, "notices"));
    add_notice(0, 0, "careful");
    assert_int_equal(get(JOB, NULL), 200);
    assert_heard("\"notices\":[{\"severity\":\"NOTICE\",\"sqlstate\":\"00000\","
                 "\"message\":\"careful\",\"detail\":null,\"hint\":\"h\",\"statement\":null}]}");
}

static void
the_status_of_a_job_that_was_cut_says_so(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    fake.limited = true;
    add_result(1, "SELECT 1", NULL);
    result_t *result = add_result(1, "SELECT 2", NULL);
    assert_int_equal(get(JOB, NULL), 200);
    assert_null(strstr(heard, "truncated"));
    result->truncated = true;
    assert_int_equal(get(JOB, NULL), 200);
    assert_heard("\"truncated\":true");
}

/* Whether it does must not hang on how the job was found. */
static void
the_status_of_a_done_job_of_one_step_does_not(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(1, "SELECT 1", NULL);
    add_notice(0, 0, "careful");
    assert_int_equal(get(JOB, NULL), 200);
    assert_null(strstr(heard, "notices"));
    add_steps(2);
    assert_int_equal(get(JOB, NULL), 200);
    assert_heard("\"message\":\"careful\",\"detail\":null,\"hint\":\"h\",\"statement\":0}]}");
}

static void
a_pending_job_has_not_started(void **unused)
{
    (void)unused;
    assert_int_equal(get(JOB, NULL), 200);
    assert_string_equal(
        heard, "{\"id\":\"" FAKE_JOB "\",\"jobState\":\"PENDING\","
               "\"startedAt\":null,\"statusAt\":\"2022-04-21T18:49:10Z\","
               "\"state\":\"pending\",\"createdAt\":\"2022-04-21T18:49:10Z\","
               "\"endedAt\":null,\"expiresAt\":null,\"attempt\":0,\"rows\":0,\"error\":null}");
}

static void
a_status_holds_from_the_moment_it_began(void **unused)
{
    (void)unused;
    begin();
    assert_int_equal(get(JOB, NULL), 200);
    assert_heard("\"jobState\":\"RUNNING\",\"startedAt\":\"2022-04-21T18:49:11Z\","
                 "\"statusAt\":\"2022-04-21T18:49:11Z\"");
    fake.job->first_page_ms = 1650566952000;
    assert_int_equal(get(JOB, NULL), 200);
    assert_heard("\"jobState\":\"PARTIAL\",\"startedAt\":\"2022-04-21T18:49:11Z\","
                 "\"statusAt\":\"2022-04-21T18:49:12Z\"");
    end(JOB_DONE);
    assert_int_equal(get(JOB, NULL), 200);
    assert_heard("\"jobState\":\"COMPLETED\",\"startedAt\":\"2022-04-21T18:49:11Z\","
                 "\"statusAt\":\"2022-04-21T18:49:13Z\"");
    assert_heard("\"endedAt\":\"2022-04-21T18:49:13Z\",\"expiresAt\":\"2022-04-22T18:49:13Z\"");
}

static void
a_job_that_is_being_stopped_says_so(void **unused)
{
    (void)unused;
    begin();
    assert_int_equal(get(JOB, NULL), 200);
    assert_null(strstr(heard, "cancelRequestedAt"));
    fake.job->cancel_ms = 1650566952000;
    assert_int_equal(get(JOB, NULL), 200);
    assert_heard("\"error\":null,\"cancelRequestedAt\":\"2022-04-21T18:49:12Z\"}");
}

static void
a_job_of_several_steps_shows_each(void **unused)
{
    (void)unused;
    end(JOB_FAILED);
    job_step_t *steps = add_steps(4);
    steps[0].state = JOB_DONE;
    steps[0].started_ms = 1650566951500;
    steps[0].ended_ms = 1650566952000;
    steps[0].rows = 2;
    steps[1].state = JOB_FAILED;
    steps[1].error = mem_text("no luck");
    steps[3].state = JOB_SKIPPED;
    steps[3].condition = mem_text("done");
    add_result(0, "INSERT 0 1", NULL)->step = 0;
    add_result(2, "SELECT 2", NULL)->step = 0;
    assert_int_equal(get(JOB, NULL), 200);
    assert_heard("\"steps\":[{\"step\":0,\"state\":\"done\",\"startedAt\":\"2022-04-21T18:49:11Z\","
                 "\"endedAt\":\"2022-04-21T18:49:12Z\",\"rows\":2,"
                 "\"commands\":[\"INSERT 0 1\",\"SELECT 2\"],\"error\":null,\"when\":null},"
                 "{\"step\":1,\"state\":\"failed\",\"startedAt\":null,\"endedAt\":null,\"rows\":0,"
                 "\"commands\":[],\"error\":{\"code\":\"failed\",\"sqlstate\":null,"
                 "\"message\":\"no luck\"");
    assert_heard("{\"step\":2,\"state\":\"skipped\"");
    assert_heard("\"commands\":[],\"error\":null,\"when\":\"done\"}]}");
}

static void
a_step_that_waits_for_its_turn_is_pending(void **unused)
{
    (void)unused;
    begin();
    add_steps(2)[0].state = JOB_RUNNING;
    assert_int_equal(get(JOB, "wait=1"), 200);
    assert_heard("{\"step\":0,\"state\":\"running\"");
    assert_heard("{\"step\":1,\"state\":\"pending\"");
}

static void
a_failed_job_says_why(void **unused)
{
    (void)unused;
    end(JOB_FAILED);
    memcpy(fake.job->sqlstate, "42P01", 6);
    fake.job->error = mem_text("relation \"x\" does not exist");
    fake.job->error_position = 15;
    assert_int_equal(get(JOB, NULL), 200);
    assert_heard("\"jobState\":\"FAILED\"");
    assert_heard("\"error\":{\"code\":\"failed\",\"sqlstate\":\"42P01\","
                 "\"message\":\"relation \\\"x\\\" does not exist\",\"detail\":null,"
                 "\"hint\":null,\"position\":15}");
}

static void
other_ends_read_failed_and_say_which(void **unused)
{
    (void)unused;
    static const job_state_t states[] = { JOB_CANCELLED, JOB_TIMED_OUT, JOB_UNKNOWN };
    for (size_t i = 0; i < 3; i++) {
        end(states[i]);
        assert_int_equal(get(JOB, NULL), 200);
        assert_heard("\"jobState\":\"FAILED\"");
        char text[64];
        snprintf(text, sizeof text, "\"state\":\"%s\"", job_state_word(states[i]));
        assert_heard(text);
        assert_heard("\"error\":{");
    }
}

static void
codes_are_403_for_another_tenant_and_404_for_what_is_not_there(void **unused)
{
    (void)unused;
    assert_int_equal(get("/api/v1/job/not-a-uuid", NULL), 404);
    assert_int_equal(get("/api/v1/job/01890000-0000-7000-8000-000000000000", NULL), 404);
    assert_int_equal(get("/api/v1/job/not-a-uuid/results", NULL), 404);
    fake.tenant = "other";
    assert_int_equal(get(JOB, NULL), 403);
    assert_heard("\"code\":\"denied\"");
    assert_int_equal(get(JOB "/results", NULL), 403);
}

static void
wait_is_seconds(void **unused)
{
    (void)unused;
    static const struct {
        const char *query;
        int64_t ms;
    } right[] = {
        { "wait=0", 0 },         { "wait=2", 2000 },
        { "wait=0.25", 250 },    { "wait=1.0009", 1000 },
        { "wait=.5", 500 },      { "wait=7.", 7000 },
        { "wait=000001", 1000 }, { "wait=99999999999999999999", 1000000000 },
    };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_int_equal(get(JOB, right[i].query), 200);
        assert_int_equal(fake.waited_ms, right[i].ms);
    }
    static const char *const wrong[] = { "wait=",    "wait=-1", "wait=x",  "wait=1s", "wait=1e3",
                                         "wait=1,5", "wait=.",  "wait=+1", "wait=0x1" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(get(JOB, wrong[i]), 400);
        assert_heard("wait must be");
    }
}

static void
who_waits_while_the_node_stops_is_answered_at_once(void **unused)
{
    (void)unused;
    begin();
    atomic_store(&stopping, true);
    assert_int_equal(get(JOB, "wait=30"), 200);
    atomic_store(&stopping, false);
    assert_heard("\"jobState\":\"RUNNING\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(a_submit_is_answered_with_the_id),
        CLAIM(bodies_that_are_wrong_are_named),
        CLAIM(the_body_is_read_as_json_whatever_its_type_is_called),
        CLAIM(a_pending_job_has_not_started),
        CLAIM(a_status_holds_from_the_moment_it_began),
        CLAIM(a_job_that_is_being_stopped_says_so),
        CLAIM(a_job_of_several_steps_shows_each),
        CLAIM(a_step_that_waits_for_its_turn_is_pending),
        CLAIM(a_failed_job_says_why),
        CLAIM(other_ends_read_failed_and_say_which),
        CLAIM(codes_are_403_for_another_tenant_and_404_for_what_is_not_there),
        CLAIM(wait_is_seconds),
        CLAIM(who_waits_while_the_node_stops_is_answered_at_once),
        CLAIM(the_status_of_a_failed_job_tells_what_was_said),
        CLAIM(the_status_of_a_job_that_was_cut_says_so),
        CLAIM(the_status_of_a_done_job_of_one_step_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

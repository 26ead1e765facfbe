/* The job API: results, and running a query. */
#include "tests/unit/unit.h"

#include "tests/unit/v1_job_fake.h"

/* --- results --- */

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

static const char *const one_column[] = { "n", NULL };

static void
results_have_the_document_s_shape(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    fake.job->planning_us = 1500;
    fake.job->executing_us = 42999;
    fake.job->storing_us = 7000;
    fake.job->bytes = 60;
    add_result(2, "SELECT 2", one_column);
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_string_equal(
        heard, "{\"id\":\"" FAKE_JOB "\",\"state\":\"done\",\"stats\":{\"rows_read\":2,"
               "\"bytes_processed_data\":100,\"time_planning\":0.001500,\"time_total\":3.069000,"
               "\"queued_ms\":1500,\"executing_ms\":42,\"storing_ms\":7,\"rows\":2,\"bytes\":60,"
               "\"pages\":0},\"schema\":[{\"name\":\"n\",\"type\":\"TIMESTAMP WITH TIME ZONE\"}],"
               "\"rows\":[{\"n\":0},{\"n\":10}],\"total_rows\":2,\"complete\":true,\"truncated\":"
               "false,\"offset\":0,\"command\":\"SELECT 2\",\"rows_affected\":null,"
               "\"hash\":\"" ZEROS "\",\"notices\":[]}");
}

static void
a_result_that_was_cut_says_so(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(2, "SELECT 9", one_column)->truncated = true;
    add_result(1, "", one_column);
    assert_int_equal(get(JOB "/results", "statement=0"), 200);
    assert_heard("\"total_rows\":2,\"complete\":true,\"truncated\":true,");
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_heard("\"truncated\":false,");
    assert_heard("\"command\":null,"); /* nobody waited for its tag */
}

/* Statements 1 and 3 of the job said something, and so did one of a step that failed. */
static void
notices_name_their_statement_through_the_whole_job(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    static const uint32_t steps[] = { 0, 0, 2, 2 };
    for (uint32_t i = 0; i < 4; i++) {
        result_t *result = add_result(0, "DO", NULL);
        result->step = steps[i];
        result->ordinal = i % 2;
    }
    add_notice(0, 1, "one");
    add_notice(1, 0, "failed");
    add_notice(2, 1, "three");
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_heard("\"notices\":[{\"severity\":\"NOTICE\",\"sqlstate\":\"00000\","
                 "\"message\":\"one\",\"detail\":null,\"hint\":\"h\",\"statement\":1},");
    assert_heard("\"message\":\"failed\",\"detail\":null,\"hint\":\"h\",\"statement\":null},");
    assert_heard("\"message\":\"three\",\"detail\":null,\"hint\":\"h\",\"statement\":3}]}");
    fake.job->manifest->notices_dropped = 7;
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_heard("\"statement\":3}],\"notices_dropped\":7}");
}

static void
offset_and_limit_choose_rows(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(5, "SELECT 5", one_column);
    assert_int_equal(get(JOB "/results", "offset=1&limit=2"), 200);
    assert_heard("\"rows\":[{\"n\":10},{\"n\":20}],\"total_rows\":5,\"complete\":false,"
                 "\"truncated\":false,\"offset\":1");
    assert_int_equal(get(JOB "/results", "offset=3&limit=2"), 200);
    assert_heard("\"rows\":[{\"n\":30},{\"n\":40}],\"total_rows\":5,\"complete\":true");
    assert_int_equal(get(JOB "/results", "limit=0"), 200);
    assert_heard("\"rows\":[],\"total_rows\":5,\"complete\":false");
    assert_int_equal(get(JOB "/results", "offset=5"), 200);
    assert_heard("\"rows\":[],\"total_rows\":5,\"complete\":true");
    static const struct {
        const char *query;
        const char *offset;
    } far[] = {
        { "offset=99999999999999999999", "9223372036854775807" },
        { "offset=9223372036854775808", "9223372036854775807" },
        { "offset=9223372036854775807", "9223372036854775807" },
        { "offset=0009223372036854775806", "9223372036854775806" },
        { "offset=1000000000000000000&limit=all", "1000000000000000000" },
    };
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        assert_int_equal(get(JOB "/results", far[i].query), 200);
        own(mem) said =
            mem_format("\"rows\":[],\"total_rows\":5,\"complete\":true,\"truncated\":false,"
                       "\"offset\":%s,",
                       far[i].offset);
        assert_heard(said);
    }
}

static void
a_thousand_rows_are_the_most(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(1001, "SELECT 1001", one_column);
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_heard("{\"n\":9990}],\"total_rows\":1001,\"complete\":false");
    assert_int_equal(get(JOB "/results", "limit=1000"), 200);
    assert_int_equal(get(JOB "/results", "limit=1001"), 400);
    assert_heard("limit must be at most 1000");
}

static void
parameters_that_are_wrong_are_named(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(1, "SELECT 1", one_column);
    static const char *const names[] = { "offset", "limit", "statement" };
    static const char *const values[] = { "", "-1", "x", "1.5", "1x", "+1" };
    for (size_t n = 0; n < 3; n++) {
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            char query[64];
            snprintf(query, sizeof query, "%s=%s", names[n],
                     values[v][0] == '+' ? "%2B1" : values[v]);
            assert_int_equal(get(JOB "/results", query), 400);
            assert_heard(names[n]);
        }
    }
    assert_int_equal(get(JOB "/results", "partial=1"), 400);
    assert_int_equal(get(JOB "/results", "partial=false"), 200);
    assert_int_equal(get(JOB "/results", "ofset=1"), 400);
    assert_heard("'ofset'");
}

static void
only_a_completed_job_has_results(void **unused)
{
    (void)unused;
    assert_int_equal(get(JOB "/results", NULL), 409);
    assert_heard("\"jobState\":\"PENDING\"");
    assert_heard("the job is PENDING");
    begin();
    fake.job->first_page_ms = 1650566952000;
    assert_int_equal(get(JOB "/results", NULL), 409);
    assert_heard("\"jobState\":\"PARTIAL\"");
    end(JOB_FAILED);
    fake.job->error = mem_text("no luck");
    assert_int_equal(get(JOB "/results", NULL), 409);
    assert_heard("\"error\":{\"code\":\"conflict\",\"message\":\"the job is FAILED");
    assert_heard("\"cause\":{\"code\":\"failed\",\"sqlstate\":null,\"message\":\"no luck\"");
}

static void
a_job_that_failed_gives_the_results_of_its_done_steps_by_number(void **unused)
{
    (void)unused;
    end(JOB_FAILED);
    add_result(2, "SELECT 2", one_column);
    fake.job->error = mem_text("no luck");
    assert_int_equal(get(JOB "/results", NULL), 409);
    assert_int_equal(get(JOB "/results", "statement=0"), 200);
    assert_heard("\"state\":\"failed\"");
    assert_heard("\"rows\":[{\"n\":0},{\"n\":10}],\"total_rows\":2,\"complete\":true");
    assert_int_equal(get(JOB "/results", "statement=1"), 409);
    assert_heard("\"cause\":{\"code\":\"failed\",\"sqlstate\":null,\"message\":\"no luck\"");
    fake.job->expired = true;
    assert_int_equal(get(JOB "/results", "statement=0"), 410);
}

static void
a_job_that_runs_gives_no_result_of_its_steps(void **unused)
{
    (void)unused;
    begin();
    add_result(2, "SELECT 2", one_column);
    assert_int_equal(get(JOB "/results", "statement=0"), 409);
    assert_heard("\"jobState\":\"RUNNING\"");
}

static void
the_usual_result_is_the_last_with_columns(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(1, "SELECT 1", one_column);
    add_result(2, "SELECT 2", one_column);
    add_result(0, "INSERT 0 3", NULL);
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_heard("\"total_rows\":2");
    assert_int_equal(get(JOB "/results", "statement=0"), 200);
    assert_heard("\"total_rows\":1");
    assert_int_equal(get(JOB "/results", "statement=2"), 200);
    assert_heard("\"schema\":[],\"rows\":[],\"total_rows\":0,\"complete\":true,\"truncated\":false,"
                 "\"offset\":0,\"command\":\"INSERT 0 3\",\"rows_affected\":3");
    assert_int_equal(get(JOB "/results", "statement=3"), 404);
}

static void
a_job_without_results_has_no_rows(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_heard("\"schema\":[],\"rows\":[],\"total_rows\":0,\"complete\":true,\"truncated\":false,"
                 "\"offset\":0,"
                 "\"command\":null");
    add_result(0, "INSERT 0 3", NULL);
    add_result(0, "UPDATE 1", NULL);
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_heard("\"command\":\"UPDATE 1\"");
}

static void
columns_of_one_name_are_told_apart(void **unused)
{
    (void)unused;
    static const char *const names[] = { "a", "a", "a_2", "a", "\"", "", "", NULL };
    end(JOB_DONE);
    add_result(1, "SELECT 1", names);
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_heard("\"rows\":[{\"a\":0,\"a_3\":1,\"a_2\":2,\"a_4\":3,\"\\\"\":4,\"\":5,\"_2\":6}]");
    assert_heard("\"name\":\"a_3\"");
}

static void
expired_pages_are_410(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(1, "SELECT 1", one_column);
    fake.job->expired = true;
    assert_int_equal(get(JOB "/results", NULL), 410);
    assert_heard("\"code\":\"gone\"");
    assert_int_equal(get(JOB, NULL), 200);
}

static void
rows_that_break_off_early_are_an_error(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(3, "SELECT 3", one_column);
    fake.rows_break = true;
    assert_int_equal(get(JOB "/results", NULL), 500);
    assert_false(cut);
    assert_heard("{\"error\":{\"code\":\"internal\"");
}

/* --- run --- */

static void
a_run_answers_like_results(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(2, "SELECT 2", one_column);
    assert_int_equal(post("/api/v1/query", "{\"sql\":\"SELECT\"}"), 200);
    assert_heard("\"rows\":[{\"n\":0},{\"n\":10}],\"total_rows\":2,\"complete\":true");
    fake.job->manifest->results[0].rows = 2000;
    assert_int_equal(post("/api/v1/query", "{\"sql\":\"SELECT\"}"), 200);
    assert_heard("{\"n\":9990}],\"total_rows\":2000,\"complete\":false");
}

static void
a_run_past_the_cap_is_answered_with_the_id(void **unused)
{
    (void)unused;
    begin();
    assert_int_equal(post("/api/v1/query", "{\"sql\":\"SELECT\"}"), 202);
    assert_string_equal(heard, "{\"id\":\"" FAKE_JOB "\"}");
}

static void
a_run_that_fails_is_400_with_the_id(void **unused)
{
    (void)unused;
    end(JOB_FAILED);
    memcpy(fake.job->sqlstate, "42601", 6);
    fake.job->error = mem_text("syntax error");
    assert_int_equal(post("/api/v1/query", "{\"sql\":\"SELEC\"}"), 400);
    assert_heard("{\"id\":\"" FAKE_JOB "\",\"jobState\":\"FAILED\",\"state\":\"failed\","
                 "\"error\":{\"code\":\"failed\",\"sqlstate\":\"42601\"");
    assert_heard("\"detail\":\"syntax error\"}");
}

static void
a_run_that_is_done_never_reads_as_not_done(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(2, "SELECT 2", one_column);
    fake.rows_away = true;
    assert_int_equal(post("/api/v1/query", "{\"sql\":\"SELECT\"}"), 202);
    assert_string_equal(heard, "{\"id\":\"" FAKE_JOB "\"}");
    assert_int_equal(get(JOB "/results", NULL), 503);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(results_have_the_document_s_shape),
        CLAIM(a_result_that_was_cut_says_so),
        CLAIM(notices_name_their_statement_through_the_whole_job),
        CLAIM(offset_and_limit_choose_rows),
        CLAIM(a_thousand_rows_are_the_most),
        CLAIM(parameters_that_are_wrong_are_named),
        CLAIM(only_a_completed_job_has_results),
        CLAIM(a_job_that_failed_gives_the_results_of_its_done_steps_by_number),
        CLAIM(a_job_that_runs_gives_no_result_of_its_steps),
        CLAIM(the_usual_result_is_the_last_with_columns),
        CLAIM(a_job_without_results_has_no_rows),
        CLAIM(columns_of_one_name_are_told_apart),
        CLAIM(expired_pages_are_410),
        CLAIM(rows_that_break_off_early_are_an_error),
        CLAIM(a_run_answers_like_results),
        CLAIM(a_run_past_the_cap_is_answered_with_the_id),
        CLAIM(a_run_that_fails_is_400_with_the_id),
        CLAIM(a_run_that_is_done_never_reads_as_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

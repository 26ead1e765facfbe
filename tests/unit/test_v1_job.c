/* The job API dialect, over an engine in memory. */
#include "tests/unit/unit.h"

#include "api/route.h"
#include "tests/unit/http_fake.h"

#include "tests/unit/engine_fake.h"

#define JOB "/api/v1/job/" FAKE_JOB

static char heard[1 << 20];
static bool cut;             /* the reply was abandoned */
static atomic_bool stopping; /* of the server */
static const char *content_type;

/* The status of a request; its body is in `heard`. */
static int
ask(const char *method, const char *path, const char *query, const char *body)
{
    err_t err = { .kind = ERR_NONE };
    own(router) router = router_new(route_dialects, &err);
    router_engine(router, &fake);
    static fake_request_t request;
    fake_request(&request, method, path, query);
    fake_header(&request, "Authorization", "Bearer " FAKE_KEY);
    if (content_type)
        fake_header(&request, "Content-Type", content_type);
    request.request.body = body;
    request.request.body_size = body ? strlen(body) : 0;
    request.request.stopping = &stopping;
    fake.waited_ms = -1;
    own(fake_reply) reply = fake_reply_new((frame_t){ .keep = true }, false);
    router_handle(router, &request.request, &reply->reply);
    cut = !reply_good(&reply->reply);
    reply_end(&reply->reply);
    snprintf(heard, sizeof heard, "%s", fake_body(reply));
    return (int)strtol(reply->text + 9, NULL, 10);
}

static int
get(const char *path, const char *query)
{
    return ask("GET", path, query, NULL);
}

static int
post(const char *path, const char *body)
{
    return ask("POST", path, NULL, body);
}

static void
assert_heard(const char *text)
{
    if (!strstr(heard, text))
        fail_msg("no %s in %s", text, heard);
}

/* A job in some state, all its moments in the past of that state. */
static int
setup(void **unused)
{
    (void)unused;
    fake = (engine_t){ .job = job_new() };
    assert_true(jobid_parse(FAKE_JOB, &fake.job->id));
    fake.job->created_ms = 1650566950000;
    return 0;
}

static int
teardown(void **unused)
{
    (void)unused;
    job_destroy(&fake.job);
    content_type = NULL;
    return 0;
}

static void
begin(void)
{
    fake.job->state = JOB_RUNNING;
    fake.job->attempt = 1;
    fake.job->started_ms = 1650566951500;
}

static void
end(job_state_t state)
{
    begin();
    fake.job->state = state;
    fake.job->ended_ms = 1650566953069;
}

static result_t *
add_result(int64_t rows, const char *tag, const char *const *names)
{
    if (!fake.job->manifest)
        fake.job->manifest = manifest_new();
    result_t *result = manifest_add(fake.job->manifest);
    result->tag = mem_text(tag);
    result->rows = rows;
    result->raw_bytes = 100;
    uint32_t count = 0;
    while (names && names[count])
        count++;
    result->has_columns = names != NULL;
    if (names)
        result_columns(result, count);
    for (uint32_t i = 0; i < count; i++) {
        result->columns[i].name = mem_text(names[i]);
        result->columns[i].type = mem_text("timestamp with time zone");
        result->columns[i].kind = CELL_INTEGER;
    }
    fake.job->rows += rows;
    return result;
}

static const char *const one_column[] = { "n", NULL };

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
        { "{\"sql\": 1}", "member 'sql' must be a text" },
        { "{\"sql\": null}", "member 'sql' must be a text" },
        { "{\"sql\": \"\"}", "member 'sql' is empty" },
        { "{\"sql\": \"SELECT 1\", \"limit\": 5}", "unknown member 'limit'" },
        { "{\"sql\": \"a\\u0000\"}", "not JSON" },
        { "{\"sql\": \"\xff\"}", "not JSON" },
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
a_form_is_refused_and_a_charset_is_not(void **unused)
{
    (void)unused;
    content_type = "application/x-www-form-urlencoded";
    assert_int_equal(post("/api/v1/job", "{\"sql\": \"SELECT 1\"}"), 400);
    assert_heard("Content-Type");
    content_type = "multipart/form-data; boundary=x";
    assert_int_equal(post("/api/v1/job", "{\"sql\": \"SELECT 1\"}"), 400);
    content_type = "application/json;charset=UTF-8";
    assert_int_equal(post("/api/v1/job", "{\"sql\": \"SELECT 1\"}"), 200);
}

/* --- status --- */

static void
a_pending_job_has_not_started(void **unused)
{
    (void)unused;
    assert_int_equal(get(JOB, NULL), 200);
    assert_string_equal(heard, "{\"id\":\"" FAKE_JOB "\",\"jobState\":\"PENDING\","
                               "\"startedAt\":null,\"statusAt\":\"2022-04-21T18:49:10Z\","
                               "\"state\":\"pending\",\"createdAt\":\"2022-04-21T18:49:10Z\","
                               "\"endedAt\":null,\"attempt\":0,\"rows\":0,\"error\":null}");
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
    assert_heard("\"endedAt\":\"2022-04-21T18:49:13Z\"");
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

/* --- results --- */

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
               "\"rows\":[{\"n\":0},{\"n\":10}],\"total_rows\":2,\"complete\":true,\"offset\":0,"
               "\"command\":\"SELECT 2\"}");
}

static void
offset_and_limit_choose_rows(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    add_result(5, "SELECT 5", one_column);
    assert_int_equal(get(JOB "/results", "offset=1&limit=2"), 200);
    assert_heard(
        "\"rows\":[{\"n\":10},{\"n\":20}],\"total_rows\":5,\"complete\":false,\"offset\":1");
    assert_int_equal(get(JOB "/results", "offset=3&limit=2"), 200);
    assert_heard("\"rows\":[{\"n\":30},{\"n\":40}],\"total_rows\":5,\"complete\":true");
    assert_int_equal(get(JOB "/results", "limit=0"), 200);
    assert_heard("\"rows\":[],\"total_rows\":5,\"complete\":false");
    assert_int_equal(get(JOB "/results", "offset=5"), 200);
    assert_heard("\"rows\":[],\"total_rows\":5,\"complete\":true");
    assert_int_equal(get(JOB "/results", "offset=99999999999999999999"), 200);
    assert_heard("\"rows\":[],\"total_rows\":5,\"complete\":true");
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
    assert_int_equal(get(JOB "/results", "partial=true"), 400);
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
    assert_heard("\"schema\":[],\"rows\":[],\"total_rows\":0,\"complete\":true,\"offset\":0,"
                 "\"command\":\"INSERT 0 3\"");
    assert_int_equal(get(JOB "/results", "statement=3"), 404);
}

static void
a_job_without_results_has_no_rows(void **unused)
{
    (void)unused;
    end(JOB_DONE);
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_heard("\"schema\":[],\"rows\":[],\"total_rows\":0,\"complete\":true,\"offset\":0,"
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
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CLAIM(a_submit_is_answered_with_the_id),
        CLAIM(bodies_that_are_wrong_are_named),
        CLAIM(a_form_is_refused_and_a_charset_is_not),
        CLAIM(a_pending_job_has_not_started),
        CLAIM(a_status_holds_from_the_moment_it_began),
        CLAIM(a_failed_job_says_why),
        CLAIM(other_ends_read_failed_and_say_which),
        CLAIM(codes_are_403_for_another_tenant_and_404_for_what_is_not_there),
        CLAIM(wait_is_seconds),
        CLAIM(who_waits_while_the_node_stops_is_answered_at_once),
        CLAIM(results_have_the_document_s_shape),
        CLAIM(offset_and_limit_choose_rows),
        CLAIM(a_thousand_rows_are_the_most),
        CLAIM(parameters_that_are_wrong_are_named),
        CLAIM(only_a_completed_job_has_results),
        CLAIM(the_usual_result_is_the_last_with_columns),
        CLAIM(a_job_without_results_has_no_rows),
        CLAIM(columns_of_one_name_are_told_apart),
        CLAIM(expired_pages_are_410),
        CLAIM(rows_that_break_off_early_are_an_error),
        CLAIM(a_run_answers_like_results),
        CLAIM(a_run_past_the_cap_is_answered_with_the_id),
        CLAIM(a_run_that_fails_is_400_with_the_id),
        CLAIM(a_run_that_is_done_never_reads_as_not_done),
#undef CLAIM
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The job API: texts and options of an order. */
#include "tests/unit/unit.h"

#include "tests/unit/v1_job_fake.h"

static void
options_reach_the_engine(void **unused)
{
    (void)unused;
    assert_int_equal(post("/api/v1/job",
                          "{\"sql\":\"SELECT 1\",\"source\":\"depot\",\"priority\":0,"
                          "\"statement_timeout_ms\":1,\"queue_timeout_ms\":2,\"deadline_ms\":3,"
                          "\"max_attempts\":4,\"read_only\":true,\"autocommit\":false,"
                          "\"transaction\":\"step\",\"retention_s\":5,\"client_token\":\"t\","
                          "\"max_rows\":9007199254740992,\"max_bytes\":6,"
                          "\"on_limit\":\"truncate\",\"queue_key\":\"k \\u00e9\"}"),
                     200);
    assert_string_equal(fake.sql, "SELECT 1");
    assert_string_equal(fake.source, "depot");
    assert_int_equal(fake.order.priority, 0);
    assert_int_equal(fake.order.statement_timeout_ms, 1);
    assert_int_equal(fake.order.queue_timeout_ms, 2);
    assert_int_equal(fake.order.deadline_ms, 3);
    assert_int_equal(fake.order.max_attempts, 4);
    assert_true(fake.order.read_only);
    assert_false(fake.order.one_transaction);
    assert_int_equal(fake.order.autocommit, AUTOCOMMIT_NEVER);
    assert_int_equal(fake.order.retention_s, 5);
    assert_string_equal(fake.token, "t");
    assert_string_equal(fake.queue_key, "k \xc3\xa9");
    assert_int_equal(fake.order.queue_key_size, 4);
    assert_true(fake.order.max_rows == INT64_C(9007199254740992));
    assert_int_equal(fake.order.max_bytes, 6);
    assert_true(fake.order.truncate);
    assert_int_equal(post("/api/v1/job", "{\"sql\":\"a\",\"on_limit\":\"fail\"}"), 200);
    assert_false(fake.order.truncate);
}

static void
parameters_reach_the_engine(void **unused)
{
    (void)unused;
    assert_int_equal(post("/api/v1/job", "{\"sql\":\"SELECT :id\",\"params\":{\"id\":42,"
                                         "\"b\":{\"type\":\"int8[]\",\"value\":[1]}}}"),
                     200);
    assert_int_equal(fake.order.param_count, 2);
    assert_int_equal(post("/api/v1/job", "{\"sql\":\"SELECT 1\",\"params\":[]}"), 200);
    assert_int_equal(fake.order.param_count, 0);
}

static void
options_that_are_missing_are_defaults(void **unused)
{
    (void)unused;
    assert_int_equal(post("/api/v1/query", "{\"sql\":\"SELECT 1\"}"), 202);
    assert_int_equal(fake.order.priority, -1);
    assert_int_equal(fake.order.max_attempts, 0);
    assert_int_equal(fake.order.step_count, 1);
    assert_int_equal(fake.order.max_rows, 0);
    assert_int_equal(fake.order.max_bytes, 0);
    assert_false(fake.order.truncate);
    assert_null(fake.order.client_token);
    assert_null(fake.order.queue_key);
    assert_null(fake.order.source);
}

static void
a_list_is_a_step_each(void **unused)
{
    (void)unused;
    assert_int_equal(post("/api/v1/job",
                          "{\"sql\":[\"SELECT 1\",{\"sql\":\"SELECT 2\"},"
                          "{\"sql\":\"S\",\"when\":\"failed:1\",\"timeout_ms\":7}]}"),
                     200);
    assert_int_equal(fake.order.step_count, 3);
    assert_string_equal(fake.sql, "SELECT 1");
    assert_string_equal(fake.when, "failed:1");
    assert_int_equal(fake.step_ms, 7);
    assert_true(fake.is_template);
    assert_int_equal(post("/api/v1/job", "{\"sql\":[\"a\",\"b\"],\"transaction\":\"job\"}"), 200);
    assert_true(fake.order.one_transaction);
    assert_false(fake.is_template);
    assert_int_equal(post("/api/v1/job", "{\"sql\":[\"a\"],\"autocommit\":true}"), 200);
    assert_int_equal(fake.order.step_count, 1);
    assert_int_equal(fake.order.autocommit, AUTOCOMMIT_ALWAYS);
}

static void
texts_that_are_wrong_are_named(void **unused)
{
    (void)unused;
    static const struct {
        const char *sql;
        const char *said;
    } wrong[] = {
        { "[]", "member 'sql' is empty" },
        { "{}", "member 'sql' must be a text or a list of texts" },
        { "[\"a\",1]", "sql[1] must be a text or an object" },
        { "[\"a\",null]", "sql[1] must be a text or an object" },
        { "[[\"a\"]]", "sql[0] must be a text or an object" },
        { "[\"a\",\"\"]", "sql[1] is empty" },
        { "[\"a\",{}]", "sql[1].sql is missing" },
        { "[{\"sql\":1}]", "sql[0].sql must be a text" },
        { "[{\"sql\":\"\"}]", "sql[0].sql is empty" },
        { "[{\"sql\":\"a\",\"then\":1}]", "sql[0]: unknown member 'then'" },
        { "[\"a\",\"b\",{\"sql\":\"a\",\"when\":1}]", "sql[2].when must be a text" },
        { "[{\"sql\":\"a\",\"timeout_ms\":0}]", "sql[0].timeout_ms: option 'timeout_ms' must be" },
        { "[{\"sql\":\"a\",\"timeout_ms\":\"1\"}]", "sql[0].timeout_ms: option 'timeout_ms'" },
        { "[{\"sql\":\"a\",\"timeout_ms\":1.5}]", "sql[0].timeout_ms: option 'timeout_ms'" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"sql\": %s}", wrong[i].sql);
        assert_int_equal(post("/api/v1/job", body), 400);
        assert_heard(wrong[i].said);
    }
    assert_string_equal(fake.sql, "");
}

static void
a_thousand_steps_are_the_most(void **unused)
{
    (void)unused;
    static char body[8000];
    for (int count = 1000; count <= 1001; count++) {
        char *end = body + snprintf(body, sizeof body, "{\"sql\":[\"a\"");
        for (int i = 1; i < count; i++)
            end += snprintf(end, 8, ",\"a\"");
        snprintf(end, 8, "]}");
        assert_int_equal(post("/api/v1/job", body), count == 1000 ? 200 : 400);
    }
    assert_heard("member 'sql' has more than 1000 texts");
}

static void
options_that_are_wrong_are_named(void **unused)
{
    (void)unused;
    static const struct {
        const char *member;
        const char *said;
    } wrong[] = {
        { "\"priority\":10", "option 'priority' must be a whole number from 0 to 9" },
        { "\"priority\":-1", "option 'priority' must be" },
        { "\"priority\":\"5\"", "option 'priority' must be" },
        { "\"priority\":5.0", "option 'priority' must be" },
        { "\"priority\":null", "option 'priority' must be" },
        { "\"priority\":4294967301", "option 'priority' must be" },
        { "\"statement_timeout_ms\":0", "option 'statement_timeout_ms' must be" },
        { "\"queue_timeout_ms\":true", "option 'queue_timeout_ms' must be" },
        { "\"deadline_ms\":-5", "option 'deadline_ms' must be" },
        { "\"max_attempts\":101", "option 'max_attempts' must be a whole number from 1 to 100" },
        { "\"retention_s\":2592001", "option 'retention_s' must be a whole number from 1 to" },
        { "\"transaction\":\"all\"", "option 'transaction' must be \\\"step\\\" or \\\"job\\\"" },
        { "\"transaction\":1", "option 'transaction' must be a text" },
        { "\"autocommit\":1", "option 'autocommit' must be true or false" },
        { "\"read_only\":\"true\"", "option 'read_only' must be true or false" },
        { "\"source\":\"\"", "option 'source' is empty" },
        { "\"source\":1", "option 'source' must be a text" },
        { "\"client_token\":\"\"", "option 'client_token' is empty" },
        { "\"client_token\":7", "option 'client_token' must be a text" },
        { "\"params\":1", "option 'params' must be an object or a list" },
        { "\"params\":[[1]]", "parameter 1: a list needs a type" },
        { "\"params\":[9223372036854775808]", "as a parameter, give it as a text with a type" },
        { "\"tags\":{}", "option 'tags' is not served yet" },
        { "\"run_at\":null", "option 'run_at' is not served yet" },
        { "\"max_rows\":0", "option 'max_rows' must be a whole number from 1 to 90071992547409" },
        { "\"max_rows\":9007199254740993", "option 'max_rows' must be" },
        { "\"max_bytes\":1.5", "option 'max_bytes' must be" },
        { "\"on_limit\":\"stop\"", "option 'on_limit' must be \\\"fail\\\" or \\\"truncate\\\"" },
        { "\"on_limit\":1", "option 'on_limit' must be a text" },
        { "\"queue_key\":\"\"", "option 'queue_key' is empty" },
        { "\"queue_key\":null", "option 'queue_key' must be a text" },
        { "\"callback_url\":\"x\"", "option 'callback_url' is not served yet" },
        { "\"Priority\":1", "unknown member 'Priority'" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"sql\": \"SELECT 1\", %s}", wrong[i].member);
        assert_int_equal(post("/api/v1/query", body), 400);
        assert_heard(wrong[i].said);
    }
    assert_string_equal(fake.sql, "");
}

static void
a_token_may_come_as_a_header(void **unused)
{
    (void)unused;
    idempotency_key = "abc";
    assert_int_equal(post("/api/v1/job", "{\"sql\":\"a\"}"), 200);
    assert_string_equal(fake.token, "abc");
    assert_int_equal(fake.order.client_token_size, 3);
    assert_int_equal(post("/api/v1/job", "{\"sql\":\"a\",\"client_token\":\"abc\"}"), 200);
    assert_int_equal(post("/api/v1/job", "{\"sql\":\"a\",\"client_token\":\"abd\"}"), 400);
    assert_heard("option 'client_token' and the header Idempotency-Key differ");
    idempotency_key_again = "abc";
    assert_int_equal(post("/api/v1/job", "{\"sql\":\"a\"}"), 200);
    idempotency_key_again = "Abc";
    assert_int_equal(post("/api/v1/job", "{\"sql\":\"a\"}"), 400);
    assert_heard("two headers Idempotency-Key differ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(options_reach_the_engine),
        CLAIM(parameters_reach_the_engine),
        CLAIM(options_that_are_missing_are_defaults),
        CLAIM(a_list_is_a_step_each),
        CLAIM(texts_that_are_wrong_are_named),
        CLAIM(a_thousand_steps_are_the_most),
        CLAIM(options_that_are_wrong_are_named),
        CLAIM(a_token_may_come_as_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

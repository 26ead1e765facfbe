/* CARTO's synchronous API over an engine in memory: what it shows of a job that is over. */
#include "tests/unit/unit.h"

#include "tests/unit/v2_job_fake.h"

static const char *const column_a[] = { "a", NULL };
static const char *const column_b[] = { "b", NULL };

static int
sql(const char *q)
{
    own(mem) query = mem_format(KEY "&q=%s", q);
    return ask("GET", V2_SQL, query, NULL);
}

/* A result of the job, its one column of this type. */
static result_t *
add_typed(int64_t rows, const char *tag, const char *const *names, uint32_t oid)
{
    result_t *result = add_result(rows, tag, names);
    result->columns[0].oid = oid;
    return result;
}

static void
rows_are_those_of_the_last_statement_with_columns(void **unused)
{
    (void)unused;
    the_job->state = JOB_DONE;
    add_typed(2, "SELECT 2", column_a, 23);
    add_typed(1, "SELECT 1", column_b, 23);
    add_result(0, "DELETE 7", NULL);
    assert_int_equal(sql("SELECT+1"), 200);
    assert_heard("{\"rows\":[{\"b\":0}],\"time\":");
    assert_heard("\"fields\":{\"b\":{\"type\":\"number\",\"pgtype\":\"int4\"}},\"total_rows\":1}");
}

static void
without_columns_the_last_number_of_a_tag_counts(void **unused)
{
    (void)unused;
    the_job->state = JOB_DONE;
    add_result(0, "INSERT 0 2", NULL);
    add_result(0, "CREATE TABLE", NULL);
    assert_int_equal(sql("SELECT+1"), 200);
    assert_heard("{\"rows\":[],\"time\":");
    assert_heard("\"fields\":{},\"total_rows\":2}");
}

static void
a_job_without_any_result_is_empty(void **unused)
{
    (void)unused;
    the_job->state = JOB_DONE;
    assert_int_equal(sql("SELECT+1"), 200);
    assert_heard("\"fields\":{},\"total_rows\":0}");
}

static void
a_field_is_said_by_its_type(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t oid;
        const char *type;
        const char *said;
    } types[] = {
        { 16, "boolean", "\"type\":\"boolean\",\"pgtype\":\"bool\"" },
        { 1007, "integer[]", "\"type\":\"number[]\",\"pgtype\":\"_int4\"" },
        { 1184, "timestamp with time zone", "\"type\":\"date\",\"pgtype\":\"timestamptz\"" },
        { 1042, "character", "\"type\":\"string\",\"pgtype\":\"bpchar\"" },
        { 2950, "uuid", "\"type\":\"uuid\",\"pgtype\":\"uuid\"" },
        { 70001, "geometry", "\"type\":\"geometry\"" },
        { 70002, "mood", "\"type\":\"unknown(70002)\"" },
    };
    the_job->state = JOB_DONE;
    result_t *result = add_typed(0, "SELECT 0", column_a, 0);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        result->columns[0].oid = types[i].oid;
        free(result->columns[0].type);
        result->columns[0].type = mem_text(types[i].type);
        assert_int_equal(sql("SELECT+1"), 200);
        own(mem) fields = mem_format("\"fields\":{\"a\":{%s}}", types[i].said);
        assert_heard(fields);
    }
}

static void
messages_are_listed_by_their_severity(void **unused)
{
    (void)unused;
    the_job->state = JOB_DONE;
    add_notice(0, 0, "one");
    add_notice(0, 0, "two");
    assert_int_equal(sql("SELECT+1"), 200);
    assert_heard("\"total_rows\":0,\"notices\":[\"one\",\"two\"]}");
}

/* --- what ended badly --- */

static void
an_error_comes_with_what_was_said_of_it(void **unused)
{
    (void)unused;
    the_job->state = JOB_FAILED;
    the_job->error = mem_text("no");
    the_job->error_detail = mem_text("d");
    the_job->error_hint = mem_text("h");
    assert_int_equal(sql("SELECT+1"), 400);
    assert_string_equal(heard, "{\"error\":[\"no\"],\"detail\":\"d\",\"hint\":\"h\"}");
    the_job->state = JOB_UNKNOWN;
    free(the_job->error);
    the_job->error = NULL;
    assert_int_equal(sql("SELECT+1"), 400);
    assert_heard("{\"error\":[\"what became of the query is not known\"]");
}

static void
what_was_stopped_took_too_long(void **unused)
{
    (void)unused;
    static const struct {
        job_state_t state;
        const char *error;
    } ends[] = { { JOB_TIMED_OUT, "the statement ran longer than its timeout of 5 ms" },
                 { JOB_CANCELLED, NULL },
                 { JOB_FAILED, "canceling statement due to statement timeout" },
                 { JOB_FAILED, "canceling statement due to user request" } };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        the_job->state = ends[i].state;
        free(the_job->error);
        the_job->error = ends[i].error ? mem_text(ends[i].error) : NULL;
        assert_int_equal(sql("SELECT+1"), 429);
        assert_heard("SQL query timeout error.");
        assert_heard("\"context\":\"limit\",\"detail\":\"datasource\"}");
    }
}

static void
a_query_that_cannot_be_waited_for_is_stopped(void **unused)
{
    (void)unused;
    assert_int_equal(sql("SELECT+1"), 503);
    assert_string_equal(heard, "{\"error\":[\"too many queries are being waited for\"]}");
    assert_string_equal(fake.sql, "SELECT 1");
    assert_string_equal(fake.queue_key, "");
    assert_int_equal(fake.waited_ms, 5000);
}

static void
a_node_that_stops_does_not_say_that_there_are_too_many(void **unused)
{
    (void)unused;
    atomic_store(&stopping, true);
    assert_int_equal(sql("SELECT+1"), 429);
    assert_int_equal(fake.waited_ms, 5000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(rows_are_those_of_the_last_statement_with_columns),
        CASE(without_columns_the_last_number_of_a_tag_counts),
        CASE(a_job_without_any_result_is_empty),
        CASE(a_field_is_said_by_its_type),
        CASE(messages_are_listed_by_their_severity),
        CASE(an_error_comes_with_what_was_said_of_it),
        CASE(what_was_stopped_took_too_long),
        CASE(a_query_that_cannot_be_waited_for_is_stopped),
        CASE(a_node_that_stops_does_not_say_that_there_are_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

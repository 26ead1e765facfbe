/* The job API: a result in each format, as a stream, or as far as it is there. */
#include "tests/unit/unit.h"

#include "tests/unit/v1_job_fake.h"

static const char *const two_columns[] = { "n", "n", NULL };

static int
formats_setup(void **unused)
{
    setup(unused);
    end(JOB_DONE);
    result_t *result = add_result(10, "SELECT 10", two_columns);
    result->columns[1].kind = CELL_NUMERIC;
    free(result->columns[0].type);
    result->columns[0].type = mem_text("bigint");
    memset(result->hash, 0xab, PAGE_HASH_SIZE);
    return 0;
}

/* The chunks of what was heard as one body; where the trailers begin is the result. */
static const char *
body_of(char *out)
{
    const char *at = heard;
    for (;;) {
        char *rest = NULL;
        unsigned long size = strtoul(at, &rest, 16);
        assert_memory_equal(rest, "\r\n", 2);
        if (size == 0) {
            *out = '\0';
            return rest + 2;
        }
        memcpy(out, rest + 2, size);
        out += size;
        at = rest + 2 + size + 2;
    }
}

static void
assert_stream(const char *expected, const char *trailers)
{
    own(mem) body = mem_new(sizeof heard);
    assert_string_equal(body_of(body), trailers);
    assert_string_equal(body, expected);
}

static void
rows_come_as_objects_or_as_arrays(void **unused)
{
    (void)unused;
    assert_int_equal(get(JOB "/results", "limit=2&format=json"), 200);
    assert_heard("\"rows\":[{\"n\":0,\"n_2\":1},{\"n\":10,\"n_2\":11}],\"total_rows\":10");
    assert_heard("\"schema\":[{\"name\":\"n\",\"type\":\"BIGINT\"},{\"name\":\"n_2\",");
    assert_int_equal(get(JOB "/results", "limit=2&format=arrays"), 200);
    assert_heard("\"rows\":[[0,1],[10,11]],\"total_rows\":10");
    assert_heard("\"schema\":[{\"name\":\"n\",\"type\":\"BIGINT\"},{\"name\":\"n\",");
    assert_head("Content-Type: application/vnd.millrace.arrays+json; charset=utf-8\r\n");
}

static void
a_stream_holds_nothing_but_rows_and_tells_its_end(void **unused)
{
    (void)unused;
    assert_int_equal(get(JOB "/results", "limit=2&format=ndjson"), 200);
    assert_head("Content-Type: application/x-ndjson\r\n");
    assert_head("Trailer: Millrace-Rows\r\n");
    assert_stream("{\"n\":0,\"n_2\":1}\n{\"n\":10,\"n_2\":11}\n", "Millrace-Rows: 2\r\n\r\n");
    assert_int_equal(get(JOB "/results", "limit=2&format=csv"), 200);
    assert_head("Content-Type: text/csv; charset=utf-8; header=present\r\n");
    assert_stream("n,n\r\n0,1\r\n10,11\r\n", "Millrace-Rows: 2\r\n\r\n");
    assert_int_equal(get(JOB "/results", "limit=0&format=csv"), 200);
    assert_stream("n,n\r\n", "Millrace-Rows: 0\r\n\r\n");
}

static void
msgpack_is_the_rows_as_they_are_stored(void **unused)
{
    (void)unused;
    assert_int_equal(get(JOB "/results", "offset=1&limit=2&format=msgpack"), 200);
    assert_head("Content-Type: application/vnd.msgpack\r\n");
    assert_stream("\x92\x0a\x0b\x92\x14\x15", "Millrace-Rows: 2\r\n\r\n");
}

/* The least that is zstd: no bytes at all are not. */
static void
no_rows_are_a_frame_of_nothing(void **unused)
{
    (void)unused;
    with("Accept-Encoding", "zstd");
    static const char *const queries[] = { "limit=0&format=msgpack", "offset=10&format=msgpack" };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(get(JOB "/results", queries[i]), 200);
        assert_head("Content-Encoding: zstd\r\n");
        assert_memory_equal(heard + 8, "\x28\xb5\x2f\xfd", 4);
    }
    more_count = 0;
    assert_int_equal(get(JOB "/results", queries[0]), 200);
    assert_stream("", "Millrace-Rows: 0\r\n\r\n");
}

static void
the_format_may_be_asked_for_by_its_type(void **unused)
{
    (void)unused;
    static const struct {
        const char *accept;
        const char *type;
    } cases[] = {
        { "text/csv", "text/csv" },
        { "application/x-ndjson, application/json;q=0.9", "application/x-ndjson" },
        { "application/vnd.msgpack", "application/vnd.msgpack" },
        { "application/msgpack", "application/vnd.msgpack" },
        { "application/vnd.millrace.arrays+json", "application/vnd.millrace.arrays+json" },
        { "application/json; charset=utf-8", "application/json" },
        { "*/*", "application/json" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        more_count = 0;
        with("Accept", cases[i].accept);
        assert_int_equal(get(JOB "/results", "limit=1"), 200);
        own(mem) line = mem_format("Content-Type: %s", cases[i].type);
        assert_head(line);
    }
    assert_int_equal(get(JOB "/results", "limit=1&format=csv"), 200); /* the query says more */
    assert_head("Content-Type: text/csv");
    more_count = 0;
    with("Accept", "image/png");
    assert_int_equal(get(JOB "/results", NULL), 406);
    assert_heard("application/x-ndjson");
    assert_int_equal(get(JOB "/results", "format=csv"), 200);
    assert_int_equal(get(JOB, NULL), 200); /* elsewhere nothing is to be chosen */
}

static void
what_is_no_format_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(get(JOB "/results", "format=xml"), 400);
    assert_heard("format must be json, arrays, ndjson, csv, msgpack or events");
    assert_int_equal(get(JOB "/results", "numbers=float"), 400);
    assert_heard("numbers must be exact or string");
    assert_int_equal(get(JOB "/results", "limit=any"), 400);
    assert_int_equal(get(JOB "/results", "limit=1001"), 400);
    assert_heard("limit must be at most 1000, or all");
}

static void
numbers_may_be_asked_for_as_strings(void **unused)
{
    (void)unused;
    assert_int_equal(get(JOB "/results", "limit=1&numbers=string&format=arrays"), 200);
    assert_heard("\"rows\":[[\"0\",\"1\"]]");
    assert_int_equal(get(JOB "/results", "limit=1&numbers=exact&format=arrays"), 200);
    assert_heard("\"rows\":[[0,1]]");
}

static void
all_rows_come_in_one_answer(void **unused)
{
    (void)unused;
    fake.job->manifest->results[0].rows = 5000;
    assert_int_equal(get(JOB "/results", "limit=all"), 200);
    assert_heard("{\"n\":49990,\"n_2\":49991}],\"total_rows\":5000,\"complete\":true");
    assert_int_equal(get(JOB "/results", "limit=all&offset=4999&format=ndjson"), 200);
    assert_stream("{\"n\":49990,\"n_2\":49991}\n", "Millrace-Rows: 1\r\n\r\n");
}

/* While they wait for a client they keep nothing that others need. */
static void
rows_are_settled_before_a_slow_client_is_waited_for(void **unused)
{
    (void)unused;
    static const char *const formats[] = { "json", "arrays", "ndjson", "csv", "msgpack" };
    fake.job->manifest->results[0].rows = 30000; /* more than a reply's buffer holds */
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        own(mem) query = mem_format("limit=all&format=%s", formats[i]);
        slow_client = false;
        fake.settled = 0;
        assert_int_equal(get(JOB "/results", query), 200);
        assert_int_equal(fake.settled, 0);
        size_t size = heard_size;
        own(mem) whole = mem_copy(heard, size);
        slow_client = true;
        assert_int_equal(get(JOB "/results", query), 200);
        assert_true(fake.settled > 0);
        assert_int_equal(heard_size, size);
        assert_memory_equal(heard, whole, size);
    }
}

static void
headers_say_what_the_result_is(void **unused)
{
    (void)unused;
    fake.job->manifest->results[0].truncated = true;
    assert_int_equal(get(JOB "/results", "limit=2&format=csv"), 200);
    assert_head("Millrace-Total-Rows: 10\r\n");
    assert_head("Millrace-Complete: false\r\n");
    assert_head("Millrace-Truncated: true\r\n");
    assert_head("Millrace-Hash: abababab");
    assert_null(strstr(heard_head, "Tentative"));
    assert_int_equal(get(JOB "/results", "offset=8&limit=2"), 200);
    assert_head("Millrace-Complete: true\r\n");
    assert_heard("\"truncated\":true");
    assert_heard("\"hash\":\"abababab");
}

static void
an_error_after_the_first_byte_cuts_the_stream(void **unused)
{
    (void)unused;
    fake.job->manifest->results[0].rows = 100000;
    fake.rows_break = true;
    fake.rows_break_at = 20000;
    assert_int_equal(get(JOB "/results", "limit=all&format=ndjson"), 200);
    assert_true(cut);
    assert_null(strstr(heard + heard_size - 20, "0\r\n\r\n"));
    assert_null(strstr(heard, "Millrace-Rows"));
    fake.rows_break_at = 0;
    assert_int_equal(get(JOB "/results", "limit=all&format=ndjson"),
                     500); /* nothing was sent yet */
    assert_heard("\"code\":\"internal\"");
}

static void
an_old_client_gets_only_what_tells_its_end_itself(void **unused)
{
    (void)unused;
    old_client = true;
    with("Accept-Encoding", "zstd");
    assert_int_equal(get(JOB "/results", "format=json"), 200);
    static const char *const streams[] = { "format=csv", "format=ndjson", "format=msgpack" };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(get(JOB "/results", streams[i]), 505);
        assert_heard("HTTP/1.0");
        assert_head("Content-Type: application/json; charset=utf-8\r\n");
        assert_null(strstr(heard_head, "Content-Encoding"));
        assert_null(strstr(heard_head, "Millrace"));
        assert_null(strstr(heard_head, "ETag"));
    }
}

/* --- what is there so far --- */

static void
rows_of_a_job_that_runs_are_tentative(void **unused)
{
    (void)unused;
    fake.stored = take(fake.job->manifest);
    fake.job->ended_ms = 0;
    begin();
    assert_int_equal(get(JOB "/results", "limit=2"), 409);
    assert_int_equal(get(JOB "/results", "limit=2&partial=true"), 200);
    assert_heard("\"state\":\"running\"");
    assert_heard("\"rows\":[{\"n\":0,\"n_2\":1},{\"n\":10,\"n_2\":11}],\"total_rows\":10");
    assert_heard("\"complete\":false");
    assert_heard("\"tentative\":true");
    assert_head("Millrace-Tentative: true\r\n");
    assert_null(strstr(heard_head, "ETag"));
    assert_int_equal(get(JOB "/results", "limit=all&partial=true&format=csv"), 200);
    assert_head("Millrace-Complete: false\r\n");
}

static void
a_job_that_has_not_begun_has_no_rows_yet(void **unused)
{
    (void)unused;
    manifest_destroy(&fake.job->manifest);
    fake.job->state = JOB_PENDING;
    assert_int_equal(get(JOB "/results", "partial=true"), 200);
    assert_heard("\"state\":\"pending\"");
    assert_heard("\"schema\":[],\"rows\":[],\"total_rows\":0,\"complete\":false");
}

static void
what_was_rolled_back_is_not_read(void **unused)
{
    (void)unused;
    manifest_destroy(&fake.job->manifest);
    end(JOB_FAILED);
    assert_int_equal(get(JOB "/results", "partial=true"), 409);
}

/* --- pages --- */

static void
pages_are_listed_with_what_tells_them(void **unused)
{
    (void)unused;
    assert_int_equal(get(JOB "/results/pages", NULL), 200);
    assert_heard("\"total_rows\":10");
    assert_heard(
        "\"pages\":[{\"first_row\":0,\"rows\":7,\"bytes\":9,\"raw_bytes\":0,\"hash\":\"0000");
    assert_heard("},{\"first_row\":7,\"rows\":3,");
    assert_int_equal(get(JOB "/results/pages", "offset=1&limit=1"), 200);
    assert_heard("\"pages\":[{\"first_row\":1,\"rows\":7,");
    assert_int_equal(get(JOB "/results/pages", "limit=0"), 200);
    assert_heard("\"pages\":[]");
    fake.job->manifest->results[0].rows = 7 * 1000;
    assert_int_equal(get(JOB "/results/pages", "limit=all"), 200);
    assert_heard("{\"first_row\":6993,\"rows\":7,");
    assert_int_equal(get(JOB "/results/pages", "format=csv"), 400);
}

#define FORMAT_CLAIM(name) cmocka_unit_test_setup_teardown(name, formats_setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FORMAT_CLAIM(rows_come_as_objects_or_as_arrays),
        FORMAT_CLAIM(a_stream_holds_nothing_but_rows_and_tells_its_end),
        FORMAT_CLAIM(msgpack_is_the_rows_as_they_are_stored),
        FORMAT_CLAIM(no_rows_are_a_frame_of_nothing),
        FORMAT_CLAIM(the_format_may_be_asked_for_by_its_type),
        FORMAT_CLAIM(what_is_no_format_is_refused),
        FORMAT_CLAIM(numbers_may_be_asked_for_as_strings),
        FORMAT_CLAIM(all_rows_come_in_one_answer),
        FORMAT_CLAIM(rows_are_settled_before_a_slow_client_is_waited_for),
        FORMAT_CLAIM(headers_say_what_the_result_is),
        FORMAT_CLAIM(an_error_after_the_first_byte_cuts_the_stream),
        FORMAT_CLAIM(an_old_client_gets_only_what_tells_its_end_itself),
        FORMAT_CLAIM(rows_of_a_job_that_runs_are_tentative),
        FORMAT_CLAIM(a_job_that_has_not_begun_has_no_rows_yet),
        FORMAT_CLAIM(what_was_rolled_back_is_not_read),
        FORMAT_CLAIM(pages_are_listed_with_what_tells_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The job API: results under conditions, in part, and by HEAD. */
#include "tests/unit/unit.h"

#include "tests/unit/v1_job_fake.h"

static const char *const one_column[] = { "n", NULL };

static char tag[128]; /* of the result as JSON */

static void
note_tag(void)
{
    const char *at = strstr(heard_head, "ETag: ");
    assert_non_null(at);
    snprintf(tag, sizeof tag, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
}

static int
conditions_setup(void **unused)
{
    setup(unused);
    end(JOB_DONE);
    memset(add_result(10, "SELECT 10", one_column)->hash, 0xab, PAGE_HASH_SIZE);
    assert_int_equal(get(JOB "/results", NULL), 200);
    note_tag();
    return 0;
}

static int
ask_with(const char *query, const char *name, const char *value)
{
    more_count = 0;
    with(name, value);
    return get(JOB "/results", query);
}

static void
assert_no_head(const char *name)
{
    if (strstr(heard_head, name))
        fail_msg("%s in %s", name, heard_head);
}

/* It runs, and all is stored that there was. */
static void
go_on(void)
{
    fake.stored = take(fake.job->manifest);
    fake.job->ended_ms = 0;
    begin();
}

/* --- HEAD --- */

/* What GET says and HEAD does not, or the other way round. */
static void
assert_same_head(const char *query)
{
    assert_int_equal(get(JOB "/results", query), 200);
    own(mem) by_get = mem_text(heard_head);
    assert_int_equal(ask("HEAD", JOB "/results", query, NULL), 200);
    assert_int_equal(heard_size, 0);
    const char *left = strstr(by_get, "X-Content");
    const char *right = strstr(heard_head, "X-Content");
    assert_string_equal(left, right);
}

static void
head_says_what_get_says(void **unused)
{
    (void)unused;
    static const char *const queries[] = {
        "format=csv&limit=all",   "format=ndjson", "format=msgpack&limit=3",
        "format=csv&offset=20",   "limit=0",       "offset=10",
        "format=arrays&offset=10"
    };
    static const char *const encodings[] = { "", "gzip", "zstd" };
    for (size_t e = 0; e < 3; e++) {
        more_count = 0;
        with("Accept-Encoding", encodings[e]);
        for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)
            assert_same_head(queries[i]);
    }
}

static void
head_says_no_length_of_rows_that_it_does_not_read(void **unused)
{
    (void)unused;
    static const char *const queries[] = { NULL, "limit=all", "format=arrays&limit=1" };
    fake.rows_away = true;
    with("Accept-Encoding", "gzip");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ask("HEAD", JOB "/results", queries[i], NULL), 200);
        assert_head("Millrace-Total-Rows: 10\r\n");
        assert_head("ETag: ");
        assert_no_head("Content-Length");
        assert_no_head("Content-Encoding");
        assert_no_head("Transfer-Encoding");
        assert_int_equal(heard_size, 0);
    }
    assert_int_equal(ask("HEAD", JOB "/results", "format=csv", NULL), 200);
}

static void
head_of_events_waits_for_none(void **unused)
{
    (void)unused;
    go_on();
    assert_int_equal(ask("HEAD", JOB "/results", "format=events", NULL), 200);
    assert_head("Content-Type: text/event-stream\r\n");
    assert_int_equal(heard_size, 0);
    assert_int_equal(fake.waited_ms, -1);
}

/* --- If-None-Match, If-Match --- */

static void
what_the_client_has_is_not_sent_again(void **unused)
{
    (void)unused;
    fake.rows_away = true; /* nothing is read */
    assert_int_equal(ask_with(NULL, "If-None-Match", tag), 304);
    assert_head(tag);
    assert_head("Cache-Control: private, no-cache\r\n");
    assert_head("Vary: Accept, Accept-Encoding\r\n");
    assert_no_head("Content-Length");
    assert_no_head("Content-Type: ");
    assert_int_equal(heard_size, 0);
    assert_int_equal(ask("HEAD", JOB "/results", NULL, NULL), 304);
    assert_int_equal(ask_with(NULL, "If-None-Match", "*"), 304);
    own(mem) weak = mem_format("\"x\", W/%s", tag);
    assert_int_equal(ask_with(NULL, "If-None-Match", weak), 304);
    fake.rows_away = false;
    own(mem) broken = mem_format("x, %s", tag);
    assert_int_equal(ask_with(NULL, "If-None-Match", broken), 200);
}

static void
each_shape_of_each_result_has_a_tag_of_its_own(void **unused)
{
    (void)unused;
    static const char *const queries[] = { "format=csv", "format=arrays", "format=ndjson",
                                           "format=msgpack", "numbers=string" };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)
        assert_int_equal(ask_with(queries[i], "If-None-Match", tag), 200);
    static const char *const encodings[] = { "gzip", "zstd" };
    for (size_t i = 0; i < 2; i++) {
        more_count = 0;
        with("Accept-Encoding", encodings[i]);
        with("If-None-Match", tag);
        assert_int_equal(get(JOB "/results", NULL), 200);
    }
    fake.job->manifest->results[0].hash[0]++;
    assert_int_equal(ask_with(NULL, "If-None-Match", tag), 200);
}

/* It gets no coding, whatever it says. */
static void
an_old_client_has_the_tag_of_what_it_gets(void **unused)
{
    (void)unused;
    old_client = true;
    with("Accept-Encoding", "gzip");
    with("If-None-Match", tag);
    assert_int_equal(get(JOB "/results", NULL), 304);
}

static void
a_list_may_come_in_several_lines(void **unused)
{
    (void)unused;
    with("If-None-Match", "\"x\"");
    with("if-none-match", tag);
    assert_int_equal(get(JOB "/results", NULL), 304);
    more_count = 0;
    with("Accept", "text/html");
    with("Accept", "text/csv");
    with("Accept-Encoding", "br");
    with("Accept-Encoding", "gzip");
    assert_int_equal(get(JOB "/results", NULL), 200);
    assert_head("Content-Type: text/csv");
    assert_head("Content-Encoding: gzip\r\n");
}

static void
who_wants_another_one_gets_none(void **unused)
{
    (void)unused;
    assert_int_equal(ask_with(NULL, "If-Match", "\"x\""), 412);
    assert_heard("\"code\":\"conflict\"");
    assert_heard("If-Match");
    assert_no_head("ETag");
    assert_head("Cache-Control: no-store\r\n");
    own(mem) weak = mem_format("W/%s", tag);
    assert_int_equal(ask_with(NULL, "If-Match", weak), 412);
    assert_int_equal(ask("HEAD", JOB "/results", NULL, NULL), 412);
    own(mem) list = mem_format("\"x\", %s", tag);
    assert_int_equal(ask_with(NULL, "If-Match", list), 200);
    assert_int_equal(ask_with(NULL, "If-Match", "*"), 200);
    with("If-None-Match", tag);
    assert_int_equal(get(JOB "/results", NULL), 304);
    more_count = 0;
    with("If-Match", "\"x\"");
    with("If-None-Match", tag); /* comes behind it */
    assert_int_equal(get(JOB "/results", NULL), 412);
}

static void
rows_that_are_tentative_have_no_tag(void **unused)
{
    (void)unused;
    go_on();
    assert_int_equal(ask_with("partial=true", "If-None-Match", tag), 200);
    assert_no_head("ETag");
    assert_head("Cache-Control: no-store\r\n");
    assert_int_equal(ask_with("partial=true", "If-Match", tag), 412);
    assert_int_equal(ask_with("partial=true", "If-Match", "*"), 200);
    assert_int_equal(ask_with("partial=true", "Range", "rows=1-2"), 206);
    with("If-Range", tag);
    assert_int_equal(get(JOB "/results", "partial=true"), 200);
}

static void
what_is_an_error_anyway_has_no_conditions(void **unused)
{
    (void)unused;
    static const char *const names[] = { "If-None-Match", "If-Match" };
    for (size_t i = 0; i < 2; i++) {
        old_client = true;
        assert_int_equal(ask_with("format=csv", names[i], i ? "\"x\"" : "*"), 505);
        old_client = false;
        assert_int_equal(ask_with("statement=7", names[i], i ? "\"x\"" : "*"), 404);
        fake.job->expired = true;
        assert_int_equal(ask_with(NULL, names[i], i ? "\"x\"" : "*"), 410);
        fake.job->expired = false;
    }
}

static void
a_run_has_neither_tag_nor_conditions(void **unused)
{
    (void)unused;
    static const char *const names[] = { "If-None-Match", "If-Match", "Range" };
    static const char *const values[] = { "*", "\"x\"", "rows=1-2" };
    for (size_t i = 0; i < 3; i++) {
        more_count = 0;
        with(names[i], values[i]);
        assert_int_equal(post("/api/v1/query", "{\"sql\":\"SELECT\"}"), 200);
        assert_heard("{\"n\":90}],\"total_rows\":10,\"complete\":true");
        assert_no_head("ETag");
        assert_no_head("Accept-Ranges");
        assert_no_head("Vary");
        assert_head("Cache-Control: no-store\r\n");
    }
}

/* --- ranges --- */

static void
a_range_of_rows_is_a_part(void **unused)
{
    (void)unused;
    static const char *const queries[] = { "format=arrays", "format=arrays&limit=all" };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ask_with(queries[i], "Range", "Rows=3-4"), 206);
        assert_head("Content-Range: rows 3-4/10\r\n");
        assert_head("Accept-Ranges: rows\r\n");
        assert_head("ETag: ");
        assert_head("Vary: ");
        assert_heard("\"rows\":[[30],[40]]");
        assert_heard("\"complete\":false");
        assert_heard("\"offset\":3");
    }
    assert_int_equal(ask_with("format=csv", "Range", "rows=-1"), 206);
    assert_head("Content-Range: rows 9-9/10\r\n");
    assert_head("Millrace-Complete: true\r\n");
}

static void
who_asks_for_some_rows_gets_those_and_no_range_of_them(void **unused)
{
    (void)unused;
    static const char *const queries[] = { "offset=1", "limit=5", "offset=1&limit=all" };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ask_with(queries[i], "Range", "rows=3-4"), 200);
        assert_head("Accept-Ranges: none\r\n");
        assert_no_head("Content-Range");
        assert_heard(i == 1 ? "\"rows\":[{\"n\":0}," : "\"rows\":[{\"n\":10},");
    }
    assert_int_equal(ask_with("offset=1", "Range", "rows=99-"), 200);
    assert_int_equal(get(JOB "/results/pages", "offset=1"), 200);
}

static void
only_get_has_ranges(void **unused)
{
    (void)unused;
    static const char *const ranges[] = { "rows=3-4", "rows=99-" };
    for (size_t i = 0; i < 2; i++) {
        more_count = 0;
        with("Range", ranges[i]);
        assert_int_equal(ask("HEAD", JOB "/results", NULL, NULL), 200);
        assert_head("Accept-Ranges: rows\r\n");
        assert_no_head("Content-Range");
    }
}

static void
what_is_no_range_of_rows_is_passed_over(void **unused)
{
    (void)unused;
    static const char *const ranges[] = { "bytes=0-5", "rows=0-1, 3-4", "rows=4-3", "rows" };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        assert_int_equal(ask_with(NULL, "Range", ranges[i]), 200);
        assert_no_head("Content-Range");
        assert_heard("{\"n\":90}]");
    }
    assert_int_equal(ask_with(NULL, "Range", "rows=0-1"), 206);
    with("Range", "rows=0-1"); /* twice: two of them */
    assert_int_equal(get(JOB "/results", NULL), 200);
}

static void
a_range_that_has_no_rows_is_416(void **unused)
{
    (void)unused;
    static const char *const ranges[] = { "rows=10-", "rows=10-20", "rows=-0" };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ask_with("format=csv", "Range", ranges[i]), 416);
        assert_head("Content-Range: rows */10\r\n");
        assert_head("Content-Type: application/json; charset=utf-8\r\n");
        assert_head("Cache-Control: no-store\r\n");
        assert_no_head("ETag");
        assert_heard("{\"error\":{\"code\":\"invalid\"");
    }
}

static void
a_range_counts_only_for_what_the_client_has_a_part_of(void **unused)
{
    (void)unused;
    own(mem) weak = mem_format("W/%s", tag);
    const char *const others[] = { "\"x\"", weak, "Sun, 29 Nov 2026 10:39:01 GMT" };
    for (size_t i = 0; i < 3; i++) {
        more_count = 0;
        with("Range", i == 0 ? "rows=99-" : "rows=1-2");
        with("If-Range", others[i]);
        assert_int_equal(get(JOB "/results", NULL), 200);
        assert_no_head("Content-Range");
        assert_heard("\"rows\":[{\"n\":0},");
    }
    more_count = 0;
    with("Range", "rows=1-2");
    with("If-Range", tag);
    assert_int_equal(get(JOB "/results", NULL), 206);
    assert_heard("\"rows\":[{\"n\":10},{\"n\":20}]");
}

static void
conditions_come_before_ranges(void **unused)
{
    (void)unused;
    static const char *const ranges[] = { "rows=1-2", "rows=99-" };
    for (size_t i = 0; i < 2; i++) {
        more_count = 0;
        with("Range", ranges[i]);
        with("If-None-Match", tag);
        assert_int_equal(get(JOB "/results", NULL), 304);
        assert_no_head("Content-Range");
        more_count = 0;
        with("Range", ranges[i]);
        with("If-Match", "\"x\"");
        assert_int_equal(get(JOB "/results", NULL), 412);
    }
}

#define CONDITION_CLAIM(name) cmocka_unit_test_setup_teardown(name, conditions_setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CONDITION_CLAIM(head_says_what_get_says),
        CONDITION_CLAIM(head_says_no_length_of_rows_that_it_does_not_read),
        CONDITION_CLAIM(head_of_events_waits_for_none),
        CONDITION_CLAIM(what_the_client_has_is_not_sent_again),
        CONDITION_CLAIM(each_shape_of_each_result_has_a_tag_of_its_own),
        CONDITION_CLAIM(an_old_client_has_the_tag_of_what_it_gets),
        CONDITION_CLAIM(a_list_may_come_in_several_lines),
        CONDITION_CLAIM(who_wants_another_one_gets_none),
        CONDITION_CLAIM(rows_that_are_tentative_have_no_tag),
        CONDITION_CLAIM(what_is_an_error_anyway_has_no_conditions),
        CONDITION_CLAIM(a_run_has_neither_tag_nor_conditions),
        CONDITION_CLAIM(a_range_of_rows_is_a_part),
        CONDITION_CLAIM(who_asks_for_some_rows_gets_those_and_no_range_of_them),
        CONDITION_CLAIM(only_get_has_ranges),
        CONDITION_CLAIM(what_is_no_range_of_rows_is_passed_over),
        CONDITION_CLAIM(a_range_that_has_no_rows_is_416),
        CONDITION_CLAIM(a_range_counts_only_for_what_the_client_has_a_part_of),
        CONDITION_CLAIM(conditions_come_before_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

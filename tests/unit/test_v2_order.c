/* CARTO's API: a `query` as an order. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"

/* A query that is read, with the document that it points into. */
typedef struct {
    json_doc_t *doc;
    v2_wish_t wish;
    err_t err;
    bool good;
} reading_t;

static reading_t
read_as(const char *query, bool update)
{
    reading_t reading = { .good = false };
    own(mem) body = mem_format("{\"query\":%s}", query);
    reading.doc = json_parse(body, strlen(body), &reading.err);
    if (!reading.doc)
        fail_msg("%s: %s", query, reading.err.text);
    reading.good =
        v2_wish_read(&reading.wish, json_doc_part(reading.doc, "query"), update, &reading.err);
    return reading;
}

static void
put_down(reading_t *reading)
{
    if (reading->good)
        v2_wish_clear(&reading->wish);
    json_doc_destroy(&reading->doc);
}

/* Its steps as one text: "sql", "sql@when", each with a timeout as "~ms" and "%" for a template. */
static void
assert_steps_as(const char *query, bool update, const char *wanted)
{
    reading_t reading = read_as(query, update);
    if (!reading.good)
        fail_msg("%s: %s", query, reading.err.text);
    own(mem) steps = mem_text("");
    for (uint32_t i = 0; i < reading.wish.order.step_count; i++) {
        const order_step_t *step = &reading.wish.order.steps[i];
        assert_int_equal(strlen(step->sql), step->sql_size);
        own(mem) timeout =
            step->timeout_ms ? mem_format("~%d", (int)step->timeout_ms) : mem_text("");
        own(mem) next =
            mem_format("%s%s%s%s%s%s%s", steps, i ? " " : "", step->sql, step->when ? "@" : "",
                       step->when ? step->when : "", timeout, step->is_template ? "%" : "");
        free(steps);
        steps = take(next);
    }
    assert_string_equal(steps, wanted);
    put_down(&reading);
}

static void
assert_steps(const char *query, const char *wanted)
{
    assert_steps_as(query, false, wanted);
    assert_steps_as(query, true, wanted);
}

static void
assert_refused_as(const char *query, bool update, const char *said)
{
    reading_t reading = read_as(query, update);
    if (reading.good)
        fail_msg("%s is taken", query);
    assert_int_equal(reading.err.kind, strstr(said, " at most ") ? ERR_LIMIT : ERR_INVALID);
    if (strcmp(reading.err.text, said) != 0)
        fail_msg("%s: %s", query, reading.err.text);
    put_down(&reading);
}

#define NO_SQL "You must indicate a valid SQL"
#define NO_FORM "there is no job class for the provided query"

/* --- forms --- */

static void
a_text_is_a_step(void **unused)
{
    (void)unused;
    assert_steps("\"SELECT 1; SELECT 2\"", "SELECT 1; SELECT 2");
    assert_steps("\" \"", " ");
}

static void
each_text_of_a_list_is_a_step(void **unused)
{
    (void)unused;
    assert_steps("[\"a\"]", "a");
    assert_steps("[\"a\",\"b\",\"c\"]", "a b c");
}

static void
what_follows_a_text_stands_behind_it_and_what_follows_the_job_at_the_end(void **unused)
{
    (void)unused;
    assert_steps("{\"query\":[{\"query\":\"a\"}]}", "a");
    assert_steps("{\"query\":[{\"query\":\"a\",\"onsuccess\":\"b\",\"onerror\":\"c\"}]}",
                 "a b@done:0% c@failed:0%");
    assert_steps("{\"query\":[{\"query\":\"a\",\"onerror\":\"b\"},{\"query\":\"c\"},"
                 "{\"query\":\"d\",\"onsuccess\":\"e\"}],\"onerror\":\"g\",\"onsuccess\":\"f\"}",
                 "a b@failed:0% c d e@done:3% f@done% g@failed%");
    assert_steps("{\"query\":[{\"query\":\"a\",\"onsuccess\":\"\",\"onerror\":null}],"
                 "\"onsuccess\":null,\"onerror\":\"\"}",
                 "a");
}

static void
only_a_number_from_1_on_and_below_the_servers_is_a_timeout(void **unused)
{
    (void)unused;
    static const struct {
        const char *timeout;
        const char *step;
    } cases[] = {
        { "1", "a~1" },       { "43199999", "a~43199999" },
        { "43200000", "a" },  { "1e300", "a" },
        { "100.9", "a~100" }, { "0", "a" },
        { "-1", "a" },        { "0.5", "a" },
        { "\"1\"", "a" },     { "null", "a" },
        { "true", "a" },      { "[1]", "a" },
        { "{}", "a" },        { "9223372036854775807", "a" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        own(mem) query =
            mem_format("{\"query\":[{\"query\":\"a\",\"timeout\":%s}]}", cases[i].timeout);
        assert_steps(query, cases[i].step);
    }
    assert_steps("{\"query\":[{\"query\":\"a\",\"timeout\":7,\"onerror\":\"b\"}]}",
                 "a~7 b@failed:0%");
}

/* --- what is none --- */

static void
what_javascript_takes_for_nothing_is_missing(void **unused)
{
    (void)unused;
    static const char *const none[] = {
        "\"\"", "null", "0", "false", "[]", "[\"\"]", "[\"a\",\"\"]"
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_refused_as(none[i], false, NO_SQL);
    err_t err;
    v2_wish_t wish;
    assert_false(v2_wish_read(&wish, (json_part_t){ .at = NULL }, false, &err));
    assert_string_equal(err.text, NO_SQL);
}

static void
what_has_none_of_the_forms_is_refused(void **unused)
{
    (void)unused;
    static const char *const none[] = {
        "1",
        "1.5",
        "true",
        "{}",
        "[1]",
        "[\"a\",null]",
        "[[\"a\"]]",
        "{\"query\":\"a\"}",
        "{\"query\":[]}",
        "{\"query\":[\"a\"]}",
        "{\"query\":[{}]}",
        "{\"query\":[{\"query\":\"\"}]}",
        "{\"query\":[{\"query\":\"a\",\"onerror\":1}]}",
        "{\"query\":[{\"query\":\"a\"}],\"onsuccess\":{}}",
        "{\"query\":{\"0\":{\"query\":\"a\"}}}",
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_refused_as(none[i], false, NO_FORM);
        assert_refused_as(none[i], true, NO_FORM);
    }
}

static void
objects_in_a_list_are_taken_from_documents_that_come_back_only(void **unused)
{
    (void)unused;
    static const char document[] = "[{\"query\":\"a\",\"status\":\"pending\"},\"b\"]";
    assert_refused_as(document, false, NO_FORM);
    assert_steps_as(document, true, "a b");
    assert_refused_as("[{\"query\":\"a\",\"onerror\":\"b\"}]", true, NO_FORM);
    assert_refused_as("[{\"query\":\"a\",\"onsuccess\":\"b\"}]", true, NO_FORM);
    assert_refused_as("[{\"query\":1}]", true, NO_FORM);
    assert_refused_as("[{}]", true, NO_FORM);
}

/* `count` items, as a list. Caller owns the result. */
static char *
a_list(const char *item, uint32_t count)
{
    size_t size = strlen(item);
    char *list = mem_array(count, size + 1);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(list + i * (size + 1), item, size);
        list[i * (size + 1) + size] = ',';
    }
    list[count * (size + 1) - 1] = '\0';
    return list;
}

static void
a_job_has_at_most_a_thousand_queries(void **unused)
{
    (void)unused;
    own(mem) fits = a_list("\"a\"", ORDER_STEPS_MOST);
    own(mem) list = mem_format("[%s]", fits);
    reading_t reading = read_as(list, false);
    assert_true(reading.good);
    assert_int_equal(reading.wish.order.step_count, ORDER_STEPS_MOST);
    put_down(&reading);
    own(mem) more = mem_format("[\"a\",%s]", fits);
    assert_refused_as(more, false, "a job has at most 1000 queries");
    own(mem) objects = a_list("{\"query\":\"a\"}", ORDER_STEPS_MOST + 1);
    own(mem) fallback = mem_format("{\"query\":[%s]}", objects);
    assert_refused_as(fallback, false, "a job has at most 1000 queries");
    own(mem) pairs = a_list("{\"query\":\"a\",\"onerror\":\"b\"}", ORDER_STEPS_MOST / 2);
    own(mem) both = mem_format("{\"query\":[%s],\"onerror\":\"c\"}", pairs);
    assert_refused_as(both, false, "a job has at most 1000 queries");
}

/* A text whose note has this length. Caller owns the result. */
static mem_t *
a_text_noted_with(size_t size)
{
    char *text = mem_array(size, 1);
    memset(text, 'a', size - sizeof "{\"query\":}" + 1);
    text[0] = text[strlen(text) - 1] = '"';
    return (mem_t *)text;
}

static void
a_jobs_queries_have_at_most_64_kib_as_json(void **unused)
{
    (void)unused;
    own(mem) fits = a_text_noted_with(ORDER_NOTE_MOST);
    reading_t reading = read_as((const char *)fits, true);
    assert_true(reading.good);
    assert_int_equal(strlen(reading.wish.note), ORDER_NOTE_MOST);
    put_down(&reading);
    own(mem) more = a_text_noted_with(ORDER_NOTE_MOST + 1);
    assert_refused_as((const char *)more, true, "a job's queries have at most 65536 bytes");
}

/* --- the order --- */

static void
a_job_stands_in_its_users_line_with_cartos_times(void **unused)
{
    (void)unused;
    reading_t reading = read_as("\"a\"", false);
    const order_t *order = &reading.wish.order;
    assert_string_equal(order->dialect, V2_DIALECT);
    assert_int_equal(order->queue_key_size, strlen(order->queue_key));
    assert_int_equal(order->queue_most, 64);
    assert_int_equal(order->retention_s, 7200);
    assert_int_equal(order->statement_timeout_ms, 12 * 3600 * 1000);
    assert_int_equal(order->deadline_ms, 7 * 24 * 3600 * 1000);
    assert_int_equal(order->autocommit, AUTOCOMMIT_NEEDED);
    assert_int_equal(order->priority, -1);
    assert_null(order->source);
    put_down(&reading);
}

static void
the_query_is_noted_as_it_was_asked_for(void **unused)
{
    (void)unused;
    reading_t reading =
        read_as("{\"query\" : [ {\"id\":\"n\", \"query\":\"\\u00e4\\\"\" } ], \"z\":1}", true);
    assert_string_equal(
        reading.wish.order.note,
        "{\"query\":{\"query\":[{\"id\":\"n\",\"query\":\"\xc3\xa4\\\"\"}],\"z\":1}}");
    put_down(&reading);
}

static void
a_form_is_told_by_the_query(void **unused)
{
    (void)unused;
    static const struct {
        const char *query;
        v2_form_t form;
    } cases[] = { { "\"a\"", V2_SIMPLE },
                  { "[\"a\"]", V2_MULTIPLE },
                  { "{\"query\":[{\"query\":\"a\"}]}", V2_FALLBACK } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reading_t reading = read_as(cases[i].query, false);
        assert_int_equal(reading.wish.form, cases[i].form);
        put_down(&reading);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_a_step),
        cmocka_unit_test(each_text_of_a_list_is_a_step),
        cmocka_unit_test(what_follows_a_text_stands_behind_it_and_what_follows_the_job_at_the_end),
        cmocka_unit_test(only_a_number_from_1_on_and_below_the_servers_is_a_timeout),
        cmocka_unit_test(what_javascript_takes_for_nothing_is_missing),
        cmocka_unit_test(what_has_none_of_the_forms_is_refused),
        cmocka_unit_test(objects_in_a_list_are_taken_from_documents_that_come_back_only),
        cmocka_unit_test(a_job_has_at_most_a_thousand_queries),
        cmocka_unit_test(a_jobs_queries_have_at_most_64_kib_as_json),
        cmocka_unit_test(a_job_stands_in_its_users_line_with_cartos_times),
        cmocka_unit_test(the_query_is_noted_as_it_was_asked_for),
        cmocka_unit_test(a_form_is_told_by_the_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* CARTO's synchronous API: what it is asked. */
#include "tests/unit/unit.h"

#include "api/dialects/v2_sql_job/v2_sql_job.h"

/* A request, and what is made of it. */
typedef struct {
    json_doc_t *doc;
    v2_select_t select;
} reading_t;

static reading_t
read_select(const char *asked)
{
    err_t err;
    reading_t reading;
    reading.doc = json_parse(asked, strlen(asked), &err);
    if (!reading.doc || !v2_select_read(&reading.select, reading.doc, &err))
        fail_msg("%s: %s", asked, err.text);
    return reading;
}

static void
put_down(reading_t *reading)
{
    v2_select_clear(&reading->select);
    json_doc_destroy(&reading->doc);
}

/* The text that is run. `q` is written as JSON writes it. */
static void
assert_run(const char *q, const char *more, const char *wanted)
{
    own(mem) asked = mem_format("{\"q\":\"%s\"%s}", q, more);
    reading_t reading = read_select(asked);
    assert_string_equal(reading.select.sql, wanted);
    put_down(&reading);
}

static void
assert_refused(const char *asked, const char *said)
{
    err_t err;
    v2_select_t select;
    own(json_doc) doc = json_parse(asked, strlen(asked), &err);
    assert_non_null(doc);
    assert_false(v2_select_read(&select, doc, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.text, said);
}

#define WINDOW ",\"rows_per_page\":10,\"page\":2"
#define OVER(query) "SELECT * FROM (" query "\n) AS cdbq_1 LIMIT 10 OFFSET 20"

/* --- refused --- */

static void
a_text_must_be_there(void **unused)
{
    (void)unused;
    static const char *const none[] = { "{}", "{\"q\":\"\"}", "{\"q\":null}", "{\"q\":1}",
                                        "{\"q\":[\"a\"]}" };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_refused(none[i], "You must indicate a sql query");
}

static void
json_is_the_only_format(void **unused)
{
    (void)unused;
    assert_refused("{\"q\":\"a\",\"format\":\"csv\"}", "Invalid format: csv");
    assert_run("a", ",\"format\":\"JSON\"", "a");
    assert_run("a", ",\"format\":\"\"", "a");
    assert_run("a", ",\"format\":7", "a");
}

/* --- windows --- */

static void
without_a_window_a_text_runs_as_it_is(void **unused)
{
    (void)unused;
    assert_run("SELECT 1; ", "", "SELECT 1; ");
    static const char *const none[] = {
        ",\"rows_per_page\":10",
        ",\"page\":2",
        ",\"rows_per_page\":\"x\",\"page\":0",
        ",\"rows_per_page\":-1,\"page\":0",
        ",\"rows_per_page\":10,\"page\":\"\"",
        ",\"rows_per_page\":3000000000,\"page\":0",
        ",\"rows_per_page\":1.5,\"page\":0",
        ",\"rows_per_page\":[1],\"page\":0",
        ",\"order_by\":\"\"",
        ",\"sort_order\":\"desc\"",
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_run("SELECT 1;", none[i], "SELECT 1;");
}

static void
a_window_is_put_over_one_query(void **unused)
{
    (void)unused;
    assert_run("SELECT 1", WINDOW, OVER("SELECT 1"));
    assert_run("SELECT 1", ",\"rows_per_page\":\"10\",\"page\":\"2\"", OVER("SELECT 1"));
    assert_run(" sElEcT 1 ;\\n", WINDOW, OVER(" sElEcT 1 "));
    assert_run("SELECT ';' -- a;b", WINDOW, OVER("SELECT ';' -- a;b"));
    assert_run("SELECT 1; -- a", WINDOW, OVER("SELECT 1"));
    assert_run("-- a\\n/* ; */ SELECT 1 /* b */", WINDOW, OVER("-- a\n/* ; */ SELECT 1 /* b */"));
    assert_run("((SELECT 1) UNION SELECT 2)", WINDOW, OVER("((SELECT 1) UNION SELECT 2)"));
    assert_run("WITH a AS (SELECT 1) SELECT 2 FOR UPDATE", WINDOW,
               OVER("WITH a AS (SELECT 1) SELECT 2 FOR UPDATE"));
    assert_run("SELECT 'INTO', \\\"into\\\", $$ UPDATE $$", WINDOW,
               OVER("SELECT 'INTO', \"into\", $$ UPDATE $$"));
}

static void
what_is_no_query_or_changes_something_runs_as_it_is(void **unused)
{
    (void)unused;
    static const char *const none[] = {
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "CREATE TABLE t (a int)",
        "SELECT 1; SELECT 2",
        "SELECT 1 INTO t",
        "SELECT 1 into temp t FROM s",
        "SHOW x",
        "EXPLAIN SELECT 1",
        "WITH a AS (UPDATE t SET a = 1 RETURNING a) SELECT 2",
        "WITH a AS (SELECT 1) UPDATE t SET a = 1",
        "WITH a AS (DELETE FROM t) SELECT 1",
        "WITH a AS (SELECT 1) INSERT INTO t SELECT 1",
        "SELECT 'open",

        "",
        "SELECTED",
        "-- SELECT 1",
        "(",
        "BEGIN; SELECT 1; COMMIT",
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        if (none[i][0])
            assert_run(none[i], WINDOW, none[i]);
    }
}

static void
an_order_is_a_columns_name_and_nothing_else(void **unused)
{
    (void)unused;
    assert_run("SELECT 1", ",\"order_by\":\"a\"",
               "SELECT * FROM (SELECT 1\n) AS cdbq_1 ORDER BY \"a\"");
    assert_run("SELECT 1", ",\"order_by\":\"a\",\"sort_order\":\"Desc\"",
               "SELECT * FROM (SELECT 1\n) AS cdbq_1 ORDER BY \"a\" Desc");
    assert_run("SELECT 1", ",\"order_by\":\"a\\\" --\",\"sort_order\":\"; DROP\"",
               "SELECT * FROM (SELECT 1\n) AS cdbq_1 ORDER BY \"a\"\" --\"");
    assert_run("SELECT 1", ",\"order_by\":\"a\",\"sort_order\":\"asc\"" WINDOW,
               "SELECT * FROM (SELECT 1\n) AS cdbq_1 ORDER BY \"a\" asc LIMIT 10 OFFSET 20");
    assert_run("SELECT 1", ",\"order_by\":[\"a\"]", "SELECT 1");
}

/* Of quotes, of which each takes two places, behind so many letters. */
static void
assert_long_name(size_t letters)
{
    char name[2001];
    memset(name, 'a', sizeof name - 1);
    for (size_t i = letters; i + 2 < sizeof name; i += 2)
        memcpy(name + i, "\\\"", 2);
    name[sizeof name - 1 - letters % 2] = '\0';
    own(mem) asked = mem_format("{\"q\":\"SELECT 1\",\"order_by\":\"%s\"" WINDOW "}", name);
    reading_t reading = read_select(asked);
    const char *order = strstr(reading.select.sql, " ORDER BY \"");
    assert_non_null(order);
    const char *quotes = order + 11 + letters;
    size_t count = strspn(quotes, "\"");
    assert_int_equal(count % 2, 1);
    assert_true(quotes + count - order <= 10 + 256);
    assert_string_equal(quotes + count, " LIMIT 10 OFFSET 20");
    put_down(&reading);
}

static void
a_name_that_is_too_long_is_cut_and_stays_a_name(void **unused)
{
    (void)unused;
    assert_long_name(0);
    assert_long_name(1);
}

static void
the_last_page_is_far_away(void **unused)
{
    (void)unused;
    assert_run("SELECT 1", ",\"rows_per_page\":2147483647,\"page\":2147483647",
               "SELECT * FROM (SELECT 1\n) AS cdbq_1 LIMIT 2147483647 OFFSET 4611686014132420609");
    assert_run("SELECT 1", ",\"rows_per_page\":\"99999999999999999999\",\"page\":0", "SELECT 1");
}

/* --- files, fields --- */

static void
assert_file(const char *asked, const char *name, bool is_file)
{
    own(mem) body = mem_format("{\"q\":\"a\"%s}", asked);
    reading_t reading = read_select(body);
    assert_string_equal(reading.select.filename, name);
    assert_true(reading.select.is_file == is_file);
    put_down(&reading);
}

static void
a_files_name_may_stand_in_a_header(void **unused)
{
    (void)unused;
    assert_file("", "cartodb-query", false);
    assert_file(",\"filename\":\"\"", "cartodb-query", false);
    assert_file(",\"format\":\"json\"", "cartodb-query", true);
    assert_file(",\"filename\":\"my-data.2\"", "my-data", true);
    assert_file(",\"filename\":\"a.b.json\"", "a.b", true);
    assert_file(",\"filename\":\".hidden\"", ".hidden", true);
    assert_file(",\"filename\":\"../../x/y.z\"", "y", true);
    assert_file(",\"filename\":\"x/\"", "cartodb-query", true);
    assert_file(",\"filename\":\"a\\r\\nX: y;\\\"(\xc3\xa4)\"", "a__X__y______", true);
    char name[1001];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    own(mem) asked = mem_format(",\"filename\":\"%s\"", name);
    name[255] = '\0';
    assert_file(asked, name, true);
}

static void
fields_may_be_skipped_by_a_text_or_a_list(void **unused)
{
    (void)unused;
    reading_t text = read_select("{\"q\":\"a\",\"skipfields\":\"a,the_geom,,b\"}");
    assert_true(v2_select_skips(&text.select, "a"));
    assert_true(v2_select_skips(&text.select, "the_geom"));
    assert_true(v2_select_skips(&text.select, "b"));
    assert_false(v2_select_skips(&text.select, "the"));
    assert_false(v2_select_skips(&text.select, "ab"));
    put_down(&text);
    reading_t list = read_select("{\"q\":\"a\",\"skipfields\":[\"a,b\",\"c\",7]}");
    assert_true(v2_select_skips(&list.select, "b"));
    assert_true(v2_select_skips(&list.select, "c"));
    assert_false(v2_select_skips(&list.select, "7"));
    put_down(&list);
    reading_t none = read_select("{\"q\":\"a\"}");
    assert_false(v2_select_skips(&none.select, "a"));
    put_down(&none);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_must_be_there),
        cmocka_unit_test(json_is_the_only_format),
        cmocka_unit_test(without_a_window_a_text_runs_as_it_is),
        cmocka_unit_test(a_window_is_put_over_one_query),
        cmocka_unit_test(what_is_no_query_or_changes_something_runs_as_it_is),
        cmocka_unit_test(an_order_is_a_columns_name_and_nothing_else),
        cmocka_unit_test(a_name_that_is_too_long_is_cut_and_stays_a_name),
        cmocka_unit_test(the_last_page_is_far_away),
        cmocka_unit_test(a_files_name_may_stand_in_a_header),
        cmocka_unit_test(fields_may_be_skipped_by_a_text_or_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

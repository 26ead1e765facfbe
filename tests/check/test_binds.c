/* test_binds.c - parameters on a real PostgreSQL: what arrives, and whom its errors name. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/check/channel_world.h"
#include "tests/unit/params.h"

enum { BOOL = 16, INT8 = 20, INT4 = 23, JSON = 114, INT8S = 1016, NUMERIC = 1700 };

static void
given(const param_t *list, uint32_t count)
{
    params_destroy(&it.params);
    it.params = params_of(list, count);
    assert_non_null(it.params);
}

/* :id and :b, and nothing else. */
static void
given_two(uint32_t oid, const char *id, const char *b)
{
    const param_t list[] = { a_param("id", oid, id), a_param("b", oid, b) };
    given(list, 2);
}

/* This text fails so, at this character. */
static void
assert_fails(const char *sql, const char *sqlstate, const char *message, int32_t position)
{
    run(sql, LAST);
    expect_failure(TURN_FAILED, sqlstate);
    assert_string_equal(it.failure.message, message);
    assert_int_equal(it.failure.position, position);
    expect(TURN_CLEAN);
}

/* --- what arrives --- */

static void
values_arrive_with_their_types(void **unused)
{
    (void)unused;
    const param_t list[] = { a_param(NULL, INT4, "3"), a_param(NULL, NUMERIC, "1.10"),
                             a_param(NULL, BOOL, "true"), a_param(NULL, INT8S, "{1,NULL}"),
                             a_param(NULL, INT4, NULL) };
    given(list, 5);
    assert_says("SELECT pg_typeof($1)::text, pg_typeof($2)::text, pg_typeof($3)::text,"
                " pg_typeof($4)::text, pg_typeof($5)::text",
                "integer|numeric|boolean|bigint[]|integer|;\n");
    assert_says("SELECT repeat('x', $1), $2::text, $3, ($4)[2], $5", "xxx|1.10|t|~|~|;\n");
}

static void
a_value_without_a_type_has_that_of_its_place(void **unused)
{
    (void)unused;
    given_two(0, "5", NULL);
    assert_says("SELECT :id + 1, :b::int8, :id || 'x', g FROM generate_series(1, 9) g"
                " WHERE g = :id LIMIT :id",
                "6|~|5x|5|;\n");
}

static void
each_statement_gets_what_it_takes(void **unused)
{
    (void)unused;
    given_two(INT8, "1", "2");
    done("SELECT :b; SELECT 7; SELECT $id, :b; SELECT :id");
    assert_string_equal(it.text, "2|;\n7|;\n1|2|;\n1|;\n");
}

static void
a_value_is_never_part_of_the_text(void **unused)
{
    (void)unused;
    given_two(0, "'; DROP SCHEMA channel_role CASCADE; --", "\\' :id $1 $$");
    done("CREATE TABLE channel_role.t (a text); INSERT INTO channel_role.t VALUES (:id), (:b)");
    assert_says("SELECT a FROM channel_role.t WHERE a IN (:id, :b) ORDER BY a COLLATE \"C\"",
                "'; DROP SCHEMA channel_role CASCADE; --|;\\' :id $1 $$|;\n");
}

static void
a_statement_outside_a_transaction_takes_them_too(void **unused)
{
    (void)unused;
    given_two(INT8, "1", "2");
    run("CREATE TABLE channel_role.t AS SELECT :b AS a", LAST | ALONE);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
    assert_look("SELECT a FROM channel_role.t", "2");
}

static void
a_session_that_carried_much_is_worn(void **unused)
{
    (void)unused;
    enum { LONG = 600 << 10 };
    own(mem) value = mem_new(LONG + 1);
    memset(value, 'x', LONG);
    given_two(0, value, "");
    assert_says("SELECT length(:id)", "614400|;\n");
    assert_false(it.driver->worn(it.channel));
    done("SELECT length(:id); SELECT length(:id)");
    assert_true(it.driver->worn(it.channel));
}

/* --- whom its errors name --- */

static void
a_value_that_is_none_of_its_type_is_named(void **unused)
{
    (void)unused;
    given_two(INT8, "1", "abc $1");
    assert_fails("SELECT :b", "22P02",
                 "parameter 'b': invalid input syntax for type bigint: \"abc $1\"", 0);
    assert_fails("SELECT :id; SELECT :id, $b", "22P02",
                 "parameter 'b': invalid input syntax for type bigint: \"abc $1\"", 0);
    const param_t list[] = { a_param(NULL, 0, "1"), a_param(NULL, 0, "2"),
                             a_param(NULL, JSON, "{\"a\": $1\nunnamed portal parameter $2") };
    given(list, 3);
    assert_fails("SELECT $2, $3", "22P02", "parameter 3: invalid input syntax for type json", 0);
}

static void
so_is_one_whose_type_its_place_gives(void **unused)
{
    (void)unused;
    given_two(0, "1", "abc");
    assert_fails("SELECT 1 + :b", "22P02",
                 "parameter 'b': invalid input syntax for type integer: \"abc\"", 0);
}

static void
one_whose_type_nobody_knows_is_named(void **unused)
{
    (void)unused;
    given_two(0, "1", "2");
    assert_fails("SELECT 1 + :id, :b IS NULL", "42P18",
                 "could not determine data type of parameter 'b'", 0);
    done("CREATE TABLE channel_role.t (a integer, b date)");
    assert_fails("INSERT INTO channel_role.t VALUES (:b, :b)", "42P08",
                 "inconsistent types deduced for parameter 'b'", 40);
    const param_t list[] = { a_param(NULL, 0, "1"), a_param(NULL, 0, "2") };
    given(list, 2);
    assert_fails("SELECT $2 IS NULL", "42P18", "could not determine data type of parameter $2", 0);
}

static void
a_statement_that_takes_none_says_so(void **unused)
{
    (void)unused;
    given_two(INT4, "1", "2");
    assert_fails("COPY (SELECT :b) TO STDOUT", "42P02", "there is no parameter 'b'", 14);
    assert_string_equal(it.failure.hint, "a statement of this kind takes no parameters");
}

static void
what_the_statement_itself_says_names_none(void **unused)
{
    (void)unused;
    given_two(0, "x", "y");
    assert_fails("SELECT :id::text::int", "22P02", "invalid input syntax for type integer: \"x\"",
                 0);
    given_two(INT4, "0", "1");
    assert_fails("SELECT :b / :id", "22012", "division by zero", 0);
}

/* --- where they are --- */

static void
a_place_is_that_of_the_text_as_it_was_written(void **unused)
{
    (void)unused;
    given_two(INT4, "1", "2");
    assert_fails("SELECT '\xc3\xa4';\nSELECT :id, $id, :b, nothing", "42703",
                 "column \"nothing\" does not exist", 34);
    assert_fails("SELECT '\xc3\xa4' :id", "42601", "syntax error at or near \":id\"", 12);
    assert_fails("SELECT :b, 1 $id", "42601", "syntax error at or near \"$id\"", 14);
    assert_fails("SELECT :b FROM", "42601", "syntax error at end of input", 15);
    assert_fails("SELECT '$1' nothing '$1'", "42601", "syntax error at or near \"'$1'\"", 21);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL(values_arrive_with_their_types),
        CHANNEL(a_value_without_a_type_has_that_of_its_place),
        CHANNEL(each_statement_gets_what_it_takes),
        CHANNEL(a_value_is_never_part_of_the_text),
        CHANNEL(a_statement_outside_a_transaction_takes_them_too),
        CHANNEL(a_session_that_carried_much_is_worn),
        CHANNEL(a_value_that_is_none_of_its_type_is_named),
        CHANNEL(so_is_one_whose_type_its_place_gives),
        CHANNEL(one_whose_type_nobody_knows_is_named),
        CHANNEL(a_statement_that_takes_none_says_so),
        CHANNEL(what_the_statement_itself_says_names_none),
        CHANNEL(a_place_is_that_of_the_text_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, sources_open, sources_close);
}

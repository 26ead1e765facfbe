/* test_bind.c - placeholders become $1 to $k, and only they do. */
#include "common/bind.h"

#include <stdlib.h>

#include "tests/unit/params.h"
#include "tests/unit/unit.h"

static const char *const names[] = { "id", "a", "b", "n", "E", "U", "x1", NULL };

static binds_t *
bound(const char *sql, const params_t *params, int32_t *position, err_t *err)
{
    own(statements) statements = statements_split(sql, err);
    if (!statements)
        fail_msg("%s: %s", sql, err->text);
    return binds_make(statements, params, position, err);
}

/* `sql` is one statement; `takes` names what it takes, in the order of $1, $2 ... */
static void
assert_bound(const params_t *params, const char *sql, const char *sent, const char *takes)
{
    err_t err = { .kind = ERR_NONE };
    int32_t position = 0;
    own(binds) binds = bound(sql, params, &position, &err);
    if (!binds)
        fail_msg("%s: %s", sql, err.text);
    assert_int_equal(binds->count, 1);
    const bind_t *bind = &binds->list[0];
    assert_string_equal(bind->sql ? bind->sql : sql, sent);
    own(mem) taken = mem_text("");
    for (uint32_t i = 0; i < bind->count; i++) {
        const param_t *param = &params->list[bind->takes[i]];
        own(mem) number = mem_format("%u", bind->takes[i] + 1U);
        own(mem) longer =
            mem_format("%s%s%s", taken, i > 0 ? " " : "", param->name ? param->name : number);
        mem_destroy(&taken);
        taken = take(longer);
    }
    assert_string_equal(taken, takes);
}

static void
assert_named(const char *sql, const char *sent, const char *takes)
{
    own(params) params = params_called(names);
    assert_bound(params, sql, sent, takes);
}

static void
assert_numbered(const char *sql, const char *sent, const char *takes)
{
    own(params) params = params_counted(12);
    assert_bound(params, sql, sent, takes);
}

static void
assert_left_alone(const char *sql)
{
    assert_named(sql, sql, "");
}

static void
assert_no_value(const params_t *params, const char *sql, const char *text, int32_t at)
{
    err_t err = { .kind = ERR_NONE };
    int32_t position = 0;
    own(binds) binds = bound(sql, params, &position, &err);
    if (binds)
        fail_msg("was bound: %s", sql);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.text, text);
    assert_string_equal(err.sqlstate, "42P02");
    assert_int_equal(position, at);
}

/* --- what is a placeholder --- */

static void
names_stand_behind_a_colon_or_a_dollar(void **unused)
{
    (void)unused;
    assert_named("SELECT :id, $id, :x1", "SELECT $1, $1, $2", "id x1");
    assert_named(":id", "$1", "id");
    assert_named("SELECT (:id)+:a-$b*:n", "SELECT ($1)+$2-$3*$4", "id a b n");
}

static void
numbers_stand_behind_a_dollar(void **unused)
{
    (void)unused;
    assert_numbered("SELECT $1, $2", "SELECT $1, $2", "1 2");
    assert_numbered("SELECT $12, $2, $12", "SELECT $1, $2, $1", "12 2");
    assert_numbered("SELECT $01", "SELECT $1", "1");
    assert_numbered("SELECT :id, :1, a[:n]", "SELECT :id, :1, a[:n]", "");
}

static void
each_is_sent_once_in_the_order_of_its_first_use(void **unused)
{
    (void)unused;
    assert_named("SELECT :b, :a, $b, :id, :a", "SELECT $1, $2, $1, $3, $2", "b a id");
    assert_numbered("SELECT $3 + $1 + $3", "SELECT $1 + $2 + $1", "3 1");
}

static void
a_name_counts_as_a_whole_and_in_its_case(void **unused)
{
    (void)unused;
    assert_left_alone("SELECT :idx, :i, :ID, :id_, :id1, :id$a, :\xc3\xa4");
}

static void
a_colon_before_something_else_stays(void **unused)
{
    (void)unused;
    assert_left_alone("SELECT f(a := 1), a[1:2], a[1 : 2], : id, :'id', :\"id\", :");
    assert_left_alone("SELECT a[1:m], a[lo:hi], a[:], a[ :2]");
    assert_left_alone("SELECT :E'id', :U&'id', :U&\"id\"");
    assert_named("SELECT a[1:m], f(x := :id), :idx", "SELECT a[1:m], f(x := $1), :idx", "id");
}

static void
a_slice_up_to_a_parameter_s_name_is_that_parameter(void **unused)
{
    (void)unused;
    assert_named("SELECT a[1:n]", "SELECT a[1 $1]", "n");
    assert_named("SELECT a[1: n], a[1: :n]", "SELECT a[1: n], a[1: $1]", "n");
}

static void
two_colons_are_a_cast(void **unused)
{
    (void)unused;
    assert_left_alone("SELECT 1::int, x::id, x:: a, ::::id");
    assert_named("SELECT :a::int, :a::id, $b::n", "SELECT $1::int, $1::id, $2::n", "a b");
    assert_named("SELECT x:::id", "SELECT x::$1", "id");
    assert_numbered("SELECT $2::int8", "SELECT $1::int8", "2");
}

static void
a_dollar_inside_a_name_is_part_of_it(void **unused)
{
    (void)unused;
    assert_left_alone("SELECT a$id, a$1, \xc3\xa4$id");
    assert_numbered("SELECT a$1, _$2$3 FROM t$1", "SELECT a$1, _$2$3 FROM t$1", "");
}

/* --- where none is seen --- */

static void
quotes_hide_them(void **unused)
{
    (void)unused;
    assert_left_alone("SELECT ':id', '$id', 'it''s :id', \":id\", \"a\"\":id\", \"$id\"");
    assert_named("SELECT ':id' || :id || ''':id'", "SELECT ':id' || $1 || ''':id'", "id");
    assert_numbered("SELECT '$1' || $2", "SELECT '$1' || $1", "2");
    assert_left_alone("SELECT U&':id \\', N':id', B':id', X':id', U&\":id\"");
}

static void
e_texts_hide_them_behind_a_hidden_quote_too(void **unused)
{
    (void)unused;
    assert_left_alone("SELECT E'\\':id', e'\\\\\\' $id'");
    assert_named("SELECT E'\\\\':id", "SELECT E'\\\\'$1", "id");
    assert_named("SELECT '\\':id", "SELECT '\\'$1", "id");
    assert_left_alone("SELECT E'a'\n'\\':id'");
}

static void
dollar_quotes_hide_them(void **unused)
{
    (void)unused;
    assert_left_alone("SELECT $$ :id $id $1 $$, $a$ :id $$ $id $b$ $a$");
    assert_named("DO $$ BEGIN PERFORM :id; END $$", "DO $$ BEGIN PERFORM :id; END $$", "");
    assert_numbered("SELECT $a$ $1 $a$, $3", "SELECT $a$ $1 $a$, $1", "3");
}

static void
comments_hide_them(void **unused)
{
    (void)unused;
    assert_named("SELECT 1 -- :id\n, :a /* $id /* :b */ $1 */, $b",
                 "SELECT 1 -- :id\n, $1 /* $id /* :b */ $1 */, $2", "a b");
}

/* --- it stays apart --- */

static void
what_is_sent_does_not_run_into_what_is_before_it(void **unused)
{
    (void)unused;
    assert_named("SELECT x:id", "SELECT x $1", "id");
    assert_named("SELECT 1:id, 1$id, $x1:id", "SELECT 1 $1, 1 $1, $2 $1", "id x1");
    assert_named("SELECT $:id", "SELECT $ $1", "id");
    assert_named("SELECT :id:a:b", "SELECT $1 $2 $3", "id a b");
    assert_named("SELECT 'a':id", "SELECT 'a'$1", "id");
    assert_numbered("SELECT $1$2", "SELECT $1 $2", "1 2");
}

static void
what_is_behind_it_stays_what_it_was(void **unused)
{
    (void)unused;
    assert_numbered("SELECT $2abc", "SELECT $1abc", "2");
    assert_numbered("SELECT $2$$ $1 $$", "SELECT $1$$ $1 $$", "2");
    assert_numbered("SELECT $2.5", "SELECT $1.5", "2");
    assert_named("SELECT :id.x, :id[1], :id'x'", "SELECT $1.x, $1[1], $1'x'", "id");
}

/* --- several statements --- */

static void
each_statement_takes_what_it_uses_and_numbers_it_anew(void **unused)
{
    (void)unused;
    err_t err = { .kind = ERR_NONE };
    int32_t position = 0;
    own(params) params = params_called(names);
    own(binds) binds =
        bound("SELECT :a, :b; SELECT 1; SELECT $b, :a, :id;", params, &position, &err);
    assert_non_null(binds);
    assert_ptr_equal(binds->params, params);
    assert_int_equal(binds->count, 3);
    assert_string_equal(binds->list[0].sql, "SELECT $1, $2");
    assert_int_equal(binds->list[0].count, 2);
    assert_null(binds->list[1].sql);
    assert_int_equal(binds->list[1].count, 0);
    assert_string_equal(binds->list[2].sql, "SELECT $1, $2, $3");
    assert_int_equal(binds->list[2].takes[0], 2);
    assert_int_equal(binds->list[2].takes[2], 0);
}

static void
a_thousand_are_told_apart(void **unused)
{
    (void)unused;
    own(params) params = params_counted(1000);
    assert_bound(params, "SELECT $1000, $999, $1", "SELECT $1, $2, $3", "1000 999 1");
}

/* --- without a value --- */

static void
a_dollar_without_a_value_is_an_error_that_names_it(void **unused)
{
    (void)unused;
    own(params) named = params_called(names);
    own(params) counted = params_counted(2);
    assert_no_value(named, "SELECT $idx", "parameter 'idx' has no value", 8);
    assert_no_value(named, "SELECT :id, $ID", "parameter 'ID' has no value", 13);
    assert_no_value(named, "SELECT $1", "parameter 1 has no value", 8);
    assert_no_value(counted, "SELECT $3", "parameter 3 has no value", 8);
    assert_no_value(counted, "SELECT $0", "parameter 0 has no value", 8);
    assert_no_value(counted, "SELECT $id", "parameter 'id' has no value", 8);
    assert_no_value(counted, "SELECT $18446744073709551617",
                    "parameter 18446744073709551617 has no value", 8);
}

static void
its_place_is_counted_in_characters_of_the_whole_text(void **unused)
{
    (void)unused;
    own(params) params = params_counted(2);
    assert_no_value(params, "SELECT '\xc3\xa4\xc3\xb6', $1;\n SELECT '\xe2\x82\xac' + $3",
                    "parameter 3 has no value", 32);
}

static void
a_long_name_is_cut_between_characters(void **unused)
{
    (void)unused;
    own(params) params = params_counted(1);
    own(mem) sql = mem_format("SELECT $%062d\xc3\xa4", 0);
    memset(sql + 8, 'a', 62);
    own(mem) text = mem_format("parameter '%.62s' has no value", sql + 8);
    assert_no_value(params, sql, text, 8);
}

/* --- how much --- */

/* `uses` of a value that has a MiB. */
static bool
carries(uint32_t uses)
{
    err_t err = { .kind = ERR_NONE };
    int32_t position = 0;
    own(mem) value = mem_new((1 << 20) + 1);
    memset(value, 'x', 1 << 20);
    const param_t param = a_param(NULL, 25, value);
    own(params) params = params_of(&param, 1);
    own(mem) sql = mem_new(uses * 10 + 1);
    for (uint32_t i = 0; i < uses; i++)
        memcpy(sql + (size_t)i * 10, "SELECT $1;", 10);
    own(binds) binds = bound(sql, params, &position, &err);
    if (!binds) {
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.sqlstate, "54000");
    }
    return binds != NULL;
}

static void
a_value_can_be_sent_so_often_and_no_more(void **unused)
{
    (void)unused;
    assert_true(carries(1));
    assert_true(carries(17));
    assert_false(carries(18));
}

/* --- places --- */

static void
assert_place(const params_t *params, const char *sql, uint32_t sent, uint32_t written,
             const char *placeholder)
{
    place_t place = bind_locate(sql, params, sent);
    if (place.position != written)
        fail_msg("%s: %u is %u, not %u", sql, sent, place.position, written);
    own(mem) shown = mem_copy(place.written ? place.written : "", place.size);
    assert_string_equal(shown, placeholder);
}

static void
a_place_in_what_was_sent_is_led_back(void **unused)
{
    (void)unused;
    own(params) params = params_called(names);
    static const char sql[] = "\xc3\xa4 :id, \xc3\xb6:a \xe2\x82\xac $id z";
    /* sent: "ä $1, ö $2 € $1 z" */
    assert_bound(params, sql, "\xc3\xa4 $1, \xc3\xb6 $2 \xe2\x82\xac $1 z", "id a");
    assert_place(params, sql, 1, 1, "");
    assert_place(params, sql, 2, 2, "");
    assert_place(params, sql, 3, 3, ":id");
    assert_place(params, sql, 4, 3, ":id");
    assert_place(params, sql, 5, 6, "");
    assert_place(params, sql, 6, 7, "");
    assert_place(params, sql, 7, 8, "");
    assert_place(params, sql, 8, 9, ":a");
    assert_place(params, sql, 10, 9, ":a");
    assert_place(params, sql, 11, 11, "");
    assert_place(params, sql, 12, 12, "");
    assert_place(params, sql, 13, 13, "");
    assert_place(params, sql, 14, 14, "$id");
    assert_place(params, sql, 15, 14, "$id");
    assert_place(params, sql, 16, 17, "");
    assert_place(params, sql, 17, 18, "");
}

static void
behind_the_end_is_behind_the_end(void **unused)
{
    (void)unused;
    own(params) params = params_called(names);
    assert_place(params, "SELECT :id +", 12, 13, "");
    assert_place(params, "SELECT :id", 10, 11, "");
    assert_place(params, "SELECT 1", 9, 9, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stand_behind_a_colon_or_a_dollar),
        cmocka_unit_test(numbers_stand_behind_a_dollar),
        cmocka_unit_test(each_is_sent_once_in_the_order_of_its_first_use),
        cmocka_unit_test(a_name_counts_as_a_whole_and_in_its_case),
        cmocka_unit_test(a_colon_before_something_else_stays),
        cmocka_unit_test(a_slice_up_to_a_parameter_s_name_is_that_parameter),
        cmocka_unit_test(two_colons_are_a_cast),
        cmocka_unit_test(a_dollar_inside_a_name_is_part_of_it),
        cmocka_unit_test(quotes_hide_them),
        cmocka_unit_test(e_texts_hide_them_behind_a_hidden_quote_too),
        cmocka_unit_test(dollar_quotes_hide_them),
        cmocka_unit_test(comments_hide_them),
        cmocka_unit_test(what_is_sent_does_not_run_into_what_is_before_it),
        cmocka_unit_test(what_is_behind_it_stays_what_it_was),
        cmocka_unit_test(each_statement_takes_what_it_uses_and_numbers_it_anew),
        cmocka_unit_test(a_thousand_are_told_apart),
        cmocka_unit_test(a_dollar_without_a_value_is_an_error_that_names_it),
        cmocka_unit_test(its_place_is_counted_in_characters_of_the_whole_text),
        cmocka_unit_test(a_long_name_is_cut_between_characters),
        cmocka_unit_test(a_value_can_be_sent_so_often_and_no_more),
        cmocka_unit_test(a_place_in_what_was_sent_is_led_back),
        cmocka_unit_test(behind_the_end_is_behind_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

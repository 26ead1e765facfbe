/* test_sqltext.c - where statements begin and end. */
#include "tests/unit/statements.h"

static void
semicolons_end_statements_and_empty_ones_are_left_out(void **unused)
{
    (void)unused;
    assert_parts("SELECT 1", "SELECT 1");
    assert_parts("SELECT 1;", "SELECT 1");
    assert_parts(" SELECT 1 ;\n\tSELECT 2\r\n;", "SELECT 1|SELECT 2");
    assert_parts(";; ;a;;b; ;", "a|b");
    assert_parts("a;b;c", "a|b|c");
}

static void
a_comment_stays_with_the_statement_it_stands_in(void **unused)
{
    (void)unused;
    assert_parts("/*+ hint */ a -- x\n ; -- y\nb", "/*+ hint */ a -- x|-- y\nb");
    assert_parts("a; -- only this\n; /* and this */ ; b", "a|b");
    assert_parts("a -- ; no\n + 1; b", "a -- ; no\n + 1|b");
    assert_parts("a -- ; no\r + 1; b", "a -- ; no\r + 1|b");
}

static void
quotes_hide_semicolons(void **unused)
{
    (void)unused;
    assert_one("SELECT ';'");
    assert_one("SELECT 'it''s;'';'");
    assert_one("SELECT \"a;\"\";b\"");
    assert_one("SELECT N';', B';', X';', U&';', U&\";\"");
    assert_parts("SELECT '\\';a", "SELECT '\\'|a");
    assert_parts("SELECT U&'\\'; a", "SELECT U&'\\'|a");
    assert_parts("SELECT \"a\\\";b", "SELECT \"a\\\"|b");
    assert_parts("SELECT 'a';'b;'", "SELECT 'a'|'b;'");
}

static void
a_backslash_hides_a_quote_in_an_e_text_only(void **unused)
{
    (void)unused;
    assert_one("SELECT E'\\';'");
    assert_one("SELECT e'\\';'");
    assert_parts("SELECT E'\\\\';a", "SELECT E'\\\\'|a");
    assert_parts("SELECT E'a'';\\';';a", "SELECT E'a'';\\';'|a");
    assert_parts("SELECT name'\\';a", "SELECT name'\\'|a");
    assert_parts("SELECT E '\\';a", "SELECT E '\\'|a");
    assert_parts("SELECT _e'\\';a", "SELECT _e'\\'|a");
    assert_parts("SELECT \xc3\xa4"
                 "e'\\';a",
                 "SELECT \xc3\xa4"
                 "e'\\'|a");
    assert_one("SELECT 1e'\\';'");
    assert_parts("SELECT 1e5'\\';a", "SELECT 1e5'\\'|a");
}

static void
an_e_text_that_goes_on_after_a_line_end_keeps_its_backslashes(void **unused)
{
    (void)unused;
    assert_one("SELECT E'a'\n'\\';'");
    assert_one("SELECT E'a' \r \t'\\';'");
    assert_one("SELECT E'a' -- x'\n  -- y'\n'\\';'");
    assert_one("SELECT E'a'\n'b'\n'\\';'");
    assert_parts("SELECT E'a' '\\';a", "SELECT E'a' '\\'|a");
    assert_parts("SELECT E'a'\n/**/'\\';a", "SELECT E'a'\n/**/'\\'|a");
    assert_parts("SELECT E'a'/*\n*/'\\';a", "SELECT E'a'/*\n*/'\\'|a");
    assert_parts("SELECT E'a'\n,'\\';a", "SELECT E'a'\n,'\\'|a");
    assert_parts("SELECT 'a'\n'\\';a", "SELECT 'a'\n'\\'|a");
    assert_parts("SELECT E'a';\n'\\';a", "SELECT E'a'|'\\'|a");
}

static void
dollar_quotes_hide_semicolons(void **unused)
{
    (void)unused;
    assert_one("SELECT $$;$$");
    assert_one("SELECT $a$;$$;$b$;$A$;$a$");
    assert_one("SELECT $a1_\xc3\xa4$;$a1_\xc3\xa4$");
    assert_one("SELECT $a$;$$a$");
    assert_one("SELECT $a$;$aa$;$ a$;$a$");
    assert_one("DO $x$ BEGIN PERFORM $y$;$y$; END; $x$");
    assert_one("SELECT 1$$;$$");
    assert_one("SELECT 1e5$$;$$");
    assert_one("SELECT ($a$;$a$)");
    assert_one("SELECT 'x'$a$;$a$");
}

static void
a_dollar_that_opens_nothing_hides_nothing(void **unused)
{
    (void)unused;
    assert_parts("SELECT a$$;b$$", "SELECT a$$|b$$");
    assert_parts("SELECT a$x$;b$x$", "SELECT a$x$|b$x$");
    assert_parts("SELECT $1;a", "SELECT $1|a");
    assert_parts("SELECT $1$;a$", "SELECT $1$|a$");
    assert_one("SELECT $1$a$;$a$");
    assert_parts("SELECT $1a$;a", "SELECT $1a$|a");
    assert_parts("SELECT $a;b", "SELECT $a|b");
    assert_parts("SELECT $a b$;c", "SELECT $a b$|c");
    assert_parts("SELECT $;b", "SELECT $|b");
}

static void
comments_hide_semicolons_and_nest(void **unused)
{
    (void)unused;
    assert_one("SELECT /*;*/ 1");
    assert_one("SELECT /* /* */ ; */ 1");
    assert_one("SELECT /*/ ; */ 1");
    assert_one("SELECT /*/*/*/ ; */ */ */ 1");
    assert_parts("SELECT /**/1;a", "SELECT /**/1|a");
    assert_parts("SELECT /***/1;a", "SELECT /***/1|a");
    assert_parts("SELECT /* ' */1;a", "SELECT /* ' */1|a");
    assert_parts("SELECT /* -- */1;a", "SELECT /* -- */1|a");
    assert_parts("SELECT 1 -- '\n;a", "SELECT 1 -- '|a");
    assert_parts("SELECT 1 -- /*\n;a", "SELECT 1 -- /*|a");
    assert_parts("SELECT '/*';a", "SELECT '/*'|a");
    assert_parts("SELECT '--';a", "SELECT '--'|a");
}

static void
comments_begin_inside_operators(void **unused)
{
    (void)unused;
    assert_one("SELECT 1 +--;\n 2");
    assert_one("SELECT 1 @---;\n 2");
    assert_one("SELECT 1 */*;*/ 2");
    assert_one("SELECT 1 +/*;--*/ 2");
    assert_parts("SELECT 1 *//;a", "SELECT 1 *//|a");
    assert_parts("SELECT 1 - -2;a", "SELECT 1 - -2|a");
    assert_parts("SELECT 1 / *;a", "SELECT 1 / *|a");
}

static void
parentheses_hide_semicolons(void **unused)
{
    (void)unused;
    assert_one("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2;)");
    assert_parts("SELECT (1);(2)", "SELECT (1)|(2)");
    assert_parts("SELECT ((1));b", "SELECT ((1))|b");
    assert_parts("SELECT 1);b", "SELECT 1)|b");
    assert_parts("SELECT '(' ; b", "SELECT '('|b");
    assert_one("SELECT [(;)]");
}

static void
a_routine_s_body_hides_semicolons(void **unused)
{
    (void)unused;
    assert_parts("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; a",
                 "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END|a");
    assert_parts("create or replace procedure p()\nbegin/**/atomic end; a",
                 "create or replace procedure p()\nbegin/**/atomic end|a");
    assert_parts("CREATE PROCEDURE p() BEGIN ATOMIC;; SELECT CASE WHEN a THEN CASE b WHEN 1 THEN 2 "
                 "END END; END; a",
                 "CREATE PROCEDURE p() BEGIN ATOMIC;; SELECT CASE WHEN a THEN CASE b WHEN 1 THEN 2 "
                 "END END; END|a");
    assert_parts("CREATE FUNCTION f() BEGIN ATOMIC SELECT 1 AS end; SELECT a.end, 1 case; END; a",
                 "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1 AS end; SELECT a.end, 1 case; END|a");
    assert_parts("CREATE FUNCTION f(begin int) RETURNS begin LANGUAGE sql RETURN 1; a",
                 "CREATE FUNCTION f(begin int) RETURNS begin LANGUAGE sql RETURN 1|a");
}

static void
no_other_begin_hides_semicolons(void **unused)
{
    (void)unused;
    assert_parts("CREATE TABLE begin (atomic int); a", "CREATE TABLE begin (atomic int)|a");
    assert_parts("CREATE VIEW v AS SELECT 1 begin atomic; a",
                 "CREATE VIEW v AS SELECT 1 begin atomic|a");
    assert_parts("CREATE FUNCTION f() \"BEGIN\" ATOMIC; a",
                 "CREATE FUNCTION f() \"BEGIN\" ATOMIC|a");
    assert_parts("a; SELECT function begin atomic; b", "a|SELECT function begin atomic|b");
}

static void
offsets_count_characters(void **unused)
{
    (void)unused;
    err_t err = { .kind = ERR_NONE };
    own(statements) made =
        statements_split(" '\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80';\n b;/* */c", &err);
    assert_non_null(made);
    assert_int_equal(made->count, 3);
    assert_int_equal(made->list[0].offset, 1);
    assert_int_equal(made->list[1].offset, 9);
    assert_int_equal(made->list[2].offset, 11);
    assert_string_equal(made->list[2].sql, "/* */c");
}

static void
what_does_not_end_is_refused_and_where_it_begins_is_said(void **unused)
{
    (void)unused;
    assert_refused("SELECT 'a;b", "the quoted text that begins at character 8 does not end");
    assert_refused("a; SELECT E'\\'", "the quoted text that begins at character 11 ");
    assert_refused("'\xc3\xa4'; \"x", "the quoted name that begins at character 6 ");
    assert_refused("a;b; $a$ $$ $A$", "the dollar-quoted text that begins at character 6 ");
    assert_refused("a /* /* */", "the comment that begins at character 3 ");
    assert_refused("/*/", "the comment that begins at character 1 ");
    assert_refused("E'a'\n'\\'", "the quoted text that begins at character 6 ");
}

static void
a_text_without_a_statement_is_refused(void **unused)
{
    (void)unused;
    assert_refused("", "the text has no statement");
    assert_refused(" ;\n; -- nothing", "the text has no statement");
    assert_refused("/* a /* b */ */", "the text has no statement");
    assert_refused("BEGIN; COMMIT", "the text has no statement");
}

static void
a_thousand_statements_fit_and_no_more(void **unused)
{
    (void)unused;
    char text[2 * STATEMENTS_MOST + 32];
    err_t err = { .kind = ERR_NONE };
    for (size_t i = 0; i < STATEMENTS_MOST; i++)
        memcpy(text + 2 * i, "a;", 3);
    own(statements) all = statements_split(text, &err);
    assert_non_null(all);
    assert_int_equal(all->count, STATEMENTS_MOST);
    strcpy(text + 2 * STATEMENTS_MOST, "a");
    assert_refused(text, "the text has more than 1000 statements");
    strcpy(text + 2 * STATEMENTS_MOST, "a;b;c;d;e;f");
    assert_refused(text, "the text has more than 1000 statements");
}

/* `expected` is the texts, NULL behind the last. */
static void
assert_cut(const char *sql, const char *const *expected)
{
    own(texts) texts = texts_cut(sql);
    uint32_t count = 0;
    while (expected[count])
        count++;
    assert_int_equal(texts->count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_string_equal(texts->list[i], expected[i]);
}

#define CUT(sql, ...) assert_cut(sql, (const char *const[]){ __VA_ARGS__, NULL })

static void
a_text_of_several_transactions_is_cut_where_they_begin_and_end(void **unused)
{
    (void)unused;
    CUT("BEGIN; a; COMMIT; BEGIN; b; END; c; d;", "BEGIN\n;\na\n;\nCOMMIT", "BEGIN\n;\nb\n;\nEND",
        "c\n;\nd");
    CUT("a; b -- x\n; start transaction; c; commit", "a\n;\nb -- x",
        "start transaction\n;\nc\n;\ncommit");
    CUT("BEGIN; COMMIT; a", "BEGIN\n;\nCOMMIT", "a");
}

static void
a_text_of_one_transaction_is_whole(void **unused)
{
    (void)unused;
    CUT("a;  b ; ", "a;  b ; ");
    CUT("BEGIN; a; COMMIT;", "BEGIN; a; COMMIT;");
    CUT("SELECT 'BEGIN; COMMIT;'", "SELECT 'BEGIN; COMMIT;'");
    CUT("", "");
    CUT("SELECT 'open; BEGIN; a; COMMIT; b", "SELECT 'open; BEGIN; a; COMMIT; b");
    CUT("BEGIN; a", "BEGIN; a");
}

static void
what_never_commits_is_cut_off_for_the_splitter_to_refuse(void **unused)
{
    (void)unused;
    err_t err;
    CUT("a; BEGIN; b", "a", "BEGIN\n;\nb");
    own(statements) none = statements_split("BEGIN\n;\nb", &err);
    assert_null(none);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(semicolons_end_statements_and_empty_ones_are_left_out),
        cmocka_unit_test(a_comment_stays_with_the_statement_it_stands_in),
        cmocka_unit_test(quotes_hide_semicolons),
        cmocka_unit_test(a_backslash_hides_a_quote_in_an_e_text_only),
        cmocka_unit_test(an_e_text_that_goes_on_after_a_line_end_keeps_its_backslashes),
        cmocka_unit_test(dollar_quotes_hide_semicolons),
        cmocka_unit_test(a_dollar_that_opens_nothing_hides_nothing),
        cmocka_unit_test(comments_hide_semicolons_and_nest),
        cmocka_unit_test(comments_begin_inside_operators),
        cmocka_unit_test(parentheses_hide_semicolons),
        cmocka_unit_test(a_routine_s_body_hides_semicolons),
        cmocka_unit_test(no_other_begin_hides_semicolons),
        cmocka_unit_test(offsets_count_characters),
        cmocka_unit_test(what_does_not_end_is_refused_and_where_it_begins_is_said),
        cmocka_unit_test(a_text_without_a_statement_is_refused),
        cmocka_unit_test(a_thousand_statements_fit_and_no_more),
        cmocka_unit_test(a_text_of_several_transactions_is_cut_where_they_begin_and_end),
        cmocka_unit_test(a_text_of_one_transaction_is_whole),
        cmocka_unit_test(what_never_commits_is_cut_off_for_the_splitter_to_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

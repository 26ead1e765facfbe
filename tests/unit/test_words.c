/* test_words.c - what a job may not begin with. */
#include "executor/drivers/postgres/words.h"
#include "tests/unit/unit.h"

static void
assert_fine(const char *sql)
{
    char word[WORD_SIZE];
    assert_int_equal(words_judge(sql, word), WORDS_FINE);
}

static void
assert_empty(const char *sql)
{
    char word[WORD_SIZE];
    assert_int_equal(words_judge(sql, word), WORDS_EMPTY);
}

static void
assert_refused(const char *sql, const char *expected)
{
    char word[WORD_SIZE];
    assert_int_equal(words_judge(sql, word), WORDS_REFUSED);
    assert_string_equal(word, expected);
}

static void
transaction_control_is_refused_in_any_case(void **unused)
{
    (void)unused;
    assert_refused("BEGIN", "BEGIN");
    assert_refused("begin;", "BEGIN");
    assert_refused("Start Transaction", "START");
    assert_refused("COMMIT AND CHAIN", "COMMIT");
    assert_refused("eNd", "END");
    assert_refused("ROLLBACK TO a", "ROLLBACK");
    assert_refused("abort", "ABORT");
    assert_refused("savepoint a", "SAVEPOINT");
    assert_refused("release a", "RELEASE");
}

static void
copying_and_listening_are_refused(void **unused)
{
    (void)unused;
    assert_refused("COPY t TO STDOUT", "COPY");
    assert_refused("copy t from stdin", "COPY");
    assert_refused("LISTEN a", "LISTEN");
    assert_refused("UNLISTEN *", "UNLISTEN");
    assert_fine("NOTIFY a");
}

static void
only_preparing_a_transaction_is_refused(void **unused)
{
    (void)unused;
    assert_refused("PREPARE TRANSACTION 'a'", "PREPARE TRANSACTION");
    assert_refused("prepare/**/transaction 'a'", "PREPARE TRANSACTION");
    assert_refused("PREPARE --x\n TRANSACTION 'a'", "PREPARE TRANSACTION");
    assert_fine("PREPARE a AS SELECT 1");
    assert_fine("PREPARE transactions AS SELECT 1");
}

static void
white_space_comments_and_semicolons_hide_nothing(void **unused)
{
    (void)unused;
    assert_refused(" \t\r\n\f\vCOMMIT", "COMMIT");
    assert_refused(";; ;COMMIT", "COMMIT");
    assert_refused("-- a\nCOMMIT", "COMMIT");
    assert_refused("-- a\rCOMMIT", "COMMIT");
    assert_refused("/* a */COMMIT", "COMMIT");
    assert_refused("/* a /* b */ c */ ; /**/COMMIT/**/", "COMMIT");
    assert_refused("/*/ SELECT 1 */COMMIT", "COMMIT");
    assert_fine("/* COMMIT */ SELECT 1");
    assert_fine("-- COMMIT\nSELECT 1");
}

static void
other_words_that_begin_alike_are_fine(void **unused)
{
    (void)unused;
    assert_fine("commits");
    assert_fine("END_OF");
    assert_fine("copy$");
    assert_fine("begin\xc3\xa4");
    assert_fine("(SELECT 1)");
    assert_fine("\"commit\"");
    assert_fine("a_word_that_is_longer_than_any_that_is_looked_for_here");
}

static void
a_text_without_a_statement_is_empty(void **unused)
{
    (void)unused;
    assert_empty("");
    assert_empty(" ; \n");
    assert_empty("-- nothing");
    assert_empty("/* nothing");
    assert_empty("/* a /* b */");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transaction_control_is_refused_in_any_case),
        cmocka_unit_test(copying_and_listening_are_refused),
        cmocka_unit_test(only_preparing_a_transaction_is_refused),
        cmocka_unit_test(white_space_comments_and_semicolons_hide_nothing),
        cmocka_unit_test(other_words_that_begin_alike_are_fine),
        cmocka_unit_test(a_text_without_a_statement_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

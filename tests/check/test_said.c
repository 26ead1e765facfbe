/* test_said.c - what a source says about a script's statements beside its answers. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/check/channel_world.h"

#define SAY(level, text) "DO $$ BEGIN RAISE " level " '" text "'; END $$;"
#define LONG_NAME "an_identifier_that_is_much_longer_than_the_sixty_three_bytes_that_are_kept"

static void
assert_said(uint32_t at, const char *severity, const char *text, uint32_t ordinal)
{
    assert_true(at < it.manifest->notice_count);
    const notice_t *notice = &it.manifest->notices[at];
    assert_string_equal(notice->severity, severity);
    assert_string_equal(notice->message, text);
    assert_int_equal(notice->ordinal, ordinal);
}

static void
what_is_said_stands_with_its_statement(void **unused)
{
    (void)unused;
    it.script.step = 3;
    done(SAY("NOTICE", "one") "SELECT 1;" SAY("INFO",
                                              "two") "SELECT 2;"
                                                     "DO $$ BEGIN RAISE WARNING 'three' USING "
                                                     "ERRCODE = '01004', DETAIL = 'd', HINT = 'h';"
                                                     " END $$");
    it.script.step = 0;
    assert_int_equal(it.manifest->count, 5);
    assert_int_equal(it.manifest->notice_count, 3);
    assert_said(0, "NOTICE", "one", 0);
    assert_said(1, "INFO", "two", 2);
    assert_said(2, "WARNING", "three", 4);
    const notice_t *notice = &it.manifest->notices[2];
    assert_int_equal(notice->step, 3);
    assert_string_equal(notice->sqlstate, "01004");
    assert_string_equal(notice->detail, "d");
    assert_string_equal(notice->hint, "h");
    assert_string_equal(it.manifest->notices[0].sqlstate, "00000");
    assert_null(it.manifest->notices[0].detail);
}

/* It comes before anything else of the statement, right behind the answer to a question of ours. */
static void
what_is_said_of_a_text_while_it_is_read_stands_with_it_too(void **unused)
{
    (void)unused;
    static const unsigned ways[] = { LAST, LAST | READ_ONLY };
    for (size_t i = 0; i < 2; i++) {
        ran("SELECT 1 AS " LONG_NAME "; SELECT 2; SELECT 3 AS " LONG_NAME, ways[i]);
        assert_int_equal(it.manifest->notice_count, 2);
        assert_int_equal(it.manifest->notices[0].ordinal, 0);
        assert_int_equal(it.manifest->notices[1].ordinal, 2);
        assert_string_equal(it.manifest->notices[1].sqlstate, "42622");
        it.driver->commit(it.channel);
        expect(TURN_COMMITTED);
        expect(TURN_CLEAN);
    }
    run("SELECT 1 AS " LONG_NAME, LAST | ALONE);
    expect(TURN_COMMITTED);
    assert_int_equal(it.manifest->notice_count, 1);
    expect(TURN_CLEAN);
}

static void
a_script_decides_itself_how_much_it_hears(void **unused)
{
    (void)unused;
    done("SET client_min_messages = error; " SAY(
        "NOTICE", "unheard") "RESET client_min_messages;" SAY("NOTICE", "heard"));
    assert_int_equal(it.manifest->notice_count, 1);
    assert_said(0, "NOTICE", "heard", 3);
    done("SET client_min_messages = debug5; " SAY("LOG", "wanted"));
    for (uint32_t i = 0; i < it.manifest->notice_count; i++) {
        if (strcmp(it.manifest->notices[i].message, "wanted") == 0)
            return;
    }
    fail_msg("nothing was heard");
}

static void
what_was_said_before_a_failure_is_kept(void **unused)
{
    (void)unused;
    run(SAY("NOTICE", "one") SAY("WARNING", "two") "SELECT 1 / 0;" SAY("NOTICE", "never"), LAST);
    expect_failure(TURN_FAILED, "22012");
    assert_int_equal(it.manifest->notice_count, 2);
    assert_said(1, "WARNING", "two", 1);
    expect(TURN_CLEAN);
}

/* More than the largest row has bytes, while not a single row comes. */
static void
a_statement_that_says_much_is_no_large_row(void **unused)
{
    (void)unused;
    done("DO $$ BEGIN FOR i IN 1..20000 LOOP RAISE NOTICE '% %', i, repeat('x', 200);"
         " END LOOP; END $$");
    assert_int_equal(it.manifest->notice_count, NOTICES_MOST);
    assert_int_equal(it.manifest->notices_dropped, 20000 - NOTICES_MOST);
    assert_false(it.driver->worn(it.channel));
}

static void
a_long_text_is_cut(void **unused)
{
    (void)unused;
    done("DO $$ BEGIN RAISE NOTICE '%', repeat('ä', 5000); END $$");
    assert_int_equal(it.manifest->notice_count, 1);
    assert_int_equal(strlen(it.manifest->notices[0].message), FAILURE_TEXT_MOST);
}

static void
a_quiet_script_only_counts(void **unused)
{
    (void)unused;
    it.script.quiet = true;
    done(SAY("NOTICE", "one") SAY("WARNING", "two"));
    it.script.quiet = false;
    assert_int_equal(it.manifest->notice_count, 0);
    assert_int_equal(it.manifest->notices_dropped, 2);
}

/* The manifest is its owner's again by then. */
static void
what_commit_says_is_nobodys(void **unused)
{
    (void)unused;
    set_up("CREATE TABLE channel_role.t (a int); GRANT ALL ON channel_role.t TO channel_role;"
           "CREATE FUNCTION channel_role.say() RETURNS trigger LANGUAGE plpgsql AS"
           " $$ BEGIN RAISE NOTICE 'late'; RETURN NULL; END $$;"
           "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON channel_role.t DEFERRABLE INITIALLY"
           " DEFERRED FOR EACH ROW EXECUTE FUNCTION channel_role.say()");
    ran("INSERT INTO channel_role.t VALUES (1)", LAST);
    assert_int_equal(it.manifest->notice_count, 0);
    manifest_destroy(&it.manifest);
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CHANNEL(what_is_said_stands_with_its_statement),
        CHANNEL(what_is_said_of_a_text_while_it_is_read_stands_with_it_too),
        CHANNEL(a_script_decides_itself_how_much_it_hears),
        CHANNEL(what_was_said_before_a_failure_is_kept),
        CHANNEL(a_statement_that_says_much_is_no_large_row),
        CHANNEL(a_long_text_is_cut),
        CHANNEL(a_quiet_script_only_counts),
        CHANNEL(what_commit_says_is_nobodys),
    };
    return cmocka_run_group_tests(tests, sources_open, sources_close);
}

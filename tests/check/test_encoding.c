/* test_encoding.c - a source whose database has no encoding: what is UTF-8 is read, of what is not
 * it is said where it stands. */
#include <stdlib.h>

#include "tests/check/channel_world.h"

static int
encoding_begin(void **unused)
{
    set_up("DROP DATABASE IF EXISTS channel_bytes");
    set_up("CREATE DATABASE channel_bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C'"
           " LC_CTYPE 'C'");
    channel_begin(unused);
    reopen("dbname=channel_bytes");
    return 0;
}

static int
encoding_end(void **unused)
{
    channel_end(unused);
    set_up("DROP DATABASE channel_bytes WITH (FORCE)");
    return 0;
}

static void
text_that_is_utf8_is_read(void **unused)
{
    (void)unused;
    ran("SELECT 'gr\xc3\xbc\xc3\x9f' AS \"w\xc3\xb6rt\"; SELECT 2", LAST);
    assert_string_equal(it.text, "gr\xc3\xbc\xc3\x9f|;\n2|;\n");
    assert_string_equal(it.manifest->results[0].columns[0].name, "w\xc3\xb6rt");
}

static void
a_session_that_was_cleaned_keeps_its_encoding(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        ran("SELECT 1", LAST);
        it.driver->commit(it.channel);
        expect(TURN_COMMITTED);
        expect(TURN_CLEAN);
    }
}

static void
text_that_is_not_is_named_by_column_and_row(void **unused)
{
    (void)unused;
    run("SELECT i, CASE WHEN i = 3 THEN E'caf\\xe9' ELSE 'tea' END AS drink"
        " FROM generate_series(1, 5) i",
        LAST);
    expect_failure(TURN_BROKEN, "22021");
    assert_string_equal(it.failure.message, "column \"drink\" of row 3 is not valid UTF-8");
}

static void
another_encoding_breaks_the_script(void **unused)
{
    (void)unused;
    run("SET client_encoding = 'UTF8'; SELECT 1", LAST);
    expect_failure(TURN_BROKEN, "0A000");
}

#define ENCODING(name) cmocka_unit_test_setup_teardown(name, encoding_begin, encoding_end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ENCODING(text_that_is_utf8_is_read),
        ENCODING(a_session_that_was_cleaned_keeps_its_encoding),
        ENCODING(text_that_is_not_is_named_by_column_and_row),
        ENCODING(another_encoding_breaks_the_script),
    };
    return cmocka_run_group_tests(tests, sources_open, sources_close);
}

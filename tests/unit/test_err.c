#include "tests/unit/unit.h"

#include <stdio.h>

#include "common/err.h"

static void
a_failure_is_one_line(void **unused)
{
    (void)unused;
    err_t err = { .sqlstate = "42601" };
    assert_false(err_set(&err, ERR_LIMIT, "at most %d", 3));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.sqlstate, "");
    assert_string_equal(err.text, "at most 3");
}

static void
wrapping_puts_words_before_and_keeps_the_rest(void **unused)
{
    (void)unused;
    err_t err = { .kind = ERR_SQL, .sqlstate = "42601", .text = "syntax error" };
    assert_false(err_wrap(&err, "step %d", 2));
    assert_string_equal(err.text, "step 2: syntax error");
    assert_int_equal(err.kind, ERR_SQL);
    assert_string_equal(err.sqlstate, "42601");
}

static void
a_text_may_be_made_from_itself(void **unused)
{
    (void)unused;
    err_t err;
    err_set(&err, ERR_INVALID, "bottom");
    err_set(&err, ERR_INTERNAL, "was: %s", err.text);
    assert_string_equal(err.text, "was: bottom");
    err_wrap(&err, "(%s)", err.text);
    assert_string_equal(err.text, "(was: bottom): was: bottom");
}

static void
a_long_text_is_cut_between_characters(void **unused)
{
    (void)unused;
    char text[400];
    memset(text, 'x', sizeof text);
    for (size_t start = sizeof((err_t *)0)->text - 6; start < sizeof((err_t *)0)->text; start++) {
        err_t err;
        snprintf(text + start, sizeof text - start, "\xe2\x82\xac and more");
        err_set(&err, ERR_INVALID, "%s", text);
        size_t size = strlen(err.text);
        assert_in_range(size, sizeof err.text - 3, sizeof err.text - 1);
        size_t expected = start + 3 <= sizeof err.text - 1 ? sizeof err.text - 1 : start;
        assert_int_equal(size, expected < sizeof err.text ? expected : sizeof err.text - 1);
        text[start] = 'x';
    }
}

static void
a_long_wrapping_is_cut_between_characters(void **unused)
{
    (void)unused;
    err_t err;
    char text[sizeof err.text];
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 5, "\xf0\x9f\x98\x80", 5);
    err_set(&err, ERR_INVALID, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    err_wrap(&err, "w");
    assert_int_equal(strlen(err.text), sizeof text - 5 + 3);
    err_wrap(&err, "%s", text);
    assert_string_equal(err.text, text);
}

static void
a_cleared_error_says_nothing(void **unused)
{
    (void)unused;
    err_t err = { .kind = ERR_SQL, .sqlstate = "42601", .text = "syntax error" };
    err_clear(&err);
    assert_int_equal(err.kind, ERR_NONE);
    assert_string_equal(err.sqlstate, "");
    assert_string_equal(err.text, "");
}

static void
every_kind_has_a_word_of_its_own(void **unused)
{
    (void)unused;
    for (err_kind_t a = ERR_NONE; a <= ERR_INTERNAL; a++) {
        for (err_kind_t b = ERR_NONE; b < a; b++)
            assert_string_not_equal(err_word(a), err_word(b));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_one_line),
        cmocka_unit_test(wrapping_puts_words_before_and_keeps_the_rest),
        cmocka_unit_test(a_text_may_be_made_from_itself),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(a_long_wrapping_is_cut_between_characters),
        cmocka_unit_test(a_cleared_error_says_nothing),
        cmocka_unit_test(every_kind_has_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

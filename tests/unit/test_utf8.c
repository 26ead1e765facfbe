#include "tests/unit/unit.h"

#include "common/utf8.h"

static bool
valid(const char *text)
{
    return utf8_valid(text, strlen(text));
}

static void
well_formed_text_is_valid(void **unused)
{
    (void)unused;
    assert_true(valid(""));
    assert_true(valid("SELECT 1\n\t\x01\x7f"));
    assert_true(valid("\xc2\x80 \xdf\xbf"));
    assert_true(valid("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"));
    assert_true(valid("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
}

static void
ill_formed_bytes_are_not(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "\x80",
        "a\xbf",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xc2",
        "\xc2 ",
        "\xe1\x80",
        "\xe1\x80 ",
        "\xf1\x80\x80",
        "\xf1\x80\x80 ",
        "\xf1\x80 \x80 abc",
        "\xe2\x28\xa1 abc",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(valid(wrong[i]));
}

static void
a_nul_is_a_character_like_others(void **unused)
{
    (void)unused;
    assert_true(utf8_valid("a\0b", 3));
}

static void
nothing_is_read_behind_the_end(void **unused)
{
    (void)unused;
    char cut[] = { (char)0xf1, (char)0x80, (char)0x80, (char)0x80 };
    for (size_t size = 1; size < sizeof cut; size++)
        assert_false(utf8_valid(cut, size));
    assert_true(utf8_valid(cut, sizeof cut));
}

static void
one_bad_byte_is_found_wherever_it_stands(void **unused)
{
    (void)unused;
    char text[24];
    for (size_t size = 1; size <= sizeof text; size++) {
        for (size_t at = 0; at < size; at++) {
            memset(text, 'a', sizeof text);
            assert_true(utf8_valid(text, size));
            text[at] = '\xff';
            assert_false(utf8_valid(text, size));
            assert_true(utf8_valid(text, at));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_text_is_valid),
        cmocka_unit_test(ill_formed_bytes_are_not),
        cmocka_unit_test(one_bad_byte_is_found_wherever_it_stands),
        cmocka_unit_test(a_nul_is_a_character_like_others),
        cmocka_unit_test(nothing_is_read_behind_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

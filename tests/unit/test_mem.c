#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/mem.h"

static void
fresh_memory_is_zero(void **unused)
{
    (void)unused;
    own(mem) block = mem_new(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(block[i], 0);
}

static void
no_bytes_are_a_block_too(void **unused)
{
    (void)unused;
    own(mem) none = mem_new(0);
    own(mem) no_items = mem_array(0, 8);
    own(mem) shrunk = mem_grow(mem_new(8), 0);
    assert_non_null(none);
    assert_non_null(no_items);
    assert_non_null(shrunk);
}

static void
a_grown_block_keeps_its_bytes(void **unused)
{
    (void)unused;
    own(mem) text = mem_text("kept");
    text = mem_grow(text, 100000);
    assert_string_equal(text, "kept");
}

#ifdef MILLRACE_SANITIZED
/* The sanitizers' allocator would stop the program instead of saying no. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}
#endif

static void
what_is_too_large_can_say_no(void **unused)
{
    (void)unused;
    own(mem) block = mem_try(PTRDIFF_MAX - 4096);
    assert_null(block);
}

static void
a_copy_ends_with_nul_and_may_hold_one(void **unused)
{
    (void)unused;
    own(mem) copy = mem_copy("a\0bc", 3);
    assert_memory_equal(copy, "a\0b\0", 4);
    own(mem) empty = mem_copy(NULL, 0);
    assert_string_equal(empty, "");
}

static void
no_text_copies_to_no_text(void **unused)
{
    (void)unused;
    own(mem) copy = mem_text(NULL);
    assert_null(copy);
}

static void
taking_leaves_null_behind(void **unused)
{
    (void)unused;
    char *text = mem_text("mine");
    own(mem) taken = take(text);
    assert_null(text);
    assert_string_equal(taken, "mine");
}

static void
a_character_is_never_cut_in_half(void **unused)
{
    (void)unused;
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"; /* 1, 2, 3 and 4 bytes */
    static const size_t whole[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10 };
    for (size_t size = 0; size < sizeof text; size++)
        assert_int_equal(mem_whole(text, size), whole[size]);
}

static void
bytes_that_are_no_utf8_stay(void **unused)
{
    (void)unused;
    assert_int_equal(mem_whole("\x80\x80\x80\x80\x80\x80", 6), 6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_memory_is_zero),
        cmocka_unit_test(no_bytes_are_a_block_too),
        cmocka_unit_test(a_grown_block_keeps_its_bytes),
        cmocka_unit_test(what_is_too_large_can_say_no),
        cmocka_unit_test(a_copy_ends_with_nul_and_may_hold_one),
        cmocka_unit_test(no_text_copies_to_no_text),
        cmocka_unit_test(taking_leaves_null_behind),
        cmocka_unit_test(a_character_is_never_cut_in_half),
        cmocka_unit_test(bytes_that_are_no_utf8_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

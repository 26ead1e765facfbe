/* test_page_press.c - which compression suits a result is found out on its first whole page. */
#include <stdio.h>

#include "common/mem.h"
#include "common/page.h"
#include "tests/unit/unit.h"

enum { PAGE_BYTES = 128 << 10, WORDS = 4000 };

typedef void (*row_fn)(page_writer_t *writer, uint32_t *seed);

static page_writer_t *writer;
static uint32_t seed;

static int
make_writer(void **unused)
{
    (void)unused;
    writer = page_writer_new(PAGE_BYTES, 100000, PAGE_BYTES);
    seed = 1;
    return 0;
}

static int
destroy_writer(void **unused)
{
    (void)unused;
    page_writer_destroy(&writer);
    return 0;
}

static uint32_t
chance(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* 48 digits of no meaning. */
static void
put_digits(page_writer_t *page, uint32_t *state)
{
    char text[49];
    for (size_t at = 0; at < 48; at += 6)
        snprintf(text + at, 7, "%06x", (unsigned)(chance(state) & 0xffffff));
    page_cell_text(page, text, 48);
}

/* Ten words out of many. */
static void
put_words(page_writer_t *page, uint32_t *state)
{
    char text[200];
    size_t size = 0;
    for (int i = 0; i < 10; i++) {
        unsigned word = chance(state) % WORDS;
        size += (size_t)snprintf(text + size, sizeof text - size, "%x%x-of ", word * 7919u,
                                 word * 104729u);
    }
    page_cell_text(page, text, size);
}

/* Stored bytes of a page full of such rows. */
static uint32_t
stored(row_fn put)
{
    err_t err;
    while (!page_writer_full(writer)) {
        page_row_open(writer, 1);
        put(writer, &seed);
        assert_true(page_row_close(writer));
    }
    own(page) page = page_writer_close(writer, &err);
    return page->size;
}

static void
the_first_whole_page_decides_for_its_result(void **unused)
{
    (void)unused;
    (void)stored(put_digits);
    uint32_t as_digits = stored(put_words);
    page_writer_reset(writer);
    (void)stored(put_words);
    uint32_t as_words = stored(put_words);
    assert_true(as_words < as_digits - as_digits / 50);
}

static void
a_page_that_is_not_full_decides_nothing(void **unused)
{
    (void)unused;
    err_t err;
    page_row_open(writer, 1);
    put_digits(writer, &seed);
    assert_true(page_row_close(writer));
    own(page) page = page_writer_close(writer, &err);
    assert_non_null(page);
    (void)stored(put_words);
    uint32_t behind = stored(put_words);
    page_writer_reset(writer);
    (void)stored(put_words);
    uint32_t as_words = stored(put_words);
    assert_true(behind < as_words + as_words / 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_whole_page_decides_for_its_result, make_writer,
                                        destroy_writer),
        cmocka_unit_test_setup_teardown(a_page_that_is_not_full_decides_nothing, make_writer,
                                        destroy_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

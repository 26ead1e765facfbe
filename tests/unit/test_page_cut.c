/* test_page_cut.c - rows that are given away, and pressed somewhere else. */
#include <pthread.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/page.h"
#include "tests/unit/starve.h"

enum { PAGE_BYTES = 4096, ROW_BYTES = 1 << 20 };

static page_writer_t *writer;

static int
open_writer(void **unused)
{
    (void)unused;
    writer = page_writer_new(PAGE_BYTES, 3, ROW_BYTES);
    return 0;
}

static int
close_writer(void **unused)
{
    (void)unused;
    atomic_store(&starving, false);
    page_writer_destroy(&writer);
    return 0;
}

/* Rows of one text each, all of them different. */
static void
put_rows(int count, size_t size)
{
    static unsigned seed = 1;
    char *text = mem_grow(NULL, size);
    for (int i = 0; i < count; i++) {
        for (size_t k = 0; k < size; k++)
            text[k] = (char)('0' + (seed = seed * 1103515245u + 12345u) / 65536u % 10);
        page_row_open(writer, 1);
        page_cell_text(writer, text, size);
        assert_true(page_row_close(writer));
    }
    free(text);
}

static page_raw_t
cut(void)
{
    err_t err;
    page_raw_t raw;
    assert_true(page_writer_cut(writer, &raw, &err));
    return raw;
}

static page_t *
pressed(page_raw_t *raw, page_chain_t *chain)
{
    err_t err;
    page_t *page = page_press(raw, chain, &err);
    assert_non_null(page);
    free(take(raw->data));
    return page;
}

/* The same rows, closed by the writer, or cut and pressed: pages in `pages`. */
static void
make_pages(page_t *pages[3], bool cut_them)
{
    err_t err;
    page_chain_t chain = { 0 };
    page_raw_t raws[3];
    page_writer_reset(writer);
    for (int i = 0; i < 3; i++) {
        for (int row = 0; row < 3 - i; row++) { /* only the first one is full */
            page_row_open(writer, 2);
            page_cell_int(writer, 1000 * i + row);
            page_cell_text(writer, "a text that is there again and again", 36);
            assert_true(page_row_close(writer));
        }
        if (cut_them)
            raws[i] = cut();
        else
            pages[i] = page_writer_close(writer, &err);
    }
    for (int i = 0; i < 3 && cut_them; i++)
        pages[i] = pressed(&raws[i], &chain);
}

static void
pages_that_are_cut_and_pressed_are_those_that_are_closed(void **unused)
{
    (void)unused;
    page_t *closed[3];
    page_t *other[3];
    make_pages(closed, false);
    make_pages(other, true);
    for (int i = 0; i < 3; i++) {
        assert_true(page_sound(other[i]));
        assert_int_equal(other[i]->first_row, closed[i]->first_row);
        assert_int_equal(other[i]->rows, 3 - i);
        assert_int_equal(other[i]->raw_bytes, closed[i]->raw_bytes);
        assert_int_equal(other[i]->size, closed[i]->size);
        assert_memory_equal(other[i]->before, closed[i]->before, PAGE_HASH_SIZE);
        assert_memory_equal(other[i]->hash, closed[i]->hash, PAGE_HASH_SIZE);
        page_destroy(&closed[i]);
        page_destroy(&other[i]);
    }
}

static void
rows_that_are_cut_say_whether_they_fill_a_page(void **unused)
{
    (void)unused;
    put_rows(2, 20);
    page_raw_t few = cut();
    put_rows(3, 20);
    page_raw_t all = cut();
    assert_false(few.full);
    assert_true(all.full);
    assert_int_equal(all.first_row, 2);
    free(few.data);
    free(all.data);
}

static void
what_was_cut_is_not_written_to_any_more(void **unused)
{
    (void)unused;
    static const size_t sizes[] = { 100, 10000, 100000,
                                    100 }; /* in the page's memory, and beyond */
    page_raw_t raws[4];
    uint8_t *copies[4];
    for (int i = 0; i < 4; i++) {
        put_rows(1, sizes[i]);
        raws[i] = cut();
        assert_int_equal(page_writer_bytes(writer), 0);
        copies[i] = (uint8_t *)mem_copy(raws[i].data, raws[i].size);
    }
    for (int i = 0; i < 4; i++) {
        assert_memory_equal(raws[i].data, copies[i], raws[i].size);
        free(copies[i]);
        free(raws[i].data);
    }
}

static void
without_memory_to_go_on_with_nothing_is_cut(void **unused)
{
    (void)unused;
    err_t err;
    page_raw_t raw;
    put_rows(2, 20);
    atomic_store(&starving, true);
    assert_false(page_writer_cut(writer, &raw, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.text, "no memory for a page of 44 bytes");
    assert_int_equal(page_writer_rows(writer), 2);
    atomic_store(&starving, false);
    raw = cut();
    assert_int_equal(raw.rows, 2);
    free(raw.data);
}

static void
a_large_row_needs_no_memory_to_go_on_with(void **unused)
{
    (void)unused;
    err_t err;
    page_raw_t raw;
    put_rows(1, ROW_BYTES / 2);
    atomic_store(&starving, true);
    assert_true(page_writer_cut(writer, &raw, &err));
    free(raw.data);
}

static void
what_could_not_be_pressed_leaves_its_chain_alone(void **unused)
{
    (void)unused;
    err_t err;
    page_chain_t chain = { 0 };
    put_rows(3, 20);
    page_raw_t raw = cut();
    atomic_store(&starving, true);
    assert_null(page_press(&raw, &chain, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.text, "no memory for a page of 66 bytes");
    const page_chain_t zero = { 0 };
    assert_memory_equal(&chain, &zero, sizeof chain);
    free(raw.data);
}

static void *
press_elsewhere(void *raw)
{
    page_chain_t chain = { 0 };
    press_take(PAGE_BYTES);
    page_t *page = pressed(raw, &chain);
    press_release();
    return page;
}

static void
rows_are_pressed_on_any_thread(void **unused)
{
    (void)unused;
    pthread_t thread;
    void *page = NULL;
    put_rows(3, 20);
    page_raw_t raw = cut();
    assert_int_equal(pthread_create(&thread, NULL, press_elsewhere, &raw), 0);
    put_rows(3, 20);
    assert_int_equal(pthread_join(thread, &page), 0);
    page_t *made = page;
    assert_true(page_sound(made));
    page_destroy(&made);
}

#define CUT_TEST(test) cmocka_unit_test_setup_teardown(test, open_writer, close_writer)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CUT_TEST(pages_that_are_cut_and_pressed_are_those_that_are_closed),
        CUT_TEST(rows_that_are_cut_say_whether_they_fill_a_page),
        CUT_TEST(what_was_cut_is_not_written_to_any_more),
        CUT_TEST(without_memory_to_go_on_with_nothing_is_cut),
        CUT_TEST(a_large_row_needs_no_memory_to_go_on_with),
        CUT_TEST(what_could_not_be_pressed_leaves_its_chain_alone),
        CUT_TEST(rows_are_pressed_on_any_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

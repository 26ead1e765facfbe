#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "api/shelf.h"
#include "common/clock.h"

enum { ROWS = 10, SIZE = 64 << 10 };

static page_key_t
a_key(uint32_t result)
{
    return (page_key_t){ .job = { .bytes = { 1 } }, .attempt = 1, .result = result };
}

/* A page of so many rows that inflates to a little more than `bytes`. */
static page_t *
a_page(int64_t first_row, size_t bytes)
{
    own(page_writer) writer = page_writer_new(PAGE_RAW_MOST, 1000, PAGE_RAW_MOST);
    own(mem) text = mem_new(bytes);
    memset(text, 'x', bytes);
    for (int i = 0; i < ROWS; i++) {
        page_row_open(writer, 1);
        page_cell_text(writer, text, i == 0 ? bytes : 0);
        assert_true(page_row_close(writer));
    }
    err_t err;
    page_t *page = page_writer_close(writer, &err);
    assert_non_null(page);
    page->first_row = first_row;
    return page;
}

static void
put(shelf_t *shelf, uint32_t result, int64_t first_row)
{
    err_t err;
    page_key_t key = a_key(result);
    own(page) page = a_page(first_row, SIZE);
    sheet_t *sheet = shelf_put(shelf, &key, page, &err);
    assert_non_null(sheet);
    shelf_return(&sheet);
    assert_null(sheet);
}

static bool
finds(shelf_t *shelf, uint32_t result, int64_t row)
{
    page_key_t key = a_key(result);
    sheet_t *sheet = shelf_find(shelf, &key, row);
    bool found = sheet != NULL;
    if (found)
        assert_in_range(row, sheet->first_row, sheet->first_row + sheet->rows - 1);
    shelf_return(&sheet);
    return found;
}

static void
a_sheet_is_found_by_any_of_its_rows(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(1 << 20, 1 << 20);
    put(shelf, 0, 20);
    assert_false(finds(shelf, 0, 19));
    assert_true(finds(shelf, 0, 20));
    assert_true(finds(shelf, 0, 29));
    assert_false(finds(shelf, 0, 30));
}

static void
a_sheet_belongs_to_its_result_alone(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(1 << 20, 1 << 20);
    put(shelf, 0, 0);
    page_key_t key = a_key(0);
    key.bucket_us = 5;
    sheet_t *sheet = shelf_find(shelf, &key, 0); /* pages move from bucket to bucket */
    assert_non_null(sheet);
    shelf_return(&sheet);
    page_key_t others[] = { a_key(1), a_key(0), a_key(0), a_key(0) };
    others[1].step = 1;
    others[2].attempt = 2;
    others[3].job.bytes[0]++;
    for (int i = 0; i < 4; i++)
        assert_null(shelf_find(shelf, &others[i], 0));
}

static void
two_who_read_the_same_page_have_one_sheet(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(1 << 20, 1 << 20);
    err_t err;
    page_key_t key = a_key(0);
    own(page) page = a_page(0, SIZE);
    sheet_t *first = shelf_put(shelf, &key, page, &err);
    sheet_t *second = shelf_put(shelf, &key, page, &err);
    assert_ptr_equal(first, second);
    shelf_return(&first);
    assert_int_equal(second->raw[0], 0x91); /* still there */
    shelf_return(&second);
}

static void
what_was_used_last_stays(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(3 * (SIZE + 100), 1 << 20);
    put(shelf, 0, 0);
    put(shelf, 1, 0);
    put(shelf, 2, 0);
    assert_true(finds(shelf, 0, 0));
    put(shelf, 3, 0);
    assert_true(finds(shelf, 0, 0));
    assert_false(finds(shelf, 1, 0));
    assert_true(finds(shelf, 2, 0));
    assert_true(finds(shelf, 3, 0));
}

static void
what_is_kept_is_bounded(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(10 * SIZE, 1 << 20);
    for (int64_t i = 0; i < 200; i++) {
        put(shelf, 0, i * ROWS);
        assert_in_range(shelf_bytes(shelf), 1, 10 * SIZE);
    }
}

static void
what_somebody_holds_is_not_dropped(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(0, 1 << 20);
    err_t err;
    page_key_t key = a_key(0);
    own(page) page = a_page(0, SIZE);
    sheet_t *sheet = shelf_put(shelf, &key, page, &err);
    put(shelf, 1, 0);
    assert_true(finds(shelf, 0, 5));
    assert_false(finds(shelf, 1, 0));
    shelf_return(&sheet);
    assert_false(finds(shelf, 0, 5));
    assert_int_equal(shelf_bytes(shelf), 0);
}

static void
a_page_in_its_jobs_row_is_nobody_elses(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(1 << 20, 1 << 20);
    err_t err;
    own(page) page = a_page(0, SIZE);
    sheet_t *sheet = shelf_alone(shelf, page, &err);
    assert_int_equal(sheet->rows, ROWS);
    assert_false(finds(shelf, 0, 0));
    shelf_return(&sheet);
    assert_int_equal(shelf_bytes(shelf), 0);
}

static void
a_damaged_page_is_no_sheet(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(1 << 20, 1 << 20);
    err_t err;
    page_key_t key = a_key(0);
    own(page) page = a_page(0, SIZE);
    page->data[page->size / 2] ^= 0x55;
    page->raw_bytes++;
    assert_null(shelf_put(shelf, &key, page, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    own(page) large = a_page(0, 2 * SHELF_LARGE);
    large->raw_bytes++;
    for (int i = 0; i < 3; i++) /* what was counted for it is given back */
        assert_null(shelf_put(shelf, &key, large, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
}

/* --- large pages --- */

typedef struct {
    shelf_t *shelf;
    uint32_t result;
    atomic_bool done;
    bool good;
} reader_t;

static void *
read_large(void *arg)
{
    reader_t *self = arg;
    err_t err;
    page_key_t key = a_key(self->result);
    own(page) page = a_page(0, 3 * SHELF_LARGE);
    sheet_t *sheet = shelf_put(self->shelf, &key, page, &err);
    self->good = sheet != NULL;
    atomic_store(&self->done, true);
    shelf_return(&sheet);
    return NULL;
}

static void
large_pages_are_kept_by_nobody_and_wait_for_each_other(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(64 << 20, 4 * SHELF_LARGE);
    err_t err;
    page_key_t key = a_key(0);
    own(page) page = a_page(0, 3 * SHELF_LARGE);
    sheet_t *sheet = shelf_put(shelf, &key, page, &err);
    assert_non_null(sheet);
    assert_true(finds(shelf, 0, 0)); /* it is shared while somebody has it */

    reader_t reader = { .shelf = shelf, .result = 1 };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_large, &reader), 0);
    int64_t until_ms = clock_mono_ms() + 100;
    while (clock_mono_ms() < until_ms)
        assert_false(atomic_load(&reader.done)); /* there is no room for another */
    shelf_return(&sheet);
    pthread_join(thread, NULL);
    assert_true(reader.good);
    assert_false(finds(shelf, 0, 0));
    assert_false(finds(shelf, 1, 0));
    assert_int_equal(shelf_bytes(shelf), 0);
}

static void
a_single_large_page_always_has_room(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(0, 1);
    reader_t reader = { .shelf = shelf };
    read_large(&reader);
    assert_true(reader.good);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sheet_is_found_by_any_of_its_rows),
        cmocka_unit_test(a_sheet_belongs_to_its_result_alone),
        cmocka_unit_test(two_who_read_the_same_page_have_one_sheet),
        cmocka_unit_test(what_was_used_last_stays),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(what_somebody_holds_is_not_dropped),
        cmocka_unit_test(a_page_in_its_jobs_row_is_nobody_elses),
        cmocka_unit_test(a_damaged_page_is_no_sheet),
        cmocka_unit_test(large_pages_are_kept_by_nobody_and_wait_for_each_other),
        cmocka_unit_test(a_single_large_page_always_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

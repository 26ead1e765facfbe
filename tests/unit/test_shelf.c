#include "tests/unit/unit.h"

#include <stdlib.h>

#include "api/shelf.h"

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
    uint32_t most = (uint32_t)bytes + 1000;
    own(page_writer) writer = page_writer_new(most, 1000, most);
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
    sheet_t *sheet = shelf_put(shelf, &key, &page, NULL, &err);
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
        assert_in_range(row, sheet->page.first_row, sheet->page.first_row + sheet->page.rows - 1);
    shelf_return(&sheet);
    return found;
}

static void
a_sheet_is_found_by_any_of_its_rows(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(1 << 20);
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
    own(shelf) shelf = shelf_new(1 << 20);
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
    own(shelf) shelf = shelf_new(1 << 20);
    err_t err;
    page_key_t key = a_key(0);
    own(page) page = a_page(0, SIZE);
    own(page) again = a_page(0, SIZE);
    sheet_t *first = shelf_put(shelf, &key, &page, NULL, &err);
    assert_null(page);
    sheet_t *second = shelf_put(shelf, &key, &again, NULL, &err);
    assert_ptr_equal(first, second);
    shelf_return(&first);
    assert_int_equal(second->raw[0], 0x91); /* still there */
    shelf_return(&second);
}

static void
what_was_used_last_stays(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(3 * (SIZE + 100));
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
    own(shelf) shelf = shelf_new(10 * SIZE);
    for (int64_t i = 0; i < 200; i++) {
        put(shelf, 0, i * ROWS);
        assert_in_range(shelf_bytes(shelf), 1, 10 * SIZE);
    }
}

static void
what_somebody_holds_is_not_dropped(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(0);
    err_t err;
    page_key_t key = a_key(0);
    own(page) page = a_page(0, SIZE);
    sheet_t *sheet = shelf_put(shelf, &key, &page, NULL, &err);
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
    own(shelf) shelf = shelf_new(1 << 20);
    err_t err;
    own(page) page = a_page(0, SIZE);
    sheet_t *sheet = shelf_alone(shelf, &page, NULL, &err);
    assert_int_equal(sheet->page.rows, ROWS);
    assert_false(finds(shelf, 0, 0));
    shelf_return(&sheet);
    assert_int_equal(shelf_bytes(shelf), 0);
}

typedef void (*damage_fn)(page_t *page);

static void
its_bytes(page_t *page)
{
    page->data[page->size / 2] ^= 0x55;
}

/* A frame that has no checksum of its own. */
static void
its_hash(page_t *page)
{
    size_t size = 0;
    err_t err;
    own(mem) raw = mem_array(1, page->raw_bytes);
    assert_true(page_inflate(page->data, page->size, raw, page->raw_bytes, &err));
    free(page->data);
    page->data = page_deflate(raw, page->raw_bytes, &size, &err);
    page->size = (uint32_t)size;
    assert_non_null(page->data);
    page_chain(page->before, page->data, page->size, page->hash);
    assert_true(page_sound(page));
    page->hash[0] ^= 1;
}

static void
its_size(page_t *page)
{
    page->raw_bytes++;
}

static void
a_damaged_page_is_no_sheet(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(1 << 20);
    own(room) room = room_new(1);
    const damage_fn ways[] = { its_bytes, its_hash, its_size };
    for (int i = 0; i < 6; i++) {
        err_t err;
        page_key_t key = a_key(0);
        bool large = i >= 3;
        own(page) page = a_page(0, large ? 2 * SHELF_LARGE : SIZE);
        ways[i % 3](page);
        claim_t claim = { NULL, 0 };
        if (large)
            assert_true(room_claim(room, page->raw_bytes, false, &claim, &err));
        assert_null(shelf_put(shelf, &key, &page, large ? &claim : NULL, &err));
        assert_int_equal(err.kind, ERR_INTERNAL);
        assert_int_equal(room_claimed(room), 0);
        assert_false(finds(shelf, 0, 0));
    }
    put(shelf, 0, 0);
    assert_true(finds(shelf, 0, 0));
}

static void
a_large_sheet_is_shared_and_goes_with_its_last_reader_and_its_claim(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(64 << 20);
    own(room) room = room_new(1);
    err_t err;
    page_key_t key = a_key(0);
    own(page) page = a_page(0, 3 * SHELF_LARGE);
    size_t raw_bytes = page->raw_bytes;
    claim_t claim = { NULL, 0 };
    assert_true(room_claim(room, raw_bytes + 1000, false, &claim, &err));
    sheet_t *sheet = shelf_put(shelf, &key, &page, &claim, &err);
    assert_non_null(sheet);
    assert_int_equal(claim.bytes, 0);
    assert_int_equal(room_claimed(room), raw_bytes);

    sheet_t *second = shelf_find(shelf, &key, 3);
    assert_ptr_equal(second, sheet);
    shelf_return(&sheet);
    assert_int_equal(room_claimed(room), raw_bytes);
    shelf_return(&second);
    assert_int_equal(room_claimed(room), 0);
    assert_false(finds(shelf, 0, 0));
    assert_int_equal(shelf_bytes(shelf), 0);
}

static void
a_large_page_that_comes_twice_is_counted_once(void **unused)
{
    (void)unused;
    own(shelf) shelf = shelf_new(0);
    own(room) room = room_new(64 << 20);
    err_t err;
    page_key_t key = a_key(0);
    sheet_t *sheets[2];
    size_t raw_bytes = 0;
    for (int i = 0; i < 2; i++) {
        own(page) page = a_page(0, 2 * SHELF_LARGE);
        raw_bytes = page->raw_bytes;
        claim_t claim = { NULL, 0 };
        assert_true(room_claim(room, raw_bytes, false, &claim, &err));
        sheets[i] = shelf_put(shelf, &key, &page, &claim, &err);
    }
    assert_ptr_equal(sheets[0], sheets[1]);
    assert_int_equal(room_claimed(room), raw_bytes);
    shelf_return(&sheets[0]);
    shelf_return(&sheets[1]);
    assert_int_equal(room_claimed(room), 0);
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
        cmocka_unit_test(a_large_sheet_is_shared_and_goes_with_its_last_reader_and_its_claim),
        cmocka_unit_test(a_large_page_that_comes_twice_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

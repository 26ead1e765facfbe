#include "tests/unit/unit.h"

#include <stdlib.h>

#include "api/rows.h"

enum { PAGES = 5, PAGE_ROWS = 10, ROWS = 43, NONE = -1 };

/* A result of 43 rows (number, text) in five pages of ten. */
typedef struct {
    page_t *pages[PAGES];
    int missing; /* this page is not there */
    int wrong;   /* instead of this page comes the one before it */
    bool expired;
    bool removed;
    int64_t bucket_us; /* where the pages are by now */
    int moves_at;      /* when this page is asked for they have just been moved */
    int asked;
    page_key_t key;
    job_t *job;
    result_t *result;
} world_t;

static page_t *
copy(const page_t *page)
{
    page_t *copy = mem_new(sizeof *copy);
    *copy = *page;
    copy->data = (uint8_t *)mem_copy(page->data, page->size);
    return copy;
}

static page_t *
fetch(void *arg, const page_key_t *key, int64_t row, uint32_t *raw_bytes, err_t *err)
{
    world_t *world = arg;
    world->asked++;
    world->key = *key;
    int n = (int)(row / PAGE_ROWS);
    if (n == world->moves_at) {
        world->bucket_us++;
        world->moves_at = NONE;
    }
    if (n == world->missing || key->bucket_us != world->bucket_us) {
        err_set(err, ERR_NOT_FOUND, "no page");
        return NULL;
    }
    if (n == world->wrong)
        n--;
    *raw_bytes = world->pages[n]->raw_bytes;
    return copy(world->pages[n]);
}

static bool
expired(void *arg, const job_t *job)
{
    world_t *world = arg;
    assert_ptr_equal(job, world->job);
    return world->expired;
}

static bool
where(void *arg, const job_t *job, int64_t *bucket_us, err_t *err)
{
    world_t *world = arg;
    assert_ptr_equal(job, world->job);
    *bucket_us = world->bucket_us;
    return !world->removed || err_set(err, ERR_GONE, "removed");
}

static page_t *
a_page(page_writer_t *writer, int first, int count, uint32_t cells)
{
    for (int i = first; i < first + count; i++) {
        page_row_open(writer, cells);
        page_cell_int(writer, i);
        if (cells > 1)
            page_cell_text(writer, "row", 3);
        assert_true(page_row_close(writer));
    }
    err_t err;
    page_t *page = page_writer_close(writer, &err);
    assert_non_null(page);
    return page;
}

static void
world_init(world_t *world)
{
    *world = (world_t){ .missing = NONE, .wrong = NONE, .moves_at = NONE, .bucket_us = 77 };
    own(page_writer) writer = page_writer_new(4096, 1000, 4096);
    for (int n = 0; n < PAGES; n++) {
        int count = n < PAGES - 1 ? PAGE_ROWS : ROWS - n * PAGE_ROWS;
        world->pages[n] = a_page(writer, n * PAGE_ROWS, count, 2);
    }
    world->job = job_new();
    world->job->id = jobid_make(1000, 0);
    world->job->attempt = 4;
    world->job->bucket_us = 77;
    world->job->manifest = manifest_new();
    world->result = manifest_add(world->job->manifest);
    world->result->ordinal = 2;
    world->result->step = 1;
    world->result->has_columns = true;
    result_columns(world->result, 2);
    world->result->rows = ROWS;
    world->result->pages = PAGES;
    memcpy(world->result->hash, world->pages[PAGES - 1]->hash, PAGE_HASH_SIZE);
}

static void
world_end(world_t *world)
{
    for (int n = 0; n < PAGES; n++)
        page_destroy(&world->pages[n]);
    job_destroy(&world->job);
}

static rows_t *
open_rows(world_t *world, int64_t offset, err_t *err)
{
    page_source_t source = { fetch, expired, where, world };
    return rows_new(&source, world->job, world->result, offset, err);
}

/* Read to the end, or to a failure; how many rows there were. */
static int
read_all(rows_t *rows, int64_t from, err_t *err)
{
    int count = 0;
    while (rows_next(rows, err)) {
        cell_t number;
        cell_t text;
        assert_true(rows_cell(rows, &number, err));
        assert_int_equal(number.number, from + count);
        assert_true(rows_cell(rows, &text, err));
        assert_int_equal(text.bytes.size, 3);
        count++;
    }
    return count;
}

static void
every_row_comes_once_and_in_order(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    assert_non_null(rows);
    assert_int_equal(read_all(rows, 0, &err), ROWS);
    assert_int_equal(err.kind, ERR_NONE);
    assert_false(rows_next(rows, &err));
    assert_int_equal(world.asked, PAGES);
    world_end(&world);
}

static void
reading_begins_at_any_row_with_one_page(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    for (int64_t offset = 0; offset < ROWS; offset++) {
        err_t err;
        world.asked = 0;
        own(rows) rows = open_rows(&world, offset, &err);
        assert_non_null(rows);
        assert_true(rows_next(rows, &err));
        cell_t cell;
        assert_true(rows_cell(rows, &cell, &err));
        assert_int_equal(cell.number, offset);
        assert_int_equal(world.asked, 1);
        assert_int_equal(read_all(rows, offset + 1, &err), ROWS - offset - 1);
        assert_int_equal(err.kind, ERR_NONE);
    }
    world_end(&world);
}

static void
cells_that_are_not_read_are_stepped_over(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    int count = 0;
    while (rows_next(rows, &err))
        count++;
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(count, ROWS);
    world_end(&world);
}

static void
the_pages_of_a_result_are_of_the_attempt_that_it_names(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.result->attempt = 2;
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    assert_true(rows_next(rows, &err));
    assert_int_equal(world.key.attempt, 2);
    world_end(&world);
}

static void
pages_are_asked_for_by_attempt_step_and_result(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    err_t err;
    own(rows) rows = open_rows(&world, 30, &err);
    assert_true(rows_next(rows, &err));
    assert_true(jobid_equal(&world.key.job, &world.job->id));
    assert_int_equal(world.key.attempt, 4);
    assert_int_equal(world.key.bucket_us, 77);
    assert_int_equal(world.key.step, 1);
    assert_int_equal(world.key.result, 2);
    world_end(&world);
}

static void
behind_the_last_row_is_the_end_and_no_page(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    err_t err;
    own(rows) rows = open_rows(&world, ROWS, &err);
    assert_non_null(rows);
    assert_false(rows_next(rows, &err));
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(world.asked, 0);
    world_end(&world);
}

static void
an_inline_result_needs_no_store(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.result->rows = PAGE_ROWS;
    world.result->pages = 0;
    world.result->raw_bytes = world.pages[0]->raw_bytes;
    world.result->inlined_size = world.pages[0]->size;
    world.result->inlined = (uint8_t *)mem_copy(world.pages[0]->data, world.pages[0]->size);
    err_t err;
    own(rows) rows = open_rows(&world, 3, &err);
    assert_non_null(rows);
    assert_int_equal(read_all(rows, 3, &err), PAGE_ROWS - 3);
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(world.asked, 0);
    world_end(&world);
}

static void
an_expired_job_has_no_rows(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.job->expired = true;
    err_t err;
    assert_null(open_rows(&world, 0, &err));
    assert_int_equal(err.kind, ERR_GONE);
    assert_int_equal(world.asked, 0);
    world_end(&world);
}

static void
a_missing_page_means_not_whole(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.missing = 2;
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    assert_int_equal(read_all(rows, 0, &err), 2 * PAGE_ROWS);
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_string_equal(err.text, "the result is not whole");
    world_end(&world);
}

static void
pages_that_are_moved_while_they_are_read_are_found_again(void **unused)
{
    (void)unused;
    for (int page = 0; page < PAGES; page++) {
        world_t world;
        world_init(&world);
        world.moves_at = page;
        err_t err;
        own(rows) rows = open_rows(&world, 0, &err);
        assert_int_equal(read_all(rows, 0, &err), ROWS);
        assert_int_equal(err.kind, ERR_NONE);
        assert_int_equal(world.asked, PAGES + 1);
        world_end(&world);
    }
}

static void
a_job_that_is_removed_while_it_is_read_is_gone(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.missing = 2;
    world.removed = true;
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    assert_int_equal(read_all(rows, 0, &err), 2 * PAGE_ROWS);
    assert_int_equal(err.kind, ERR_GONE);
    world_end(&world);
}

/* Read with one page being another one in its place; how many rows came before it was noticed. */
static int
read_with(int place, bool chained, int64_t offset)
{
    world_t world;
    world_init(&world);
    own(page_writer) writer = page_writer_new(4096, 1000, 4096);
    page_t *page = a_page(writer, place * PAGE_ROWS, (int)world.pages[place]->rows, 2);
    page->first_row = world.pages[place]->first_row;
    if (chained)
        memcpy(page->hash, world.pages[place]->hash, PAGE_HASH_SIZE);
    page->data[page->size - 1] ^= 1;
    page_destroy(&world.pages[place]);
    world.pages[place] = page;
    err_t err;
    own(rows) rows = open_rows(&world, offset, &err);
    int count = read_all(rows, offset, &err);
    assert_int_equal(err.kind, ERR_INTERNAL);
    world_end(&world);
    return count;
}

static void
a_page_of_another_result_in_its_place_is_refused(void **unused)
{
    (void)unused;
    for (int page = 0; page < PAGES; page++) {
        assert_int_equal(read_with(page, false, 0), page * PAGE_ROWS);
        assert_int_equal(read_with(page, true, 0), page * PAGE_ROWS);
    }
}

static void
a_last_page_that_is_not_the_manifests_is_refused(void **unused)
{
    (void)unused;
    assert_int_equal(read_with(PAGES - 1, false, ROWS - 1), 0);
}

static void
a_result_that_has_more_rows_than_its_manifest_is_refused(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.result->rows = ROWS - 1;
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    assert_int_equal(read_all(rows, 0, &err), (PAGES - 1) * PAGE_ROWS);
    assert_int_equal(err.kind, ERR_INTERNAL);
    world_end(&world);
}

static void
pages_that_expire_while_they_are_read_are_gone(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.missing = 2;
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    world.expired = true;
    assert_int_equal(read_all(rows, 0, &err), 2 * PAGE_ROWS);
    assert_int_equal(err.kind, ERR_GONE);
    world_end(&world);
}

static void
a_page_that_does_not_hold_the_row_is_refused(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.wrong = 1;
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    assert_int_equal(read_all(rows, 0, &err), PAGE_ROWS);
    assert_int_equal(err.kind, ERR_INTERNAL);
    world_end(&world);
}

static void
rows_of_another_width_are_refused(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    own(page_writer) writer = page_writer_new(4096, 1000, 4096);
    page_destroy(&world.pages[0]);
    world.pages[0] = a_page(writer, 0, PAGE_ROWS, 1);
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    assert_false(rows_next(rows, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    world_end(&world);
}

static void
a_page_with_fewer_rows_than_it_says_is_refused(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.pages[PAGES - 1]->rows++;
    world.result->rows++;
    err_t err;
    own(rows) rows = open_rows(&world, 0, &err);
    assert_int_equal(read_all(rows, 0, &err), ROWS);
    assert_int_equal(err.kind, ERR_INTERNAL);
    world_end(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_comes_once_and_in_order),
        cmocka_unit_test(reading_begins_at_any_row_with_one_page),
        cmocka_unit_test(cells_that_are_not_read_are_stepped_over),
        cmocka_unit_test(pages_are_asked_for_by_attempt_step_and_result),
        cmocka_unit_test(the_pages_of_a_result_are_of_the_attempt_that_it_names),
        cmocka_unit_test(behind_the_last_row_is_the_end_and_no_page),
        cmocka_unit_test(an_inline_result_needs_no_store),
        cmocka_unit_test(an_expired_job_has_no_rows),
        cmocka_unit_test(a_missing_page_means_not_whole),
        cmocka_unit_test(pages_that_are_moved_while_they_are_read_are_found_again),
        cmocka_unit_test(a_job_that_is_removed_while_it_is_read_is_gone),
        cmocka_unit_test(a_page_of_another_result_in_its_place_is_refused),
        cmocka_unit_test(a_last_page_that_is_not_the_manifests_is_refused),
        cmocka_unit_test(a_result_that_has_more_rows_than_its_manifest_is_refused),
        cmocka_unit_test(pages_that_expire_while_they_are_read_are_gone),
        cmocka_unit_test(a_page_that_does_not_hold_the_row_is_refused),
        cmocka_unit_test(rows_of_another_width_are_refused),
        cmocka_unit_test(a_page_with_fewer_rows_than_it_says_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Rows of a result that is not what its manifest says, or goes while it is read. */
#include "tests/unit/unit.h"

#include "tests/unit/rows_world.h"

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

/* Whether it was asked for ahead or not. */
static void
a_page_that_goes_out_as_it_is_stored_is_what_its_hash_says(void **unused)
{
    (void)unused;
    for (int place = 0; place < 2 * PAGES; place++) {
        world_t world;
        world_init(&world);
        world.ahead = place >= PAGES;
        const page_t *page = world.pages[place % PAGES];
        page->data[page->size / 2] ^= 1;
        err_t err;
        own(rows) rows = open_as(&world, 0, true, &err);
        run_t run;
        int count = 0;
        while (rows_run(rows, INT64_MAX, &run, &err))
            count += (int)run.rows;
        assert_int_equal(err.kind, ERR_INTERNAL);
        assert_int_equal(count, place % PAGES * PAGE_ROWS);
        world_end(&world);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(an_expired_job_has_no_rows),
        CLAIM(a_missing_page_means_not_whole),
        CLAIM(pages_that_are_moved_while_they_are_read_are_found_again),
        CLAIM(a_job_that_is_removed_while_it_is_read_is_gone),
        CLAIM(a_page_of_another_result_in_its_place_is_refused),
        CLAIM(a_page_that_goes_out_as_it_is_stored_is_what_its_hash_says),
        CLAIM(a_last_page_that_is_not_the_manifests_is_refused),
        CLAIM(a_result_that_has_more_rows_than_its_manifest_is_refused),
        CLAIM(pages_that_expire_while_they_are_read_are_gone),
        CLAIM(a_page_that_does_not_hold_the_row_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Pages that threads inflate for their readers. */
#include "tests/unit/unit.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "api/inflaters.h"
#include "common/clock.h"

enum { PAGES = 3, ROWS = 4, WAIT_MS = 5000 };

typedef struct {
    shelf_t *shelf;
    inflaters_t *inflaters;
    errand_t errands[PAGES];
} world_t;

static page_t *
a_page(int64_t first_row)
{
    own(page_writer) writer = page_writer_new(4096, 100, 4096);
    err_t err;
    for (int i = 0; i < ROWS; i++) {
        page_row_open(writer, 1);
        page_cell_int(writer, first_row + i);
        assert_true(page_row_close(writer));
    }
    page_t *page = page_writer_close(writer, &err);
    assert_non_null(page);
    page->first_row = first_row;
    return page;
}

static void
world_init(world_t *world, uint32_t threads)
{
    err_t err;
    memset(world, 0, sizeof *world);
    world->shelf = shelf_new(1 << 20);
    world->inflaters = inflaters_new(threads, world->shelf, &err);
    assert_non_null(world->inflaters);
    for (int i = 0; i < PAGES; i++) {
        world->errands[i].key.job = jobid_make(1000, 0);
        world->errands[i].page = a_page((int64_t)i * ROWS);
        world->errands[i].next = i + 1 < PAGES ? &world->errands[i + 1] : NULL;
    }
}

static void
world_end(world_t *world)
{
    for (int i = 0; i < PAGES; i++) {
        shelf_return(&world->errands[i].sheet);
        page_destroy(&world->errands[i].page);
    }
    inflaters_destroy(&world->inflaters);
    shelf_destroy(&world->shelf);
}

/* A thread is idle only some time after it was started, or was done. */
static void
send_soon(world_t *world, errand_t *errands)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (!inflaters_send(world->inflaters, errands)) {
        assert_true(clock_mono_ms() < until_ms);
        sched_yield();
    }
}

static void
all_that_is_handed_over_is_inflated(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world, 1);
    send_soon(&world, world.errands);
    for (int i = 0; i < PAGES; i++) {
        errand_t *errand = &world.errands[i];
        errand_await(errand);
        assert_false(errand->sent);
        assert_null(errand->page);
        assert_non_null(errand->sheet);
        assert_int_equal(errand->sheet->page.first_row, i * ROWS);
        sheet_t *found = shelf_find(world.shelf, &errand->key, i * ROWS);
        assert_ptr_equal(found, errand->sheet);
        shelf_return(&found);
    }
    world_end(&world);
}

static void
a_thread_that_is_done_is_there_for_the_next(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world, 1);
    for (int i = 0; i < PAGES; i++) {
        world.errands[i].next = NULL;
        send_soon(&world, &world.errands[i]);
        errand_await(&world.errands[i]);
        assert_non_null(world.errands[i].sheet);
    }
    world_end(&world);
}

static void
where_no_thread_is_free_everything_stays_with_the_reader(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world, 0);
    assert_false(inflaters_send(world.inflaters, world.errands));
    for (int i = 0; i < PAGES; i++) {
        errand_await(&world.errands[i]); /* was not sent */
        assert_non_null(world.errands[i].page);
        assert_null(world.errands[i].sheet);
    }
    world_end(&world);
}

static void
a_damaged_page_becomes_nothing_and_the_others_do(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world, 1);
    page_t *damaged = world.errands[1].page;
    damaged->data[damaged->size / 2] ^= 0x55;
    send_soon(&world, world.errands);
    for (int i = 0; i < PAGES; i++) {
        errand_await(&world.errands[i]);
        assert_null(world.errands[i].page);
        assert_int_equal(world.errands[i].sheet != NULL, i != 1);
    }
    world_end(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_handed_over_is_inflated),
        cmocka_unit_test(a_thread_that_is_done_is_there_for_the_next),
        cmocka_unit_test(where_no_thread_is_free_everything_stays_with_the_reader),
        cmocka_unit_test(a_damaged_page_becomes_nothing_and_the_others_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

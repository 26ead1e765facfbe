/* Rows of a result, run by run. */
#include "tests/unit/unit.h"

#include "tests/unit/rows_world.h"

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
    run_t run;
    assert_false(rows_run(rows, INT64_MAX, &run, &err));
    assert_int_equal(err.kind, ERR_NONE);
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
        assert_true(read_one(rows, offset, &err));
        assert_int_equal(world.asked, 1);
        assert_int_equal(read_all(rows, offset + 1, &err), ROWS - offset - 1);
        assert_int_equal(err.kind, ERR_NONE);
    }
    world_end(&world);
}

static void
runs_of_any_size_are_the_same_rows(void **unused)
{
    (void)unused;
    for (int64_t most = 1; most <= PAGE_ROWS + 1; most++) {
        world_t world;
        world_init(&world);
        err_t err;
        own(rows) rows = open_rows(&world, 7, &err);
        run_t run;
        int64_t next = 7;
        while (rows_run(rows, most, &run, &err)) {
            assert_in_range(run.rows, 1, most);
            walk(&run, next);
            next += run.rows;
        }
        assert_int_equal(err.kind, ERR_NONE);
        assert_int_equal(next, ROWS);
        assert_int_equal(world.asked, PAGES);
        world_end(&world);
    }
}

static void
a_trimmed_run_is_its_rows_and_nothing_else(void **unused)
{
    (void)unused;
    enum { ROW_BYTES = 6 }; /* its head, a number, a text of three */
    for (int most = 1; most <= 2 * PAGE_ROWS; most++) {
        world_t world;
        world_init(&world);
        err_t err;
        own(rows) rows = open_rows(&world, 2, &err);
        run_t run;
        int64_t next = 2;
        while (rows_run(rows, most, &run, &err)) {
            assert_true(run_trim(&run, &err));
            assert_int_equal(run.size, run.rows * ROW_BYTES);
            walk(&run, next);
            next += run.rows;
        }
        assert_int_equal(next, ROWS);
        world_end(&world);
    }
}

static void
whole_pages_come_as_they_are_stored(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    err_t err;
    own(rows) rows = open_as(&world, 5, true, &err);
    run_t run;
    assert_true(rows_run(rows, 31, &run, &err)); /* the rest of the first page */
    assert_null(run.stored);
    walk(&run, 5);
    for (int n = 1; n < 3; n++) {
        assert_true(rows_run(rows, 36 - n * PAGE_ROWS, &run, &err));
        assert_int_equal(run.rows, PAGE_ROWS);
        assert_int_equal(run.first_row, n * PAGE_ROWS);
        assert_int_equal(run.stored->size, world.pages[n]->size);
        assert_memory_equal(run.stored->data, world.pages[n]->data, run.stored->size);
    }
    assert_true(rows_run(rows, 6, &run, &err)); /* a part of the fourth */
    assert_null(run.stored);
    assert_int_equal(run.rows, 6);
    walk(&run, 30);
    world_end(&world);
}

/* The rows, which the world outlives. */
#define READING(world, rows, offset, stored)                                                       \
    world_t world;                                                                                 \
    err_t err;                                                                                     \
    world_init(&(world));                                                                          \
    (world).ahead = true;                                                                          \
    rows_t *rows = open_as(&(world), offset, stored, &err);                                        \
    assert_non_null(rows)

static void
pages_behind_the_one_in_hand_are_asked_for_together(void **unused)
{
    (void)unused;
    for (int stored = 0; stored < 2; stored++) {
        READING(world, rows, 0, stored);
        run_t run;
        assert_true(rows_run(rows, ROWS, &run, &err));
        assert_int_equal(world.asks, 1);
        assert_int_equal(world.ask_page, 1);
        assert_int_equal(world.ask_count, PAGES - 1);
        assert_true(world.under_way);
        for (int n = 1; n < PAGES; n++) {
            assert_true(rows_run(rows, ROWS - n * PAGE_ROWS, &run, &err));
            assert_int_equal(run.first_row, n * PAGE_ROWS);
        }
        assert_int_equal(world.asks, 1);
        assert_int_equal(world.asked, PAGES);
        rows_destroy(&rows);
        world_end(&world);
    }
}

static void
pages_that_came_are_inflated_meanwhile_unless_they_are_wanted_as_they_are(void **unused)
{
    (void)unused;
    for (int stored = 0; stored < 2; stored++) {
        READING(world, rows, 0, stored);
        run_t run;
        assert_true(rows_run(rows, ROWS, &run, &err));
        assert_int_equal(world.inflated, 0);
        assert_true(rows_run(rows, ROWS - PAGE_ROWS, &run, &err));
        assert_int_equal(world.inflated, stored ? 0 : PAGES - 2);
        rows_destroy(&rows);
        world_end(&world);
    }
}

static void
where_nobody_inflates_the_reader_does(void **unused)
{
    (void)unused;
    READING(world, rows, 0, false);
    world.busy = true;
    assert_int_equal(read_all(rows, 0, &err), ROWS);
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(world.inflated, 0);
    assert_int_equal(world.asked, PAGES);
    rows_destroy(&rows);
    world_end(&world);
}

static void
a_page_of_which_no_row_is_wanted_is_not_asked_for(void **unused)
{
    (void)unused;
    READING(world, rows, 0, false);
    run_t run;
    assert_true(rows_run(rows, 15, &run, &err));
    assert_int_equal(world.ask_count, 1);
    assert_true(rows_run(rows, 5, &run, &err));
    walk(&run, PAGE_ROWS);
    assert_int_equal(world.asks, 1);
    assert_int_equal(read_all(rows, 15, &err), ROWS - 15);
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(world.asked, PAGES);
    rows_destroy(&rows);
    world_end(&world);
}

static void
who_settles_has_no_connection_and_loses_nothing(void **unused)
{
    (void)unused;
    READING(world, rows, 0, false);
    run_t run;
    assert_true(rows_run(rows, ROWS, &run, &err));
    assert_true(world.under_way);
    rows_settle(rows);
    assert_false(world.under_way);
    rows_settle(rows);
    assert_int_equal(read_all(rows, PAGE_ROWS, &err), ROWS - PAGE_ROWS);
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(world.asked, PAGES);
    rows_destroy(&rows);
    world_end(&world);
}

static void
who_fetches_a_page_itself_keeps_no_connection(void **unused)
{
    (void)unused;
    for (int way = 0; way < 2; way++) {
        READING(world, rows, 0, false);
        world.large = way == 0 ? 2 : NONE;
        run_t run;
        assert_true(rows_run(rows, 2 * PAGE_ROWS + 5, &run, &err));
        assert_int_equal(world.ask_count, 2);
        assert_true(rows_run(rows, ROWS, &run, &err));
        assert_int_equal(world.ask_count, 2);
        assert_true(world.under_way);
        if (way == 1) /* it is not found where it was */
            world.missing = 3;
        int from = 2 * PAGE_ROWS;
        int rest = read_all(rows, from, &err);
        assert_int_equal(rest, way == 0 ? ROWS - from : PAGE_ROWS);
        assert_int_equal(err.kind, way == 0 ? ERR_NONE : ERR_INTERNAL);
        rows_destroy(&rows);
        world_end(&world);
    }
}

static void
who_leaves_early_gives_the_connection_back(void **unused)
{
    (void)unused;
    READING(world, rows, 0, false);
    assert_int_equal(world.asks, 0);
    run_t run;
    assert_true(rows_run(rows, ROWS, &run, &err));
    assert_true(world.under_way);
    rows_destroy(&rows);
    assert_false(world.under_way);
    world_end(&world);
}

static void
a_large_page_is_fetched_when_it_is_needed_and_there_is_room(void **unused)
{
    (void)unused;
    for (int way = 0; way < 4; way++) {
        world_t world;
        world_init(&world);
        world.large = 2;
        world.ahead = way & 1;
        err_t err;
        own(rows) rows = open_as(&world, 0, way & 2, &err);
        run_t run;
        int count = 0;
        while (rows_run(rows, ROWS - count, &run, &err)) {
            assert_int_equal(run.first_row, count);
            bool large = count == 2 * PAGE_ROWS;
            assert_int_equal(room_claimed(room) > 0, large);
            count += (int)run.rows;
        }
        assert_int_equal(err.kind, ERR_NONE);
        assert_int_equal(count, ROWS);
        const page_t *page = world.pages[2];
        assert_int_equal(world.claimed, page->raw_bytes + 2 * page->size);
        assert_int_equal(room_claimed(room), 0);
        world_end(&world);
    }
}

static void
a_large_page_that_somebody_has_by_then_is_not_fetched(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.large = 0;
    err_t err;
    own(rows) one = open_rows(&world, 0, &err);
    assert_true(read_one(one, 0, &err));
    size_t claimed = room_claimed(room);
    int asked = world.asked;
    own(rows) two = open_rows(&world, 5, &err);
    assert_true(read_one(two, 5, &err));
    assert_int_equal(world.asked, asked);
    assert_int_equal(room_claimed(room), claimed);
    rows_destroy(&one);
    assert_true(read_one(two, 6, &err));
    rows_destroy(&two);
    assert_int_equal(room_claimed(room), 0);
    world_end(&world);
}

static void
what_did_not_come_is_fetched_when_it_is_needed(void **unused)
{
    (void)unused;
    for (int stored = 0; stored < 2; stored++) {
        READING(world, rows, 0, stored == 1);
        world.moves_at = 2; /* it is not found where it was */
        run_t run;
        int count = 0;
        while (rows_run(rows, INT64_MAX, &run, &err)) {
            assert_int_equal(run.stored != NULL, stored == 1);
            count += (int)run.rows;
        }
        assert_int_equal(err.kind, ERR_NONE);
        assert_int_equal(count, ROWS);
        rows_destroy(&rows);
        world_end(&world);
    }
}

static void
readers_of_one_result_share_its_pages(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    shelf_destroy(&shelf);
    shelf = shelf_new(1 << 20);
    err_t err;
    for (int i = 0; i < 100; i++) {
        int64_t offset = i * 7 % ROWS;
        own(rows) rows = open_rows(&world, offset, &err);
        assert_int_equal(read_all(rows, offset, &err), ROWS - offset);
        assert_int_equal(err.kind, ERR_NONE);
    }
    assert_int_equal(world.asked, PAGES);
    world_end(&world);
}

static void
what_another_reader_has_is_not_asked_for(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world);
    world.ahead = true;
    shelf_destroy(&shelf);
    shelf = shelf_new(1 << 20);
    err_t err;
    for (int i = 0; i < 3; i++) {
        own(rows) rows = open_rows(&world, 0, &err);
        assert_int_equal(read_all(rows, 0, &err), ROWS);
        assert_int_equal(err.kind, ERR_NONE);
        assert_int_equal(world.asks, 1);
        assert_int_equal(world.asked, PAGES);
    }
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
    assert_true(read_one(rows, 0, &err));
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
    assert_true(read_one(rows, 30, &err));
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
    assert_false(read_one(rows, ROWS, &err));
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
    world.result->inlined =
        (uint8_t *)mem_copy((const char *)world.pages[0]->data, world.pages[0]->size);
    memcpy(world.result->hash, world.pages[0]->hash, PAGE_HASH_SIZE);
    err_t err;
    own(rows) rows = open_rows(&world, 3, &err);
    assert_non_null(rows);
    assert_int_equal(read_all(rows, 3, &err), PAGE_ROWS - 3);
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(world.asked, 0);
    world_end(&world);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(every_row_comes_once_and_in_order),
        CLAIM(reading_begins_at_any_row_with_one_page),
        CLAIM(runs_of_any_size_are_the_same_rows),
        CLAIM(a_trimmed_run_is_its_rows_and_nothing_else),
        CLAIM(whole_pages_come_as_they_are_stored),
        CLAIM(pages_behind_the_one_in_hand_are_asked_for_together),
        CLAIM(pages_that_came_are_inflated_meanwhile_unless_they_are_wanted_as_they_are),
        CLAIM(where_nobody_inflates_the_reader_does),
        CLAIM(a_page_of_which_no_row_is_wanted_is_not_asked_for),
        CLAIM(who_settles_has_no_connection_and_loses_nothing),
        CLAIM(who_fetches_a_page_itself_keeps_no_connection),
        CLAIM(who_leaves_early_gives_the_connection_back),
        CLAIM(a_large_page_is_fetched_when_it_is_needed_and_there_is_room),
        CLAIM(a_large_page_that_somebody_has_by_then_is_not_fetched),
        CLAIM(what_did_not_come_is_fetched_when_it_is_needed),
        CLAIM(readers_of_one_result_share_its_pages),
        CLAIM(what_another_reader_has_is_not_asked_for),
        CLAIM(pages_are_asked_for_by_attempt_step_and_result),
        CLAIM(the_pages_of_a_result_are_of_the_attempt_that_it_names),
        CLAIM(behind_the_last_row_is_the_end_and_no_page),
        CLAIM(an_inline_result_needs_no_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

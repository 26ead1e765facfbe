/* How far ahead pages are asked for, and when they are taken. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "api/ahead.h"

enum { ROWS = 10, PAGES = 40, END = PAGES * ROWS };

/* A store whose pages are all alike, and nobody who inflates. */
typedef struct {
    ahead_t ahead;
    page_source_t source;
    page_t like;
    int64_t row; /* that was asked for last */
    uint32_t count;
    int asks;
    int answers;
} world_t;

static store_t *
ask(void *arg, const page_key_t *key, int64_t row, uint32_t most, uint32_t count)
{
    world_t *world = arg;
    (void)key;
    assert_int_equal(most, SHELF_LARGE);
    assert_int_equal(world->asks, world->answers);
    world->asks++;
    world->row = row;
    world->count = count;
    return arg;
}

static page_t *
a_page(const world_t *world, int64_t first_row)
{
    page_t *page = mem_new(sizeof *page);
    *page = world->like;
    page->first_row = first_row;
    page->data = mem_new(1);
    page->hash[0] = (uint8_t)(first_row / ROWS);
    return page;
}

static uint32_t
answer(void *arg, store_t **asked, const uint8_t before[PAGE_HASH_SIZE], page_t **pages,
       uint32_t count)
{
    world_t *world = arg;
    assert_ptr_equal(take(*asked), arg);
    assert_int_equal(count, world->count);
    assert_int_equal(before[0], world->row / ROWS - 1);
    world->answers++;
    for (uint32_t i = 0; i < count; i++)
        pages[i] = a_page(world, world->row + (int64_t)i * ROWS);
    return count;
}

static bool
inflate(void *arg, errand_t *errands)
{
    (void)arg;
    (void)errands;
    return false;
}

/* Nobody else has read anything. */
static shelf_t *shelf;

static int
setup(void **unused)
{
    (void)unused;
    shelf = shelf_new(0);
    return 0;
}

static int
teardown(void **unused)
{
    (void)unused;
    shelf_destroy(&shelf);
    return 0;
}

/* Pages of so many bytes each. */
static void
world_init(world_t *world, uint32_t size, uint32_t raw_bytes)
{
    *world = (world_t){ .like = { .rows = ROWS, .size = size, .raw_bytes = raw_bytes } };
    world->source = (page_source_t){
        .ask = ask, .answer = answer, .inflate = inflate, .shelf = shelf, .arg = world
    };
}

/* The page that begins with `row` is in hand. */
static void
go(world_t *world, int64_t row, int64_t end)
{
    page_key_t key = { .attempt = 1 };
    page_t last = world->like;
    last.first_row = row;
    last.hash[0] = (uint8_t)(row / ROWS);
    ahead_go(&world->ahead, &world->source, &key, &last, end, true);
}

static bool
takes(world_t *world, int64_t row)
{
    page_t *page = NULL;
    sheet_t *sheet = NULL;
    ahead_take(&world->ahead, row, &page, &sheet);
    bool there = page && page->first_row == row;
    assert_true(there || !page);
    assert_null(sheet);
    page_destroy(&page);
    return there;
}

static void
as_much_is_asked_for_as_a_socket_holds(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t size;
        uint32_t raw_bytes;
        uint32_t asked;
    } cases[] = {
        { 41 << 10, 129 << 10, 3 },                                /* usual rows */
        { 70 << 10, 129 << 10, 2 },                                /* wide ones */
        { 130 << 10, 129 << 10, 2 },                               /* no codec makes them smaller */
        { 4 << 10, 129 << 10, 8 },                                 /* or much smaller */
        { 1 << 10, 4 << 10, 8 },      { 300 << 10, 500 << 10, 2 }, /* and here what is held counts
                                                                    */
        { 900 << 10, 1000 << 10, 1 }, { 5 << 20, 60 << 20, 1 },    { 0, 0, 8 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world_t world;
        world_init(&world, cases[i].size, cases[i].raw_bytes);
        go(&world, 0, END);
        assert_int_equal(world.asks, 1);
        assert_int_equal(world.row, ROWS);
        assert_int_equal(world.count, cases[i].asked);
        ahead_drop(&world.ahead);
        assert_int_equal(world.answers, 1);
    }
}

static void
nothing_is_asked_for_behind_the_last_row_that_is_wanted(void **unused)
{
    (void)unused;
    static const struct {
        int64_t end;
        uint32_t asked;
    } cases[] = {
        { ROWS, 0 }, { ROWS + 1, 1 }, { 2 * ROWS, 1 }, { 2 * ROWS + 1, 2 }, { END, 8 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world_t world;
        world_init(&world, 1000, 1000);
        go(&world, 0, cases[i].end);
        assert_int_equal(world.count, cases[i].asked);
        assert_int_equal(world.asks, cases[i].asked > 0);
        ahead_drop(&world.ahead);
    }
}

static void
a_reader_finds_every_page_and_never_holds_more_than_eight(void **unused)
{
    (void)unused;
    static const uint32_t sizes[] = { 1 << 10, 41 << 10, 70 << 10, 130 << 10 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        world_t world;
        world_init(&world, sizes[i], 129 << 10);
        for (int64_t row = 0; row < END; row += ROWS) {
            assert_int_equal(takes(&world, row), row > 0);
            go(&world, row, END);
            uint32_t coming = world.ahead.asked ? world.count : 0;
            assert_in_range(world.ahead.count + coming, row + ROWS < END ? 1 : 0, AHEAD_PAGES);
        }
        assert_int_equal(world.asks, world.answers);
        ahead_drop(&world.ahead);
    }
}

/* What was asked for while one page was used is taken with a page in between at least. */
static void
the_store_has_time_to_answer(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world, 41 << 10, 129 << 10);
    int64_t asked_at = 0;
    int soon = 0;
    for (int64_t row = 0; row < END; row += ROWS) {
        (void)takes(&world, row);
        int asks = world.asks;
        int answers = world.answers;
        go(&world, row, END);
        soon += world.answers > answers && row - asked_at <= ROWS;
        if (world.asks > asks)
            asked_at = row;
    }
    assert_in_range(soon, 0, 3); /* while there is little at the beginning */
    ahead_drop(&world.ahead);
}

static void
pages_before_the_one_that_is_wanted_are_dropped(void **unused)
{
    (void)unused;
    world_t world;
    world_init(&world, 1000, 1000);
    go(&world, 0, END);
    assert_true(takes(&world, 4 * ROWS));
    assert_int_equal(world.ahead.count, 4);
    assert_false(takes(&world, 3 * ROWS));
    assert_true(takes(&world, 5 * ROWS));
    assert_false(takes(&world, END));
    assert_int_equal(world.ahead.count, 0);
    ahead_drop(&world.ahead);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_much_is_asked_for_as_a_socket_holds),
        cmocka_unit_test(nothing_is_asked_for_behind_the_last_row_that_is_wanted),
        cmocka_unit_test(a_reader_finds_every_page_and_never_holds_more_than_eight),
        cmocka_unit_test(the_store_has_time_to_answer),
        cmocka_unit_test(pages_before_the_one_that_is_wanted_are_dropped),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* rows_world.h - a result of five pages, for tests of what reads rows. */
#ifndef TESTS_UNIT_ROWS_WORLD_H
#define TESTS_UNIT_ROWS_WORLD_H

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
    int large;      /* the store lets this page's bytes only go on demand */
    size_t claimed; /* when they were asked for */

    bool ahead; /* pages can be asked for ahead */
    bool busy;  /* all who inflate are */
    int asks;
    bool under_way; /* an ask was not answered yet */
    page_key_t ask_key;
    int ask_page;
    uint32_t ask_count;
    int inflated;
} world_t;

/* Outlives the rows, which a test gives up at its very end. */
static shelf_t *shelf;
static room_t *room;

static inline int
setup(void **unused)
{
    (void)unused;
    shelf = shelf_new(0);
    room = room_new(1 << 20);
    return 0;
}

static inline int
teardown(void **unused)
{
    (void)unused;
    shelf_destroy(&shelf);
    assert_int_equal(room_claimed(room), 0);
    room_destroy(&room);
    return 0;
}

static inline page_t *
copy(const page_t *page, uint32_t most)
{
    page_t *copy = mem_new(sizeof *copy);
    *copy = *page;
    copy->data =
        page->raw_bytes <= most ? (uint8_t *)mem_copy((const char *)page->data, page->size) : NULL;
    return copy;
}

static inline page_t *
fetch(void *arg, const page_key_t *key, int64_t row, uint32_t most, err_t *err)
{
    world_t *world = arg;
    assert_false(world->under_way); /* or who waits for a connection keeps one */
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
    if (n == world->large && most > SHELF_LARGE)
        world->claimed = room_claimed(room);
    return copy(world->pages[n], n == world->large && most <= SHELF_LARGE ? 0 : most);
}

/* The world stands for the connection that is lent. */
static inline store_t *
ask(void *arg, const page_key_t *key, int64_t row, uint32_t most, uint32_t count)
{
    world_t *world = arg;
    assert_int_equal(most, SHELF_LARGE);
    assert_int_equal(row % PAGE_ROWS, 0);
    assert_false(world->under_way);
    if (!world->ahead)
        return NULL;
    world->asks++;
    world->under_way = true;
    world->ask_key = *key;
    world->ask_page = (int)(row / PAGE_ROWS);
    world->ask_count = count;
    return arg;
}

static inline uint32_t
answer(void *arg, store_t **asked, const uint8_t before[PAGE_HASH_SIZE], page_t **pages,
       uint32_t count)
{
    world_t *world = arg;
    uint32_t came = 0;
    assert_true(world->under_way && take(*asked) == arg && count == world->ask_count);
    world->under_way = false;
    for (int n = world->ask_page; n < PAGES && came < count; n++) {
        err_t err;
        page_t *page = fetch(arg, &world->ask_key, (int64_t)n * PAGE_ROWS, SHELF_LARGE, &err);
        if (!page)
            break;
        memcpy(page->before, before, PAGE_HASH_SIZE);
        before = page->hash;
        pages[came++] = page;
    }
    return came;
}

/* Somebody who is done at once. */
static inline bool
inflate(void *arg, errand_t *errands)
{
    world_t *world = arg;
    err_t err;
    if (world->busy)
        return false;
    for (errand_t *errand = errands; errand; errand = errand->next) {
        assert_false(errand->sent);
        world->inflated++;
        errand->sent = true;
        latch_init(&errand->latch);
        errand->sheet = shelf_put(shelf, &errand->key, &errand->page, NULL, &err);
        latch_raise(&errand->latch, ERRAND_DONE);
    }
    return true;
}

static inline bool
expired(void *arg, const job_t *job)
{
    world_t *world = arg;
    assert_ptr_equal(job, world->job);
    return world->expired;
}

static inline bool
where(void *arg, const job_t *job, int64_t *bucket_us, err_t *err)
{
    world_t *world = arg;
    assert_ptr_equal(job, world->job);
    *bucket_us = world->bucket_us;
    return !world->removed || err_set(err, ERR_GONE, "removed");
}

static inline page_t *
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

static inline void
world_init(world_t *world)
{
    *world = (world_t){
        .missing = NONE, .wrong = NONE, .large = NONE, .moves_at = NONE, .bucket_us = 77
    };
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

static inline void
world_end(world_t *world)
{
    assert_false(world->under_way);
    for (int n = 0; n < PAGES; n++)
        page_destroy(&world->pages[n]);
    job_destroy(&world->job);
}

static inline rows_t *
open_as(world_t *world, int64_t offset, bool stored, err_t *err)
{
    const page_source_t source = { .page = fetch,
                                   .ask = ask,
                                   .answer = answer,
                                   .inflate = inflate,
                                   .expired = expired,
                                   .where = where,
                                   .shelf = shelf,
                                   .room = room,
                                   .arg = world };
    return rows_new(&source, world->job, world->result, offset, stored, err);
}

static inline rows_t *
open_rows(world_t *world, int64_t offset, err_t *err)
{
    return open_as(world, offset, false, err);
}

/* Walk over a run whose first row is `from`. */
static inline void
walk(const run_t *run, int64_t from)
{
    page_reader_t in;
    err_t err;
    uint32_t cells = 0;
    cell_t number;
    cell_t text;
    assert_int_equal(run->first_row, from);
    page_reader_init(&in, run->data, run->size);
    for (uint32_t i = 0; i < run->rows; i++) {
        assert_true(page_reader_row(&in, &cells, &err));
        assert_int_equal(cells, 2);
        assert_true(page_reader_cell(&in, &number, &err));
        assert_int_equal(number.number, from + i);
        assert_true(page_reader_cell(&in, &text, &err));
        assert_int_equal(text.bytes.size, 3);
    }
}

/* Read to the end, or to a failure; how many rows there were. */
static inline int
read_all(rows_t *rows, int64_t from, err_t *err)
{
    run_t run;
    int count = 0;
    while (rows_run(rows, INT64_MAX, &run, err)) {
        walk(&run, from + count);
        count += (int)run.rows;
    }
    return count;
}

/* Read one row. */
static inline bool
read_one(rows_t *rows, int64_t at, err_t *err)
{
    run_t run;
    if (!rows_run(rows, 1, &run, err))
        return false;
    assert_int_equal(run.rows, 1);
    walk(&run, at);
    return true;
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

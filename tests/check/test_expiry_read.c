/* test_expiry_read.c - reading results that are moved, expire or are removed meanwhile, against a
 * real PostgreSQL: what is read is whole, or its end is an error.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "api/rows.h"
#include "common/clock.h"
#include "tests/check/expiry_world.h"
#include "tests/unit/row_walk.h"

/* --- reading as an API node does --- */

static page_t *
page_of(void *arg, const page_key_t *key, int64_t row, uint32_t most, err_t *err)
{
    return store_page((store_t *)arg, key, row, most, err);
}

static bool
is_expired(void *unused, const job_t *job)
{
    (void)unused;
    return clock_wall_ms() >= job->expires_ms;
}

static bool
where_now(void *arg, const job_t *job, int64_t *bucket_us, err_t *err)
{
    find_t find = { .id = job->id, .tenant = job->tenant };
    find_t *list[] = { &find };
    if (!store_find((store_t *)arg, list, 1, err))
        return false;
    bool there = find.job && !find.job->expired;
    *bucket_us = there ? find.job->bucket_us : 0;
    job_destroy(&find.job);
    return there || err_set(err, ERR_GONE, "gone");
}

typedef struct {
    store_t *store;
    job_t *job;
    shelf_t *shelf;
    rows_t *rows;
} reading_t;

/* Find the job and open its result; false when there is nothing (any more) to be read. */
static bool
reading_open(reading_t *self, store_t *store, const jobid_t *id, err_t *err)
{
    find_t find = { .id = *id, .tenant = "demo", .whole = true };
    find_t *list[] = { &find };
    *self = (reading_t){ .store = store };
    if (!store_find(store, list, 1, err))
        return false;
    self->job = find.job;
    if (!self->job || !self->job->manifest)
        return err_set(err, ERR_GONE, "not there");
    self->shelf = shelf_new(0);
    const page_source_t source = { .page = page_of,
                                   .expired = is_expired,
                                   .where = where_now,
                                   .shelf = self->shelf,
                                   .arg = store };
    self->rows = rows_new(&source, self->job, &self->job->manifest->results[0], 0, false, err);
    return self->rows != NULL;
}

static void
reading_close(reading_t *self)
{
    rows_destroy(&self->rows);
    shelf_destroy(&self->shelf);
    job_destroy(&self->job);
}

/* Read on from row `from`, at most `limit` rows; how many there were, all of them what they should
 * be, or -1. */
static int
read_rows(reading_t *self, int64_t from, int limit, err_t *err)
{
    int count = 0;
    cell_t cell;
    while (count < limit && row_walk(self->rows, &cell, err)) {
        if ((int64_t)cell.number != from + count)
            return -1;
        count++;
    }
    return count;
}

/* --- one reader, and what happens when its first page is read --- */

static void
sql_of(const jobid_t *job, const char *format)
{
    char id[JOBID_TEXT_SIZE];
    const char *at = strstr(format, "%s");
    own(mem) sql = mem_format("%.*s%s%s", (int)(at - format), format, jobid_text(job, id), at + 2);
    tell(sql);
}

static void
nothing_happens(const jobid_t *job)
{
    (void)job;
}

static void
it_is_moved(const jobid_t *job)
{
    (void)job;
    sweep();
    assert_int_equal(old_buckets(), 0);
}

static void
it_is_kept(const jobid_t *job)
{
    sql_of(job, "WITH g AS (DELETE FROM job WHERE id = '%s' RETURNING *)"
                " INSERT INTO kept SELECT * FROM g");
    sweep();
}

static void
it_expires(const jobid_t *job)
{
    sql_of(job, "UPDATE job SET expires_at = now() - interval '2 minutes' WHERE id = '%s'");
    sweep();
    assert_int_equal(old_buckets(), 0);
}

static void
it_is_removed(const jobid_t *job)
{
    err_t err;
    CHECK(store_remove(world_store, job, "demo", &err));
}

static void
a_reader_in_the_middle_reads_all_or_hears_that_it_is_gone(void **unused)
{
    (void)unused;
    static const struct {
        void (*happens)(const jobid_t *job);
        err_kind_t end;
    } cases[] = { { nothing_happens, ERR_NONE },
                  { it_is_moved, ERR_NONE },
                  { it_is_kept, ERR_NONE },
                  { it_expires, ERR_GONE },
                  { it_is_removed, ERR_GONE } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        err_t err;
        reading_t reading;
        jobid_t job = a_done_job(3600);
        age(&job, 3);
        CHECK(reading_open(&reading, world_store, &job, &err));
        assert_int_equal(read_rows(&reading, 0, PAGE_ROWS, &err), PAGE_ROWS);
        cases[i].happens(&job);
        int rest = read_rows(&reading, PAGE_ROWS, RESULT_ROWS, &err);
        assert_int_equal(err.kind, cases[i].end);
        assert_int_equal(rest, cases[i].end == ERR_NONE ? RESULT_ROWS - PAGE_ROWS : 0);
        reading_close(&reading);
    }
}

/* --- many readers, and one who moves, lets expire and removes --- */

enum { JOBS = 24, READERS = 3, GROUPS = 3 };

static struct {
    jobid_t jobs[JOBS];
    atomic_bool over;
    atomic_int whole;
    atomic_int gone;
    atomic_int bad;
} arena;

static void
read_once(store_t *store, const jobid_t *job)
{
    err_t err;
    err_clear(&err);
    reading_t reading;
    int count = 0;
    if (reading_open(&reading, store, job, &err))
        count = read_rows(&reading, 0, RESULT_ROWS + 1, &err);
    if (err.kind == ERR_NONE && count == RESULT_ROWS)
        (void)atomic_fetch_add(&arena.whole, 1);
    else if (err.kind == ERR_GONE)
        (void)atomic_fetch_add(&arena.gone, 1);
    else {
        (void)atomic_fetch_add(&arena.bad, 1);
        print_error("%d rows, then %s %s\n", count, err.sqlstate, err.text);
    }
    reading_close(&reading);
}

static void *
read_on(void *unused)
{
    (void)unused;
    store_t *store = store_new(world_dsn, "test-read");
    bool last = false;
    while (!last) {
        last = atomic_load(&arena.over); /* one more round, of what is left */
        for (int i = 0; i < JOBS; i++)
            read_once(store, &arena.jobs[i]);
    }
    store_destroy(&store);
    return NULL;
}

/* A third of the jobs is moved, a third expires, a third is removed. */
static void
end_jobs(void)
{
    for (int i = 0; i < JOBS; i++) {
        if (i % GROUPS == 1)
            sql_of(&arena.jobs[i],
                   "UPDATE job SET expires_at = now() - interval '2 minutes' WHERE id = '%s'");
        if (i % GROUPS == 2)
            it_is_removed(&arena.jobs[i]);
        if (i == JOBS / 2)
            sweep();
    }
    sweep();
}

static void
many_readers_read_all_or_hear_that_it_is_gone(void **unused)
{
    (void)unused;
    pthread_t threads[READERS];
    for (int i = 0; i < JOBS; i++) {
        arena.jobs[i] = a_done_job(3600);
        age(&arena.jobs[i], 2 + i / (JOBS / 4));
    }
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, NULL), 0);
    end_jobs();
    atomic_store(&arena.over, true);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&arena.bad), 0);
    assert_true(atomic_load(&arena.whole) >= READERS * JOBS / GROUPS);
    assert_true(atomic_load(&arena.gone) >= READERS * JOBS / GROUPS);
    assert_int_equal(old_buckets(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_in_the_middle_reads_all_or_hears_that_it_is_gone),
        cmocka_unit_test(many_readers_read_all_or_hear_that_it_is_gone),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}

/* test_partial.c - what can be read of a running job: drafts beside its pages, and where these end.
 */
#include <stdlib.h>

#include "common/pg.h"
#include "tests/check/lane_world.h"

/* A result of the one column "n", as its draft stands in the store. */
static page_t *
a_draft(uint32_t ordinal, const char *name)
{
    own(manifest) manifest = manifest_new();
    result_t *result = manifest_add(manifest);
    result->ordinal = ordinal;
    result->rows = 99; /* which a draft does not say */
    result->tag = mem_text("SELECT 99");
    result_columns(result, 1);
    result->columns[0].name = mem_text(name);
    result->columns[0].oid = 23;
    result->columns[0].kind = CELL_INTEGER;
    size_t size = 0;
    uint8_t *data = manifest_pack_draft(result, &size);
    return page_draft(&data, size);
}

/* One page of so many rows from this row on, with a hash that is all `mark`. */
static page_t *
page_at(int64_t first_row, uint32_t rows, uint8_t mark)
{
    page_t *page = a_page();
    page->first_row = first_row;
    page->rows = rows;
    memset(page->hash, mark, sizeof page->hash);
    return page;
}

static write_t *
a_page_write(uint32_t i, const jobid_t *job, uint32_t result, const page_t *page,
             const page_t *draft)
{
    write_t *write = a_write(i, WRITE_PAGE, job, 1);
    write->in.page.result = result;
    write->in.page.page = page;
    write->in.page.draft = draft;
    return write;
}

static manifest_t *
partial(const jobid_t *id, uint32_t step)
{
    err_t err;
    find_t find = found(id, "demo");
    own(job) job = take(find.job);
    manifest_t *manifest = store_partial(world_store, job, step, &err);
    if (!manifest)
        fail_msg("%s", err.text);
    return manifest;
}

static void
assert_stored(const manifest_t *manifest, uint32_t at, uint32_t ordinal, int64_t rows, uint8_t mark)
{
    assert_true(at < manifest->count);
    const result_t *result = &manifest->results[at];
    assert_int_equal(result->ordinal, ordinal);
    assert_int_equal(result->rows, rows);
    assert_int_equal(result->hash[0], mark);
    assert_int_equal(result->hash[PAGE_HASH_SIZE - 1], mark);
    assert_true(result->pages > 0);
    assert_int_equal(result->attempt, 1);
    assert_true(result->has_columns);
    assert_int_equal(result->column_count, 1);
}

static void
a_job_that_stored_nothing_has_no_results_yet(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    own(manifest) manifest = partial(&job, 0);
    assert_int_equal(manifest->count, 0);
}

static void
a_result_is_known_with_its_first_page(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    own(page) page = page_at(0, 7, 5);
    own(page) draft = a_draft(3, "größe");
    a_page_write(0, &job, 3, page, draft);
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    own(manifest) manifest = partial(&job, 0);
    assert_int_equal(manifest->count, 1);
    assert_stored(manifest, 0, 3, 7, 5);
    assert_string_equal(manifest->results[0].tag, "");
    assert_string_equal(manifest->results[0].columns[0].name, "größe");
    assert_int_equal(manifest->results[0].columns[0].kind, CELL_INTEGER);
    assert_job(&job,
               "SELECT string_agg(first_row || ' ' || rows || ' ' || encode(hash, 'hex'), ', '"
               " ORDER BY first_row) FROM page WHERE job = '%s' AND first_row < 0",
               "-1 0 0000000000000000000000000000000000000000000000000000000000000000");
}

static void
its_rows_end_where_its_last_page_does(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    own(page) draft = a_draft(0, "n");
    own(page) first = page_at(0, 7, 5);
    own(page) second = page_at(7, 3, 6);
    own(page) third = page_at(10, 2, 7);
    a_page_write(0, &job, 0, first, draft);
    a_page_write(1, &job, 0, second, NULL);
    run(2);
    own(manifest) two = partial(&job, 0);
    assert_stored(two, 0, 0, 10, 6);
    a_page_write(0, &job, 0, third, NULL);
    run(1);
    own(manifest) three = partial(&job, 0);
    assert_int_equal(three->count, 1);
    assert_stored(three, 0, 0, 12, 7);
}

static void
results_are_told_in_their_order_and_only_those_that_have_pages(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    jobid_t other = a_claimed_job();
    own(page) page = page_at(0, 7, 5);
    own(page) draft = a_draft(1, "n");
    own(page) later_page = page_at(0, 8, 6);
    own(page) later = a_draft(300, "n");
    a_page_write(0, &job, 300, later_page, later);
    a_page_write(1, &job, 1, page, draft);
    a_page_write(2, &other, 2, page, draft);
    a_page_write(3, &job, 4, page, NULL); /* of an executor that knows no drafts */
    run(4);
    own(manifest) manifest = partial(&job, 0);
    assert_int_equal(manifest->count, 2);
    assert_stored(manifest, 0, 1, 7, 5);
    assert_stored(manifest, 1, 300, 8, 6);
}

static void
another_step_and_an_earlier_attempt_are_not_told(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    own(page) page = page_at(0, 7, 5);
    own(page) draft = a_draft(0, "n");
    a_page_write(0, &job, 0, page, draft);
    run(1);
    own(manifest) none = partial(&job, 1);
    assert_int_equal(none->count, 0);
    a_write(0, WRITE_UNCLAIM, &job, 1);
    run(1);
    a_claim(0, &job);
    run(1);
    assert_int_equal(world.writes[0].claimed.attempt, 2);
    own(manifest) none_yet = partial(&job, 0);
    assert_int_equal(none_yet->count, 0);
    own(page) fewer = page_at(0, 3, 6);
    a_page_write(0, &job, 0, fewer, draft)->attempt = 2;
    run(1);
    own(manifest) anew = partial(&job, 0);
    assert_int_equal(anew->count, 1);
    assert_int_equal(anew->results[0].rows, 3);
    assert_int_equal(anew->results[0].attempt, 2);
}

static void
an_attempt_that_is_over_leaves_no_draft(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    own(page) page = page_at(0, 7, 5);
    own(page) draft = a_draft(0, "n");
    a_page_write(0, &job, 0, page, draft)->attempt = 2;
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_FENCED);
    assert_job(&job, "SELECT count(*) FROM page WHERE job = '%s'", "0");
}

/* The answer to the first try is lost. */
static void
a_page_and_its_draft_may_be_sent_twice(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    own(page) page = page_at(0, 7, 5);
    own(page) draft = a_draft(0, "n");
    a_page_write(0, &job, 0, page, draft);
    cutter_arm(world.cutter, "COMMIT");
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
    own(manifest) manifest = partial(&job, 0);
    assert_int_equal(manifest->count, 1);
    assert_stored(manifest, 0, 0, 7, 5);
}

/* Whoever looks for a row of a result whose pages are being removed. */
static void
a_draft_is_never_taken_for_a_page(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    own(page) first = page_at(0, 7, 5);
    own(page) draft = a_draft(0, "n");
    a_page_write(0, &job, 0, first, draft);
    run(1);
    find_t find = found(&job, "demo");
    own(job) now = take(find.job);
    const page_key_t key = { .job = job, .bucket_us = now->bucket_us, .attempt = 1 };
    err_t err;
    own(page) page = store_page(world_store, &key, 0, PAGE_RAW_MOST, &err);
    assert_non_null(page);
    assert_int_equal(page->first_row, 0);
    tell("DELETE FROM page WHERE first_row = 0");
    own(page) none = store_page(world_store, &key, 0, PAGE_RAW_MOST, &err);
    assert_null(none);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    own(manifest) manifest = partial(&job, 0);
    assert_int_equal(manifest->count, 0);
}

static const char *const texts[] = {
#define SQL(name, text) text,
#include "sql.inc"
#undef SQL
};

/* Behind each result stand ten thousand pages, which are not read: some blocks a result are. */
static void
what_it_costs_to_tell_does_not_grow_with_the_pages(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    char id[JOBID_TEXT_SIZE];
    own(page) page = page_at(0, 1, 5);
    own(page) draft = a_draft(0, "n");
    for (uint32_t i = 0; i < 3; i++)
        a_page_write(i, &job, i, page, draft);
    run(3);
    own(mem) more =
        mem_format("INSERT INTO page SELECT bucket, job, step, attempt, result, n, 1, 1, 1,"
                   " hash, data FROM page, generate_series(1, 10000) n"
                   " WHERE job = '%s' AND first_row = 0; SET enable_seqscan = off;"
                   "SET plan_cache_mode = force_generic_plan; SET enable_bitmapscan = off;"
                   "SET enable_hashjoin = off; SET enable_mergejoin = off;"
                   "SET enable_material = off; SET enable_memoize = off",
                   jobid_text(&job, id));
    tell(more);
    own(mem) prepare = mem_format("PREPARE drafts AS %s", texts[SQL_page_drafts]);
    tell(prepare);
    own(mem) explain = mem_format("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
                                  " EXECUTE drafts(page_bucket(3600), '%s', 0, 1)",
                                  id);
    own(mem) plan = ask(explain);
    tell("DEALLOCATE drafts; RESET ALL");
    const char *rows = strstr(plan, "\"Actual Rows\": ");
    const char *blocks = strstr(plan, "\"Shared Hit Blocks\": ");
    assert_non_null(rows);
    assert_non_null(blocks);
    assert_int_equal(atoi(rows + strlen("\"Actual Rows\": ")), 3);
    assert_in_range(atoi(blocks + strlen("\"Shared Hit Blocks\": ")), 1, 100);
    own(manifest) manifest = partial(&job, 0);
    assert_int_equal(manifest->count, 3);
    assert_int_equal(manifest->results[2].rows, 10001);
}

static void
a_damaged_draft_is_an_error(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "\\x00", "\\x920190", "" };
    for (size_t i = 0; i < 3; i++) {
        jobid_t job = a_claimed_job();
        own(page) page = page_at(0, 7, 5);
        own(page) draft = a_draft(0, "n");
        a_page_write(0, &job, 0, page, draft);
        run(1);
        own(mem) sql = mem_format("UPDATE page SET data = '%s' WHERE first_row = -1", wrong[i]);
        tell(sql);
        find_t find = found(&job, "demo");
        own(job) now = take(find.job);
        err_t err;
        own(manifest) manifest = store_partial(world_store, now, 0, &err);
        assert_null(manifest);
        assert_int_equal(err.kind, ERR_INTERNAL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(a_job_that_stored_nothing_has_no_results_yet),
        LANE_TEST(a_result_is_known_with_its_first_page),
        LANE_TEST(its_rows_end_where_its_last_page_does),
        LANE_TEST(results_are_told_in_their_order_and_only_those_that_have_pages),
        LANE_TEST(another_step_and_an_earlier_attempt_are_not_told),
        LANE_TEST(an_attempt_that_is_over_leaves_no_draft),
        LANE_TEST(a_page_and_its_draft_may_be_sent_twice),
        LANE_TEST(a_draft_is_never_taken_for_a_page),
        LANE_TEST(what_it_costs_to_tell_does_not_grow_with_the_pages),
        LANE_TEST(a_damaged_draft_is_an_error),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}

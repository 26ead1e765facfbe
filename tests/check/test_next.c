/* test_next.c - the pages that come next: asked of the store, and taken later. */
#include <stdlib.h>

#include "tests/check/expiry_world.h"

enum { MANY = 8 };

static const uint8_t zeros[PAGE_HASH_SIZE];

/* Pages that were taken. */
typedef struct {
    page_t *pages[MANY];
    uint32_t count;
} taken_t;

static void
taken_clear(taken_t *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        page_destroy(&self->pages[i]);
    self->count = 0;
}

static page_key_t
key_of(const jobid_t *job)
{
    find_t find = found(job, "demo");
    const page_key_t key = { .job = *job, .bucket_us = find.job->bucket_us, .attempt = 1 };
    job_destroy(&find.job);
    return key;
}

static taken_t
next(const page_key_t *key, int64_t row, uint32_t most, uint32_t count)
{
    err_t err;
    taken_t taken = { .count = 0 };
    assert_true(store_pages_ask(world_store, key, row, most, count, &err));
    taken.count = store_pages_take(world_store, zeros, taken.pages, MANY);
    return taken;
}

static void
assert_count(const page_key_t *key, int64_t row, uint32_t asked, uint32_t expected)
{
    taken_t taken = next(key, row, PAGE_RAW_MOST, asked);
    assert_int_equal(taken.count, expected);
    for (uint32_t i = 0; i < taken.count; i++)
        assert_int_equal(taken.pages[i]->first_row, row + (int64_t)i * PAGE_ROWS);
    taken_clear(&taken);
}

/* As store_page() has it, with its bytes. */
static void
assert_stored(const page_key_t *key, const page_t *page)
{
    err_t err;
    own(page) other = store_page(world_store, key, page->first_row, PAGE_RAW_MOST, &err);
    assert_non_null(other);
    assert_int_equal(page->first_row, other->first_row);
    assert_int_equal(page->rows, other->rows);
    assert_int_equal(page->raw_bytes, other->raw_bytes);
    assert_int_equal(page->size, other->size);
    assert_memory_equal(page->data, other->data, other->size);
    assert_memory_equal(page->before, other->before, PAGE_HASH_SIZE);
    assert_memory_equal(page->hash, other->hash, PAGE_HASH_SIZE);
    assert_true(page_sound(page));
}

static void
pages_come_in_order_each_with_the_hash_of_the_one_before(void **unused)
{
    err_t err;
    (void)unused;
    jobid_t job = a_running_job();
    page_key_t key = key_of(&job);
    uint8_t before[PAGE_HASH_SIZE] = { 0 };
    for (int first = 0; first < RESULT_PAGES; first++) {
        taken_t taken = { .count = 0 };
        assert_true(store_pages_ask(world_store, &key, (int64_t)first * PAGE_ROWS, PAGE_RAW_MOST,
                                    MANY, &err));
        taken.count = store_pages_take(world_store, before, taken.pages, MANY);
        assert_int_equal(taken.count, RESULT_PAGES - first);
        for (uint32_t i = 0; i < taken.count; i++) {
            assert_int_equal(taken.pages[i]->first_row, (first + (int)i) * PAGE_ROWS);
            assert_stored(&key, taken.pages[i]);
        }
        memcpy(before, taken.pages[0]->hash, PAGE_HASH_SIZE);
        taken_clear(&taken);
    }
}

static void
no_more_come_than_were_asked_for_and_than_there_are(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    page_key_t key = key_of(&job);
    assert_count(&key, 0, 1, 1);
    assert_count(&key, 0, 2, 2);
    assert_count(&key, 0, RESULT_PAGES, RESULT_PAGES);
    assert_count(&key, 0, MANY, RESULT_PAGES);
    assert_count(&key, PAGE_ROWS, 1, 1);
    assert_count(&key, RESULT_ROWS - PAGE_ROWS, MANY, 1);
    assert_count(&key, RESULT_ROWS, MANY, 0);
    assert_count(&key, INT64_MAX, MANY, 0);
}

static void
no_more_are_taken_than_there_is_room_for(void **unused)
{
    err_t err;
    (void)unused;
    jobid_t job = a_running_job();
    page_key_t key = key_of(&job);
    taken_t taken = { .count = 0 };
    assert_true(store_pages_ask(world_store, &key, 0, PAGE_RAW_MOST, MANY, &err));
    taken.count = store_pages_take(world_store, zeros, taken.pages, 2);
    assert_int_equal(taken.count, 2);
    assert_null(taken.pages[2]);
    taken_clear(&taken);
    assert_count(&key, 0, MANY, RESULT_PAGES);
}

static void
they_are_those_of_this_result_alone(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    jobid_t other = a_running_job();
    page_key_t key = key_of(&job);
    page_key_t others = key_of(&other);
    assert_count(&key, 0, MANY, RESULT_PAGES);
    assert_count(&others, 0, MANY, RESULT_PAGES);
    page_key_t strange[] = { key, key, key };
    strange[0].attempt = 2;
    strange[1].step = 1;
    strange[2].result = 1;
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
        assert_count(&strange[i], 0, MANY, 0);
}

/* All but the last one, which is added. */
static void
large_pages_come_without_their_bytes(void **unused)
{
    (void)unused;
    enum { ROW = 2, RAW = ROW * PAGE_ROWS }; /* bytes */
    err_t err;
    jobid_t job = a_running_job();
    page_key_t key = key_of(&job);
    own(pg) pg = pg_new(world_dsn, "test-next");
    assert_true(write_page(pg, &job, RESULT_ROWS));
    static const struct {
        uint32_t most;
        bool bytes;
    } cases[] = { { RAW - 1, false }, { RAW, true }, { INT32_MAX, true }, { UINT32_MAX, true } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        taken_t taken = next(&key, 0, cases[i].most, MANY);
        assert_int_equal(taken.count, RESULT_PAGES + 1);
        for (uint32_t n = 0; n < taken.count; n++) {
            const page_t *page = taken.pages[n];
            own(page) whole = store_page(world_store, &key, page->first_row, PAGE_RAW_MOST, &err);
            assert_non_null(whole);
            assert_int_equal(page->raw_bytes, n < RESULT_PAGES ? RAW : ROW);
            assert_int_equal(page->data != NULL, cases[i].bytes || n == RESULT_PAGES);
            assert_int_equal(page->size, whole->size);
            assert_memory_equal(page->hash, whole->hash, PAGE_HASH_SIZE);
        }
        taken_clear(&taken);
    }
}

static void
an_unknown_bucket_has_none(void **unused)
{
    err_t err;
    (void)unused;
    jobid_t job = a_running_job();
    page_key_t key = key_of(&job);
    page_key_t strange = key;
    static const int64_t never[] = { 0, -1, INT64_MIN };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        strange.bucket_us = never[i];
        assert_false(store_pages_ask(world_store, &strange, 0, PAGE_RAW_MOST, MANY, &err));
        assert_count(&key, 0, MANY, RESULT_PAGES);
    }
    strange.bucket_us = INT64_C(915148800000000); /* 1999 */
    assert_count(&strange, 0, MANY, 0);
    assert_count(&key, 0, MANY, RESULT_PAGES);
    strange.bucket_us = INT64_MAX;
    assert_count(&strange, 0, MANY, 0);
}

static void
the_bucket_without_end_is_asked_too(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    char id[JOBID_TEXT_SIZE];
    own(mem) move =
        mem_format("UPDATE page SET bucket = 'infinity' WHERE job = '%s'", jobid_text(&job, id));
    tell(move);
    const page_key_t key = { .job = job, .bucket_us = INT64_MAX, .attempt = 1 };
    assert_count(&key, 0, MANY, RESULT_PAGES);
}

/* It is store_page() that says what is wrong with it. */
static void
a_page_without_a_hash_ends_them(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    page_key_t key = key_of(&job);
    char id[JOBID_TEXT_SIZE];
    own(mem) damage = mem_format("UPDATE page SET hash = '' WHERE job = '%s' AND first_row = %d",
                                 jobid_text(&job, id), 2 * PAGE_ROWS);
    tell(damage);
    assert_count(&key, 0, MANY, 2);
    assert_count(&key, 2 * PAGE_ROWS, MANY, 0);
}

static void
none_come_from_a_server_that_goes_and_the_next_call_works(void **unused)
{
    (void)unused;
    jobid_t job = a_running_job();
    page_key_t key = key_of(&job);
    page_t *pages[MANY];
    err_t err;
    own(pg) locker = pg_new(world_dsn, "test-lock");
    store_t *store = store_new(world_dsn, "test-next");
    CHECK(pg_script(locker, "BEGIN; LOCK TABLE page", &err));
    assert_true(store_pages_ask(store, &key, 0, PAGE_RAW_MOST, MANY, &err));
    await_blocked("test-next");
    tell("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
         " WHERE application_name = 'test-next'");
    CHECK(pg_script(locker, "COMMIT", &err));
    assert_int_equal(store_pages_take(store, zeros, pages, MANY), 0);
    own(page) page = store_page(store, &key, 0, PAGE_RAW_MOST, &err);
    assert_non_null(page);
    store_destroy(&store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_come_in_order_each_with_the_hash_of_the_one_before),
        cmocka_unit_test(no_more_come_than_were_asked_for_and_than_there_are),
        cmocka_unit_test(no_more_are_taken_than_there_is_room_for),
        cmocka_unit_test(they_are_those_of_this_result_alone),
        cmocka_unit_test(large_pages_come_without_their_bytes),
        cmocka_unit_test(an_unknown_bucket_has_none),
        cmocka_unit_test(the_bucket_without_end_is_asked_too),
        cmocka_unit_test(a_page_without_a_hash_ends_them),
        cmocka_unit_test(none_come_from_a_server_that_goes_and_the_next_call_works),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}

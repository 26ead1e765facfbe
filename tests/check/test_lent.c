/* test_lent.c - store connections that are lent until the pages asked for over them are taken. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "api/readers.h"
#include "common/clock.h"
#include "tests/check/expiry_world.h"

enum { MANY = 8, PATIENT_MS = 20000 };

static const uint8_t zeros[PAGE_HASH_SIZE];

static page_key_t
key_of_a_job(void)
{
    jobid_t job = a_running_job();
    find_t find = found(&job, "demo");
    const page_key_t key = { .job = job, .bucket_us = find.job->bucket_us, .attempt = 1 };
    job_destroy(&find.job);
    return key;
}

static store_t *
ask_all(readers_t *readers, const page_key_t *key)
{
    return readers_ask(readers, key, 0, PAGE_RAW_MOST, MANY);
}

/* Take as many pages as there are to be. */
static void
take_all(readers_t *readers, store_t **lent, uint32_t expected)
{
    page_t *pages[MANY];
    uint32_t count = readers_take(readers, lent, zeros, pages, MANY);
    assert_null(*lent);
    assert_int_equal(count, expected);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(pages[i]->first_row, i * PAGE_ROWS);
        assert_true(page_sound(pages[i]));
        page_destroy(&pages[i]);
    }
}

/* A call like any other; `arg` is where to say over which connection. */
static bool
serve(store_t *store, void *arg, err_t *err)
{
    int64_t ms = 0;
    *(store_t **)arg = store;
    return store_clock(store, &ms, err);
}

static void
assert_served(readers_t *readers)
{
    err_t err;
    store_t *store = NULL;
    CHECK(readers_call(readers, serve, &store, &err));
}

/* None is free, and nobody waits for one. */
static void
assert_none(readers_t *readers, const page_key_t *key)
{
    int64_t began_ms = clock_mono_ms();
    assert_null(ask_all(readers, key));
    assert_true(clock_mono_ms() - began_ms < PATIENT_MS);
}

static void
as_many_ask_at_once_as_there_are_connections(void **unused)
{
    (void)unused;
    page_key_t key = key_of_a_job();
    readers_t *readers = readers_new(world_dsn, "test-lent", 2, PATIENT_MS);
    for (int i = 0; i < 3; i++) {
        store_t *first = ask_all(readers, &key);
        store_t *second = ask_all(readers, &key);
        assert_true(first && second && first != second);
        assert_none(readers, &key);
        take_all(readers, &first, RESULT_PAGES);
        first = ask_all(readers, &key);
        assert_non_null(first);
        assert_none(readers, &key);
        take_all(readers, &second, RESULT_PAGES);
        take_all(readers, &first, RESULT_PAGES);
    }
    readers_destroy(&readers);
}

static void
what_cannot_be_asked_keeps_no_connection(void **unused)
{
    (void)unused;
    page_key_t key = key_of_a_job();
    page_key_t strange = key;
    strange.bucket_us = 0;
    readers_t *readers = readers_new(world_dsn, "test-lent", 1, PATIENT_MS);
    for (int i = 0; i < 3; i++)
        assert_null(ask_all(readers, &strange));
    store_t *lent = ask_all(readers, &key);
    assert_non_null(lent);
    take_all(readers, &lent, RESULT_PAGES);
    readers_destroy(&readers);
}

static void
what_is_not_answered_keeps_no_connection(void **unused)
{
    (void)unused;
    page_key_t key = key_of_a_job();
    page_key_t strange = key;
    strange.bucket_us = INT64_C(915148800000000); /* 1999: there is no such partition */
    readers_t *readers = readers_new(world_dsn, "test-lent", 1, PATIENT_MS);
    for (int i = 0; i < 3; i++) {
        store_t *lent = ask_all(readers, &strange);
        assert_non_null(lent);
        take_all(readers, &lent, 0);
    }
    assert_served(readers);
    readers_destroy(&readers);
}

/* --- the line --- */

typedef struct {
    readers_t *readers;
    pthread_t thread;
    store_t *store; /* what it was served over */
    bool good;
    err_t err;
} guest_t;

static void *
come(void *arg)
{
    guest_t *self = arg;
    self->good = readers_call(self->readers, serve, &self->store, &self->err);
    return NULL;
}

static void
set_out(guest_t *self, readers_t *readers)
{
    *self = (guest_t){ .readers = readers };
    assert_int_equal(pthread_create(&self->thread, NULL, come, self), 0);
    int64_t until_ms = clock_mono_ms() + PATIENT_MS;
    while (readers_waiting(readers) == 0 && clock_mono_ms() < until_ms)
        sched_yield();
    assert_int_equal(readers_waiting(readers), 1);
}

static void
who_waits_gets_what_is_given_back(void **unused)
{
    (void)unused;
    page_key_t key = key_of_a_job();
    readers_t *readers = readers_new(world_dsn, "test-lent", 1, PATIENT_MS);
    store_t *lent = ask_all(readers, &key);
    const store_t *only = lent;
    guest_t guest;
    set_out(&guest, readers);
    take_all(readers, &lent, RESULT_PAGES);
    pthread_join(guest.thread, NULL);
    assert_true(guest.good);
    assert_ptr_equal(guest.store, only);
    assert_int_equal(readers_waiting(readers), 0);
    lent = ask_all(readers, &key); /* which the guest gave back */
    assert_ptr_equal(lent, only);
    take_all(readers, &lent, RESULT_PAGES);
    readers_destroy(&readers);
}

static void
who_waits_too_long_leaves_the_connection_to_others(void **unused)
{
    (void)unused;
    page_key_t key = key_of_a_job();
    err_t err;
    store_t *store = NULL;
    readers_t *readers = readers_new(world_dsn, "test-lent", 1, 50);
    store_t *lent = ask_all(readers, &key);
    assert_false(readers_call(readers, serve, &store, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_null(store);
    take_all(readers, &lent, RESULT_PAGES);
    assert_served(readers);
    readers_destroy(&readers);
}

/* --- a store that is away --- */

static bool
find_away(store_t *store, void *unused, err_t *err)
{
    (void)store;
    (void)unused;
    return err_set(err, ERR_UNAVAILABLE, "the store is away");
}

static void
nothing_is_asked_of_a_store_that_is_away(void **unused)
{
    (void)unused;
    page_key_t key = key_of_a_job();
    err_t err;
    readers_t *readers = readers_new(world_dsn, "test-lent", 2, PATIENT_MS);
    int64_t before_ms = clock_mono_ms();
    assert_false(readers_call(readers, find_away, NULL, &err));
    int64_t until_ms = clock_mono_ms() + PATIENT_MS;
    store_t *lent = ask_all(readers, &key);
    assert_null(lent);
    while (!lent && clock_mono_ms() < until_ms)
        lent = ask_all(readers, &key);
    assert_true(clock_mono_ms() - before_ms >= READERS_AWAY_MS);
    assert_non_null(lent);
    take_all(readers, &lent, RESULT_PAGES);
    assert_served(readers);
    readers_destroy(&readers);
}

static void
a_connection_that_broke_is_given_back_too(void **unused)
{
    (void)unused;
    page_key_t key = key_of_a_job();
    err_t err;
    own(pg) locker = pg_new(world_dsn, "test-lock");
    readers_t *readers = readers_new(world_dsn, "test-lent", 1, PATIENT_MS);
    CHECK(pg_script(locker, "BEGIN; LOCK TABLE page", &err));
    store_t *lent = ask_all(readers, &key);
    assert_non_null(lent);
    await_blocked("test-lent");
    guest_t guest;
    set_out(&guest, readers);
    tell("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
         " WHERE application_name = 'test-lent'");
    CHECK(pg_script(locker, "COMMIT", &err));
    take_all(readers, &lent, 0);
    pthread_join(guest.thread, NULL);
    assert_true(guest.good); /* over that one, mended */
    assert_served(readers);
    readers_destroy(&readers);
}

static void
a_store_that_cannot_be_reached_is_not_asked(void **unused)
{
    (void)unused;
    page_key_t key = key_of_a_job();
    readers_t *readers = readers_new("host=127.0.0.1 port=1", "test-lent", 1, PATIENT_MS);
    for (int i = 0; i < 3; i++)
        assert_null(ask_all(readers, &key));
    assert_int_equal(readers_waiting(readers), 0);
    readers_destroy(&readers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_ask_at_once_as_there_are_connections),
        cmocka_unit_test(what_cannot_be_asked_keeps_no_connection),
        cmocka_unit_test(what_is_not_answered_keeps_no_connection),
        cmocka_unit_test(who_waits_gets_what_is_given_back),
        cmocka_unit_test(who_waits_too_long_leaves_the_connection_to_others),
        cmocka_unit_test(nothing_is_asked_of_a_store_that_is_away),
        cmocka_unit_test(a_connection_that_broke_is_given_back_too),
        cmocka_unit_test(a_store_that_cannot_be_reached_is_not_asked),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}

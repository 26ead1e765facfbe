/* test_engine.c - the engine against a real store, without a broker. */
#include "tests/check/engine_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"

static void
a_submitted_job_is_in_the_store(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "2000", "60000");
    err_t err;
    jobid_t id = world_job(&world);
    own(job) job = engine_find(world.engine, &world.caller, &id, false, &err);
    assert_non_null(job);
    assert_true(jobid_equal(&job->id, &id));
    assert_int_equal(job->state, JOB_PENDING);
    assert_string_equal(job->tenant, world.caller.tenant);
    assert_string_equal(job->source, "shop");
    assert_string_equal(job->dialect, "v1_job");
    assert_int_equal(job->priority, 5);
    assert_true(llabs(job->created_ms - jobid_ms(&id)) < 5000);
    assert_true(engine_ready(world.engine, &err));
    world_end(&world);
}

static void
another_tenants_job_is_denied_and_an_unknown_one_missing(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "2000", "60000");
    err_t err;
    jobid_t id = world_job(&world);
    assert_null(engine_find(world.engine, &world.stranger, &id, false, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    assert_null(engine_wait(world.engine, &world.stranger, &id, LONG_MS, true, NULL, &err));
    assert_int_equal(err.kind, ERR_DENIED);
    id = jobid_make(clock_wall_ms(), 0);
    assert_null(engine_find(world.engine, &world.caller, &id, false, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    world_end(&world);
}

static void
expect_refusal(world_t *world, const caller_t *caller, const order_t *order, err_kind_t kind)
{
    jobid_t id;
    err_t err;
    assert_false(engine_submit(world->engine, caller, order, &id, &err));
    assert_int_equal(err.kind, kind);
    assert_null(engine_run(world->engine, caller, order, NULL, &err));
    assert_int_equal(err.kind, kind);
}

static void
orders_that_cannot_run_are_refused(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "2000", "60000");
    const order_step_t steps[] = { { .sql = "SELECT\0 1", .sql_size = 9 },
                                   { .sql = "SELECT '\xe4'", .sql_size = 10 },
                                   { .sql = "", .sql_size = 0 } };
    for (size_t i = 0; i < 3; i++) {
        const order_t order = order_of("v1_job", &steps[i]);
        expect_refusal(&world, &world.caller, &order, ERR_INVALID);
    }
    order_t astray = select_1;
    astray.source = "nowhere";
    expect_refusal(&world, &world.caller, &astray, ERR_INVALID);
    caller_t reader = world.caller;
    memcpy(reader.role, "read", 5);
    expect_refusal(&world, &reader, &select_1, ERR_DENIED);
    caller_t homeless = world.caller;
    homeless.source[0] = '\0';
    expect_refusal(&world, &homeless, &select_1, ERR_INVALID);
    world_end(&world);
}

static void
a_wrong_key_has_no_caller(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "2000", "60000");
    err_t err;
    caller_t caller;
    assert_false(
        engine_caller(world.engine, world.caller.key_id, "no secret of it", &caller, &err));
    assert_int_equal(err.kind, ERR_NO_KEY);
    assert_false(engine_caller(world.engine, "abcdefghijklmn27", "no secret", &caller, &err));
    assert_int_equal(err.kind, ERR_NO_KEY);
    world_end(&world);
}

typedef struct {
    world_t *world;
    jobid_t id;
    int failures;
} finder_t;

static void *
find_often(void *arg)
{
    finder_t *finder = arg;
    for (int i = 0; i < 200; i++) {
        err_t err;
        own(job) job =
            engine_find(finder->world->engine, &finder->world->caller, &finder->id, true, &err);
        finder->failures += job == NULL;
    }
    return NULL;
}

static void
a_job_that_cannot_be_read_hides_no_other(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "2000", "60000");
    finder_t finders[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        finders[i] = (finder_t){ .world = &world, .id = world_job(&world) };
    world_finish(&world, &finders[0].id, "done", "ff00ff");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, find_often, &finders[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(finders[i].failures, i == 0 ? 200 : 0);
    }
    world_end(&world);
}

/* ERR_NONE when this key is of this tenant. */
static err_kind_t
asks(world_t *world, const char *tenant, const char *key, char text[250])
{
    err_t err;
    caller_t caller;
    err_clear(&err);
    if (!engine_caller_of(world->engine, tenant, key, &caller, &err)) {
        snprintf(text, 250, "%s", err.text);
        return err.kind;
    }
    assert_string_equal(caller.tenant, tenant);
    return ERR_NONE;
}

static void
a_tenant_has_its_own_keys_given_or_generated(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "2000", "60000");
    err_t err;
    const char *tenant = world.caller.tenant;
    apikey_t key = key_make();
    char whole[KEY_TEXT_SIZE];
    char nobody[250];
    char wrong[250];
    char long_name[65];
    memset(long_name, 'a', sizeof long_name);
    long_name[64] = '\0';
    assert_true(store_tenant_add(world.store, "stranger", &err));
    assert_true(store_key_add(world.store, tenant, &key, "write", 0, &err));
    assert_true(store_key_give(world.store, tenant, "open sesame", "read", 0, &err));
    assert_int_equal(asks(&world, tenant, "open sesame", wrong), ERR_NONE);
    assert_int_equal(asks(&world, tenant, key.secret, wrong), ERR_NONE);
    assert_int_equal(asks(&world, tenant, key_text(&key, whole), wrong), ERR_NONE);
    assert_int_equal(asks(&world, "stranger", whole, wrong), ERR_NO_KEY);
    assert_int_equal(asks(&world, "stranger", "open sesame", wrong), ERR_NO_KEY);
    assert_int_equal(asks(&world, "nobody", "open sesame", nobody), ERR_NO_KEY);
    assert_string_equal(wrong, nobody);
    assert_int_equal(asks(&world, long_name, "open sesame", nobody), ERR_NO_KEY);
    assert_string_equal(wrong, nobody);
    assert_true(engine_tenant(world.engine, "stranger", &err));
    assert_false(engine_tenant(world.engine, "nobody", &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_false(engine_tenant(world.engine, "No Body", &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    world_end(&world);
}

static void
connections_that_were_cut_are_mended_unnoticed(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "2000", "60000");
    err_t err;
    (void)world_job(&world);
    apikey_t key = key_make();
    caller_t caller;
    assert_true(store_key_add(world.store, world.caller.tenant, &key, "write", 0, &err));
    if (!pg_script(world.pg,
                   "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                   " WHERE datname = current_database() AND pid <> pg_backend_pid()",
                   &err))
        fail_msg("%s", err.text);
    jobid_t id = world_job(&world);
    own(job) job = engine_find(world.engine, &world.caller, &id, false, &err);
    if (!job)
        fail_msg("%s", err.text);
    if (!engine_caller(world.engine, key.id, key.secret, &caller, &err))
        fail_msg("%s", err.text);
    world_end(&world);
}

/* --- waiting, without a broker --- */

static void
a_wait_that_is_over_shows_the_job_as_it_is(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id = world_job(&world);
    int64_t began_ms = clock_mono_ms();
    own(job) job = engine_wait(world.engine, &world.caller, &id, QUICK_MS, false, NULL, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_PENDING);
    assert_true(clock_mono_ms() - began_ms >= QUICK_MS);
    world_end(&world);
}

static void
a_wait_over_the_cap_counts_as_the_cap(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "100");
    err_t err;
    jobid_t id = world_job(&world);
    int64_t began_ms = clock_mono_ms();
    own(job) job = engine_wait(world.engine, &world.caller, &id, LONG_MS, false, NULL, &err);
    assert_non_null(job);
    assert_true(clock_mono_ms() - began_ms < SOON_MS);
    world_end(&world);
}

typedef struct {
    world_t *world;
    jobid_t id;
    const char *state;
    char *manifest;
} ender_t;

static void *
end_it(void *arg)
{
    ender_t *ender = arg;
    world_finish(ender->world, &ender->id, ender->state, ender->manifest);
    return NULL;
}

static void
a_lost_event_means_late(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "100", "60000");
    err_t err;
    ender_t ender = { .world = &world, .id = world_job(&world), .state = "failed" };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, end_it, &ender), 0);
    own(job) job = engine_wait(world.engine, &world.caller, &ender.id, LONG_MS, false, NULL, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_FAILED);
    pthread_join(thread, NULL);
    world_end(&world);
}

static bool
gone(void *arg)
{
    atomic_int *asked = arg;
    return atomic_fetch_add(asked, 1) > 0;
}

static void
a_client_that_hangs_up_ends_its_wait(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id = world_job(&world);
    atomic_int asked = 0;
    patience_t patience = { gone, &asked };
    int64_t began_ms = clock_mono_ms();
    assert_null(engine_wait(world.engine, &world.caller, &id, LONG_MS, false, &patience, &err));
    assert_int_equal(err.kind, ERR_TIMEOUT);
    own(job) job = engine_run(world.engine, &world.caller, &select_1, &patience, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_PENDING);
    assert_true(clock_mono_ms() - began_ms < SOON_MS);
    world_end(&world);
}

static void
a_run_that_takes_too_long_is_a_job_that_waits(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "100");
    err_t err;
    own(job) job = engine_run(world.engine, &world.caller, &select_1, NULL, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_PENDING);
    own(job) again = engine_find(world.engine, &world.caller, &job->id, false, &err);
    assert_non_null(again);
    world_end(&world);
}

int
main(void)
{
    if (!world_ready())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_submitted_job_is_in_the_store),
        cmocka_unit_test(another_tenants_job_is_denied_and_an_unknown_one_missing),
        cmocka_unit_test(orders_that_cannot_run_are_refused),
        cmocka_unit_test(a_wrong_key_has_no_caller),
        cmocka_unit_test(a_job_that_cannot_be_read_hides_no_other),
        cmocka_unit_test(a_tenant_has_its_own_keys_given_or_generated),
        cmocka_unit_test(connections_that_were_cut_are_mended_unnoticed),
        cmocka_unit_test(a_wait_that_is_over_shows_the_job_as_it_is),
        cmocka_unit_test(a_wait_over_the_cap_counts_as_the_cap),
        cmocka_unit_test(a_lost_event_means_late),
        cmocka_unit_test(a_client_that_hangs_up_ends_its_wait),
        cmocka_unit_test(a_run_that_takes_too_long_is_a_job_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

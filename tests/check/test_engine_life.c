/* test_engine_life.c - what a caller does to a job, against a real store, without a broker. */
#include "tests/check/engine_world.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"

/* Let an executor have the job. */
static void
world_claim(world_t *world, const jobid_t *id)
{
    char text[JOBID_TEXT_SIZE];
    own(mem) script =
        mem_format("UPDATE live SET state = 'running', attempt = 1, tries = 1, started_at = now(),"
                   " owner = 'exec/1' WHERE id = '%s'",
                   jobid_text(id, text));
    err_t err;
    if (!pg_script(world->pg, script, &err))
        fail_msg("%s", err.text);
}

/* Its results are over. */
static void
world_expire(world_t *world, const jobid_t *id)
{
    char text[JOBID_TEXT_SIZE];
    own(mem) script =
        mem_format("UPDATE job SET expires_at = now() - interval '1 second' WHERE id = '%s'",
                   jobid_text(id, text));
    err_t err;
    if (!pg_script(world->pg, script, &err))
        fail_msg("%s", err.text);
}

static void
assert_refused(bool good, const err_t *err, err_kind_t kind)
{
    assert_false(good);
    assert_int_equal(err->kind, kind);
}

/* --- cancel --- */

static void
a_job_that_nobody_took_up_is_cancelled_at_once(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id = world_job(&world);
    for (int i = 0; i < 2; i++) { /* the second says the same */
        bool never_started = false;
        own(job) job =
            engine_cancel(world.engine, &world.caller, &id, LONG_MS, NULL, &never_started, &err);
        assert_non_null(job);
        assert_int_equal(job->state, JOB_CANCELLED);
        assert_true(never_started);
        assert_non_null(job->error);
    }
    world_end(&world);
}

static void
a_job_that_was_handed_back_had_started(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    bool never_started = true;
    jobid_t id = world_job(&world);
    world_claim(&world, &id);
    assert_true(pg_script(
        world.pg, "UPDATE live SET state = 'pending', owner = NULL WHERE owner = 'exec/1'", &err));
    own(job) job =
        engine_cancel(world.engine, &world.caller, &id, LONG_MS, NULL, &never_started, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_CANCELLED);
    assert_false(never_started);
    world_end(&world);
}

static void
a_job_that_runs_is_asked_to_stop(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "100", "60000");
    err_t err;
    bool never_started = true;
    jobid_t id = world_job(&world);
    world_claim(&world, &id);
    own(job) running =
        engine_cancel(world.engine, &world.caller, &id, QUICK_MS, NULL, &never_started, &err);
    assert_non_null(running);
    assert_int_equal(running->state, JOB_RUNNING);
    assert_false(never_started);
    assert_true(running->cancel_ms > 0);
    world_finish(&world, &id, "done", NULL);
    own(job) done =
        engine_cancel(world.engine, &world.caller, &id, LONG_MS, NULL, &never_started, &err);
    assert_non_null(done);
    assert_int_equal(done->state, JOB_DONE);
    assert_false(never_started);
    world_end(&world);
}

typedef struct {
    world_t *world;
    jobid_t id;
    sem_t asleep;
    job_t *job;
} sleeper_t;

/* Asked in the midst of a wait. */
static bool
not_gone(void *arg)
{
    sleeper_t *sleeper = arg;
    sem_post(&sleeper->asleep);
    return false;
}

static void *
wait_long(void *arg)
{
    sleeper_t *sleeper = arg;
    patience_t patience = { not_gone, sleeper };
    err_t err;
    sleeper->job = engine_wait(sleeper->world->engine, &sleeper->world->caller, &sleeper->id,
                               LONG_MS, false, &patience, &err);
    return NULL;
}

static void
who_waits_for_a_job_that_is_cancelled_is_told(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    sleeper_t sleeper = { .world = &world, .id = world_job(&world) };
    pthread_t thread;
    int64_t began_ms = clock_mono_ms();
    bool never_started;
    sem_init(&sleeper.asleep, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, wait_long, &sleeper), 0);
    sem_wait(&sleeper.asleep);
    own(job) job =
        engine_cancel(world.engine, &world.caller, &sleeper.id, 0, NULL, &never_started, &err);
    assert_non_null(job);
    pthread_join(thread, NULL);
    assert_true(clock_mono_ms() - began_ms < SOON_MS);
    assert_non_null(sleeper.job);
    assert_int_equal(sleeper.job->state, JOB_CANCELLED);
    job_destroy(&sleeper.job);
    world_end(&world);
}

static void
nobody_elses_job_is_touched(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    int64_t expires_ms;
    bool never_started;
    jobid_t id = world_job(&world);
    jobid_t nobodys = jobid_make(clock_wall_ms(), 0);
    caller_t reader = world.caller;
    memcpy(reader.role, "read", 5);
    const struct {
        const caller_t *caller;
        const jobid_t *id;
        err_kind_t kind;
    } cases[] = {
        { &world.stranger, &id, ERR_DENIED },
        { &world.caller, &nobodys, ERR_NOT_FOUND },
        { &reader, &id, ERR_DENIED },
    };
    for (size_t i = 0; i < 3; i++) {
        const caller_t *caller = cases[i].caller;
        assert_null(
            engine_cancel(world.engine, caller, cases[i].id, 0, NULL, &never_started, &err));
        assert_int_equal(err.kind, cases[i].kind);
        assert_refused(engine_renew(world.engine, caller, cases[i].id, 0, &expires_ms, &err), &err,
                       cases[i].kind);
        assert_refused(engine_remove(world.engine, caller, cases[i].id, &err), &err, cases[i].kind);
    }
    own(job) job = engine_find(world.engine, &world.caller, &id, false, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_PENDING);
    world_end(&world);
}

/* --- renew, remove --- */

static void
only_results_that_are_there_are_renewed(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    int64_t expires_ms;
    jobid_t id = world_job(&world);
    assert_refused(engine_renew(world.engine, &world.caller, &id, 60, &expires_ms, &err), &err,
                   ERR_CONFLICT);
    world_finish(&world, &id, "done", NULL);
    assert_refused(engine_renew(world.engine, &world.caller, &id, 2592001, &expires_ms, &err), &err,
                   ERR_INVALID);
    assert_true(engine_renew(world.engine, &world.caller, &id, 500000, &expires_ms, &err));
    assert_true(llabs(expires_ms - clock_wall_ms() - 500000 * 1000LL) < LONG_MS);
    own(job) job = engine_find(world.engine, &world.caller, &id, false, &err);
    assert_non_null(job);
    assert_int_equal(job->expires_ms, expires_ms);
    world_expire(&world, &id);
    assert_refused(engine_renew(world.engine, &world.caller, &id, 60, &expires_ms, &err), &err,
                   ERR_GONE);
    world_end(&world);
}

static void
a_job_that_was_removed_is_gone(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id = world_job(&world);
    assert_refused(engine_remove(world.engine, &world.caller, &id, &err), &err, ERR_CONFLICT);
    world_finish(&world, &id, "done", NULL);
    assert_true(engine_remove(world.engine, &world.caller, &id, &err));
    assert_null(engine_find(world.engine, &world.caller, &id, false, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_null(engine_wait(world.engine, &world.caller, &id, QUICK_MS, false, NULL, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_refused(engine_remove(world.engine, &world.caller, &id, &err), &err, ERR_NOT_FOUND);
    world_end(&world);
}

enum { REMOVALS = 8, NO_WAIT_MS = 5000 };

typedef struct {
    world_t *world;
    jobid_t id;
    bool good;
} removal_t;

static void *
remove_one(void *arg)
{
    removal_t *removal = arg;
    err_t err;
    removal->good =
        engine_remove(removal->world->engine, &removal->world->caller, &removal->id, &err);
    return NULL;
}

/* The rows are locked meanwhile: nothing that is large enough is at hand. */
static void
removals_that_take_long_keep_no_cancel_waiting(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    bool never_started;
    removal_t removals[REMOVALS];
    pthread_t threads[REMOVALS];
    for (int i = 0; i < REMOVALS; i++) {
        removals[i] = (removal_t){ .world = &world, .id = world_job(&world) };
        world_finish(&world, &removals[i].id, "done", NULL);
    }
    jobid_t id = world_job(&world);
    assert_true(pg_script(world.pg, "BEGIN", &err));
    assert_true(pg_script(world.pg, "SELECT FROM job FOR UPDATE", &err));
    for (int i = 0; i < REMOVALS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, remove_one, &removals[i]), 0);
    assert_true(pg_script(world.pg,
                          "DO $$ BEGIN FOR look IN 1..1000000 LOOP"
                          " EXIT WHEN (SELECT count(*) FROM pg_locks WHERE NOT granted) > 1;"
                          " END LOOP; END $$",
                          &err));
    int64_t began_ms = clock_mono_ms();
    own(job) job = engine_cancel(world.engine, &world.caller, &id, 0, NULL, &never_started, &err);
    assert_true(pg_script(world.pg, "COMMIT", &err));
    for (int i = 0; i < REMOVALS; i++)
        pthread_join(threads[i], NULL);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_CANCELLED);
    assert_true(clock_mono_ms() - began_ms < NO_WAIT_MS);
    for (int i = 0; i < REMOVALS; i++)
        assert_true(removals[i].good);
    world_end(&world);
}

int
main(void)
{
    if (!world_ready())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_nobody_took_up_is_cancelled_at_once),
        cmocka_unit_test(a_job_that_was_handed_back_had_started),
        cmocka_unit_test(a_job_that_runs_is_asked_to_stop),
        cmocka_unit_test(who_waits_for_a_job_that_is_cancelled_is_told),
        cmocka_unit_test(nobody_elses_job_is_touched),
        cmocka_unit_test(only_results_that_are_there_are_renewed),
        cmocka_unit_test(a_job_that_was_removed_is_gone),
        cmocka_unit_test(removals_that_take_long_keep_no_cancel_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

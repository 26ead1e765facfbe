/* test_engine_orders.c - orders with keys and with steps, against a real store, without a broker.
 */
#include "tests/check/engine_world.h"

#include <pthread.h>
#include <string.h>

#include "common/clock.h"

static void
assert_refused(bool good, const err_t *err, err_kind_t kind)
{
    assert_false(good);
    assert_int_equal(err->kind, kind);
}

/* --- idempotency --- */

static order_t
keyed(const char *token)
{
    order_t order = select_1;
    order.client_token = token;
    order.client_token_size = strlen(token);
    return order;
}

static void
the_same_request_is_the_same_job(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "100", "200");
    err_t err;
    order_t order = keyed("again");
    jobid_t first;
    jobid_t second;
    assert_true(engine_submit(world.engine, &world.caller, &order, &first, &err));
    assert_true(engine_submit(world.engine, &world.caller, &order, &second, &err));
    assert_true(jobid_equal(&first, &second));
    assert_true(engine_submit(world.engine, &world.stranger, &order, &second, &err));
    assert_false(jobid_equal(&first, &second));

    own(job) waiting = engine_run(world.engine, &world.caller, &order, NULL, &err);
    assert_non_null(waiting);
    assert_true(jobid_equal(&waiting->id, &first));
    assert_int_equal(waiting->state, JOB_PENDING);
    world_end(&world);
}

static void
a_run_of_a_request_that_is_done_is_answered_at_once(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    order_t order = keyed("done");
    jobid_t first;
    assert_true(engine_submit(world.engine, &world.caller, &order, &first, &err));
    world_finish(&world, &first, "done", NULL);
    int64_t began_ms = clock_mono_ms();
    own(job) done = engine_run(world.engine, &world.caller, &order, NULL, &err);
    assert_non_null(done);
    assert_true(jobid_equal(&done->id, &first));
    assert_int_equal(done->state, JOB_DONE);
    assert_true(clock_mono_ms() - began_ms < SOON_MS);
    world_end(&world);
}

static void
another_request_under_a_taken_key_is_refused(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "100", "200");
    err_t err;
    jobid_t id;
    order_t order = keyed("taken");
    assert_true(engine_submit(world.engine, &world.caller, &order, &id, &err));
    order.priority = 9;
    assert_refused(engine_submit(world.engine, &world.caller, &order, &id, &err), &err,
                   ERR_CONFLICT);
    assert_null(engine_run(world.engine, &world.caller, &order, NULL, &err));
    assert_int_equal(err.kind, ERR_CONFLICT);
    world_end(&world);
}

typedef struct {
    world_t *world;
    jobid_t id;
    bool good;
} racer_t;

static void *
submit_keyed(void *arg)
{
    racer_t *racer = arg;
    err_t err;
    order_t order = keyed("race");
    racer->good =
        engine_submit(racer->world->engine, &racer->world->caller, &order, &racer->id, &err);
    return NULL;
}

static void
many_at_one_time_make_one_job(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    racer_t racers[8];
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        racers[i] = (racer_t){ .world = &world };
        assert_int_equal(pthread_create(&threads[i], NULL, submit_keyed, &racers[i]), 0);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 8; i++) {
        assert_true(racers[i].good);
        assert_true(jobid_equal(&racers[i].id, &racers[0].id));
    }
    world_end(&world);
}

/* --- steps --- */

static void
steps_are_found_as_they_were_ordered(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id;
    const order_step_t steps[2] = {
        { .sql = "SELECT 1", .sql_size = 8, .timeout_ms = 7 },
        { .sql = "SELECT 2", .sql_size = 8, .when = "failed:0", .is_template = true },
    };
    order_t order = order_of("v1_job", steps);
    order.step_count = 2;
    assert_true(engine_submit(world.engine, &world.caller, &order, &id, &err));
    own(job) job = engine_find(world.engine, &world.caller, &id, true, &err);
    assert_non_null(job);
    assert_int_equal(job->steps, 2);
    assert_non_null(job->step);
    assert_string_equal(job->step[0].sql, "SELECT 1");
    assert_int_equal(job->step[0].timeout_ms, 7);
    assert_null(job->step[0].condition);
    assert_string_equal(job->step[1].condition, "failed:0");
    assert_true(job->step[1].is_template);
    own(job) brief = engine_wait(world.engine, &world.caller, &id, 1, false, NULL, &err);
    assert_non_null(brief);
    assert_int_equal(brief->steps, 2);
    world_end(&world);
}

/* As it is seen by who reads the job just before it is removed, and its steps just after. */
static void
a_job_without_its_steps_has_no_results(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id;
    char text[JOBID_TEXT_SIZE];
    const order_step_t steps[2] = {
        { .sql = "SELECT 1", .sql_size = 8 },
        { .sql = "SELECT 2", .sql_size = 8 },
    };
    order_t order = order_of("v1_job", steps);
    order.step_count = 2;
    assert_true(engine_submit(world.engine, &world.caller, &order, &id, &err));
    world_finish(&world, &id, "done", NULL);
    own(job) whole = engine_find(world.engine, &world.caller, &id, true, &err);
    assert_non_null(whole);
    assert_false(whole->expired);
    own(mem) script = mem_format("DELETE FROM step WHERE job = '%s'", jobid_text(&id, text));
    assert_true(pg_script(world.pg, script, &err));
    own(job) hollow = engine_find(world.engine, &world.caller, &id, true, &err);
    assert_non_null(hollow);
    assert_true(hollow->expired);
    world_end(&world);
}

/* --- notes --- */

static void
assert_note(world_t *world, const jobid_t *id)
{
    err_t err;
    own(job) whole = engine_find(world->engine, &world->caller, id, true, &err);
    assert_non_null(whole);
    assert_string_equal(whole->note, "{\"query\":[\"\xe2\x82\xac\\n\"]}\t\x01");
    assert_int_equal(whole->edited_ms, 0);
    own(job) brief = engine_find(world->engine, &world->caller, id, false, &err);
    assert_non_null(brief);
    assert_null(brief->note);
}

static void
a_note_is_given_back_wherever_the_job_is(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id;
    char text[JOBID_TEXT_SIZE];
    order_t order = select_1;
    order.note = "{\"query\":[\"\xe2\x82\xac\\n\"]}\t\x01";
    order.max_attempts = 2;
    assert_true(engine_submit(world.engine, &world.caller, &order, &id, &err));
    assert_note(&world, &id);
    world_finish(&world, &id, "done", NULL);
    assert_note(&world, &id);
    own(mem) keep = mem_format("WITH gone AS (DELETE FROM job WHERE id = '%s' RETURNING *)"
                               " INSERT INTO kept SELECT * FROM gone",
                               jobid_text(&id, text));
    assert_true(pg_script(world.pg, keep, &err));
    assert_note(&world, &id);
    id = world_job(&world);
    own(job) bare = engine_find(world.engine, &world.caller, &id, true, &err);
    assert_non_null(bare);
    assert_null(bare->note);
    world_end(&world);
}

int
main(void)
{
    if (!world_ready())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_request_is_the_same_job),
        cmocka_unit_test(a_run_of_a_request_that_is_done_is_answered_at_once),
        cmocka_unit_test(another_request_under_a_taken_key_is_refused),
        cmocka_unit_test(many_at_one_time_make_one_job),
        cmocka_unit_test(steps_are_found_as_they_were_ordered),
        cmocka_unit_test(a_job_without_its_steps_has_no_results),
        cmocka_unit_test(a_note_is_given_back_wherever_the_job_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

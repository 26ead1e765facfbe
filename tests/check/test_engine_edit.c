/* test_engine_edit.c - what a dialect that keeps documents asks: lists, edits and lines that are
 * not to grow too long, against a real store, without a broker. */
#include "tests/check/engine_world.h"

#include <string.h>

#include "common/clock.h"

#define STEP(text)                                                                                 \
    {                                                                                              \
        .sql = (text), .sql_size = sizeof(text) - 1                                                \
    }

static const order_step_t other_text[] = { STEP("SELECT 9") };
static const order_step_t other_texts[] = { STEP("SELECT 7"), STEP("SELECT 8") };

static order_t
texts(const order_step_t *steps, uint32_t count, const char *note)
{
    order_t order = order_of("v1_job", steps);
    order.step_count = count;
    order.note = note;
    return order;
}

static void
tell(world_t *world, const char *sql, const jobid_t *id)
{
    char text[JOBID_TEXT_SIZE];
    err_t err;
    const char *at = strstr(sql, "%s");
    own(mem) script =
        mem_format("%.*s%s%s", (int)(at - sql), sql, jobid_text(id, text), at + strlen("%s"));
    if (!pg_script(world->pg, script, &err))
        fail_msg("%s", err.text);
}

/* --- edits --- */

static void
a_job_that_waits_is_found_with_its_other_texts_and_note(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id = world_job(&world);
    order_t order = texts(other_texts, 2, "n");
    assert_true(engine_edit(world.engine, &world.caller, &id, &order, &err));
    own(job) job = engine_find(world.engine, &world.caller, &id, true, &err);
    assert_non_null(job);
    assert_int_equal(job->steps, 2);
    assert_string_equal(job->step[1].sql, "SELECT 8");
    assert_string_equal(job->note, "n");
    assert_true(job->edited_ms - clock_wall_ms() < SOON_MS);
    assert_true(clock_wall_ms() - job->edited_ms < SOON_MS);
    world_end(&world);
}

static void
assert_refused(world_t *world, const caller_t *caller, const jobid_t *id, const order_t *order,
               err_kind_t kind)
{
    err_t err;
    assert_false(engine_edit(world->engine, caller, id, order, &err));
    assert_int_equal(err.kind, kind);
}

static void
only_a_job_of_the_callers_that_waits_is_edited(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    jobid_t id = world_job(&world);
    jobid_t nobodys = jobid_make(clock_wall_ms(), 0);
    caller_t reader = world.caller;
    memcpy(reader.role, "read", 5);
    order_t order = texts(other_text, 1, NULL);
    assert_refused(&world, &world.stranger, &id, &order, ERR_DENIED);
    assert_refused(&world, &world.caller, &nobodys, &order, ERR_NOT_FOUND);
    assert_refused(&world, &reader, &id, &order, ERR_DENIED);
    tell(&world, "UPDATE live SET state = 'running', attempt = 1 WHERE id = '%s'", &id);
    assert_refused(&world, &world.caller, &id, &order, ERR_CONFLICT);
    world_finish(&world, &id, "done", NULL);
    assert_refused(&world, &world.caller, &id, &order, ERR_CONFLICT);
    world_end(&world);
}

static void
a_job_that_has_begun_is_not_edited(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id;
    order_t order = texts(other_texts, 2, NULL);
    assert_true(engine_submit(world.engine, &world.caller, &order, &id, &err));
    tell(&world, "UPDATE step SET state = 'done' WHERE job = '%s' AND step = 0", &id);
    assert_refused(&world, &world.caller, &id, &order, ERR_CONFLICT);
    jobid_t stopped = world_job(&world);
    tell(&world, "UPDATE live SET cancel_at = now() WHERE id = '%s'", &stopped);
    assert_refused(&world, &world.caller, &stopped, &order, ERR_CONFLICT);
    world_end(&world);
}

static void
other_texts_are_checked_as_those_of_an_order(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    jobid_t id = world_job(&world);
    const order_step_t faults[] = {
        STEP(""),
        STEP("SELECT '\0'"),
        STEP("SELECT '\xff'"),
        { .sql = "SELECT 1", .sql_size = 8, .when = "done" },
        { .sql = "SELECT 1", .sql_size = 8, .is_template = true },
        { .sql = "SELECT 1", .sql_size = 8, .timeout_ms = -1 },
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        order_t order = texts(&faults[i], 1, NULL);
        assert_refused(&world, &world.caller, &id, &order, ERR_INVALID);
    }
    order_t order = texts(other_text, 1, "\xff");
    assert_refused(&world, &world.caller, &id, &order, ERR_INVALID);
    order = texts(other_texts, ORDER_STEPS_MOST + 1, NULL);
    assert_refused(&world, &world.caller, &id, &order, ERR_INVALID);
    world_end(&world);
}

static void
timeouts_of_other_steps_are_within_the_tenants_cap(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id;
    const limits_t limits = { .retention_s = -1,
                              .statement_timeout_ms = 5000,
                              .queue_timeout_ms = -1,
                              .deadline_ms = -1,
                              .max_rows = -1,
                              .max_bytes = -1 };
    assert_true(store_tenant_limit(world.store, world.caller.tenant, &limits, &err));
    const order_step_t slow = { .sql = "SELECT 1", .sql_size = 8, .timeout_ms = 9000 };
    const order_step_t steps[] = { slow, { .sql = "SELECT 2", .sql_size = 8 } };
    order_t order = texts(&slow, 1, NULL);
    order.statement_timeout_ms = 4000;
    assert_true(engine_submit(world.engine, &world.caller, &order, &id, &err));
    order = texts(steps, 2, NULL);
    assert_true(engine_edit(world.engine, &world.caller, &id, &order, &err));
    own(job) job = engine_find(world.engine, &world.caller, &id, true, &err);
    assert_non_null(job);
    assert_int_equal(job->step[0].timeout_ms, 5000);
    tell(&world,
         "DO $$ BEGIN ASSERT (SELECT options ->> 'statement_timeout_ms' FROM live WHERE id = '%s')"
         " = '4000'; END $$",
         &id);
    world_end(&world);
}

static void
of_an_order_only_its_steps_and_note_count(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id = world_job(&world);
    order_t order = texts(other_texts, 2, NULL);
    order.one_transaction = true;
    order.priority = 9;
    order.source = "nowhere";
    assert_true(engine_edit(world.engine, &world.caller, &id, &order, &err));
    own(job) job = engine_find(world.engine, &world.caller, &id, true, &err);
    assert_non_null(job);
    assert_int_equal(job->steps, 2);
    assert_int_equal(job->priority, 5);
    assert_string_equal(job->source, "shop");
    world_end(&world);
}

/* --- lists --- */

static jobs_t *
listed(world_t *world, const caller_t *caller, bool running)
{
    err_t err;
    const job_filter_t filter = { .dialect = "v1_job", .running = running, .most = JOBS_MOST };
    jobs_t *jobs = engine_list(world->engine, caller, &filter, &err);
    if (!jobs)
        fail_msg("%s", err.text);
    return jobs;
}

static void
the_callers_jobs_are_listed_the_newest_first(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t ids[3];
    order_t order = texts(other_texts, 2, "n");
    for (int i = 0; i < 3; i++)
        assert_true(engine_submit(world.engine, &world.caller, &order, &ids[i], &err));
    world_finish(&world, &ids[2], "failed", NULL);
    own(jobs) jobs = listed(&world, &world.caller, false);
    assert_int_equal(jobs->count, 3);
    for (int i = 0; i < 3; i++) {
        const job_t *job = jobs->list[i];
        assert_true(i == 0 || jobid_compare(&job->id, &jobs->list[i - 1]->id) < 0);
        assert_string_equal(job->note, "n");
        assert_string_equal(job->step[1].sql, "SELECT 8");
    }
    own(jobs) others = listed(&world, &world.stranger, false);
    assert_int_equal(others->count, 0);
    own(jobs) running = listed(&world, &world.caller, true);
    assert_int_equal(running->count, 0);
    world_end(&world);
}

/* --- lines --- */

static void
an_order_that_finds_too_many_waiting_is_told_so(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    err_t err;
    jobid_t id;
    order_t order = texts(other_text, 1, NULL);
    order.queue_key = "k";
    order.queue_key_size = 1;
    order.queue_most = 2;
    assert_true(engine_submit(world.engine, &world.caller, &order, &id, &err));
    assert_true(engine_submit(world.engine, &world.caller, &order, &id, &err));
    assert_false(engine_submit(world.engine, &world.caller, &order, &id, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.text, "2 jobs with this queue key wait already");
    assert_true(engine_submit(world.engine, &world.stranger, &order, &id, &err));
    world_end(&world);
}

int
main(void)
{
    if (!world_ready())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_waits_is_found_with_its_other_texts_and_note),
        cmocka_unit_test(only_a_job_of_the_callers_that_waits_is_edited),
        cmocka_unit_test(a_job_that_has_begun_is_not_edited),
        cmocka_unit_test(other_texts_are_checked_as_those_of_an_order),
        cmocka_unit_test(timeouts_of_other_steps_are_within_the_tenants_cap),
        cmocka_unit_test(of_an_order_only_its_steps_and_note_count),
        cmocka_unit_test(the_callers_jobs_are_listed_the_newest_first),
        cmocka_unit_test(an_order_that_finds_too_many_waiting_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

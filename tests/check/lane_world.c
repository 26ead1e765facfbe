/* lane_world.c - an executor that is alive, with a lane through the cutter. */
#include "tests/check/lane_world.h"

enum { PATIENCE_MS = 30000 };

lane_world_t world;

/* --- acting --- */

static uint32_t
held(void *unused, const jobid_t **ids)
{
    (void)unused;
    *ids = world.held;
    return world.held_count < HELD_MOST ? world.held_count : HELD_MOST;
}

static void
on_deposed(void *unused)
{
    (void)unused;
    world.deposed++;
}

void
answered(write_t *write)
{
    (void)write;
    if (--world.awaited == 0)
        loop_stop(world.loop);
}

static void
no_patience(void *unused)
{
    (void)unused;
    fail_msg("the lane did not answer");
}

void
await(uint32_t count)
{
    err_t err;
    world.awaited = count;
    loop_timer_t *patience = loop_after(world.loop, PATIENCE_MS, no_patience, NULL);
    CHECK(loop_run(world.loop, &err));
    loop_cancel(&patience);
    assert_int_equal(lane_load(world.lane), 0);
}

void
run(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        world.writes[i].done = answered;
        lane_write(world.lane, &world.writes[i]);
    }
    await(count);
}

write_t *
a_write(uint32_t i, write_kind_t kind, const jobid_t *job, int32_t attempt)
{
    write_clear(&world.writes[i]);
    world.writes[i] = (write_t){ .kind = kind, .job = *job, .attempt = attempt };
    return &world.writes[i];
}

write_t *
a_claim(uint32_t i, const jobid_t *job)
{
    write_t *write = a_write(i, WRITE_CLAIM, job, 0);
    write->in.session.backend_pid = 77;
    write->in.session.backend_start_us = 1234567;
    world.held[world.held_count++ % HELD_MOST] = *job;
    return write;
}

write_t *
a_finish(uint32_t i, const jobid_t *job, int32_t attempt)
{
    write_t *write = a_write(i, WRITE_FINISH, job, attempt);
    write->in.ending = (ending_t){ .state = JOB_DONE, .rows = 3, .bytes = 30, .executing_us = 9 };
    return write;
}

page_t *
a_page(void)
{
    err_t err;
    page_writer_t *writer = page_writer_new(1000, 10, 1000);
    page_row_open(writer, 1);
    page_cell_int(writer, 42);
    assert_true(page_row_close(writer));
    page_t *page = page_writer_close(writer, &err);
    page_writer_destroy(&writer);
    return page;
}

jobid_t
a_claimed_job(void)
{
    jobid_t job = a_submitted_job();
    write_t *write = a_claim(0, &job);
    run(1);
    assert_int_equal(write->verdict, WRITE_DONE);
    assert_int_equal(write->claimed.attempt, 1);
    return job;
}

/* --- before and after --- */

int
lane_open(void **unused)
{
    (void)unused;
    err_t err;
    world.held_count = 0;
    world.deposed = 0;
    world.incarnation++;
    enroll("exec", world.incarnation, 60000);
    world.cutter = cutter_new(world_dsn);
    world.loop = loop_new(&err);
    if (!world.cutter || !world.loop)
        return -1;
    lane_options_t options = { .loop = world.loop,
                               .dsn = cutter_dsn(world.cutter),
                               .who = "test-lane",
                               .node = "exec",
                               .incarnation = world.incarnation,
                               .batch_most = WRITES,
                               .held = held,
                               .deposed = on_deposed };
    world.lane = lane_new(&options);
    return 0;
}

int
lane_close(void **unused)
{
    (void)unused;
    for (uint32_t i = 0; i < WRITES; i++)
        write_clear(&world.writes[i]);
    lane_destroy(&world.lane);
    loop_destroy(&world.loop);
    cutter_destroy(&world.cutter);
    return 0;
}

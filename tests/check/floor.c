/* floor.c - the leader's part. */
#include "tests/check/floor.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/link.h"
#include "common/seal.h"

enum { PATIENCE_MS = 30000, LOOK_MS = 20, EPOCH = 7 };

floor_t floor_world;

/* --- the link --- */

struct link {
    link_options_t options;
};

static struct link leader;

link_t *
link_new(const link_options_t *options)
{
    leader.options = *options;
    return &leader;
}

void
link_destroy(link_t **self_p)
{
    *self_p = NULL;
}

void
link_brokers(link_t *self, const broker_t *brokers, uint32_t count)
{
    (void)self;
    (void)brokers;
    (void)count;
}

void
link_incarnation(link_t *self, uint64_t incarnation)
{
    self->options.incarnation = incarnation;
}

uint64_t
link_epoch(const link_t *self)
{
    (void)self;
    return EPOCH;
}

static heard_t *
heard_of(const jobid_t *id)
{
    for (uint32_t i = 0; i < floor_world.count; i++) {
        if (jobid_equal(&floor_world.heard[i].id, id))
            return &floor_world.heard[i];
    }
    heard_t *heard = &floor_world.heard[floor_world.count++ % FLOOR_JOBS];
    *heard = (heard_t){ .id = *id };
    return heard;
}

bool
link_send(link_t *self, const wire_t *message)
{
    (void)self;
    if (message->tag == WIRE_credit) {
        floor_world.credit =
            message->credit.slots + (message->credit.fresh ? 0 : floor_world.credit);
        for (uint32_t i = 0; i < message->credit.done_count; i++) {
            heard_t *heard = heard_of(&message->credit.done[i].job);
            heard->released = true;
            heard->verdict = (release_verdict_t)message->credit.done[i].verdict;
            heard->later_ms = message->credit.done[i].later_ms;
        }
    }
    for (uint32_t i = 0; message->tag == WIRE_changes && i < message->changes.jobs_count; i++) {
        heard_t *heard = heard_of(&message->changes.jobs[i].job);
        heard->changed = true;
        heard->state = (job_state_t)message->changes.jobs[i].state;
    }
    return true;
}

/* --- turning --- */

static struct {
    const heard_t *heard;
    bool changed;
    const char *sql;
    const char *expected;
} awaited;

static bool
stop_when_there(void *unused)
{
    (void)unused;
    if (awaited.heard && (awaited.changed ? awaited.heard->changed : awaited.heard->released))
        loop_stop(floor_world.loop);
    return false;
}

static void
look_again(void *unused)
{
    (void)unused;
    if (!awaited.sql)
        return;
    own(mem) answer = ask(awaited.sql);
    if (strcmp(answer, awaited.expected) == 0)
        loop_stop(floor_world.loop);
}

static void
no_patience(void *unused)
{
    (void)unused;
    fail_msg("it did not come: %s", awaited.sql ? awaited.sql : "a word of the job");
}

static void
turn(void)
{
    err_t err;
    loop_timer_t *patience = loop_after(floor_world.loop, PATIENCE_MS, no_patience, NULL);
    CHECK(loop_run(floor_world.loop, &err));
    loop_cancel(&patience);
    awaited.heard = NULL;
    awaited.sql = NULL;
}

heard_t *
wait_released(const jobid_t *id)
{
    heard_t *heard = heard_of(id);
    awaited.heard = heard;
    awaited.changed = false;
    if (!heard->released)
        turn();
    return heard;
}

heard_t *
wait_changed(const jobid_t *id)
{
    heard_t *heard = heard_of(id);
    awaited.heard = heard;
    awaited.changed = true;
    if (!heard->changed)
        turn();
    return heard;
}

void
wait_until(const char *sql, const char *expected)
{
    awaited.sql = sql;
    awaited.expected = expected;
    turn();
}

/* --- jobs --- */

jobid_t
submitted(submit_t *submit)
{
    err_t err;
    int64_t ms = 0;
    CHECK(store_clock(world_store, &ms, &err));
    submit->id = jobid_make(ms, 0);
    submit->tenant = "demo";
    submit->source = "floor";
    submit->dialect = "test";
    submit->priority = 5;
    submit->retention_s = 3600;
    if (!submit->sql)
        submit->sql = "";
    CHECK(store_submit(world_store, &submit, 1, &err));
    return submit->id;
}

jobid_t
a_job(const char *sql)
{
    submit_t submit = { .sql = sql };
    return submitted(&submit);
}

jobid_t
a_job_with(const char *sql, const char *options)
{
    submit_t submit = { .sql = sql, .options = options };
    return submitted(&submit);
}

void
dispatch(const jobid_t *id)
{
    dispatch_of(id, "");
}

void
dispatch_of(const jobid_t *id, const char *queue_key)
{
    wire_offer_t offer = { .job = *id,
                           .tenant = wire_text("demo"),
                           .source = wire_text("floor"),
                           .queue_key = wire_text(queue_key) };
    wire_t message = { .tag = WIRE_dispatch };
    message.dispatch.epoch = EPOCH;
    message.dispatch.jobs = &offer;
    message.dispatch.jobs_count = 1;
    heard_t *heard = heard_of(id);
    heard->released = heard->changed = false;
    floor_world.credit -= floor_world.credit > 0 ? 1 : 0;
    leader.options.message(leader.options.arg, &message);
}

job_t *
ended(const jobid_t *id)
{
    (void)wait_changed(id);
    find_t find = found(id, "demo");
    assert_int_equal(find.verdict, FIND_FOUND);
    return find.job;
}

job_t *
ran_steps(const submit_step_t *steps, uint32_t count)
{
    submit_t submit = { .steps = steps, .step_count = count };
    jobid_t id = submitted(&submit);
    dispatch(&id);
    return ended(&id);
}

job_t *
ran_with(const char *sql, const char *options)
{
    jobid_t id = a_job_with(sql, options);
    dispatch(&id);
    return ended(&id);
}

void
say_cancel(const jobid_t *id)
{
    wire_ref_t ref = { .job = *id };
    wire_t message = { .tag = WIRE_cancel };
    message.cancel.jobs = &ref;
    message.cancel.jobs_count = 1;
    leader.options.message(leader.options.arg, &message);
}

void
cancel(const jobid_t *id)
{
    err_t err;
    cancel_verdict_t verdict;
    CHECK(store_cancel(world_store, id, "demo", &verdict, &err));
    if (verdict == CANCEL_ASKED)
        say_cancel(id);
}

job_t *
ran(const char *sql)
{
    jobid_t id = a_job(sql);
    dispatch(&id);
    return ended(&id);
}

const result_t *
result_of(const job_t *job)
{
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->manifest->count, 1);
    return &job->manifest->results[0];
}

opened_t *
inline_rows(const result_t *result)
{
    err_t err;
    assert_non_null(result->inlined);
    opened_t *reader =
        opened_new(result->inlined, result->inlined_size, (uint32_t)result->raw_bytes, &err);
    if (!reader)
        fail_msg("%s", err.text);
    return reader;
}

uint64_t
number_in(const job_t *job)
{
    own(opened) reader = inline_rows(result_of(job));
    uint32_t cells = 0;
    cell_t cell = { 0 };
    err_t err;
    CHECK(page_reader_row(&reader->walk, &cells, &err));
    CHECK(page_reader_cell(&reader->walk, &cell, &err));
    return cell.number;
}

/* --- set-up --- */

static seal_key_t key = { .bytes = { 1, 2, 3 } };
static bus_keys_t keys;

static bool
lease_good(void *unused, int64_t margin_ms)
{
    (void)unused;
    (void)margin_ms;
    return floor_world.lease_good;
}

static void
make_login(void)
{
    err_t err;
    tell("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'floor_role') THEN"
         " CREATE ROLE floor_role LOGIN PASSWORD 'floor'; END IF; END $$");
    tell("CREATE SCHEMA IF NOT EXISTS floor_role AUTHORIZATION floor_role");
    size_t size = 0;
    own(mem) sealed = (mem_t *)seal_text(&key, "floor", &size);
    tell("DELETE FROM login; DELETE FROM source");
    if (!store_tenant_add(world_store, "demo", &err))
        assert_int_equal(err.kind, ERR_CONFLICT); /* an earlier test's */
    CHECK(store_source_add(world_store, "floor", "postgres", world_dsn, &err));
    CHECK(store_login_add(world_store, "demo", "floor", "floor", "floor_role",
                          (const uint8_t *)sealed, size, &err));
    CHECK(store_sweep_partitions(world_store, 2, &err));
}

int
floor_open(void **unused)
{
    (void)unused;
    static int64_t incarnation = 100;
    err_t err;
    floor_world = (floor_t){ .lease_good = true };
    make_login();
    enroll("floor", ++incarnation, 600000);
    CHECK(bus_keys_make(&keys, &err));
    floor_world.loop = loop_new(&err);
    const runner_options_t options = { .loop = floor_world.loop,
                                       .store = world_dsn,
                                       .name = "floor",
                                       .incarnation = incarnation,
                                       .keys = &keys,
                                       .seal = &key,
                                       .slots = 4,
                                       .sessions_extra = 1,
                                       .page_bytes = 65536,
                                       .page_rows = 10000,
                                       .row_bytes = 1 << 20,
                                       .first_page_ms = 50,
                                       .page_ms = FLOOR_PAGE_MS,
                                       .inline_bytes = 2048,
                                       .max_attempts = 3,
                                       .deadline_ms = 86400000,
                                       .stop_grace_ms = FLOOR_GRACE_MS,
                                       .batch_most = 256,
                                       .connect_timeout_ms = 5000,
                                       .lease_ms = 500,
                                       .drain_ms = 50,
                                       .lease_good = lease_good };
    floor_world.runner = runner_new(&options);
    loop_before_sleep(floor_world.loop, stop_when_there, NULL);
    loop_every(floor_world.loop, LOOK_MS, look_again, NULL);
    leader.options.leader(leader.options.arg, EPOCH);
    return 0;
}

int
floor_close(void **unused)
{
    (void)unused;
    runner_destroy(&floor_world.runner);
    loop_destroy(&floor_world.loop);
    return 0;
}

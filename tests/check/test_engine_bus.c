/* test_engine_bus.c - the engine with a real store and a broker played by the test. */
#include "tests/check/engine_world.h"
#include "tests/unit/row_walk.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/bus.h"
#include "common/clock.h"

/* A manifest of one result, one row, one column: 42. As hex; caller owns it. */
static char *
a_manifest(void)
{
    err_t err;
    own(page_writer) writer = page_writer_new(4096, 100, 4096);
    page_row_open(writer, 1);
    page_cell_int(writer, 42);
    assert_true(page_row_close(writer));
    own(page) page = page_writer_close(writer, &err);
    assert_non_null(page);
    own(manifest) manifest = manifest_new();
    result_t *result = manifest_add(manifest);
    result->has_columns = true;
    result_columns(result, 1);
    result->rows = 1;
    result->bytes = page->size;
    result->raw_bytes = page->raw_bytes;
    memcpy(result->hash, page->hash, PAGE_HASH_SIZE);
    result->inlined_size = page->size;
    result->inlined = take(page->data);
    size_t size;
    uint8_t *bytes = manifest_pack(manifest, &size);
    char *hex = mem_new(2 * size + 1);
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    free(bytes);
    return hex;
}

typedef struct {
    world_t *world;
    bus_t *bus;
    store_t *store;
    bus_keys_t keys;
    node_t node;
    char name[64];
    uint64_t epoch;
    pthread_t thread;
    atomic_bool stopping;
    jobid_t waited;
    peer_t watcher; /* of the last watch, and its job: the leader's thread */
    jobid_t watched;
    atomic_bool tells; /* say at once that it is done */
    atomic_int watches;
    atomic_int offers;
    atomic_int cancels;
    atomic_bool lies;  /* say that a job is done when it is not */
    atomic_bool more;  /* say that there is more to tell of it */
    const char *state; /* what becomes of offered jobs; NULL: nothing */
    char *manifest;
} leader_t;

static bus_answer_t
allow(void *arg, const char *public_key, char *role, char *name)
{
    (void)arg;
    (void)public_key;
    memcpy(role, "api", 4);
    memcpy(name, "test", 5);
    return BUS_ALLOW;
}

/* Say that a job has ended, and say so again: repeating it is harmless. */
static void
tell_end(leader_t *self, const peer_t *peer, const jobid_t *job, job_state_t state)
{
    wire_change_t change = { .job = *job,
                             .attempt = 9,
                             .state = state,
                             .started_ms = 1000,
                             .ended_ms = 2000,
                             .rows = 1,
                             .more = atomic_load(&self->more) };
    wire_t message = { .tag = WIRE_changes };
    message.changes.jobs = &change;
    message.changes.jobs_count = 1;
    bus_send(self->bus, peer, &message);
    bus_send(self->bus, peer, &message);
}

/* What an executor and the broker do with an offered job, and what the API node hears of it. */
static void
finish_offered(leader_t *self, const peer_t *peer, const wire_offer_t *offer)
{
    job_state_t state = JOB_DONE;
    if (!atomic_load(&self->lies))
        world_finish(self->world, &offer->job, self->state, self->manifest);
    assert_true(job_state_parse(self->state, &state));
    tell_end(self, peer, &offer->job, state);
}

static void
serve(leader_t *self, const peer_t *peer, const wire_t *message)
{
    wire_t beat = { .tag = WIRE_beat,
                    .beat = { .version = WIRE_VERSION,
                              .name = wire_text(self->name),
                              .epoch = self->epoch,
                              .leading = true } };
    if (message->tag == WIRE_hello)
        bus_send(self->bus, peer, &beat);
    if (message->tag == WIRE_watch) {
        self->watcher = *peer;
        self->watched = message->watch.jobs[message->watch.jobs_count - 1].job;
        atomic_fetch_add(&self->watches, (int)message->watch.jobs_count);
    }
    if (message->tag == WIRE_cancel)
        atomic_fetch_add(&self->cancels, (int)message->cancel.jobs_count);
    if (message->tag != WIRE_offers)
        return;
    atomic_fetch_add(&self->offers, (int)message->offers.jobs_count);
    for (uint32_t i = 0; self->state && i < message->offers.jobs_count; i++)
        finish_offered(self, peer, &message->offers.jobs[i]);
}

static void *
lead(void *arg)
{
    leader_t *self = arg;
    while (!atomic_load(&self->stopping)) {
        struct pollfd ready = { .fd = bus_fd(self->bus), .events = POLLIN };
        poll(&ready, 1, 20);
        peer_t peer;
        char role[64];
        char name[64];
        for (;;) {
            own(wire) message = bus_receive(self->bus, &peer, role, name);
            if (!message)
                break;
            serve(self, &peer, message);
        }
        if (atomic_exchange(&self->tells, false))
            tell_end(self, &self->watcher, &self->watched, JOB_DONE);
    }
    return NULL;
}

static void
leader_begin(leader_t *self, world_t *world, const char *state)
{
    err_t err;
    *self = (leader_t){ .world = world, .state = state, .manifest = a_manifest() };
    snprintf(self->name, sizeof self->name, "broker-test-%d", world->number);
    assert_true(bus_keys_make(&self->keys, &err));
    self->bus = bus_bind("127.0.0.1", &self->keys, allow, NULL, &err);
    if (!self->bus)
        fail_msg("%s", err.text);
    self->store = store_new(world_dsn(), "test broker");
    self->node = (node_t){ .name = self->name,
                           .incarnation = clock_wall_ms(),
                           .role = "broker",
                           .public_key = self->keys.public_key,
                           .endpoint = bus_endpoint(self->bus),
                           .url = "http://127.0.0.1:2",
                           .lease_ms = LONG_MS };
    if (!store_node_enroll(self->store, &self->node, &err))
        fail_msg("%s", err.text);
    if (!store_leader_beat(self->store, self->name, self->node.endpoint, 0, &self->epoch, &err))
        fail_msg("%s", err.text);
    assert_true(self->epoch > 0);
    assert_int_equal(pthread_create(&self->thread, NULL, lead, self), 0);
}

static void
leader_end(leader_t *self)
{
    err_t err;
    atomic_store(&self->stopping, true);
    pthread_join(self->thread, NULL);
    assert_true(store_leader_leave(self->store, self->name, &err));
    assert_true(store_node_leave(self->store, &self->node, &err));
    bus_destroy(&self->bus);
    store_destroy(&self->store);
    free(self->manifest);
}

/* Until the node has found the leader: a watch gets through. */
static void
await_leader(world_t *world, leader_t *leader)
{
    err_t err;
    jobid_t id = world_job(world);
    int64_t end_ms = clock_mono_ms() + SOON_MS;
    while (atomic_load(&leader->watches) == 0 && atomic_load(&leader->offers) == 0) {
        own(job) job = engine_wait(world->engine, &world->caller, &id, QUICK_MS, false, NULL, &err);
        assert_non_null(job);
        if (clock_mono_ms() > end_ms)
            fail_msg("the node found no leader");
    }
}

static void
an_event_ends_a_wait_at_once(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000"); /* nothing else could */
    leader_t leader;
    leader_begin(&leader, &world, "done");
    await_leader(&world, &leader);
    err_t err;
    int64_t began_ms = clock_mono_ms();
    for (int i = 0; i < 50; i++) {
        jobid_t id = world_job(&world);
        own(job) job = engine_wait(world.engine, &world.caller, &id, LONG_MS, false, NULL, &err);
        assert_non_null(job);
        assert_int_equal(job->state, JOB_DONE);
        assert_int_equal(job->rows, 1);
        assert_true(job->expires_ms > job->ended_ms);
        assert_string_equal(job->tenant, world.caller.tenant);
    }
    assert_true(clock_mono_ms() - began_ms < SOON_MS);
    leader_end(&leader);
    world_end(&world);
}

static void
a_done_job_of_which_there_is_more_to_tell_is_read(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    leader_t leader;
    leader_begin(&leader, &world, "done");
    await_leader(&world, &leader);
    err_t err;
    for (int more = 0; more < 2; more++) {
        atomic_store(&leader.more, more == 1);
        jobid_t id = world_job(&world);
        for (int i = 0; i < 2; i++) { /* the second time it was told long ago */
            own(job) job =
                engine_wait(world.engine, &world.caller, &id, LONG_MS, false, NULL, &err);
            assert_non_null(job);
            assert_int_equal(job->state, JOB_DONE);
            assert_int_equal(job->ended_ms == 2000, more == 0);
        }
    }
    leader_end(&leader);
    world_end(&world);
}

static void
a_run_ends_with_its_rows(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    leader_t leader;
    leader_begin(&leader, &world, "done");
    await_leader(&world, &leader);
    err_t err;
    for (int i = 0; i < 50; i++) {
        own(job) job = engine_run(world.engine, &world.caller, &select_1, NULL, &err);
        assert_non_null(job);
        assert_int_equal(job->state, JOB_DONE);
        assert_non_null(job->manifest);
        own(rows) rows = engine_rows(world.engine, job, &job->manifest->results[0], 0, false, &err);
        assert_non_null(rows);
        cell_t cell;
        assert_true(row_walk(rows, &cell, &err));
        assert_int_equal(cell.number, 42);
        assert_false(row_walk(rows, &cell, &err));
        assert_int_equal(err.kind, ERR_NONE);
    }
    leader_end(&leader);
    world_end(&world);
}

static void
a_failure_is_read_from_the_store(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    leader_t leader;
    leader_begin(&leader, &world, "failed");
    await_leader(&world, &leader);
    err_t err;
    jobid_t id = world_job(&world);
    own(job) job = engine_wait(world.engine, &world.caller, &id, LONG_MS, false, NULL, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_FAILED);
    assert_int_equal(job->attempt, 1); /* as the store has it, not as the event said */
    leader_end(&leader);
    world_end(&world);
}

static void
a_false_event_gives_no_rows_and_no_end(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "100", "300");
    leader_t leader;
    leader_begin(&leader, &world, "done");
    await_leader(&world, &leader);
    atomic_store(&leader.lies, true);
    err_t err;
    own(job) job = engine_run(world.engine, &world.caller, &select_1, NULL, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_PENDING);
    leader_end(&leader);
    world_end(&world);
}

static void
another_nodes_job_is_watched(void **unused)
{
    (void)unused;
    world_t here;
    world_t there;
    world_begin(&here, "60000", "60000");
    world_begin(&there, "60000", "60000");
    leader_t leader;
    leader_begin(&leader, &here, NULL);
    await_leader(&here, &leader);
    jobid_t id = world_job(&there);
    int before = atomic_load(&leader.watches);
    int64_t end_ms = clock_mono_ms() + SOON_MS;
    while (atomic_load(&leader.watches) == before) {
        err_t err;
        own(job) job = engine_wait(here.engine, &there.caller, &id, QUICK_MS, false, NULL, &err);
        assert_non_null(job);
        if (clock_mono_ms() > end_ms)
            fail_msg("nobody watches the job");
    }
    leader_end(&leader);
    world_end(&there);
    world_end(&here);
}

/* Called when the job was read, and its end is waited for. */
static bool
tell_now(void *arg)
{
    leader_t *leader = arg;
    atomic_store(&leader->tells, true);
    return false;
}

static void
the_end_of_another_nodes_job_is_believed_without_a_second_look(void **unused)
{
    (void)unused;
    world_t here;
    world_t there;
    world_begin(&here, "60000", "60000");
    world_begin(&there, "60000", "60000");
    leader_t leader;
    leader_begin(&leader, &here, NULL);
    await_leader(&here, &leader);
    jobid_t id = world_job(&there);
    patience_t patience = { tell_now, &leader };
    err_t err;
    own(job) job = engine_wait(here.engine, &there.caller, &id, SOON_MS, false, &patience, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_DONE); /* though the store knows nothing of it */
    assert_true(job->retention_s > 0);
    assert_int_equal(job->expires_ms, 2000 + 1000 * (int64_t)job->retention_s);
    leader_end(&leader);
    world_end(&there);
    world_end(&here);
}

static bool
was_cancelled(void *arg)
{
    leader_t *leader = arg;
    return atomic_load(&leader->cancels) > 0;
}

static void
the_leader_is_told_which_job_to_stop(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    leader_t leader;
    leader_begin(&leader, &world, NULL);
    await_leader(&world, &leader);
    err_t err;
    jobid_t id = world_job(&world);
    char text[JOBID_TEXT_SIZE];
    own(mem) script = mem_format("UPDATE live SET state = 'running', attempt = 1, owner = 'e/1'"
                                 " WHERE id = '%s'",
                                 jobid_text(&id, text));
    assert_true(pg_script(world.pg, script, &err));
    patience_t patience = { was_cancelled, &leader };
    bool never_started = true;
    own(job) job =
        engine_cancel(world.engine, &world.caller, &id, SOON_MS, &patience, &never_started, &err);
    assert_non_null(job);
    assert_int_equal(job->state, JOB_RUNNING);
    assert_false(never_started);
    assert_int_equal(atomic_load(&leader.cancels), 1);
    leader_end(&leader);
    world_end(&world);
}

static bool
was_watched(void *arg)
{
    leader_t *leader = arg;
    return atomic_load(&leader->watches) > 0;
}

static void *
wait_until_watched(void *arg)
{
    leader_t *leader = arg;
    err_t err;
    patience_t patience = { was_watched, leader };
    own(job) job = engine_wait(leader->world->engine, &leader->world->caller, &leader->waited,
                               LONG_MS, false, &patience, &err);
    assert_null(job);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    return NULL;
}

static void
a_new_leader_is_told_who_waits(void **unused)
{
    (void)unused;
    world_t world;
    world_begin(&world, "60000", "60000");
    leader_t leader;
    pthread_t thread;
    leader_begin(&leader, &world, NULL);
    leader.waited = world_job(&world);
    assert_int_equal(pthread_create(&thread, NULL, wait_until_watched, &leader), 0);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&leader.watches) > 0);
    leader_end(&leader);
    world_end(&world);
}

int
main(void)
{
    if (!world_ready())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_ends_a_wait_at_once),
        cmocka_unit_test(a_done_job_of_which_there_is_more_to_tell_is_read),
        cmocka_unit_test(a_run_ends_with_its_rows),
        cmocka_unit_test(a_failure_is_read_from_the_store),
        cmocka_unit_test(a_false_event_gives_no_rows_and_no_end),
        cmocka_unit_test(another_nodes_job_is_watched),
        cmocka_unit_test(the_end_of_another_nodes_job_is_believed_without_a_second_look),
        cmocka_unit_test(a_new_leader_is_told_who_waits),
        cmocka_unit_test(the_leader_is_told_which_job_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

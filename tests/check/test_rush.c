/* test_rush.c - two executors after the jobs of a few queue keys, while these are still coming in,
 * and not in the order of their ids: no two of one key are ever claimed at a time.
 *
 * Each executor claims whatever it sees, several at once, and ends what it has, or hands it back,
 * or loses it as a dead one does. A job counts as running from the answer to its claim until its
 * end is about to be written: two that run at a time by this count did so in the store.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "tests/check/lane_world.h"
#include "tests/check/order_world.h"

enum {
    KEYS = 4,
    JOBS = 40, /* of each key */
    CLAIMS = 6,
    PATIENCE_MS = 60000,
};

static atomic_int running[KEYS];
static atomic_int over;
static atomic_bool overlap; /* two at a time: the claim of this test is wrong */
static atomic_bool late;

typedef struct {
    int number;
    unsigned dice;
    loop_t *loop;
    lane_t *lane;
    PGconn *look;
    write_t writes[2 * CLAIMS];
    int key_of[2 * CLAIMS];
    uint32_t count;
    uint32_t awaited;
    jobid_t held[2 * CLAIMS];
    int32_t attempts[2 * CLAIMS];
    int held_key[2 * CLAIMS];
    uint32_t held_count; /* that it has claimed */
    jobid_t named[4 * CLAIMS];
} racer_t;

static uint32_t
on_held(void *arg, const jobid_t **ids)
{
    racer_t *self = arg;
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->held_count; i++)
        self->named[count++] = self->held[i];
    for (uint32_t i = 0; i < self->count; i++)
        self->named[count++] = self->writes[i].job;
    *ids = self->named;
    return count;
}

static void
on_answer(write_t *write)
{
    racer_t *self = write->owner;
    if (--self->awaited == 0)
        loop_stop(self->loop);
}

static write_t *
add(racer_t *self, write_kind_t kind, const jobid_t *job, int32_t attempt, int key)
{
    self->key_of[self->count] = key;
    write_t *write = &self->writes[self->count++];
    write_clear(write);
    *write = (write_t){
        .kind = kind, .job = *job, .attempt = attempt, .done = on_answer, .owner = self
    };
    return write;
}

static void
fly(racer_t *self)
{
    err_t err;
    self->awaited = self->count;
    for (uint32_t i = 0; i < self->count; i++)
        lane_write(self->lane, &self->writes[i]);
    if (self->count > 0 && !loop_run(self->loop, &err))
        atomic_store(&late, true);
}

/* What it has: one in three goes on, the others end, each in a way of its own. */
static void
let_go(racer_t *self)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < self->held_count; i++) {
        int dice = (int)(rand_r(&self->dice) % 6);
        if (dice < 2) {
            self->held[kept] = self->held[i];
            self->attempts[kept] = self->attempts[i];
            self->held_key[kept++] = self->held_key[i];
            continue;
        }
        atomic_fetch_sub(&running[self->held_key[i]], 1);
        if (dice == 5) {
            char id[JOBID_TEXT_SIZE];
            own(mem) text = mem_format("UPDATE live SET recovering = true WHERE id = '%s'",
                                       jobid_text(&self->held[i], id));
            PQclear(PQexec(self->look, text));
            continue;
        }
        write_t *write = add(self, dice == 4 ? WRITE_UNCLAIM : WRITE_FINISH, &self->held[i],
                             self->attempts[i], self->held_key[i]);
        write->in.ending.state = dice == 4 ? JOB_PENDING : JOB_DONE;
    }
    self->held_count = kept;
}

/* And whatever else there is. */
static void
reach_out(racer_t *self)
{
    PGresult *jobs =
        PQexec(self->look, "SELECT id, queue_key FROM live WHERE queue_key IS NOT NULL "
                           "AND (state = 'pending' OR recovering) "
                           "ORDER BY random() LIMIT 6");
    for (int row = 0; row < PQntuples(jobs) && self->held_count + (uint32_t)row < CLAIMS; row++) {
        jobid_t job;
        if (jobid_parse(PQgetvalue(jobs, row, 0), &job))
            add(self, WRITE_CLAIM, &job, 0, PQgetvalue(jobs, row, 1)[0] - 'a')
                ->in.session.backend_pid = 7;
    }
    PQclear(jobs);
}

static void
judge(racer_t *self)
{
    for (uint32_t i = 0; i < self->count; i++) {
        const write_t *write = &self->writes[i];
        if (write->verdict != WRITE_DONE)
            continue;
        if (write->kind == WRITE_FINISH)
            atomic_fetch_add(&over, 1);
        if (write->kind != WRITE_CLAIM)
            continue;
        if (atomic_fetch_add(&running[self->key_of[i]], 1) > 0)
            atomic_store(&overlap, true);
        self->held[self->held_count] = write->job;
        self->attempts[self->held_count] = write->claimed.attempt;
        self->held_key[self->held_count++] = self->key_of[i];
    }
    for (uint32_t i = 0; i < self->count; i++)
        write_clear(&self->writes[i]);
    self->count = 0;
}

static void *
race(void *arg)
{
    racer_t *self = arg;
    err_t err;
    char name[16];
    (void)snprintf(name, sizeof name, "racer-%d", self->number);
    self->loop = loop_new(&err);
    self->look = PQconnectdb(world_dsn);
    lane_options_t options = { .loop = self->loop,
                               .dsn = world_dsn,
                               .who = name,
                               .node = name,
                               .incarnation = 1,
                               .batch_most = 2 * CLAIMS,
                               .held = on_held,
                               .arg = self };
    self->lane = lane_new(&options);
    int64_t until_ms = clock_mono_ms() + PATIENCE_MS;
    while (atomic_load(&over) < KEYS * JOBS && !atomic_load(&overlap)) {
        if (clock_mono_ms() > until_ms)
            atomic_store(&late, true);
        if (atomic_load(&late))
            break;
        let_go(self);
        reach_out(self);
        fly(self);
        judge(self);
    }
    lane_destroy(&self->lane);
    loop_destroy(&self->loop);
    PQfinish(self->look);
    return NULL;
}

static void
come_in(const submit_t *order)
{
    submit_t job = *order;
    assert_int_equal(submit(&job), ERR_NONE);
}

/* Pairs, the newer one first; short lines, so that it is often at work when the older one comes. */
static void
come_in_late(void)
{
    err_t err;
    int64_t ms = 0;
    static const char keys[KEYS][2] = { "a", "b", "c", "d" };
    CHECK(store_clock(world_store, &ms, &err));
    for (int i = 0; i < KEYS * JOBS / 2; i++) {
        submit_t order = { .id = jobid_make(ms - 10000 + 2 * i, 0),
                           .tenant = "demo",
                           .source = "main",
                           .dialect = "test",
                           .priority = 5,
                           .retention_s = 3600,
                           .sql = "SELECT 1",
                           .queue_key = keys[i % KEYS] };
        submit_t newer = order;
        newer.id = jobid_make(ms - 9999 + 2 * i, 0);
        come_in(&newer);
        come_in(&order);
        for (bool few = false; !few && !atomic_load(&overlap) && !atomic_load(&late);) {
            own(mem) count = ask("SELECT count(*) < 5 FROM live");
            few = count[0] == 't';
        }
    }
}

static void
no_two_jobs_of_a_key_are_claimed_at_a_time(void **unused)
{
    (void)unused;
    racer_t racers[2] = { { .number = 1, .dice = 11 }, { .number = 2, .dice = 22 } };
    pthread_t threads[2];
    enroll("racer-1", 1, 600000);
    enroll("racer-2", 1, 600000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    come_in_late();
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(atomic_load(&overlap));
    assert_false(atomic_load(&late));
    assert_int_equal(atomic_load(&over), KEYS * JOBS);
    own(mem) left = ask("SELECT count(*) FROM live");
    assert_string_equal(left, "0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_jobs_of_a_key_are_claimed_at_a_time),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}

/* Who waits for a store connection is served in order. No call here reaches a store. */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "api/readers.h"
#include "common/clock.h"

enum { GUESTS = 20, PATIENT_MS = 20000, HASTY_MS = 50 };

/* What all calls of a test share. */
typedef struct {
    readers_t *readers;
    atomic_bool begun; /* the first call has the connection */
    atomic_bool open;  /* until then it does not return */
    atomic_int turn;
    bool away; /* the first call finds that the store is away */
} scene_t;

typedef struct {
    scene_t *scene;
    pthread_t thread;
    bool first;
    int place; /* as which one it was served; -1: it was not */
    bool good;
    err_t err;
} guest_t;

static bool
serve(store_t *store, void *arg, err_t *err)
{
    guest_t *self = arg;
    assert_non_null(store);
    int64_t until_ms = clock_mono_ms() + PATIENT_MS;
    if (self->first)
        atomic_store(&self->scene->begun, true);
    while (self->first && !atomic_load(&self->scene->open) && clock_mono_ms() < until_ms)
        sched_yield();
    self->place = atomic_fetch_add(&self->scene->turn, 1);
    return !self->first || !self->scene->away || err_set(err, ERR_UNAVAILABLE, "the store is away");
}

static void *
come(void *arg)
{
    guest_t *self = arg;
    self->good = readers_call(self->scene->readers, serve, self, &self->err);
    return NULL;
}

static void
set_out(guest_t *self, scene_t *scene, bool first)
{
    *self = (guest_t){ .scene = scene, .first = first, .place = -1 };
    assert_int_equal(pthread_create(&self->thread, NULL, come, self), 0);
}

static void
begin(scene_t *scene, guest_t *first)
{
    int64_t until_ms = clock_mono_ms() + PATIENT_MS;
    set_out(first, scene, true);
    while (!atomic_load(&scene->begun) && clock_mono_ms() < until_ms)
        sched_yield();
}

/* All come, one behind the other, while the first one has the connection. */
static void
line_up(scene_t *scene, guest_t *guests)
{
    begin(scene, &guests[0]);
    for (uint32_t i = 1; i < GUESTS; i++) {
        int64_t until_ms = clock_mono_ms() + PATIENT_MS;
        set_out(&guests[i], scene, false);
        while (readers_waiting(scene->readers) < i && clock_mono_ms() < until_ms)
            sched_yield();
        assert_int_equal(readers_waiting(scene->readers), i);
    }
}

static void
all_leave(scene_t *scene, guest_t *guests)
{
    atomic_store(&scene->open, true);
    for (int i = 0; i < GUESTS; i++)
        pthread_join(guests[i].thread, NULL);
    assert_int_equal(readers_waiting(scene->readers), 0);
}

static void
connections_are_lent_in_order(void **unused)
{
    (void)unused;
    scene_t scene = { .readers = readers_new("", "test", 1, PATIENT_MS) };
    guest_t guests[GUESTS];
    line_up(&scene, guests);
    all_leave(&scene, guests);
    for (int i = 0; i < GUESTS; i++)
        assert_int_equal(guests[i].place, i);
    readers_destroy(&scene.readers);
}

static void
all_are_told_that_the_store_is_away(void **unused)
{
    (void)unused;
    scene_t scene = { .readers = readers_new("", "test", 1, PATIENT_MS), .away = true };
    guest_t guests[GUESTS];
    line_up(&scene, guests);
    all_leave(&scene, guests);
    for (int i = 1; i < GUESTS; i++) {
        assert_false(guests[i].good);
        assert_int_equal(guests[i].place, -1);
        assert_int_equal(guests[i].err.kind, ERR_UNAVAILABLE);
        assert_string_equal(guests[i].err.text, "the store is away");
    }
    readers_destroy(&scene.readers);
}

static void
who_waits_too_long_leaves_the_line(void **unused)
{
    (void)unused;
    scene_t scene = { .readers = readers_new("", "test", 1, HASTY_MS) };
    guest_t first;
    guest_t second;
    begin(&scene, &first);
    set_out(&second, &scene, false);
    pthread_join(second.thread, NULL);
    assert_false(second.good);
    assert_int_equal(second.err.kind, ERR_UNAVAILABLE);
    assert_int_equal(readers_waiting(scene.readers), 0);
    atomic_store(&scene.open, true);
    pthread_join(first.thread, NULL);
    set_out(&second, &scene, false);
    pthread_join(second.thread, NULL);
    assert_true(second.good); /* what was lent is back */
    readers_destroy(&scene.readers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_lent_in_order),
        cmocka_unit_test(all_are_told_that_the_store_is_away),
        cmocka_unit_test(who_waits_too_long_leaves_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

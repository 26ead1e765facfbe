#include "tests/unit/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "api/room.h"
#include "common/clock.h"

enum { BYTES = 100, SOON_MS = 100, LATE_MS = 20000 };

/* One that waits in line, on a thread of its own. */
typedef struct {
    room_t *room;
    size_t bytes;
    bool begun;
    bool goes; /* as soon as it has got through */
    pthread_t thread;
    claim_t claim;
    bool good;
    atomic_int *turn; /* who has got through counts here */
    int place;
} guest_t;

static void *
come(void *arg)
{
    guest_t *self = arg;
    err_t err;
    self->good = room_claim(self->room, self->bytes, self->begun, &self->claim, &err);
    self->place = atomic_fetch_add(self->turn, 1);
    if (self->goes)
        claim_cut(&self->claim, 0);
    return NULL;
}

static void
set_out_as(guest_t *self, const guest_t *as)
{
    *self = *as;
    assert_int_equal(pthread_create(&self->thread, NULL, come, self), 0);
}

static void
set_out(guest_t *self, room_t *room, size_t bytes, atomic_int *turn)
{
    const guest_t guest = { .room = room, .bytes = bytes, .turn = turn };
    set_out_as(self, &guest);
}

/* So many stand in line, sooner or later; and for a while, nobody gets through. */
static void
assert_line(room_t *room, uint32_t length, atomic_int *turn, int so_far)
{
    int64_t until_ms = clock_mono_ms() + LATE_MS;
    while (room_waiting(room) < length && clock_mono_ms() < until_ms)
        sched_yield();
    until_ms = clock_mono_ms() + SOON_MS;
    while (clock_mono_ms() < until_ms)
        assert_int_equal(atomic_load(turn), so_far);
    assert_int_equal(room_waiting(room), length);
}

static void
claims_are_counted_and_given_back(void **unused)
{
    (void)unused;
    own(room) room = room_new(BYTES);
    err_t err;
    claim_t one = { NULL, 0 };
    claim_t two = { NULL, 0 };
    assert_true(room_claim(room, 60, false, &one, &err));
    assert_true(room_claim(room, 40, false, &two, &err));
    assert_int_equal(room_claimed(room), BYTES);
    claim_cut(&one, 90);
    assert_int_equal(room_claimed(room), BYTES);
    claim_cut(&one, 10);
    assert_int_equal(room_claimed(room), 50);
    claim_t three = claim_take(&one);
    claim_cut(&one, 0);
    assert_int_equal(room_claimed(room), 50);
    claim_cut(&three, 0);
    claim_cut(&two, 0);
    assert_int_equal(room_claimed(room), 0);
}

static void
a_single_claim_always_has_room(void **unused)
{
    (void)unused;
    own(room) room = room_new(1);
    err_t err;
    claim_t claim = { NULL, 0 };
    assert_true(room_claim(room, SIZE_MAX, false, &claim, &err));
    claim_cut(&claim, 0);
}

static void
who_does_not_fit_waits_for_room(void **unused)
{
    (void)unused;
    own(room) room = room_new(BYTES);
    err_t err;
    atomic_int turn = 0;
    claim_t claim = { NULL, 0 };
    assert_true(room_claim(room, 60, false, &claim, &err));
    guest_t guest;
    set_out(&guest, room, 60, &turn);
    assert_line(room, 1, &turn, 0);
    claim_cut(&claim, 40);
    pthread_join(guest.thread, NULL);
    assert_true(guest.good);
    claim_cut(&claim, 0);
    claim_cut(&guest.claim, 0);
}

/* Small ones that keep coming do not starve a large one. */
static void
the_line_is_kept(void **unused)
{
    (void)unused;
    own(room) room = room_new(BYTES);
    err_t err;
    atomic_int turn = 0;
    claim_t first = { NULL, 0 };
    assert_true(room_claim(room, 30, false, &first, &err));
    guest_t large;
    set_out(&large, room, BYTES, &turn);
    assert_line(room, 1, &turn, 0);
    guest_t small;
    set_out(&small, room, 10, &turn);
    assert_line(room, 2, &turn, 0); /* it would fit, but it is not its turn */
    claim_cut(&first, 0);
    pthread_join(large.thread, NULL);
    assert_int_equal(large.place, 0);
    claim_cut(&large.claim, 0);
    pthread_join(small.thread, NULL);
    assert_int_equal(small.place, 1);
    claim_cut(&small.claim, 0);
}

static void
a_line_that_is_too_long_turns_away_who_has_not_begun(void **unused)
{
    (void)unused;
    own(room) room = room_new(BYTES);
    err_t err;
    atomic_int turn = 0;
    claim_t first = { NULL, 0 };
    assert_true(room_claim(room, BYTES, false, &first, &err));
    guest_t guests[ROOM_LINE_MOST];
    guest_t one = { .room = room, .bytes = 1, .turn = &turn, .goes = true }; /* in any order */
    for (int i = 0; i < ROOM_LINE_MOST; i++)
        set_out_as(&guests[i], &one);
    assert_line(room, ROOM_LINE_MOST, &turn, 0);
    claim_t claim = { NULL, 0 };
    assert_false(room_claim(room, 1, false, &claim, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    guest_t begun;
    one.begun = true;
    set_out_as(&begun, &one);
    assert_line(room, ROOM_LINE_MOST + 1, &turn, 0);
    claim_cut(&first, 0);
    for (int i = 0; i < ROOM_LINE_MOST; i++) {
        pthread_join(guests[i].thread, NULL);
        assert_true(guests[i].good);
    }
    pthread_join(begun.thread, NULL);
    assert_true(begun.good);
    assert_int_equal(room_claimed(room), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_counted_and_given_back),
        cmocka_unit_test(a_single_claim_always_has_room),
        cmocka_unit_test(who_does_not_fit_waits_for_room),
        cmocka_unit_test(the_line_is_kept),
        cmocka_unit_test(a_line_that_is_too_long_turns_away_who_has_not_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a reply does before it waits for a client that takes no more bytes. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "tests/unit/http_fake.h"

static const frame_t kept = { .keep = true };

enum { ROW_BYTES = 8, ROWS = 3 * REPLY_SIZE / ROW_BYTES };

/* What the hook saw. */
typedef struct {
    fake_reply_t *fake;
    unsigned calls;
    size_t size;            /* that was sent when it was called last */
    unsigned waits;         /* the same */
    uint32_t (*next)(void); /* how much is taken of the next write; NULL: as much as of this one */
    bool leaves;            /* the client goes meanwhile */
} hook_t;

static void
stall(void *arg)
{
    hook_t *self = arg;
    self->calls++;
    self->size = self->fake->size;
    self->waits = self->fake->waits;
    if (self->next)
        self->fake->takes = self->next();
    if (self->leaves)
        self->fake->refuse = true;
}

/* A reply to a client that takes so many bytes of each write at once. */
static fake_reply_t *
slow_reply(size_t takes)
{
    fake_reply_t *fake = fake_reply_new(kept, false);
    fake->slow = true;
    fake->takes = takes;
    return fake;
}

static void
write_rows(reply_t *reply)
{
    for (unsigned i = 0; i < ROWS; i++) {
        char row[16];
        (void)snprintf(row, sizeof row, "%07u\n", i);
        reply_write(reply, row, ROW_BYTES);
    }
}

/* Was everything sent that a client gets who is waited for from the beginning? But for the date. */
static void
assert_whole(const fake_reply_t *fake)
{
    own(fake_reply) other = fake_reply_new(kept, false);
    write_rows(&other->reply);
    assert_true(reply_end(&other->reply));
    size_t head = (size_t)(fake_body(other) - other->text);
    assert_int_equal(fake->size, other->size);
    assert_int_equal(fake_body(fake) - fake->text, head);
    assert_memory_equal(fake_body(fake), fake_body(other), other->size - head);
}

static void
who_takes_all_is_not_waited_for(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    hook_t hook = { .fake = fake };
    reply_stall(&fake->reply, stall, &hook);
    write_rows(&fake->reply);
    assert_true(reply_end(&fake->reply));
    assert_int_equal(hook.calls, 0);
    assert_int_equal(fake->waits, 0);
    assert_int_equal(fake->writes, 4);
    assert_whole(fake);
}

static void
who_takes_less_is_waited_for_once_a_write_behind_the_hook(void **unused)
{
    (void)unused;
    enum { TAKES = 100 };
    own(fake_reply) fake = slow_reply(TAKES);
    hook_t hook = { .fake = fake };
    reply_stall(&fake->reply, stall, &hook);
    assert_true(reply_stream(&fake->reply));
    for (unsigned i = 1; i <= 3; i++) {
        size_t before = fake->size;
        reply_write(&fake->reply, "0123456789", 10);
        write_rows(&fake->reply);
        reply_flush(&fake->reply);
        assert_true(hook.calls > 0);
        assert_int_equal(hook.calls, fake->waits);
        assert_int_equal(hook.waits, fake->waits - 1);
        assert_int_equal(2 * fake->waits, fake->writes);
        assert_true(hook.size >= before + TAKES && hook.size < fake->size);
    }
    assert_true(reply_end(&fake->reply));
}

static void
who_lacks_one_byte_is_waited_for(void **unused)
{
    (void)unused;
    own(fake_reply) fast = fake_reply_new(kept, false);
    reply_write(&fast->reply, "abc", 3);
    assert_true(reply_end(&fast->reply));
    for (unsigned lacks = 0; lacks < 2; lacks++) {
        own(fake_reply) fake = slow_reply(fast->size - lacks);
        hook_t hook = { .fake = fake };
        reply_stall(&fake->reply, stall, &hook);
        reply_write(&fake->reply, "abc", 3);
        assert_true(reply_end(&fake->reply));
        assert_int_equal(hook.calls, lacks);
        assert_int_equal(fake->waits, lacks);
        assert_int_equal(fake->size, fast->size);
        assert_string_equal(fake_body(fake), "abc");
    }
}

static void
without_a_hook_nothing_is_sent_without_waiting(void **unused)
{
    (void)unused;
    own(fake_reply) fake = slow_reply(100);
    write_rows(&fake->reply);
    assert_true(reply_end(&fake->reply));
    assert_int_equal(fake->writes, 4);
    assert_int_equal(fake->waits, 4);
    assert_whole(fake);
}

static void
a_hook_may_be_taken_back(void **unused)
{
    (void)unused;
    own(fake_reply) fake = slow_reply(100);
    hook_t hook = { .fake = fake };
    reply_stall(&fake->reply, stall, &hook);
    write_rows(&fake->reply);
    unsigned calls = hook.calls;
    unsigned writes = fake->writes;
    unsigned waits = fake->waits;
    assert_true(calls > 0);
    reply_stall(&fake->reply, NULL, NULL);
    assert_true(reply_end(&fake->reply));
    assert_int_equal(hook.calls, calls);
    assert_int_equal(fake->writes, writes + 1);
    assert_int_equal(fake->waits, waits + 1);
    assert_whole(fake);
}

/* --- whole and in order --- */

static uint32_t seed;

static uint32_t
any_size(void)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % (REPLY_SIZE + 100);
}

static void
bytes_come_whole_and_in_order_wherever_they_are_split(void **unused)
{
    (void)unused;
    static const size_t splits[] = { 0, 1, 100, REPLY_ROOM_MOST - 1, REPLY_ROOM_MOST, REPLY_SIZE };
    for (size_t i = 0; i < sizeof splits / sizeof splits[0] + 50; i++) {
        bool random = i >= sizeof splits / sizeof splits[0];
        own(fake_reply) fake = slow_reply(random ? any_size() : splits[i]);
        hook_t hook = { .fake = fake, .next = random ? any_size : NULL };
        reply_stall(&fake->reply, stall, &hook);
        write_rows(&fake->reply);
        assert_true(reply_end(&fake->reply));
        assert_whole(fake);
    }
}

/* --- a client that goes --- */

static void
a_client_that_is_gone_makes_the_reply_bad(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    fake->refuse = true;
    hook_t hook = { .fake = fake };
    reply_stall(&fake->reply, stall, &hook);
    write_rows(&fake->reply);
    assert_false(reply_good(&fake->reply));
    assert_int_equal(hook.calls, 1);
    assert_int_equal(fake->waits, 1);
    fake->refuse = false;
    assert_false(reply_end(&fake->reply));
    assert_int_equal(fake->size, 0);
    assert_int_equal(hook.calls, 1);
}

static void
a_client_that_goes_while_it_is_waited_for_makes_the_reply_bad(void **unused)
{
    (void)unused;
    own(fake_reply) fake = slow_reply(100);
    hook_t hook = { .fake = fake, .leaves = true };
    reply_stall(&fake->reply, stall, &hook);
    write_rows(&fake->reply);
    assert_false(reply_good(&fake->reply));
    assert_false(reply_end(&fake->reply));
    assert_int_equal(hook.calls, 1);
    assert_int_equal(fake->size, 100);
}

/* It takes all but one byte, and is gone then. */
static size_t
send_most(void *arg, const char *data, size_t size, bool wait)
{
    (void)data;
    bool *waited = arg;
    *waited = *waited || wait;
    return wait ? size - 1 : 0;
}

static void
a_client_that_did_not_get_all_makes_the_reply_bad(void **unused)
{
    (void)unused;
    own(fake_reply) fake = fake_reply_new(kept, false);
    bool waited = false;
    hook_t hook = { .fake = fake };
    reply_begin(&fake->reply, send_most, &waited, &kept, false);
    reply_stall(&fake->reply, stall, &hook);
    write_rows(&fake->reply);
    assert_true(waited);
    assert_false(reply_good(&fake->reply));
    assert_false(reply_end(&fake->reply));
}

/* --- the next reply --- */

static void
the_next_reply_knows_nothing_of_the_hook(void **unused)
{
    (void)unused;
    own(fake_reply) fake = slow_reply(100);
    hook_t hook = { .fake = fake };
    reply_stall(&fake->reply, stall, &hook);
    write_rows(&fake->reply);
    assert_true(reply_end(&fake->reply));
    unsigned calls = hook.calls;
    unsigned writes = fake->writes;
    unsigned waits = fake->waits;
    reply_begin(&fake->reply, fake_send, fake, &kept, false);
    write_rows(&fake->reply);
    assert_true(reply_end(&fake->reply));
    assert_int_equal(hook.calls, calls);
    assert_int_equal(fake->writes - writes, fake->waits - waits);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_all_is_not_waited_for),
        cmocka_unit_test(who_takes_less_is_waited_for_once_a_write_behind_the_hook),
        cmocka_unit_test(who_lacks_one_byte_is_waited_for),
        cmocka_unit_test(without_a_hook_nothing_is_sent_without_waiting),
        cmocka_unit_test(a_hook_may_be_taken_back),
        cmocka_unit_test(bytes_come_whole_and_in_order_wherever_they_are_split),
        cmocka_unit_test(a_client_that_is_gone_makes_the_reply_bad),
        cmocka_unit_test(a_client_that_goes_while_it_is_waited_for_makes_the_reply_bad),
        cmocka_unit_test(a_client_that_did_not_get_all_makes_the_reply_bad),
        cmocka_unit_test(the_next_reply_knows_nothing_of_the_hook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

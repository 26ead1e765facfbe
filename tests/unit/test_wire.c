/* The bus messages: what is packed is read, and what is not exactly one message is refused. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/wire.h"

static jobid_t
an_id(uint8_t seed)
{
    jobid_t id;
    memset(id.bytes, seed, sizeof id.bytes);
    return id;
}

static bool
same(view_t view, const char *text)
{
    return view.size == strlen(text) && memcmp(view.data, text, view.size) == 0;
}

/* Packs, reads what was packed, gives it back. */
static wire_t *
travel(const wire_t *message)
{
    size_t size = 0;
    uint8_t *bytes = wire_pack(message, &size);
    err_t err;
    wire_t *arrived = wire_unpack(bytes, size, &err);
    memset(bytes, 0xc1, size); /* whatever still pointed here would show it */
    free(bytes);
    assert_non_null(arrived);
    assert_int_equal(arrived->tag, message->tag);
    return arrived;
}

static wire_t *
read_bytes(const void *bytes, size_t size, err_t *err)
{
    err_clear(err);
    uint8_t *block = malloc(size > 0 ? size : 1);
    assert_non_null(block);
    if (size > 0)
        memcpy(block, bytes, size);
    wire_t *message = wire_unpack(block, size, err);
    free(block);
    return message;
}

static void
assert_refused(const void *bytes, size_t size)
{
    err_t err;
    own(wire) message = read_bytes(bytes, size, &err);
    assert_null(message);
    assert_int_equal(err.kind, ERR_INVALID);
}

#define REFUSED(...)                                                                               \
    assert_refused((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static wire_t *
taken(const void *bytes, size_t size)
{
    err_t err;
    wire_t *message = read_bytes(bytes, size, &err);
    assert_non_null(message);
    return message;
}

#define TAKEN(...) taken((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static wire_offer_t offers[2];
static wire_release_t releases[2];
static wire_change_t changes[1];
static wire_ref_t refs[3];

/* One message of each tag, with something in every field. */
static wire_t messages[9];

static int
make_messages(void **unused)
{
    (void)unused;
    offers[0] =
        (wire_offer_t){ an_id(1), wire_text("tenant"), wire_text("src"), 9, wire_text("k"), true };
    offers[1] = (wire_offer_t){ an_id(2), wire_text(""), wire_text("ü"), 0, wire_text(""), false };
    releases[0] = (wire_release_t){ an_id(3), RELEASE_LATER, -1, 500 };
    releases[1] = (wire_release_t){ an_id(4), RELEASE_FINISHED, INT64_MAX, 0 };
    changes[0] = (wire_change_t){ an_id(5), UINT32_MAX, 2, 1795300000000, INT64_MIN, 100000, true };
    for (uint8_t i = 0; i < 3; i++)
        refs[i] = (wire_ref_t){ an_id(i) };

    wire_t made[] = {
        { .tag = WIRE_hello,
          .hello = { 1, wire_text("executor"), wire_text("e1"), UINT64_MAX, 7 } },
        { .tag = WIRE_beat, .beat = { 1, wire_text("b1"), 8, true } },
        { .tag = WIRE_offers, .offers = { offers, 2 } },
        { .tag = WIRE_credit, .credit = { 8, 16, true, releases, 2 } },
        { .tag = WIRE_dispatch, .dispatch = { 9, offers, 2 } },
        { .tag = WIRE_changes, .changes = { changes, 1 } },
        { .tag = WIRE_watch, .watch = { refs, 3 } },
        { .tag = WIRE_bye },
        { .tag = WIRE_cancel, .cancel = { refs, 2 } },
    };
    memcpy(messages, made, sizeof made);
    return 0;
}

static const size_t message_count = sizeof messages / sizeof messages[0];

static void
a_hello_arrives_as_it_was_sent(void **unused)
{
    (void)unused;
    own(wire) arrived = travel(&messages[0]);
    assert_int_equal(arrived->hello.version, 1);
    assert_true(same(arrived->hello.role, "executor"));
    assert_true(same(arrived->hello.name, "e1"));
    assert_true(arrived->hello.incarnation == UINT64_MAX);
    assert_int_equal(arrived->hello.epoch, 7);
}

static void
a_beat_arrives_as_it_was_sent(void **unused)
{
    (void)unused;
    own(wire) arrived = travel(&messages[1]);
    assert_int_equal(arrived->beat.version, 1);
    assert_true(same(arrived->beat.name, "b1"));
    assert_int_equal(arrived->beat.epoch, 8);
    assert_true(arrived->beat.leading);
}

static void
offers_arrive_as_they_were_sent(void **unused)
{
    (void)unused;
    own(wire) arrived = travel(&messages[2]);
    assert_int_equal(arrived->offers.jobs_count, 2);
    const wire_offer_t *first = &arrived->offers.jobs[0];
    assert_true(jobid_equal(&first->job, &offers[0].job));
    assert_true(same(first->tenant, "tenant") && same(first->source, "src")
                && same(first->queue_key, "k"));
    assert_int_equal(first->priority, 9);
    assert_true(first->recovering);
    const wire_offer_t *second = &arrived->offers.jobs[1];
    assert_true(jobid_equal(&second->job, &offers[1].job));
    assert_true(same(second->tenant, "") && same(second->source, "ü"));
    assert_false(second->recovering);
}

static void
credit_arrives_as_it_was_sent(void **unused)
{
    (void)unused;
    own(wire) arrived = travel(&messages[3]);
    assert_int_equal(arrived->credit.epoch, 8);
    assert_int_equal(arrived->credit.slots, 16);
    assert_true(arrived->credit.fresh);
    assert_int_equal(arrived->credit.done_count, 2);
    assert_int_equal(arrived->credit.done[0].verdict, RELEASE_LATER);
    assert_true(arrived->credit.done[0].executing_ms == -1);
    assert_int_equal(arrived->credit.done[0].later_ms, 500);
    assert_true(arrived->credit.done[1].executing_ms == INT64_MAX);
    assert_int_equal(arrived->credit.done[1].later_ms, 0);
}

static void
cancels_arrive_as_they_were_sent(void **unused)
{
    (void)unused;
    own(wire) arrived = travel(&messages[8]);
    assert_int_equal(arrived->cancel.jobs_count, 2);
    assert_true(jobid_equal(&arrived->cancel.jobs[1].job, &refs[1].job));
}

static void
changes_arrive_as_they_were_sent(void **unused)
{
    (void)unused;
    own(wire) arrived = travel(&messages[5]);
    assert_int_equal(arrived->changes.jobs_count, 1);
    const wire_change_t *change = &arrived->changes.jobs[0];
    assert_true(jobid_equal(&change->job, &changes[0].job));
    assert_int_equal(change->attempt, UINT32_MAX);
    assert_int_equal(change->state, 2);
    assert_true(change->started_ms == 1795300000000);
    assert_true(change->ended_ms == INT64_MIN);
    assert_int_equal(change->rows, 100000);
    assert_true(change->more);
}

static void
every_message_packs_to_the_same_bytes_again(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < message_count; i++) {
        size_t size = 0;
        size_t size_again = 0;
        own(wire) arrived = travel(&messages[i]);
        uint8_t *bytes = wire_pack(&messages[i], &size);
        uint8_t *again = wire_pack(arrived, &size_again);
        assert_int_equal(size, size_again);
        assert_memory_equal(bytes, again, size);
        free(bytes);
        free(again);
    }
}

static void
every_prefix_of_every_message_is_refused(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < message_count; i++) {
        size_t size = 0;
        uint8_t *bytes = wire_pack(&messages[i], &size);
        for (size_t prefix = 0; prefix < size; prefix++)
            assert_refused(bytes, prefix);
        free(bytes);
    }
}

static void
a_byte_behind_a_message_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0x91, WIRE_bye, 0xc0);
}

static void
an_unknown_tag_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0x91, 0x00);
    REFUSED(0x91, 0x7f);
    REFUSED(0x91, 0xce, 0xff, 0xff, 0xff, 0xff);
}

static void
what_is_no_array_with_a_tag_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0x90);
    REFUSED(0xc0);
    REFUSED(0x91, 0xc0);
    REFUSED(0x81, WIRE_bye, 0xc0);
}

static void
fields_of_a_newer_peer_are_skipped_in_messages(void **unused)
{
    (void)unused;
    own(wire) bye = TAKEN(0x93, WIRE_bye, 0x92, 0xc0, 0x81, 0x01, 0x02, 0xa1, 'x');
    assert_int_equal(bye->tag, WIRE_bye);
    own(wire) beat = TAKEN(0x96, WIRE_beat, 1, 0xa1, 'b', 3, 0xc3, 0xa3, 'n', 'e', 'w');
    assert_int_equal(beat->beat.epoch, 3);
}

static void
fields_of_a_newer_peer_are_skipped_in_records(void **unused)
{
    (void)unused;
    own(wire) watch = TAKEN(0x92, WIRE_watch, 0x92, /* two refs, the first with a second field */
                            0x92, 0xc4, 16, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x90,
                            0x91, 0xc4, 16, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2);
    assert_int_equal(watch->watch.jobs_count, 2);
    jobid_t second = an_id(2);
    assert_true(jobid_equal(&watch->watch.jobs[1].job, &second));
}

static void
fields_that_an_older_peer_does_not_send_are_zero(void **unused)
{
    (void)unused;
    own(wire) hello = TAKEN(0x92, WIRE_hello, 1);
    assert_int_equal(hello->hello.version, 1);
    assert_true(same(hello->hello.role, ""));
    assert_non_null(hello->hello.role.data);
    assert_int_equal(hello->hello.epoch, 0);

    own(wire) credit = TAKEN(0x93, WIRE_credit, 4, 2);
    assert_int_equal(credit->credit.slots, 2);
    assert_false(credit->credit.fresh);
    assert_int_equal(credit->credit.done_count, 0);
    assert_null(credit->credit.done);
}

static void
a_depth_bomb_in_a_skipped_field_is_refused(void **unused)
{
    (void)unused;
    uint8_t bomb[2 + 1000];
    memset(bomb, 0x91, sizeof bomb);
    bomb[0] = 0x92;
    bomb[1] = WIRE_bye;
    bomb[sizeof bomb - 1] = 0x90;
    assert_refused(bomb, sizeof bomb);
}

static void
a_count_larger_than_the_bytes_left_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0x92, WIRE_offers, 0xdd, 0xff, 0xff, 0xff, 0xff);
    REFUSED(0x92, WIRE_offers, 0xdd, 0, 0, 0x10, 0, 0x90);
    REFUSED(0x92, WIRE_watch, 0x9f, 0x90);
    REFUSED(0xdd, 0xff, 0xff, 0xff, 0xff, WIRE_bye);
}

/* A watch of `count` empty refs. */
static wire_t *
watch_of(uint32_t count, err_t *err)
{
    size_t size = 2 + 5 + count;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    const uint8_t head[] = { 0x92, WIRE_watch, 0xdd, 0, 0, (uint8_t)(count >> 8), (uint8_t)count };
    memcpy(bytes, head, sizeof head);
    memset(bytes + sizeof head, 0x90, count);
    wire_t *message = wire_unpack(bytes, size, err);
    free(bytes);
    return message;
}

static void
a_list_of_more_than_the_most_is_refused(void **unused)
{
    (void)unused;
    err_t err;
    own(wire) most = watch_of(WIRE_LIST_MOST, &err);
    assert_non_null(most);
    assert_int_equal(most->watch.jobs_count, WIRE_LIST_MOST);

    own(wire) more = watch_of(WIRE_LIST_MOST + 1, &err);
    assert_null(more);
    assert_int_equal(err.kind, ERR_INVALID);
}

static void
a_message_larger_than_the_most_is_refused(void **unused)
{
    (void)unused;
    size_t size = WIRE_SIZE_MOST + 1;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    /* a bye with one skipped text that fills the message */
    const uint8_t head[] = { 0x92, WIRE_bye, 0xdb, 0, 0x0f, 0xff, 0xf9 };
    memcpy(bytes, head, sizeof head);
    own(wire) most = taken(bytes, WIRE_SIZE_MOST);
    assert_int_equal(most->tag, WIRE_bye);
    bytes[6]++;
    assert_refused(bytes, size);
    free(bytes);
}

static void
an_id_of_another_size_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0x92, WIRE_watch, 0x91, 0x91, 0xc4, 15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
            15);
    REFUSED(0x92, WIRE_watch, 0x91, 0x91, 0xc4, 17, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
            15, 16, 17);
}

static void
a_field_of_another_kind_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0x92, WIRE_hello, 0xa1, '1');                    /* version as text */
    REFUSED(0x92, WIRE_hello, 0xff);                         /* negative */
    REFUSED(0x92, WIRE_hello, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0); /* wider than u32 */
    REFUSED(0x93, WIRE_hello, 1, 0xc4, 1, 'e');              /* role as bytes */
    REFUSED(0x95, WIRE_beat, 1, 0xa0, 1, 1);                 /* leading as a number */
    REFUSED(0x92, WIRE_watch, 0x91, 0xc0);                   /* a record that is nil */
    REFUSED(0x92, WIRE_watch, 0xc0);                         /* a list that is nil */
}

static void
every_tag_has_its_name(void **unused)
{
    (void)unused;
    assert_string_equal(wire_name(WIRE_hello), "hello");
    assert_string_equal(wire_name(WIRE_bye), "bye");
    assert_string_equal(wire_name((wire_tag_t)99), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_arrives_as_it_was_sent),
        cmocka_unit_test(a_beat_arrives_as_it_was_sent),
        cmocka_unit_test(offers_arrive_as_they_were_sent),
        cmocka_unit_test(credit_arrives_as_it_was_sent),
        cmocka_unit_test(changes_arrive_as_they_were_sent),
        cmocka_unit_test(cancels_arrive_as_they_were_sent),
        cmocka_unit_test(every_message_packs_to_the_same_bytes_again),
        cmocka_unit_test(every_prefix_of_every_message_is_refused),
        cmocka_unit_test(a_byte_behind_a_message_is_refused),
        cmocka_unit_test(an_unknown_tag_is_refused),
        cmocka_unit_test(what_is_no_array_with_a_tag_is_refused),
        cmocka_unit_test(fields_of_a_newer_peer_are_skipped_in_messages),
        cmocka_unit_test(fields_of_a_newer_peer_are_skipped_in_records),
        cmocka_unit_test(fields_that_an_older_peer_does_not_send_are_zero),
        cmocka_unit_test(a_depth_bomb_in_a_skipped_field_is_refused),
        cmocka_unit_test(a_count_larger_than_the_bytes_left_is_refused),
        cmocka_unit_test(a_list_of_more_than_the_most_is_refused),
        cmocka_unit_test(a_message_larger_than_the_most_is_refused),
        cmocka_unit_test(an_id_of_another_size_is_refused),
        cmocka_unit_test(a_field_of_another_kind_is_refused),
        cmocka_unit_test(every_tag_has_its_name),
    };
    return cmocka_run_group_tests(tests, make_messages, NULL);
}

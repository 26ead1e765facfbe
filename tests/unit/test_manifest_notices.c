/* What statements had to say, in a manifest: it comes back, damage is refused, and it has bounds.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/manifest_bytes.h"

static notice_t
a_notice(uint32_t ordinal)
{
    static char message[] = "slow";
    static char hint[] = "hurry";
    return (notice_t){ .severity = "WARNING",
                       .sqlstate = "01000",
                       .message = message,
                       .hint = hint,
                       .step = 2,
                       .ordinal = ordinal };
}

#define NOTICED 0x94, 1, 0x90 /* no results; then notices, and the number of those dropped */

static void
notices_come_back_in_their_order(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    notice_t first = a_notice(0);
    notice_t second = a_notice(UINT32_MAX);
    second.detail = (char[]){ "" };
    second.hint = NULL;
    assert_true(manifest_notice(manifest, &first));
    assert_true(manifest_notice(manifest, &second));

    own(manifest) arrived = travel(manifest);
    assert_int_equal(arrived->notice_count, 2);
    assert_int_equal(arrived->notices_dropped, 0);
    const notice_t *notice = &arrived->notices[0];
    assert_string_equal(notice->severity, "WARNING");
    assert_string_equal(notice->sqlstate, "01000");
    assert_string_equal(notice->message, "slow");
    assert_null(notice->detail);
    assert_string_equal(notice->hint, "hurry");
    assert_int_equal(notice->step, 2);
    assert_int_equal(notice->ordinal, 0);
    assert_string_equal(arrived->notices[1].detail, "");
    assert_null(arrived->notices[1].hint);
    assert_true(arrived->notices[1].ordinal == UINT32_MAX);
}

static void
notices_beyond_their_number_are_only_counted(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    for (uint32_t i = 0; i < NOTICES_MOST; i++) {
        notice_t notice = a_notice(i);
        assert_true(manifest_notice(manifest, &notice));
    }
    notice_t more = a_notice(NOTICES_MOST);
    assert_false(manifest_notice(manifest, &more));
    assert_false(manifest_notice(manifest, &more));

    own(manifest) arrived = travel(manifest);
    assert_int_equal(arrived->notice_count, NOTICES_MOST);
    assert_int_equal(arrived->notices[NOTICES_MOST - 1].ordinal, NOTICES_MOST - 1);
    assert_int_equal(arrived->notices_dropped, 2);
}

static void
notices_beyond_their_bytes_are_only_counted_and_so_is_what_follows(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    notice_t notice = a_notice(0);
    own(mem) text = mem_format("%0*d", NOTICE_TEXT_MOST - (int)strlen(notice.hint), 0);
    notice.message = text;
    assert_true(manifest_notice(manifest, &notice));
    notice_t none = { .message = (char[]){ "" } };
    assert_true(manifest_notice(manifest, &none)); /* exactly full is not over it */
    notice_t small = { .message = (char[]){ "x" } };
    assert_false(manifest_notice(manifest, &small));
    assert_false(manifest_notice(manifest, &none));
    assert_int_equal(manifest->notice_count, 2);
    assert_int_equal(manifest->notices_dropped, 2);
}

static void
joined_notices_stand_behind_those_that_were_there(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    own(manifest) other = manifest_new();
    notice_t notice = a_notice(1);
    assert_true(manifest_notice(manifest, &notice));
    notice.ordinal = 2;
    assert_true(manifest_notice(other, &notice));
    manifest->notices_dropped = UINT32_MAX - 1;
    other->notices_dropped = 2;
    manifest_join(manifest, other);
    assert_int_equal(manifest->notice_count, 2);
    assert_int_equal(manifest->notices[1].ordinal, 2);
    assert_string_equal(manifest->notices[1].hint, "hurry");
    assert_true(manifest->notices_dropped == UINT32_MAX);
    assert_int_equal(other->notice_count, 0);
    assert_int_equal(other->notices_dropped, 0);
}

static void
the_bytes_of_notices_are_those_that_the_store_holds(void **unused)
{
    (void)unused;
    static const uint8_t stored[] = {
        NOTICED, 0x91, 0x97, 0xa4, 'I', 'N',  'F',  'O', 0xa5, '0', '0',
        '0',     '0',  '0',  0xa1, 'm', 0xc0, 0xa0, 3,   4,    7,
    };
    err_t err;
    own(manifest) manifest = read_block(stored, sizeof stored, &err);
    assert_non_null(manifest);
    assert_int_equal(manifest->notice_count, 1);
    assert_string_equal(manifest->notices[0].severity, "INFO");
    assert_string_equal(manifest->notices[0].message, "m");
    assert_int_equal(manifest->notices[0].step, 3);
    assert_int_equal(manifest->notices[0].ordinal, 4);
    assert_int_equal(manifest->notices_dropped, 7);
    assert_packs_as(manifest, stored, sizeof stored);
}

static void
every_prefix_of_notices_is_refused(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    notice_t notice = a_notice(0);
    assert_true(manifest_notice(manifest, &notice));
    size_t size = 0;
    own(mem) bytes = (mem_t *)manifest_pack(manifest, &size);
    for (size_t prefix = 0; prefix < size; prefix++)
        assert_refused(bytes, prefix);
}

static void
notices_that_are_none_are_refused(void **unused)
{
    (void)unused;
    REFUSED(NOTICED, 0xc0, 0);
    REFUSED(NOTICED, 0x90, 0xff);
    REFUSED(NOTICED, 0x91, 0x96, 0xa0, 0xa0, 0xa0, 0xc0, 0xc0, 0, 0);
    REFUSED(NOTICED, 0x91, 0x97, 0xa0, 0xa0, 0xc0, 0xc0, 0xc0, 0, 0, 0);
    REFUSED(NOTICED, 0x91, 0x97, 0xa1, 0, 0xa0, 0xa0, 0xc0, 0xc0, 0, 0, 0);
    REFUSED(NOTICED, 0x91, 0x97, 0xa8, EIGHT, 0xa0, 0xa0, 0xc0, 0xc0, 0, 0, 0);
    REFUSED(NOTICED, 0x91, 0x97, 0xa8, 'W', 'A', 'R', 'N', 'I', 'N', 'G', 'S', 0xa0, 0xa0, 0xc0,
            0xc0, 0, 0, 0);
    REFUSED(NOTICED, 0x91, 0x97, 0xa0, 0xa6, '0', '0', '0', '0', '0', '0', 0xa0, 0xc0, 0xc0, 0, 0,
            0);
}

static void
what_is_only_to_be_counted_is_a_gap_too(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    notice_t notice = a_notice(0);
    assert_false(manifest_notice(manifest, NULL));
    assert_false(manifest_notice(manifest, &notice));
    assert_int_equal(manifest->notice_count, 0);
    assert_int_equal(manifest->notices_dropped, 2);
}

static void
what_was_said_stays_when_results_do_not_stand(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    notice_t notice = a_notice(1);
    manifest_add(manifest)->tag = mem_text("SELECT 1");
    result_columns(manifest_add(manifest), 3);
    assert_true(manifest_notice(manifest, &notice));
    manifest_forget_results(manifest);
    own(manifest) arrived = travel(manifest);
    assert_int_equal(arrived->count, 0);
    assert_int_equal(arrived->notice_count, 1);
    assert_int_equal(arrived->notices[0].ordinal, 1);
    manifest_add(manifest)->ordinal = 7; /* and may be filled again */
    assert_int_equal(manifest->count, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notices_come_back_in_their_order),
        cmocka_unit_test(notices_beyond_their_number_are_only_counted),
        cmocka_unit_test(notices_beyond_their_bytes_are_only_counted_and_so_is_what_follows),
        cmocka_unit_test(joined_notices_stand_behind_those_that_were_there),
        cmocka_unit_test(the_bytes_of_notices_are_those_that_the_store_holds),
        cmocka_unit_test(every_prefix_of_notices_is_refused),
        cmocka_unit_test(notices_that_are_none_are_refused),
        cmocka_unit_test(what_is_only_to_be_counted_is_a_gap_too),
        cmocka_unit_test(what_was_said_stays_when_results_do_not_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

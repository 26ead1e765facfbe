/* test_contact.c - when a broker may judge leases. */
#include "broker/contact.h"
#include "tests/unit/unit.h"

enum { T0 = 1000000, GAP = 500, LEASE = 1000 };

/* In contact every 100 ms up to `until_ms`. */
static contact_t
a_contact(int64_t until_ms)
{
    contact_t contact = { .gap_ms = GAP };
    for (int64_t now_ms = T0; now_ms <= until_ms; now_ms += 100)
        contact_made(&contact, now_ms - 1, now_ms);
    return contact;
}

static void
contact_lasts_from_the_first_answer_on(void **unused)
{
    (void)unused;
    contact_t contact = { .gap_ms = GAP };
    assert_false(contact_lasts(&contact, 0, T0));
    contact = a_contact(T0 + LEASE - 100);
    assert_false(contact_lasts(&contact, LEASE, T0 + LEASE - 100));
    contact = a_contact(T0 + LEASE);
    assert_true(contact_lasts(&contact, LEASE, T0 + LEASE));
}

static void
a_long_silence_begins_it_anew(void **unused)
{
    (void)unused;
    int64_t back_ms = T0 + 5 * LEASE;
    contact_t contact = a_contact(T0 + LEASE);
    contact_made(&contact, back_ms - 1, back_ms);
    assert_false(contact_lasts(&contact, LEASE, back_ms));
}

static void
a_late_answer_begins_it_anew(void **unused)
{
    (void)unused;
    contact_t contact = a_contact(T0 + LEASE);
    contact_made(&contact, T0 + LEASE, T0 + LEASE + GAP + 1);
    assert_false(contact_lasts(&contact, LEASE, T0 + LEASE + GAP + 1));
}

static void
a_failure_begins_it_anew(void **unused)
{
    (void)unused;
    contact_t contact = a_contact(T0 + LEASE);
    contact_lost(&contact);
    assert_false(contact_lasts(&contact, LEASE, T0 + LEASE));
    contact_made(&contact, T0 + LEASE, T0 + LEASE + 1);
    assert_false(contact_lasts(&contact, LEASE, T0 + LEASE + 1));
}

static void
an_answer_that_is_long_ago_is_no_contact(void **unused)
{
    (void)unused;
    contact_t contact = a_contact(T0 + LEASE);
    assert_false(contact_lasts(&contact, LEASE, T0 + LEASE + GAP + 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contact_lasts_from_the_first_answer_on),
        cmocka_unit_test(a_long_silence_begins_it_anew),
        cmocka_unit_test(a_late_answer_begins_it_anew),
        cmocka_unit_test(a_failure_begins_it_anew),
        cmocka_unit_test(an_answer_that_is_long_ago_is_no_contact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_verdict.c - the table of what recovery decides. */
#include "executor/verdict.h"
#include "tests/unit/unit.h"

static void
a_step_without_a_record_runs_again_whatever_the_source_says(void **unused)
{
    (void)unused;
    for (int fate = FATE_COMMITTED; fate <= FATE_UNTOLD; fate++)
        assert_int_equal(verdict_of(false, PROOF_BARRIER, (fate_t)fate), VERDICT_AGAIN);
    assert_int_equal(verdict_question(false, PROOF_LEDGER), QUESTION_NONE);
}

static void
a_record_without_proof_is_unknown_whatever_the_source_says(void **unused)
{
    (void)unused;
    for (int fate = FATE_COMMITTED; fate <= FATE_UNTOLD; fate++)
        assert_int_equal(verdict_of(true, PROOF_NONE, (fate_t)fate), VERDICT_UNKNOWN);
    assert_int_equal(verdict_question(true, PROOF_NONE), QUESTION_NONE);
}

static void
with_a_ledger_the_marker_decides(void **unused)
{
    (void)unused;
    assert_int_equal(verdict_question(true, PROOF_LEDGER), QUESTION_MARKER);
    assert_int_equal(verdict_of(true, PROOF_LEDGER, FATE_COMMITTED), VERDICT_DONE);
    assert_int_equal(verdict_of(true, PROOF_LEDGER, FATE_ABORTED), VERDICT_AGAIN);
    assert_int_equal(verdict_of(true, PROOF_LEDGER, FATE_UNTOLD), VERDICT_UNKNOWN);
    assert_int_equal(verdict_of(true, PROOF_LEDGER, FATE_STRANGE), VERDICT_UNKNOWN);
}

static void
behind_a_barrier_the_transaction_decides(void **unused)
{
    (void)unused;
    assert_int_equal(verdict_question(true, PROOF_BARRIER), QUESTION_FATE);
    assert_int_equal(verdict_of(true, PROOF_BARRIER, FATE_COMMITTED), VERDICT_DONE);
    assert_int_equal(verdict_of(true, PROOF_BARRIER, FATE_ABORTED), VERDICT_AGAIN);
    assert_int_equal(verdict_of(true, PROOF_BARRIER, FATE_FUTURE), VERDICT_AGAIN);
    assert_int_equal(verdict_of(true, PROOF_BARRIER, FATE_RUNNING), VERDICT_ASK);
}

static void
a_transaction_that_nobody_can_tell_of_is_unknown(void **unused)
{
    (void)unused;
    assert_int_equal(verdict_of(true, PROOF_BARRIER, FATE_STRANGE), VERDICT_UNKNOWN);
    assert_int_equal(verdict_of(true, PROOF_BARRIER, FATE_FORGOTTEN), VERDICT_UNKNOWN);
    assert_int_equal(verdict_of(true, PROOF_BARRIER, FATE_UNTOLD), VERDICT_UNKNOWN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_without_a_record_runs_again_whatever_the_source_says),
        cmocka_unit_test(a_record_without_proof_is_unknown_whatever_the_source_says),
        cmocka_unit_test(with_a_ledger_the_marker_decides),
        cmocka_unit_test(behind_a_barrier_the_transaction_decides),
        cmocka_unit_test(a_transaction_that_nobody_can_tell_of_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

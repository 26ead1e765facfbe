/* test_recover.c - what becomes of a COMMIT whose answer nobody heard, by barrier and by ledger. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/check/floor.h"

static const char ledger[] =
#define MIGRATION(number, name, text) text
#include "ledger.inc"
#undef MIGRATION
    ;

static int
open_plain(void **unused)
{
    int opened = floor_open(unused);
    tell("DROP SCHEMA IF EXISTS millrace CASCADE");
    tell("DROP TABLE IF EXISTS floor_role.effect; CREATE TABLE floor_role.effect (n int);"
         "ALTER TABLE floor_role.effect OWNER TO floor_role");
    return opened;
}

static int
open_ledger(void **unused)
{
    int opened = open_plain(unused);
    tell(ledger);
    return opened;
}

static int
close_all(void **unused)
{
    tell("DROP SCHEMA IF EXISTS millrace CASCADE");
    return floor_close(unused);
}

static void
assert_effects(const char *expected)
{
    own(mem) count = ask("SELECT count(*) FROM floor_role.effect");
    assert_string_equal(count, expected);
}

/* COMMIT that takes a while, and is cut off meanwhile. */
static void
make_slow_commit(void)
{
    tell("CREATE OR REPLACE FUNCTION floor_role.dawdle() RETURNS trigger LANGUAGE plpgsql AS"
         " $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;"
         "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON floor_role.effect DEFERRABLE INITIALLY"
         " DEFERRED FOR EACH ROW EXECUTE FUNCTION floor_role.dawdle()");
}

#define IN_COMMIT " WHERE query = 'COMMIT' AND wait_event = 'PgSleep' AND usename = 'floor_role'"

static void
cut_commit(const jobid_t *id)
{
    dispatch(id);
    wait_until("SELECT count(*) FROM pg_stat_activity" IN_COMMIT, "1");
    tell("SELECT pg_terminate_backend(pid) FROM pg_stat_activity" IN_COMMIT);
    assert_int_equal(wait_released(id)->verdict, RELEASE_LATER);
    assert_job(id, "SELECT state || recovering || tries FROM live WHERE id = '%s'", "runningtrue1");
}

static void
a_commit_without_an_answer(const char *proof)
{
    make_slow_commit();
    jobid_t id = a_job("INSERT INTO effect VALUES (1)");
    cut_commit(&id);
    assert_job(&id, "SELECT proof FROM outcome WHERE job = '%s'", proof);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->attempt, 2);
    assert_effects("1");
    assert_job(&id, "SELECT count(*) FROM outcome WHERE job = '%s'", "0");
}

static void
an_aborted_commit_runs_again_by_barrier(void **unused)
{
    (void)unused;
    a_commit_without_an_answer("barrier");
}

static void
an_aborted_commit_runs_again_by_ledger(void **unused)
{
    (void)unused;
    a_commit_without_an_answer("ledger");
}

/* --- records as a dead executor left them --- */

static void
put_record(const jobid_t *id, const char *proof, const char *system, const char *xid)
{
    char text[JOBID_TEXT_SIZE];
    own(manifest) manifest = manifest_new();
    result_t *result = manifest_add(manifest);
    result->tag = mem_text("INSERT 0 1");
    result->attempt = 1;
    size_t size = 0;
    uint8_t *packed = manifest_pack(manifest, &size);
    char hex[1024] = "";
    for (size_t i = 0; i < size; i++)
        (void)snprintf(hex + 2 * i, sizeof hex - 2 * i, "%02x", packed[i]);
    free(packed);
    (void)jobid_text(id, text);
    own(mem) abandoned = mem_format("UPDATE live SET state = 'running', owner = 'dead/1',"
                                    " attempt = 1, tries = 1, recovering = true, backend_pid = 1,"
                                    " backend_start = 1 WHERE id = '%s'",
                                    text);
    tell(abandoned);
    own(mem) record = mem_format("INSERT INTO outcome (job, step, attempt, system_id, timeline,"
                                 " xid, manifest, proof) SELECT '%s', 0, 1, %s, 1, %s,"
                                 " '\\x%s', '%s' FROM pg_control_system()",
                                 text, system, xid, hex, proof);
    tell(record);
}

static char *
a_commit(const char *end)
{
    tell("BEGIN");
    tell("INSERT INTO floor_role.effect VALUES (1)");
    char *xid = ask("SELECT pg_current_xact_id()::text");
    tell(end);
    return xid;
}

static job_t *
recovered(const char *proof, const char *system, const char *xid)
{
    jobid_t id = a_job("INSERT INTO effect VALUES (1)");
    put_record(&id, proof, system, xid);
    dispatch(&id);
    return ended(&id);
}

static void
a_committed_transaction_is_done_with_its_stored_result(void **unused)
{
    (void)unused;
    own(mem) xid = a_commit("COMMIT");
    own(job) job = recovered("barrier", "system_identifier", xid);
    assert_int_equal(job->state, JOB_DONE);
    assert_int_equal(job->attempt, 2);
    assert_string_equal(job->manifest->results[0].tag, "INSERT 0 1");
    assert_int_equal(job->manifest->results[0].attempt, 1);
    assert_effects("1");
}

static void
an_aborted_transaction_runs_again(void **unused)
{
    (void)unused;
    own(mem) xid = a_commit("ROLLBACK");
    own(job) job = recovered("barrier", "system_identifier", xid);
    assert_int_equal(job->state, JOB_DONE);
    assert_effects("1");
}

static void
another_servers_transaction_is_unknown(void **unused)
{
    (void)unused;
    own(mem) xid = a_commit("COMMIT");
    own(job) job = recovered("barrier", "system_identifier + 1", xid);
    assert_int_equal(job->state, JOB_UNKNOWN);
    assert_effects("1");
}

static void
without_proof_it_is_unknown(void **unused)
{
    (void)unused;
    own(mem) xid = a_commit("COMMIT");
    own(job) job = recovered("none", "system_identifier", xid);
    assert_int_equal(job->state, JOB_UNKNOWN);
    assert_effects("1");
}

static void
a_marker_is_believed(void **unused)
{
    (void)unused;
    jobid_t id = a_job("INSERT INTO effect VALUES (1)");
    put_record(&id, "ledger", "0", "5");
    char text[JOBID_TEXT_SIZE];
    own(mem) mark = mem_format("INSERT INTO millrace.ledger (role, job, step) VALUES"
                               " ('floor_role', '%s', 0)",
                               jobid_text(&id, text));
    tell(mark);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_DONE);
    assert_effects("0"); /* it did not run again */
}

/* An earlier attempt's record went with a store that failed over, its marker did not. */
static void
a_marker_without_a_record_is_unknown_and_says_so(void **unused)
{
    (void)unused;
    jobid_t id = a_job("INSERT INTO effect VALUES (1)");
    char text[JOBID_TEXT_SIZE];
    own(mem) mark = mem_format("INSERT INTO millrace.ledger (role, job, step) VALUES"
                               " ('floor_role', '%s', 0)",
                               jobid_text(&id, text));
    tell(mark);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_UNKNOWN);
    assert_non_null(strstr(job->error, "record was lost"));
    assert_effects("0");
}

static void
a_ledger_leaves_a_marker_for_each_job_that_wrote(void **unused)
{
    (void)unused;
    own(job) job = ran("INSERT INTO effect VALUES (1)");
    assert_int_equal(job->state, JOB_DONE);
    own(job) read = ran("SELECT 1");
    assert_int_equal(read->state, JOB_DONE);
    own(mem) markers = ask("SELECT count(*) FROM millrace.ledger");
    assert_string_equal(markers, "1");
}

/* --- several steps --- */

/* Its session is gone, and what it left in it was on record before its COMMIT. */
static void
what_a_step_found_done_had_left_is_missed(void **unused)
{
    (void)unused;
    make_slow_commit();
    const submit_step_t steps[] = {
        { .sql = "INSERT INTO effect VALUES (1); CREATE TEMP TABLE mine (n int)" },
        { .sql = "SELECT * FROM mine" }
    };
    submit_t submit = { .steps = steps, .step_count = 2 };
    jobid_t id = submitted(&submit);
    cut_commit(&id);
    assert_job(&id, "SELECT leaves IS NOT NULL FROM step WHERE job = '%s' AND step = 0", "t");
    own(mem) xid = a_commit("COMMIT");
    own(mem) found = mem_format("UPDATE outcome SET xid = %s", xid);
    tell(found);
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_FAILED);
    assert_non_null(strstr(job->error, "temporary"));
    assert_job(&id, "SELECT leaves IS NOT NULL FROM step WHERE job = '%s' AND step = 0", "t");
    assert_job(&id, "SELECT string_agg(state, ' ' ORDER BY step) FROM step WHERE job = '%s'",
               "done pending");
}

static void
a_step_found_done_is_not_run_again(void **unused)
{
    (void)unused;
    const submit_step_t steps[] = { { .sql = "INSERT INTO effect VALUES (1)" },
                                    { .sql = "SELECT count(*) FROM effect" } };
    submit_t submit = { .steps = steps, .step_count = 2 };
    own(mem) xid = a_commit("COMMIT");
    jobid_t id = submitted(&submit);
    put_record(&id, "barrier", "system_identifier", xid);
    tell("UPDATE step SET state = 'running', attempt = 1 WHERE step = 0 AND job ="
         " (SELECT id FROM live ORDER BY id DESC LIMIT 1)");
    dispatch(&id);
    own(job) job = ended(&id);
    assert_int_equal(job->state, JOB_DONE);
    assert_effects("1");
    assert_job(&id,
               "SELECT string_agg(state || attempt, ' ' ORDER BY step) FROM step"
               " WHERE job = '%s'",
               "done1 done2");
}

#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_all)
#define LEDGER(test) cmocka_unit_test_setup_teardown(test, open_ledger, close_all)

/* The tests of other files have tables of the same name. */
static int
tidy_and_close(void **unused)
{
    tell("DROP TABLE IF EXISTS floor_role.effect; DELETE FROM live; DELETE FROM outcome");
    return world_close(unused);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(an_aborted_commit_runs_again_by_barrier),
        LEDGER(an_aborted_commit_runs_again_by_ledger),
        PLAIN(a_committed_transaction_is_done_with_its_stored_result),
        PLAIN(an_aborted_transaction_runs_again),
        PLAIN(another_servers_transaction_is_unknown),
        PLAIN(without_proof_it_is_unknown),
        LEDGER(a_marker_is_believed),
        LEDGER(a_marker_without_a_record_is_unknown_and_says_so),
        LEDGER(a_ledger_leaves_a_marker_for_each_job_that_wrote),
        PLAIN(what_a_step_found_done_had_left_is_missed),
        PLAIN(a_step_found_done_is_not_run_again),
    };
    return cmocka_run_group_tests(tests, world_open, tidy_and_close);
}

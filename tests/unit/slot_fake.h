/* slot_fake.h - what a slot works with, in memory: a source that does as it is told
 * (source_fake.h), and lanes that answer when the test says so.
 *
 * Linked instead of executor/session.c, executor/login.c and common/lane.c. What the slot did is in
 * `source.story`, a word for each step, in order.
 */
#ifndef TESTS_UNIT_SLOT_FAKE_H
#define TESTS_UNIT_SLOT_FAKE_H

#include "executor/slot.h"
#include "tests/unit/source_fake.h"

enum { WRITES_MOST = RECORD_PAGES_MOST + 4, RECORDS = 2, GRACE_MS = 40 };

static struct {
    write_t *waiting[WRITES_MOST];
    uint32_t waiting_count;
    uint32_t hurried; /* so often */
    claimed_t claim;  /* what the next claim brings, but for attempt, tries and texts */
    const char *sql;
    const char *params; /* packed */
    bool lease;
    bool in_line;
    kit_t kit;
    slot_t slot;
    bool freed;
    release_verdict_t verdict;
    int64_t later_ms;
    jobid_t job;
} fake;

/* --- the lanes --- */

void
lane_write(lane_t *self, write_t *write)
{
    static const char *const words[] = {
        [WRITE_CLAIM] = "claim",   [WRITE_UNCLAIM] = "unclaim", [WRITE_OUTCOME] = "outcome",
        [WRITE_FINISH] = "finish", [WRITE_PAGE] = "page",       [WRITE_STEP] = "step",
        [WRITE_LOOK] = "look",     [WRITE_LOGIN] = "login",     [WRITE_CANCELS] = "cancels",
    };
    (void)self;
    assert_true(fake.waiting_count < WRITES_MOST);
    fake.waiting[fake.waiting_count++] = write;
    tell(words[write->kind]);
}

void
lane_hurry(lane_t *self)
{
    (void)self;
    fake.hurried++;
}

void
lane_forget(lane_t *self, const void *owner)
{
    (void)self;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < fake.waiting_count; i++) {
        if (fake.waiting[i]->owner != owner)
            fake.waiting[kept++] = fake.waiting[i];
    }
    fake.waiting_count = kept;
}

const char *
proof_word(proof_t proof)
{
    return proof == PROOF_NONE ? "none" : "some";
}

void
write_clear(write_t *write)
{
    free(write->claimed.sql);
    free(write->claimed.ghosts);
    free(write->claimed.params);
    write->claimed = (claimed_t){ 0 };
    free(write->look.manifest);
    for (uint32_t i = 0; write->look.steps && i < write->look.step_count; i++)
        job_step_clear(&write->look.steps[i]);
    free(write->look.steps);
    write->look = (look_t){ 0 };
}

/* Take the oldest waiting write of this kind. */
HELPER write_t *
take_write(write_kind_t kind)
{
    for (uint32_t i = 0; i < fake.waiting_count; i++) {
        write_t *write = fake.waiting[i];
        if (write->kind != kind)
            continue;
        fake.waiting_count--;
        memmove(&fake.waiting[i], &fake.waiting[i + 1],
                (fake.waiting_count - i) * sizeof(write_t *));
        return write;
    }
    fail_msg("no write of kind %d waits; so far: %s", (int)kind, source.story);
    return NULL;
}

HELPER void
answer(write_kind_t kind, write_verdict_t verdict)
{
    write_t *write = take_write(kind);
    write->verdict = verdict;
    write->done(write);
}

HELPER void
answer_claim(int32_t attempt, int32_t tries)
{
    write_t *write = take_write(WRITE_CLAIM);
    write->verdict = WRITE_DONE;
    write->claimed = fake.claim;
    write->claimed.attempt = attempt;
    write->claimed.tries = tries;
    write->claimed.sql = mem_text(fake.claim.steps > 1 ? "" : fake.sql);
    write->claimed.params = mem_text(fake.params);
    if (attempt > 1) {
        write->claimed.ghost_count = 1;
        write->claimed.ghosts = mem_array(2, sizeof(int64_t));
    }
    write->done(write);
}

/* An outcome record of attempt 1 is found. */
HELPER void
answer_look(proof_t proof, int64_t xid)
{
    write_t *write = take_write(WRITE_LOOK);
    own(manifest) manifest = manifest_new();
    result_t *result = manifest_add(manifest);
    result->rows = 5;
    result->attempt = 1;
    look_t *look = &write->look;
    size_t size = 0;
    look->found = true;
    look->manifest = manifest_pack(manifest, &size);
    look->outcome = (outcome_t){
        .attempt = 1, .xid = xid, .proof = proof, .manifest = look->manifest, .manifest_size = size
    };
    write->verdict = WRITE_DONE;
    write->done(write);
}

/* --- the kit --- */

static bool
fake_lease(void *unused, int64_t margin_ms)
{
    (void)unused;
    (void)margin_ms;
    return fake.lease;
}

static void
on_freed(void *unused, slot_t *slot, const jobid_t *job, release_verdict_t verdict,
         int64_t executing_ms)
{
    (void)unused;
    (void)slot;
    (void)executing_ms;
    assert_true(!job || jobid_equal(job, &fake.job));
    fake.freed = true;
    if (job)
        fake.verdict = verdict;
}

static void
on_handed_back(void *unused, const jobid_t *job, int64_t later_ms)
{
    (void)unused;
    assert_true(jobid_equal(job, &fake.job));
    fake.verdict = RELEASE_LATER;
    fake.later_ms = later_ms;
}

static int
fake_open(void **unused)
{
    (void)unused;
    source_open();
    memset(&fake, 0, sizeof fake);
    fake.lease = true;
    fake.sql = "SELECT 1";
    fake.claim.steps = 1;
    const scribe_options_t options = { .records = RECORDS,
                                       .paged = slot_paged,
                                       .handed_back = on_handed_back };
    fake.kit = (kit_t){ .loop = source.loop,
                        .scribe = scribe_new(&options),
                        .barriers = barriers_new(source.loop, NULL, NULL, 4),
                        .stopper = stopper_new(source.loop, NULL, NULL, 4, GRACE_MS),
                        .first_page_ms = 100,
                        .page_ms = 1000,
                        .inline_bytes = 100,
                        .page_bytes = 4096,
                        .page_rows = 2,
                        .row_bytes = 4096,
                        .max_attempts = 3,
                        .deadline_ms = 86400000,
                        .lease_ms = 1000,
                        .lease_good = fake_lease,
                        .freed = on_freed };
    slot_init(&fake.slot, &fake.kit);
    fake.job = jobid_make(1, 0);
    return 0;
}

static int
fake_close(void **unused)
{
    (void)unused;
    slot_clear(&fake.slot);
    barriers_destroy(&fake.kit.barriers);
    stopper_destroy(&fake.kit.stopper);
    scribe_destroy(&fake.kit.scribe);
    loop_destroy(&source.loop);
    return 0;
}

/* The job's session has a turn. */
HELPER void
turn(turn_t what)
{
    turn_of(&source.session, what);
}

/* The statement is over. */
HELPER void
result_over(void)
{
    if (!source.result_open)
        (void)manifest_add(source.manifest);
    turn(TURN_RESULT);
}

HELPER void
start(void)
{
    record_t *record = scribe_open(fake.kit.scribe, &fake.job, &fake.slot);
    assert_non_null(record);
    slot_start(&fake.slot, record, "demo", "main", fake.in_line);
}

/* Claimed again: an earlier attempt's session is gone, and this is what it left. */
HELPER void
start_again(proof_t proof)
{
    start();
    answer_claim(2, 2);
    turn(TURN_ANSWERED);
    answer_look(proof, 77);
    forget_story();
}

/* Claimed for the first time, and running. */
HELPER void
start_running(void)
{
    start();
    answer_claim(1, 1);
    assert_int_equal(fake.slot.stage, STAGE_RUN);
}

/* The barrier that is asked for at the end of the turn is answered. */
HELPER void
answer_barrier(fate_t fate)
{
    loop_for(0);
    source.fate = fate;
    turn_of(&source.reserve, TURN_ANSWERED);
}

/* Rows of one text that does not compress to nothing. */
HELPER void
give_rows(int rows)
{
    static unsigned seed = 1;
    if (!source.result_open) {
        result_t *result = manifest_add(source.manifest);
        result->ordinal = source.manifest->count - 1;
        result->step = source.script.step;
        result_columns(result, 1);
        source.result_open = true;
    }
    for (int i = 0; i < rows; i++) {
        char text[200];
        for (size_t k = 0; k < sizeof text; k++)
            text[k] = (char)(33 + (seed = seed * 1103515245u + 12345u) / 65536u % 90);
        page_row_open(source.rows, 1);
        page_cell_text(source.rows, text, sizeof text);
        assert_true(page_row_close(source.rows));
    }
}

/* A row, and one of this size. */
HELPER void
give_large(size_t size)
{
    give_rows(1);
    own(mem) text = mem_new(size);
    page_row_open(fake.slot.writer, 1);
    page_cell_text(fake.slot.writer, text, size);
    assert_true(page_row_close(fake.slot.writer));
}

/* The job's end is on its way, in this state. */
HELPER const ending_t *
assert_ending(job_state_t state)
{
    assert_true(fake.waiting_count > 0);
    write_t *write = fake.waiting[fake.waiting_count - 1];
    assert_int_equal(write->kind, WRITE_FINISH);
    assert_string_equal(job_state_word(write->in.ending.state), job_state_word(state));
    return &write->in.ending;
}

#define SLOT_TEST(test) cmocka_unit_test_setup_teardown(test, fake_open, fake_close)

#endif

/* slot_fake.h - what a slot works with, in memory: a driver that does as it is told, a pool of one
 * session, logins that are known, and lanes that answer when the test says so.
 *
 * Linked instead of executor/session.c, executor/login.c and common/lane.c. What the slot did is in
 * `fake.story`, a word for each step, in order.
 */
#ifndef TESTS_UNIT_SLOT_FAKE_H
#define TESTS_UNIT_SLOT_FAKE_H

#include <stdio.h>
#include <stdlib.h>

#include "executor/slot.h"
#include "tests/unit/unit.h"

enum { STORY_SIZE = 512, WRITES_MOST = 16, RECORDS = 2 };

static struct {
    char story[STORY_SIZE];
    write_t *waiting[WRITES_MOST];
    uint32_t waiting_count;
    session_t session;
    login_verdict_t login;
    backend_t backend;
    int64_t xid;
    uint32_t left;
    bool refuse; /* the driver refuses the text */
    result_t *result;
    page_writer_t *rows;
    bool lease;
    loop_t *loop;
    kit_t kit;
    slot_t slot;
    bool freed;
    release_verdict_t verdict;
    jobid_t job;
} fake;

static void
tell(const char *word)
{
    size_t size = strlen(fake.story);
    (void)snprintf(fake.story + size, sizeof fake.story - size, "%s%s", size > 0 ? " " : "", word);
}

/* --- the lanes --- */

void
lane_write(lane_t *self, write_t *write)
{
    static const char *const words[] = { "claim", "unclaim", "outcome", "finish",
                                         "page",  "look",    "login" };
    (void)self;
    assert_true(fake.waiting_count < WRITES_MOST);
    fake.waiting[fake.waiting_count++] = write;
    tell(words[write->kind]);
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

void
write_clear(write_t *write)
{
    free(write->claimed.sql);
    free(write->claimed.ghosts);
    write->claimed = (claimed_t){ 0 };
}

/* Answer the oldest waiting write of this kind. */
static write_t *
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
    fail_msg("no write of kind %d waits; so far: %s", (int)kind, fake.story);
    return NULL;
}

static void
answer(write_kind_t kind, write_verdict_t verdict)
{
    write_t *write = take_write(kind);
    write->verdict = verdict;
    write->done(write);
}

static void
answer_claim(int32_t attempt, int32_t tries)
{
    write_t *write = take_write(WRITE_CLAIM);
    write->verdict = WRITE_DONE;
    write->claimed = (claimed_t){ .attempt = attempt, .tries = tries, .sql = mem_text("SELECT 1") };
    if (attempt > 1) {
        write->claimed.ghost_count = 1;
        write->claimed.ghosts = mem_array(2, sizeof(int64_t));
    }
    write->done(write);
}

/* --- the driver --- */

static const backend_t *
fake_backend(const channel_t *unused)
{
    (void)unused;
    return &fake.backend;
}

static bool
fake_run(channel_t *unused, const char *sql, page_writer_t *rows, result_t *result,
         failure_t *failure)
{
    (void)unused;
    assert_string_equal(sql, "SELECT 1");
    if (fake.refuse) {
        failure_say(failure, "0A000", "refused");
        return false;
    }
    tell("run");
    fake.rows = rows;
    fake.result = result;
    return true;
}

static int64_t
fake_xid(const channel_t *unused)
{
    (void)unused;
    return fake.xid;
}

static void
fake_commit(channel_t *unused)
{
    (void)unused;
    tell("COMMIT");
}

static void
fake_end(channel_t *unused, const int64_t *pairs, uint32_t count)
{
    (void)unused;
    (void)pairs;
    assert_int_equal(count, 1);
    tell("ghosts");
}

static uint32_t
fake_left(const channel_t *unused)
{
    (void)unused;
    return fake.left;
}

static const driver_t fake_driver = {
    .name = "fake",
    .backend = fake_backend,
    .run = fake_run,
    .xid = fake_xid,
    .commit = fake_commit,
    .end_backends = fake_end,
    .left = fake_left,
};

/* --- sessions and logins --- */

session_t *
pool_take(pool_t *self, const char *tenant, const char *source, const access_t *access, void *user,
          err_t *err)
{
    (void)self;
    (void)access;
    (void)err;
    assert_string_equal(tenant, "demo");
    assert_string_equal(source, "main");
    fake.session.user = user;
    return &fake.session;
}

void
session_put(session_t *session)
{
    session->user = NULL;
    tell("put");
}

void
session_close(session_t **session_p)
{
    if (*session_p)
        tell("close");
    *session_p = NULL;
}

void
session_sent(session_t *session)
{
    session->clean = false;
}

void
session_pause(session_t *session)
{
    session->paused = true;
    tell("pause");
}

void
session_resume(session_t *session)
{
    session->paused = false;
    tell("resume");
}

login_verdict_t
logins_ask(logins_t *self, const char *tenant, const char *source, access_t *access, err_t *err)
{
    (void)self;
    (void)tenant;
    (void)source;
    *access = (access_t){ 0 };
    if (fake.login == LOGIN_NONE)
        (void)err_set(err, ERR_NOT_FOUND, "no login");
    return fake.login;
}

void
logins_drop(logins_t *self, const char *tenant, const char *source)
{
    (void)self;
    (void)tenant;
    (void)source;
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
on_handed_back(void *unused, const jobid_t *job)
{
    (void)unused;
    assert_true(jobid_equal(job, &fake.job));
    fake.verdict = RELEASE_LATER;
}

static int
fake_open(void **unused)
{
    (void)unused;
    err_t err;
    memset(&fake, 0, sizeof fake);
    fake.loop = loop_new(&err);
    fake.lease = true;
    fake.login = LOGIN_KNOWN;
    fake.session = (session_t){ .driver = &fake_driver, .open = true, .clean = true };
    const scribe_options_t options = { .records = RECORDS,
                                       .paged = slot_paged,
                                       .handed_back = on_handed_back };
    fake.kit = (kit_t){ .loop = fake.loop,
                        .scribe = scribe_new(&options),
                        .first_page_ms = 100,
                        .inline_bytes = 100,
                        .page_bytes = 4096,
                        .page_rows = 2,
                        .row_bytes = 4096,
                        .max_attempts = 3,
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
    scribe_destroy(&fake.kit.scribe);
    loop_destroy(&fake.loop);
    return 0;
}

static void
turn(turn_t what)
{
    failure_t failure = { 0 };
    if (what == TURN_LOST || what == TURN_FAILED || what == TURN_BARRED || what == TURN_BROKEN)
        failure_say(&failure, "08006", "gone");
    if (what == TURN_CLEAN || what == TURN_ENDED || what == TURN_OPEN)
        fake.session.clean = true;
    slot_turned(&fake.slot, &fake.session, what, &failure);
    failure_clear(&failure);
}

static void
start(void)
{
    record_t *record = scribe_open(fake.kit.scribe, &fake.job, &fake.slot);
    assert_non_null(record);
    slot_start(&fake.slot, record, "demo", "main");
}

/* Claimed for the first time, and running. */
static void
start_running(void)
{
    start();
    answer_claim(1, 1);
    assert_int_equal(fake.slot.stage, STAGE_RUN);
}

/* Rows of one text that does not compress to nothing. */
static void
give_rows(int rows)
{
    static unsigned seed = 1;
    for (int i = 0; i < rows; i++) {
        char text[200];
        for (size_t k = 0; k < sizeof text; k++)
            text[k] = (char)(33 + (seed = seed * 1103515245u + 12345u) / 65536u % 90);
        page_row_open(fake.rows, 1);
        page_cell_text(fake.rows, text, sizeof text);
        assert_true(page_row_close(fake.rows));
    }
    if (!fake.result->has_columns)
        result_columns(fake.result, 1);
}

#define SLOT_TEST(test) cmocka_unit_test_setup_teardown(test, fake_open, fake_close)

#endif

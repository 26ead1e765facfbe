/* source_fake.h - sources in memory: a driver that does as it is told, a pool of two sessions, and
 * logins that are known.
 *
 * Linked instead of executor/session.c and executor/login.c. What was done is in `source.story`, a
 * word for each step, in order. The first session that is taken is that of a job; the second stands
 * beside it.
 */
#ifndef TESTS_UNIT_SOURCE_FAKE_H
#define TESTS_UNIT_SOURCE_FAKE_H

#include <stdio.h>
#include <stdlib.h>

#include "executor/driver.h"
#include "executor/login.h"
#include "executor/session.h"
#include "tests/unit/unit.h"

#define HELPER static __attribute__((unused))

enum { STORY_SIZE = 1024, PAIRS_MOST = 8 };

static struct {
    char story[STORY_SIZE];
    loop_t *loop;
    session_t session;
    session_t reserve;
    bool no_reserve;
    login_verdict_t login;
    backend_t backend;
    int64_t xid;
    bool marked;
    const char *leaves;
    fate_t fate;
    uint32_t left;
    int64_t pairs[PAIRS_MOST]; /* that were to be stopped, or asked for behind a barrier, last */
    uint32_t pair_count;
    script_t script;
    manifest_t *manifest;
    page_writer_t *rows;
    bool result_open;
} source;

HELPER void
tell(const char *word)
{
    size_t size = strlen(source.story);
    (void)snprintf(source.story + size, sizeof source.story - size, "%s%s", size > 0 ? " " : "",
                   word);
}

HELPER void
forget_story(void)
{
    source.story[0] = '\0';
}

/* --- the driver --- */

static const backend_t *
fake_backend(const channel_t *unused)
{
    (void)unused;
    return &source.backend;
}

static void
fake_run(channel_t *unused, const script_t *script, page_writer_t *rows, manifest_t *manifest)
{
    (void)unused;
    tell(script->autocommit ? "alone" : "run");
    source.script = *script;
    source.rows = rows;
    source.manifest = manifest;
    source.result_open = false;
}

static int64_t
fake_xid(const channel_t *unused)
{
    (void)unused;
    return source.xid;
}

static bool
fake_marked(const channel_t *unused)
{
    (void)unused;
    return source.marked;
}

static const char *
fake_leaves(const channel_t *unused)
{
    (void)unused;
    return source.leaves;
}

static void
fake_commit(channel_t *unused)
{
    (void)unused;
    tell("COMMIT");
}

static void
fake_clean(channel_t *unused)
{
    (void)unused;
    tell("clean");
}

static void
keep_pairs(const int64_t *pairs, uint32_t count)
{
    assert_true(2 * count <= PAIRS_MOST);
    memcpy(source.pairs, pairs, 2 * (size_t)count * sizeof *pairs);
    source.pair_count = count;
}

static void
fake_barrier(channel_t *unused, const int64_t *pairs, uint32_t count)
{
    (void)unused;
    keep_pairs(pairs, count);
    source.left = count;
    tell("barrier");
}

static void
fake_ask_fate(channel_t *unused, int64_t system_id, int32_t timeline, int64_t xid)
{
    (void)unused;
    (void)system_id;
    (void)timeline;
    assert_int_equal(xid, 77);
    tell("fate?");
}

static void
fake_ask_marker(channel_t *unused, const jobid_t *job, uint32_t step)
{
    (void)unused;
    (void)job;
    (void)step;
    tell("marker?");
}

static fate_t
fake_fate(const channel_t *unused)
{
    (void)unused;
    return source.fate;
}

static void
fake_stop(channel_t *unused, const int64_t *pairs, uint32_t count, bool hard)
{
    (void)unused;
    keep_pairs(pairs, count);
    tell(hard ? "end" : "cancel");
}

static uint32_t
fake_left(const channel_t *unused)
{
    (void)unused;
    return source.left;
}

static const driver_t fake_driver = {
    .name = "fake",
    .backend = fake_backend,
    .run = fake_run,
    .xid = fake_xid,
    .marked = fake_marked,
    .leaves = fake_leaves,
    .commit = fake_commit,
    .clean = fake_clean,
    .ask_barrier = fake_barrier,
    .ask_fate = fake_ask_fate,
    .ask_marker = fake_ask_marker,
    .fate = fake_fate,
    .stop_backends = fake_stop,
    .left = fake_left,
};

/* --- sessions and logins --- */

session_t *
pool_take(pool_t *self, const char *tenant, const char *name, const access_t *access,
          const holder_t *holder, err_t *err)
{
    (void)self;
    (void)access;
    assert_string_equal(tenant, "demo");
    assert_string_equal(name, "main");
    session_t *session = source.session.holder ? &source.reserve : &source.session;
    if (session == &source.reserve && source.no_reserve) {
        (void)err_set(err, ERR_LIMIT, "no room");
        return NULL;
    }
    assert_null(session->holder);
    session->holder = holder;
    return session;
}

void
session_put(session_t *session)
{
    session->holder = NULL;
    if (session == &source.session)
        tell("put");
}

void
session_close(session_t **session_p)
{
    session_t *session = *session_p;
    *session_p = NULL;
    if (!session)
        return;
    session->holder = NULL;
    session->clean = true; /* whoever takes it again has another */
    if (session == &source.session)
        tell("close");
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
logins_ask(logins_t *self, const char *tenant, const char *name, access_t *access, err_t *err)
{
    (void)self;
    (void)tenant;
    (void)name;
    *access = (access_t){ 0 };
    if (source.login == LOGIN_NONE)
        (void)err_set(err, ERR_NOT_FOUND, "no login");
    return source.login;
}

login_verdict_t
logins_recall(logins_t *self, const char *tenant, const char *name, access_t *access, err_t *err)
{
    return logins_ask(self, tenant, name, access, err);
}

void
logins_drop(logins_t *self, const char *tenant, const char *name)
{
    (void)self;
    (void)tenant;
    (void)name;
}

/* --- turns --- */

HELPER void
turn_of(session_t *session, turn_t what)
{
    failure_t failure = { 0 };
    if (what == TURN_LOST || what == TURN_FAILED || what == TURN_BARRED || what == TURN_BROKEN)
        failure_say(&failure, "08006", "gone");
    if (what == TURN_CLEAN || what == TURN_ANSWERED || what == TURN_OPEN)
        session->clean = true;
    if (what == TURN_RESULT)
        source.result_open = false;
    assert_non_null(session->holder);
    session->holder->turned(session->holder->user, session, what, &failure);
    failure_clear(&failure);
}

HELPER void
stop_loop(void *loop)
{
    loop_stop(loop);
}

/* Turn the loop for `ms`, so that timers that are due by then have run. */
HELPER void
loop_for(int64_t ms)
{
    err_t err;
    (void)loop_after(source.loop, ms, stop_loop, source.loop);
    assert_true(loop_run(source.loop, &err));
}

HELPER void
source_open(void)
{
    err_t err;
    memset(&source, 0, sizeof source);
    source.loop = loop_new(&err);
    source.login = LOGIN_KNOWN;
    source.backend = (backend_t){ .pid = 42, .start_us = 4200 };
    source.session = (session_t){ .driver = &fake_driver, .open = true, .clean = true };
    source.reserve = (session_t){ .driver = &fake_driver, .open = true, .clean = true };
}

#endif

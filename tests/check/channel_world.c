/* channel_world.c - a channel, an admin, and words for what was seen. */
#include "tests/check/channel_world.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/loop.h"
#include "tests/unit/opened.h"

enum { PATIENCE_MS = 30000, PAGE_BYTES = 4096, PAGE_ROWS = 100, ROW_BYTES = 1 << 20 };

tested_t it;
static PGconn *admin;
static const char *dsn;

static const char ledger[] =
#define MIGRATION(number, name, text) text
#include "ledger.inc"
#undef MIGRATION
    ;

/* --- the admin --- */

char *
look(const char *sql)
{
    PGresult *result = PQexec(admin, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(result));
    bool row = status == PGRES_TUPLES_OK && PQntuples(result) > 0;
    char *text = mem_text(row ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return text;
}

void
set_up(const char *sql)
{
    free(look(sql));
}

void
assert_look(const char *sql, const char *expected)
{
    own(mem) answer = look(sql);
    assert_string_equal(answer, expected);
}

void
make_ledger(void)
{
    set_up(ledger);
}

static void
no_notice(void *arg, const PGresult *notice)
{
    (void)arg;
    (void)notice;
}

int
sources_open(void **unused)
{
    (void)unused;
    dsn = getenv("MILLRACE_TEST_STORE");
    if (!dsn) {
        fprintf(stderr, "MILLRACE_TEST_STORE must name a database for this test\n");
        return 1;
    }
    admin = PQconnectdb(dsn);
    PQsetNoticeReceiver(admin, no_notice, NULL);
    set_up("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'channel_role') THEN"
           " CREATE ROLE channel_role LOGIN PASSWORD 'channel'; END IF; END $$");
    return 0;
}

int
sources_close(void **unused)
{
    (void)unused;
    set_up("DROP SCHEMA IF EXISTS millrace CASCADE; DROP SCHEMA IF EXISTS channel_role CASCADE");
    PQfinish(admin);
    return 0;
}

/* --- the channel --- */

static const char *
turn_word(turn_t turn)
{
    static const char *const words[] = {
        [TURN_WAIT] = "wait",     [TURN_OPEN] = "open",           [TURN_BARRED] = "barred",
        [TURN_FULL] = "full",     [TURN_RESULT] = "result",       [TURN_RAN] = "ran",
        [TURN_FAILED] = "failed", [TURN_COMMITTED] = "committed", [TURN_BROKEN] = "broken",
        [TURN_CLEAN] = "clean",   [TURN_ANSWERED] = "answered",   [TURN_LOST] = "lost",
        [TURN_OVER] = "over",     [TURN_ENOUGH] = "enough"
    };
    return words[turn];
}

static void
add_text(const char *more, size_t size)
{
    if (it.size + size + 1 > it.room) {
        it.room = 2 * (it.room + size + 1);
        it.text = mem_grow(it.text, it.room);
    }
    memcpy(it.text + it.size, more, size);
    it.size += size;
    it.text[it.size] = '\0';
}

static void
open_one(const char *options)
{
    err_t err;
    own(mem) whole = mem_format("%s %s", dsn, options);
    const channel_login_t login = { .dsn = whole,
                                    .role = "channel_role",
                                    .password = "channel",
                                    .who = "test_driver",
                                    .row_bytes = ROW_BYTES };
    it = (tested_t){ .driver = driver_find("postgres") };
    it.channel = it.driver->open(&login, &err);
    assert_non_null(it.channel);
    it.rows = page_writer_new(PAGE_BYTES, PAGE_ROWS, ROW_BYTES);
    it.manifest = manifest_new();
    add_text("", 0);
    assert_true(jobid_parse("01890000-0000-7000-8000-000000000001", &it.script.job));
    expect(TURN_OPEN);
}

static void
close_one(void)
{
    it.driver->close(&it.channel);
    page_writer_destroy(&it.rows);
    manifest_destroy(&it.manifest);
    statements_destroy(&it.statements);
    binds_destroy(&it.binds);
    params_destroy(&it.params);
    failure_clear(&it.failure);
    free(it.text);
}

int
channel_begin(void **unused)
{
    (void)unused;
    set_up("DROP SCHEMA IF EXISTS millrace CASCADE; DROP SCHEMA IF EXISTS channel_role CASCADE;"
           "CREATE SCHEMA channel_role AUTHORIZATION channel_role;"
           "ALTER ROLE channel_role RESET ALL");
    open_one("");
    return 0;
}

int
channel_end(void **unused)
{
    (void)unused;
    close_one();
    return 0;
}

void
reopen(const char *options)
{
    close_one();
    open_one(options);
}

void
second(tested_t *before)
{
    *before = it;
    open_one("");
}

void
swap_back(tested_t *before)
{
    close_one();
    it = *before;
}

/* --- turning --- */

static void
add_cell(const cell_t *cell)
{
    char number[32];
    snprintf(number, sizeof number, "%llu", (unsigned long long)cell->number);
    if (cell->kind == UNPACK_TEXT || cell->kind == UNPACK_BINARY)
        add_text(cell->bytes.data, cell->bytes.size);
    else if (cell->kind == UNPACK_BOOL)
        add_text(cell->boolean ? "t" : "f", 1);
    else if (cell->kind == UNPACK_NIL)
        add_text("~", 1);
    else
        add_text(number, strlen(number));
    add_text("|", 1);
}

static void
take_page(void)
{
    err_t err;
    uint32_t raw = page_writer_bytes(it.rows);
    it.widest = raw > it.widest ? raw : it.widest;
    own(page) page = page_writer_close(it.rows, &err);
    assert_non_null(page);
    own(opened) reader = opened_new(page->data, page->size, page->raw_bytes, &err);
    assert_non_null(reader);
    uint32_t cells = 0;
    while (page_reader_row(&reader->walk, &cells, &err)) {
        cell_t cell;
        for (uint32_t i = 0; i < cells; i++) {
            assert_true(page_reader_cell(&reader->walk, &cell, &err));
            add_cell(&cell);
        }
        add_text(";", 1);
    }
}

static void
note(turn_t turn)
{
    if (turn == TURN_FULL) {
        it.fulls++;
        take_page();
    }
    if (turn == TURN_RESULT) {
        take_page();
        page_writer_reset(it.rows);
        add_text("\n", 1);
    }
}

static bool
wait_ready(void)
{
    unsigned wants = it.driver->wants(it.channel);
    struct pollfd fd = { .fd = it.driver->fd(it.channel),
                         .events = (short)(((wants & LOOP_READ) ? POLLIN : 0)
                                           | ((wants & LOOP_WRITE) ? POLLOUT : 0)) };
    if (poll(&fd, 1, PATIENCE_MS) <= 0)
        fail_msg("nothing came");
    return (fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0;
}

turn_t
turn_once(void)
{
    turn_t turn = it.driver->turn(it.channel, wait_ready(), &it.failure);
    note(turn);
    return turn;
}

turn_t
next_turn(void)
{
    bool readable = false;
    for (;;) {
        turn_t turn = it.driver->turn(it.channel, readable, &it.failure);
        readable = false;
        note(turn);
        if (turn == TURN_WAIT)
            readable = wait_ready();
        else if (turn != TURN_FULL && turn != TURN_RESULT)
            return turn;
    }
}

void
expect(turn_t turn)
{
    turn_t came = next_turn();
    if (came != turn)
        fail_msg("%s came, not %s: %s %s", turn_word(came), turn_word(turn), it.failure.sqlstate,
                 it.failure.message ? it.failure.message : "");
}

void
expect_failure(turn_t turn, const char *sqlstate)
{
    expect(turn);
    assert_non_null(it.failure.message);
    assert_string_equal(it.failure.sqlstate, sqlstate);
}

/* --- scripts --- */

static void
bind(const char *sql)
{
    err_t err;
    int32_t position = 0;
    binds_destroy(&it.binds);
    if (it.params)
        it.binds = binds_make(it.statements, it.params, &position, &err);
    if (it.params && !it.binds)
        fail_msg("%s: %s", sql, err.text);
    it.script.binds = it.binds;
}

void
run(const char *sql, unsigned how)
{
    err_t err;
    statements_destroy(&it.statements);
    it.statements = statements_split(sql, &err);
    if (!it.statements)
        fail_msg("%s: %s", sql, err.text);
    bind(sql);
    manifest_destroy(&it.manifest);
    it.manifest = manifest_new();
    it.size = 0;
    it.text[0] = '\0';
    page_writer_reset(it.rows);
    failure_clear(&it.failure);
    it.script.statements = it.statements;
    it.script.last = (how & LAST) != 0;
    it.script.read_only = (how & READ_ONLY) != 0;
    it.script.autocommit = (how & ALONE) != 0;
    it.driver->run(it.channel, &it.script, it.rows, it.manifest);
}

void
ran(const char *sql, unsigned how)
{
    run(sql, how);
    expect(TURN_RAN);
}

void
done(const char *sql)
{
    ran(sql, LAST);
    it.driver->commit(it.channel);
    expect(TURN_COMMITTED);
    expect(TURN_CLEAN);
}

void
assert_says(const char *sql, const char *expected)
{
    done(sql);
    assert_string_equal(it.text, expected);
}

/* postgres.c - the driver for servers that speak PostgreSQL's protocol.
 *
 * A channel is a libpq connection in pipeline mode that never blocks; postgres/channel.h says how
 * it works inside. A statement's answer comes row by row, that of COPY TO STDOUT line by line.
 *
 * libpq holds a whole row before it hands it over, and asks for all of its memory when it has seen
 * its length. A row that grows beyond what the executor takes is cut off while it arrives; where
 * libpq itself runs out of memory first, it drops the connection. Both end the job, and only that.
 */
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/loop.h"
#include "executor/drivers/postgres/channel.h"
#include "executor/drivers/postgres/door.h"
#include "executor/drivers/postgres/resolve.h"

enum {
    ROW_SLACK = 64 << 10, /* beyond a row: what stands around it in the stream */
    LARGE_ROW = 1 << 20,
};

/* --- opening and closing --- */

static void
keep_login(channel_t *self, const channel_login_t *login)
{
    self->texts[0] = mem_text(login->dsn);
    self->texts[1] = mem_text(login->role);
    self->texts[2] = mem_text(login->password);
    self->texts[3] = mem_text(login->who);
}

static void
forget_login(channel_t *self)
{
    for (int i = 0; i < 4; i++) {
        if (self->texts[i])
            explicit_bzero(self->texts[i], strlen(self->texts[i]));
        free(self->texts[i]);
        self->texts[i] = NULL;
    }
    resolve_destroy(&self->resolve);
}

static void
channel_close(channel_t **self_p)
{
    channel_t *self = *self_p;
    if (!self)
        return;
    PQfinish(self->conn);
    forget_login(self);
    names_clear(&self->names);
    dues_clear(&self->dues);
    failure_clear(&self->failure);
    free(self->user);
    free(self);
    *self_p = NULL;
}

static channel_t *
channel_open(const channel_login_t *login, err_t *err)
{
    own(mem) host = door_host(login->dsn, err);
    if (!host)
        return NULL;
    bool resolve = resolve_needed(host);
    resolve_t *asked = resolve ? resolve_new(host, err) : NULL;
    PGconn *conn = resolve ? NULL : door_open(login, "", "", err);
    if (!asked && !conn)
        return NULL;
    channel_t *self = mem_new(sizeof *self);
    self->conn = conn;
    self->resolve = asked;
    self->phase = resolve ? PHASE_RESOLVING : PHASE_CONNECTING;
    self->connecting_wants = LOOP_WRITE;
    if (resolve)
        keep_login(self, login);
    self->row_bytes = login->row_bytes;
    self->memory_mib = login->memory_mib;
    return self;
}

static int
channel_fd(const channel_t *self)
{
    return self->phase == PHASE_RESOLVING ? resolve_fd(self->resolve) : PQsocket(self->conn);
}

static unsigned
channel_wants(const channel_t *self)
{
    if (self->phase == PHASE_RESOLVING)
        return LOOP_READ;
    if (self->phase == PHASE_CONNECTING)
        return self->connecting_wants;
    return self->unsent ? LOOP_READ | LOOP_WRITE : LOOP_READ;
}

static const backend_t *
channel_backend(const channel_t *self)
{
    return &self->backend;
}

/* Log in once more, a little differently. */
static turn_t
again(channel_t *self, door_change_t change)
{
    PGconn *old = take(self->conn);
    self->conn = door_again(&old, change);
    self->connecting_wants = LOOP_WRITE;
    return self->conn ? TURN_WAIT : TURN_LOST;
}

static turn_t
connected(channel_t *self)
{
    self->encoding = door_encoding(self->conn);
    const char *now = PQparameterStatus(self->conn, "client_encoding");
    if (now && strcmp(now, self->encoding) != 0)
        return again(self, DOOR_AS_IT_IS);
    if (PQsetnonblocking(self->conn, 1) != 0 || !PQenterPipelineMode(self->conn))
        self->broken = true;
    PQsetErrorVerbosity(self->conn, PQERRORS_DEFAULT);
    notices_watch(self);
    ask_who(self);
    return TURN_WAIT;
}

static turn_t
shut(channel_t *self, failure_t *failure)
{
    switch (door_verdict(self->conn, failure)) {
    case DOOR_BARRED: return TURN_BARRED;
    case DOOR_AWAY: return TURN_LOST;
    case DOOR_OLD: break;
    }
    return again(self, DOOR_WITHOUT_CHECK);
}

static turn_t
connecting(channel_t *self, failure_t *failure)
{
    switch (PQstatus(self->conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED
                                                   : PQconnectPoll(self->conn)) {
    case PGRES_POLLING_READING: self->connecting_wants = LOOP_READ; return TURN_WAIT;
    case PGRES_POLLING_WRITING: self->connecting_wants = LOOP_WRITE; return TURN_WAIT;
    case PGRES_POLLING_OK: return connected(self);
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE: break;
    }
    return shut(self, failure);
}

static turn_t
resolving(channel_t *self, failure_t *failure)
{
    const char *addresses = NULL;
    const char *hosts = NULL;
    if (!resolve_done(self->resolve, &addresses, &hosts))
        return TURN_WAIT;
    if (!*addresses) {
        failure_say(failure, "08001", "the source's host has no address");
        return TURN_LOST;
    }
    err_t err;
    const channel_login_t login = { .dsn = self->texts[0],
                                    .role = self->texts[1],
                                    .password = self->texts[2],
                                    .who = self->texts[3] };
    self->conn = door_open(&login, addresses, hosts, &err);
    forget_login(self);
    self->phase = PHASE_CONNECTING;
    if (self->conn && PQstatus(self->conn) != CONNECTION_BAD)
        return TURN_WAIT;
    failure_say(failure, "08001", "the source cannot be reached");
    return TURN_LOST;
}

/* --- turning --- */

/* Take what the socket has. While a row is coming in over many turns, count its bytes. */
static turn_t
take_input(channel_t *self, failure_t *failure)
{
    int waiting = 0;
    if (!self->stalled)
        self->unparsed = 0;
    else if (ioctl(PQsocket(self->conn), FIONREAD, &waiting) == 0)
        self->unparsed += (uint64_t)waiting;
    if (self->unparsed > self->largest)
        self->largest = self->unparsed;
    if (self->phase == PHASE_RUNNING && self->unparsed > 2 * (uint64_t)self->row_bytes + ROW_SLACK)
        return rows_oversize(self, failure);
    if (!PQconsumeInput(self->conn))
        return answer_lost(self, failure);
    self->stalled = true;
    return TURN_WAIT;
}

static turn_t
talk(channel_t *self, bool readable, failure_t *failure)
{
    if (self->unsent)
        ask_flush(self);
    self->starved = false;
    turn_t turn = readable && !self->broken ? take_input(self, failure) : TURN_WAIT;
    if (turn != TURN_WAIT)
        return turn;
    if (self->broken || PQstatus(self->conn) == CONNECTION_BAD)
        return answer_lost(self, failure);
    while (turn == TURN_WAIT && answer_ready(self))
        turn = answer_next(self, failure);
    if (turn == TURN_WAIT && PQstatus(self->conn) == CONNECTION_BAD)
        return answer_lost(self, failure);
    return turn;
}

/* What an autocommit statement did is not undone by closing its channel. */
static turn_t
channel_turn(channel_t *self, bool readable, failure_t *failure)
{
    if (self->phase == PHASE_RESOLVING)
        return resolving(self, failure);
    if (self->phase == PHASE_CONNECTING)
        return connecting(self, failure);
    turn_t turn = talk(self, readable, failure);
    return turn == TURN_BROKEN && self->script.autocommit ? TURN_LOST : turn;
}

/* --- jobs --- */

static void
channel_run(channel_t *self, const script_t *script, page_writer_t *rows, manifest_t *manifest)
{
    self->script = *script;
    self->rows = rows;
    self->manifest = manifest;
    self->first_result = manifest->count;
    self->ordinal = 0;
    self->begun = false;
    self->copying = false;
    self->row = 0;
    self->xid = 0;
    self->marked = false;
    self->leaves = NULL;
    names_begin(&self->names);
    ask_run(self);
}

static void
channel_clean(channel_t *self)
{
    self->script.last = true;
    if (self->phase == PHASE_RAN)
        ask_rollback(self);
    else
        ask_clean(self);
}

static int64_t
channel_xid(const channel_t *self)
{
    return self->xid;
}

static bool
channel_marked(const channel_t *self)
{
    return self->marked;
}

static const char *
channel_leaves(const channel_t *self)
{
    return self->leaves;
}

static fate_t
channel_fate(const channel_t *self)
{
    return self->fate;
}

static uint32_t
channel_left(const channel_t *self)
{
    return self->left;
}

/* libpq's buffer grows with the largest message and never shrinks. */
static bool
channel_worn(const channel_t *self)
{
    return self->largest > LARGE_ROW;
}

const driver_t driver_postgres = {
    .name = "postgres",
    .open = channel_open,
    .close = channel_close,
    .fd = channel_fd,
    .wants = channel_wants,
    .turn = channel_turn,
    .backend = channel_backend,
    .run = channel_run,
    .xid = channel_xid,
    .marked = channel_marked,
    .leaves = channel_leaves,
    .commit = ask_commit,
    .clean = channel_clean,
    .ask_barrier = inquiry_barrier,
    .ask_fate = inquiry_fate,
    .ask_marker = inquiry_marker,
    .fate = channel_fate,
    .stop_backends = inquiry_stop,
    .left = channel_left,
    .worn = channel_worn,
};

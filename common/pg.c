/* pg.c - one connection: where to, and turning it. */
#include "common/pg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/pg_inner.h"

enum { LIMIT_MS = 10000 };

/* --- settings --- */

static void
setting_add(pg_t *self, const char *key, char *value)
{
    assert(self->settings < PG_SETTINGS_MOST);
    self->texts[self->settings] = value;
    self->keys[self->settings] = key;
    self->values[self->settings] = value;
    self->settings++;
}

/* What the DSN says about `key`; NULL when nothing. */
static const char *
given(const PQconninfoOption *options, const char *key)
{
    for (const PQconninfoOption *at = options; at->keyword; at++) {
        if (strcmp(at->keyword, key) == 0)
            return at->val;
    }
    return NULL;
}

/* The DSN's own words win over these. */
static const struct {
    const char *key;
    const char *value;
} defaults[] = {
    { "connect_timeout", "3" },     { "keepalives_idle", "5" },
    { "keepalives_interval", "2" }, { "keepalives_count", "3" },
    { "tcp_user_timeout", "5000" }, { "target_session_attrs", "read-write" },
};

static void
settings_make(pg_t *self, const char *dsn)
{
    PQconninfoOption *options = PQconninfoParse(dsn, NULL);
    self->bad_dsn = !options;
    if (self->bad_dsn)
        return;
    setting_add(self, "dbname", mem_text(dsn));
    setting_add(self, "client_encoding", mem_text("UTF8"));
    const char *theirs = given(options, "options");
    setting_add(self, "options", mem_format("%s %s", PG_SESSION, theirs ? theirs : ""));
    if (!given(options, "application_name"))
        setting_add(self, "application_name", mem_text(self->who));
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (!given(options, defaults[i].key))
            setting_add(self, defaults[i].key, mem_text(defaults[i].value));
    }
    PQconninfoFree(options);
}

pg_t *
pg_new(const char *dsn, const char *who)
{
    pg_t *self = (pg_t *)mem_new(sizeof *self);
    self->who = mem_text(who);
    self->state = PG_LOST;
    self->limit_ms = LIMIT_MS;
    settings_make(self, dsn);
    return self;
}

/* --- the connection --- */

void
pg_disconnect(pg_t *self)
{
    PQfinish(self->connection);
    self->connection = NULL;
    self->state = PG_LOST;
    self->unsent = false;
    self->in_block = false;
    self->expected_first = 0;
    self->expected_count = 0;
    memset(self->prepared, UNPREPARED, sizeof self->prepared);
    self->parted_count = 0;
}

void
pg_destroy(pg_t **self_p)
{
    pg_t *self = *self_p;
    if (!self)
        return;
    pg_disconnect(self);
    for (int i = 0; i < self->settings; i++)
        free(self->texts[i]);
    free(self->parted);
    free(self->expected);
    free(self->who);
    free(self);
    *self_p = NULL;
}

static void
notice(void *unused, const PGresult *result)
{
    (void)unused;
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    log_debug("pg.notice", "%s", message ? message : "");
}

static bool
connect_failed(pg_t *self, err_t *err)
{
    pg_connect_error(self->connection, err);
    if (!self->complained)
        log_warn("pg.connect", "as=%s what=\"%s\"", self->who, err->text);
    self->complained = true;
    self->state = PG_LOST;
    return false;
}

static bool
connect_done(pg_t *self, err_t *err)
{
    PGconn *connection = self->connection;
    if (PQsetnonblocking(connection, 1) != 0 || !PQenterPipelineMode(connection))
        return connect_failed(self, err);
    (void)PQsetNoticeReceiver(connection, notice, NULL);
    if (self->complained)
        log_info("pg.connected", "as=%s", self->who);
    self->complained = false;
    self->in_block = false;
    self->backend = PQbackendPID(connection);
    self->state = PG_READY;
    return true;
}

static bool
dsn_valid(const pg_t *self, err_t *err)
{
    return !self->bad_dsn || err_set(err, ERR_INVALID, "the database's address is not a valid DSN");
}

bool
pg_lost(pg_t *self, err_t *err)
{
    self->state = PG_LOST;
    return err_set(err, ERR_UNAVAILABLE, "the connection to the database was lost");
}

bool
pg_connect(pg_t *self, err_t *err)
{
    pg_disconnect(self);
    if (!dsn_valid(self, err))
        return false;
    self->connection = PQconnectdbParams(self->keys, self->values, 1);
    bool made = self->connection && PQstatus(self->connection) == CONNECTION_OK;
    if (made ? connect_done(self, err) : connect_failed(self, err))
        return true;
    pg_disconnect(self);
    return false;
}

bool
pg_start(pg_t *self, err_t *err)
{
    pg_disconnect(self);
    if (!dsn_valid(self, err))
        return false;
    self->connection = PQconnectStartParams(self->keys, self->values, 1);
    if (!self->connection || PQstatus(self->connection) == CONNECTION_BAD)
        return connect_failed(self, err);
    self->polling = PGRES_POLLING_WRITING;
    self->state = PG_CONNECTING;
    return true;
}

static void
turn_connecting(pg_t *self, err_t *err)
{
    self->polling = PQconnectPoll(self->connection);
    if (self->polling == PGRES_POLLING_FAILED)
        (void)connect_failed(self, err);
    if (self->polling == PGRES_POLLING_OK)
        (void)connect_done(self, err);
}

/* Give the server what it takes, take what it gives. */
bool
pg_exchange(pg_t *self, err_t *err)
{
    if (!PQconsumeInput(self->connection))
        return pg_lost(self, err);
    if (self->unsent) {
        int left = PQflush(self->connection);
        if (left < 0)
            return pg_lost(self, err);
        self->unsent = left > 0;
    }
    return true;
}

pg_state_t
pg_turn(pg_t *self, err_t *err)
{
    err_clear(err);
    switch (self->state) {
    case PG_CONNECTING: turn_connecting(self, err); break;
    case PG_READY:
    case PG_BUSY: (void)pg_exchange(self, err); break;
    case PG_LOST: (void)pg_lost(self, err); break;
    }
    return self->state;
}

int
pg_fd(const pg_t *self)
{
    return self->state == PG_LOST ? -1 : PQsocket(self->connection);
}

unsigned
pg_wants(const pg_t *self)
{
    if (self->state == PG_CONNECTING)
        return self->polling == PGRES_POLLING_READING ? LOOP_READ : LOOP_WRITE;
    return self->unsent ? LOOP_READ | LOOP_WRITE : LOOP_READ;
}

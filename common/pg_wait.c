/* pg_wait.c - queries for those who may wait. */
#include <assert.h>
#include <errno.h>
#include <poll.h>

#include "common/clock.h"
#include "common/pg_inner.h"

enum {
    NOTICES_MOST = 16, /* reads between two queries; a server that says more is odd */
    SETTLE_MS = 5000,
    SETTLE_LOOKS = 2 /* a session that goes while it is looked at is not known to be gone */
};

void
pg_limit(pg_t *self, int64_t ms)
{
    self->limit_ms = ms;
}

bool
pg_was_cut(const pg_t *self)
{
    return self->cut;
}

/* Did the server hang up while nothing was under way? What it says meanwhile is a notice, or its
 * last words, with the end behind them. */
static bool
hung_up(pg_t *self)
{
    struct pollfd item = { .fd = PQsocket(self->connection), .events = POLLIN };
    for (int i = 0; i < NOTICES_MOST; i++) {
        if (poll(&item, 1, 0) == 0)
            return false;
        if (!PQconsumeInput(self->connection) || PQisBusy(self->connection))
            return true;
    }
    return true;
}

/* A connection that answers, if one can be had: but not in the midst of a transaction that went
 * down with the one before. */
static bool
connected(pg_t *self, err_t *err)
{
    self->cut = false;
    if (self->connection && self->state == PG_READY && !hung_up(self))
        return true;
    bool in_block = self->in_block;
    pg_disconnect(self);
    return in_block ? pg_lost(self, err) : pg_connect(self, err);
}

/* Sleep until the server has something for us or takes something from us. */
static bool
await(pg_t *self, int64_t deadline_ms, err_t *err)
{
    short events = self->unsent ? POLLIN | POLLOUT : POLLIN;
    struct pollfd item = { .fd = PQsocket(self->connection), .events = events };
    int64_t left = deadline_ms - clock_mono_ms();
    int ready = left > 0 ? poll(&item, 1, (int)left) : 0;
    if (ready < 0 && errno == EINTR)
        return true;
    if (ready > 0)
        return pg_exchange(self, err);
    self->state = PG_LOST;
    self->cut = false;
    return err_set(err, ERR_UNAVAILABLE, "the database did not answer in time");
}

/* Take the answers of a pipeline of one query. */
static bool
answer_take(pg_t *self, pg_result_t **result, err_t *err)
{
    int64_t deadline_ms = clock_mono_ms() + self->limit_ms;
    bool good = true;
    err_t ignored;
    for (;;) {
        own(pg_result) answer = NULL;
        switch (pg_next(self, &answer, good ? err : &ignored)) {
        case PG_RESULT: *result = take(answer); break;
        case PG_FAILED: good = false; break;
        case PG_SKIPPED: break;
        case PG_SYNCED: return good;
        case PG_DEAD: return false;
        case PG_WAIT:
            if (!await(self, deadline_ms, err))
                return false;
            break;
        }
    }
}

/* A statement was sent, or its answer taken: a connection that was lost by that is closed. */
static bool
settled(pg_t *self, bool good)
{
    self->cut = self->cut && self->state == PG_LOST;
    if (self->state != PG_READY && self->state != PG_BUSY)
        pg_disconnect(self);
    return good;
}

/* Send a statement over the connection that is there. */
static bool
ask(pg_t *self, uint16_t statement, const pg_params_t *params, err_t *err)
{
    self->cut = true;
    bool sent = pg_send(self, statement, params, false, err) && pg_flush(self, err);
    return sent || settled(self, false);
}

bool
pg_answer(pg_t *self, pg_result_t **result, err_t *err)
{
    own(pg_result) answer = NULL;
    bool good = settled(self, answer_take(self, &answer, err));
    if (result)
        *result = good ? take(answer) : NULL;
    return good;
}

static bool
run(pg_t *self, uint16_t statement, const pg_params_t *params, pg_result_t **result, err_t *err)
{
    return ask(self, statement, params, err) && pg_answer(self, result, err);
}

bool
pg_run(pg_t *self, sql_t query, const pg_params_t *params, pg_result_t **result, err_t *err)
{
    if (result)
        *result = NULL;
    return connected(self, err) && run(self, (uint16_t)query, params, result, err);
}

bool
pg_ask_in(pg_t *self, sql_t query, const char *table, const char *partition,
          const pg_params_t *params, err_t *err)
{
    uint16_t statement = 0;
    if (!connected(self, err))
        return false;
    if (!pg_parted(self, query, table, partition, &statement)) {
        assert(!self->in_block);
        pg_disconnect(self);
        if (!connected(self, err) || !pg_parted(self, query, table, partition, &statement))
            return false;
    }
    return ask(self, statement, params, err);
}

bool
pg_run_in(pg_t *self, sql_t query, const char *table, const char *partition,
          const pg_params_t *params, pg_result_t **result, err_t *err)
{
    if (result)
        *result = NULL;
    return pg_ask_in(self, query, table, partition, params, err) && pg_answer(self, result, err);
}

bool
pg_settle(pg_t *self, err_t *err)
{
    own(pg_params) params = pg_params_new();
    pg_param_int4(params, self->backend);
    pg_param_int8(params, SETTLE_MS);
    for (int i = 0; i < SETTLE_LOOKS; i++) {
        own(pg_result) result = NULL;
        if (!pg_run(self, SQL_session_end, params, &result, err)) {
            err->kind = ERR_UNAVAILABLE;
            return false;
        }
        if (!pg_rows(result) || pg_get_bool(result, 0, 0))
            return true;
    }
    return err_set(err, ERR_UNAVAILABLE, "the connection that was lost is still at work");
}

/* Take the answers of a script; the first error counts. */
static bool
script_take(pg_t *self, err_t *err)
{
    int64_t deadline_ms = clock_mono_ms() + self->limit_ms;
    bool good = true;
    for (;;) {
        while (PQisBusy(self->connection)) {
            if (!await(self, deadline_ms, err))
                return false;
        }
        PGresult *answer = PQgetResult(self->connection);
        if (!answer)
            return good;
        bool failed = PQresultStatus(answer) == PGRES_FATAL_ERROR;
        if (failed && good && pg_result_error(answer, err))
            self->state = PG_LOST;
        good = good && !failed;
        PQclear(answer);
    }
}

bool
pg_script(pg_t *self, const char *text, err_t *err)
{
    if (!connected(self, err))
        return false;
    self->cut = true;
    bool sent = PQexitPipelineMode(self->connection) && PQsendQuery(self->connection, text);
    self->unsent = true;
    bool good = sent ? pg_exchange(self, err) && script_take(self, err) : pg_lost(self, err);
    self->cut = self->cut && self->state == PG_LOST;
    if (self->state == PG_LOST || !PQenterPipelineMode(self->connection)) {
        pg_disconnect(self);
        return false;
    }
    self->in_block = PQtransactionStatus(self->connection) != PQTRANS_IDLE;
    return good;
}

/* ends.c - what follows when a segment, or the whole flight, is over. */
#include <libpq-fe.h>
#include <string.h>

#include "executor/drivers/postgres/channel.h"

static void
fill_names(channel_t *self)
{
    for (uint32_t i = self->first_result; i < self->manifest->count; i++)
        names_fill(&self->names, &self->manifest->results[i]);
}

/* --- scripts --- */

/* The statement has taken effect: whatever else was asked is worth less than to say so. */
turn_t
ends_alone(channel_t *self)
{
    self->failed = self->fatal = false;
    failure_clear(&self->failure);
    fill_names(self);
    self->phase = PHASE_CLEAN;
    if (self->script.last)
        ask_clean(self);
    return TURN_COMMITTED;
}

static turn_t
ran(channel_t *self)
{
    fill_names(self);
    self->phase = PHASE_RAN;
    return TURN_RAN;
}

static turn_t
flight_over(channel_t *self, failure_t *failure)
{
    const script_t *script = &self->script;
    if (self->failed) {
        ask_rollback(self);
        return answer_failure(self, TURN_FAILED, failure);
    }
    const char *encoding = PQparameterStatus(self->conn, "client_encoding");
    if (!encoding || strcmp(encoding, self->encoding) != 0) {
        failure_say(failure, "0A000", "the statement changed client_encoding");
        return TURN_BROKEN;
    }
    if (PQtransactionStatus(self->conn) != (script->autocommit ? PQTRANS_IDLE : PQTRANS_INTRANS)) {
        failure_say(failure, "25000", "the statement left its transaction");
        return TURN_BROKEN;
    }
    own(mem) unknown = names_unknown(&self->names);
    if (!unknown && !(script->autocommit && !script->last))
        return script->autocommit ? ends_alone(self) : ran(self);
    ask_more(self, unknown);
    return TURN_WAIT;
}

static turn_t
named(channel_t *self, failure_t *failure)
{
    if (self->script.autocommit)
        return ends_alone(self);
    return self->failed ? flight_over(self, failure) : ran(self);
}

/* --- the session --- */

static turn_t
clean_now(channel_t *self, turn_t turn)
{
    for (PGnotify *notice = PQnotifies(self->conn); notice; notice = PQnotifies(self->conn))
        PQfreemem(notice);
    self->phase = PHASE_CLEAN;
    return turn;
}

/* A COMMIT that failed took the cleaning behind it along: once more. */
static turn_t
cleaned(channel_t *self, failure_t *failure)
{
    if (self->failed)
        return answer_lost(self, failure);
    if (self->cleaned || !self->script.last)
        return clean_now(self, TURN_CLEAN);
    ask_clean(self);
    return TURN_WAIT;
}

/* A barrier that was refused leaves its transaction open. */
static turn_t
inquired(channel_t *self, failure_t *failure)
{
    if (self->failed)
        return answer_lost(self, failure);
    if (PQtransactionStatus(self->conn) == PQTRANS_IDLE)
        return clean_now(self, TURN_ANSWERED);
    ask_one(self, DUE_ROLLBACK, "ROLLBACK");
    ask_sync(self);
    return TURN_WAIT;
}

turn_t
ends_synced(channel_t *self, failure_t *failure)
{
    if (self->dues.count > 0)
        return TURN_WAIT; /* another segment is under way */
    switch (self->phase) {
    case PHASE_RUNNING: return flight_over(self, failure);
    case PHASE_NAMING: return named(self, failure);
    case PHASE_ASKING:
        if (self->failed || self->backend.pid == 0)
            return answer_lost(self, failure);
        return clean_now(self, TURN_OPEN);
    case PHASE_CLEANING: return cleaned(self, failure);
    case PHASE_INQUIRING: return inquired(self, failure);
    case PHASE_RESOLVING:
    case PHASE_CONNECTING:
    case PHASE_CLEAN:
    case PHASE_RAN:
    case PHASE_COMMITTING: break;
    }
    return TURN_WAIT;
}

/* answer.c - what a source says: answers in their order, and errors. */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "executor/drivers/postgres/cells.h"
#include "executor/drivers/postgres/channel.h"

/* --- failures --- */

turn_t
answer_failure(channel_t *self, turn_t turn, failure_t *failure)
{
    failure_clear(failure);
    *failure = self->failure;
    self->failure = (failure_t){ 0 };
    self->failed = self->fatal = false;
    return turn;
}

/* Did libpq itself run out of memory? It has no code for that, only texts. A length that it cannot
 * make room for counts as lost synchronisation to it. */
static bool
out_of_memory(const char *text)
{
    static const char *const signs[] = { "out of memory", "cannot allocate", "insufficient memory",
                                         "lost synchronization", "too long" };
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (strstr(text, signs[i]))
            return true;
    }
    return false;
}

/* A statement that had failed, and one that had committed, did so before the connection went. */
turn_t
answer_lost(channel_t *self, failure_t *failure)
{
    self->broken = true;
    if (self->phase == PHASE_RUNNING && self->failed && !self->fatal) {
        self->phase = PHASE_CLEANING;
        return answer_failure(self, TURN_FAILED, failure);
    }
    if (self->phase == PHASE_NAMING && self->script.autocommit)
        return ends_alone(self);
    if (self->phase == PHASE_RUNNING && out_of_memory(PQerrorMessage(self->conn)))
        return rows_no_room(self, failure);
    if (self->failure.message)
        return answer_failure(self, TURN_LOST, failure);
    failure_say(failure, "08006", "the connection to the source was lost");
    return TURN_LOST;
}

static void
keep_failure(channel_t *self, due_t due, const PGresult *answer)
{
    if (self->failed)
        return; /* the first one counts */
    const char *message = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    const char *table = PQresultErrorField(answer, PG_DIAG_TABLE_NAME);
    failure_clear(&self->failure);
    failure_t *failure = &self->failure;
    failure->message = failure_text(message ? message : PQresultErrorMessage(answer));
    failure->detail = failure_text(PQresultErrorField(answer, PG_DIAG_MESSAGE_DETAIL));
    failure->hint = failure_text(PQresultErrorField(answer, PG_DIAG_MESSAGE_HINT));
    snprintf(failure->sqlstate, sizeof failure->sqlstate, "%s", sqlstate ? sqlstate : "");
    failure->position = 0;
    if (due == DUE_STATEMENT)
        blame(self, answer, failure);
    failure->already = due == DUE_MARK && strcmp(failure->sqlstate, "23505") == 0 && table
                       && strcmp(table, "ledger") == 0;
    self->failed = true;
}

/* The ledger was there at login, and is not any more: a new session will know. */
static bool
ledger_gone(due_t due, const failure_t *failure)
{
    static const char *const signs[] = { "42883", "3F000", "42501" };
    for (size_t i = 0; due == DUE_MARK && i < sizeof signs / sizeof signs[0]; i++) {
        if (strcmp(failure->sqlstate, signs[i]) == 0)
            return true;
    }
    return false;
}

/* Questions that a source may refuse to answer. */
static bool
refusable(const channel_t *self, due_t due)
{
    return due == DUE_CONTROL || due == DUE_LEDGER
           || (self->phase == PHASE_INQUIRING && due != DUE_STOPPED && due != DUE_ROLLBACK);
}

/* An error of severity FATAL is the end of the session, not of the statement. */
static turn_t
erred(channel_t *self, due_t due, const PGresult *answer, failure_t *failure)
{
    const char *severity = PQresultErrorField(answer, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *sqlstate = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    if (!sqlstate && self->phase == PHASE_RUNNING && out_of_memory(PQresultErrorMessage(answer)))
        return rows_no_room(self, failure);
    bool first = !self->failed;
    self->sync_erred = due == DUE_SYNC;
    bool over = severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
    keep_failure(self, due, answer);
    if (first && (over || !sqlstate || ledger_gone(due, &self->failure)))
        self->fatal = true;
    if (over || self->fatal || PQstatus(self->conn) == CONNECTION_BAD)
        return answer_lost(self, failure);
    if (refusable(self, due)) {
        inquiry_erred(self, due, self->failure.sqlstate);
        failure_clear(&self->failure);
        self->failed = false;
    }
    return TURN_WAIT;
}

/* --- answers --- */

const char *
answer_text(const PGresult *answer, int column)
{
    bool there = PQntuples(answer) > 0 && column < PQnfields(answer);
    return there && !PQgetisnull(answer, 0, column) ? PQgetvalue(answer, 0, column) : NULL;
}

int64_t
answer_number(const PGresult *answer, int column)
{
    int64_t value = 0;
    const char *text = answer_text(answer, column);
    return text && cells_int(text, strlen(text), &value) ? value : 0;
}

/* By the letter that the question gives (questions.c); else what the text has told. */
static const char *
read_leaves(const channel_t *self, const char *letter)
{
    switch (letter ? *letter : '-') {
    case 'p': return "a prepared statement";
    case 'a': return "an advisory lock";
    case 't': return "a temporary object";
    case 'c': return "a cursor";
    case 'r': return "another role (SET ROLE)";
    case 's': return LEAVES_SETTING;
    default: return self->leaves;
    }
}

static void
take_login(channel_t *self, due_t due, const PGresult *answer)
{
    if (due == DUE_WHO) {
        self->backend.pid = (int32_t)answer_number(answer, 0);
        self->backend.start_us = answer_number(answer, 1);
        self->user = mem_text(answer_text(answer, 2));
    } else if (due == DUE_CONTROL) {
        self->backend.system_id = answer_number(answer, 0);
        self->backend.timeline = (int32_t)answer_number(answer, 1);
    } else {
        self->backend.ledger = answer_number(answer, 0) == 1;
    }
}

/* Rows come one by one; all at once they would be lost here. */
static turn_t
take_statement(channel_t *self, const PGresult *answer, failure_t *failure)
{
    rows_columns(self, answer);
    if (PQntuples(answer) == 0)
        return TURN_WAIT;
    failure_say(failure, "XX000", "rows of the result came all at once");
    return TURN_BROKEN;
}

static turn_t
take_encoding(const channel_t *self, const PGresult *answer, failure_t *failure)
{
    const char *encoding = answer_text(answer, 0);
    if (encoding && strcmp(encoding, self->encoding) == 0)
        return TURN_WAIT;
    failure_say(failure, "0A000", "the statement changed client_encoding");
    return TURN_BROKEN;
}

static turn_t
take_table(channel_t *self, due_t due, const PGresult *answer, failure_t *failure)
{
    switch (due) {
    case DUE_WHO:
    case DUE_CONTROL:
    case DUE_LEDGER: take_login(self, due, answer); break;
    case DUE_STATEMENT: return take_statement(self, answer, failure);
    case DUE_ENCODING: return take_encoding(self, answer, failure);
    case DUE_LEAVES: self->leaves = read_leaves(self, answer_text(answer, 0)); break;
    case DUE_XID:
    case DUE_MARK:
        self->xid = answer_number(answer, 0);
        self->marked = due == DUE_MARK && self->xid != 0;
        break;
    case DUE_NAMES:
        for (int i = 0; i < PQntuples(answer); i++)
            names_learn(&self->names, PQgetvalue(answer, i, 0), PQgetvalue(answer, i, 1));
        break;
    case DUE_IDENTITY:
    case DUE_STATUS:
    case DUE_MARKER:
    case DUE_ALIVE:
    case DUE_STOPPED: inquiry_take(self, due, answer); break;
    case DUE_SYNC:
    case DUE_BEGIN:
    case DUE_FIRST:
    case DUE_COMMIT:
    case DUE_ROLLBACK:
    case DUE_DISCARD:
    case DUE_BARRIER:
    case DUE_SEALED: break;
    }
    return TURN_WAIT;
}

static void
take_tag(channel_t *self, due_t due, PGresult *answer)
{
    const char *tag = PQcmdStatus(answer);
    if (due == DUE_STATEMENT && !rows_result(self)->tag)
        rows_result(self)->tag = failure_text(tag);
    if (due == DUE_DISCARD)
        self->cleaned = true;
    if (due == DUE_SEALED && strcmp(tag, "COMMIT") == 0)
        self->fate = FATE_COMMITTED;
    if (due == DUE_COMMIT && strcmp(tag, self->script.read_only ? "ROLLBACK" : "COMMIT") != 0) {
        failure_say(&self->failure, "40000", "the source answered COMMIT with %s", tag);
        self->failed = true;
    }
}

static turn_t
take_copy(channel_t *self, due_t due, const PGresult *answer, failure_t *failure)
{
    if (due == DUE_STATEMENT && PQresultStatus(answer) == PGRES_COPY_OUT) {
        rows_copy(self, answer);
        return TURN_WAIT;
    }
    failure_say(failure, "0A000", "COPY from the client is not for jobs");
    return TURN_BROKEN;
}

/* One answer, or a piece of one. */
static turn_t
answered(channel_t *self, due_t due, PGresult *answer, failure_t *failure)
{
    turn_t turn = TURN_WAIT;
    switch (PQresultStatus(answer)) {
    case PGRES_SINGLE_TUPLE: return rows_take(self, answer, failure);
    case PGRES_TUPLES_OK:
        turn = take_table(self, due, answer, failure);
        take_tag(self, due, answer);
        break;
    case PGRES_COMMAND_OK: take_tag(self, due, answer); break;
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE: return erred(self, due, answer, failure);
    case PGRES_EMPTY_QUERY:
        failure_say(&self->failure, "", "there is no statement in the text");
        self->failed = true;
        break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH: return take_copy(self, due, answer, failure);
    case PGRES_PIPELINE_ABORTED:
    case PGRES_PIPELINE_SYNC:
    case PGRES_NONFATAL_ERROR: break;
    }
    return turn;
}

/* --- the order --- */

/* The next one that is due: if it is a statement's, row by row. */
static void
step_on(channel_t *self)
{
    due_pop(self);
    if (self->dues.count > 0 && due_first(self) == DUE_STATEMENT)
        PQsetSingleRowMode(self->conn);
}

/* A query's answer is complete. COMMIT's counts at once: the rest of the segment changes nothing.
 */
static turn_t
completed(channel_t *self, due_t due, failure_t *failure)
{
    step_on(self);
    if (due == DUE_STATEMENT && !self->failed) {
        self->begun = false;
        self->ordinal++;
        return TURN_RESULT;
    }
    if (due != DUE_COMMIT)
        return TURN_WAIT;
    if (self->failed) {
        self->phase = PHASE_CLEANING;
        return answer_failure(self, TURN_FAILED, failure);
    }
    self->phase = self->script.last ? PHASE_CLEANING : PHASE_CLEAN;
    return TURN_COMMITTED;
}

bool
answer_ready(const channel_t *self)
{
    if (self->dues.count == 0)
        return false;
    return self->copying ? !self->starved : !PQisBusy(self->conn);
}

turn_t
answer_next(channel_t *self, failure_t *failure)
{
    if (self->copying)
        return rows_copied(self, failure);
    due_t due = due_first(self);
    PGresult *answer = PQgetResult(self->conn);
    self->stalled = false;
    if (!answer) {
        if (PQstatus(self->conn) == CONNECTION_BAD)
            return answer_lost(self, failure);
        if (due != DUE_SYNC)
            return completed(self, due, failure);
        bool erred_there = self->sync_erred;
        self->sync_erred = false;
        return erred_there ? TURN_WAIT : answer_lost(self, failure); /* a sync is never NULL */
    }
    turn_t turn = TURN_WAIT;
    if (PQresultStatus(answer) == PGRES_PIPELINE_SYNC) {
        step_on(self);
        turn = ends_synced(self, failure);
    } else {
        turn = answered(self, due, answer, failure);
    }
    PQclear(answer);
    return turn;
}

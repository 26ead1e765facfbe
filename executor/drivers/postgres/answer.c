/* answer.c - what a source says: rows, errors, and the ends of segments. */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "executor/drivers/postgres/cells.h"
#include "executor/drivers/postgres/channel.h"

/* --- failures --- */

/* The text goes out; the failure that was kept is the caller's now. */
static turn_t
hand_out(channel_t *self, turn_t turn, failure_t *failure)
{
    failure_clear(failure);
    *failure = self->failure;
    self->failure = (failure_t){ 0 };
    self->failed = false;
    return turn;
}

static turn_t
too_large(const channel_t *self, failure_t *failure)
{
    failure_say(failure, "54000",
                "a row of the result is too large for this executor (memory limit %u MiB)",
                self->memory_mib);
    return TURN_BROKEN;
}

turn_t
answer_oversize(const channel_t *self, failure_t *failure)
{
    failure_say(failure, "54000", "row %lld of the result is larger than %u bytes (row_bytes)",
                (long long)self->row + 1, self->row_bytes);
    return TURN_BROKEN;
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

turn_t
answer_lost(channel_t *self, failure_t *failure)
{
    if (self->phase == PHASE_RUNNING && out_of_memory(PQerrorMessage(self->conn)))
        return too_large(self, failure);
    if (self->failure.message)
        return hand_out(self, TURN_LOST, failure);
    failure_say(failure, "08006", "the connection to the source was lost");
    return TURN_LOST;
}

static void
keep_failure(channel_t *self, const PGresult *answer)
{
    if (self->failed)
        return; /* the first one counts */
    const char *message = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    const char *position = PQresultErrorField(answer, PG_DIAG_STATEMENT_POSITION);
    failure_clear(&self->failure);
    failure_t *failure = &self->failure;
    failure->message = failure_text(message ? message : PQresultErrorMessage(answer));
    failure->detail = failure_text(PQresultErrorField(answer, PG_DIAG_MESSAGE_DETAIL));
    failure->hint = failure_text(PQresultErrorField(answer, PG_DIAG_MESSAGE_HINT));
    snprintf(failure->sqlstate, sizeof failure->sqlstate, "%s", sqlstate ? sqlstate : "");
    int64_t at = 0;
    if (position && cells_int(position, strlen(position), &at) && at < INT32_MAX)
        failure->position = (int32_t)at;
    self->failed = true;
}

/* An error of severity FATAL is the end of the session, not of the statement. */
static turn_t
erred(channel_t *self, due_t due, const PGresult *answer, failure_t *failure)
{
    const char *severity = PQresultErrorField(answer, PG_DIAG_SEVERITY_NONLOCALIZED);
    bool server_spoke = PQresultErrorField(answer, PG_DIAG_SQLSTATE) != NULL;
    if (!server_spoke && self->phase == PHASE_RUNNING
        && out_of_memory(PQresultErrorMessage(answer)))
        return too_large(self, failure);
    keep_failure(self, answer);
    bool over = severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
    if (over || !server_spoke || PQstatus(self->conn) == CONNECTION_BAD)
        return answer_lost(self, failure);
    if (due == DUE_CONTROL)
        self->failed = false;
    return TURN_WAIT;
}

/* --- answers --- */

static int64_t
number_at(const PGresult *answer, int column)
{
    int64_t value = 0;
    if (PQntuples(answer) < 1 || column >= PQnfields(answer) || PQgetisnull(answer, 0, column))
        return 0;
    const char *text = PQgetvalue(answer, 0, column);
    return cells_int(text, strlen(text), &value) ? value : 0;
}

static void
set_columns(channel_t *self, const PGresult *answer)
{
    if (self->result->has_columns)
        return;
    int count = PQnfields(answer);
    result_columns(self->result, (uint32_t)count);
    for (int i = 0; i < count; i++) {
        column_t *column = &self->result->columns[i];
        column->name = failure_text(PQfname(answer, i));
        names_column(&self->names, PQftype(answer, i), column);
    }
}

static turn_t
take_row(channel_t *self, PGresult *answer, failure_t *failure)
{
    set_columns(self, answer);
    uint32_t count = self->result->column_count;
    const column_t *columns = self->result->columns;
    uint32_t bad = UINT32_MAX;
    page_row_open(self->rows, count);
    for (uint32_t i = 0; i < count; i++) {
        int at = (int)i;
        int size = PQgetlength(answer, 0, at);
        if (size == 0 && PQgetisnull(answer, 0, at)) {
            page_cell_nil(self->rows);
        } else if (!cells_put(self->rows, columns[i].kind, PQgetvalue(answer, 0, at),
                              (size_t)size)) {
            page_cell_nil(self->rows);
            bad = i;
        }
    }
    if (!page_row_close(self->rows))
        return answer_oversize(self, failure);
    self->row++;
    if (bad != UINT32_MAX) {
        failure_say(failure, "22021", "column \"%s\" of row %lld is not valid UTF-8",
                    columns[bad].name, (long long)self->row);
        return TURN_BROKEN;
    }
    return page_writer_full(self->rows) ? TURN_FULL : TURN_WAIT;
}

static void
take_table(channel_t *self, due_t due, const PGresult *answer)
{
    switch (due) {
    case DUE_WHO:
        self->backend.pid = (int32_t)number_at(answer, 0);
        self->backend.start_us = number_at(answer, 1);
        break;
    case DUE_CONTROL:
        self->backend.system_id = number_at(answer, 0);
        self->backend.timeline = (int32_t)number_at(answer, 1);
        break;
    case DUE_STATEMENT: set_columns(self, answer); break;
    case DUE_XID: self->xid = number_at(answer, 0); break;
    case DUE_END: self->left = (uint32_t)number_at(answer, 0); break;
    case DUE_NAMES:
        for (int i = 0; i < PQntuples(answer); i++)
            names_learn(&self->names, PQgetvalue(answer, i, 0), PQgetvalue(answer, i, 1));
        break;
    case DUE_SYNC:
    case DUE_BEGIN:
    case DUE_COMMIT:
    case DUE_ROLLBACK:
    case DUE_DISCARD: break;
    }
}

static void
take_tag(channel_t *self, due_t due, PGresult *answer)
{
    const char *tag = PQcmdStatus(answer);
    if (due == DUE_STATEMENT && !self->result->tag)
        self->result->tag = failure_text(tag);
    if (due == DUE_DISCARD)
        self->cleaned = true;
    if (due == DUE_COMMIT && strcmp(tag, "COMMIT") != 0) {
        failure_say(&self->failure, "40000", "the source answered COMMIT with %s", tag);
        self->failed = true;
    }
}

/* One answer, or a piece of one. */
static turn_t
answered(channel_t *self, due_t due, PGresult *answer, failure_t *failure)
{
    switch (PQresultStatus(answer)) {
    case PGRES_SINGLE_TUPLE: return take_row(self, answer, failure);
    case PGRES_TUPLES_OK:
        take_table(self, due, answer);
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
    case PGRES_COPY_BOTH:
        failure_say(failure, "0A000", "COPY to or from the client is not for jobs");
        return TURN_BROKEN;
    case PGRES_PIPELINE_ABORTED:
    case PGRES_PIPELINE_SYNC:
    case PGRES_NONFATAL_ERROR: break;
    }
    return TURN_WAIT;
}

/* --- the ends of segments --- */

static turn_t
ran(channel_t *self)
{
    names_fill(&self->names, self->result);
    self->phase = PHASE_RAN;
    return TURN_RAN;
}

static turn_t
flight_over(channel_t *self, failure_t *failure)
{
    if (self->failed) {
        ask_rollback(self);
        return hand_out(self, TURN_FAILED, failure);
    }
    const char *encoding = PQparameterStatus(self->conn, "client_encoding");
    if (!encoding || strcmp(encoding, "UTF8") != 0) {
        failure_say(failure, "0A000", "the statement changed client_encoding");
        return TURN_BROKEN;
    }
    if (PQtransactionStatus(self->conn) != PQTRANS_INTRANS) {
        failure_say(failure, "25000", "the statement left its transaction");
        return TURN_BROKEN;
    }
    own(mem) unknown = names_unknown(&self->names);
    if (self->phase == PHASE_NAMING || !unknown)
        return ran(self);
    ask_names(self, unknown);
    return TURN_WAIT;
}

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
    if (self->cleaned)
        return clean_now(self, TURN_CLEAN);
    ask_clean(self);
    return TURN_WAIT;
}

static turn_t
synced(channel_t *self, failure_t *failure)
{
    if (self->due_count > 0)
        return TURN_WAIT; /* another segment is under way */
    switch (self->phase) {
    case PHASE_RUNNING:
    case PHASE_NAMING: return flight_over(self, failure);
    case PHASE_ASKING:
        if (self->failed || self->backend.pid == 0)
            return answer_lost(self, failure);
        return clean_now(self, TURN_OPEN);
    case PHASE_CLEANING: return cleaned(self, failure);
    case PHASE_ENDING:
        return self->failed ? answer_lost(self, failure) : clean_now(self, TURN_ENDED);
    case PHASE_RESOLVING:
    case PHASE_CONNECTING:
    case PHASE_CLEAN:
    case PHASE_RAN:
    case PHASE_COMMITTING: break;
    }
    return TURN_WAIT;
}

static void
due_pop(channel_t *self)
{
    self->due_first = (self->due_first + 1) % DUE_MOST;
    self->due_count--;
}

/* A query's answer is complete. COMMIT's counts at once: the rest of the segment changes nothing.
 */
static turn_t
completed(channel_t *self, due_t due, failure_t *failure)
{
    due_pop(self);
    if (self->due_count > 0 && self->due[self->due_first] == DUE_STATEMENT)
        PQsetSingleRowMode(self->conn);
    if (due != DUE_COMMIT)
        return TURN_WAIT;
    self->phase = PHASE_CLEANING;
    return self->failed ? hand_out(self, TURN_FAILED, failure) : TURN_COMMITTED;
}

turn_t
answer_next(channel_t *self, failure_t *failure)
{
    due_t due = self->due[self->due_first];
    PGresult *answer = PQgetResult(self->conn);
    self->stalled = false;
    if (!answer) {
        if (due == DUE_SYNC || PQstatus(self->conn) == CONNECTION_BAD)
            return answer_lost(self, failure); /* a sync is never NULL */
        return completed(self, due, failure);
    }
    turn_t turn = TURN_WAIT;
    if (PQresultStatus(answer) == PGRES_PIPELINE_SYNC) {
        due_pop(self);
        turn = synced(self, failure);
    } else {
        turn = answered(self, due, answer, failure);
    }
    PQclear(answer);
    return turn;
}

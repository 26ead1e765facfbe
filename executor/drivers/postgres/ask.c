/* ask.c - what is said to a source beside the jobs' own statements. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "executor/drivers/postgres/channel.h"

static const char question_who[] =
    "SELECT pg_catalog.pg_backend_pid()::pg_catalog.int8,"
    " pg_catalog.round(extract(epoch FROM a.backend_start)::pg_catalog.numeric * 1000000)"
    "::pg_catalog.int8"
    " FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()";
static const char question_control[] =
    "SELECT s.system_identifier, c.timeline_id"
    " FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c";
static const char question_xid[] =
    "SELECT pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text";
static const char question_end[] =
    "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(a.pid))"
    " FROM pg_catalog.pg_stat_activity a, ROWS FROM (pg_catalog.unnest($1::pg_catalog.int8[]),"
    " pg_catalog.unnest($2::pg_catalog.int8[])) g (pid, start)"
    " WHERE a.pid = g.pid AND pg_catalog.round(extract(epoch FROM a.backend_start)"
    "::pg_catalog.numeric * 1000000)::pg_catalog.int8 = g.start";

/* --- the queue --- */

static void
due_push(channel_t *self, due_t due)
{
    if (self->due_count == DUE_MOST) {
        self->broken = true;
        return;
    }
    self->due[(self->due_first + self->due_count++) % DUE_MOST] = due;
}

static void
ask_with(channel_t *self, due_t due, const char *sql, int count, const char *const *values)
{
    if (!PQsendQueryParams(self->conn, sql, count, NULL, values, NULL, NULL, 0))
        self->broken = true;
    due_push(self, due);
}

static void
ask(channel_t *self, due_t due, const char *sql)
{
    ask_with(self, due, sql, 0, NULL);
}

void
ask_flush(channel_t *self)
{
    int rest = PQflush(self->conn);
    self->unsent = rest == 1;
    if (rest < 0)
        self->broken = true;
}

/* End a segment: it is answered by itself, whatever happened to the one before it. */
static void
sync_now(channel_t *self)
{
    if (!PQpipelineSync(self->conn))
        self->broken = true;
    due_push(self, DUE_SYNC);
    ask_flush(self);
}

/* --- questions --- */

/* Two segments: a source may refuse to say the second. */
void
ask_who(channel_t *self)
{
    self->phase = PHASE_ASKING;
    ask(self, DUE_WHO, question_who);
    sync_now(self);
    ask(self, DUE_CONTROL, question_control);
    sync_now(self);
}

/* One flight: the transaction, the statement, and whether it wrote. */
void
ask_run(channel_t *self, const char *sql)
{
    self->phase = PHASE_RUNNING;
    ask(self, DUE_BEGIN, "BEGIN");
    ask(self, DUE_STATEMENT, sql);
    ask(self, DUE_XID, question_xid);
    sync_now(self);
}

void
ask_names(channel_t *self, const char *oids)
{
    self->phase = PHASE_NAMING;
    const char *const values[] = { oids };
    ask_with(self, DUE_NAMES, names_question, 1, values);
    sync_now(self);
}

/* A segment of its own: DISCARD ALL refuses to stand behind anything in a transaction. */
void
ask_clean(channel_t *self)
{
    self->phase = PHASE_CLEANING;
    self->cleaned = false;
    ask(self, DUE_DISCARD, "DISCARD ALL");
    sync_now(self);
}

/* The session is cleaned in the same breath: what the job left in it is gone before another comes.
 * Behind a COMMIT there is no transaction, so that one segment does for both, with half of the
 * messages and wake-ups. A job that wrote gets its COMMIT's answer alone, as soon as there is one:
 * until then nobody knows what became of it. */
void
ask_commit(channel_t *self)
{
    ask(self, DUE_COMMIT, "COMMIT");
    if (self->xid != 0)
        sync_now(self);
    ask_clean(self);
    self->phase = PHASE_COMMITTING;
}

void
ask_rollback(channel_t *self)
{
    ask(self, DUE_ROLLBACK, "ROLLBACK");
    ask_clean(self);
}

static char *
array_text(const int64_t *pairs, uint32_t count, uint32_t which)
{
    enum { NUMBER_SIZE = 24 };
    size_t room = (size_t)count * NUMBER_SIZE + 3;
    char *text = mem_array(room, 1);
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, room - size, "%c%lld", i > 0 ? ',' : '{',
                                 (long long)pairs[2 * i + which]);
    snprintf(text + size, room - size, count > 0 ? "}" : "{}");
    return text;
}

void
ask_end(channel_t *self, const int64_t *pairs, uint32_t count)
{
    own(mem) pids = array_text(pairs, count, 0);
    own(mem) starts = array_text(pairs, count, 1);
    const char *const values[] = { pids, starts };
    self->phase = PHASE_ENDING;
    ask_with(self, DUE_END, question_end, 2, values);
    sync_now(self);
}

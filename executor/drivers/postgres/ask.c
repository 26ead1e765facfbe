/* ask.c - logging in, running a script and ending it, as messages. */
#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/drivers/postgres/channel.h"
#include "executor/drivers/postgres/locals.h"
#include "executor/drivers/postgres/questions.h"

void
ask_with(channel_t *self, due_t due, const char *sql, int count, const char *const *values)
{
    if (!PQsendQueryParams(self->conn, sql, count, NULL, values, NULL, NULL, 0))
        self->broken = true;
    due_push(self, due);
}

void
ask_one(channel_t *self, due_t due, const char *sql)
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

void
ask_sync(channel_t *self)
{
    if (!PQpipelineSync(self->conn))
        self->broken = true;
    due_push(self, DUE_SYNC);
    ask_flush(self);
}

/* Segments of their own: a source may refuse to say what is not its name. */
void
ask_who(channel_t *self)
{
    self->phase = PHASE_ASKING;
    ask_one(self, DUE_WHO, question_who);
    ask_sync(self);
    ask_one(self, DUE_CONTROL, question_identity);
    ask_sync(self);
    ask_one(self, DUE_LEDGER, question_ledger);
    ask_sync(self);
}

/* --- running --- */

static void
ask_leaves(channel_t *self)
{
    const script_t *script = &self->script;
    own(mem) locals = locals_array(script->autocommit ? NULL : script->statements);
    if (!script->read_only && locals_hidden(script->statements))
        self->leaves = LEAVES_SETTING;
    const char *const values[] = { self->user, locals, script->read_only ? "true" : "false" };
    ask_with(self, DUE_LEAVES, question_leaves, 3, values);
}

/* Did it write? The marker goes in last, so that whatever it stands for is there before it. */
static void
ask_wrote(channel_t *self)
{
    if (!self->backend.ledger || self->script.read_only) {
        ask_one(self, DUE_XID, question_xid);
        return;
    }
    char job[JOBID_TEXT_SIZE];
    char step[16];
    snprintf(step, sizeof step, "%u", self->script.step);
    const char *const values[] = { jobid_text(&self->script.job, job), step };
    ask_with(self, DUE_MARK, question_mark, 2, values);
}

/* libpq's buffer for what goes out never shrinks, either. */
static void
note_size(channel_t *self)
{
    const binds_t *binds = self->script.binds;
    uint64_t size = 0;
    for (uint32_t i = 0; i < self->script.statements->count; i++) {
        size += strlen(self->script.statements->list[i].sql);
        for (uint32_t k = 0; binds && k < binds->list[i].count; k++)
            size += binds->params->list[binds->list[i].takes[k]].size;
    }
    if (size > self->largest)
        self->largest = size;
}

/* A statement of the script, with the parameters that it takes. */
static void
ask_statement(channel_t *self, uint32_t i)
{
    const binds_t *binds = self->script.binds;
    const bind_t *bind = binds ? &binds->list[i] : NULL;
    if (!bind || !bind->sql) {
        ask_one(self, DUE_STATEMENT, self->script.statements->list[i].sql);
        return;
    }
    Oid types[PARAMS_MOST];
    const char *values[PARAMS_MOST];
    for (uint32_t k = 0; k < bind->count; k++) {
        types[k] = binds->params->list[bind->takes[k]].oid;
        values[k] = binds->params->list[bind->takes[k]].value;
    }
    if (!PQsendQueryParams(self->conn, bind->sql, (int)bind->count, types, values, NULL, NULL, 0))
        self->broken = true;
    due_push(self, DUE_STATEMENT);
}

static void
ask_alone(channel_t *self)
{
    assert(self->script.statements->count == 1);
    ask_statement(self, 0);
    if (due_first(self) == DUE_STATEMENT)
        PQsetSingleRowMode(self->conn); /* otherwise when its turn comes */
    ask_sync(self);
}

/* Servers keep answers back until a segment ends, and report a changed encoding only then: whoever
 * waits for a statement would see its end with the last one's, and one in between would be read,
 * and answer, in the wrong encoding. */
static void
ask_between(channel_t *self)
{
    ask_one(self, DUE_ENCODING, question_encoding);
    if (!PQsendFlushRequest(self->conn))
        self->broken = true;
}

/* One flight. */
void
ask_run(channel_t *self)
{
    const script_t *script = &self->script;
    self->phase = PHASE_RUNNING;
    note_size(self);
    if (script->autocommit) {
        ask_alone(self);
        return;
    }
    ask_one(self, DUE_BEGIN, script->read_only ? "BEGIN READ ONLY" : "BEGIN");
    if (script->read_only)
        ask_one(self, DUE_FIRST, question_first);
    for (uint32_t i = 0; i < script->statements->count; i++) {
        if (i > 0)
            ask_between(self);
        ask_statement(self, i);
    }
    if (!script->last)
        ask_leaves(self);
    ask_wrote(self);
    ask_sync(self);
}

void
ask_more(channel_t *self, const char *oids)
{
    self->phase = PHASE_NAMING;
    const char *const values[] = { oids };
    if (oids)
        ask_with(self, DUE_NAMES, names_question, 1, values);
    if (self->script.autocommit && !self->script.last)
        ask_leaves(self);
    ask_sync(self);
}

/* --- ending --- */

/* A segment of its own: DISCARD ALL refuses to stand behind anything in a transaction. */
void
ask_clean(channel_t *self)
{
    self->phase = PHASE_CLEANING;
    self->cleaned = false;
    ask_one(self, DUE_DISCARD, "DISCARD ALL");
    ask_sync(self);
}

/* Behind the job's last script the session is cleaned in the same breath: what the job left in it
 * is gone before another comes. Behind a COMMIT there is no transaction, so that one segment does
 * for both, with half of the messages and wake-ups. A script that wrote gets its COMMIT's answer
 * alone, as soon as there is one: until then nobody knows what became of it. */
void
ask_commit(channel_t *self)
{
    ask_one(self, DUE_COMMIT, self->script.read_only ? "ROLLBACK" : "COMMIT");
    if (self->xid != 0 || !self->script.last)
        ask_sync(self);
    if (self->script.last)
        ask_clean(self);
    self->phase = PHASE_COMMITTING;
}

void
ask_rollback(channel_t *self)
{
    if (!self->script.autocommit)
        ask_one(self, DUE_ROLLBACK, "ROLLBACK");
    if (self->script.last) {
        ask_clean(self);
        return;
    }
    self->phase = PHASE_CLEANING;
    ask_sync(self);
}

/* inquiry.c - what became of a transaction; barriers; the stopping of sessions. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/drivers/postgres/channel.h"
#include "executor/drivers/postgres/questions.h"

static void
begin(channel_t *self)
{
    self->phase = PHASE_INQUIRING;
    self->fate = FATE_UNTOLD;
    self->same = false;
    self->left = 0;
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

/* How many of these sessions are there, or also: what is done to them? */
static void
ask_sessions(channel_t *self, due_t due, const char *question, const int64_t *pairs, uint32_t count)
{
    own(mem) pids = array_text(pairs, count, 0);
    own(mem) starts = array_text(pairs, count, 1);
    const char *const values[] = { pids, starts };
    ask_with(self, due, question, 2, values);
    ask_sync(self);
}

/* One segment; whatever is refused in it takes the COMMIT along. The settings are the session's
 * already, unless the login's role has means that we do not know of. Who is still there is asked
 * behind the COMMIT, in a segment of its own, which sees who is there then. */
void
inquiry_barrier(channel_t *self, const int64_t *pairs, uint32_t count)
{
    begin(self);
    ask_one(self, DUE_BARRIER, "BEGIN READ WRITE");
    ask_one(self, DUE_BARRIER, "SET LOCAL synchronous_commit = on");
    ask_one(self, DUE_BARRIER, question_record);
    ask_one(self, DUE_SEALED, "COMMIT");
    ask_sync(self);
    ask_sessions(self, DUE_ALIVE, question_alive, pairs, count);
}

/* Two segments: an id from the future is an error, and what is said of an id counts only if it is
 * said by the right server. A server keeps its identity for as long as a connection lives, but for
 * a standby that is promoted: that one refuses the first question. */
void
inquiry_fate(channel_t *self, int64_t system_id, int32_t timeline, int64_t xid)
{
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)xid);
    const char *const values[] = { id };
    begin(self);
    self->asked_system = system_id;
    self->asked_timeline = timeline;
    ask_one(self, DUE_IDENTITY, question_identity);
    ask_sync(self);
    ask_with(self, DUE_STATUS, question_status, 1, values);
    ask_sync(self);
}

void
inquiry_marker(channel_t *self, const jobid_t *job, uint32_t step)
{
    char id[JOBID_TEXT_SIZE];
    char number[16];
    snprintf(number, sizeof number, "%u", step);
    const char *const values[] = { jobid_text(job, id), number };
    begin(self);
    ask_with(self, DUE_MARKER, question_marker, 2, values);
    ask_sync(self);
}

void
inquiry_stop(channel_t *self, const int64_t *pairs, uint32_t count, bool hard)
{
    begin(self);
    ask_sessions(self, DUE_STOPPED, hard ? question_terminate : question_cancel, pairs, count);
}

/* --- answers --- */

/* A server that was never told apart from others when the id was noted says nothing about it. */
static void
take_identity(channel_t *self, const PGresult *answer)
{
    int64_t system_id = answer_number(answer, 0);
    int64_t timeline = answer_number(answer, 1);
    if (system_id == 0 || timeline == 0 || self->asked_system == 0 || self->asked_timeline == 0)
        return;
    self->same = system_id == self->asked_system && timeline == self->asked_timeline;
    if (!self->same)
        self->fate = FATE_STRANGE;
}

static fate_t
read_status(const char *status)
{
    static const struct {
        const char *word;
        fate_t fate;
    } words[] = { { "committed", FATE_COMMITTED },
                  { "aborted", FATE_ABORTED },
                  { "in progress", FATE_RUNNING } };
    if (!status)
        return FATE_FORGOTTEN;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(status, words[i].word) == 0)
            return words[i].fate;
    }
    return FATE_UNTOLD;
}

void
inquiry_take(channel_t *self, due_t due, const PGresult *answer)
{
    if (due == DUE_IDENTITY)
        take_identity(self, answer);
    if (due == DUE_STATUS && self->same)
        self->fate = read_status(answer_text(answer, 0));
    if (due == DUE_MARKER && answer_text(answer, 0))
        self->fate = answer_number(answer, 0) != 0 ? FATE_COMMITTED : FATE_ABORTED;
    if (due == DUE_STOPPED || due == DUE_ALIVE)
        self->left = (uint32_t)answer_number(answer, 0);
}

void
inquiry_erred(channel_t *self, due_t due, const char *sqlstate)
{
    if (due == DUE_STATUS && self->same && strcmp(sqlstate, "22023") == 0)
        self->fate = FATE_FUTURE;
    if (due == DUE_ALIVE) /* without it the barrier says nothing */
        self->fate = FATE_UNTOLD;
}

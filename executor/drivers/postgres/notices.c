/* notices.c - what the source says about a script's statements beside its answers.
 *
 * libpq hands a notice over when it meets it in the stream, which may be before the answer that
 * stands ahead of it was taken. What a statement says while it is parsed comes right behind the
 * answer to a question of ours. Those that stand before a statement say nothing by themselves, but
 * for what a job asked the server to log about everything: so what comes while one of them is due
 * is that statement's.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "executor/drivers/postgres/channel.h"

static bool
of_statement(const channel_t *self, const char *severity)
{
    if (self->phase != PHASE_RUNNING || self->dues.count == 0)
        return false;
    switch (due_first(self)) {
    case DUE_BEGIN:
    case DUE_FIRST:
    case DUE_ENCODING: return strcmp(severity, "DEBUG") != 0 && strcmp(severity, "LOG") != 0;
    case DUE_STATEMENT: return true;
    case DUE_SYNC:
    case DUE_WHO:
    case DUE_CONTROL:
    case DUE_LEDGER:
    case DUE_LEAVES:
    case DUE_XID:
    case DUE_MARK:
    case DUE_NAMES:
    case DUE_COMMIT:
    case DUE_ROLLBACK:
    case DUE_DISCARD:
    case DUE_BARRIER:
    case DUE_SEALED:
    case DUE_ALIVE:
    case DUE_IDENTITY:
    case DUE_STATUS:
    case DUE_MARKER:
    case DUE_STOPPED: break;
    }
    return false;
}

static void
keep(channel_t *self, const PGresult *said, const char *severity, const char *sqlstate)
{
    own(mem) message = failure_text(PQresultErrorField(said, PG_DIAG_MESSAGE_PRIMARY));
    own(mem) detail = failure_text(PQresultErrorField(said, PG_DIAG_MESSAGE_DETAIL));
    own(mem) hint = failure_text(PQresultErrorField(said, PG_DIAG_MESSAGE_HINT));
    notice_t notice = { .message = message ? message : (char[]){ "" },
                        .detail = detail,
                        .hint = hint,
                        .step = self->script.step,
                        .ordinal = self->ordinal };
    snprintf(notice.severity, sizeof notice.severity, "%s", severity);
    snprintf(notice.sqlstate, sizeof notice.sqlstate, "%s", sqlstate);
    (void)manifest_notice(self->manifest, &notice);
}

/* Something is complete, so that a statement with much to say is not taken for one large row. What
 * has no SQLSTATE is libpq's own word, not the source's. */
static void
receive(void *arg, const PGresult *said)
{
    channel_t *self = arg;
    const char *severity = PQresultErrorField(said, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *sqlstate = PQresultErrorField(said, PG_DIAG_SQLSTATE);
    self->stalled = false;
    if (!severity || !sqlstate || !of_statement(self, severity))
        return;
    if (self->script.quiet || self->manifest->notices_dropped > 0)
        (void)manifest_notice(self->manifest, NULL);
    else
        keep(self, said, severity, sqlstate);
}

void
notices_watch(channel_t *self)
{
    PQsetNoticeReceiver(self->conn, receive, self);
}

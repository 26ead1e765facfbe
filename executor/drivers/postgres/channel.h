/* channel.h - a channel of the postgres driver, from inside.
 *
 * What is sent (ask.c) is noted in a queue of answers that are due; answers (answer.c) come in that
 * order, each query's ended by a NULL, each segment by its sync. The phase says what the end of the
 * last segment that is due means.
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_CHANNEL_H
#define EXECUTOR_DRIVERS_POSTGRES_CHANNEL_H

#include "executor/driver.h"
#include "executor/drivers/postgres/names.h"

struct pg_conn;
struct resolve;

/* What was asked, in the order in which it will be answered. */
typedef enum {
    DUE_SYNC,
    DUE_WHO,
    DUE_CONTROL,
    DUE_BEGIN,
    DUE_STATEMENT,
    DUE_XID,
    DUE_NAMES,
    DUE_COMMIT,
    DUE_ROLLBACK,
    DUE_DISCARD,
    DUE_END,
} due_t;

enum { DUE_MOST = 8 };

typedef enum {
    PHASE_RESOLVING, /* the host's addresses are asked for */
    PHASE_CONNECTING,
    PHASE_ASKING, /* who we are */
    PHASE_CLEAN,
    PHASE_RUNNING,
    PHASE_NAMING, /* the statement is over, types are asked for */
    PHASE_RAN,
    PHASE_COMMITTING,
    PHASE_CLEANING,
    PHASE_ENDING, /* other sessions */
} phase_t;

struct channel {
    struct pg_conn *conn;    /* NULL while resolving */
    struct resolve *resolve; /* until then */
    char *texts[4];          /* of the login, until then: dsn, role, password, who */
    phase_t phase;
    unsigned connecting_wants;
    bool unsent; /* libpq holds bytes that the socket did not take yet */
    bool broken; /* something could not even be queued */
    due_t due[DUE_MOST];
    uint32_t due_first;
    uint32_t due_count;

    backend_t backend;
    names_t names;
    uint32_t row_bytes;
    uint32_t memory_mib;
    bool stalled;      /* the last turn completed nothing */
    uint64_t largest;  /* the most that unparsed ever was */
    uint64_t unparsed; /* bytes that came in since something was complete */

    page_writer_t *rows; /* of the statement that runs */
    result_t *result;
    int64_t row;
    int64_t xid;
    uint32_t left;
    bool cleaned; /* nothing of the last job is left in the session */
    bool failed;  /* failure is why; what is due until the sync did not run */
    failure_t failure;
};

/* --- ask.c: questions out. One that cannot be queued marks the channel broken. --- */

void ask_who(channel_t *self);
void ask_run(channel_t *self, const char *sql);
void ask_names(channel_t *self, const char *oids);
void ask_commit(channel_t *self);
void ask_rollback(channel_t *self);
void ask_clean(channel_t *self);
void ask_end(channel_t *self, const int64_t *pairs, uint32_t count);

/* Send what libpq still holds. */
void ask_flush(channel_t *self);

/* --- answer.c: answers in. --- */

/* The next answer that libpq has complete, or a row of it. TURN_WAIT: nothing to tell. */
turn_t answer_next(channel_t *self, failure_t *failure);

/* The connection is gone. */
turn_t answer_lost(channel_t *self, failure_t *failure);

/* The row that comes in is larger than is taken. */
turn_t answer_oversize(const channel_t *self, failure_t *failure);

#endif

/* channel.h - a channel of the postgres driver, from inside.
 *
 * What is sent (ask.c, inquiry.c) is noted in a queue of answers that are due; answers (answer.c)
 * come in that order, each query's ended by a NULL, each segment by its sync. The phase says what
 * the end of the last segment that is due means (ends.c).
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_CHANNEL_H
#define EXECUTOR_DRIVERS_POSTGRES_CHANNEL_H

#include "executor/driver.h"
#include "executor/drivers/postgres/names.h"

struct pg_conn;
struct pg_result;
struct resolve;

/* What was asked, in the order in which it will be answered. */
typedef enum {
    DUE_SYNC,
    DUE_WHO,
    DUE_CONTROL,
    DUE_LEDGER,
    DUE_BEGIN,
    DUE_FIRST, /* our query before those of a read-only script */
    DUE_STATEMENT,
    DUE_ENCODING,
    DUE_LEAVES,
    DUE_XID,
    DUE_MARK,
    DUE_NAMES,
    DUE_COMMIT,
    DUE_ROLLBACK,
    DUE_DISCARD,
    DUE_BARRIER, /* the steps of it, but for the last */
    DUE_SEALED,  /* its COMMIT */
    DUE_ALIVE,   /* and who is there behind it */
    DUE_IDENTITY,
    DUE_STATUS,
    DUE_MARKER,
    DUE_STOPPED,
} due_t;

/* A ring that grows: a script may have many statements. Starts as { 0 }. */
typedef struct {
    uint8_t *ring; /* of due_t */
    uint32_t room; /* a power of two */
    uint32_t first;
    uint32_t count;
} dues_t;

typedef enum {
    PHASE_RESOLVING, /* the host's addresses are asked for */
    PHASE_CONNECTING,
    PHASE_ASKING, /* who we are */
    PHASE_CLEAN,  /* or kept for the job's next script */
    PHASE_RUNNING,
    PHASE_NAMING, /* the statements are over, types are asked for */
    PHASE_RAN,
    PHASE_COMMITTING,
    PHASE_CLEANING,
    PHASE_INQUIRING,
} phase_t;

#define LEAVES_SETTING "a setting (SET)"

struct channel {
    struct pg_conn *conn;    /* NULL while resolving */
    struct resolve *resolve; /* until then */
    char *texts[4];          /* of the login, until then: dsn, role, password, who */
    phase_t phase;
    unsigned connecting_wants;
    bool unsent; /* libpq holds bytes that the socket did not take yet */
    bool broken; /* something could not even be queued */
    dues_t dues;

    backend_t backend;
    char *user;           /* current_user as it was after the login */
    const char *encoding; /* that the session must keep */
    names_t names;
    uint32_t row_bytes;
    uint32_t memory_mib;
    bool stalled;      /* the last turn completed nothing */
    uint64_t largest;  /* the most that unparsed ever was */
    uint64_t unparsed; /* bytes that came in since something was complete */

    script_t script; /* that runs, or ran last */
    page_writer_t *rows;
    manifest_t *manifest;
    uint32_t first_result; /* of the script, in the manifest */
    uint32_t ordinal;      /* of the statement whose answer comes */
    bool begun;            /* it has a result in the manifest */
    bool copying;          /* its rows come as COPY's data */
    bool starved;          /* ... and libpq has no whole one */
    int64_t row;
    int64_t xid;
    bool marked;
    const char *leaves;

    fate_t fate;
    int64_t asked_system; /* whose transaction it is */
    int32_t asked_timeline;
    bool same; /* this is that server */
    uint32_t left;

    bool cleaned;    /* nothing of the last job is left in the session */
    bool sync_erred; /* the end of a segment failed: outside a transaction it is the commit */
    bool failed;     /* failure is why; what is due until the sync did not run */
    bool fatal;      /* ... and it was not the statement's failure, but the session's */
    failure_t failure;
};

/* --- due.c --- */

void due_push(channel_t *self, due_t due);
void due_pop(channel_t *self);

/* What is answered next; something must be due. */
due_t due_first(const channel_t *self);
void dues_clear(dues_t *self);

/* --- ask.c: questions out. One that cannot be queued marks the channel broken. --- */

/* One question, with `count` parameters. */
void ask_with(channel_t *self, due_t due, const char *sql, int count, const char *const *values);
void ask_one(channel_t *self, due_t due, const char *sql);

/* End a segment: it is answered by itself, whatever happened to the one before it. */
void ask_sync(channel_t *self);

void ask_who(channel_t *self);
void ask_run(channel_t *self);

/* What could not be asked before the statements were over: the types' names (`oids` from
 * names_unknown(), or NULL) and, behind an autocommit statement, what it leaves. */
void ask_more(channel_t *self, const char *oids);
void ask_commit(channel_t *self);
void ask_rollback(channel_t *self);
void ask_clean(channel_t *self);

/* Send what libpq still holds. */
void ask_flush(channel_t *self);

/* --- answer.c: answers in. --- */

/* May answer_next() be called without waiting? */
bool answer_ready(const channel_t *self);

/* The next answer that libpq has complete, or a row of it. TURN_WAIT: nothing to tell. */
turn_t answer_next(channel_t *self, failure_t *failure);

/* The connection is gone. */
turn_t answer_lost(channel_t *self, failure_t *failure);

/* The failure that was kept is the caller's now. */
turn_t answer_failure(channel_t *self, turn_t turn, failure_t *failure);

/* One number, or text, of an answer's first row; 0 or NULL where there is none. The text points
 * into the answer. */
int64_t answer_number(const struct pg_result *answer, int column);
const char *answer_text(const struct pg_result *answer, int column);

/* --- blame.c: an error of the statement whose answer comes. --- */

/* Fill in its position in the script's whole text, and let its message name the parameter that it
 * is about as the user knows it. */
void blame(const channel_t *self, const struct pg_result *answer, failure_t *failure);

/* --- rows.c: a statement's answer, into pages and the manifest. --- */

/* The result of the statement whose answer comes; it is added when it is first asked for. */
result_t *rows_result(channel_t *self);
void rows_columns(channel_t *self, const struct pg_result *answer);
turn_t rows_take(channel_t *self, struct pg_result *answer, failure_t *failure);

/* COPY begins to send, and its next piece. */
void rows_copy(channel_t *self, const struct pg_result *answer);
turn_t rows_copied(channel_t *self, failure_t *failure);

/* The row that comes in is larger than is taken; there is no memory for it. */
turn_t rows_oversize(const channel_t *self, failure_t *failure);
turn_t rows_no_room(const channel_t *self, failure_t *failure);

/* --- allowance.c: what results may come to. --- */

/* Is no other row of the script to be taken? */
bool rows_spent(const channel_t *self);

/* A row is beyond its allowance. */
turn_t rows_left_out(channel_t *self);

/* --- notices.c --- */

/* From now on keep what the source says about a script's statements. */
void notices_watch(channel_t *self);

/* --- ends.c: the ends of segments. --- */

turn_t ends_synced(channel_t *self, failure_t *failure);

/* The connection went when an autocommit statement had been answered already. */
turn_t ends_alone(channel_t *self);

/* --- inquiry.c: questions on a clean channel, and their answers. --- */

void inquiry_barrier(channel_t *self, const int64_t *pairs, uint32_t count);
void inquiry_fate(channel_t *self, int64_t system_id, int32_t timeline, int64_t xid);
void inquiry_marker(channel_t *self, const jobid_t *job, uint32_t step);
void inquiry_stop(channel_t *self, const int64_t *pairs, uint32_t count, bool hard);

void inquiry_take(channel_t *self, due_t due, const struct pg_result *answer);

/* An error in answer to one. */
void inquiry_erred(channel_t *self, due_t due, const char *sqlstate);

#endif

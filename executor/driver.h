/* driver.h - what it takes to be a SQL driver.
 *
 * A driver opens channels: connections to a data source, logged in as one tenant's role. A channel
 * never waits. Whoever owns one watches its descriptor and gives it turns; a turn says what
 * happened. Its life: open (TURN_OPEN), then any number of jobs. A job is one script or several,
 * one after another: each run() ... TURN_RESULT for every statement ... TURN_RAN, then commit() and
 * TURN_COMMITTED; a script that is the job's last is followed by TURN_CLEAN, when nothing of the
 * job is left in the session. A turn that lost the connection leaves nothing but close().
 *
 * run() sends the whole script in one flight: the transaction's beginning, its statements each in a
 * message of its own, and the question whether it wrote (which is also where the marker goes in, on
 * sources that have a ledger). Rows go straight into a page writer; when its page is full the turn
 * ends (TURN_FULL), so that no channel holds the loop for longer than a page.
 *
 * On a clean channel other questions can be asked (ask_*, stop_backends): each is answered by
 * TURN_ANSWERED, and the channel is clean again.
 *
 * drivers/X.c defines `driver_X`; the folder's listing is the registry. All on the loop's thread.
 */
#ifndef EXECUTOR_DRIVER_H
#define EXECUTOR_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bind.h"
#include "common/err.h"
#include "common/jobid.h"
#include "common/manifest.h"
#include "common/page.h"
#include "common/sqltext.h"

typedef struct channel channel_t;

/* How to open a channel. Texts are borrowed for the call. */
typedef struct {
    const char *dsn;  /* the source's, without user and password */
    const char *role; /* who logs in */
    const char *password;
    const char *who;     /* application name */
    uint32_t row_bytes;  /* rows beyond this are refused, if possible before they are in memory */
    uint32_t memory_mib; /* this process's memory limit, for the text of a failure; 0: none */
} channel_login_t;

/* The session on the source's side. What the source would not tell is 0. */
typedef struct {
    int32_t pid;
    int64_t start_us;
    int64_t system_id;
    int32_t timeline; /* that WAL is written on now, not that of the last checkpoint */
    bool ledger;      /* `millrace source prepare` was here: scripts leave a marker */
} backend_t;

/* What results may still come to: a driver counts it down as it takes rows. */
typedef struct {
    int64_t rows;
    int64_t bytes; /* of msgpack */
    bool cut;      /* leave out what is beyond, and mark its result; else that is TURN_OVER */
    bool spent;    /* something was left out, and so is all that comes behind it */
} allowance_t;

/* One step of a job, or all of it. Statements and binds are borrowed until TURN_RAN, TURN_COMMITTED
 * of an autocommit script, or a turn that failed. */
typedef struct {
    const statements_t *statements;
    const binds_t *binds; /* NULL: none of them takes a parameter */
    bool read_only;       /* READ ONLY, after a query of ours, and rolled back in the end */
    bool
        autocommit; /* its one statement, outside any transaction: commit() is not called. Until it
                       has answered nobody knows of an effect: no TURN_BROKEN then, but TURN_LOST */
    bool last;      /* nothing of the job comes after it. Otherwise session state is kept: after a
                       failure, too, until clean() */
    bool quiet;     /* what the source says beside its answers is only counted */
    jobid_t job;    /* for the marker */
    uint32_t step;
    allowance_t *allowance; /* NULL: as much as there is; borrowed as the statements, `cut` where a
                               failure could not undo what the script did */
} script_t;

/* What became of a transaction. */
typedef enum {
    FATE_COMMITTED,
    FATE_ABORTED,
    FATE_RUNNING,   /* ask again */
    FATE_FORGOTTEN, /* too long ago: the source does not know any more */
    FATE_FUTURE,    /* the source never gave out this id, as far as it knows */
    FATE_STRANGE,   /* another server, or another history of it: what it says is about a stranger */
    FATE_UNTOLD,    /* the source does not let us ask */
} fate_t;

/* Why a job failed, in the source's words as far as it spoke. Starts as { 0 }; texts are owned, are
 * valid UTF-8 and at most FAILURE_TEXT_MOST bytes. */
typedef struct {
    char sqlstate[6]; /* "" where no database spoke */
    char *message;    /* NULL: there is no failure */
    char *detail;     /* or NULL */
    char *hint;       /* or NULL */
    int32_t position; /* character in the SQL text, from 1; 0: none */
    bool already;     /* the marker of this step was there before: it took effect already */
} failure_t;

enum { FAILURE_TEXT_MOST = 8192 };

/* Fill `failure` with a message of ours, freeing what it held. */
void failure_say(failure_t *failure, const char *sqlstate, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Copy of `text` that a failure may hold: cut to its most, bytes that are no UTF-8 as '?'; NULL
 * gives NULL. Caller owns the result. */
char *failure_text(const char *text) MUST_USE;

/* Free what it holds, and make it say nothing. */
void failure_clear(failure_t *failure);

typedef enum {
    TURN_WAIT,   /* nothing more until the descriptor is ready */
    TURN_OPEN,   /* logged in: backend() knows, run() may be called */
    TURN_BARRED, /* the login was refused for good: failure */
    TURN_FULL,   /* the page is full: close it, then turn again, more rows may be buffered */
    TURN_RESULT, /* a statement is over, its result the manifest's last: close its page, reset the
                    writer, then turn again */
    TURN_RAN,    /* the script is over, its transaction open */
    TURN_FAILED, /* statement or commit failed, without effect: failure. The channel rolls back, and
                    TURN_CLEAN comes when it has; after the job's last script it is then clean of
                    session state, too */
    TURN_COMMITTED, /* the source said so; or the autocommit statement went well. Unless it was the
                       last, run() may be called at once */
    TURN_BROKEN, /* the job failed, without effect: failure; the channel must be closed at once */
    TURN_OVER,   /* there is more than the script's allowance: the same, but without a failure. Its
                    `rows` are 0 when they were too many; else the bytes were */
    TURN_ENOUGH, /* the rest is wanted by nobody: the last statement of a read-only script that is
                    the last has no more rows to give. Close its page; the result has no tag, and
                    the channel must be closed at once */
    TURN_ANSWERED, /* what was asked was answered */
    TURN_CLEAN,    /* run() may be called again */
    TURN_LOST,     /* no connection any more: failure says why */
} turn_t;

typedef struct {
    const char *name;

    /* Begin to log in. NULL when that cannot even be tried (err). Caller owns the result. */
    channel_t *(*open)(const channel_login_t *login, err_t *err);
    void (*close)(channel_t **self_p);

    /* The descriptor, -1 when there is none, and the LOOP_ bits to watch it for (both may change
     * with every call while the channel opens). */
    int (*fd)(const channel_t *self);
    unsigned (*wants)(const channel_t *self);

    /* Go on. `readable`: take what the descriptor has first; false: go on with what is buffered.
     * `failure` is filled for the turns that say so. */
    turn_t (*turn)(channel_t *self, bool readable, failure_t *failure);

    const backend_t *(*backend)(const channel_t *self);

    /* Run a script on a channel that is clean, or kept from the job's script before. Each statement
     * adds a result to the manifest, whose step is the script's; of an open one it is the last.
     * What the source says about them beside its answers, up to COMMIT, is among its notices. Keeps
     * writer and manifest for as long as the statements. */
    void (*run)(channel_t *self, const script_t *script, page_writer_t *rows, manifest_t *manifest);

    /* After TURN_RAN: the transaction's id when it wrote, else 0; and is its marker in? */
    int64_t (*xid)(const channel_t *self);
    bool (*marked)(const channel_t *self);

    /* After TURN_RAN of a script that is not the last (TURN_COMMITTED of an autocommit one): what
     * it left in the session that a later one may need ("a temporary object", "a setting (SET)",
     * ...); NULL: nothing. Rather too much than too little. Static. */
    const char *(*leaves)(const channel_t *self);

    /* After TURN_RAN: end the transaction; behind the last script, clean the session, too. Then
     * comes TURN_COMMITTED or TURN_FAILED. (Closing the channel instead is how to roll back.) */
    void (*commit)(channel_t *self);

    /* Between scripts, or after TURN_RAN (which rolls back): the job ends here; TURN_CLEAN when
     * nothing of it is left. */
    void (*clean)(channel_t *self);

    /* On a clean channel: make everything that this source did so far durable. Afterwards fate() is
     * FATE_COMMITTED if it did, and left() says how many of these sessions (`count` pairs of pid
     * and start) were still there when it had: a source that was started anew in between may have
     * lost what they did, and given their transactions' ids to others. */
    void (*ask_barrier)(channel_t *self, const int64_t *pairs, uint32_t count);

    /* On a clean channel: what became of this transaction of that server? */
    void (*ask_fate)(channel_t *self, int64_t system_id, int32_t timeline, int64_t xid);

    /* On a clean channel: is the marker of this step there? FATE_COMMITTED, FATE_ABORTED, or
     * FATE_UNTOLD when there is no ledger (any more). */
    void (*ask_marker)(channel_t *self, const jobid_t *job, uint32_t step);
    fate_t (*fate)(const channel_t *self);

    /* On a clean channel: stop these sessions (`count` pairs of pid and start), if they are still
     * there: what they run (`hard` false), or themselves. Afterwards left() says how many of them
     * still were. Only the owner of a session may have it stopped. */
    void (*stop_backends)(channel_t *self, const int64_t *pairs, uint32_t count, bool hard);
    uint32_t (*left)(const channel_t *self);

    /* Better closed than kept: it holds more memory than a session should. */
    bool (*worn)(const channel_t *self);
} driver_t;

/* The driver of this name, NULL when there is none. Static. */
const driver_t *driver_find(const char *name);

#endif

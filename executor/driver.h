/* driver.h - what it takes to be a SQL driver.
 *
 * A driver opens channels: connections to a data source, logged in as one tenant's role. A channel
 * never waits. Whoever owns one watches its descriptor and gives it turns; a turn says what
 * happened. Its life: open (TURN_OPEN), then any number of jobs, each run() ... TURN_RAN, then
 * commit(), then TURN_CLEAN when nothing of the job is left in the session. A turn
 * that failed for good, or lost the connection, leaves nothing but close().
 *
 * run() sends the statement in a transaction of its own and asks, behind it, whether it wrote.
 * Rows go straight into a page writer; when its page is full the turn ends (TURN_FULL), so that no
 * channel holds the loop for longer than a page.
 *
 * drivers/X.c defines `driver_X`; the folder's listing is the registry. All on the loop's thread.
 */
#ifndef EXECUTOR_DRIVER_H
#define EXECUTOR_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/manifest.h"
#include "common/page.h"

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
    int32_t timeline;
} backend_t;

/* Why a job failed, in the source's words as far as it spoke. Starts as { 0 }; texts are owned, are
 * valid UTF-8 and at most FAILURE_TEXT_MOST bytes. */
typedef struct {
    char sqlstate[6]; /* "" where no database spoke */
    char *message;    /* NULL: there is no failure */
    char *detail;     /* or NULL */
    char *hint;       /* or NULL */
    int32_t position; /* character in the SQL text, from 1; 0: none */
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
    TURN_RAN,    /* the statement is over, its transaction open; the result is filled in */
    TURN_FAILED, /* statement or commit failed, without effect: failure; the channel cleans itself
                  */
    TURN_COMMITTED, /* the source said so */
    TURN_BROKEN, /* the job failed, without effect: failure; the channel must be closed at once */
    TURN_ENDED,  /* end_backends() was answered: left() */
    TURN_CLEAN,  /* run() may be called again */
    TURN_LOST,   /* no connection any more: failure says why */
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

    /* Run one statement on a clean channel. Keeps rows and result until its last turn. False: the
     * text was refused, nothing was sent, the channel is still clean. */
    bool (*run)(channel_t *self, const char *sql, page_writer_t *rows, result_t *result,
                failure_t *failure);

    /* After TURN_RAN: the transaction's id when it wrote, else 0. */
    int64_t (*xid)(const channel_t *self);

    /* After TURN_RAN: end the transaction, then clean the session. Then comes TURN_COMMITTED or
     * TURN_FAILED, and TURN_CLEAN. (Closing the channel instead is how to roll back.) */
    void (*commit)(channel_t *self);

    /* On a clean channel: end these sessions of earlier attempts (`count` pairs of pid and start),
     * if they are still there; then left() says how many of them still were. */
    void (*end_backends)(channel_t *self, const int64_t *pairs, uint32_t count);
    uint32_t (*left)(const channel_t *self);

    /* Better closed than kept: it holds more memory than a session should. */
    bool (*worn)(const channel_t *self);
} driver_t;

/* The driver of this name, NULL when there is none. Static. */
const driver_t *driver_find(const char *name);

#endif

/* cutter.h - a way to a PostgreSQL server that can lose its answers.
 *
 * A thread listens on a Unix socket and passes one connection at a time on to the server. When told
 * so it swallows the server's next bytes that hold some text and closes the connection: the server
 * has done what it was asked, and nobody hears of it. For tests.
 */
#ifndef TESTS_CHECK_CUTTER_H
#define TESTS_CHECK_CUTTER_H

#include "common/mem.h"

typedef struct cutter cutter_t;

/* Listen; `dsn` is the server's. Caller owns the result; NULL when it cannot. */
cutter_t *cutter_new(const char *dsn) MUST_USE;
void cutter_destroy(cutter_t **self_p);

/* The DSN of the same database by this way. Points into self. */
const char *cutter_dsn(const cutter_t *self);

/* From any thread: from now on, cut at the server's next bytes that hold `text` (static), once. */
void cutter_arm(cutter_t *self, const char *text);

/* From any thread: cut the connection that is open now, and wait until that is done. What the
 * server was asked over it goes on there. */
void cutter_drop(cutter_t *self);

/* From any thread: how often it has cut. */
int cutter_cuts(const cutter_t *self);

#endif

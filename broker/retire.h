/* retire.h - lets results and jobs whose time is over go, while this broker leads.
 *
 * A thread with a store connection of its own, since dropping a partition may wait for who reads
 * it, and nobody should wait for that: about once a minute, and at once when leadership is won, it
 * has the store do one bounded piece of the work after another until there is no more. Once an hour
 * it takes away what is kept of lines of queue keys that are over. What is cut short is gone on
 * with by whoever leads next.
 */
#ifndef BROKER_RETIRE_H
#define BROKER_RETIRE_H

#include <stdbool.h>

#include "common/mem.h"

typedef struct retire retire_t;

enum { RETIRE_EVERY_MS = 60000, RETIRE_LINES_MS = 3600000 };

/* Does nothing before retire_lead(). Copies the DSN. Caller owns the result. */
retire_t *retire_new(const char *store) MUST_USE;

/* Waits for the piece of work that is under way. */
void retire_destroy(retire_t **self_p);

/* This broker leads now, or does not. From any thread. */
void retire_lead(retire_t *self, bool leads);

#endif

/* waiters.h - who waits for which job's end, on this node.
 *
 * A table from job id to the waiters of that job, which live on the stacks of the threads that
 * wait. News of a final state is told to each waiter once, while the table is locked, and takes it
 * out of the table: after waiters_remove() has returned nobody touches the waiter any more, nor
 * does anybody after tell() has done the last thing that it does. News of other states, and of jobs
 * for which nobody waits, goes by. Any thread.
 */
#ifndef API_WAITERS_H
#define API_WAITERS_H

#include "common/wire.h"

typedef struct waiters waiters_t;

typedef struct waiter {
    jobid_t id;
    /* The job is over, as the leader says. Runs on the thread that brings the news, the table
     * locked: must be short, and call nothing of this file. */
    void (*tell)(struct waiter *self, const wire_change_t *change);
    struct waiter *next;
} waiter_t;

/* Caller owns the result. */
waiters_t *waiters_new(void) MUST_USE;
void waiters_destroy(waiters_t **self_p); /* nobody may wait */

/* Keeps `waiter`, whose id and tell are set, until it is told or removed. */
void waiters_add(waiters_t *self, waiter_t *waiter);

/* Fine for one that was told, and for one that knows so not needed: it would wait for the lock that
 * the telling thread still holds. */
void waiters_remove(waiters_t *self, waiter_t *waiter);

/* Pass news on. */
void waiters_tell(waiters_t *self, const wire_change_t *change);

/* The ids of all that wait, some perhaps twice. Caller owns the result: free(). */
jobid_t *waiters_ids(waiters_t *self, uint32_t *count) MUST_USE;

#endif

/* audience.h - who wants to hear of which job: the API node that submitted it, and those that
 * watch.
 *
 * Bounded: so many jobs, AUDIENCE_EACH listeners for each; the oldest jobs make room, and none is
 * remembered for longer than AUDIENCE_KEEP_MS. Whoever is forgotten hears nothing and reads the
 * store. Listeners are numbers of the caller's. No IO, time comes in, one thread.
 */
#ifndef BROKER_AUDIENCE_H
#define BROKER_AUDIENCE_H

#include "common/jobid.h"

typedef struct audience audience_t;

enum { AUDIENCE_EACH = 8, AUDIENCE_KEEP_MS = 600000 };

/* Room for `most` jobs. Caller owns the result. */
audience_t *audience_new(uint32_t most) MUST_USE;
void audience_destroy(audience_t **self_p);

/* `listener` wants to hear of the job; the ninth takes the place of the first. */
void audience_add(audience_t *self, const jobid_t *id, uint32_t listener, int64_t now_ms);

/* The job's listeners; returns how many. */
uint32_t audience_find(const audience_t *self, const jobid_t *id,
                       uint32_t listeners[AUDIENCE_EACH]);

/* There will be no more news of this job. */
void audience_remove(audience_t *self, const jobid_t *id);

void audience_clear(audience_t *self);

#endif

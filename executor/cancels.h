/* cancels.h - which of the jobs at hand were asked to stop.
 *
 * That a job is to be cancelled stands in the store; the leader's word is a hint to look. Looked at
 * are all jobs at hand every CANCELS_MS, and at once after a hint; one question is under way at a
 * time. All on the loop's thread.
 */
#ifndef EXECUTOR_CANCELS_H
#define EXECUTOR_CANCELS_H

#include "common/lane.h"

enum { CANCELS_MS = 2000 };

typedef struct {
    lane_t *control;
    uint32_t most; /* jobs at hand at a time */
    /* The jobs at hand, into `ids` (room for `most`); their count. */
    uint32_t (*at_hand)(void *arg, jobid_t *ids);
    /* This one was asked to stop, and may be at hand no more. */
    void (*asked)(void *arg, const jobid_t *job);
    void *arg;
} cancels_options_t;

typedef struct cancels cancels_t;

/* Caller owns the result. */
cancels_t *cancels_new(const cancels_options_t *options) MUST_USE;
void cancels_destroy(cancels_t **self_p);

/* Somebody said that a job at hand was cancelled: look now. */
void cancels_hint(cancels_t *self);

/* Call every second or so. */
void cancels_tick(cancels_t *self, int64_t now_ms);

#endif

/* kit.h - what every slot of an executor works with. Made and owned by the runner. */
#ifndef EXECUTOR_KIT_H
#define EXECUTOR_KIT_H

#include "common/lane.h"
#include "executor/barrier.h"
#include "executor/login.h"
#include "executor/scribe.h"
#include "executor/session.h"
#include "executor/stopper.h"

typedef struct slot slot_t;

typedef struct {
    loop_t *loop;
    pool_t *pool;
    logins_t *logins;
    scribe_t *scribe;
    barriers_t *barriers;
    stopper_t *stopper;
    int64_t first_page_ms; /* how long rows wait for the first page of their result to fill, */
    int64_t page_ms;       /* and for others */
    uint32_t inline_bytes;
    uint32_t page_bytes;
    uint32_t page_rows;
    uint32_t row_bytes;
    int32_t max_attempts;         /* of jobs that do not say */
    int64_t deadline_ms;          /* the same, since they were submitted */
    int64_t statement_timeout_ms; /* the same; 0: none */
    int64_t lease_ms;

    /* Is this executor's lease good for `margin_ms` more? Asked before every COMMIT of a job that
     * wrote. */
    bool (*lease_good)(void *arg, int64_t margin_ms);
    /* A slot is done with its job, and free. `job` is NULL when there is nothing to say of it yet:
     * it is being handed back. */
    void (*freed)(void *arg, slot_t *slot, const jobid_t *job, release_verdict_t verdict,
                  int64_t executing_ms);
    void *arg;
} kit_t;

#endif

/* courier.h - the API node on the bus: offers out, news of jobs in.
 *
 * One thread with a loop, a link to the brokers and a keeper of this node's row in the store. It
 * tells the leader of jobs that were committed here, and hears when they are over; for jobs of
 * other API nodes it has to ask (a watch). It passes on which jobs are to be stopped. Everything
 * here is a hint: what is dropped because there is no leader, or too much at a time, is found by
 * the broker's sweep, and who waits reads the store every now and then. A new leader knows nothing
 * of who waits here, so it is told of every waiter.
 */
#ifndef API_COURIER_H
#define API_COURIER_H

#include "api/recent.h"
#include "api/waiters.h"
#include "common/store.h"

typedef struct courier courier_t;

typedef struct {
    const char *store; /* DSN */
    const char *name;
    const char *url;     /* what this node serves */
    int64_t lease_ms;    /* of the node's row */
    int64_t patience_ms; /* how long to wait for a store that is away at the start */
} courier_options_t;

/* Migrate or check the store's schema, enter the node, start the thread. Fails as keeper_new()
 * does. Caller owns the result. */
courier_t *courier_new(const courier_options_t *options, err_t *err) MUST_USE;

/* Say bye and take the node's row out of the store. Nobody may wait any more. */
void courier_destroy(courier_t **self_p);

/* These jobs are committed: offer them to the leader. Copies; any thread; does not wait. */
void courier_offer(courier_t *self, const submit_t *const *jobs, uint32_t count);

/* Tell `waiter` when its job is over (waiters.h), or until courier_leave(). Jobs that were not
 * offered to this leader by this node are watched, unless `ours` says that the job is about to be.
 * Any thread. */
void courier_await(courier_t *self, waiter_t *waiter, bool ours);
void courier_leave(courier_t *self, waiter_t *waiter);

/* A job was asked to stop, in the store: tell the leader, for whoever runs it. Any thread; does not
 * wait. */
void courier_cancel(courier_t *self, const jobid_t *id);

/* This node itself has ended a job, or changed what there is to know of one that is over: who waits
 * for it here reads it, and no earlier news is believed. Any thread. */
void courier_over(courier_t *self, const jobid_t *id);

/* What news of a tenant's job there was (recent.h). Where it is asked after courier_await(), an end
 * is either told here or to the waiter. Any thread. */
recent_state_t courier_recall(courier_t *self, const jobid_t *id, const char *tenant,
                              recent_news_t *news);

/* Does the store know this node, as far as can be told? Any thread. */
bool courier_up(const courier_t *self);

#endif

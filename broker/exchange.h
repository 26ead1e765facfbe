/* exchange.h - says which job runs next on which executor, and carries news back.
 *
 * What the bus brings goes in through exchange_hear(), what the sweep found through
 * exchange_offer(); at the end of a turn exchange_turn() matches waiting jobs with granted credit
 * and sends what has gathered, one message for each member. Only the leader does so; a broker that
 * does not lead answers greetings and ignores the rest. Losing any of this loses nothing: the store
 * is the queue.
 *
 * What a member may say depends on its role as the bus has it (from the store), never on its own
 * word. No IO but through `send`, time comes in, memory is bounded; all on the loop's thread.
 */
#ifndef BROKER_EXCHANGE_H
#define BROKER_EXCHANGE_H

#include "broker/queue.h"
#include "common/bus.h"

typedef struct exchange exchange_t;

typedef struct {
    const char *name; /* kept; must outlive the broker */
    queue_limits_t limits;
    /* False: the peer is gone, or cannot take more; it is forgotten then. */
    bool (*send)(void *arg, const peer_t *peer, const wire_t *message);
    void *arg;
} exchange_options_t;

enum {
    EXCHANGE_SILENCE_EXECUTOR_MS = 5000, /* members that say nothing for so long are forgotten */
    EXCHANGE_SILENCE_API_MS = 6000,
    EXCHANGE_SWEEP_GAP_MS = 20, /* between two sweeps that the queue asks for */
    EXCHANGE_LINES_GAP_MS = 5,  /* of lines alone */
};

/* Caller owns the result. */
exchange_t *exchange_new(const exchange_options_t *options) MUST_USE;
void exchange_destroy(exchange_t **self_p);

/* Lead under `epoch`, or, with 0, do not. A change begins with an empty queue and is told to all.
 */
void exchange_lead(exchange_t *self, uint64_t epoch);

/* The leader's epoch as the store has it: what a broker that does not lead tells. */
void exchange_heard_of(exchange_t *self, uint64_t epoch);

/* A message from a peer, with what the store says of it. */
void exchange_hear(exchange_t *self, const peer_t *peer, const char *role, const char *name,
                   const wire_t *message, int64_t now_ms);

/* A waiting job that the sweep found; `more`: the store has more of its tenant and source than was
 * read. */
void exchange_offer(exchange_t *self, const waiting_t *job, bool more, int64_t now_ms);

/* What the sweep found of a line; and that a tenant's were looked through (queue.h). */
void exchange_line(exchange_t *self, const line_report_t *report, int64_t now_ms);
void exchange_lines_told(exchange_t *self, const char *tenant, bool more, int64_t now_ms);

/* The end of a turn: dispatch, and send what has gathered. */
void exchange_turn(exchange_t *self, int64_t now_ms);

/* Tell all members who leads; forget those that have been silent. */
void exchange_beat(exchange_t *self, int64_t now_ms);

/* Should the store be swept now, and not only at the next regular time? Asking takes the answer. */
bool exchange_wants_sweep(exchange_t *self, int64_t now_ms);

/* The same for lines that the queue asks for. */
bool exchange_wants_lines(exchange_t *self, int64_t now_ms);

/* Is there something that the store should be asked for, but not yet? Then there need be no event
 * until it may. */
bool exchange_awaits_sweep(const exchange_t *self);

/* For the sweep and for logs. Points into self. */
const queue_t *exchange_queue(const exchange_t *self);
uint32_t exchange_members(const exchange_t *self);

#endif

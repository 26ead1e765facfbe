/* breaker.h - is a source worth trying now?
 *
 * A source that cannot be reached costs every slot that tries it a whole connect timeout. So the
 * first job that comes back without having reached it opens the breaker: nothing more of this
 * source goes out for a while. Then it is ripe: one job may go out, the probe, and what becomes of
 * it decides for all others. A probe that got through, or ran into anything but the same wall,
 * closes the breaker. One that did not, or whose executor is gone, opens it again, each time for
 * twice as long, from BREAKER_FIRST_MS up to BREAKER_MOST_MS, give or take a quarter, so that
 * sources which went away together are not tried together. A probe that says nothing for
 * BREAKER_PROBE_MS has got through and runs: not to reach a source takes no longer than connecting
 * may. (Executors whose connect_timeout_ms is longer than that let a source which swallows packets
 * seem to be back, until the probe says otherwise; a longer patience would hold up all jobs behind
 * a probe that runs for long.) Only a probe closes: jobs that were under way before may still end,
 * one way or another, on a source that lets nobody in.
 *
 * Pure: time comes in (ms, monotonic), and so does what is random.
 */
#ifndef BROKER_BREAKER_H
#define BROKER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

typedef enum {
    BREAKER_CLOSED,  /* all is well, as far as we know */
    BREAKER_OPEN,    /* nothing goes out */
    BREAKER_RIPE,    /* the probe may go out */
    BREAKER_PROBING, /* it is out; nothing else goes */
} breaker_state_t;

/* All zero is a closed one. */
typedef struct {
    breaker_state_t state;
    int64_t wait_ms;   /* how long it stays, or stayed, open, before the jitter */
    int64_t until_ms;  /* not CLOSED: when breaker_turn() has something to do */
    int64_t closed_ms; /* when it closed last */
} breaker_t;

enum {
    BREAKER_FIRST_MS = 1000,
    BREAKER_MOST_MS = 30000,
    BREAKER_PROBE_MS = 20000,
    BREAKER_IDLE_MS = 60000, /* ripe for so long, and no job came: forget what was */
};

/* A job that was handed out at `taken_ms` found its source out of reach. What set out before the
 * breaker changed last says nothing new. True: the breaker opened. */
bool breaker_fail(breaker_t *self, int64_t taken_ms, int64_t now_ms, uint32_t random) MUST_USE;

/* The probe goes out; the breaker must be ripe. */
void breaker_probe(breaker_t *self, int64_t now_ms);

/* The probe came back, or ran: the source can be reached. */
void breaker_good(breaker_t *self, int64_t now_ms);

/* The probe did not reach the source, or is lost. */
void breaker_lost(breaker_t *self, int64_t now_ms, uint32_t random);

/* Let time do its work. True: the state changed; again until it did not. */
bool breaker_turn(breaker_t *self, int64_t now_ms) MUST_USE;

#endif

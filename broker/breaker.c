#include "broker/breaker.h"

#include <assert.h>

/* A quarter less up to a quarter more. */
static int64_t
with_jitter(int64_t ms, uint32_t random)
{
    return ms - ms / 4 + (int64_t)random % (ms / 2 + 1);
}

static void
breaker_open(breaker_t *self, int64_t wait_ms, int64_t now_ms, uint32_t random)
{
    self->state = BREAKER_OPEN;
    self->wait_ms = wait_ms < BREAKER_MOST_MS ? wait_ms : (int64_t)BREAKER_MOST_MS;
    self->until_ms = now_ms + with_jitter(self->wait_ms, random);
}

bool
breaker_fail(breaker_t *self, int64_t taken_ms, int64_t now_ms, uint32_t random)
{
    if (self->state != BREAKER_CLOSED || taken_ms <= self->closed_ms)
        return false;
    breaker_open(self, BREAKER_FIRST_MS, now_ms, random);
    return true;
}

void
breaker_probe(breaker_t *self, int64_t now_ms)
{
    assert(self->state == BREAKER_RIPE);
    self->state = BREAKER_PROBING;
    self->until_ms = now_ms + BREAKER_PROBE_MS;
}

void
breaker_good(breaker_t *self, int64_t now_ms)
{
    *self = (breaker_t){ .closed_ms = now_ms };
}

void
breaker_lost(breaker_t *self, int64_t now_ms, uint32_t random)
{
    if (self->state == BREAKER_PROBING)
        breaker_open(self, 2 * self->wait_ms, now_ms, random);
}

bool
breaker_turn(breaker_t *self, int64_t now_ms)
{
    if (self->state == BREAKER_CLOSED || now_ms < self->until_ms)
        return false;
    if (self->state != BREAKER_OPEN) {
        breaker_good(self, now_ms);
        return true;
    }
    self->state = BREAKER_RIPE;
    self->until_ms = now_ms + BREAKER_IDLE_MS;
    return true;
}

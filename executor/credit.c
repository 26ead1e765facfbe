/* credit.c - counting. */
#include "executor/credit.h"

#include <stdlib.h>
#include <string.h>

void
credit_init(credit_t *self, uint32_t room)
{
    *self = (credit_t){ .fresh = true, .done_room = room };
    self->done = mem_array(room, sizeof *self->done);
}

void
credit_clear(credit_t *self)
{
    free(self->done);
    *self = (credit_t){ 0 };
}

void
credit_renew(credit_t *self)
{
    self->fresh = true;
}

void
credit_forget(credit_t *self)
{
    self->done_count = 0;
    self->fresh = true;
}

void
credit_use(credit_t *self)
{
    if (self->granted > 0)
        self->granted--;
    if (self->granted < self->unused)
        self->unused = self->granted;
}

void
credit_release(credit_t *self, const wire_release_t *release)
{
    if (self->done_count < self->done_room)
        self->done[self->done_count++] = *release;
}

static void
beat(credit_t *self, int64_t now_ms)
{
    if (now_ms - self->beat_ms < CREDIT_BEAT_MS)
        return;
    if (self->unused > 0)
        self->fresh = true;
    self->unused = self->granted;
    self->beat_ms = now_ms;
    self->beaten = true;
}

bool
credit_message(credit_t *self, uint32_t room, uint64_t epoch, int64_t now_ms, wire_t *message)
{
    beat(self, now_ms);
    bool fresh = self->fresh || room < self->granted;
    uint32_t slots = fresh ? room : room - self->granted;
    if (slots == 0 && !fresh && self->done_count == 0 && !self->beaten)
        return false;
    *message = (wire_t){ .tag = WIRE_credit };
    message->credit.epoch = epoch;
    message->credit.slots = slots;
    message->credit.fresh = fresh;
    message->credit.done = self->done;
    message->credit.done_count =
        self->done_count < WIRE_LIST_MOST ? self->done_count : WIRE_LIST_MOST;
    return true;
}

void
credit_sent(credit_t *self, const wire_t *message)
{
    uint32_t said = message->credit.done_count;
    self->granted = message->credit.slots + (message->credit.fresh ? 0 : self->granted);
    self->fresh = false;
    self->beaten = false;
    self->done_count -= said;
    if (self->done_count > 0)
        memmove(self->done, self->done + said, self->done_count * sizeof *self->done);
}

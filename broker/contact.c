#include "broker/contact.h"

void
contact_made(contact_t *self, int64_t asked_ms, int64_t now_ms)
{
    bool broken = !self->unbroken || now_ms - asked_ms > self->gap_ms
                  || now_ms - self->last_ms > self->gap_ms;
    if (broken)
        self->since_ms = now_ms;
    self->unbroken = true;
    self->last_ms = now_ms;
}

void
contact_lost(contact_t *self)
{
    self->unbroken = false;
}

bool
contact_lasts(const contact_t *self, int64_t ms, int64_t now_ms)
{
    return self->unbroken && now_ms - self->last_ms <= self->gap_ms
           && self->last_ms - self->since_ms >= ms;
}

/* contact.h - for how long has somebody been in reach without a break?
 *
 * Who was away cannot blame others for not having come: a store that was away for longer than a
 * lease has not seen anybody renew, and the first to look when it is back would find all nodes
 * dead. So whoever judges leases keeps his own contact first. Pure: time comes in, ms, monotonic.
 */
#ifndef BROKER_CONTACT_H
#define BROKER_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

/* Starts as { .gap_ms = ... }: a longer silence is a break. */
typedef struct {
    int64_t gap_ms;
    bool unbroken;
    int64_t since_ms;
    int64_t last_ms;
} contact_t;

/* It answered at `now_ms` what was asked at `asked_ms`. */
void contact_made(contact_t *self, int64_t asked_ms, int64_t now_ms);

/* It did not answer. */
void contact_lost(contact_t *self);

/* Has contact lasted for `ms` up to the last answer, and is that no break ago? */
bool contact_lasts(const contact_t *self, int64_t ms, int64_t now_ms) MUST_USE;

#endif

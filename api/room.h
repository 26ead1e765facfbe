/* room.h - how much memory large pages may take together.
 *
 * Who is about to fetch or inflate one claims room for it first, and waits in line, first come
 * first served, while others have it; a single claim always finds room, however large. Nobody in
 * the line may have a claim already: so whoever has one gets on, and gives it back. Any thread.
 */
#ifndef API_ROOM_H
#define API_ROOM_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum { ROOM_WAIT_MS = 30000, ROOM_LINE_MOST = 256 };

typedef struct room room_t;

typedef struct {
    room_t *room;
    size_t bytes; /* 0: there is no claim */
} claim_t;

/* Caller owns the result. */
room_t *room_new(size_t bytes) MUST_USE;
void room_destroy(room_t **self_p); /* nobody may have a claim */

/* Wait for room; *claim must be empty. Fails with ERR_UNAVAILABLE when it takes longer than
 * ROOM_WAIT_MS, or when ROOM_LINE_MOST wait already; but a stream that has `begun`, and would be
 * cut, is not turned away from the line. */
bool room_claim(room_t *self, size_t bytes, bool begun, claim_t *claim, err_t *err) MUST_USE;

/* Give back what is more than `bytes`; an empty claim is fine. */
void claim_cut(claim_t *claim, size_t bytes);

/* Move a claim out of its place: `to = claim_take(&from)`. */
claim_t claim_take(claim_t *claim) MUST_USE;

/* Bytes that are claimed now, and how many wait in line. */
size_t room_claimed(room_t *self);
uint32_t room_waiting(room_t *self);

#endif

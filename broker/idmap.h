/* idmap.h - from 16 bytes to a number, in constant time and in memory that is fixed at the start.
 *
 * An open-addressing table that is never more than half full, so that nothing ever moves it: the
 * broker's window looks up job ids with it, and tenants by jobid_named(). Entries are
 * removed by shifting what follows back, which leaves no graves. No IO; one thread.
 */
#ifndef BROKER_IDMAP_H
#define BROKER_IDMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/jobid.h"

typedef struct idmap idmap_t;

#define IDMAP_NONE UINT32_MAX

/* Room for `most` entries. Caller owns the result. */
idmap_t *idmap_new(uint32_t most) MUST_USE;
void idmap_destroy(idmap_t **self_p);

/* The number of `id`, or IDMAP_NONE. */
uint32_t idmap_find(const idmap_t *self, const jobid_t *id);

/* Remember a number under an id that is not there yet; there must be room. */
void idmap_add(idmap_t *self, const jobid_t *id, uint32_t number);

/* Forget an id; unknown ones are fine. */
void idmap_remove(idmap_t *self, const jobid_t *id);

void idmap_clear(idmap_t *self);
uint32_t idmap_count(const idmap_t *self);

#endif

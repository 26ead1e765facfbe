/* sink.h - a run of bytes that grows while it is written, for what msgpack-c packs.
 *
 * For messages and manifests, which are small; a page has a buffer of its own, since a stranger
 * decides how large it gets. Starts as { 0 }.
 */
#ifndef COMMON_SINK_H
#define COMMON_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "common/mem.h"

typedef struct {
    uint8_t *data; /* NULL while nothing was written; the caller frees it */
    size_t size;
    size_t room;
} sink_t;

/* msgpack_packer_write: append to the sink_t behind `sink`. Always 0, which means written. */
int sink_write(void *sink, const char *bytes, size_t size);

#endif

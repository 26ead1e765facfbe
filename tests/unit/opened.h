/* opened.h - a stored page, inflated and with a walk over its rows, for tests. */
#ifndef TESTS_UNIT_OPENED_H
#define TESTS_UNIT_OPENED_H

#include <stdlib.h>

#include "common/page.h"

typedef struct {
    page_reader_t walk;
    uint8_t *raw;
    uint32_t size;
} opened_t;

static inline void
opened_destroy(opened_t **self_p)
{
    opened_t *self = take(*self_p);
    if (self)
        free(self->raw);
    free(self);
}

/* Fails as page_inflate(). Caller owns the result. */
static inline opened_t *
opened_new(const void *data, size_t size, uint32_t raw_bytes, err_t *err)
{
    own(opened) self = mem_new(sizeof *self);
    self->raw = raw_bytes <= PAGE_RAW_MOST ? mem_array(1, raw_bytes + 1) : NULL;
    if (!page_inflate(data, size, self->raw, raw_bytes, err))
        return NULL;
    self->size = raw_bytes;
    page_reader_init(&self->walk, self->raw, raw_bytes);
    return take(self);
}

static inline view_t
opened_bytes(const opened_t *self)
{
    return (view_t){ .data = (const char *)self->raw, .size = self->size };
}

#endif

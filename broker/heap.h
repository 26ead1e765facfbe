/* heap.h - a binary heap of numbers, whose order and places are the owner's.
 *
 * The owner says which of two numbers goes first, and is told where each one comes to stand, so
 * that it can take any of them out again. No IO; one thread; grows as needed.
 */
#ifndef BROKER_HEAP_H
#define BROKER_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/mem.h"

/* What a heap asks its owner. `owner` comes with every call. */
typedef struct {
    bool (*before)(const void *owner, uint32_t a, uint32_t b);
    void (*stands)(void *owner, uint32_t number, uint32_t place);
} heap_order_t;

/* All zero is an empty heap. */
typedef struct {
    uint32_t *numbers; /* numbers[0] is the first; the last one is a leaf */
    uint32_t count;
    uint32_t room;
} heap_t;

void heap_add(heap_t *self, const heap_order_t *order, void *owner, uint32_t number);

/* Take out the number at `place`. */
void heap_remove(heap_t *self, const heap_order_t *order, void *owner, uint32_t place);

/* Empty it and free its memory. */
void heap_clear(heap_t *self);

#endif

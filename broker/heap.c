#include "broker/heap.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_ROOM = 8 };

static void
put(heap_t *self, const heap_order_t *order, void *owner, uint32_t place)
{
    order->stands(owner, self->numbers[place], place);
}

static void
swap(heap_t *self, const heap_order_t *order, void *owner, uint32_t a, uint32_t b)
{
    uint32_t number = self->numbers[a];
    self->numbers[a] = self->numbers[b];
    self->numbers[b] = number;
    put(self, order, owner, a);
}

static uint32_t
rise(heap_t *self, const heap_order_t *order, void *owner, uint32_t place)
{
    while (place > 0) {
        uint32_t parent = (place - 1) / 2;
        if (!order->before(owner, self->numbers[place], self->numbers[parent]))
            break;
        swap(self, order, owner, place, parent);
        place = parent;
    }
    return place;
}

static uint32_t
sink(heap_t *self, const heap_order_t *order, void *owner, uint32_t place)
{
    for (uint32_t child = 2 * place + 1; child < self->count; child = 2 * place + 1) {
        if (child + 1 < self->count
            && order->before(owner, self->numbers[child + 1], self->numbers[child]))
            child++;
        if (!order->before(owner, self->numbers[child], self->numbers[place]))
            break;
        swap(self, order, owner, place, child);
        place = child;
    }
    return place;
}

static void
settle(heap_t *self, const heap_order_t *order, void *owner, uint32_t place)
{
    place = rise(self, order, owner, place);
    place = sink(self, order, owner, place);
    put(self, order, owner, place);
}

void
heap_add(heap_t *self, const heap_order_t *order, void *owner, uint32_t number)
{
    if (self->count == self->room) {
        self->room = self->room > 0 ? 2 * self->room : FIRST_ROOM;
        self->numbers = mem_grow(self->numbers, self->room * sizeof *self->numbers);
    }
    self->numbers[self->count++] = number;
    settle(self, order, owner, self->count - 1);
}

void
heap_remove(heap_t *self, const heap_order_t *order, void *owner, uint32_t place)
{
    assert(place < self->count);
    self->count--;
    if (place == self->count)
        return;
    self->numbers[place] = self->numbers[self->count];
    settle(self, order, owner, place);
}

void
heap_clear(heap_t *self)
{
    free(self->numbers);
    *self = (heap_t){ 0 };
}

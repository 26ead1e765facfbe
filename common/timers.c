#include "common/timers.h"

#include <stdlib.h>

struct loop_timer {
    timers_t *owner;
    loop_fn fn;
    void *arg;
    int64_t due_ms;
    int64_t every_ms;
    uint64_t order; /* timers that are due together run as they were set */
    size_t place;   /* in the heap */
    bool dead;
    loop_timer_t *next; /* of the dead */
};

struct timers {
    loop_timer_t **heap; /* children of i at 2i + 1 and 2i + 2 */
    size_t count;
    size_t room;
    uint64_t next_order;
    loop_timer_t *dead;
};

timers_t *
timers_new(void)
{
    return mem_new(sizeof(timers_t));
}

void
timers_destroy(timers_t **self_p)
{
    timers_t *self = take(*self_p);
    if (!self)
        return;
    timers_sweep(self);
    for (size_t i = 0; i < self->count; i++)
        free(self->heap[i]);
    free(self->heap);
    free(self);
}

static bool
earlier(const loop_timer_t *a, const loop_timer_t *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void
put(timers_t *self, size_t place, loop_timer_t *timer)
{
    self->heap[place] = timer;
    timer->place = place;
}

/* Let `timer` find its place, starting from a free one. */
static void
settle(timers_t *self, size_t place, loop_timer_t *timer)
{
    while (place > 0 && earlier(timer, self->heap[(place - 1) / 2])) {
        put(self, place, self->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (size_t child; (child = 2 * place + 1) < self->count; place = child) {
        if (child + 1 < self->count && earlier(self->heap[child + 1], self->heap[child]))
            child++;
        if (!earlier(self->heap[child], timer))
            break;
        put(self, place, self->heap[child]);
    }
    put(self, place, timer);
}

static void
insert(timers_t *self, loop_timer_t *timer)
{
    if (self->count == self->room) {
        self->room = self->room > 0 ? 2 * self->room : 16;
        self->heap = mem_grow(self->heap, self->room * sizeof *self->heap);
    }
    timer->order = self->next_order++;
    self->count++;
    settle(self, self->count - 1, timer);
}

static void
extract(timers_t *self, loop_timer_t *timer)
{
    loop_timer_t *last = self->heap[--self->count];
    if (last != timer)
        settle(self, timer->place, last);
}

loop_timer_t *
timers_add(timers_t *self, int64_t due_ms, int64_t every_ms, loop_fn fn, void *arg)
{
    loop_timer_t *timer = mem_new(sizeof *timer);
    timer->owner = self;
    timer->fn = fn;
    timer->arg = arg;
    timer->due_ms = due_ms;
    timer->every_ms = every_ms;
    insert(self, timer);
    return timer;
}

static void
bury(loop_timer_t *timer)
{
    timer->dead = true;
    timer->next = timer->owner->dead;
    timer->owner->dead = timer;
}

void
timers_cancel(loop_timer_t **timer_p)
{
    loop_timer_t *timer = take(*timer_p);
    if (!timer || timer->dead)
        return;
    extract(timer->owner, timer);
    bury(timer);
}

int64_t
timers_due_ms(const timers_t *self)
{
    return self->count > 0 ? self->heap[0]->due_ms : INT64_MAX;
}

void
timers_run(timers_t *self, int64_t now_ms)
{
    uint64_t limit = self->next_order;
    while (self->count > 0) {
        loop_timer_t *timer = self->heap[0];
        if (timer->due_ms > now_ms || timer->order >= limit)
            return;
        extract(self, timer);
        if (timer->every_ms > 0) {
            timer->due_ms += timer->every_ms;
            if (timer->due_ms <= now_ms)
                timer->due_ms = now_ms + timer->every_ms;
            insert(self, timer);
        } else {
            bury(timer);
        }
        timer->fn(timer->arg);
    }
}

void
timers_sweep(timers_t *self)
{
    while (self->dead) {
        loop_timer_t *timer = self->dead;
        self->dead = timer->next;
        free(timer);
    }
}

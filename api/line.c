#include "api/line.h"

#include <errno.h>
#include <time.h>

#include "common/clock.h"

static void
init(place_t *self)
{
    *self = (place_t){ .next = NULL };
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->called, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void
join(line_t *self, place_t *place)
{
    place_t **end = &self->first;
    while (*end)
        end = &(*end)->next;
    *end = place;
    self->length++;
}

static void
leave(line_t *self, const place_t *place)
{
    place_t **at = &self->first;
    while (*at != place)
        at = &(*at)->next;
    *at = place->next;
    self->length--;
}

bool
line_wait(line_t *self, place_t *place, pthread_mutex_t *lock, int64_t ms)
{
    int64_t end_ms = clock_mono_ms() + ms;
    struct timespec end = { end_ms / 1000, end_ms % 1000 * 1000000 };
    init(place);
    join(self, place);
    int waited = 0;
    while (!place->served && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&place->called, lock, &end);
    pthread_cond_destroy(&place->called);
    if (!place->served)
        leave(self, place);
    return place->served;
}

place_t *
line_call(line_t *self)
{
    place_t *place = self->first;
    leave(self, place);
    place->served = true;
    pthread_cond_signal(&place->called);
    return place;
}

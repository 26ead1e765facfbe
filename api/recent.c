#include "api/recent.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/job.h"

enum { PLACES = 8192 };

typedef struct {
    jobid_t id;
    uint64_t leader; /* the count of leaders when it was offered; 0: an empty place */
    bool done;
    int64_t told_ms;
    recent_news_t news;
    char tenant[sizeof((outbox_offer_t *)0)->tenant];
} place_t;

struct recent {
    pthread_mutex_t lock;
    /* guarded by lock */
    uint64_t leader;
    place_t places[PLACES];
};

recent_t *
recent_new(void)
{
    recent_t *self = mem_new(sizeof *self);
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
recent_destroy(recent_t **self_p)
{
    recent_t *self = take(*self_p);
    if (!self)
        return;
    pthread_mutex_destroy(&self->lock);
    free(self);
}

/* An id ends in random bits. */
static place_t *
place_of(recent_t *self, const jobid_t *id)
{
    uint32_t bits;
    memcpy(&bits, id->bytes + JOBID_SIZE - sizeof bits, sizeof bits);
    return &self->places[bits % PLACES];
}

static bool
holds(const place_t *place, const jobid_t *id)
{
    return place->leader != 0 && jobid_equal(&place->id, id);
}

void
recent_leader(recent_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->leader++;
    pthread_mutex_unlock(&self->lock);
}

void
recent_offered(recent_t *self, const outbox_offer_t *offers, uint32_t count)
{
    pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < count; i++) {
        if (offers[i].several)
            continue;
        place_t *place = place_of(self, &offers[i].id);
        place->id = offers[i].id;
        place->leader = self->leader;
        place->done = false;
        place->news.retention_s = offers[i].retention_s;
        snprintf(place->tenant, sizeof place->tenant, "%s", offers[i].tenant);
    }
    pthread_mutex_unlock(&self->lock);
}

void
recent_tell(recent_t *self, const wire_change_t *change, int64_t now_ms)
{
    if (change->state >= JOB_STATES || !job_state_final((job_state_t)change->state))
        return;
    pthread_mutex_lock(&self->lock);
    place_t *place = place_of(self, &change->job);
    if (holds(place, &change->job) && (change->state != JOB_DONE || change->more))
        place->leader = 0;
    if (holds(place, &change->job) && !place->done) {
        place->done = true;
        place->told_ms = now_ms;
        place->news.change = *change;
    }
    pthread_mutex_unlock(&self->lock);
}

recent_state_t
recent_look(recent_t *self, const jobid_t *id, const char *tenant, int64_t now_ms,
            recent_news_t *news)
{
    recent_state_t state = RECENT_UNKNOWN;
    pthread_mutex_lock(&self->lock);
    const place_t *place = place_of(self, id);
    if (holds(place, id) && (!tenant || strcmp(place->tenant, tenant) == 0)) {
        if (place->done && now_ms - place->told_ms < RECENT_MS)
            state = RECENT_DONE;
        else if (!place->done && place->leader == self->leader)
            state = RECENT_OPEN;
        *news = place->news;
    }
    pthread_mutex_unlock(&self->lock);
    return state;
}

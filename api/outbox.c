#include "api/outbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct outbox {
    uint32_t most;
    outbox_load_t taken; /* the taking thread's */
    pthread_mutex_t lock;
    /* guarded by lock */
    outbox_load_t filling;
    bool called;
    uint64_t dropped;
};

outbox_t *
outbox_new(uint32_t most)
{
    outbox_t *self = mem_new(sizeof *self);
    self->most = most;
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
outbox_destroy(outbox_t **self_p)
{
    outbox_t *self = take(*self_p);
    if (!self)
        return;
    pthread_mutex_destroy(&self->lock);
    free(self->taken.offers);
    free(self->taken.watches);
    free(self->taken.cancels);
    free(self->filling.offers);
    free(self->filling.watches);
    free(self->filling.cancels);
    free(self);
}

/* Room for one more: the array, perhaps moved; NULL when the box is full. */
static void *
room(outbox_t *self, void *items, uint32_t count, uint32_t *held, size_t size)
{
    if (count < *held)
        return items;
    if (count >= self->most) {
        self->dropped++;
        return NULL;
    }
    *held = *held == 0 ? 64 : *held * 2;
    if (*held > self->most)
        *held = self->most;
    return mem_grow(items, *held * size);
}

static void
put_offer(outbox_t *self, const submit_t *job)
{
    outbox_load_t *load = &self->filling;
    void *offers =
        room(self, load->offers, load->offer_count, &load->offer_room, sizeof *load->offers);
    if (!offers)
        return;
    load->offers = offers;
    outbox_offer_t *offer = &load->offers[load->offer_count++];
    offer->id = job->id;
    snprintf(offer->tenant, sizeof offer->tenant, "%s", job->tenant);
    snprintf(offer->source, sizeof offer->source, "%s", job->source);
    snprintf(offer->queue_key, sizeof offer->queue_key, "%s", job->queue_key ? job->queue_key : "");
    offer->priority = (uint32_t)job->priority;
    offer->retention_s = job->retention_s;
    offer->several = job->steps != NULL;
}

static void
put_id(outbox_t *self, jobid_t **ids, uint32_t *count, uint32_t *held, const jobid_t *id)
{
    jobid_t *moved = room(self, *ids, *count, held, sizeof *moved);
    if (!moved)
        return;
    *ids = moved;
    moved[(*count)++] = *id;
}

/* Has the thread to be called? With the lock held. */
static bool
call(outbox_t *self)
{
    bool first = !self->called;
    self->called = true;
    return first;
}

bool
outbox_offer(outbox_t *self, const submit_t *const *jobs, uint32_t count)
{
    if (count == 0)
        return false;
    pthread_mutex_lock(&self->lock);
    for (uint32_t i = 0; i < count; i++)
        put_offer(self, jobs[i]);
    bool first = call(self);
    pthread_mutex_unlock(&self->lock);
    return first;
}

bool
outbox_watch(outbox_t *self, const jobid_t *id)
{
    outbox_load_t *load = &self->filling;
    pthread_mutex_lock(&self->lock);
    put_id(self, &load->watches, &load->watch_count, &load->watch_room, id);
    bool first = call(self);
    pthread_mutex_unlock(&self->lock);
    return first;
}

bool
outbox_cancel(outbox_t *self, const jobid_t *id)
{
    outbox_load_t *load = &self->filling;
    pthread_mutex_lock(&self->lock);
    put_id(self, &load->cancels, &load->cancel_count, &load->cancel_room, id);
    bool first = call(self);
    pthread_mutex_unlock(&self->lock);
    return first;
}

const outbox_load_t *
outbox_take(outbox_t *self)
{
    self->taken.offer_count = 0;
    self->taken.watch_count = 0;
    self->taken.cancel_count = 0;
    pthread_mutex_lock(&self->lock);
    outbox_load_t full = self->filling;
    self->filling = self->taken;
    self->called = false;
    pthread_mutex_unlock(&self->lock);
    self->taken = full;
    return &self->taken;
}

uint64_t
outbox_dropped(outbox_t *self)
{
    pthread_mutex_lock(&self->lock);
    uint64_t dropped = self->dropped;
    pthread_mutex_unlock(&self->lock);
    return dropped;
}

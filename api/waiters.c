#include "api/waiters.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/job.h"

enum { BUCKETS = 1024 };

struct waiters {
    pthread_mutex_t lock;
    /* guarded by lock */
    waiter_t *buckets[BUCKETS];
    uint32_t count;
};

/* An id ends in random bits. */
static waiter_t **
bucket(waiters_t *self, const jobid_t *id)
{
    uint32_t bits;
    memcpy(&bits, id->bytes + JOBID_SIZE - sizeof bits, sizeof bits);
    return &self->buckets[bits % BUCKETS];
}

waiters_t *
waiters_new(void)
{
    waiters_t *self = mem_new(sizeof *self);
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void
waiters_destroy(waiters_t **self_p)
{
    waiters_t *self = take(*self_p);
    if (!self)
        return;
    assert(self->count == 0);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

void
waiters_add(waiters_t *self, waiter_t *waiter)
{
    pthread_mutex_lock(&self->lock);
    waiter_t **head = bucket(self, &waiter->id);
    waiter->next = *head;
    *head = waiter;
    self->count++;
    pthread_mutex_unlock(&self->lock);
}

void
waiters_remove(waiters_t *self, waiter_t *waiter)
{
    pthread_mutex_lock(&self->lock);
    waiter_t **at = bucket(self, &waiter->id);
    while (*at && *at != waiter)
        at = &(*at)->next;
    if (*at) {
        *at = waiter->next;
        self->count--;
    }
    pthread_mutex_unlock(&self->lock);
}

void
waiters_tell(waiters_t *self, const wire_change_t *change)
{
    if (change->state >= JOB_STATES || !job_state_final((job_state_t)change->state))
        return;
    pthread_mutex_lock(&self->lock);
    for (waiter_t **at = bucket(self, &change->job); *at;) {
        waiter_t *waiter = *at;
        if (!jobid_equal(&waiter->id, &change->job)) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next; /* before it is told: it may be gone afterwards */
        self->count--;
        waiter->tell(waiter, change);
    }
    pthread_mutex_unlock(&self->lock);
}

jobid_t *
waiters_ids(waiters_t *self, uint32_t *count)
{
    *count = 0;
    pthread_mutex_lock(&self->lock);
    jobid_t *ids = mem_array(self->count + 1, sizeof *ids);
    for (uint32_t i = 0; i < BUCKETS; i++) {
        for (const waiter_t *waiter = self->buckets[i]; waiter; waiter = waiter->next)
            ids[(*count)++] = waiter->id;
    }
    pthread_mutex_unlock(&self->lock);
    return ids;
}

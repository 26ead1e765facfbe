#include "api/inflaters.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct inflaters {
    shelf_t *shelf;
    pthread_t *threads;
    uint32_t count;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    /* guarded by lock */
    errand_t *waiting; /* for a thread that was called */
    uint32_t idle;     /* threads, without that one */
    bool over;
};

/* --- errands --- */

/* What is wrong with a page its reader will say, when it fetches it itself. */
static void
run(const inflaters_t *self, errand_t *errand)
{
    err_t err;
    while (errand) {
        errand_t *next = errand->next; /* done is gone */
        errand->sheet = shelf_put(self->shelf, &errand->key, &errand->page, NULL, &err);
        latch_mark(&errand->latch, ERRAND_DONE); /* who waits for it has no other end */
        errand = next;
    }
}

void
errand_await(errand_t *self)
{
    if (self->sent)
        latch_wait(&self->latch, ERRAND_DONE, -1);
    self->sent = false;
}

/* --- the threads --- */

/* NULL: it is over. */
static errand_t *
next_errands(inflaters_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->idle++;
    while (!self->waiting && !self->over)
        pthread_cond_wait(&self->wanted, &self->lock);
    errand_t *errands = take(self->waiting);
    pthread_mutex_unlock(&self->lock);
    return errands;
}

static void *
serve(void *arg)
{
    inflaters_t *self = arg;
    for (errand_t *errands = next_errands(self); errands; errands = next_errands(self))
        run(self, errands);
    return NULL;
}

inflaters_t *
inflaters_new(uint32_t count, shelf_t *shelf, err_t *err)
{
    own(inflaters) self = mem_new(sizeof *self);
    self->shelf = shelf;
    self->threads = mem_array(count, sizeof *self->threads);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->wanted, NULL);
    for (; self->count < count; self->count++) {
        if (pthread_create(&self->threads[self->count], NULL, serve, self) != 0) {
            err_set(err, ERR_LIMIT, "no more threads can be had");
            return NULL;
        }
    }
    return take(self);
}

void
inflaters_destroy(inflaters_t **self_p)
{
    inflaters_t *self = take(*self_p);
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    assert(!self->waiting);
    self->over = true;
    pthread_cond_broadcast(&self->wanted);
    pthread_mutex_unlock(&self->lock);
    for (uint32_t i = 0; i < self->count; i++)
        pthread_join(self->threads[i], NULL);
    pthread_cond_destroy(&self->wanted);
    pthread_mutex_destroy(&self->lock);
    free(self->threads);
    free(self);
}

static void
mark(errand_t *errands, bool sent)
{
    for (errand_t *errand = errands; errand; errand = errand->next)
        errand->sent = sent;
}

bool
inflaters_send(inflaters_t *self, errand_t *errands)
{
    for (errand_t *errand = errands; errand; errand = errand->next)
        latch_init(&errand->latch);
    mark(errands, true);
    pthread_mutex_lock(&self->lock);
    bool sent = self->idle > 0 && !self->waiting;
    if (sent) {
        self->idle--;
        self->waiting = errands;
        pthread_cond_signal(&self->wanted);
    }
    pthread_mutex_unlock(&self->lock);
    if (!sent)
        mark(errands, false);
    return sent;
}

#include "api/scouts.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct scouts {
    scouts_fetch_fn fetch;
    void *arg;
    shelf_t *shelf;
    pthread_t *threads;
    uint32_t count;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    /* guarded by lock */
    errand_t *first;
    errand_t **end;
    uint32_t waiting;
    bool over;
};

/* --- one errand --- */

/* What is wrong with a page its reader will say, when it fetches it itself. */
static void
run(const scouts_t *self, errand_t *errand)
{
    err_t err;
    own(page) page = self->fetch(self->arg, &errand->key, errand->row, SHELF_LARGE, &err);
    if (page && page->data && !errand->stored)
        errand->sheet = shelf_put(self->shelf, &errand->key, &page, NULL, &err);
    else if (page && (!page->data || page_sound(page)))
        errand->page = take(page);
    latch_mark(&errand->latch, ERRAND_DONE); /* who waits for it has no other end */
}

void
errand_await(errand_t *self)
{
    latch_wait(&self->latch, ERRAND_DONE, -1);
}

/* --- the threads --- */

/* NULL: it is over. */
static errand_t *
next_errand(scouts_t *self)
{
    pthread_mutex_lock(&self->lock);
    while (!self->first && !self->over)
        pthread_cond_wait(&self->wanted, &self->lock);
    errand_t *errand = self->first;
    if (errand) {
        self->first = errand->next;
        if (!self->first)
            self->end = &self->first;
        self->waiting--;
    }
    pthread_mutex_unlock(&self->lock);
    return errand;
}

static void *
serve(void *arg)
{
    scouts_t *self = arg;
    for (errand_t *errand = next_errand(self); errand; errand = next_errand(self))
        run(self, errand);
    return NULL;
}

scouts_t *
scouts_new(uint32_t count, scouts_fetch_fn fetch, void *arg, shelf_t *shelf, err_t *err)
{
    own(scouts) self = mem_new(sizeof *self);
    self->fetch = fetch;
    self->arg = arg;
    self->shelf = shelf;
    self->end = &self->first;
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
scouts_destroy(scouts_t **self_p)
{
    scouts_t *self = take(*self_p);
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    assert(!self->first);
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

bool
scouts_send(scouts_t *self, errand_t *errand)
{
    latch_init(&errand->latch);
    errand->page = NULL;
    errand->sheet = NULL;
    errand->next = NULL;
    pthread_mutex_lock(&self->lock);
    bool sent = self->waiting < self->count;
    if (sent) {
        *self->end = errand;
        self->end = &errand->next;
        self->waiting++;
        pthread_cond_signal(&self->wanted);
    }
    pthread_mutex_unlock(&self->lock);
    return sent;
}

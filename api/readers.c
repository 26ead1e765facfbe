#include "api/readers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"

enum { AGAIN_MS = 1000 };

struct readers {
    pthread_mutex_t lock;
    pthread_cond_t returned;
    /* guarded by lock */
    store_t **idle; /* a stack: the one used last is lent first */
    uint32_t idle_count;
    int64_t away_until_ms;
    err_t away;
};

readers_t *
readers_new(const char *dsn, const char *who, uint32_t count)
{
    readers_t *self = mem_new(sizeof *self);
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->returned, &attributes);
    pthread_condattr_destroy(&attributes);
    self->idle = mem_array(count, sizeof(store_t *));
    while (self->idle_count < count)
        self->idle[self->idle_count++] = store_new(dsn, who);
    return self;
}

void
readers_destroy(readers_t **self_p)
{
    readers_t *self = take(*self_p);
    if (!self)
        return;
    for (uint32_t i = 0; i < self->idle_count; i++)
        store_destroy(&self->idle[i]);
    free(self->idle);
    pthread_cond_destroy(&self->returned);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

/* With the lock held. */
static store_t *
borrow(readers_t *self, err_t *err)
{
    int64_t now_ms = clock_mono_ms();
    int64_t end_ms = now_ms + READERS_WAIT_MS;
    struct timespec end = { end_ms / 1000, end_ms % 1000 * 1000000 };
    for (int waited = 0;;) {
        if (clock_mono_ms() < self->away_until_ms) {
            *err = self->away;
            return NULL;
        }
        if (self->idle_count > 0)
            return self->idle[--self->idle_count];
        if (waited == ETIMEDOUT) {
            err_set(err, ERR_UNAVAILABLE, "too much is asked of the job store");
            return NULL;
        }
        waited = pthread_cond_timedwait(&self->returned, &self->lock, &end);
    }
}

bool
readers_call(readers_t *self, readers_fn call, void *arg, err_t *err)
{
    pthread_mutex_lock(&self->lock);
    store_t *store = borrow(self, err);
    pthread_mutex_unlock(&self->lock);
    if (!store)
        return false;

    int64_t began_ms = clock_mono_ms();
    bool good = call(store, arg, err);
    if (!good && readers_again(err, began_ms))
        good = call(store, arg, err);

    pthread_mutex_lock(&self->lock);
    self->idle[self->idle_count++] = store;
    if (!good && err->kind == ERR_UNAVAILABLE) {
        self->away = *err;
        self->away_until_ms = clock_mono_ms() + READERS_AWAY_MS;
        pthread_cond_broadcast(&self->returned);
    } else {
        pthread_cond_signal(&self->returned);
    }
    pthread_mutex_unlock(&self->lock);
    return good;
}

bool
readers_again(const err_t *err, int64_t began_ms)
{
    return err->kind == ERR_UNAVAILABLE && clock_mono_ms() - began_ms < AGAIN_MS;
}

/* --- pages --- */

typedef struct {
    const page_key_t *key;
    int64_t row;
    uint32_t most;
    page_t *page;
} page_call_t;

static bool
call_page(store_t *store, void *arg, err_t *err)
{
    page_call_t *call = arg;
    call->page = store_page(store, call->key, call->row, call->most, err);
    return call->page != NULL;
}

page_t *
readers_page(readers_t *self, const page_key_t *key, int64_t row, uint32_t most, err_t *err)
{
    page_call_t call = { .key = key, .row = row, .most = most };
    return readers_call(self, call_page, &call, err) ? call.page : NULL;
}

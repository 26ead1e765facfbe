#include "api/readers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"

enum { AGAIN_MS = 1000 };

/* One in the line, on its thread's stack. */
typedef struct place {
    struct place *next;
    pthread_cond_t called;
    store_t *store; /* what it was given */
    bool told;      /* that the store is away */
} place_t;

struct readers {
    int64_t wait_ms;
    pthread_mutex_t lock;
    /* guarded by lock */
    store_t **idle; /* a stack: the one used last is lent first; empty while somebody waits */
    uint32_t idle_count;
    place_t *first;
    uint32_t waiting;
    int64_t away_until_ms;
    err_t away;
};

readers_t *
readers_new(const char *dsn, const char *who, uint32_t count, int64_t wait_ms)
{
    readers_t *self = mem_new(sizeof *self);
    self->wait_ms = wait_ms;
    pthread_mutex_init(&self->lock, NULL);
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
    pthread_mutex_destroy(&self->lock);
    free(self);
}

uint32_t
readers_waiting(readers_t *self)
{
    pthread_mutex_lock(&self->lock);
    uint32_t waiting = self->waiting;
    pthread_mutex_unlock(&self->lock);
    return waiting;
}

/* --- the line; with the lock held --- */

static void
place_init(place_t *self)
{
    *self = (place_t){ .next = NULL };
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->called, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void
join(readers_t *self, place_t *one)
{
    place_t **end = &self->first;
    while (*end)
        end = &(*end)->next;
    *end = one;
    self->waiting++;
}

static void
leave(readers_t *self, const place_t *one)
{
    place_t **at = &self->first;
    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    self->waiting--;
}

static place_t *
call_first(readers_t *self)
{
    place_t *one = self->first;
    leave(self, one);
    pthread_cond_signal(&one->called);
    return one;
}

/* Who is called has left the line by then. */
static store_t *
wait_in_line(readers_t *self, err_t *err)
{
    int64_t end_ms = clock_mono_ms() + self->wait_ms;
    struct timespec end = { end_ms / 1000, end_ms % 1000 * 1000000 };
    place_t one;
    place_init(&one);
    join(self, &one);
    int waited = 0;
    while (!one.store && !one.told && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&one.called, &self->lock, &end);
    pthread_cond_destroy(&one.called);
    if (one.told) {
        *err = self->away;
    } else if (!one.store) {
        leave(self, &one);
        err_set(err, ERR_UNAVAILABLE, "too much is asked of the job store");
    }
    return one.store;
}

static store_t *
borrow(readers_t *self, err_t *err)
{
    if (clock_mono_ms() < self->away_until_ms) {
        *err = self->away;
        return NULL;
    }
    if (self->idle_count > 0)
        return self->idle[--self->idle_count];
    return wait_in_line(self, err);
}

static void
give_back(readers_t *self, store_t *store)
{
    if (self->first)
        call_first(self)->store = store;
    else
        self->idle[self->idle_count++] = store;
}

static void
tell_away(readers_t *self, const err_t *err)
{
    self->away = *err;
    self->away_until_ms = clock_mono_ms() + READERS_AWAY_MS;
    while (self->first)
        call_first(self)->told = true;
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
    if (!good && err->kind == ERR_UNAVAILABLE)
        tell_away(self, err);
    give_back(self, store);
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

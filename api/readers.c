#include "api/readers.h"

#include <pthread.h>
#include <stdlib.h>

#include "api/line.h"
#include "common/clock.h"

enum { AGAIN_MS = 1000 };

typedef struct {
    place_t place;
    store_t *store; /* what it was given; NULL: the store is away */
} guest_t;

struct readers {
    int64_t wait_ms;
    pthread_mutex_t lock;
    /* guarded by lock */
    store_t **idle; /* a stack: the one used last is lent first; empty while somebody waits */
    uint32_t idle_count;
    line_t line; /* of guests */
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
    uint32_t waiting = self->line.length;
    pthread_mutex_unlock(&self->lock);
    return waiting;
}

/* --- the line; with the lock held --- */

static store_t *
wait_in_line(readers_t *self, err_t *err)
{
    guest_t guest = { .store = NULL };
    if (!line_wait(&self->line, &guest.place, &self->lock, self->wait_ms))
        err_set(err, ERR_UNAVAILABLE, "too much is asked of the job store");
    else if (!guest.store)
        *err = self->away;
    return guest.store;
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
    if (self->line.first)
        ((guest_t *)line_call(&self->line))->store = store;
    else
        self->idle[self->idle_count++] = store;
}

static void
tell_away(readers_t *self, const err_t *err)
{
    self->away = *err;
    self->away_until_ms = clock_mono_ms() + READERS_AWAY_MS;
    while (self->line.first)
        line_call(&self->line);
}

/* `failed`: why it is of no use just now; NULL: it is. */
static void
bring_back(readers_t *self, store_t *store, const err_t *failed)
{
    pthread_mutex_lock(&self->lock);
    if (failed && failed->kind == ERR_UNAVAILABLE)
        tell_away(self, failed);
    give_back(self, store);
    pthread_mutex_unlock(&self->lock);
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

    bring_back(self, store, good ? NULL : err);
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

static store_t *
borrow_idle(readers_t *self)
{
    pthread_mutex_lock(&self->lock);
    bool there = self->idle_count > 0 && clock_mono_ms() >= self->away_until_ms;
    store_t *store = there ? self->idle[--self->idle_count] : NULL;
    pthread_mutex_unlock(&self->lock);
    return store;
}

store_t *
readers_ask(readers_t *self, const page_key_t *key, int64_t row, uint32_t most, uint32_t count)
{
    err_t err;
    store_t *store = borrow_idle(self);
    if (!store || store_pages_ask(store, key, row, most, count, &err))
        return store;
    bring_back(self, store, &err);
    return NULL;
}

uint32_t
readers_take(readers_t *self, store_t **store_p, const uint8_t before[PAGE_HASH_SIZE],
             page_t **pages, uint32_t count)
{
    store_t *store = take(*store_p);
    uint32_t taken = store_pages_take(store, before, pages, count);
    bring_back(self, store, NULL);
    return taken;
}

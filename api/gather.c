#include "api/gather.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

enum { TICK_AGAIN_MS = 1000, ANSWERED = 1 };

struct gather {
    gather_options_t options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;

    /* guarded by lock */
    gather_ask_t *first;
    gather_ask_t **last;
    bool sleeping;
    bool stopping;
    int64_t away_until_ms;
    err_t away; /* what was said when it was found away */

    atomic_bool up;
    int64_t tick_due_ms; /* the thread's own */
};

/* Give the answer away. The ask is not ours afterwards. */
static void
answer(gather_ask_t *ask)
{
    latch_t *latch = ask->latch;
    uint32_t flag = ask->flag;
    if (ask->quiet && ask->err.kind == ERR_NONE)
        latch_mark(latch, flag);
    else
        latch_raise(latch, flag);
}

/* What waits, with the lock held. */
static gather_ask_t *
take_all(gather_t *self)
{
    gather_ask_t *first = take(self->first);
    self->last = &self->first;
    return first;
}

/* Nobody is to wait for an attempt of his own: what waits is answered as well as what was tried.
 * It is written down first, so that who hears of it and asks again gets the same answer. */
static void
be_away(gather_t *self, gather_ask_t *const *asks, uint32_t count, const err_t *err)
{
    atomic_store(&self->up, false);
    pthread_mutex_lock(&self->lock);
    gather_ask_t *rest = take_all(self);
    self->away = *err;
    self->away_until_ms = clock_mono_ms() + self->options.away_ms;
    pthread_mutex_unlock(&self->lock);
    for (uint32_t i = 0; i < count; i++) {
        asks[i]->err = *err;
        answer(asks[i]);
    }
    while (rest) {
        gather_ask_t *next = rest->next;
        rest->err = *err;
        answer(rest);
        rest = next;
    }
}

static void
run(gather_t *self, gather_ask_t *const *asks, uint32_t count)
{
    err_t err;
    err_clear(&err);
    for (uint32_t i = 0; i < count; i++)
        err_clear(&asks[i]->err);
    bool ran = self->options.run(self->options.arg, asks, count, &err);
    if (!ran && err.kind == ERR_UNAVAILABLE) {
        be_away(self, asks, count, &err);
        return;
    }
    atomic_store(&self->up, true);
    for (uint32_t i = 0; i < count; i++) {
        if (!ran)
            asks[i]->err = err;
        answer(asks[i]);
    }
}

static void
tick(gather_t *self)
{
    if (!self->options.tick || clock_mono_ms() < self->tick_due_ms)
        return;
    err_t err;
    err_clear(&err);
    bool good = self->options.tick(self->options.arg, &err);
    self->tick_due_ms = clock_mono_ms() + (good ? self->options.tick_ms : TICK_AGAIN_MS);
    if (good)
        atomic_store(&self->up, true);
    else if (err.kind == ERR_UNAVAILABLE)
        be_away(self, NULL, 0, &err);
}

/* Sleep until there is work, a tick is due or the end has come; with the lock held. */
static void
wait_for_work(gather_t *self)
{
    struct timespec due = { self->tick_due_ms / 1000, self->tick_due_ms % 1000 * 1000000 };
    int slept = 0;
    while (!self->first && !self->stopping && slept != ETIMEDOUT) {
        self->sleeping = true;
        slept = self->options.tick ? pthread_cond_timedwait(&self->work, &self->lock, &due)
                                   : pthread_cond_wait(&self->work, &self->lock);
        self->sleeping = false;
    }
}

/* Move at most GATHER_MOST of what waits into `asks`; with the lock held. */
static uint32_t
take_some(gather_t *self, gather_ask_t **asks)
{
    uint32_t count = 0;
    while (self->first && count < GATHER_MOST) {
        asks[count] = self->first;
        self->first = asks[count++]->next;
    }
    if (!self->first)
        self->last = &self->first;
    return count;
}

static void *
gather_thread(void *arg)
{
    gather_t *self = arg;
    gather_ask_t *asks[GATHER_MOST];
    for (;;) {
        tick(self);
        pthread_mutex_lock(&self->lock);
        wait_for_work(self);
        uint32_t count = take_some(self, asks);
        bool over = count == 0 && self->stopping;
        pthread_mutex_unlock(&self->lock);
        if (over)
            return NULL;
        if (count > 0)
            run(self, asks, count);
    }
}

gather_t *
gather_new(const gather_options_t *options, err_t *err)
{
    gather_t *self = mem_new(sizeof *self);
    self->options = *options;
    self->last = &self->first;
    atomic_init(&self->up, true);
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->work, &attributes);
    pthread_condattr_destroy(&attributes);

    int failed = pthread_create(&self->thread, NULL, gather_thread, self);
    if (failed) {
        err_set(err, ERR_INTERNAL, "cannot start a thread: %s", strerror(failed));
        pthread_cond_destroy(&self->work);
        pthread_mutex_destroy(&self->lock);
        free(self);
        return NULL;
    }
    pthread_setname_np(self->thread, options->name);
    return self;
}

void
gather_destroy(gather_t **self_p)
{
    gather_t *self = take(*self_p);
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_cond_signal(&self->work);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    pthread_cond_destroy(&self->work);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

void
gather_put(gather_t *self, gather_ask_t *ask)
{
    ask->next = NULL;
    pthread_mutex_lock(&self->lock);
    bool away = clock_mono_ms() < self->away_until_ms;
    bool wake = false;
    if (away) {
        ask->err = self->away;
    } else {
        *self->last = ask;
        self->last = &ask->next;
        wake = self->sleeping;
        self->sleeping = false; /* one signal is enough, however many come before it runs */
    }
    pthread_mutex_unlock(&self->lock);
    if (away)
        answer(ask);
    else if (wake)
        pthread_cond_signal(&self->work);
}

bool
gather_call(gather_t *self, void *item, err_t *err)
{
    latch_t latch;
    latch_init(&latch);
    gather_ask_t ask = { .item = item, .latch = &latch, .flag = ANSWERED };
    gather_put(self, &ask);
    latch_wait(&latch, ANSWERED, -1);
    if (ask.err.kind == ERR_NONE)
        return true;
    *err = ask.err;
    return false;
}

bool
gather_up(const gather_t *self)
{
    return atomic_load(&self->up);
}

#include "broker/worker.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct worker {
    worker_fn run;
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the two flags */
    pthread_cond_t changed;
    bool woken;
    bool ending;
};

static void *
worker_start(void *arg)
{
    worker_t *self = arg;
    self->run(self->arg, self);
    return NULL;
}

worker_t *
worker_new(worker_fn run, void *arg)
{
    worker_t *self = mem_new(sizeof *self);
    self->run = run;
    self->arg = arg;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = pthread_create(&self->thread, NULL, worker_start, self);
    assert(rc == 0); /* a process that cannot have a thread at its start has no business running */
    return self;
}

static void
worker_say(worker_t *self, bool *flag)
{
    pthread_mutex_lock(&self->lock);
    *flag = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

void
worker_wake(worker_t *self)
{
    worker_say(self, &self->woken);
}

void
worker_destroy(worker_t **self_p)
{
    worker_t *self = *self_p;
    if (!self)
        return;
    worker_say(self, &self->ending);
    pthread_join(self->thread, NULL);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

bool
worker_sleep(worker_t *self, int64_t until_ms)
{
    struct timespec until = { .tv_sec = (time_t)(until_ms / 1000),
                              .tv_nsec = (long)(until_ms % 1000) * 1000000 };
    pthread_mutex_lock(&self->lock);
    int rc = 0;
    while (!self->ending && !self->woken && rc == 0)
        rc = pthread_cond_timedwait(&self->changed, &self->lock, &until);
    self->woken = false;
    bool going_on = !self->ending;
    pthread_mutex_unlock(&self->lock);
    return going_on;
}

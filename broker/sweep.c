#include "broker/sweep.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "broker/contact.h"
#include "broker/worker.h"
#include "common/clock.h"
#include "common/log.h"

typedef char name_t[sizeof((waiting_t *)0)->tenant];

/* What is to be done. */
typedef struct {
    bool asked;
    sweep_work_t work;
    name_t ample[SWEEP_NAMES_MOST];
    uint32_t ample_count;
} request_t;

typedef struct {
    waiting_t job;
    bool more;
} catch_item_t;

/* What was found. */
typedef struct {
    catch_item_t *items;
    uint32_t count;
    uint32_t room;
} catch_t;

struct sweep {
    sweep_options_t options;
    worker_t *worker;

    pthread_mutex_t lock; /* guards these two */
    request_t request;
    catch_t caught; /* on its way to the loop */

    /* the thread's own */
    store_t *store;
    contact_t contact; /* with the store */
    request_t now;
    catch_t catching;
    name_t tenant;      /* whose jobs are coming in */
    uint32_t of_tenant; /* how many of them */
    name_t after;       /* the last sweep had to stop behind this tenant; "": it did not */
    bool stopped;       /* this one had to stop */
    int64_t partitions_at_ms;
    bool away;
};

/* --- what the store calls back with, on the thread --- */

static void
catch_add(catch_t *self, const waiting_t *job, bool more)
{
    if (self->count == self->room) {
        self->room = self->room > 0 ? 2 * self->room : 64;
        self->items = mem_grow(self->items, self->room * sizeof *self->items);
    }
    self->items[self->count++] = (catch_item_t){ .job = *job, .more = more };
}

static void
found_recovering(void *arg, const waiting_t *job)
{
    sweep_t *self = arg;
    catch_add(&self->catching, job, false);
}

/* Jobs come tenant by tenant; as many as were asked for means that there are more. */
static void
found_pending(void *arg, const waiting_t *job)
{
    sweep_t *self = arg;
    if (strcmp(self->tenant, job->tenant) != 0) {
        memcpy(self->tenant, job->tenant, sizeof self->tenant);
        self->of_tenant = 0;
    }
    self->of_tenant++;
    catch_add(&self->catching, job, self->of_tenant >= self->options.tenant_window);
}

static bool
is_ample(const request_t *request, const char *tenant)
{
    for (uint32_t i = 0; i < request->ample_count; i++) {
        if (strcmp(request->ample[i], tenant) == 0)
            return true;
    }
    return false;
}

static bool
skip_tenant(void *arg, const char *tenant)
{
    sweep_t *self = arg;
    if (self->catching.count >= self->options.window) {
        self->stopped = true;
        return true;
    }
    return strcmp(tenant, self->after) <= 0 || is_ample(&self->now, tenant);
}

/* --- one sweep --- */

static bool
sweep_touch(sweep_t *self, err_t *err)
{
    int64_t asked_ms = clock_mono_ms();
    int64_t store_ms = 0;
    if (!store_clock(self->store, &store_ms, err))
        return false;
    contact_made(&self->contact, asked_ms, clock_mono_ms());
    return true;
}

static bool
sweep_nodes(sweep_t *self, err_t *err)
{
    uint32_t nodes = 0;
    if (!sweep_touch(self, err))
        return false;
    if (!contact_lasts(&self->contact, self->options.lease_ms, clock_mono_ms()))
        return true;
    if (!store_sweep_nodes(self->store, found_recovering, self, &nodes, err))
        return false;
    if (nodes > 0)
        log_info("sweep.nodes", "gone=%u recovering=%u", nodes, self->catching.count);
    return true;
}

static bool
sweep_partitions(sweep_t *self, err_t *err)
{
    if (clock_mono_ms() < self->partitions_at_ms)
        return true;
    if (!store_sweep_partitions(self->store, self->options.page_days, err))
        return false;
    self->partitions_at_ms = clock_mono_ms() + SWEEP_PARTITIONS_MS;
    return true;
}

static bool
sweep_pending(sweep_t *self, err_t *err)
{
    self->stopped = false;
    self->tenant[0] = '\0';
    self->of_tenant = 0;
    if (!store_sweep_pending(self->store, self->options.tenant_window, skip_tenant, found_pending,
                             self, err))
        return false;
    if (self->stopped && self->of_tenant > 0)
        memcpy(self->after, self->tenant, sizeof self->after);
    else
        self->after[0] = '\0';
    return true;
}

static void
sweep_all(sweep_t *self)
{
    err_t err;
    bool whole = self->now.work == SWEEP_WHOLE;
    bool swept = sweep_touch(self, &err)
                 && (!whole || (sweep_partitions(self, &err) && sweep_nodes(self, &err)))
                 && (self->now.work == SWEEP_TOUCH || sweep_pending(self, &err));
    if (!swept && !self->away)
        log_warn("sweep.failed", "why=%s", err.text);
    self->away = !swept;
    if (!swept)
        contact_lost(&self->contact);
}

/* --- between thread and loop --- */

/* Take the request, unless the loop has not yet seen what was found before. */
static bool
sweep_begin(sweep_t *self)
{
    pthread_mutex_lock(&self->lock);
    bool begin = self->request.asked && self->caught.count == 0;
    if (begin)
        self->now = self->request;
    self->request.asked = false;
    pthread_mutex_unlock(&self->lock);
    return begin;
}

/* On the loop: hand over what was found, and with it the memory it stood in. */
static void
sweep_deliver(void *arg)
{
    sweep_t *self = arg;
    pthread_mutex_lock(&self->lock);
    catch_t caught = self->caught;
    self->caught = (catch_t){ 0 };
    pthread_mutex_unlock(&self->lock);
    for (uint32_t i = 0; i < caught.count; i++)
        self->options.found(self->options.arg, &caught.items[i].job, caught.items[i].more);
    free(caught.items);
}

static void
sweep_end(sweep_t *self)
{
    if (self->catching.count == 0)
        return;
    pthread_mutex_lock(&self->lock);
    self->caught = self->catching;
    pthread_mutex_unlock(&self->lock);
    self->catching = (catch_t){ 0 };
    loop_post(self->options.loop, sweep_deliver, self);
}

static void
sweep_run(void *arg, worker_t *worker)
{
    sweep_t *self = arg;
    while (worker_sleep(worker, INT64_MAX / 2)) {
        if (!sweep_begin(self))
            continue;
        sweep_all(self);
        sweep_end(self);
    }
}

void
sweep_ask(sweep_t *self, const char *const *ample, uint32_t count, sweep_work_t work)
{
    if (count > SWEEP_NAMES_MOST)
        count = SWEEP_NAMES_MOST;
    pthread_mutex_lock(&self->lock);
    if (!self->request.asked || work > self->request.work)
        self->request.work = work;
    self->request.asked = true;
    self->request.ample_count = count;
    for (uint32_t i = 0; i < count; i++) {
        size_t size = strnlen(ample[i], sizeof(name_t) - 1);
        memcpy(self->request.ample[i], ample[i], size);
        self->request.ample[i][size] = '\0';
    }
    pthread_mutex_unlock(&self->lock);
    worker_wake(self->worker);
}

sweep_t *
sweep_new(const sweep_options_t *options)
{
    sweep_t *self = mem_new(sizeof *self);
    self->options = *options;
    /* Two of our own visits that are late do not make a break. */
    int64_t visits_ms = 3 * options->period_ms;
    self->contact.gap_ms = visits_ms > options->lease_ms / 2 ? visits_ms : options->lease_ms / 2;
    self->store = store_new(options->store, "millrace/broker/sweep");
    pthread_mutex_init(&self->lock, NULL);
    self->worker = worker_new(sweep_run, self);
    return self;
}

void
sweep_destroy(sweep_t **self_p)
{
    sweep_t *self = *self_p;
    if (!self)
        return;
    worker_destroy(&self->worker);
    store_destroy(&self->store);
    free(self->caught.items);
    free(self->catching.items);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

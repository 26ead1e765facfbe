#include "broker/sweep.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "broker/contact.h"
#include "broker/worker.h"
#include "common/clock.h"
#include "common/log.h"

enum {
    PAIRS_AT_ONCE = 1024, /* of one look at who has jobs */
    LOOKS_MOST = 16,      /* such looks in a sweep; the next one goes on */
    PAIR_LEAST = 8,       /* jobs read of a pair, however many its tenant has */
    OVERDUE_AT_ONCE = 500,
    OVERDUE_MS = 250, /* then what waits is looked for again */
};

typedef struct {
    char tenant[sizeof((waiting_t *)0)->tenant];
    char source[sizeof((waiting_t *)0)->source];
} ample_t;

typedef struct {
    char source[sizeof((waiting_t *)0)->source];
    bool ripe;
} barred_t;

/* What is to be done. */
typedef struct {
    bool asked;
    sweep_work_t work;
    ample_t ample[SWEEP_PAIRS_MOST];
    uint32_t ample_count;
    barred_t barred[QUEUE_BARRED_MOST];
    uint32_t barred_count;
    line_name_t lines[SWEEP_LINES_MOST];
    uint32_t lines_count;
    line_tenant_t tenants[SWEEP_LINES_MOST];
    uint32_t tenants_count;
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

    pthread_mutex_t lock; /* guards these three */
    request_t request;
    catch_t caught; /* on its way to the loop, */
    haul_t hauled;  /* and so are these */

    /* the thread's own */
    store_t *store;
    contact_t contact; /* with the store */
    request_t now;
    catch_t catching;
    walk_t *walk;
    haul_t hauling;
    store_pair_t pairs[PAIRS_AT_ONCE]; /* who has jobs */
    store_pair_t after;                /* where the last sweep had to stop; { 0 }: it did not */
    uint32_t of_pair;                  /* jobs of the pair whose jobs are coming in */
    uint32_t limit;                    /* ... of which there are no more than this */
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

/* As many as were asked for means that there are more. */
static void
found_pending(void *arg, const waiting_t *job)
{
    sweep_t *self = arg;
    self->of_pair++;
    catch_add(&self->catching, job, self->of_pair >= self->limit);
}

/* --- what to leave out --- */

static int
ample_compare(const void *a, const void *b)
{
    const ample_t *left = a;
    const ample_t *right = b;
    int order = strcmp(left->tenant, right->tenant);
    return order != 0 ? order : strcmp(left->source, right->source);
}

static int
barred_compare(const void *a, const void *b)
{
    return strcmp(((const barred_t *)a)->source, ((const barred_t *)b)->source);
}

static bool
is_ample(const request_t *request, const store_pair_t *pair)
{
    ample_t key = { 0 };
    memcpy(key.tenant, pair->tenant, sizeof key.tenant);
    memcpy(key.source, pair->source, sizeof key.source);
    return bsearch(&key, request->ample, request->ample_count, sizeof key, ample_compare);
}

static const barred_t *
find_barred(const request_t *request, const char *source)
{
    barred_t key = { 0 };
    memcpy(key.source, source, sizeof key.source);
    return bsearch(&key, request->barred, request->barred_count, sizeof key, barred_compare);
}

/* How many jobs of this pair are wanted, when its tenant has so many pairs? */
static uint32_t
wanted(const sweep_t *self, const store_pair_t *pair, uint32_t of_tenant)
{
    const barred_t *barred = find_barred(&self->now, pair->source);
    if (pair->paused || (barred && !barred->ripe) || is_ample(&self->now, pair))
        return 0;
    if (barred)
        return 1;
    uint32_t share = self->options.tenant_window / of_tenant;
    return share > PAIR_LEAST ? share : (uint32_t)PAIR_LEAST;
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

/* How many pairs from here on are the same tenant's? */
static uint32_t
pairs_alike(const store_pair_t *pairs, uint32_t count)
{
    uint32_t alike = 1;
    while (alike < count && strcmp(pairs[alike].tenant, pairs[0].tenant) == 0)
        alike++;
    return alike;
}

/* The heads of these pairs, until the window is full. */
static bool
sweep_heads(sweep_t *self, uint32_t count, bool *full, err_t *err)
{
    uint32_t of_tenant = 0;
    for (uint32_t i = 0; i < count; i++) {
        const store_pair_t *pair = &self->pairs[i];
        if (i == 0 || strcmp(pair->tenant, pair[-1].tenant) != 0)
            of_tenant = pairs_alike(pair, count - i);
        *full = self->catching.count >= self->options.window;
        if (*full)
            return true;
        self->of_pair = 0;
        self->limit = wanted(self, pair, of_tenant);
        if (self->limit > 0
            && !store_sweep_pending(self->store, pair, self->limit, found_pending, self, err))
            return false;
        self->after = *pair;
    }
    return true;
}

static bool
sweep_pending(sweep_t *self, err_t *err)
{
    bool full = false;
    for (int i = 0; i < LOOKS_MOST && !full; i++) {
        uint32_t count = 0;
        if (!store_sweep_pairs(self->store, &self->after, self->pairs, PAIRS_AT_ONCE, &count, err)
            || !sweep_heads(self, count, &full, err))
            return false;
        if (!full && count < PAIRS_AT_ONCE) {
            self->after = (store_pair_t){ 0 };
            return true;
        }
    }
    return true;
}

/* Jobs whose time was over while nobody had them. */
static bool
sweep_overdue(sweep_t *self, err_t *err)
{
    int64_t until_ms = clock_mono_ms() + OVERDUE_MS;
    uint32_t all = 0;
    uint32_t ended = OVERDUE_AT_ONCE;
    while (ended >= OVERDUE_AT_ONCE && clock_mono_ms() < until_ms) {
        if (!store_sweep_overdue(self->store, self->options.deadline_ms, OVERDUE_AT_ONCE, &ended,
                                 err))
            return false;
        all += ended;
    }
    if (all > 0)
        log_info("sweep.overdue", "ended=%u", all);
    return true;
}

/* Did it go well? A store that is away is named once. */
static void
sweep_mark(sweep_t *self, bool swept, const err_t *err)
{
    if (!swept && !self->away)
        log_warn("sweep.failed", "why=%s", err->text);
    self->away = !swept;
    if (!swept)
        contact_lost(&self->contact);
}

/* Lines that are asked for; then those of tenants that are short of them, or of all. */
static bool
sweep_lines(sweep_t *self, err_t *err)
{
    const request_t *now = &self->now;
    haul_t *haul = &self->hauling;
    if (!walk_lines(self->walk, self->store, now->lines, now->lines_count, haul, err))
        return false;
    if (now->work == SWEEP_WHOLE)
        return walk_all(self->walk, self->store, haul, err);
    return walk_tenants(self->walk, self->store, now->tenants, now->tenants_count, haul, err);
}

static bool
sweep_all(sweep_t *self, err_t *err)
{
    sweep_work_t work = self->now.work;
    if (!sweep_touch(self, err)
        || (work == SWEEP_WHOLE && !(sweep_partitions(self, err) && sweep_nodes(self, err))))
        return false;
    return work == SWEEP_TOUCH
           || (sweep_lines(self, err) && (work == SWEEP_LINES || sweep_pending(self, err)));
}

/* --- between thread and loop --- */

/* Take the request, unless the loop has not yet seen what was found before: it stays then. */
static bool
sweep_begin(sweep_t *self)
{
    pthread_mutex_lock(&self->lock);
    bool begin = self->request.asked && self->caught.count == 0 && self->hauled.count == 0;
    if (begin) {
        self->now = self->request;
        self->request.asked = false;
    }
    pthread_mutex_unlock(&self->lock);
    qsort(self->now.ample, self->now.ample_count, sizeof self->now.ample[0], ample_compare);
    qsort(self->now.barred, self->now.barred_count, sizeof self->now.barred[0], barred_compare);
    return begin;
}

/* On the loop: hand over what was found, and with it the memory it stood in. */
static void
sweep_deliver(void *arg)
{
    sweep_t *self = arg;
    pthread_mutex_lock(&self->lock);
    catch_t caught = self->caught;
    haul_t hauled = self->hauled;
    self->caught = (catch_t){ 0 };
    self->hauled = (haul_t){ 0 };
    bool asked = self->request.asked;
    pthread_mutex_unlock(&self->lock);
    if (asked)
        worker_wake(self->worker);
    for (uint32_t i = 0; i < caught.count; i++)
        self->options.found(self->options.arg, &caught.items[i].job, caught.items[i].more);
    haul_deliver(&hauled, &self->options.lines);
    free(caught.items);
    haul_clear(&hauled);
}

static void
sweep_end(sweep_t *self)
{
    if (self->catching.count == 0 && self->hauling.count == 0)
        return;
    pthread_mutex_lock(&self->lock);
    self->caught = self->catching;
    self->hauled = self->hauling;
    pthread_mutex_unlock(&self->lock);
    self->catching = (catch_t){ 0 };
    self->hauling = (haul_t){ 0 };
    loop_post(self->options.loop, sweep_deliver, self);
}

static void
sweep_run(void *arg, worker_t *worker)
{
    sweep_t *self = arg;
    while (worker_sleep(worker, INT64_MAX / 2)) {
        if (!sweep_begin(self))
            continue;
        err_t err;
        bool swept = sweep_all(self, &err);
        sweep_end(self);
        if (swept && self->now.work == SWEEP_WHOLE)
            swept = sweep_overdue(self, &err);
        sweep_mark(self, swept, &err);
    }
}

static void
copy_name(char *to, size_t size, const char *name)
{
    memset(to, 0, size);
    memcpy(to, name, strnlen(name, size - 1));
}

static void
request_lines(request_t *self, const sweep_spare_t *spare)
{
    self->lines_count =
        spare->lines_count < SWEEP_LINES_MOST ? spare->lines_count : (uint32_t)SWEEP_LINES_MOST;
    for (uint32_t i = 0; i < self->lines_count; i++) {
        line_name_t *line = &self->lines[i];
        copy_name(line->tenant, sizeof line->tenant, spare->lines[i].tenant);
        copy_name(line->queue_key, sizeof line->queue_key, spare->lines[i].queue_key);
    }
    self->tenants_count =
        spare->tenants_count < SWEEP_LINES_MOST ? spare->tenants_count : (uint32_t)SWEEP_LINES_MOST;
    for (uint32_t i = 0; i < self->tenants_count; i++)
        copy_name(self->tenants[i].tenant, sizeof self->tenants[i].tenant, spare->tenants[i]);
}

static void
request_spare(request_t *self, const sweep_spare_t *spare)
{
    self->ample_count =
        spare->ample_count < SWEEP_PAIRS_MOST ? spare->ample_count : (uint32_t)SWEEP_PAIRS_MOST;
    for (uint32_t i = 0; i < self->ample_count; i++) {
        ample_t *ample = &self->ample[i];
        copy_name(ample->tenant, sizeof ample->tenant, spare->ample[i].tenant);
        copy_name(ample->source, sizeof ample->source, spare->ample[i].source);
    }
    self->barred_count =
        spare->barred_count < QUEUE_BARRED_MOST ? spare->barred_count : (uint32_t)QUEUE_BARRED_MOST;
    for (uint32_t i = 0; i < self->barred_count; i++) {
        self->barred[i].ripe = spare->barred[i].ripe;
        copy_name(self->barred[i].source, sizeof self->barred[i].source, spare->barred[i].source);
    }
}

void
sweep_ask(sweep_t *self, const sweep_spare_t *spare, sweep_work_t work)
{
    pthread_mutex_lock(&self->lock);
    if (!self->request.asked || work > self->request.work)
        self->request.work = work;
    self->request.asked = true;
    request_spare(&self->request, spare);
    request_lines(&self->request, spare);
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
    self->walk = walk_new(options->window, options->tenant_window);
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
    walk_destroy(&self->walk);
    haul_clear(&self->hauled);
    haul_clear(&self->hauling);
    free(self->caught.items);
    free(self->catching.items);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *self_p = NULL;
}

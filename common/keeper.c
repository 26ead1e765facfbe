/* keeper.c - the thread behind a node's row. What the loop is told stands in the keeper itself, so
 * that a post which never runs leaves nothing behind. */
#include "common/keeper.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"

enum {
    RETRY_MS = 250,           /* between two tries while the store is away */
    LOOK_FOR_LEADER_MS = 500, /* between two looks while no broker leads */
};

struct keeper {
    keeper_options_t options; /* texts are ours */
    store_t *store;           /* the thread's, once it runs */
    pthread_t thread;
    bool stuck; /* the thread's: it has said so */

    pthread_mutex_t lock; /* guards what follows; `changed` says that some of it did */
    pthread_cond_t changed;
    bool ending;
    bool deposed_ran;
    broker_t brokers[BROKERS_MOST];
    uint32_t brokers_count;
    bool brokers_told; /* the loop has a post under way for the list */

    atomic_bool answered;               /* did the store, last time? */
    atomic_int_least64_t good_until_ms; /* monotonic: the lease, as long as we may believe in it */
    atomic_int_least64_t incarnation;
};

/* Sleep until keeper_destroy() or until `ms` are over. False: the keeper ends. */
static bool
keeper_sleep(keeper_t *self, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&self->lock);
    int rc = 0;
    while (!self->ending && rc == 0)
        rc = pthread_cond_timedwait(&self->changed, &self->lock, &until);
    bool going_on = !self->ending;
    pthread_mutex_unlock(&self->lock);
    return going_on;
}

static int64_t
renewal_ms(const keeper_t *self)
{
    return self->options.lease_ms * 3 / 10;
}

/* --- the row --- */

/* Microseconds, and later than any this process had. */
static void
incarnation_next(keeper_t *self)
{
    int64_t next = clock_wall_ms() * 1000 + clock_mono_us() % 1000;
    int64_t last = atomic_load(&self->incarnation);
    atomic_store(&self->incarnation, next > last ? next : last + 1);
}

static node_t
keeper_node(const keeper_t *self)
{
    const keeper_options_t *options = &self->options;
    return (node_t){ .name = options->name,
                     .incarnation = keeper_incarnation(self),
                     .role = options->role,
                     .public_key = options->public_key,
                     .endpoint = options->endpoint,
                     .url = options->url,
                     .lease_ms = options->lease_ms };
}

/* Write the row by `call`. The lease counts from before the question: never longer than the
 * store's. */
static bool
keeper_write(keeper_t *self, bool (*call)(store_t *, const node_t *, err_t *), err_t *err)
{
    node_t node = keeper_node(self);
    int64_t asked_ms = clock_mono_ms();
    bool written = call(self->store, &node, err);
    atomic_store(&self->answered, written || err->kind != ERR_UNAVAILABLE);
    if (written)
        atomic_store(&self->good_until_ms, asked_ms + self->options.lease_ms);
    return written;
}

/* --- brokers --- */

static void
brokers_tell(void *arg)
{
    keeper_t *self = arg;
    broker_t brokers[BROKERS_MOST];
    pthread_mutex_lock(&self->lock);
    uint32_t count = self->brokers_count;
    memcpy(brokers, self->brokers, sizeof brokers);
    self->brokers_told = false;
    pthread_mutex_unlock(&self->lock);
    self->options.brokers(self->options.arg, brokers, count);
}

static bool
broker_equal(const broker_t *a, const broker_t *b)
{
    return a->epoch == b->epoch && strcmp(a->name, b->name) == 0
           && strcmp(a->endpoint, b->endpoint) == 0 && strcmp(a->public_key, b->public_key) == 0;
}

static bool
brokers_equal(const keeper_t *self, const broker_t *brokers, uint32_t count)
{
    bool equal = self->brokers_count == count;
    for (uint32_t i = 0; equal && i < count; i++)
        equal = broker_equal(&self->brokers[i], &brokers[i]);
    return equal;
}

/* Read the list; a post goes out when it is another than before and none is under way. */
static bool
brokers_read(keeper_t *self, err_t *err)
{
    broker_t brokers[BROKERS_MOST] = { 0 };
    uint32_t count = 0;
    if (!store_brokers(self->store, brokers, &count, err))
        return false;
    pthread_mutex_lock(&self->lock);
    bool tell = false;
    if (!brokers_equal(self, brokers, count)) {
        memcpy(self->brokers, brokers, sizeof brokers);
        self->brokers_count = count;
        tell = !self->brokers_told;
        self->brokers_told = true;
    }
    pthread_mutex_unlock(&self->lock);
    if (tell && self->options.brokers)
        loop_post(self->options.loop, brokers_tell, self);
    return true;
}

static bool
brokers_lead(keeper_t *self)
{
    bool lead = false;
    for (uint32_t i = 0; i < self->brokers_count; i++)
        lead = lead || self->brokers[i].epoch > 0;
    return lead; /* only this thread writes the list, so it may read without the lock */
}

/* --- the thread --- */

static void
deposed_tell(void *arg)
{
    keeper_t *self = arg;
    self->options.deposed(self->options.arg, keeper_incarnation(self));
    pthread_mutex_lock(&self->lock);
    self->deposed_ran = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

/* The row is gone. Whoever holds jobs by it must first have let go of them: only then may the node
 * be seen again, and under a name that no lost claim has. */
static void
keeper_deposed(keeper_t *self)
{
    log_warn("node.deposed", "name=%s incarnation=%lld", self->options.name,
             (long long)keeper_incarnation(self));
    atomic_store(&self->good_until_ms, 0);
    if (!self->options.deposed)
        return;
    incarnation_next(self);
    self->deposed_ran = false; /* nobody else touches it before the post */
    loop_post(self->options.loop, deposed_tell, self);
    pthread_mutex_lock(&self->lock);
    while (!self->ending && !self->deposed_ran)
        pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

/* A loop that does not turn must not look alive: its lease runs out, and its work is given on. */
static bool
loop_turns(keeper_t *self)
{
    int64_t still_ms = clock_mono_ms() - loop_last_turn_ms(self->options.loop);
    bool stuck = still_ms >= self->options.lease_ms / 2;
    if (stuck && !self->stuck)
        log_warn("node.stuck", "name=%s still_ms=%lld", self->options.name, (long long)still_ms);
    self->stuck = stuck;
    return !stuck;
}

/* One renewal; *enrolled says whether there is a row to renew. */
static bool
keeper_renew(keeper_t *self, bool *enrolled, err_t *err)
{
    if (*enrolled) {
        if (keeper_write(self, store_node_renew, err))
            return true;
        if (err->kind != ERR_GONE)
            return false;
        *enrolled = false;
        keeper_deposed(self);
    }
    *enrolled = keeper_write(self, store_node_enroll, err);
    return *enrolled;
}

/* Milliseconds to the next look. */
static int64_t
keeper_pause(keeper_t *self, bool kept, int64_t renew_at_ms)
{
    if (!kept)
        return RETRY_MS;
    int64_t pause_ms = renew_at_ms - clock_mono_ms();
    if (self->options.brokers && !brokers_lead(self) && pause_ms > LOOK_FOR_LEADER_MS)
        pause_ms = LOOK_FOR_LEADER_MS;
    return pause_ms > 0 ? pause_ms : 0;
}

static void
keeper_say(const keeper_t *self, bool before, bool kept, const err_t *err)
{
    if (before && !kept)
        log_warn("node.store_away", "name=%s why=%s", self->options.name, err->text);
    if (!before && kept)
        log_info("node.store_back", "name=%s", self->options.name);
}

static void *
keeper_run(void *arg)
{
    keeper_t *self = arg;
    bool enrolled = true;
    bool kept = true;
    int64_t renew_at_ms = clock_mono_ms() + renewal_ms(self);
    while (keeper_sleep(self, keeper_pause(self, kept, renew_at_ms))) {
        err_t err = { 0 };
        bool before = kept;
        bool due = !kept || clock_mono_ms() >= renew_at_ms;
        if (due && !loop_turns(self)) {
            renew_at_ms = clock_mono_ms() + RETRY_MS;
            continue;
        }
        kept = (!due || keeper_renew(self, &enrolled, &err)) && brokers_read(self, &err);
        if (kept && due)
            renew_at_ms = clock_mono_ms() + renewal_ms(self);
        keeper_say(self, before, kept, &err);
    }
    return NULL;
}

/* --- start and stop --- */

static keeper_t *
keeper_copy(const keeper_options_t *options)
{
    keeper_t *self = mem_new(sizeof *self);
    self->options = *options;
    self->options.store = mem_text(options->store);
    self->options.role = mem_text(options->role);
    self->options.name = mem_text(options->name);
    self->options.endpoint = mem_text(options->endpoint);
    self->options.url = mem_text(options->url);
    self->options.public_key = mem_text(options->public_key);
    own(mem) who = mem_format("millrace/%s/keeper", options->name);
    self->store = store_new(options->store, who);
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    incarnation_next(self);
    return self;
}

static void
text_free(const char *text)
{
    /* the options are declared for the caller, as const; these copies are ours */
    union {
        const char *theirs;
        char *ours;
    } both = { .theirs = text };
    free(both.ours);
}

static void
keeper_free(keeper_t **self_p)
{
    keeper_t *self = *self_p;
    store_destroy(&self->store);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    text_free(self->options.store);
    text_free(self->options.role);
    text_free(self->options.name);
    text_free(self->options.endpoint);
    text_free(self->options.url);
    text_free(self->options.public_key);
    free(self);
    *self_p = NULL;
}

static bool
keeper_enter(keeper_t *self, err_t *err)
{
    return store_migrate(self->store, err) && keeper_write(self, store_node_enroll, err)
           && brokers_read(self, err);
}

/* A caller who blocked the stop signals to read them on its loop still wants to be stopped now. */
static bool
stop_waits(void)
{
    sigset_t waiting;
    sigpending(&waiting);
    return sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1;
}

/* Only a store that is away is worth the patience. */
static bool
keeper_try(keeper_t *self, int64_t patience_ms, err_t *err)
{
    int64_t until_ms = clock_mono_ms() + patience_ms;
    bool said = false;
    while (!keeper_enter(self, err)) {
        if (err->kind != ERR_UNAVAILABLE || clock_mono_ms() >= until_ms || stop_waits())
            return false;
        if (!said)
            log_info("node.waiting", "name=%s why=%s", self->options.name, err->text);
        said = true;
        keeper_sleep(self, RETRY_MS);
    }
    return true;
}

keeper_t *
keeper_new(const keeper_options_t *options, int64_t patience_ms, err_t *err)
{
    keeper_t *self = keeper_copy(options);
    if (!keeper_try(self, patience_ms, err)) {
        keeper_free(&self);
        return NULL;
    }
    int rc = pthread_create(&self->thread, NULL, keeper_run, self);
    assert(rc == 0); /* a node that cannot have a thread at its start has no business running */
    return self;
}

void
keeper_destroy(keeper_t **self_p)
{
    keeper_t *self = *self_p;
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    self->ending = true;
    pthread_cond_signal(&self->changed);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    err_t err;
    node_t node = keeper_node(self);
    if (!store_node_leave(self->store, &node, &err))
        log_info("node.leave", "name=%s why=%s", self->options.name, err.text);
    keeper_free(self_p);
}

int64_t
keeper_incarnation(const keeper_t *self)
{
    return atomic_load(&self->incarnation);
}

bool
keeper_up(const keeper_t *self, int64_t margin_ms)
{
    return atomic_load(&self->answered)
           && clock_mono_ms() + margin_ms < atomic_load(&self->good_until_ms);
}

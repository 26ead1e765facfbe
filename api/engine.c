#include "api/engine_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/http.h"
#include "api/rows.h"
#include "common/clock.h"
#include "common/log.h"

enum {
    NAME_MOST = 63,
    AWAY_MS = 250,       /* a store that is away is not tried for so long */
    PATIENCE_MS = 30000, /* for a store that is away when the node starts */
    CLOCK_EVERY_MS = 60000,
    CLOCK_TRIP_MS = 100, /* a slower answer says too little about the store's time */
    CLOCK_TRIES = 3,
    CALLERS_MOST = 10000, /* whose rate of calls is remembered */
    HANDS = 4,
    REMOVERS = 2,
    HANDS_WAIT_MS = 5000,
    PAGES_WAIT_MS = 30000, /* a stream that has begun would be cut */
};

/* --- the gathered calls, each on its own thread --- */

void
engine_own_up(err_t *err, const char *call)
{
    if (err->kind != ERR_SQL)
        return;
    log_error("engine.refused", "call=%s sqlstate=%s %s", call, err->sqlstate, err->text);
    /* out of resources, shutting down, or read-only: somebody will see to it */
    bool passing = strncmp(err->sqlstate, "53", 2) == 0 || strncmp(err->sqlstate, "57", 2) == 0
                   || strncmp(err->sqlstate, "25", 2) == 0;
    if (passing)
        err_set(err, ERR_UNAVAILABLE, "the job store cannot do this now");
    else
        err_set(err, ERR_INTERNAL, "the job store refused this");
}

/* Jobs are offered here and not by their submitters: one message for all, before anybody wakes. */
static bool
run_submits(void *arg, gather_ask_t *const *asks, uint32_t count, err_t *err)
{
    engine_t *self = arg;
    submit_t *jobs[GATHER_MOST];
    const submit_t *stored[GATHER_MOST];
    for (uint32_t i = 0; i < count; i++) {
        jobs[i] = asks[i]->item;
        err_clear(&jobs[i]->err);
    }
    if (!store_submit(self->submit_store, jobs, count, err)) {
        engine_own_up(err, "submit");
        return false;
    }
    uint32_t good = 0;
    for (uint32_t i = 0; i < count; i++) {
        engine_own_up(&jobs[i]->err, "submit");
        if (jobs[i]->err.kind == ERR_NONE && !jobs[i]->existed)
            stored[good++] = jobs[i];
        asks[i]->err = jobs[i]->err;
    }
    courier_offer(self->courier, stored, good);
    return true;
}

/* One job that cannot be read (its manifest is broken, say) must not hide its neighbours. */
static void
find_singly(engine_t *self, gather_ask_t *const *asks, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        find_t *job = asks[i]->item;
        if (i > 0 && asks[i - 1]->err.kind == ERR_UNAVAILABLE)
            asks[i]->err = asks[i - 1]->err;
        else if (store_find(self->find_store, &job, 1, &asks[i]->err))
            err_clear(&asks[i]->err);
        else
            engine_own_up(&asks[i]->err, "find");
    }
}

static bool
run_finds(void *arg, gather_ask_t *const *asks, uint32_t count, err_t *err)
{
    engine_t *self = arg;
    find_t *jobs[GATHER_MOST];
    for (uint32_t i = 0; i < count; i++)
        jobs[i] = asks[i]->item;
    if (store_find(self->find_store, jobs, count, err))
        return true;
    engine_own_up(err, "find");
    if (err->kind == ERR_UNAVAILABLE || count == 1)
        return false;
    find_singly(self, asks, count);
    return true;
}

static bool
run_key(void *arg, const char *key_id, key_owner_t *owner, err_t *err)
{
    engine_t *self = arg;
    int64_t began_ms = clock_mono_ms();
    if (store_key_find(self->key_store, key_id, owner, err))
        return true;
    if (readers_again(err, began_ms) && store_key_find(self->key_store, key_id, owner, err))
        return true;
    engine_own_up(err, "key");
    return false;
}

static bool
run_terms(void *arg, const char *tenant, const char *alias, terms_t *terms, err_t *err)
{
    engine_t *self = arg;
    int64_t began_ms = clock_mono_ms();
    if (store_terms(self->terms_store, tenant, alias, terms, err))
        return true;
    if (readers_again(err, began_ms) && store_terms(self->terms_store, tenant, alias, terms, err))
        return true;
    engine_own_up(err, "terms");
    return false;
}

/* How far the store's clock is from ours. */
static bool
measure_clock(void *arg, err_t *err)
{
    engine_t *self = arg;
    for (int i = 1; i <= CLOCK_TRIES; i++) {
        int64_t store_ms;
        int64_t sent_ms = clock_mono_ms();
        bool told = store_clock(self->submit_store, &store_ms, err);
        int64_t trip_ms = clock_mono_ms() - sent_ms;
        if (!told && i < CLOCK_TRIES && readers_again(err, sent_ms))
            continue;
        if (!told) {
            engine_own_up(err, "clock");
            return false;
        }
        if (trip_ms > CLOCK_TRIP_MS && i < CLOCK_TRIES)
            continue;
        mint_measured(self->mint, store_ms, sent_ms + trip_ms / 2);
        return true;
    }
    return true;
}

/* --- life --- */

static page_t *
source_page(void *arg, const page_key_t *key, int64_t row, uint32_t most, err_t *err)
{
    engine_t *self = arg;
    page_t *page = readers_page(self->readers, key, row, most, err);
    if (!page)
        engine_own_up(err, "page");
    return page;
}

static bool
join_cluster(engine_t *self, const conf_t *conf, const char *url, err_t *err)
{
    const char *name = conf_text(conf, "name");
    own(mem) made_up = name[0] ? NULL : mem_format("api-%ld", (long)getpid());
    if (strlen(name) > NAME_MOST)
        return err_set(err, ERR_INVALID, "name: a node's name has at most %d bytes", NAME_MOST);
    courier_options_t options = {
        .store = conf_text(conf, "store"),
        .name = made_up ? made_up : name,
        .url = url,
        .lease_ms = conf_int(conf, "lease_ms"),
        .patience_ms = PATIENCE_MS,
    };
    self->courier = courier_new(&options, err);
    return self->courier != NULL;
}

static bool
open_lanes(engine_t *self, const conf_t *conf, err_t *err)
{
    const char *dsn = conf_text(conf, "store");
    self->submit_store = store_new(dsn, "millrace-api submit");
    self->find_store = store_new(dsn, "millrace-api find");
    self->key_store = store_new(dsn, "millrace-api key");
    self->terms_store = store_new(dsn, "millrace-api terms");
    self->hands = readers_new(dsn, "millrace-api hand", HANDS, HANDS_WAIT_MS);
    self->removers = readers_new(dsn, "millrace-api remove", REMOVERS, HANDS_WAIT_MS);
    uint32_t readers = (uint32_t)conf_int(conf, "page_readers");
    self->readers = readers_new(dsn, "millrace-api page", readers, PAGES_WAIT_MS);
    self->inflaters = inflaters_new(readers, self->shelf, err);
    if (!self->inflaters || !measure_clock(self, err))
        return false;

    gather_options_t submits = { .name = "submits",
                                 .run = run_submits,
                                 .tick = measure_clock,
                                 .tick_ms = CLOCK_EVERY_MS,
                                 .away_ms = AWAY_MS,
                                 .arg = self };
    self->submits = gather_new(&submits, err);
    gather_options_t finds = { .name = "finds", .run = run_finds, .away_ms = AWAY_MS, .arg = self };
    if (self->submits)
        self->finds = gather_new(&finds, err);
    if (self->finds)
        self->keys = keys_new(conf_int(conf, "key_cache_ms"), run_key, self, err);
    if (self->keys)
        self->terms = terms_cache_new(conf_int(conf, "key_cache_ms"), run_terms, self, err);
    return self->terms != NULL;
}

engine_t *
engine_new(const conf_t *conf, const char *url, err_t *err)
{
    own(engine) self = mem_new(sizeof *self);
    self->conf = conf;
    self->wait_cap_ms = conf_int(conf, "wait_cap_ms");
    self->reread_ms = conf_int(conf, "reread_ms");
    self->retention_s = (int32_t)conf_int(conf, "retention_s");
    self->deadline_ms = conf_int(conf, "deadline_ms");
    self->deadline_most_ms = conf_int(conf, "deadline_most_ms");
    self->waits_most = (int32_t)(conf_int(conf, "http_threads") * HTTP_CROWD_PERCENT / 100);
    if (self->waits_most == 0)
        self->waits_most = 1;
    self->mint = mint_new((uint16_t)conf_int(conf, "cell"));
    self->shelf = shelf_new((size_t)conf_int(conf, "page_cache_mib") << 20);
    self->room = room_new((size_t)conf_int(conf, "large_pages_mib") << 20);
    buckets_limits_t rate = { .per_s = (uint32_t)conf_int(conf, "rate_limit_per_s"),
                              .burst = (uint32_t)conf_int(conf, "rate_limit_burst"),
                              .most = CALLERS_MOST };
    self->buckets = buckets_new(&rate);
    if (!join_cluster(self, conf, url, err) || !open_lanes(self, conf, err))
        return NULL;
    return take(self);
}

void
engine_destroy(engine_t **self_p)
{
    engine_t *self = take(*self_p);
    if (!self)
        return;
    courier_destroy(&self->courier); /* first: its thread hands in finds */
    gather_destroy(&self->submits);
    gather_destroy(&self->finds);
    keys_destroy(&self->keys);
    terms_cache_destroy(&self->terms);
    inflaters_destroy(&self->inflaters);
    readers_destroy(&self->readers);
    readers_destroy(&self->hands);
    readers_destroy(&self->removers);
    store_destroy(&self->submit_store);
    store_destroy(&self->find_store);
    store_destroy(&self->key_store);
    store_destroy(&self->terms_store);
    shelf_destroy(&self->shelf);
    room_destroy(&self->room);
    mint_destroy(&self->mint);
    buckets_destroy(&self->buckets);
    free(self);
}

bool
engine_flag(const engine_t *self, const char *setting)
{
    return conf_bool(self->conf, setting);
}

bool
engine_ready(engine_t *self, err_t *err)
{
    find_t nobody = { .tenant = "" };
    if (!gather_up(self->submits) || !courier_up(self->courier)
        || !gather_call(self->finds, &nobody, err))
        return err_set(err, ERR_UNAVAILABLE, "the job store does not answer");
    return true;
}

/* --- callers --- */

bool
engine_caller(engine_t *self, const char *key_id, const char *secret, caller_t *caller, err_t *err)
{
    key_owner_t owner;
    if (!keys_owner(self->keys, key_id, secret, clock_mono_ms(), &owner, err))
        return false;
    snprintf(caller->tenant, sizeof caller->tenant, "%s", owner.tenant);
    snprintf(caller->key_id, sizeof caller->key_id, "%s", owner.key_id);
    snprintf(caller->role, sizeof caller->role, "%s", owner.role);
    snprintf(caller->source, sizeof caller->source, "%s", owner.source);
    return true;
}

bool
engine_caller_of(engine_t *self, const char *tenant, const char *key, caller_t *caller, err_t *err)
{
    apikey_t whole;
    char handle[KEY_HANDLE_SIZE];
    caller_t found;
    bool known = key_parse(key, &whole)
                     ? engine_caller(self, whole.id, whole.secret, &found, err)
                     : engine_caller(self, key_handle(tenant, key, handle), key, &found, err);
    if (!known)
        return false;
    if (strcmp(found.tenant, tenant) != 0) /* of another, or of one whose name was cut */
        return err_set(err, ERR_NO_KEY, "no such API key");
    *caller = found;
    return true;
}

bool
engine_tenant(engine_t *self, const char *name, err_t *err)
{
    char handle[KEY_HANDLE_SIZE];
    bool known = key_tenant_valid(name)
                     ? keys_known(self->keys, key_tenant(name, handle), clock_mono_ms(), err)
                     : err_set(err, ERR_NO_KEY, "no such tenant");
    return known || (err->kind == ERR_NO_KEY && err_set(err, ERR_NOT_FOUND, "no such tenant"));
}

rate_t
engine_rate(engine_t *self, const char *who)
{
    return buckets_take(self->buckets, who, clock_mono_ms());
}

/* --- jobs in --- */

bool
engine_submit(engine_t *self, const caller_t *caller, const order_t *order, jobid_t *id, err_t *err)
{
    placing_t placing;
    if (!placing_make(&placing, self, caller, order, err))
        return false;
    bool stored = gather_call(self->submits, &placing.job, err);
    *id = placing.job.id; /* of the job that had its key before, if one had */
    placing_clear(&placing);
    return stored;
}

/* --- jobs out --- */

job_t *
engine_found(find_t *found, err_t *err)
{
    switch (found->verdict) {
    case FIND_FOUND:
        if (found->whole && found->job->steps > 1 && !found->job->step)
            found->job->expired = true; /* removed, or dropped, between two looks at it */
        return take(found->job);
    case FIND_MISSING: err_set(err, ERR_NOT_FOUND, "no such job"); break;
    case FIND_DENIED: err_set(err, ERR_DENIED, "the job is another tenant's"); break;
    }
    return NULL;
}

job_t *
engine_find(engine_t *self, const caller_t *caller, const jobid_t *id, bool whole, err_t *err)
{
    find_t find = { .id = *id, .tenant = caller->tenant, .whole = whole };
    if (!gather_call(self->finds, &find, err))
        return NULL;
    return engine_found(&find, err);
}

static store_t *
source_ask(void *arg, const page_key_t *key, int64_t row, uint32_t most, uint32_t count)
{
    engine_t *self = arg;
    return readers_ask(self->readers, key, row, most, count);
}

static uint32_t
source_answer(void *arg, store_t **asked, const uint8_t before[PAGE_HASH_SIZE], page_t **pages,
              uint32_t count)
{
    engine_t *self = arg;
    return readers_take(self->readers, asked, before, pages, count);
}

static bool
source_inflate(void *arg, errand_t *errands)
{
    engine_t *self = arg;
    return inflaters_send(self->inflaters, errands);
}

bool
engine_expired(void *arg, const job_t *job)
{
    engine_t *self = arg;
    return job->expires_ms != 0 && mint_now_ms(self->mint, clock_mono_ms()) >= job->expires_ms;
}

bool
engine_where(void *arg, const job_t *job, int64_t *bucket_us, err_t *err)
{
    engine_t *self = arg;
    find_t find = { .id = job->id, .tenant = job->tenant };
    if (!gather_call(self->finds, &find, err))
        return false;
    own(job) now = take(find.job);
    if (!now || now->expired)
        return err_set(err, ERR_GONE, "the result has expired");
    *bucket_us = now->bucket_us;
    return true;
}

rows_t *
engine_rows(engine_t *self, const job_t *job, const result_t *result, int64_t offset, bool stored,
            err_t *err)
{
    page_source_t source = {
        .page = source_page,
        .ask = source_ask,
        .answer = source_answer,
        .inflate = source_inflate,
        .expired = engine_expired,
        .where = engine_where,
        .shelf = self->shelf,
        .room = self->room,
        .arg = self,
    };
    return rows_new(&source, job, result, offset, stored, err);
}

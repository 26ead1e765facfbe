#include "broker/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "broker/audience.h"
#include "broker/members.h"
#include "common/log.h"

enum {
    JOBS_PER_MESSAGE = 1024, /* with the longest texts still far below WIRE_SIZE_MOST */
    EXECUTOR_LOOKS = 64,     /* members looked at for one job */
    AUDIENCE_FACTOR = 4,     /* jobs with listeners, for each that may wait */
};

struct exchange {
    exchange_options_t options;
    queue_t *queue;
    audience_t *audience;
    members_t *members;
    uint64_t epoch;    /* ours while we lead, else 0 */
    uint64_t heard_of; /* the newest there is, as far as we know */
    uint32_t look;     /* where the search for an executor goes on */
    bool missing;      /* jobs were let go of that the sweep should find again */
    int64_t swept_ms;
};

/* --- sending --- */

static void
member_forget(exchange_t *self, member_t *member, const char *why)
{
    log_info("broker.member_left", "name=%s why=%s", member->name, why);
    if (member->role == MEMBER_EXECUTOR) {
        queue_runner_gone(self->queue, member->number);
        self->missing = self->epoch > 0;
    }
    members_remove(self->members, member);
}

/* False, and the member is forgotten, when it cannot be reached: it will greet again. */
static bool
member_send(exchange_t *self, member_t *member, const wire_t *message)
{
    if (self->options.send(self->options.arg, &member->peer, message))
        return true;
    member_forget(self, member, "unreachable");
    return false;
}

static wire_t
a_beat(const exchange_t *self)
{
    return (wire_t){ .tag = WIRE_beat,
                     .beat = { .version = WIRE_VERSION,
                               .name = wire_text(self->options.name),
                               .epoch = self->epoch > 0 ? self->epoch : self->heard_of,
                               .leading = self->epoch > 0 } };
}

static void
beat_all(exchange_t *self)
{
    wire_t beat = a_beat(self);
    for (uint32_t i = 0; i < members_places(self->members); i++) {
        member_t *member = members_at(self->members, i);
        if (member)
            member_send(self, member, &beat);
    }
}

static wire_offer_t
offer_of(const waiting_t *job)
{
    return (wire_offer_t){ .job = job->id,
                           .tenant = wire_text(job->tenant),
                           .source = wire_text(job->source),
                           .priority = (uint32_t)job->priority,
                           .queue_key = wire_text(job->queue_key),
                           .recovering = job->recovering };
}

static bool
flush_jobs(exchange_t *self, member_t *member)
{
    wire_offer_t offers[JOBS_PER_MESSAGE];
    for (uint32_t from = 0; from < member->jobs_count; from += JOBS_PER_MESSAGE) {
        uint32_t count = member->jobs_count - from;
        if (count > JOBS_PER_MESSAGE)
            count = JOBS_PER_MESSAGE;
        for (uint32_t i = 0; i < count; i++)
            offers[i] = offer_of(&member->jobs[from + i]);
        wire_t message = { .tag = WIRE_dispatch,
                           .dispatch = {
                               .epoch = self->epoch, .jobs = offers, .jobs_count = count } };
        if (!member_send(self, member, &message))
            return false;
    }
    member->jobs_count = 0;
    return true;
}

static bool
flush_changes(exchange_t *self, member_t *member)
{
    for (uint32_t from = 0; from < member->changes_count; from += WIRE_LIST_MOST) {
        uint32_t count = member->changes_count - from;
        if (count > WIRE_LIST_MOST)
            count = WIRE_LIST_MOST;
        wire_t message = { .tag = WIRE_changes,
                           .changes = { .jobs = member->changes + from, .jobs_count = count } };
        if (!member_send(self, member, &message))
            return false;
    }
    member->changes_count = 0;
    return true;
}

/* --- what members say --- */

static void
hear_hello(exchange_t *self, const peer_t *peer, const char *role, const char *name,
           const wire_hello_t *hello)
{
    bool executor = strcmp(role, "executor") == 0;
    if (!executor && strcmp(role, "api") != 0)
        return;
    member_role_t kind = executor ? MEMBER_EXECUTOR : MEMBER_API;
    member_t *member = members_find(self->members, peer);
    if (member && member->incarnation != hello->incarnation) {
        member_forget(self, member, "new incarnation");
        member = NULL;
    }
    if (member)
        return;
    member_t *before = members_named(self->members, kind, name);
    if (before) /* the same node over a new connection: the old one leads nowhere */
        member_forget(self, before, "new connection");
    member = members_add(self->members, peer);
    if (!member) {
        log_warn("broker.too_many", "name=%s", name);
        return;
    }
    member->role = kind;
    memcpy(member->name, name, strnlen(name, sizeof member->name - 1));
    member->incarnation = hello->incarnation;
    log_info("broker.member", "name=%s role=%s", name, role);
}

/* A view as a C text of at most `room` bytes with its NUL; false when it is none. */
static bool
copy_text(char *text, size_t room, view_t view)
{
    if (view.size >= room || memchr(view.data ? view.data : "", '\0', view.size))
        return false;
    if (view.size > 0)
        memcpy(text, view.data, view.size);
    text[view.size] = '\0';
    return true;
}

static bool
waiting_of(waiting_t *job, const wire_offer_t *offer)
{
    *job = (waiting_t){ .id = offer->job,
                        .priority = offer->priority < 9 ? (int32_t)offer->priority : 9,
                        .recovering = offer->recovering };
    view_t queue_key = offer->queue_key;
    if (queue_key.size >= sizeof job->queue_key)
        queue_key.size = sizeof job->queue_key - 1; /* the store compares whole ones */
    return copy_text(job->tenant, sizeof job->tenant, offer->tenant)
           && copy_text(job->source, sizeof job->source, offer->source)
           && copy_text(job->queue_key, sizeof job->queue_key, queue_key);
}

static void
hear_offers(exchange_t *self, const member_t *member, const wire_offers_t *offers, int64_t now_ms)
{
    for (uint32_t i = 0; i < offers->jobs_count; i++) {
        waiting_t job;
        if (!waiting_of(&job, &offers->jobs[i]))
            continue;
        audience_add(self->audience, &job.id, member->number, now_ms);
        queue_offer_fresh(self->queue, &job, now_ms);
    }
}

static void
hear_watch(exchange_t *self, const member_t *member, const wire_watch_t *watch, int64_t now_ms)
{
    for (uint32_t i = 0; i < watch->jobs_count; i++)
        audience_add(self->audience, &watch->jobs[i].job, member->number, now_ms);
}

static void
hear_credit(exchange_t *self, member_t *member, const wire_credit_t *credit, int64_t now_ms)
{
    for (uint32_t i = 0; i < credit->done_count; i++) {
        const wire_release_t *done = &credit->done[i];
        if (done->verdict <= RELEASE_LATER)
            queue_release(self->queue, &done->job, (release_verdict_t)done->verdict, now_ms);
    }
    if (credit->epoch != self->epoch)
        return;
    uint64_t slots = (credit->fresh ? 0 : (uint64_t)member->credit) + credit->slots;
    member->credit = slots < MEMBER_CREDIT_MOST ? (uint32_t)slots : MEMBER_CREDIT_MOST;
}

static void
hear_change(exchange_t *self, const wire_change_t *change, int64_t now_ms)
{
    uint32_t listeners[AUDIENCE_EACH];
    uint32_t count = audience_find(self->audience, &change->job, listeners);
    for (uint32_t i = 0; i < count; i++) {
        member_t *listener = members_numbered(self->members, listeners[i]);
        if (listener)
            member_change(listener, change);
    }
    if (!job_state_final((job_state_t)change->state))
        return;
    audience_remove(self->audience, &change->job);
    queue_release(self->queue, &change->job, RELEASE_FINISHED, now_ms);
}

static void
hear_changes(exchange_t *self, const wire_changes_t *changes, int64_t now_ms)
{
    for (uint32_t i = 0; i < changes->jobs_count; i++)
        hear_change(self, &changes->jobs[i], now_ms);
}

/* What only a leader listens to. */
static void
hear_as_leader(exchange_t *self, member_t *member, const wire_t *message, int64_t now_ms)
{
    bool executor = member->role == MEMBER_EXECUTOR;
    switch (message->tag) {
    case WIRE_offers:
        if (!executor)
            hear_offers(self, member, &message->offers, now_ms);
        return;
    case WIRE_watch:
        if (!executor)
            hear_watch(self, member, &message->watch, now_ms);
        return;
    case WIRE_credit:
        if (executor)
            hear_credit(self, member, &message->credit, now_ms);
        return;
    case WIRE_changes:
        if (executor)
            hear_changes(self, &message->changes, now_ms);
        return;
    case WIRE_hello:
    case WIRE_beat:
    case WIRE_dispatch:
    case WIRE_bye: return;
    }
}

void
exchange_hear(exchange_t *self, const peer_t *peer, const char *role, const char *name,
              const wire_t *message, int64_t now_ms)
{
    if (message->tag == WIRE_hello)
        hear_hello(self, peer, role, name, &message->hello);
    member_t *member = members_find(self->members, peer);
    if (!member) { /* it thinks that we know it: hearing that we do not lead, it will greet */
        wire_t beat = a_beat(self);
        beat.beat.leading = false;
        if (message->tag != WIRE_bye)
            self->options.send(self->options.arg, peer, &beat);
        return;
    }
    member->heard_ms = now_ms;
    if (message->tag == WIRE_bye) {
        member_forget(self, member, "bye");
    } else if (message->tag == WIRE_hello) {
        wire_t beat = a_beat(self);
        member_send(self, member, &beat);
    } else if (self->epoch > 0) {
        hear_as_leader(self, member, message, now_ms);
    }
}

/* --- dispatch --- */

/* FNV-1a over both names. Two pairs that collide cost a warm session, no more. */
static uint64_t
pair_hash(const waiting_t *job)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *at = job->tenant; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    hash = (hash ^ '/') * 0x100000001b3u;
    for (const char *at = job->source; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    return hash;
}

static bool
is_warm(const member_t *member, uint64_t pair)
{
    return member->pairs[pair % MEMBER_PAIRS] == pair;
}

/* The executor for a job: a warm one if any has credit, and of those the one with most. The walk is
 * bounded, and goes on where it ended, so that among many all have their turn. */
static member_t *
executor_for(exchange_t *self, uint64_t pair)
{
    member_t *best = NULL;
    uint32_t places = members_places(self->members);
    for (uint32_t i = 0, seen = 0; i < places && (seen < EXECUTOR_LOOKS || !best); i++) {
        self->look = (self->look + 1) % places;
        member_t *member = members_at(self->members, self->look);
        if (!member || member->credit == 0)
            continue;
        seen++;
        bool warmer = !best || is_warm(member, pair) > is_warm(best, pair);
        bool as_warm = best && is_warm(member, pair) == is_warm(best, pair);
        if (warmer || (as_warm && member->credit > best->credit))
            best = member;
    }
    return best;
}

static void
dispatch(exchange_t *self, int64_t now_ms)
{
    const waiting_t *job = NULL;
    while ((job = queue_head(self->queue, now_ms))) {
        uint64_t pair = pair_hash(job);
        member_t *member = executor_for(self, pair);
        if (!member)
            return;
        member_job(member, job);
        member->credit--;
        member->pairs[pair % MEMBER_PAIRS] = pair;
        queue_take(self->queue, member->number, now_ms);
    }
}

static void
flush(exchange_t *self)
{
    for (uint32_t i = 0; i < members_places(self->members); i++) {
        member_t *member = members_at(self->members, i);
        if (member && flush_jobs(self, member))
            flush_changes(self, member);
    }
}

void
exchange_turn(exchange_t *self, int64_t now_ms)
{
    if (self->epoch > 0)
        dispatch(self, now_ms);
    flush(self);
}

/* --- leadership and time --- */

void
exchange_lead(exchange_t *self, uint64_t epoch)
{
    if (epoch == self->epoch)
        return;
    log_info("broker.leads", "name=%s epoch=%llu", self->options.name, (unsigned long long)epoch);
    flush(self); /* what was decided under the old epoch goes out under it */
    self->epoch = epoch;
    if (epoch > self->heard_of)
        self->heard_of = epoch;
    queue_clear(self->queue);
    audience_clear(self->audience);
    for (uint32_t i = 0; i < members_places(self->members); i++) {
        member_t *member = members_at(self->members, i);
        if (member)
            member->credit = 0;
    }
    self->missing = epoch > 0;
    beat_all(self);
}

void
exchange_heard_of(exchange_t *self, uint64_t epoch)
{
    if (epoch > self->heard_of)
        self->heard_of = epoch;
}

static bool
is_silent(const member_t *member, int64_t now_ms)
{
    int64_t most_ms = member->role == MEMBER_EXECUTOR ? (int64_t)EXCHANGE_SILENCE_EXECUTOR_MS
                                                      : (int64_t)EXCHANGE_SILENCE_API_MS;
    return now_ms - member->heard_ms > most_ms;
}

void
exchange_beat(exchange_t *self, int64_t now_ms)
{
    for (uint32_t i = 0; i < members_places(self->members); i++) {
        member_t *member = members_at(self->members, i);
        if (member && is_silent(member, now_ms))
            member_forget(self, member, "silent");
    }
    beat_all(self);
}

void
exchange_offer(exchange_t *self, const waiting_t *job, bool more, int64_t now_ms)
{
    if (self->epoch == 0)
        return;
    queue_offer(self->queue, job, now_ms);
    if (more)
        queue_overflow(self->queue, job->tenant);
}

bool
exchange_wants_sweep(exchange_t *self, int64_t now_ms)
{
    self->missing = queue_wants_refill(self->queue) || self->missing;
    if (!self->missing || now_ms - self->swept_ms < EXCHANGE_SWEEP_GAP_MS)
        return false;
    self->missing = false;
    self->swept_ms = now_ms;
    return self->epoch > 0;
}

/* --- life --- */

const queue_t *
exchange_queue(const exchange_t *self)
{
    return self->queue;
}

uint32_t
exchange_members(const exchange_t *self)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < members_places(self->members); i++)
        count += members_at(self->members, i) != NULL;
    return count;
}

exchange_t *
exchange_new(const exchange_options_t *options)
{
    exchange_t *self = mem_new(sizeof *self);
    self->options = *options;
    self->queue = queue_new(&options->limits);
    self->audience = audience_new(options->limits.window * AUDIENCE_FACTOR);
    self->members = members_new();
    self->swept_ms = INT64_MIN / 2;
    return self;
}

void
exchange_destroy(exchange_t **self_p)
{
    exchange_t *self = *self_p;
    if (!self)
        return;
    members_destroy(&self->members);
    audience_destroy(&self->audience);
    queue_destroy(&self->queue);
    free(self);
    *self_p = NULL;
}

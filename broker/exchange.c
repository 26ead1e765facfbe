#include "broker/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "broker/audience.h"
#include "broker/dispatch.h"
#include "broker/mail.h"
#include "broker/members.h"
#include "common/log.h"

enum {
    AUDIENCE_FACTOR = 4, /* jobs with listeners, for each that may wait */
};

struct exchange {
    exchange_options_t options;
    queue_t *queue;
    audience_t *audience;
    members_t *members;
    uint64_t epoch;      /* ours while we lead, else 0 */
    uint64_t heard_of;   /* the newest there is, as far as we know */
    uint32_t look;       /* where the search for an executor goes on */
    wire_ref_t *cancels; /* to be told to all executors at the end of the turn */
    uint32_t cancels_count;
    bool missing;  /* jobs were let go of that the sweep should find again */
    bool doubtful; /* lines are to be asked for */
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
        queue_release_t release = { .job = done->job,
                                    .verdict = (release_verdict_t)done->verdict,
                                    .later_ms = done->later_ms };
        if (done->verdict <= RELEASE_LINE)
            queue_release(self->queue, &release, now_ms);
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
    if (!job_state_final((job_state_t)change->state)) {
        queue_runs(self->queue, &change->job, now_ms);
        return;
    }
    audience_remove(self->audience, &change->job);
    queue_over(self->queue, &change->job, now_ms);
}

static void
hear_changes(exchange_t *self, const wire_changes_t *changes, int64_t now_ms)
{
    for (uint32_t i = 0; i < changes->jobs_count; i++)
        hear_change(self, &changes->jobs[i], now_ms);
}

/* To the executor that has the job; to all where that is not known. A job that waits is nobody's:
 * who takes it up learns of the cancel from the store. */
static void
hear_cancel(exchange_t *self, const wire_cancel_t *cancel)
{
    for (uint32_t i = 0; i < cancel->jobs_count; i++) {
        const jobid_t *id = &cancel->jobs[i].job;
        uint32_t runner = 0;
        queue_place_t place = queue_find(self->queue, id, &runner);
        if (place == QUEUE_WAITS || place == QUEUE_OVER)
            continue;
        member_t *member = place == QUEUE_OUT ? members_numbered(self->members, runner) : NULL;
        if (member)
            member_cancel(member, id);
        else if (self->cancels_count < WIRE_LIST_MOST) /* executors ask the store, too */
            self->cancels[self->cancels_count++] = cancel->jobs[i];
    }
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
    case WIRE_cancel:
        if (!executor)
            hear_cancel(self, &message->cancel);
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

static void
dispatch(exchange_t *self, int64_t now_ms)
{
    const waiting_t *job = NULL;
    while ((job = queue_head(self->queue, now_ms))) {
        const member_t *member = dispatch_job(self->members, &self->look, job);
        if (!member)
            return;
        queue_take(self->queue, member->number, now_ms);
    }
}

static void
flush(exchange_t *self)
{
    mail_t mail = { .send = self->options.send, .arg = self->options.arg, .epoch = self->epoch };
    for (uint32_t i = 0; i < members_places(self->members); i++) {
        member_t *member = members_at(self->members, i);
        if (!member)
            continue;
        uint32_t all = member->role == MEMBER_EXECUTOR ? self->cancels_count : 0;
        if (!mail_send(&mail, member) || !mail_cancels(&mail, member, self->cancels, all))
            member_forget(self, member, "unreachable");
    }
    self->cancels_count = 0;
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

/* Who lost a job by its lease may still have others that it never claimed: it is stopped, say. */
static void
lost_by(exchange_t *self, const waiting_t *job)
{
    member_t *member = job->lost_incarnation > 0
                           ? members_named(self->members, MEMBER_EXECUTOR, job->lost_by)
                           : NULL;
    if (member && member->incarnation == job->lost_incarnation)
        member_forget(self, member, "lease");
}

void
exchange_offer(exchange_t *self, const waiting_t *job, bool more, int64_t now_ms)
{
    if (self->epoch == 0)
        return;
    lost_by(self, job);
    queue_offer(self->queue, job, now_ms);
    if (more)
        queue_overflow(self->queue, job);
}

void
exchange_line(exchange_t *self, const line_report_t *report, int64_t now_ms)
{
    if (self->epoch > 0)
        queue_line(self->queue, report, now_ms);
}

void
exchange_lines_told(exchange_t *self, const char *tenant, bool more, int64_t now_ms)
{
    if (self->epoch > 0)
        queue_lines_told(self->queue, tenant, more, now_ms);
}

bool
exchange_wants_lines(exchange_t *self, int64_t now_ms)
{
    self->doubtful = queue_wants_lines(self->queue) || self->doubtful;
    if (!self->doubtful || now_ms - self->swept_ms < EXCHANGE_LINES_GAP_MS)
        return false;
    self->doubtful = false;
    self->swept_ms = now_ms;
    return self->epoch > 0;
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

bool
exchange_awaits_sweep(const exchange_t *self)
{
    return self->epoch > 0 && (self->missing || self->doubtful);
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

static void
say_breaker(void *arg, const char *source, int64_t open_ms)
{
    const exchange_t *self = arg;
    if (open_ms > 0)
        log_warn("broker.source_away", "name=%s source=%s probe_in_ms=%lld", self->options.name,
                 source, (long long)open_ms);
    else
        log_info("broker.source_back", "name=%s source=%s", self->options.name, source);
}

exchange_t *
exchange_new(const exchange_options_t *options)
{
    exchange_t *self = mem_new(sizeof *self);
    self->options = *options;
    self->queue = queue_new(&options->limits);
    self->audience = audience_new(options->limits.window * AUDIENCE_FACTOR);
    queue_listen(self->queue, say_breaker, self);
    self->members = members_new();
    self->cancels = mem_array(WIRE_LIST_MOST, sizeof *self->cancels);
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
    free(self->cancels);
    free(self);
    *self_p = NULL;
}

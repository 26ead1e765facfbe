#include "broker/mail.h"

enum {
    JOBS_PER_MESSAGE = 1024, /* with the longest texts still far below WIRE_SIZE_MOST */
};

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

static uint32_t
at_most(uint32_t count, uint32_t most)
{
    return count < most ? count : most;
}

static bool
send_jobs(const mail_t *self, member_t *member)
{
    wire_offer_t offers[JOBS_PER_MESSAGE];
    for (uint32_t from = 0; from < member->jobs_count; from += JOBS_PER_MESSAGE) {
        uint32_t count = at_most(member->jobs_count - from, JOBS_PER_MESSAGE);
        for (uint32_t i = 0; i < count; i++)
            offers[i] = offer_of(&member->jobs[from + i]);
        wire_t message = { .tag = WIRE_dispatch,
                           .dispatch = {
                               .epoch = self->epoch, .jobs = offers, .jobs_count = count } };
        if (!self->send(self->arg, &member->peer, &message))
            return false;
    }
    member->jobs_count = 0;
    return true;
}

bool
mail_cancels(const mail_t *self, const member_t *member, wire_ref_t *refs, uint32_t count)
{
    wire_t message = { .tag = WIRE_cancel, .cancel = { .jobs = refs, .jobs_count = count } };
    return count == 0 || self->send(self->arg, &member->peer, &message);
}

static bool
send_cancels(const mail_t *self, member_t *member)
{
    if (!mail_cancels(self, member, member->cancels, member->cancels_count))
        return false;
    member->cancels_count = 0;
    return true;
}

static bool
send_changes(const mail_t *self, member_t *member)
{
    for (uint32_t from = 0; from < member->changes_count; from += WIRE_LIST_MOST) {
        uint32_t count = at_most(member->changes_count - from, WIRE_LIST_MOST);
        wire_t message = { .tag = WIRE_changes,
                           .changes = { .jobs = member->changes + from, .jobs_count = count } };
        if (!self->send(self->arg, &member->peer, &message))
            return false;
    }
    member->changes_count = 0;
    return true;
}

bool
mail_send(const mail_t *self, member_t *member)
{
    return send_jobs(self, member) && send_cancels(self, member) && send_changes(self, member);
}

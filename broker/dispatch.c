#include "broker/dispatch.h"

enum {
    EXECUTOR_LOOKS = 64, /* members looked at for one job */
};

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

static member_t *
executor_for(const members_t *members, uint32_t *look, uint64_t pair)
{
    member_t *best = NULL;
    uint32_t places = members_places(members);
    for (uint32_t i = 0, seen = 0; i < places && (seen < EXECUTOR_LOOKS || !best); i++) {
        *look = (*look + 1) % places;
        member_t *member = members_at(members, *look);
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

member_t *
dispatch_job(members_t *members, uint32_t *look, const waiting_t *job)
{
    uint64_t pair = pair_hash(job);
    member_t *member = executor_for(members, look, pair);
    if (!member)
        return NULL;
    member_job(member, job);
    member->credit--;
    member->pairs[pair % MEMBER_PAIRS] = pair;
    return member;
}

/* members.h - who has greeted this broker, and what is about to be sent to each.
 *
 * A member is an API node or an executor behind one connection. It is found by the connection's
 * routing id, and named elsewhere (in the queue, in the audience) by a number that is never used
 * again soon, so that a note about a member that left points to nobody. At most MEMBERS_MOST; no
 * IO; one thread.
 */
#ifndef BROKER_MEMBERS_H
#define BROKER_MEMBERS_H

#include "common/bus.h"
#include "common/store.h"

enum {
    MEMBERS_MOST = 1024,
    MEMBER_PAIRS = 64, /* (tenant, source) pairs that an executor is remembered for */
    MEMBER_CREDIT_MOST = 4096,
};

typedef enum { MEMBER_API, MEMBER_EXECUTOR } member_role_t;

/* An open record; members.c makes and frees it, exchange.c fills it. */
typedef struct {
    bool known; /* this place is taken */
    uint32_t number;
    peer_t peer;
    member_role_t role;
    char name[64];
    uint64_t incarnation;
    int64_t heard_ms;
    uint32_t credit;              /* executors: free slots that were granted and not used */
    uint64_t pairs[MEMBER_PAIRS]; /* executors: pair hashes, each at the place it hashes to */
    waiting_t *jobs;              /* to be dispatched at the end of the turn */
    uint32_t jobs_count;
    uint32_t jobs_room;
    wire_change_t *changes; /* to be told at the end of the turn */
    uint32_t changes_count;
    uint32_t changes_room;
    wire_ref_t *cancels; /* to be stopped, told at the end of the turn; at most WIRE_LIST_MOST */
    uint32_t cancels_count;
    uint32_t cancels_room;
} member_t;

typedef struct members members_t;

/* Caller owns the result. */
members_t *members_new(void) MUST_USE;
void members_destroy(members_t **self_p);

/* The member behind a connection, or NULL. Members stay where they are until they are removed. */
member_t *members_find(const members_t *self, const peer_t *peer);

/* The member with this number, or NULL when it has left. */
member_t *members_numbered(const members_t *self, uint32_t number);

/* The member of this role and name, or NULL. */
member_t *members_named(const members_t *self, member_role_t role, const char *name);

/* A new one, with nothing but peer and number; NULL when there are too many. */
member_t *members_add(members_t *self, const peer_t *peer);
void members_remove(members_t *self, member_t *member);

/* For walking: place by place from 0 up to members_places(); NULL where nobody is. */
member_t *members_at(const members_t *self, uint32_t place);
uint32_t members_places(const members_t *self);

/* Put something into a member's next message. Copies it. */
void member_job(member_t *self, const waiting_t *job);
void member_change(member_t *self, const wire_change_t *change);
void member_cancel(member_t *self, const jobid_t *id); /* one too many is dropped: a hint */

#endif

#include "broker/members.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/idmap.h"

struct members {
    member_t *places;
    uint32_t high; /* no place from here on was ever taken */
    idmap_t *by_peer;
};

static jobid_t
peer_key(const peer_t *peer)
{
    jobid_t key = { { 0 } };
    memcpy(key.bytes, peer->id, peer->size);
    key.bytes[JOBID_SIZE - 1] = peer->size;
    return key;
}

members_t *
members_new(void)
{
    members_t *self = mem_new(sizeof *self);
    self->places = mem_array(MEMBERS_MOST, sizeof *self->places);
    for (uint32_t i = 0; i < MEMBERS_MOST; i++)
        self->places[i].number = i;
    self->by_peer = idmap_new(MEMBERS_MOST);
    return self;
}

void
members_destroy(members_t **self_p)
{
    members_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->high; i++) {
        if (self->places[i].known)
            members_remove(self, &self->places[i]);
    }
    idmap_destroy(&self->by_peer);
    free(self->places);
    free(self);
    *self_p = NULL;
}

member_t *
members_find(const members_t *self, const peer_t *peer)
{
    jobid_t key = peer_key(peer);
    uint32_t place = idmap_find(self->by_peer, &key);
    return place != IDMAP_NONE ? &self->places[place] : NULL;
}

member_t *
members_numbered(const members_t *self, uint32_t number)
{
    member_t *member = &self->places[number % MEMBERS_MOST];
    return member->known && member->number == number ? member : NULL;
}

member_t *
members_named(const members_t *self, member_role_t role, const char *name)
{
    for (uint32_t i = 0; i < self->high; i++) {
        member_t *member = &self->places[i];
        if (member->known && member->role == role && strcmp(member->name, name) == 0)
            return member;
    }
    return NULL;
}

member_t *
members_add(members_t *self, const peer_t *peer)
{
    uint32_t place = 0;
    while (place < MEMBERS_MOST && self->places[place].known)
        place++;
    if (place == MEMBERS_MOST)
        return NULL;
    if (place >= self->high)
        self->high = place + 1;
    member_t *member = &self->places[place];
    *member = (member_t){ .known = true, .number = member->number, .peer = *peer };
    jobid_t key = peer_key(peer);
    idmap_add(self->by_peer, &key, place);
    return member;
}

void
members_remove(members_t *self, member_t *member)
{
    assert(member->known);
    jobid_t key = peer_key(&member->peer);
    idmap_remove(self->by_peer, &key);
    free(member->jobs);
    free(member->changes);
    free(member->cancels);
    *member = (member_t){ .number = member->number + MEMBERS_MOST };
}

member_t *
members_at(const members_t *self, uint32_t place)
{
    return self->places[place].known ? &self->places[place] : NULL;
}

uint32_t
members_places(const members_t *self)
{
    return self->high;
}

/* Room for one more item of `size` bytes. */
static void *
with_room(void *items, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room > 0 ? 2 * *room : 16;
    return mem_grow(items, *room * size);
}

void
member_job(member_t *self, const waiting_t *job)
{
    self->jobs = with_room(self->jobs, self->jobs_count, &self->jobs_room, sizeof *self->jobs);
    self->jobs[self->jobs_count++] = *job;
}

void
member_change(member_t *self, const wire_change_t *change)
{
    self->changes =
        with_room(self->changes, self->changes_count, &self->changes_room, sizeof *self->changes);
    self->changes[self->changes_count++] = *change;
}

void
member_cancel(member_t *self, const jobid_t *id)
{
    if (self->cancels_count == WIRE_LIST_MOST)
        return;
    self->cancels =
        with_room(self->cancels, self->cancels_count, &self->cancels_room, sizeof *self->cancels);
    self->cancels[self->cancels_count++] = (wire_ref_t){ .job = *id };
}

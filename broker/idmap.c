#include "broker/idmap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    jobid_t id;
    uint32_t number; /* IDMAP_NONE: free */
} cell_t;

struct idmap {
    cell_t *cells;
    uint32_t mask;
    uint32_t count;
    uint32_t most;
    uint64_t seed; /* so that nobody can choose ids that all land in one place */
};

idmap_t *
idmap_new(uint32_t most)
{
    assert(most > 0 && most < 1u << 30);
    uint32_t size = 16;
    while (size < 2 * most)
        size *= 2;
    idmap_t *self = mem_new(sizeof *self);
    self->cells = mem_array(size, sizeof *self->cells);
    self->mask = size - 1;
    self->most = most;
    jobid_t random = jobid_make(0, 0);
    memcpy(&self->seed, random.bytes + JOBID_SIZE - sizeof self->seed, sizeof self->seed);
    idmap_clear(self);
    return self;
}

void
idmap_destroy(idmap_t **self_p)
{
    if (!*self_p)
        return;
    free((*self_p)->cells);
    free(*self_p);
    *self_p = NULL;
}

static uint32_t
home(const idmap_t *self, const jobid_t *id)
{
    uint64_t high = 0;
    uint64_t low = 0;
    memcpy(&high, id->bytes, sizeof high);
    memcpy(&low, id->bytes + sizeof high, sizeof low);
    uint64_t hash = (high ^ self->seed) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ (hash >> 32) ^ low) * 0xd6e8feb86659fd93u;
    return (uint32_t)(hash >> 32) & self->mask;
}

/* Where `id` is, or the free cell where it would be. */
static uint32_t
place(const idmap_t *self, const jobid_t *id)
{
    uint32_t at = home(self, id);
    while (self->cells[at].number != IDMAP_NONE && !jobid_equal(&self->cells[at].id, id))
        at = (at + 1) & self->mask;
    return at;
}

uint32_t
idmap_find(const idmap_t *self, const jobid_t *id)
{
    return self->cells[place(self, id)].number;
}

void
idmap_add(idmap_t *self, const jobid_t *id, uint32_t number)
{
    uint32_t at = place(self, id);
    assert(self->count < self->most && self->cells[at].number == IDMAP_NONE);
    self->cells[at] = (cell_t){ .id = *id, .number = number };
    self->count++;
}

/* Close the gap at `hole`: whatever was pushed past it comes back, up to the next free cell. */
static void
close_gap(idmap_t *self, uint32_t hole)
{
    uint32_t at = (hole + 1) & self->mask;
    while (self->cells[at].number != IDMAP_NONE) {
        uint32_t wish = home(self, &self->cells[at].id);
        if (((at - wish) & self->mask) >= ((at - hole) & self->mask)) {
            self->cells[hole] = self->cells[at];
            hole = at;
        }
        at = (at + 1) & self->mask;
    }
    self->cells[hole].number = IDMAP_NONE;
}

void
idmap_remove(idmap_t *self, const jobid_t *id)
{
    uint32_t at = place(self, id);
    if (self->cells[at].number == IDMAP_NONE)
        return;
    close_gap(self, at);
    self->count--;
}

void
idmap_clear(idmap_t *self)
{
    for (uint32_t i = 0; i <= self->mask; i++)
        self->cells[i].number = IDMAP_NONE;
    self->count = 0;
}

uint32_t
idmap_count(const idmap_t *self)
{
    return self->count;
}

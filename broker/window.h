/* window.h - what the queue is made of: entries, the tenants they belong to, and whose turn it is.
 *
 * Entries stand in one array and are named by their index; each is in its tenant's heap or in one
 * of four lists. Tenants that may run something form a ring. window.c keeps these consistent: an
 * entry leaves a state with entry_leave(), enters one with entry_wait() or list_append(), and after
 * any change of a tenant's numbers tenant_settle() is called. queue.c decides; nobody else includes
 * this.
 */
#ifndef BROKER_WINDOW_H
#define BROKER_WINDOW_H

#include "broker/heap.h"
#include "broker/idmap.h"
#include "broker/queue.h"

#define NONE IDMAP_NONE

typedef enum {
    ENTRY_FREE,
    ENTRY_HELD, /* waits, but not before QUEUE_LATER_MS are over */
    ENTRY_OUT,  /* handed out */
    ENTRY_DONE, /* ended lately: an offer of it is an echo */
    ENTRY_LISTS,
    ENTRY_WAITING, /* in its tenant's heap, in no list */
} entry_state_t;

typedef struct {
    waiting_t job;
    entry_state_t state;
    uint32_t tenant; /* NONE when DONE */
    uint32_t place;  /* in the heap, when WAITING */
    uint32_t runner; /* when OUT */
    int64_t at_ms;   /* when it came into its state */
    uint32_t previous;
    uint32_t next;
} entry_t;

typedef struct {
    uint32_t first;
    uint32_t last;
    uint32_t count;
} list_t;

typedef struct {
    jobid_t key;
    char name[sizeof((waiting_t *)0)->tenant];
    heap_t heap;
    uint32_t held;
    uint32_t out;
    bool overflow; /* the store holds jobs that were refused here */
    bool refilled; /* ... and is asked for them: until the first of them comes */
    bool known;    /* this place in the table is taken */
    bool ringed;
    uint32_t previous; /* in the ring, or (next only) among the free places */
    uint32_t next;
} tenant_t;

struct queue {
    queue_limits_t limits;
    entry_t *entries;
    list_t lists[ENTRY_LISTS];
    idmap_t *by_id;
    tenant_t *tenants;
    uint32_t tenants_most;
    uint32_t tenants_free;
    uint32_t tenants_high; /* no place from here on was ever used */
    idmap_t *by_tenant;
    uint32_t turn;    /* in the ring: whose turn it is */
    uint32_t look;    /* where the search for a rich tenant goes on */
    uint32_t waiting; /* in heaps, or held */
    bool hungry;
};

/* Put an entry that is nowhere at the end of a list. */
void list_append(queue_t *self, uint32_t i, entry_state_t state);

/* Is `a` to run before `b` of the same tenant? */
bool waiting_before(const waiting_t *a, const waiting_t *b);

/* Put an entry that is nowhere into its tenant's heap. */
void entry_wait(queue_t *self, uint32_t i);

/* Out of heap or list and out of all counts; its tenant is not settled yet. */
void entry_leave(queue_t *self, uint32_t i);

/* Forget the entry altogether. */
void entry_drop(queue_t *self, uint32_t i);

/* The entry at the bottom of a heap: not the worst of all, but worse than those above it. */
uint32_t tenant_last(const tenant_t *tenant);

/* Jobs of this tenant that wait or are held. */
uint32_t tenant_waiting(const tenant_t *tenant);

/* The tenant's place, NONE when nothing is remembered of it. */
uint32_t tenant_find(const queue_t *self, const char *name);

/* The tenant's place. There is always one: tenants without entries are not remembered. */
uint32_t tenant_get(queue_t *self, const char *name);

/* Into the ring or out of it, hungry or not, and gone when nothing is left to remember. */
void tenant_settle(queue_t *self, uint32_t t);

/* Forget all tenants. */
void tenants_clear(queue_t *self);

#endif

/* window.h - what the queue is made of: entries, the pairs, tenants, sources and lines they belong
 * to, and whose turn it is.
 *
 * Entries stand in one array and are named by their index; each is in its pair's heap, among the
 * held, behind the front of its line, or in one of three lists. A pair is a tenant's jobs on one
 * source; a tenant's pairs that have something waiting stand in a heap of their own, by their first
 * jobs, and tenants that may run something form a ring. window.c keeps entries consistent, pairs.c
 * pairs and tenants, sources.c sources and their breakers, lines.c lines: an entry leaves a state
 * with entry_leave(), enters one with entry_wait(), entry_hold(), entry_behind() or list_append(),
 * and after any change of a pair's numbers pair_settle() is called. queue.c and admission.c decide;
 * nobody else includes this.
 */
#ifndef BROKER_WINDOW_H
#define BROKER_WINDOW_H

#include "broker/breaker.h"
#include "broker/heap.h"
#include "broker/idmap.h"
#include "broker/queue.h"

#define NONE IDMAP_NONE

typedef enum {
    ENTRY_FREE,
    ENTRY_OUT,  /* handed out */
    ENTRY_DONE, /* ended lately: an offer of it is an echo */
    ENTRY_LISTS,
    ENTRY_WAITING, /* in its pair's heap, in no list */
    ENTRY_HELD,    /* among the held: waits, but not before its time */
    ENTRY_BEHIND,  /* in its line's heap: waits, but not before its turn */
} entry_state_t;

typedef struct {
    waiting_t job;
    entry_state_t state;
    uint32_t pair; /* NONE when DONE */
    uint32_t
        line;  /* NONE without a queue key, or when its line has nothing to do with it any more */
    bool over; /* when DONE: its end is in the store */
    uint32_t place;  /* in its heap, when WAITING, HELD or BEHIND */
    uint32_t runner; /* when OUT; UINT32_MAX: the store said so, not who */
    int64_t at_ms;   /* when it came into its state; when it may leave it, if HELD */
    uint32_t previous;
    uint32_t next;
} entry_t;

typedef struct {
    uint32_t first;
    uint32_t last;
    uint32_t count;
} list_t;

/* A tenant's jobs on a source; known as long as there is an entry of it. */
typedef struct {
    jobid_t key;
    uint32_t tenant;
    uint32_t source;
    heap_t heap;    /* what waits, the first to run on top */
    uint32_t head;  /* the top as the tenant's heap knows it; NONE: it is not there */
    uint32_t place; /* in the tenant's heap */
    uint32_t held;
    uint32_t behind;
    uint32_t out;
    bool overflow;     /* the store holds jobs that were refused here */
    bool refilled;     /* ... and is asked for them: until the first of them comes */
    bool moved;        /* something of it went on since it was asked for */
    bool known;        /* this place in the table is taken */
    bool pinned;       /* an entry of it is nowhere just now: it stays known */
    uint32_t previous; /* among the pairs of its source, or (next only) the free places */
    uint32_t next;
} pair_t;

typedef struct {
    jobid_t key;
    char name[sizeof((waiting_t *)0)->tenant];
    heap_t heads;   /* its pairs that have something waiting */
    uint32_t pairs; /* how many are known */
    uint32_t waiting;
    uint32_t held;
    uint32_t behind;
    uint32_t out;
    bool lines_more;  /* the store holds lines of its that are not here */
    bool lines_asked; /* ... and is asked for them */
    bool moved;       /* something of it went on since it was asked */
    uint32_t look;    /* where the search for a rich pair goes on */
    bool ringed;
    uint32_t previous; /* in the ring, or (next only) among the free places */
    uint32_t next;
} tenant_t;

/* A source; known as long as there is a pair of it, or its breaker is not closed. */
typedef struct {
    jobid_t key;
    char name[sizeof((waiting_t *)0)->source];
    breaker_t breaker;
    uint32_t place; /* among the barred; NONE while its breaker is closed */
    uint32_t probe; /* an entry that is out; NONE: none is */
    uint32_t pairs; /* the first of its pairs */
    uint32_t next;  /* among the free places */
} source_t;

/* The jobs of one queue key of a tenant. Known as long as there is an entry of it, or the store is
 * asked for it. */
typedef struct {
    jobid_t key;
    char tenant[sizeof((waiting_t *)0)->tenant];
    char queue_key[sizeof((waiting_t *)0)->queue_key];
    heap_t heap;      /* who stands behind the front, the next one on top */
    uint32_t front;   /* the entry whose turn it is, wherever that is; NONE: nobody knows */
    uint32_t entries; /* how many are of this line */
    bool overflow;    /* the store holds more behind those that stand here */
    bool wanted;      /* the store is to be asked */
    bool bare;        /* it counts among those without an entry */
    bool known;
    uint32_t next; /* among the free places */
} line_t;

struct queue {
    queue_limits_t limits;
    entry_t *entries;
    uint32_t entries_most;
    list_t lists[ENTRY_LISTS];
    heap_t held; /* the next to go on on top */
    idmap_t *by_id;
    uint32_t places; /* in each of the tables of pairs and tenants; sources have more */
    pair_t *pairs;
    uint32_t pairs_free;
    uint32_t pairs_high; /* no place from here on was ever used */
    idmap_t *by_pair;
    tenant_t *tenants;
    uint32_t tenants_free;
    uint32_t tenants_high;
    idmap_t *by_tenant;
    source_t *sources;
    uint32_t sources_free;
    idmap_t *by_source;
    line_t *lines;
    uint32_t lines_free;
    uint32_t lines_high;
    uint32_t lines_bare;
    idmap_t *by_line;
    heap_t barred;    /* sources whose breaker is not closed, the next to change on top */
    uint32_t turn;    /* in the ring: whose turn it is */
    uint32_t look;    /* where the search for a rich tenant goes on */
    uint32_t waiting; /* in heaps */
    uint32_t behind;  /* in lines */
    bool hungry;
    bool doubtful;  /* lines are to be asked for */
    int64_t now_ms; /* the latest that came in */
    queue_breaker_fn listen;
    void *listen_arg;
};

/* --- entries (window.c) --- */

/* Put an entry that is nowhere at the end of a list. */
void list_append(queue_t *self, uint32_t i, entry_state_t state);

/* Is `a` to run before `b` of the same tenant? */
bool waiting_before(const waiting_t *a, const waiting_t *b);

/* Put an entry that is nowhere into its pair's heap. */
void entry_wait(queue_t *self, uint32_t i);

/* Put an entry that is nowhere among the held. */
void entry_hold(queue_t *self, uint32_t i, int64_t until_ms);

/* Put an entry that is nowhere behind the front of its line. */
void entry_behind(queue_t *self, uint32_t i);

/* Out of heap or list and out of all counts; its pair is not settled yet. A probe that leaves so is
 * lost. */
void entry_leave(queue_t *self, uint32_t i);

/* A place for a job that is not known, of pair `p`: in no line, and nowhere. There is always one.
 */
uint32_t entry_make(queue_t *self, const waiting_t *job, uint32_t p);

/* Forget the entry altogether; one that is nowhere. */
void entry_drop(queue_t *self, uint32_t i);
void entry_gone(queue_t *self, uint32_t i);

/* --- pairs and tenants (pairs.c) --- */

/* The job at the bottom of a pair's heap: not the worst of all, but worse than those above it. */
uint32_t pair_last(const pair_t *pair);

/* A tenant's part of the window is shared by its pairs: how much is each one's? */
uint32_t pair_share(const queue_t *self, const pair_t *pair);

/* A tenant's place; NONE when nothing is remembered of it. */
uint32_t tenant_find(const queue_t *self, const char *name);

/* A pair's place; NONE when nothing is remembered of it. */
uint32_t pair_find(const queue_t *self, const waiting_t *job);

/* A pair's place. There is always one: pairs without entries are not remembered. */
uint32_t pair_get(queue_t *self, const waiting_t *job);

/* To its place among the tenant's pairs, the tenant into the ring or out of it, hungry or not, and
 * gone when nothing is left to remember. */
void pair_settle(queue_t *self, uint32_t p);

/* Forget all pairs and tenants. */
void pairs_clear(queue_t *self);

/* --- offers (admission.c) --- */

/* Is an offer of this remembered job an echo? Not after a while, and not when the sweep found its
 * executor dead. */
bool entry_echoes(const entry_t *entry, const waiting_t *job, int64_t now_ms);

/* Put an entry that is nowhere into its pair's heap. False: there is no room for it, or its source
 * is away; it is forgotten, and the store asked for it later. */
bool entry_admit(queue_t *self, uint32_t i);

/* Forget an entry that the store still has; it will be asked for it, and with it those behind it in
 * its line. */
void entry_let_go(queue_t *self, uint32_t i);

/* What was handed out or has ended is remembered, but never more than a window of it: make room for
 * one more. */
void make_room_for_mark(queue_t *self);

/* The half of some room, rounded up. */
uint32_t half(uint32_t whole);

/* --- lines (lines.c) --- */

/* A fresh job with a queue key; one of which the store says that it is its line's front. */
queue_answer_t line_offer(queue_t *self, const waiting_t *job);
queue_answer_t line_head(queue_t *self, const waiting_t *job);

/* The entry is of its line no more. What is left of the line may be in doubt then: the store is
 * asked, but not at once. */
void line_lose(queue_t *self, uint32_t i);

/* Ask the store at once. NONE is fine. */
void line_ask(queue_t *self, uint32_t l);

/* The same, if it is to be asked anyway. */
void line_hurry(queue_t *self, uint32_t l);

/* The store has it; let go of all of it that waits here. NONE is fine. */
void line_forget(queue_t *self, uint32_t l);

/* An entry, DONE, of the line is over in the store: whose turn is it? */
void line_over(queue_t *self, uint32_t i);

/* Forget all lines. */
void lines_clear(queue_t *self);

/* --- sources (sources.c) --- */

/* A source's place; NONE when nothing is remembered of it. */
uint32_t source_find(const queue_t *self, const char *name);

/* A source's place. There is always one. */
uint32_t source_get(queue_t *self, const char *name);

/* Forget it, if it is well and has no pairs. */
void source_settle(queue_t *self, uint32_t s);

/* Does the breaker of this job's source let one more of its pair wait? */
bool source_lets(const queue_t *self, const waiting_t *job);

/* This entry was just handed out. */
void source_taken(queue_t *self, uint32_t i);

/* This entry, which is out, found its source away: does the breaker look after it from now on? Its
 * waiting jobs are gone then, and this one is as it was. */
bool source_away(queue_t *self, uint32_t i);

/* This entry, which is out, got through. */
void source_good(queue_t *self, uint32_t i);

/* This entry, which was out, is not heard of any more. */
void source_lost(queue_t *self, uint32_t i);

/* Let time do its work on the breakers. */
void sources_turn(queue_t *self);

/* Forget all sources; the pairs are cleared, too. */
void sources_clear(queue_t *self);

#endif

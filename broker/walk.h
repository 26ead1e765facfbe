/* walk.h - lines of queue keys, as the store has them.
 *
 * Lines that the queue asks for are read as far as it can take them. All others are walked through
 * tenant by tenant and key by key, of each the front and one behind it, so that no line, however
 * long, stands before others: a walk reads about a window of lines, and of a tenant about its part
 * of one; the next walk goes on where that one stopped. What is found waits in a haul until it is
 * handed over. One thread at a time.
 */
#ifndef BROKER_WALK_H
#define BROKER_WALK_H

#include "common/store.h"

enum {
    WALK_PLACES = 1024, /* tenants with more lines than one walk reads, whose place is remembered */
};

/* What was found. All zero is an empty one. */
typedef struct {
    struct haul_line *lines;
    uint32_t count;
    uint32_t room;
    waiting_t *jobs;
    uint32_t jobs_count;
    uint32_t jobs_room;
} haul_t;

/* Who is told of it: of each line, and then, that a tenant's were walked; `more`: it has others. */
typedef struct {
    store_line_fn line;
    void (*told)(void *arg, const char *tenant, bool more);
    void *arg;
} haul_taker_t;

/* Hand all of it over, in the order in which it was found. */
void haul_deliver(const haul_t *self, const haul_taker_t *taker);

/* Empty it and free its memory. */
void haul_clear(haul_t *self);

typedef struct walk walk_t;

/* Caller owns the result. */
walk_t *walk_new(uint32_t window, uint32_t tenant_window) MUST_USE;
void walk_destroy(walk_t **self_p);

/* Read these lines; the next lines of these tenants; those of all tenants that have any. */
bool walk_lines(walk_t *self, store_t *store, const line_name_t *names, uint32_t count,
                haul_t *haul, err_t *err) MUST_USE;
bool walk_tenants(walk_t *self, store_t *store, const line_tenant_t *tenants, uint32_t count,
                  haul_t *haul, err_t *err) MUST_USE;
bool walk_all(walk_t *self, store_t *store, haul_t *haul, err_t *err) MUST_USE;

#endif

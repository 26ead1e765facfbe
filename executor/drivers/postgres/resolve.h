/* resolve.h - a source's addresses, asked for beside the loop.
 *
 * libpq looks a host name up while everything else of the executor waits, for as long as a name
 * server is silent. So names are looked up in a thread of their own each, before libpq is asked to
 * connect; it gets the addresses, and the name only to compare certificates with. A lookup cannot
 * be broken off: one that is not wanted any more ends by itself, and only so many are under way.
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_RESOLVE_H
#define EXECUTOR_DRIVERS_POSTGRES_RESOLVE_H

#include "common/err.h"

enum { RESOLVE_MOST = 64, RESOLVE_EACH = 4 };

typedef struct resolve resolve_t;

/* Must this host be looked up? Not addresses, not socket folders, not lists of hosts, which are
 * left to libpq. */
bool resolve_needed(const char *host) MUST_USE;

/* Begin to look up `host`. NULL (ERR_LIMIT) when too many are under way. Copies the name. Caller
 * owns the result. */
resolve_t *resolve_new(const char *host, err_t *err) MUST_USE;

/* Readable when the answer is there. */
int resolve_fd(const resolve_t *self);

/* Is the answer there? Then at most RESOLVE_EACH addresses with commas between them, as hostaddr
 * takes them, and the name as often; texts point into self, and are empty when there is no such
 * host. */
bool resolve_done(const resolve_t *self, const char **addresses, const char **names) MUST_USE;

void resolve_destroy(resolve_t **self_p);

#endif

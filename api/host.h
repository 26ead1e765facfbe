/* host.h - who a request is for, by the name of the host that it was sent to.
 *
 * Pure; any thread.
 */
#ifndef API_HOST_H
#define API_HOST_H

#include "common/mem.h"

/* The first label of a header Host: "alice" of "alice.example.com:8080". NULL when there is no dot,
 * nothing before it, or no header (NULL). As it was written: no case is changed. Caller owns the
 * result. */
char *host_label(const char *host) MUST_USE;

#endif

/* crowd.h - logins for which a source had no room lately.
 *
 * A source that is there, but has no connection left for a tenant's role (or for anybody), is not
 * away: others may be well there. It is left alone with this login for CROWD_MS, however many jobs
 * want in; sessions that stand may be used meanwhile. The latest CROWDS_MOST are remembered.
 */
#ifndef EXECUTOR_CROWD_H
#define EXECUTOR_CROWD_H

#include "executor/driver.h"

enum { CROWDS_MOST = 32, CROWD_MS = 500, CROWD_NAME_SIZE = 64 };

typedef struct {
    struct {
        char tenant[CROWD_NAME_SIZE];
        char source[CROWD_NAME_SIZE];
        int64_t until_ms;
    } list[CROWDS_MOST];
    uint32_t next;
} crowds_t;

/* Did a source that was there turn a login down because it has no room for one more session? */
bool crowd_says(const failure_t *failure) MUST_USE;

/* It has no room for this login now. */
void crowd_note(crowds_t *self, const char *tenant, const char *source, int64_t now_ms);

/* Had it none, a moment ago? */
bool crowd_is(const crowds_t *self, const char *tenant, const char *source, int64_t now_ms)
    MUST_USE;

#endif

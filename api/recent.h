/* recent.h - the jobs that were submitted here a moment ago, and how they ended.
 *
 * The broker tells this node of the end of every job that the node offered, asked or not. What is
 * kept here of that lets a wait for such a job begin, and often end, without a question to the
 * store. Only "done" is kept: of other ends there is more to know than the event says, as of some
 * that are done, and such a job is forgotten; of jobs of several steps there always is. And it is
 * kept for RECENT_MS only: by way of another node a job that is over may be removed, or kept
 * longer. A fixed number of places, each id has one, the newest stays; what is not here is not
 * known, and no more. Monotonic times come in as arguments. Any thread.
 */
#ifndef API_RECENT_H
#define API_RECENT_H

#include "api/outbox.h"
#include "common/wire.h"

enum { RECENT_MS = 2000 };

typedef struct recent recent_t;

/* What is known. */
typedef struct {
    int32_t retention_s;  /* the job's */
    wire_change_t change; /* RECENT_DONE */
} recent_news_t;

typedef enum {
    RECENT_UNKNOWN, /* nothing is known */
    RECENT_OPEN,    /* the present leader knows that this node wants the job's end; none was told */
    RECENT_DONE,    /* the end was told */
} recent_state_t;

/* Caller owns the result. */
recent_t *recent_new(void) MUST_USE;
void recent_destroy(recent_t **self_p);

/* There is another leader, who knows of no job that was offered to an earlier one. */
void recent_leader(recent_t *self);

/* These jobs were offered to the leader. Copies. */
void recent_offered(recent_t *self, const outbox_offer_t *offers, uint32_t count);

/* News of a job, of whatever kind and origin. Comes after recent_offered() for jobs of this node.
 */
void recent_tell(recent_t *self, const wire_change_t *change, int64_t now_ms);

/* What is known of a tenant's job; of another tenant's nothing. Fills *news, but for
 * RECENT_UNKNOWN. With NULL for the tenant that is not asked: for those who show nothing of the
 * job. */
recent_state_t recent_look(recent_t *self, const jobid_t *id, const char *tenant, int64_t now_ms,
                           recent_news_t *news);

#endif

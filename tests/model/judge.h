/* judge.h - the door to the product's own pure code: the model takes its decisions with it.
 *
 * The states and their moves are common/job.h, which step comes next is common/plan.h, what a
 * recovery concludes is executor/verdict.h.
 */
#ifndef MODEL_JUDGE_H
#define MODEL_JUDGE_H

#include "common/job.h"

typedef enum { PROVEN_NOT, PROVEN_BY_BARRIER, PROVEN_BY_LEDGER } proof_kind_t;

typedef enum {
    FATE_IS_COMMITTED,
    FATE_IS_ABORTED,
    FATE_IS_RUNNING,
    FATE_IS_FORGOTTEN,
    FATE_IS_FUTURE,
    FATE_IS_STRANGE,
    FATE_IS_UNTOLD,
    FATE_KINDS
} fate_kind_t;

typedef enum { JUDGED_DONE, JUDGED_AGAIN, JUDGED_ASK, JUDGED_UNKNOWN } judged_t;

/* What a recovery concludes from the record's proof and what the source says of it. */
judged_t judge_fate(proof_kind_t proof, fate_kind_t fate);

const char *judge_fate_word(fate_kind_t fate);

typedef struct {
    bool over;
    int step;
    job_state_t state;
} next_t;

/* What comes next, given each step's condition and state. */
next_t judge_next(const char *const *conditions, const job_state_t *states, int count);

#endif

/* verdict.h - what recovery decides about a step that an earlier attempt left undecided. Pure.
 *
 * Before COMMIT of a step that wrote, an outcome record goes into the store; it says by which proof
 * the source can be asked what became of that COMMIT. Whoever takes the job up next has ended the
 * earlier attempts' sessions by then, so that nothing of them can happen any more. No record:
 * COMMIT was never sent, the step runs again. A record: the source decides, in one table:
 *
 *     proof     the source says                          the step
 *     -------   --------------------------------------   -----------------
 *     ledger    the marker is there                      is done
 *               it is not                                runs again
 *               there is no ledger any more              is unknown
 *     barrier   committed                                is done
 *               aborted                                  runs again
 *               running                                  is asked for again
 *               it never gave out this id                runs again
 *               forgotten, another history, or nothing   is unknown
 *     none      (it is not asked)                        is unknown
 *
 * (An id that was never given out is not of the history that survived.)
 *
 * With a barrier the transaction's id was durable before COMMIT was sent, so that on the same
 * timeline of the same server it cannot have been given to anybody else.
 */
#ifndef EXECUTOR_VERDICT_H
#define EXECUTOR_VERDICT_H

#include "common/lane.h"
#include "executor/driver.h"

typedef enum {
    VERDICT_AGAIN,   /* it had no effect: it may run again */
    VERDICT_DONE,    /* it took effect, as the stored manifest says */
    VERDICT_UNKNOWN, /* nobody can tell: it does not run again */
    VERDICT_ASK,     /* not yet decided: ask the source once more */
} verdict_t;

/* What the source is asked about a step. */
typedef enum {
    QUESTION_NONE,
    QUESTION_MARKER, /* ask_marker */
    QUESTION_FATE,   /* ask_fate */
} question_t;

/* What has to be asked of a step with this outcome record, or without one? */
question_t verdict_question(bool recorded, proof_t proof);

/* What is to become of it, given the source's answer (FATE_UNTOLD where it was not asked). */
verdict_t verdict_of(bool recorded, proof_t proof, fate_t fate);

/* "again", "done", "unknown", "ask". Static. */
const char *verdict_word(verdict_t verdict);

#endif

/* slot.h - one slot: a state machine that takes a job from its dispatch to the source's last word.
 *
 *     LOGIN -> OPEN -> CLAIM -> [LOOK, GHOSTS] -> CLEAN -> RUN -> [STORE -> (LEASE) -> RECORD
 *           -> (LEASE)] -> COMMIT -> free
 *
 * The stages up to CLEAN are claim.c's, RUN is slot.c's, what follows outcome.c's; those in
 * brackets are for jobs that were tried before, and for jobs that wrote. Nothing here waits: the
 * loop turns the slot when its session or the store has spoken. What must reach the store after the
 * source is done is the record's business (scribe.h); the slot is free by then.
 *
 * The rules that the order of the stages keeps: nothing of a job runs before its session is on
 * record; sessions of earlier attempts are ended before anybody asks whether they left an outcome;
 * and COMMIT of a job that wrote goes out only after its pages and its outcome record are stored,
 * under a lease that is still good.
 */
#ifndef EXECUTOR_SLOT_H
#define EXECUTOR_SLOT_H

#include "executor/kit.h"

typedef enum {
    STAGE_FREE,
    STAGE_LOGIN,  /* the store is asked how to log in */
    STAGE_OPEN,   /* the session logs in */
    STAGE_CLAIM,  /* the store is asked for the job */
    STAGE_GHOSTS, /* earlier attempts' sessions are being ended */
    STAGE_LOOK,   /* the store is asked for an earlier attempt's outcome record */
    STAGE_CLEAN,  /* the session is still cleaned of the job before */
    STAGE_RUN,    /* the statement runs, rows come in */
    STAGE_STORE,  /* it wrote: its pages must be stored first */
    STAGE_RECORD, /* the outcome record is being written */
    STAGE_LEASE,  /* the lease is not surely good: the record, or COMMIT, waits */
    STAGE_COMMIT, /* COMMIT was sent */
} stage_t;

struct slot {
    kit_t *kit;
    page_writer_t *writer; /* allocated at start, so that memory is bounded by slots */
    slot_t *next_free;     /* the runner's own */

    stage_t stage;
    record_t *record;
    session_t *session;
    char tenant[NAME_SIZE];
    char source[NAME_SIZE];
    claimed_t claimed;
    bool doomed;      /* it cannot run: claim it, to fail it with record->failure */
    bool ghosts_gone; /* nothing of an earlier attempt can happen any more */
    bool looked;      /* no outcome record of an earlier attempt was found */
    bool recorded;    /* its outcome record is stored */
    bool leaving;     /* hand it back as soon as that can be said */
    loop_timer_t *timer;
    int64_t until_ms; /* the timer's work goes on until then */

    int64_t dispatched_us;
    int64_t sent_us;    /* the statement; 0: not yet */
    int64_t waiting_us; /* for the store, since then; 0: not waiting */
};

/* Keeps the kit. */
void slot_init(slot_t *self, kit_t *kit);

/* Stop whatever runs; the record is dropped. */
void slot_clear(slot_t *self);

/* Begin with a dispatched job: the slot must be free, `record` is its and not yet claimed. */
void slot_start(slot_t *self, record_t *record, const char *tenant, const char *source);

/* pool_options_t.turned and scribe_options_t.paged; `slot` is a slot_t. */
void slot_turned(void *slot, session_t *session, turn_t turn, failure_t *failure);
void slot_paged(void *slot, write_verdict_t verdict);

/* logins_t's answer: slots that wait for a login look again. */
void slot_login_answered(slot_t *self);

/* The executor shuts down: hand the job back, unless its outcome is being decided. */
void slot_leave(slot_t *self);

/* This incarnation was declared dead: nothing is ours any more. No release is said. */
void slot_depose(slot_t *self);

/* --- between slot.c, claim.c and outcome.c --- */

/* Ends of a slot's work. `keep`: the session can be used again. A job that is handed back never
 * leaves one: its session is on record, and whoever takes the job next will end it. `tried`: that
 * was a try of the job's, of which it has only so many. */
void slot_finish(slot_t *self, job_state_t state, bool keep);
void slot_hand_back(slot_t *self, bool tried);
void slot_drop(slot_t *self, release_verdict_t verdict, bool keep);

/* The job failed; takes what `failure` holds. */
void slot_fail(slot_t *self, failure_t *failure, bool keep);

/* The connection went while nothing could have taken effect: somebody may run it again, but a job
 * that takes its session down each time is not tried for ever. */
void slot_retry(slot_t *self, const failure_t *failure);

/* Time spent waiting for the store ends here. */
void slot_stop_waiting(slot_t *self);

/* Claimed, clean, nothing of earlier attempts left: run the statement. */
void slot_run(slot_t *self);

/* Take the job up to the point where it can run. */
void claim_start(slot_t *self);
void claim_turned(slot_t *self, turn_t turn, failure_t *failure);

/* The statement is over and its transaction open: decide its outcome. */
void outcome_start(slot_t *self);
void outcome_stored(slot_t *self); /* in STAGE_STORE, its pages are */
void outcome_turned(slot_t *self, turn_t turn, failure_t *failure);

/* What an outcome that nobody can know is told as. */
extern const char unknown_text[];

#endif

/* slot.h - one slot: a state machine that takes a job from its dispatch to the source's last word.
 *
 *     LOGIN -> OPEN -> CLAIM -> [CLEAN] -> [GHOSTS -> LOOK -> ASK] ->
 *         (STEP) -> RUN -> STORE -> BARRIER -> (LEASE) -> RECORD -> (LEASE) -> COMMIT
 *                -> (PAGES -> STEPPED) -> the next step, or free
 *
 * Each room has its stages: claim.c those up to CLAIM, recover.c what earlier attempts left behind
 * (and CLEAN, where a session is waited for), course.c the course of a job through its steps, run.c
 * the statements and their rows, outcome.c what follows them, halt.c whatever stops a job. GHOSTS
 * and ASK are for jobs that were tried before, LOOK for these and for jobs of several steps; STEP,
 * PAGES and STEPPED for jobs of several steps; STORE to the second LEASE for steps that wrote.
 * BARRIER is passed over where the source has a ledger. A statement that runs outside a transaction
 * has its record first: LEASE -> RECORD -> LEASE -> RUN -> PAGES. So a job of one step that only
 * reads goes LOGIN, OPEN, CLAIM, RUN, COMMIT, and with a warm session waits for nothing but the
 * claim and the source.
 *
 * Nothing here waits: the loop turns the slot when its session, another session or the store has
 * spoken. What must reach the store after the source is done with the job is the record's business
 * (scribe.h); the slot is free by then.
 *
 * The rules that the order of the stages keeps:
 *
 * Nothing of a job runs before its session is on record. Sessions of earlier attempts are ended
 * before anybody asks whether they left an outcome, and what they left is decided (verdict.h)
 * before anything runs, or the job ends in whatever way. COMMIT of a step that wrote goes out only
 * after its pages and its outcome record are stored, under a lease that is still good, and after
 * its marker or a barrier. A COMMIT that got no answer is not judged here: the job is handed back
 * undecided, and whoever takes it up asks the source.
 *
 * A job that was asked to stop, or whose clock ran out, ends so up to the moment at which COMMIT is
 * sent; from then on the source's answer counts, for as long as the deadline lets it be waited for.
 * What runs is stopped first (stopper.h), and its session never used again. Steps that are done
 * stay done.
 *
 * A job whose session is gone between two steps is handed back: the next session must be on record,
 * too. Whoever shuts down hands back what runs, and between two steps at once.
 */
#ifndef EXECUTOR_SLOT_H
#define EXECUTOR_SLOT_H

#include "executor/kit.h"
#include "executor/steps.h"

typedef enum {
    STAGE_FREE,
    STAGE_LOGIN,   /* the store is asked how to log in */
    STAGE_OPEN,    /* the session logs in */
    STAGE_CLAIM,   /* the store is asked for the job */
    STAGE_CLEAN,   /* the session is still cleaned of the job, or the step, before */
    STAGE_GHOSTS,  /* earlier attempts' sessions are being ended */
    STAGE_LOOK,    /* the store is asked what earlier attempts left, and for the steps */
    STAGE_ASK,     /* the source is asked what became of a COMMIT */
    STAGE_STEP,    /* the store is told that a step begins */
    STAGE_RUN,     /* statements run, rows come in */
    STAGE_STORE,   /* it wrote: its pages must be stored first */
    STAGE_BARRIER, /* it wrote: what came before COMMIT must be durable on the source */
    STAGE_RECORD,  /* the outcome record is being written */
    STAGE_LEASE,   /* the lease is not surely good: the record, or what it is about, waits */
    STAGE_COMMIT,  /* COMMIT was sent */
    STAGE_PAGES,   /* the source is done with it: its pages are on their way */
    STAGE_STEPPED, /* the store is told how a step ended */
} stage_t;

/* Why a job is to stop. */
typedef enum {
    HALT_NONE,
    HALT_CANCEL,    /* its owner said so */
    HALT_STATEMENT, /* the statement's clock ran out */
    HALT_DEADLINE,  /* the job's did */
    HALT_LEAVE,     /* this executor shuts down, and it cannot be run again */
} halt_t;

struct slot {
    kit_t *kit;
    page_writer_t *writer; /* allocated at start, so that memory is bounded by slots */
    slot_t *next_free;     /* the runner's own */
    holder_t holder;

    stage_t stage;
    record_t *record;
    session_t *session;
    char tenant[NAME_SIZE];
    char source[NAME_SIZE];
    claimed_t claimed; /* without its texts, which the steps have */
    params_t *params;  /* of the job; NULL: none */
    steps_t steps;
    bool in_line;     /* it has a queue key */
    bool doomed;      /* it cannot run: claim it, to fail it with record->failure */
    bool ghosts_gone; /* nothing of an earlier attempt can happen any more */
    bool looked;      /* the store said what earlier attempts left */
    bool decided;     /* no COMMIT of it is in doubt */
    bool leaving;     /* hand it back as soon as that can be said */
    look_t earlier;   /* what it left, until that is decided */
    loop_timer_t *timer;
    int64_t until_ms; /* the timer's work goes on until then */

    /* The step at work. */
    script_t script;
    allowance_t allowance; /* that the script counts down, if there is a limit */
    bool kept;             /* its session stands as the step before left it, ready for the next */
    bool dirty;            /* the session must be cleaned of the job before others may have it */
    bool recorded;         /* its outcome record is stored */
    bool forced;           /* the job ends with it, whatever the plan says */
    bool rows_seen;        /* some of its rows are here */
    bool barrier_due;
    job_state_t ended; /* PAGES, STEPPED: its final state, */
    int32_t attempt;   /* and of which attempt its pages are */
    uint32_t inlined;  /* bytes of its results that stand in its manifest */
    size_t weight;     /* of all that stands there */
    proof_t proof;
    char *leaves; /* in its session */
    barrier_wait_t barrier;

    /* What may stop it. */
    halt_t halt;
    bool hinted;   /* the runner's own: its leader said that it is cancelled */
    bool stopping; /* the stopper is at it */
    stop_t stop;
    loop_timer_t *clock;
    int64_t deadline_ms;
    int64_t statement_ms; /* timeout of each statement; 0: none */
    int64_t statement_until_ms;

    int64_t dispatched_us;
    int64_t sent_us;      /* the first statement; 0: not yet */
    int64_t step_us;      /* the step's */
    int64_t took_us;      /* the step that is over */
    int64_t executing_us; /* all steps that are over */
    int64_t waiting_us;   /* for the store, since then; 0: not waiting */
};

/* Keeps the kit. */
void slot_init(slot_t *self, kit_t *kit);

/* Stop whatever runs; the record is dropped. */
void slot_clear(slot_t *self);

/* Begin with a dispatched job: the slot must be free, `record` is its and not yet claimed.
 * `in_line`: it has a queue key. */
void slot_start(slot_t *self, record_t *record, const char *tenant, const char *source,
                bool in_line);

/* scribe_options_t.paged; `slot` is a slot_t. */
void slot_paged(void *slot, write_verdict_t verdict);

/* logins_t's answer: slots that wait for a login look again. */
void slot_login_answered(slot_t *self);

/* The executor shuts down: hand the job back, unless its outcome is being decided. */
void slot_leave(slot_t *self);

/* This incarnation was declared dead: nothing is ours any more. No release is said. */
void slot_depose(slot_t *self);

/* Its job is to stop. */
void slot_halt(slot_t *self, halt_t why);

/* Every second or so: look at its clocks. */
void slot_tick(slot_t *self, int64_t now_ms);

/* --- between the rooms of the slot --- */

/* Ends of a slot's work. `keep`: the session can be used again. A job that is handed back never
 * leaves one: its session is on record, and whoever takes the job next will end it. `tried`: that
 * was a try of the job's, of which it has only so many. */
void slot_finish(slot_t *self, job_state_t state, bool keep);
void slot_hand_back(slot_t *self, bool tried, int64_t later_ms);
void slot_drop(slot_t *self, release_verdict_t verdict, bool keep);

/* The step failed, and a job of one step with it; takes what `failure` holds. */
void slot_fail(slot_t *self, failure_t *failure, bool keep);

/* The connection went while nothing could have taken effect: somebody may run it again, but a job
 * that takes its session down each time is not tried for ever. */
void slot_retry(slot_t *self, const failure_t *failure);

/* It cannot go on here and now, and nothing of it was tried. */
void slot_later(slot_t *self);

/* How often a job of these may be tried; how long to wait before it is again, which it was so many
 * times. */
int32_t slot_tries_most(const slot_t *self);
int64_t slot_backoff(int32_t times);

/* Time spent waiting for the store ends here. */
void slot_stop_waiting(slot_t *self);

/* The job as a whole is over: let go of it. */
void slot_over(slot_t *self, job_state_t state, bool keep);

/* Take the job up to the point where it is claimed. */
void claim_start(slot_t *self);
void claim_turned(slot_t *self, turn_t turn, failure_t *failure);

/* It is claimed, or a step of it is over: do what must be done before a statement may run. */
void recover_go(slot_t *self);
void recover_turned(slot_t *self, turn_t turn, failure_t *failure);
void recover_tick(slot_t *self, int64_t now_ms);

/* Everything is decided: what comes next? */
void course_go(slot_t *self);

/* A step of several ended on the source. */
void course_ended(slot_t *self, job_state_t state, bool keep);
void course_stored(slot_t *self); /* in STAGE_PAGES, its pages are */

/* Nothing more of the job runs: end the step at work in this state, if there is one, and the job.
 */
void course_break(slot_t *self, job_state_t state, bool keep);

/* Claimed, clean, nothing of earlier attempts left: run the step at work. */
void run_begin(slot_t *self);
void run_send(slot_t *self);
void run_turned(slot_t *self, turn_t turn, failure_t *failure);

/* The statements are over and their transaction open: decide its outcome. */
void outcome_start(slot_t *self);
void outcome_stored(slot_t *self); /* in STAGE_STORE, its pages are */
void outcome_alone(slot_t *self);  /* a statement outside any transaction: its record first */
void outcome_turned(slot_t *self, turn_t turn, failure_t *failure);
void outcome_overdue(slot_t *self); /* COMMIT has no answer by the job's deadline */

/* Nobody can know what became of the step at work. */
void outcome_unknown(slot_t *self, const char *sqlstate, const char *text);

/* The clocks: the job's begins at its claim, the statement's with each; it stands while the session
 * is paused, and goes on (its time waiting not yet ended). Set a timer for the one that ends first,
 * if that is soon; stop all. */
void halt_claimed(slot_t *self);
void halt_statement(slot_t *self);
void halt_resumed(slot_t *self);
void halt_watch(slot_t *self, int64_t now_ms);
void halt_rest(slot_t *self);

/* The step at work was stopped, or is not to begin: end it as what stopped it says. */
void halt_end(slot_t *self);

/* What outcomes that nobody can know are told as. */
extern const char unknown_text[];
extern const char alone_text[];
extern const char already_text[];

#endif

/* lane.h - an executor's gathered writes to the store, from its event loop.
 *
 * A lane is one connection on which batches go out one after another, each a pipelined transaction:
 * whatever must be durable leaves with everything that arrived while the batch before it was under
 * way. Control writes (claims, outcome records, finishes) and pages have a lane of their own each.
 * Pages behind the first of a result, which nobody waits for, also wait for company while the lane
 * is idle: a commit costs the store more than a small page does.
 *
 * A batch whose transaction the store refuses is run again member by member, each a transaction of
 * its own, so that only the guilty one sees the error. After a lost connection the batch is sent
 * again on the next one: every write here may be repeated. Nothing is answered before its COMMIT.
 * All on the loop's thread.
 */
#ifndef COMMON_LANE_H
#define COMMON_LANE_H

#include "common/job.h"
#include "common/loop.h"
#include "common/manifest.h"
#include "common/page.h"
#include "common/store.h"

typedef enum {
    WRITE_CLAIM,   /* take a job */
    WRITE_UNCLAIM, /* hand it back; WRITE_FENCED, too, when its answer was lost on the way: it is
                      the owner's no more */
    WRITE_OUTCOME, /* put on record that COMMIT is about to be sent */
    WRITE_FINISH,  /* a final state */
    WRITE_PAGE,    /* a page of a result (page lane) */
    WRITE_STEP,    /* one move of a step */
    WRITE_LOOK,    /* read: is there an outcome record, and what became of the steps? */
    WRITE_LOGIN,   /* read: how to log in to a source as a tenant */
    WRITE_CANCELS, /* read: which jobs were asked to stop? */
} write_kind_t;

typedef enum {
    WRITE_DONE,   /* committed */
    WRITE_FENCED, /* the attempt is not current any more, or the claim lost: drop the job */
    WRITE_FAILED, /* the store refused this one: err */
} write_verdict_t;

typedef struct write write_t;
typedef void (*write_fn)(write_t *write);

/* What a claim brings back. Texts are owned by the write. */
typedef struct {
    int32_t attempt;
    int32_t tries;
    char *sql; /* "" for a job of several steps: WRITE_LOOK reads them */
    int64_t started_ms;
    uint32_t ghost_count; /* pairs (pid, start us) of earlier attempts' sessions to be ended */
    int64_t *ghosts;
    uint32_t steps;
    bool cancelled;               /* it was asked to stop */
    int64_t age_ms;               /* since it was submitted */
    int64_t deadline_ms;          /* after it was submitted; 0: the default */
    int64_t statement_timeout_ms; /* 0: the default */
    int32_t max_attempts;         /* 0: the default */
    autocommit_t autocommit;
    bool read_only;
    char *params; /* packed (params.h); NULL: none */
    job_limits_t limits;
} claimed_t;

/* How the source can be asked what became of a COMMIT. */
typedef enum {
    PROOF_NONE,    /* not at all */
    PROOF_BARRIER, /* by the transaction's id, which was durable before COMMIT was sent */
    PROOF_LEDGER,  /* by a marker in the same transaction */
} proof_t;

/* "none", "barrier", "ledger". Static. */
const char *proof_word(proof_t proof);

/* What COMMIT was about to make true, as it was put on record. */
typedef struct {
    uint32_t step;
    int32_t attempt;
    int64_t system_id;
    int32_t timeline;
    int64_t xid; /* 0: a statement outside any transaction was about to be sent */
    proof_t proof;
    const uint8_t *manifest; /* packed; borrowed */
    size_t manifest_size;
} outcome_t;

/* What earlier attempts left in the store. Owned by the write. */
typedef struct {
    bool found; /* there is an outcome record */
    outcome_t outcome;
    uint8_t *manifest;   /* what the outcome's points to */
    uint32_t step_count; /* 0 for a job of one step */
    job_step_t *steps;
} look_t;

/* How an attempt ended. Texts are borrowed until the write was answered. */
typedef struct {
    job_state_t state;
    int64_t rows;
    int64_t bytes;
    int64_t raw_bytes; /* before compression; steps only */
    bool truncated;    /* rows were left out; steps, and what is told of the job */
    int32_t pages;
    int64_t planning_us;
    int64_t executing_us;
    int64_t storing_us;
    const char *sqlstate; /* NULL where no database spoke */
    const char *error;    /* NULL unless failed */
    const char *error_detail;
    const char *error_hint;
    int32_t error_position;
    const uint8_t *manifest; /* packed; NULL: none */
    size_t manifest_size;
} ending_t;

/* One write: filled in by its owner, handed to a lane, answered through `done` on a later turn of
 * the loop. The memory stays the owner's and must not move or change in between. */
struct write {
    write_kind_t kind;
    jobid_t job;
    int32_t attempt;
    write_fn done;
    void *owner;

    union {
        struct { /* WRITE_CLAIM */
            int32_t backend_pid;
            int64_t backend_start_us;
        } session;
        outcome_t outcome; /* WRITE_OUTCOME: the manifest is borrowed, the attempt is the write's */
        ending_t ending;   /* WRITE_FINISH */
        struct {           /* WRITE_STEP: from one state to another */
            uint32_t step;
            job_state_t from;
            ending_t to;        /* its state, and for final ones how it ended */
            int32_t attempt;    /* of which its pages are; the fence is the write's */
            const char *leaves; /* in its session; NULL: nothing */
        } step;
        struct { /* WRITE_CANCELS */
            const jobid_t *jobs;
            uint32_t count;
        } cancels;
        uint32_t steps; /* WRITE_LOOK: how many the job has */
        struct {        /* WRITE_PAGE */
            uint32_t step;
            uint32_t result;
            const page_t *page;
            const page_t *draft; /* of the result, beside its first page: see page_draft(); NULL */
        } page;
        struct { /* WRITE_LOGIN */
            const char *tenant;
            const char *source;
        } login;
    } in;

    bool tried;       /* WRITE_UNCLAIM: its statement ran, so that the try counts */
    bool undecided;   /* WRITE_UNCLAIM: COMMIT was sent and not answered: it is to be recovered */
    bool ghosts_gone; /* WRITE_UNCLAIM: earlier attempts' sessions were seen to be gone */
    bool several;     /* WRITE_FINISH: the job has several steps */

    write_verdict_t verdict;
    err_t err;          /* WRITE_FAILED */
    claimed_t claimed;  /* WRITE_CLAIM, done; write_clear() frees it */
    look_t look;        /* WRITE_LOOK, done; write_clear() frees it */
    jobid_t *cancelled; /* WRITE_CANCELS, done: owned by the write */
    uint32_t cancelled_count;
    login_t *found; /* WRITE_LOGIN, done: owned by the write; FAILED with ERR_NOT_FOUND if none */
    int64_t started_ms; /* WRITE_FINISH, done: as the store has them */
    int64_t ended_ms;

    write_t *next_; /* the lane's own */
};

/* Free what answers allocated; the write may then be used again. */
void write_clear(write_t *write);

enum {
    LANE_GATHER_BYTES = 512 * 1024, /* raw bytes of pages that are held back together */
    LANE_GATHER_MS = 10,
};

typedef struct lane lane_t;

typedef struct {
    loop_t *loop;
    const char *dsn;
    const char *who;  /* application name: "millrace/NODE/control" or ".../pages", see nodes.sql */
    const char *node; /* this executor's name */
    int64_t incarnation; /* its current one */
    uint32_t batch_most; /* writes in one transaction */
    /* ids this executor holds, for the node row, written with each batch that has claims or
     * finishes: every job with a claim on its way or a finish not yet answered is in it. Returns
     * the count; *ids points to memory that lives until the next call. NULL for the page lane. */
    uint32_t (*held)(void *arg, const jobid_t **ids);
    /* Called when a batch found that the node row is gone: this incarnation was declared dead. */
    void (*deposed)(void *arg);
    void *arg;
} lane_options_t;

/* Copies the options' texts, keeps loop and arg; connects by itself, again and again while the
 * store is away (250 ms apart). Caller owns the result. */
lane_t *lane_new(const lane_options_t *options) MUST_USE;

/* Writes that are not answered are dropped, their `done` not called. Only when the loop does not
 * turn any more: the lane is one of its hooks. */
void lane_destroy(lane_t **self_p);

/* Queue a write. It goes out with the next batch, at the end of the loop's turn when the lane is
 * idle. A page that is not the first of its result is held back until LANE_GATHER_BYTES of them
 * have come together, for LANE_GATHER_MS at most, or until something else goes out. */
void lane_write(lane_t *self, write_t *write);

/* Hold back nothing of what waits: somebody cannot go on before it is stored. */
void lane_hurry(lane_t *self);

/* Forget queued and sent writes of this owner: their `done` will not be called (what was sent may
 * still take effect; fences decide). A claim that was sent may have taken its job: whoever forgets
 * it while the node lives on must hand the job back, or nobody runs it. */
void lane_forget(lane_t *self, const void *owner);

/* From now on write as this incarnation. */
void lane_incarnation(lane_t *self, int64_t incarnation);

/* Writes that wait or are under way: back-pressure asks this. */
uint32_t lane_load(const lane_t *self);

/* Is there a connection that answered lately? */
bool lane_up(const lane_t *self);

#endif

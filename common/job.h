/* job.h - a job and the life it may lead.
 *
 * A job is a list of steps, each one transaction on a data source. It lives in the store; this file
 * holds its shape as every reader sees it, and the one table of legal moves. No IO, no clock, no
 * locks: a job_t belongs to the thread that holds it.
 */
#ifndef COMMON_JOB_H
#define COMMON_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "common/jobid.h"
#include "common/manifest.h"
#include "common/mem.h"

typedef enum {
    JOB_PENDING,   /* waiting for an executor */
    JOB_RUNNING,   /* claimed by one executor, under one attempt */
    JOB_DONE,      /* every step took effect */
    JOB_FAILED,    /* a step failed, and had no effect */
    JOB_CANCELLED, /* stopped by its owner, without effect */
    JOB_TIMED_OUT, /* stopped by a clock, without effect */
    JOB_UNKNOWN,   /* whether it took effect cannot be known; it is not run again */
    JOB_SKIPPED,   /* steps only: its condition never came true */
} job_state_t;

enum { JOB_STATES = JOB_SKIPPED + 1 };

/* A job as it was read from the store. Times are ms since the epoch by the store's clock, 0 where
 * the moment has not come. Texts are owned by the job, never NULL unless said so. */
typedef struct job {
    jobid_t id;
    char *tenant;
    char *source;
    char *dialect; /* through which face it was submitted */
    job_state_t state;
    int32_t priority;
    int32_t attempt; /* the fence: rises with every claim */
    int32_t tries;   /* how often a statement of it was started */
    int64_t created_ms;
    int64_t started_ms; /* the first claim of the current attempt */
    int64_t first_page_ms;
    int64_t ended_ms;
    int64_t expires_ms; /* final jobs: when the pages go */
    int64_t bucket_us;  /* where the pages are (microseconds, as the store has it); 0: no pages */
    int64_t rows;       /* of all results together */
    int64_t bytes;      /* stored bytes of all results */
    int32_t pages;
    int64_t planning_us;    /* taking the job up: the executor's claim to the statement's start */
    int64_t executing_us;   /* the statement's start to the source's answer to COMMIT */
    int64_t storing_us;     /* waiting for the store's answer to pages and outcome records */
    bool expired;           /* the pages' time is over */
    char sqlstate[6];       /* failed jobs: "" where no database spoke */
    char *error;            /* failed jobs: message; else NULL */
    char *error_detail;     /* or NULL */
    char *error_hint;       /* or NULL */
    int32_t error_position; /* character in the SQL text, from 1; 0: none */
    char *sql;              /* NULL unless asked for */
    manifest_t *manifest;   /* NULL unless asked for, and for jobs that left none */
} job_t;

/* An empty pending job. Caller owns the result. */
job_t *job_new(void) MUST_USE;
void job_destroy(job_t **self_p);

/* The canonical word: "pending", ... Static. It is what the store's state columns hold.
 * "invalid" for a number that is no state (they come over the bus as numbers). */
const char *job_state_word(job_state_t state);

/* Read a canonical word. */
bool job_state_parse(const char *word, job_state_t *state) MUST_USE;

/* True for states that never change again. */
bool job_state_final(job_state_t state);

/* May a job (or step) go from one state to the other? The one table of moves: pending to running,
 * cancelled, timed_out, failed and, steps only, skipped; running to pending (handed back), running
 * (a new attempt) and every other final state; nothing leaves a final state. */
bool job_may_move(job_state_t from, job_state_t to) MUST_USE;

#endif

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

/* How a step runs that refuses, or need not have, a transaction of its own. */
typedef enum {
    AUTOCOMMIT_NEVER,  /* such a statement fails */
    AUTOCOMMIT_NEEDED, /* a text that is one such statement runs outside a transaction, at most once
                        */
    AUTOCOMMIT_ALWAYS, /* each text is one statement that runs outside a transaction, at most once
                        */
} autocommit_t;

/* "never", "needed", "always". Static. NULL reads as never; false: no such word. */
const char *autocommit_word(autocommit_t autocommit);
bool autocommit_parse(const char *word, autocommit_t *autocommit) MUST_USE;

/* Who set a limit. */
typedef enum {
    LIMIT_OF_JOB, /* its own option */
    LIMIT_OF_TENANT,
    LIMIT_OF_SOURCE,
} limit_owner_t;

/* "job", "tenant", "source". Static. NULL reads as job; false: no such word. */
const char *limit_owner_word(limit_owner_t owner);
bool limit_owner_parse(const char *word, limit_owner_t *owner) MUST_USE;

typedef struct {
    int64_t most; /* 0: no limit */
    limit_owner_t owner;
} limit_t;

/* What all results of a job may come to together. */
typedef struct {
    limit_t rows;
    limit_t bytes; /* of msgpack, before compression */
    bool truncate; /* what is beyond is left out; else the job fails */
} job_limits_t;

/* One step of a job that has several. Texts are owned, NULL where there is nothing to say. */
typedef struct {
    uint32_t step; /* from 0 */
    char *sql;
    char *condition;    /* plan.h; NULL: it runs in its turn, if nothing has failed */
    int64_t timeout_ms; /* of each of its statements; 0: the job's */
    bool is_template;   /* fill.h */
    job_state_t state;
    int32_t attempt; /* under which it ran, and its pages are */
    int64_t started_ms;
    int64_t ended_ms;
    int64_t rows;
    int64_t bytes;
    int64_t raw_bytes; /* before compression */
    bool truncated;    /* rows were left out, as a limit of the job wants it */
    int32_t pages;
    int64_t executing_us;
    char sqlstate[6];
    char *error;
    char *error_detail;
    char *error_hint;
    int32_t error_position;
    char *leaves; /* what it left in its session that a later step may need; NULL: nothing */
    manifest_t *manifest;   /* what it left, and of one that is not done only what was said; NULL:
                               nothing, not asked for, or joined into the job's */
    uint32_t manifest_size; /* of that in the store, packed */
} job_step_t;

/* Free what it holds. */
void job_step_clear(job_step_t *self);

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
    int64_t expires_ms;  /* final jobs: when the pages go */
    int32_t retention_s; /* how long the pages are kept from the end on; 0: not known */
    int64_t bucket_us;   /* where the pages are (microseconds, as the store has it); 0: no pages */
    int64_t rows;        /* of all results together */
    int64_t bytes;       /* stored bytes of all results */
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
    manifest_t *manifest;   /* NULL unless asked for, and for jobs that left none; that of a job of
                               several steps has their results one behind the other. Of a job of
                               one step that ended otherwise than done: only what was said */
    int64_t cancel_ms;      /* when it was asked to stop, 0: never; only while it is not final */
    char *note;             /* the dialect's own text; NULL: none, or it was not found whole */
    int64_t edited_ms;      /* when its texts were replaced; 0: never, or it was not found whole */
    uint32_t steps;         /* how many it has */
    job_step_t *step;       /* all of them when it was found whole and has several; else NULL */
} job_t;

/* An empty pending job. Caller owns the result. */
job_t *job_new(void) MUST_USE;
void job_destroy(job_t **self_p);

/* Several of them. */
typedef struct jobs {
    uint32_t count;
    job_t **list; /* owned, with all that are in it */
} jobs_t;

/* Room for `count` jobs, all NULL. Caller owns the result. */
jobs_t *jobs_new(uint32_t count) MUST_USE;
void jobs_destroy(jobs_t **self_p);

/* The canonical word: "pending", ... Static. It is what the store's state columns hold.
 * "invalid" for a number that is no state (they come over the bus as numbers). */
const char *job_state_word(job_state_t state);

/* Read a canonical word. */
bool job_state_parse(const char *word, job_state_t *state) MUST_USE;

/* True for states that never change again. */
bool job_state_final(job_state_t state);

/* May a job (or step) go from one state to the other? The one table of moves: pending to running,
 * cancelled, timed_out, failed and, steps only, skipped; running to pending (handed back), running
 * (a new attempt) and every other final state; nothing leaves a final state. The store's statements
 * name the state that they leave, so that none of them makes a move which is not in it. */
bool job_may_move(job_state_t from, job_state_t to) MUST_USE;

#endif

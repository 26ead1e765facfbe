/* rows.h - what the modelled cluster is made of, as plain records: the store's rows, flights,
 * sources, executors, brokers, clients, and the truth. The world (world.h) holds some of each. Only
 * other records' numbers stand in them, no pointers; -1 is nobody.
 */
#ifndef MODEL_ROWS_H
#define MODEL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/job.h"
#include "tests/model/judge.h"

enum {
    JOBS = 6,
    STEPS = 3,
    ATTEMPTS = 100,
    EXECS = 3,
    SLOTS = 2,
    SOURCES = 2,
    BROKERS = 2,
    REQUESTS = 4,
    NODES = 24,
    SESSIONS = 600,
    ACTIVE = 64,
    TXNS = 700,
    LOG = 1600,
    FLIGHTS = 24,
    MESSAGES = 16,
    GHOSTS = 24,
    IDLE = 2,
    LANES = 2,
    /* Lengths of time, in ticks. */
    LEASE = 60,
    LEASE_MARGIN = 6,
    TAKEOVER = 20,
    GRACE = 3 * LEASE, /* behind its deadline, for executors to decide a lost job */
    MAX_TRIES = 3,
};

/* What a step does when it runs. */
typedef enum {
    DOES_WRITE,
    DOES_READ,
    DOES_FAIL,        /* its statement fails */
    DOES_FAIL_LATE,   /* its COMMIT fails: a deferred constraint */
    DOES_WRITE_ALONE, /* outside a transaction */
    DOES_KINDS
} does_t;

/* Parts of the protocol that can be left out, to see that somebody notices. */
typedef enum {
    BREAK_none,
#define BREAK(name, what) BREAK_##name,
#include "tests/model/breaks.def"
#undef BREAK
    BREAKS
} break_t;

typedef enum {
#define FAULT(name) FAULT_##name,
#include "tests/model/faults.def"
#undef FAULT
    FAULTS
} fault_t;

/* --- the store --- */

typedef struct {
    does_t does;
    uint8_t pages;
    const char *condition; /* static */
} step_spec_t;

/* What a step's result is: pages 0 to pages - 1 of an attempt. */
typedef struct {
    int16_t attempt;
    uint8_t pages;
} result_spec_t;

typedef struct {
    job_state_t state;
    int16_t attempt;
    result_spec_t result;
} step_row_t;

typedef struct {
    bool found;
    uint8_t step;
    proof_kind_t proof;
    int16_t attempt;
    int16_t timeline;
    int16_t xid;
    result_spec_t result;
} record_row_t;

typedef struct {
    /* What was asked for, whether it is stored or not. */
    step_spec_t spec[STEPS];
    uint8_t steps;
    int8_t source;
    int8_t key;    /* -1: none */
    int32_t lasts; /* the deadline, after the submit; 0: none */
    int32_t waits; /* for its first claim, after the submit; 0: as long as it takes */
    /* The row: in live, in job, or removed. */
    bool live;
    bool final;
    bool removed;
    job_state_t state;
    bool recovering;
    bool cancel;
    int16_t attempt;
    int16_t tries;
    int32_t owner; /* executor * 1000 + incarnation; -1: none */
    int16_t backend;
    int16_t ghosts[GHOSTS];
    uint8_t ghost_count;
    int32_t deadline;    /* 0: none */
    int32_t queue_until; /* 0: none */
    step_row_t step[STEPS];
    record_row_t record[STEPS];
} row_t;

typedef struct {
    bool used;
    bool dead;
    int32_t owner;
    int32_t lease_until;
    uint32_t jobs; /* as bits */
    int32_t flight;
} node_row_t;

/* --- what is asked of the store --- */

typedef enum {
    ASK_CLAIM,
    ASK_UNCLAIM,
    ASK_OUTCOME,
    ASK_FINISH,
    ASK_STEP,
    ASK_LOOK,
    ASK_PAGE,
} ask_kind_t;

/* A slot's write, and its answer. */
typedef struct {
    ask_kind_t kind;
    int8_t slot;
    int8_t job;
    uint8_t step;
    uint32_t serial; /* of the slot's work: an answer to earlier work is nobody's */
    int16_t attempt;
    int32_t owner;
    int16_t backend;
    bool tried;
    bool undecided;
    bool gone;
    job_state_t from;
    job_state_t to;
    uint8_t page;
    record_row_t record;
    result_spec_t result;

    bool granted; /* false: fenced */
    bool cancelled;
    int16_t tries;
    int32_t deadline;
    uint8_t ghost_count;
    int16_t ghosts[GHOSTS];
    job_state_t states[STEPS];
} ask_t;

typedef enum { FLIGHT_LANE, FLIGHT_RENEW, FLIGHT_SUBMIT } flight_kind_t;

typedef struct {
    bool used;
    bool executed;
    bool orphan;  /* nobody waits for its answer; it may still be executed */
    bool refused; /* lanes: the node row was gone; renewals: declared dead */
    flight_kind_t kind;
    int8_t exec;
    int8_t lane;
    int8_t request;
    int8_t job;
    bool again; /* a submit that looks whether it is over already */
    int32_t owner;
    int32_t number;
    int32_t sent_at;
    uint32_t held; /* jobs that the executor holds, as bits */
    uint8_t count;
    ask_t asks[SLOTS];
} flight_t;

/* --- data sources --- */

typedef enum {
    REQ_NONE,
    REQ_RUN,
    REQ_COMMIT,
    REQ_ALONE,
    REQ_GHOSTS,
    REQ_FATE,
    REQ_MARKER,
    REQ_BARRIER,
} req_t;

typedef enum { ANSWER_NONE, ANSWER_OK, ANSWER_FAILED, ANSWER_REFUSED } answer_t;

/* A connection, both of its ends. Its number is its pid and start: never used twice. */
typedef struct {
    bool open;        /* the server's end */
    bool dying;       /* somebody ends it; it may do what it was about to */
    bool client_gone; /* the client's end is closed, or gone */
    bool lost;        /* the client knows that the server's end is gone */
    bool stop;        /* its statement is being stopped */
    bool slow;        /* what it asks takes its time */
    int8_t source;
    int16_t timeline;
    req_t request;
    answer_t answer;
    int16_t txn; /* open transaction, -1: none */
    int8_t job;
    uint8_t step;
    int16_t attempt;
    int16_t xid;
    int16_t asked_timeline;
    uint8_t count;
    int16_t pairs[GHOSTS];
    uint32_t told; /* barrier: which of the pairs live; ghosts: how many are left */
    fate_kind_t fate;
} session_row_t;

typedef enum { TXN_OPEN, TXN_COMMITTED, TXN_ABORTED, TXN_DROPPED } txn_state_t;

typedef struct {
    txn_state_t state;
    int8_t source;
    int8_t job; /* -1: a stranger's */
    uint8_t step;
    int16_t attempt;
    int16_t xid;
    bool marker;
    bool logged; /* its COMMIT is in the log */
} txn_row_t;

typedef struct {
    bool up;
    bool ledger;
    bool barrier; /* it lets us set one */
    int16_t timeline;
    int16_t next_xid;
    int16_t oldest_xid; /* the fate of those before is forgotten */
    int16_t log[LOG];   /* transactions, times two; plus one for their COMMIT */
    int16_t size;
    int16_t flushed;
    int16_t replicated;
    int16_t holder[TXNS + 8]; /* whose is an xid, in this history */
} source_row_t;

/* --- executors --- */

typedef enum {
    STAGE_FREE,
    STAGE_OPEN,
    STAGE_CLAIM,
    STAGE_GHOSTS,
    STAGE_LOOK,
    STAGE_FATE,
    STAGE_BEGIN,
    STAGE_RUN,
    STAGE_STORE,
    STAGE_BARRIER,
    STAGE_LEASE,
    STAGE_RECORD,
    STAGE_NEXT, /* COMMIT is about to be sent */
    STAGE_COMMIT,
    STAGE_ALONE,
    STAGE_SETTLE, /* the step is decided; its pages are still on their way */
    STAGE_MOVE,
    STAGE_FINISH,
    STAGE_BACK,
} stage_t;

typedef enum { WRITE_IDLE, WRITE_QUEUED, WRITE_FLYING, WRITE_ANSWERED } write_state_t;

typedef struct {
    stage_t stage;
    uint32_t serial;
    int8_t job;
    int16_t session; /* -1: none */
    int16_t attempt;
    int16_t tries;
    int32_t deadline;
    bool doomed; /* there is no way into its source: it is claimed to say so */
    bool ghosts_gone;
    bool looked;
    bool decided; /* nothing of an earlier attempt is in doubt */
    bool cancelled;
    bool leaving;
    bool recorded;
    bool stopped; /* the session must not be used again */
    uint8_t patience;
    uint8_t step;
    job_state_t states[STEPS];
    job_state_t ending;  /* of the step */
    record_row_t record; /* an earlier attempt's, then ours */
    int16_t xid;
    result_spec_t result;
    uint8_t pages_put;
    int16_t barrier;   /* which of its executor's it waits for */
    int8_t barrier_ok; /* 1 durable, -1 its own session is gone, -2 refused */
    uint8_t ghost_count;
    int16_t ghosts[GHOSTS];
    write_state_t write[LANES];
    ask_t ask[LANES];
} slot_row_t;

typedef struct {
    int16_t session;
    bool flying;
    int16_t sent;
    uint8_t count;
    uint8_t slots[SLOTS];
    uint32_t serials[SLOTS];
} barrier_row_t;

typedef enum { EXEC_UP, EXEC_PAUSED, EXEC_DOWN } exec_state_t;

typedef struct {
    exec_state_t state;
    int32_t frozen_until; /* paused at least until then */
    bool enrolled;        /* its incarnation is in the store, as far as it knows */
    bool draining;
    int32_t incarnation;
    int32_t lease_until; /* as it knows */
    int32_t number;      /* of its last flight */
    int32_t epoch;       /* of the highest leader it heard of */
    int8_t flight[LANES];
    int8_t renewal;
    slot_row_t slot[SLOTS];
    barrier_row_t barrier[SOURCES];
    int16_t idle[SOURCES][IDLE]; /* warm sessions, -1: none */
} exec_row_t;

/* --- brokers, bus, clients --- */

typedef struct {
    bool stuck;
    int32_t epoch;   /* it leads, as far as it knows; 0: it does not */
    uint32_t known;  /* jobs that wait, as far as it knows */
    int8_t late_job; /* a sweep of overdue jobs has read this one, but not yet ended it; -1 */
    int16_t late_attempt;
    job_state_t late_end; /* as what it is to end, unless it is in doubt */
    int8_t late_doubt;    /* the step with an outcome record, as it was read; -1 */
} broker_row_t;

typedef enum { MESSAGE_NONE, MESSAGE_OFFER, MESSAGE_DISPATCH, MESSAGE_CANCEL } message_kind_t;

typedef struct {
    message_kind_t kind;
    int8_t job;
    int8_t exec;
    int32_t epoch;
} message_t;

typedef enum { ASKING_NOT, ASKING, ASKING_AGAIN, ASKED, GAVE_UP } asking_t;

typedef struct {
    asking_t state;
    int8_t key;
    int8_t job;
    int8_t like; /* the job whose shape it asks for */
    int8_t told; /* the job that the first answer named; -1 */
    uint8_t sends;
} request_row_t;

/* --- the truth --- */

typedef struct {
    uint8_t effects; /* in the surviving history of the source */
    uint8_t dropped; /* committed, then lost by the source itself */
    int16_t decided; /* the attempt that decided what became of the ones before */
} truth_t;

typedef struct {
    uint64_t seeds;
    uint64_t events;
    uint64_t jobs;
    uint64_t steps;
    uint64_t ends[JOB_STATES];
    uint64_t in_doubt;
    uint64_t fates[FATE_KINDS];
    uint64_t dropped;
    uint64_t lost;
    uint64_t duplicated;
    uint64_t faults[FAULTS];
} figures_t;

#endif

/* scribe.h - records: one for each job that this executor has, from its dispatch to its end in the
 * store.
 *
 * A record holds what the store must be told of a job, and outlives the slot that ran it: the slot
 * is free when the source is done, while pages and the final state may still be on their way. There
 * is a fixed number of records; when too many wait for the store, no credit is granted, and that is
 * how a slow store slows an executor down.
 *
 * Nothing that was claimed is just forgotten: a record ends by a finish or a hand-back that the
 * store took or fenced out, or with the executor's whole incarnation. A store that refuses either
 * is asked again, for ever.
 *
 * A job of several steps has its steps' rows moved one by one, each when its pages are stored, and
 * its own at the end. All on the loop's thread.
 */
#ifndef EXECUTOR_SCRIBE_H
#define EXECUTOR_SCRIBE_H

#include "common/lane.h"
#include "common/wire.h"
#include "executor/driver.h"

/* Pages of one job under way: so many, whatever their size; and small ones, up to so many, until
 * they come to so many raw bytes: twice what the lane waits for, so that a job makes the second
 * half while the first is stored. */
enum {
    RECORD_PAGES_ANY = 4,
    RECORD_PAGES_MOST = 16,
    RECORD_RAW_MOST = 2 * LANE_GATHER_BYTES,
};

typedef struct scribe scribe_t;

typedef struct page_write page_write_t;

struct page_write {
    write_t write;
    page_t *page;
    page_t *draft; /* beside the first page of a result; else NULL */
    page_write_t *next;
};

typedef struct record {
    jobid_t job;
    int32_t attempt;      /* 0 until it is claimed */
    void *user;           /* the slot; NULL when that is done with it */
    write_t control;      /* claim, look, step, outcome, hand-back, finish: one at a time */
    manifest_t *manifest; /* of the step at work */
    failure_t failure;    /* the same */
    ending_t ending; /* times, state, and a job of several steps' totals; the rest is filled in at
                        the end */
    bool several;    /* the job has several steps: their rows hold their manifests */

    /* the scribe's own */
    scribe_t *scribe;
    page_write_t *pages; /* under way, the newest first */
    uint32_t pages_busy;
    uint64_t pages_raw; /* their raw bytes */
    uint8_t *packed;
    size_t packed_size;
    int64_t ended_us; /* when the slot let go */
    bool used;
    bool held; /* claimed, or about to be: the node row must name it */
    enum { RECORD_OPEN, RECORD_FINISHING, RECORD_LEAVING } end;
    bool again; /* the store refused: with the next tick */
    int64_t later_ms;
} record_t;

/* A step's move from one state to another. */
typedef struct {
    uint32_t step;
    job_state_t from;
    job_state_t to;
    int32_t attempt; /* of which its pages are */
    int64_t executing_us;
    const char *leaves; /* in its session; kept until the write was answered */
} step_move_t;

/* How a job is handed back. */
typedef struct {
    bool tried;       /* it counts as a try */
    bool undecided;   /* what became of a COMMIT is still to be found out */
    bool ghosts_gone; /* no session of an earlier attempt is left */
    int64_t later_ms; /* hold it back for so long; 0: the usual */
} hand_back_t;

typedef struct {
    lane_t *control;
    lane_t *pages;
    uint32_t records;
    /* A page of a record that a user holds was answered. DONE: there may be room again. FENCED:
     * drop the job. FAILED: the record's failure says why, the job cannot have a result. */
    void (*paged)(void *user, write_verdict_t verdict);
    /* A job that was handed back is pending again in the store, or not ours any more. */
    void (*handed_back)(void *arg, const jobid_t *job, int64_t later_ms);
    void *arg;
} scribe_options_t;

/* Caller owns the result. */
scribe_t *scribe_new(const scribe_options_t *options) MUST_USE;
void scribe_destroy(scribe_t **self_p);

/* The lanes, where they were made later than the scribe (theirs is to ask it what is held). */
void scribe_lanes(scribe_t *self, lane_t *control, lane_t *pages);

/* A record for this job, held by `user`; NULL when all are in use. */
record_t *scribe_open(scribe_t *self, const jobid_t *job, void *user) MUST_USE;

/* The record of this job; NULL: there is none. Points into self. */
record_t *scribe_find(scribe_t *self, const jobid_t *job);

/* Records in use, and free. */
uint32_t scribe_used(const scribe_t *self);
uint32_t scribe_free(const scribe_t *self);

/* The jobs that the node row must name (lane_options_t.held). Points into self. */
uint32_t scribe_held(scribe_t *self, const jobid_t **ids);

/* Drop all records: this incarnation was declared dead. Slots must have let go before. */
void scribe_clear(scribe_t *self);

/* Ask again what the store refused. Call every second or so. */
void scribe_tick(scribe_t *self);

/* Jobs that ended since the last call, as a message: false when there are none. Lists point into
 * self, good until a job ends. */
bool scribe_changes(scribe_t *self, wire_t *message) MUST_USE;

/* Send the control write of this kind; its arguments are filled in already. `done` gets the write,
 * whose owner is the record. */
void record_send(record_t *self, write_kind_t kind, write_fn done);

/* Send a page of this result; with the first one goes what is known of the result. There must be
 * room for it. Takes page. */
void record_page(record_t *self, const result_t *result, page_t **page_p);

/* Is there room for another page under way? */
bool record_room(const record_t *self);

/* Its pages wait for no others any more: their result is over, or the job cannot go on before they
 * are stored. */
void record_hurry(record_t *self);

/* Forget pages under way: the result that they are of will not stand. */
void record_forget_pages(record_t *self);

/* Send a step's move, with its manifest (done), or its failure and what was said; no page may be
 * under way. */
void record_step(record_t *self, const step_move_t *move, write_fn done);

/* The step is over: forget its manifest and its failure. */
void record_next(record_t *self);

/* The manifest as the store keeps it; packed once, or anew when it has changed since. Points into
 * self. */
const uint8_t *record_packed(record_t *self, size_t *size);
void record_repack(record_t *self);

/* The end, in this state; the slot lets go. Done jobs leave their manifest, others their failure
 * and what was said. Waits until the pages are stored; when one cannot be, or could not be before,
 * the job failed (so nothing that wrote on its source may come here with pages under way). */
void record_finish(record_t *self, job_state_t state);

/* Claimed, and to be run by somebody else; the slot lets go. */
void record_hand_back(record_t *self, const hand_back_t *how);

/* It is not ours, or not any more: forget everything. */
void record_drop(record_t *self);

#endif

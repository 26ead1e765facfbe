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
 * is asked again, for ever. All on the loop's thread.
 */
#ifndef EXECUTOR_SCRIBE_H
#define EXECUTOR_SCRIBE_H

#include "common/lane.h"
#include "common/wire.h"
#include "executor/driver.h"

enum { RECORD_PAGES_MOST = 4 }; /* pages of one job under way */

typedef struct scribe scribe_t;

typedef struct {
    write_t write;
    page_t *page; /* NULL: free */
} page_write_t;

typedef struct record {
    jobid_t job;
    int32_t attempt; /* 0 until it is claimed */
    void *user;      /* the slot; NULL when that is done with it */
    write_t control; /* claim, look, outcome, hand-back, finish: one at a time */
    manifest_t *manifest;
    failure_t failure;
    ending_t ending; /* times and state; the rest is filled in at the end */

    /* the scribe's own */
    scribe_t *scribe;
    page_write_t pages[RECORD_PAGES_MOST];
    uint32_t pages_busy;
    uint8_t *packed;
    size_t packed_size;
    int64_t ended_us; /* when the slot let go */
    bool used;
    bool held; /* claimed, or about to be: the node row must name it */
    enum { RECORD_OPEN, RECORD_FINISHING, RECORD_LEAVING } end;
    bool again; /* the store refused: with the next tick */
} record_t;

typedef struct {
    lane_t *control;
    lane_t *pages;
    uint32_t records;
    /* A page of a record that a user holds was answered. DONE: there is room for another. FENCED:
     * drop the job. FAILED: the record's failure says why, the job cannot have a result. */
    void (*paged)(void *user, write_verdict_t verdict);
    /* A job that was handed back is pending again in the store, or not ours any more. */
    void (*handed_back)(void *arg, const jobid_t *job);
    void *arg;
} scribe_options_t;

/* Caller owns the result. */
scribe_t *scribe_new(const scribe_options_t *options) MUST_USE;
void scribe_destroy(scribe_t **self_p);

/* The lanes, where they were made later than the scribe (theirs is to ask it what is held). */
void scribe_lanes(scribe_t *self, lane_t *control, lane_t *pages);

/* A record for this job, held by `user`; NULL when all are in use. */
record_t *scribe_open(scribe_t *self, const jobid_t *job, void *user) MUST_USE;

/* Is there a record of this job? */
bool scribe_has(const scribe_t *self, const jobid_t *job);

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

/* Send a page of the job's only result. Takes page. */
void record_page(record_t *self, page_t **page_p);

/* The manifest as the store keeps it; packed once. Points into self. */
const uint8_t *record_packed(record_t *self, size_t *size);

/* The end, in this state; the slot lets go. Done jobs leave their manifest, others their failure.
 * Waits until the pages are stored; when one cannot be, or could not be before, the job failed (so
 * nothing that wrote on its source may come here with pages under way). */
void record_finish(record_t *self, job_state_t state);

/* Claimed, and to be run by somebody else; the slot lets go. `tried`: it counts as a try. */
void record_hand_back(record_t *self, bool tried);

/* It is not ours, or not any more: forget everything. */
void record_drop(record_t *self);

#endif

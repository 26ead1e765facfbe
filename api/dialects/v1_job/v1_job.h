/* v1_job.h - what the files of the job API share: its words, and its handlers.
 *
 * words.c says a job in this dialect's words; order.c reads what is ordered; submit.c, status.c,
 * results.c and life.c answer the requests. ../v1_job.c has the table of them. Contract:
 * schemas/http/README.md.
 */
#ifndef API_DIALECTS_V1_JOB_H
#define API_DIALECTS_V1_JOB_H

#include "api/dialect.h"

enum { V1_ROWS_MOST = 1000 };

/* --- words.c --- */

/* PENDING, RUNNING, PARTIAL, COMPLETED or FAILED. Static. */
const char *v1_word(const job_t *job);

/* Final, and not done? */
bool v1_failed(const job_t *job);

/* Why a job or a step failed. Borrowed from it. */
typedef struct {
    job_state_t state;
    const char *sqlstate;
    const char *message;
    const char *detail;
    const char *hint;
    int32_t position;
} v1_cause_t;

v1_cause_t v1_cause(const job_t *job);
v1_cause_t v1_step_cause(const job_step_t *step);

void v1_member_id(json_t *json, const jobid_t *id);
void v1_member_time(json_t *json, const char *name, int64_t ms); /* 0: null */
void v1_member_cause(json_t *json, const char *name, const v1_cause_t *cause);

/* "error": the cause of a job that has failed, or null. */
void v1_member_error(json_t *json, const job_t *job);

/* A reply that is {"id": ...}. Returns true. */
bool v1_answer_id(call_t *call, int status, const jobid_t *id);

/* An error about a job that exists: its id and state beside the error. */
void v1_answer_failed(call_t *call, const job_t *job, int status);

/* The path's job id. Fails with ERR_NOT_FOUND when it is none. */
bool v1_read_id(const call_t *call, jobid_t *id, err_t *err) MUST_USE;

/* Whoever waits for a job stops waiting when the node stops, or when nothing more comes from the
 * client: it has gone, or has closed its half and can be answered at once. `request` is a
 * request_t; for patience_t. */
bool v1_client_served(void *request);

/* --- order.c --- */

/* An order, and what its texts stand in. */
typedef struct {
    order_t order;
    json_doc_t *doc;
    order_step_t *steps;
} v1_wish_t;

/* Read a body, and the header that goes with it. Fails with ERR_INVALID naming what is wrong, and
 * leaves nothing to be cleared then. */
bool v1_wish_read(v1_wish_t *self, const call_t *call, err_t *err) MUST_USE;
void v1_wish_clear(v1_wish_t *self);

/* --- results.c --- */

/* The first rows of the usual result of a job that is done: the last with columns, or else the
 * last. */
bool v1_answer_rows(call_t *call, const job_t *job, err_t *err) MUST_USE;

/* --- handlers --- */

bool v1_submit(call_t *call, err_t *err);  /* submit.c */
bool v1_run(call_t *call, err_t *err);     /* submit.c */
bool v1_status(call_t *call, err_t *err);  /* status.c */
bool v1_results(call_t *call, err_t *err); /* results.c */
bool v1_cancel(call_t *call, err_t *err);  /* life.c */
bool v1_renew(call_t *call, err_t *err);   /* life.c */
bool v1_remove(call_t *call, err_t *err);  /* life.c */

#endif

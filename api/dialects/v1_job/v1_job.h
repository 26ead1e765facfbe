/* v1_job.h - what the files of the job API share: its words, and its handlers.
 *
 * words.c says a job in this dialect's words; order.c reads what is ordered, reading.c how a result
 * is asked for, answer.c writes it, and events.c as it comes; submit.c, status.c, results.c,
 * pages.c and life.c answer the requests. ../v1_job.c has the table of them. Contract:
 * schemas/http/README.md.
 */
#ifndef API_DIALECTS_V1_JOB_H
#define API_DIALECTS_V1_JOB_H

#include "api/dialect.h"
#include "api/json_params.h"

enum { V1_ROWS_MOST = 1000, V1_HASH_SIZE = 2 * PAGE_HASH_SIZE + 1 };

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

/* A hash in hex; as the member "hash". */
void v1_hash(const uint8_t hash[PAGE_HASH_SIZE], char text[V1_HASH_SIZE]);
void v1_member_hash(json_t *json, const uint8_t hash[PAGE_HASH_SIZE]);

/* "rows_affected": of a tag like "INSERT 0 5" or "UPDATE 5"; null for statements that change no
 * rows. */
void v1_member_affected(json_t *json, const char *tag);

/* "notices": what the source said beside its answers; and "notices_dropped", if there were more.
 * `manifest` may be NULL. */
void v1_member_notices(json_t *json, const manifest_t *manifest);

/* "truncated": was something left out of this result? */
void v1_member_truncated(json_t *json, const result_t *result);

/* Of any of them? `manifest` may be NULL. */
bool v1_truncated(const manifest_t *manifest);

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
    json_params_t params;
} v1_wish_t;

/* Read a body, and the header that goes with it. Fails with ERR_INVALID naming what is wrong, and
 * leaves nothing to be cleared then. */
bool v1_wish_read(v1_wish_t *self, const call_t *call, err_t *err) MUST_USE;
void v1_wish_clear(v1_wish_t *self);

/* --- reading.c --- */

typedef enum {
    V1_JSON,
    V1_ARRAYS,
    V1_NDJSON,
    V1_CSV,
    V1_MSGPACK,
    V1_EVENTS,
    V1_FORMATS
} v1_format_t;

/* How a result is asked for. */
typedef struct {
    v1_format_t format; /* V1_FORMATS: none that we have is acceptable */
    numbers_t numbers;
    encoding_t encoding;
    int64_t offset;
    int64_t limit;     /* INT64_MAX: all */
    int64_t statement; /* -1: the usual one */
    bool partial;
    bool whole;        /* no rows were named by offset or a number: a Range may name them */
    row_range_t range; /* from a header; then `whole` */
} v1_reading_t;

/* Read the query and headers of a request for results. Fails with ERR_INVALID naming what is wrong.
 */
bool v1_reading(const call_t *call, v1_reading_t *reading, err_t *err) MUST_USE;

/* Its name in ?format=, and its media type. Static. */
const char *v1_format_word(v1_format_t format);
const char *v1_format_type(v1_format_t format);

/* --- answer.c --- */

/* Answer with the rows of a result that were asked for; NULL: the job has none. */
bool v1_answer(call_t *call, const job_t *job, const result_t *result, const v1_reading_t *reading,
               err_t *err) MUST_USE;

/* --- events.c --- */

/* Answer with the rows of a job as they come, until it is over: server-sent events. */
bool v1_follow(call_t *call, const v1_reading_t *reading, err_t *err) MUST_USE;

/* --- results.c --- */

/* The result that is meant where nobody says which: the last with columns, or else the last. NULL:
 * there is none. Points into the manifest. */
const result_t *v1_usual_result(const manifest_t *manifest);

/* The job of a request, and the result of it that is asked for (NULL: it has none). NULL when there
 * is nothing to be read: err says why, or, with ERR_NONE, the reply does. Caller owns the job. */
job_t *v1_result_of(call_t *call, const v1_reading_t *reading, const result_t **result, err_t *err)
    MUST_USE;

/* The first rows of the usual result of a job that is done. */
bool v1_answer_rows(call_t *call, const job_t *job, err_t *err) MUST_USE;

/* --- handlers --- */

bool v1_submit(call_t *call, err_t *err);  /* submit.c */
bool v1_run(call_t *call, err_t *err);     /* submit.c */
bool v1_status(call_t *call, err_t *err);  /* status.c */
bool v1_results(call_t *call, err_t *err); /* results.c */
bool v1_pages(call_t *call, err_t *err);   /* pages.c */
bool v1_cancel(call_t *call, err_t *err);  /* life.c */
bool v1_renew(call_t *call, err_t *err);   /* life.c */
bool v1_remove(call_t *call, err_t *err);  /* life.c */

#endif

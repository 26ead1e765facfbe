/* v2_sql_job.h - what the files of CARTO's SQL Batch API share.
 *
 * visit.c says who calls, for which user, and what is asked, whichever form it came in; answer.c
 * how it is answered, errors too. order.c makes an order of a `query`, document.c a document of a
 * job; jobs.c, wip.c and sql.c answer the requests; what the synchronous API runs is read in
 * select.c and its columns are said in fields.c. ../v2_sql_job.c has the table of the routes.
 * Contract: schemas/http/carto.md.
 */
#ifndef API_DIALECTS_V2_SQL_JOB_H
#define API_DIALECTS_V2_SQL_JOB_H

#include "api/dialect.h"

#define V2_DIALECT "v2_sql_job"

/* --- visit.c --- */

/* One request, read: valid while it is answered. */
typedef struct {
    call_t *call;
    json_doc_t *asked;    /* the members of the body, and those of the query that it has not */
    char *host_user;      /* by the header Host; NULL */
    const char *user;     /* the tenant that is meant */
    const char *job;      /* the path's job id, as it was written; NULL: it has none */
    const char *callback; /* of JSONP; NULL: plain JSON is wanted */
    bool counted;         /* against a rate: */
    rate_t rate;
} v2_visit_t;

typedef bool (*v2_handler_fn)(v2_visit_t *visit, err_t *err);

/* What a route asks of its caller. */
typedef struct {
    v2_handler_fn handle;
    bool bounded; /* its body has at most V2_PAYLOAD_MOST characters */
    bool master;  /* only a key that may write will do */
    bool of_2016; /* only clients of that time call it: they know no 403 */
} v2_rule_t;

enum { V2_PAYLOAD_MOST = 16384 };

/* Read a request, find out who calls, and answer it. What is wrong is said in this order: the
 * callback, the body, its size, the user, the rate, the key; then the handler looks at what is
 * asked. */
bool v2_serve(call_t *call, const v2_rule_t *rule, err_t *err);

/* Does nobody wait for the answer any more, or nobody who may? For patience_t. */
bool v2_is_served(void *request);
patience_t v2_patience(const v2_visit_t *visit);

/* --- answer.c --- */

/* Begin an answer that is JSON, whatever it is wrapped in; and end it. */
void v2_begin(v2_visit_t *visit, int status, json_t *json);
void v2_end(v2_visit_t *visit);

/* The function that a script is to call; NULL: none, or one of no such name. Points into request.
 */
const char *v2_callback(const request_t *request);

/* What went wrong, as a caller is told. Texts are borrowed; NULL: nothing is said. */
typedef struct {
    int status;       /* 400 unless one is known to be better */
    const char *name; /* of the list that it stands in; NULL: "error" */
    const char *text;
    const char *context;
    const char *detail;
    const char *hint;
} v2_failure_t;

/* The answer is an error. Returns whether it could still be said: true. */
bool v2_fail(v2_visit_t *visit, const v2_failure_t *failure);
bool v2_fail_text(v2_visit_t *visit, int status, const char *text);
bool v2_fail_too_large(v2_visit_t *visit, const char *size);

/* The same for an error of the engine. False: it is our own fault, which the router says, and logs;
 * or it comes too late. */
bool v2_fail_err(v2_visit_t *visit, const err_t *err);

/* The same for what a router refuses, which comes with its own status. */
void v2_refuse(call_t *call, int status, const err_t *err);

/* --- order.c --- */

/* A job as it was asked for; says nothing of how it is run. */
typedef enum {
    V2_SIMPLE,   /* one text */
    V2_MULTIPLE, /* a list of texts */
    V2_FALLBACK, /* an object: texts, and what is to be done when they end well, or badly */
} v2_form_t;

/* An order, and what its texts stand in. */
typedef struct {
    order_t order;
    v2_form_t form;
    order_step_t *steps;
    char *conditions; /* of the steps that have one */
    char *note;       /* the query as it was asked for */
} v2_wish_t;

/* Read a `query`. `update`: a list may hold the objects that a document shows. Fails with
 * ERR_INVALID, in CARTO's words, and with ERR_LIMIT when there is too much; leaves nothing to be
 * cleared then. */
bool v2_wish_read(v2_wish_t *self, json_part_t query, bool update, err_t *err) MUST_USE;
void v2_wish_clear(v2_wish_t *self);

/* The form of a query that was read once. */
v2_form_t v2_form_of(json_part_t query);

/* Does this follow a text (or, of the query itself, the job): "onsuccess", "onerror"? */
bool v2_has_fallback(json_part_t item, const char *name);

/* Which steps follow a text, or the whole job; -1: none. */
typedef struct {
    int64_t success_step;
    int64_t error_step;
} v2_place_t;

/* Where what follows stands: from *next_step on, which moves behind it. */
v2_place_t v2_reactions(json_part_t item, uint32_t *next_step);

/* --- document.c --- */

/* A job, as its owner knows it. */
typedef struct {
    const char *user;
    bool as_server; /* what a cancel cut off is cancelled, not pending */
} v2_style_t;

v2_style_t v2_style(const v2_visit_t *visit);

/* The status that a job shows, in CARTO's words. Static. `note` is what the job was made of. */
const char *v2_status(const job_t *job, const json_doc_t *note);

/* What a job was made of; NULL when it was not made here. Caller owns the result. */
json_doc_t *v2_note(const job_t *job) MUST_USE;

void v2_document(json_t *json, const job_t *job, const json_doc_t *note, const v2_style_t *style);

/* --- select.c --- */

/* What the synchronous API is asked. */
typedef struct {
    char *sql;           /* with the window and the order that were asked for */
    char *filename;      /* without its ending */
    bool is_file;        /* the answer is to be stored, not shown */
    json_part_t skipped; /* fields that are not wanted: a text, or a list of them */
} v2_select_t;

/* Fails with ERR_INVALID, in CARTO's words, and leaves nothing to be cleared then. */
bool v2_select_read(v2_select_t *self, const json_doc_t *asked, err_t *err) MUST_USE;
void v2_select_clear(v2_select_t *self);

/* Is this field not wanted? */
bool v2_select_skips(const v2_select_t *self, const char *name);

/* --- fields.c --- */

/* PostgreSQL's own name of a type, "int4"; NULL when it is none that every database has. Static. */
const char *v2_type_name(const column_t *column);

/* {"column": {"type", "pgtype"}, ...}, but for those that are `hidden`; and make the rows fit them.
 */
void v2_fields(json_t *json, const result_t *result, const bool *hidden);
void v2_shape(rowtext_t *rows, const result_t *result, const bool *hidden);

/* --- handlers --- */

bool v2_create(call_t *call, err_t *err); /* jobs.c */
bool v2_read(call_t *call, err_t *err);
bool v2_list(call_t *call, err_t *err);
bool v2_update(call_t *call, err_t *err);
bool v2_cancel(call_t *call, err_t *err);
bool v2_wip(call_t *call, err_t *err);     /* wip.c */
bool v2_sql(call_t *call, err_t *err);     /* sql.c */
bool v2_options(call_t *call, err_t *err); /* answer.c */

#endif

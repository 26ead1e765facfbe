/* store.h - the job store, for threads that may wait: jobs in, jobs and pages out, nodes, keys.
 *
 * A store_t is one connection (pg.h) and belongs to one thread at a time. Every call is one short
 * statement or transaction; a lost connection is mended by the next call. What an executor writes
 * goes through lane.h instead, which does not wait.
 *
 * Errors: ERR_UNAVAILABLE when the store is away (nothing is known to have happened; repeating is
 * safe for every call here), ERR_SQL when it refused, others as said.
 */
#ifndef COMMON_STORE_H
#define COMMON_STORE_H

#include "common/err.h"
#include "common/job.h"
#include "common/jobid.h"
#include "common/key.h"
#include "common/page.h"

typedef struct store store_t;

/* Remember where the store is; connects at the first call. `who` is the application name. Caller
 * owns the result. */
store_t *store_new(const char *dsn, const char *who) MUST_USE;
void store_destroy(store_t **self_p);

/* --- schema (migrate.c) --- */

/* The schema version this program was built with: the highest migration. */
int store_schema_built(void);

/* Bring an older or empty schema up to date, each migration a transaction, under an advisory lock;
 * then check. Fails with ERR_CONFLICT when the schema is newer than this program knows, or holds
 * migrations whose text is another than ours. */
bool store_migrate(store_t *self, err_t *err) MUST_USE;

/* The store's clock, ms. */
bool store_clock(store_t *self, int64_t *ms, err_t *err) MUST_USE;

/* --- jobs in --- */

/* One step of a job that has several. Texts are borrowed. */
typedef struct {
    const char *sql;
    const char *condition; /* plan.h, or NULL */
    int64_t timeout_ms;    /* 0: the job's */
    bool is_template;
} submit_step_t;

enum { TOKEN_HASH_SIZE = 32 };

/* One job to be submitted. Texts are borrowed. `err` is this member's own answer. */
typedef struct {
    jobid_t id;
    const char *tenant;
    const char *source;
    const char *dialect;
    int32_t priority;
    int32_t retention_s;
    const char *sql;            /* "" when it has several steps */
    const submit_step_t *steps; /* NULL: one step, which is `sql` */
    uint32_t step_count;        /* 0 with it */
    const char *options;        /* JSON of what differs from the defaults: statement_timeout_ms,
                                   max_attempts, autocommit (a word), read_only, params (packed,
                                   params.h), note and more (schemas/sql/README.md); NULL:
                                   nothing */
    int64_t queue_timeout_ms;   /* 0: none */
    int64_t deadline_ms;        /* 0: the cluster's default */
    const char *queue_key;      /* NULL: none */
    uint32_t queue_most;        /* so many with its queue key may wait, with it; 0: any number */

    bool keyed;                            /* it came with an idempotency key: */
    uint8_t key_hash[TOKEN_HASH_SIZE];     /* of the key */
    uint8_t request_hash[TOKEN_HASH_SIZE]; /* of all that makes it this request and no other */

    err_t err;
    bool existed; /* the answer: its key was taken by the same request before, `id` is that job's */
} submit_t;

/* Commit these jobs together, sorted by id, one statement for every 8 MiB of text; those with
 * steps, an idempotency key or a queue_most are a transaction of their own each, behind the others.
 * When a statement fails with anything but a lost connection, each member is run by itself, so that
 * only the guilty one has an error; the answer is then still true. After a lost connection the
 * batch is sent once more, when the session that was lost has ended (a repeat changes nothing, even
 * if the job is over by then, and what was sent first cannot come behind it). A key that another
 * request has taken: that member's err is ERR_CONFLICT; its queue_most wait already: ERR_LIMIT.
 * False: none is known to be stored, and `err` and each member say why. */
bool store_submit(store_t *self, submit_t **jobs, uint32_t count, err_t *err) MUST_USE;

/* --- a job's life from outside (store_life.c) --- */

typedef enum {
    CANCEL_OVER,  /* it was never taken up, and is cancelled now */
    CANCEL_ASKED, /* an executor has it, or had it: its end will tell */
    CANCEL_NONE,  /* it is final, or there is none of this tenant: look */
} cancel_verdict_t;

bool store_cancel(store_t *self, const jobid_t *id, const char *tenant, cancel_verdict_t *verdict,
                  err_t *err) MUST_USE;

/* Other texts for a job that waits. Texts are borrowed. */
typedef struct {
    jobid_t id;
    const char *tenant;
    const submit_step_t *steps;
    uint32_t step_count; /* at least 1 */
    const char *note;    /* NULL: none */
    int64_t edited_ms;   /* the store's time; of two edits of a job at one time it tells which */
} edit_t;

/* Replace a job's texts, in one statement, if nobody has it and nothing of it may have taken effect
 * (store_edit.c); *edited says whether. */
bool store_edit(store_t *self, const edit_t *edit, bool *edited, err_t *err) MUST_USE;

/* Keep a final job's results for so long from now on (0: as long as when it ended). *expires_ms is
 * the new end. Fails with ERR_NOT_FOUND when there is no such final job whose results are still
 * there. */
bool store_renew(store_t *self, const jobid_t *id, const char *tenant, int32_t retention_s,
                 int64_t *expires_ms, err_t *err) MUST_USE;

/* Remove a final job, its results first. Fails with ERR_NOT_FOUND when there is none. */
bool store_remove(store_t *self, const jobid_t *id, const char *tenant, err_t *err) MUST_USE;

/* What a tenant may do on a source. */
typedef struct {
    char source[64];              /* by name, whatever it was asked for as */
    int32_t retention_s;          /* the tenant's own default; 0: the cluster's */
    int64_t statement_timeout_ms; /* caps, the smaller of tenant's and source's; 0: none */
    int64_t queue_timeout_ms;
    int64_t deadline_ms;
    limit_t max_rows; /* with whose it is */
    limit_t max_bytes;
} terms_t;

/* The terms of a tenant's login, by its alias or its source's name; "": the tenant's first. Fails
 * with ERR_NOT_FOUND when it has none of that name. */
bool store_terms(store_t *self, const char *tenant, const char *alias, terms_t *terms, err_t *err)
    MUST_USE;

/* --- jobs and pages out (pages: store_pages.c) --- */

typedef enum {
    FIND_FOUND,
    FIND_MISSING, /* no such job, or its row is gone */
    FIND_DENIED,  /* another tenant's */
} find_verdict_t;

typedef struct {
    jobid_t id;
    const char *tenant; /* who asks; borrowed */
    bool whole;         /* with its manifest, and with its steps when it has several */
    find_verdict_t verdict;
    job_t *job; /* FIND_FOUND: owned by whoever reads it out */
} find_t;

/* Look these jobs up, one statement for all that are found; the tenant is part of the look-up. */
bool store_find(store_t *self, find_t **jobs, uint32_t count, err_t *err) MUST_USE;

/* Which of a tenant's jobs. Texts are borrowed. */
typedef struct {
    const char *tenant;
    const char *dialect;
    bool running; /* only those that an executor has */
    uint32_t most;
} listing_t;

/* The newest of them, the newest first, found whole but for their manifests; none that has expired
 * (store_list.c). Where a tenant has more than 10,000 that are over, or that wait without a queue
 * key, older ones may be missing; so may those behind 32 MiB of steps' texts. Caller owns the
 * result. */
jobs_t *store_list(store_t *self, const listing_t *list, err_t *err) MUST_USE;

/* Where a page is. */
typedef struct {
    jobid_t job;
    int64_t bucket_us;
    int32_t attempt;
    uint32_t step;
    uint32_t result;
} page_key_t;

/* The stored page that holds `row`; one of more than `most` raw bytes comes without its bytes (data
 * is NULL). Fails with ERR_NOT_FOUND when there is none (its partition was dropped, say), ERR_LIMIT
 * when there is no memory for it. Its hash is not looked at. Caller owns the result. */
page_t *store_page(store_t *self, const page_key_t *key, int64_t row, uint32_t most, err_t *err)
    MUST_USE;

/* The same for the pages that come next, in two steps (pg_ask_in): ask for at most `count` of them,
 * from the first one on that begins with `row` or behind it, and take them, in order. `before` is
 * the chain's hash up to there. How many there are: 0 when none was found, or something else went
 * wrong; store_page() says what. Caller owns the pages. */
bool store_pages_ask(store_t *self, const page_key_t *key, int64_t row, uint32_t most,
                     uint32_t count, err_t *err) MUST_USE;
uint32_t store_pages_take(store_t *self, const uint8_t before[PAGE_HASH_SIZE], page_t **pages,
                          uint32_t count) MUST_USE;

/* The pages of a result from the one on that begins at `first_row` or behind it, at most `most`
 * into `entries`, in order; *count says how many. */
bool store_page_list(store_t *self, const page_key_t *key, int64_t first_row, uint32_t most,
                     page_entry_t *entries, uint32_t *count, err_t *err) MUST_USE;

/* What is stored so far of the current attempt at a step of a running job: each result that has
 * pages, with its columns, the rows that can be read by now, `pages` above 0 (how many is not
 * known) and the last page's hash; no tag and no other counts. Types that the executor has not
 * asked its source for have no name. Tentative: rows go with their attempt, and where a page is
 * refused there may be a gap. Caller owns the result. */
manifest_t *store_partial(store_t *self, const job_t *job, uint32_t step, err_t *err) MUST_USE;

/* --- keys --- */

typedef struct {
    uint8_t hash[KEY_HASH_SIZE];
    char tenant[64];
    char role[8];    /* "read", "write", "admin" */
    char source[64]; /* the tenant's default source; "" when it has no login */
    char key_id[64];
} key_owner_t;

/* Who owns this key id or handle (key.h), if it is valid now; the caller compares the hash. Of a
 * tenant's name (key_tenant()) the owner is the tenant, and nothing else is told. Fails with
 * ERR_NO_KEY. */
bool store_key_find(store_t *self, const char *key_id, key_owner_t *owner, err_t *err) MUST_USE;

/* --- administration (store_admin.c) --- */

/* Called for each row of a list, with the columns' texts in the query's order; NULL for SQL NULL.
 */
typedef void (*store_row_fn)(void *arg, const char *const *cells, int count);

/* Caps and defaults to be set; 0 takes one away, -1 leaves it as it is. */
typedef struct {
    int64_t retention_s; /* tenants only: when a job does not say */
    int64_t statement_timeout_ms;
    int64_t queue_timeout_ms;
    int64_t deadline_ms;
    int64_t max_rows;
    int64_t max_bytes;
} limits_t;

/* Names that exist already: ERR_CONFLICT; that do not: ERR_NOT_FOUND; ill-formed: ERR_INVALID. */
bool store_tenant_add(store_t *self, const char *name, err_t *err) MUST_USE;
bool store_tenant_limit(store_t *self, const char *name, const limits_t *limits, err_t *err)
    MUST_USE;
bool store_source_limit(store_t *self, const char *name, const limits_t *limits, err_t *err)
    MUST_USE;
bool store_tenant_list(store_t *self, store_row_fn fn, void *arg, err_t *err) MUST_USE;
bool store_key_add(store_t *self, const char *tenant, const apikey_t *key, const char *role,
                   int64_t lifetime_s, err_t *err) MUST_USE; /* lifetime_s 0: for ever */
/* The same for a key that the operator gives; one that the tenant has already, and that is valid:
 * ERR_CONFLICT. */
bool store_key_give(store_t *self, const char *tenant, const char *text, const char *role,
                    int64_t lifetime_s, err_t *err) MUST_USE;
bool store_key_list(store_t *self, const char *tenant, store_row_fn fn, void *arg, err_t *err)
    MUST_USE;
bool store_key_revoke(store_t *self, const char *key_id, err_t *err) MUST_USE;
bool store_source_add(store_t *self, const char *name, const char *driver, const char *dsn,
                      err_t *err) MUST_USE;
bool store_source_list(store_t *self, store_row_fn fn, void *arg, err_t *err) MUST_USE;
/* Caller owns *driver and *dsn. */
bool store_source_find(store_t *self, const char *name, char **driver, char **dsn, err_t *err)
    MUST_USE;
bool store_login_add(store_t *self, const char *tenant, const char *alias, const char *source,
                     const char *role, const uint8_t *sealed, size_t sealed_size, err_t *err)
    MUST_USE;
bool store_login_list(store_t *self, const char *tenant, store_row_fn fn, void *arg, err_t *err)
    MUST_USE;
bool store_login_remove(store_t *self, const char *tenant, const char *alias, err_t *err) MUST_USE;

/* How to log in to a source as a tenant. */
typedef struct login {
    char *driver;
    char *dsn; /* the source's, without user and password */
    char *role;
    uint8_t *sealed;
    size_t sealed_size;
} login_t;

/* Fails with ERR_NOT_FOUND when the tenant has no login there. Caller owns the result. */
login_t *store_login_find(store_t *self, const char *tenant, const char *source, err_t *err)
    MUST_USE;
void login_destroy(login_t **self_p);

/* --- nodes, leader, sweep --- */

typedef struct {
    const char *name;
    int64_t incarnation;
    const char *role;
    const char *public_key;
    const char *endpoint; /* brokers; else NULL */
    const char *url;      /* health or API */
    int64_t lease_ms;
} node_t;

/* Enter the node, or its new endpoint and url. */
bool store_node_enroll(store_t *self, const node_t *node, err_t *err) MUST_USE;
/* Fails with ERR_GONE when the row is not there: this incarnation was declared dead. */
bool store_node_renew(store_t *self, const node_t *node, err_t *err) MUST_USE;
bool store_node_leave(store_t *self, const node_t *node, err_t *err) MUST_USE;
/* Who has this public key: ERR_NOT_FOUND when nobody live. role and name: 64 bytes each. */
bool store_node_by_key(store_t *self, const char *public_key, char *role, char *name, err_t *err)
    MUST_USE;

typedef struct {
    char name[64];
    char endpoint[256];
    char public_key[41];
    uint64_t epoch; /* above 0: it leads, as far as the store knows */
} broker_t;

enum { BROKERS_MOST = 16 };

/* Live brokers, at most BROKERS_MOST into `brokers`. */
bool store_brokers(store_t *self, broker_t *brokers, uint32_t *count, err_t *err) MUST_USE;

/* Beat. *epoch is ours when we lead, 0 when somebody else does. */
bool store_leader_beat(store_t *self, const char *owner, const char *endpoint, int64_t takeover_ms,
                       uint64_t *epoch, err_t *err) MUST_USE;
bool store_leader_leave(store_t *self, const char *owner, err_t *err) MUST_USE;

enum { QUEUE_KEY_MOST = 128 }; /* bytes of a queue key */

/* A job that waits, as the broker's queue wants it. */
typedef struct {
    jobid_t id;
    char tenant[64];
    char source[64];
    char queue_key[QUEUE_KEY_MOST + 1]; /* "": none */
    int32_t priority;
    uint64_t lost_incarnation; /* of the executor that lost it just now; 0: of none */
    char lost_by[64];
    bool recovering;
} waiting_t;

typedef void (*store_waiting_fn)(void *arg, const waiting_t *job);

/* Flag the jobs of executors whose lease ran out as recovering, and report each; *nodes says how
 * many nodes of any role were removed. */
bool store_sweep_nodes(store_t *self, store_waiting_fn fn, void *arg, uint32_t *nodes, err_t *err)
    MUST_USE;

/* A tenant that has jobs which are not final on a source, and no queue key. */
typedef struct {
    char tenant[64];
    char source[64];
    bool paused; /* the tenant is */
} store_pair_t;

/* The next such pairs behind `after` ({ 0 }: the first ones), at most `most` of them. */
bool store_sweep_pairs(store_t *self, const store_pair_t *after, store_pair_t *pairs, uint32_t most,
                       uint32_t *count, err_t *err) MUST_USE;
/* The first `limit` waiting jobs of a pair that have no queue key. */
bool store_sweep_pending(store_t *self, const store_pair_t *pair, uint32_t limit,
                         store_waiting_fn fn, void *arg, err_t *err) MUST_USE;

/* --- lines: jobs of one tenant with the same queue key (store_lines.c) --- */

typedef struct {
    char tenant[64];
    char queue_key[QUEUE_KEY_MOST + 1];
} line_name_t;

/* What there is of a line. The first job is the one whose turn it is; the others stand behind it.
 * Texts and jobs are the caller's of the callback. */
typedef struct {
    const line_name_t *name;
    const waiting_t *jobs;
    uint32_t count; /* 0: nothing, or its tenant is paused */
    bool runs;      /* an executor has the first one */
    bool more;      /* there are others behind these */
} line_report_t;

typedef void (*store_line_fn)(void *arg, const line_report_t *report);

/* How much of a line is wanted, and by whom. */
typedef struct {
    uint32_t each; /* jobs behind the front, at most */
    store_line_fn fn;
    void *arg;
} line_wish_t;

typedef struct {
    char tenant[64];
    bool paused;
} line_tenant_t;

/* The next tenants that have jobs with queue keys, behind `after` (""). */
bool store_line_tenants(store_t *self, const char *after, line_tenant_t *tenants, uint32_t most,
                        uint32_t *count, err_t *err) MUST_USE;
/* The next `lines` lines of a tenant behind `after`, which moves on; *count says how many there
 * were. */
bool store_lines_walk(store_t *self, line_name_t *after, uint32_t lines, const line_wish_t *wish,
                      uint32_t *count, err_t *err) MUST_USE;
/* These lines, also those that are empty. */
bool store_lines_of(store_t *self, const line_name_t *names, uint32_t count,
                    const line_wish_t *wish, err_t *err) MUST_USE;
/* Take away what was kept of lines that are over: the next `most` behind `after`, which moves on.
 * *count says how many were looked at. */
bool store_lines_clear(store_t *self, line_name_t *after, uint32_t most, uint32_t *count,
                       err_t *err) MUST_USE;

/* End jobs whose queue timeout or deadline (`deadline_ms` where they have none of their own) passed
 * while no executor had them, those that are to be recovered a minute later; at most `limit` of
 * each kind. *ended says how many. */
bool store_sweep_overdue(store_t *self, int64_t deadline_ms, uint32_t limit, uint32_t *ended,
                         err_t *err) MUST_USE;
/* Make partitions ahead: pages for `page_days`. */
bool store_sweep_partitions(store_t *self, int32_t page_days, err_t *err) MUST_USE;

#endif

/* jobs.c - create, read, list, update and cancel. */
#include <stdio.h>
#include <string.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"

enum { LISTED_MOST = 1000, CANCEL_WAIT_MS = 60000, TEXT_SIZE = 256 };

/* --- what the handlers share --- */

static bool
answer(v2_visit_t *visit, int status, const job_t *job, const json_doc_t *note)
{
    v2_style_t style = v2_style(visit);
    json_t json;
    v2_begin(visit, status, &json);
    v2_document(&json, job, note, &style);
    v2_end(visit);
    return true;
}

static bool
fail_unknown(v2_visit_t *visit)
{
    own(mem) text = mem_format("Job with id %s not found", visit->job);
    return v2_fail_text(visit, 400, text);
}

/* The job of the path, which was made here and has not expired, and what it was made of. NULL: err
 * says why, or, with ERR_NONE, the reply does. Caller owns both. */
static job_t *
find(v2_visit_t *visit, json_doc_t **note, err_t *err)
{
    jobid_t id;
    own(job) job = NULL;
    err_clear(err);
    *note = NULL;
    if (jobid_parse(visit->job, &id))
        job = engine_find(visit->call->engine, &visit->call->caller, &id, true, err);
    if (job && !job->expired)
        *note = v2_note(job);
    if (*note)
        return take(job);
    if (job || err->kind == ERR_NONE || err->kind == ERR_NOT_FOUND || err->kind == ERR_DENIED) {
        err_clear(err);
        (void)fail_unknown(visit);
    }
    return NULL;
}

/* --- create --- */

/* A job as it is when it was just made: its id says when that was. */
static bool
answer_created(v2_visit_t *visit, const jobid_t *id, const v2_wish_t *wish, err_t *err)
{
    own(json_doc) note = json_parse(wish->note, strlen(wish->note), err);
    if (!note)
        return false;
    own(job) job = job_new();
    job->id = *id;
    job->created_ms = jobid_ms(id);
    job->steps = wish->order.step_count;
    return answer(visit, 201, job, note);
}

static bool
create(v2_visit_t *visit, err_t *err)
{
    v2_wish_t wish;
    if (!v2_wish_read(&wish, json_doc_part(visit->asked, "query"), false, err))
        return false;
    jobid_t id;
    bool made = engine_submit(visit->call->engine, &visit->call->caller, &wish.order, &id, err);
    if (!made && err->kind == ERR_LIMIT)
        err_set(err, ERR_LIMIT, "Failed to create job. Max number of jobs (%u) queued reached",
                (unsigned)wish.order.queue_most);
    made = made && answer_created(visit, &id, &wish, err);
    v2_wish_clear(&wish);
    return made;
}

bool
v2_create(call_t *call, err_t *err)
{
    static const v2_rule_t rule = { .handle = create, .bounded = true, .master = true };
    return v2_serve(call, &rule, err);
}

/* --- read, list --- */

static bool
read(v2_visit_t *visit, err_t *err)
{
    own(json_doc) note = NULL;
    own(job) job = find(visit, &note, err);
    return job ? answer(visit, 200, job, note) : err->kind == ERR_NONE;
}

bool
v2_read(call_t *call, err_t *err)
{
    static const v2_rule_t rule = { .handle = read, .master = true };
    return v2_serve(call, &rule, err);
}

/* The newest ones, in the order in which they came. */
static bool
list(v2_visit_t *visit, err_t *err)
{
    const job_filter_t filter = { .dialect = V2_DIALECT, .most = LISTED_MOST };
    own(jobs) jobs = engine_list(visit->call->engine, &visit->call->caller, &filter, err);
    if (!jobs)
        return false;
    v2_style_t style = v2_style(visit);
    json_t json;
    v2_begin(visit, 200, &json);
    json_begin_list(&json);
    for (uint32_t i = jobs->count; i > 0; i--) {
        own(json_doc) note = v2_note(jobs->list[i - 1]);
        if (note)
            v2_document(&json, jobs->list[i - 1], note, &style);
    }
    json_end_list(&json);
    v2_end(visit);
    return true;
}

bool
v2_list(call_t *call, err_t *err)
{
    static const v2_rule_t rule = { .handle = list, .master = true, .of_2016 = true };
    return v2_serve(call, &rule, err);
}

/* --- update --- */

/* As the documentation has it, or as the servers said it. */
static bool
fail_not_pending(v2_visit_t *visit)
{
    if (engine_flag(visit->call->engine, "carto_server_answers"))
        return v2_fail_text(visit, 400, "Job is not pending, it cannot be updated");
    const v2_failure_t failure = {
        .name = "errors",
        .text = "The job status is not pending, it cannot be updated",
    };
    return v2_fail(visit, &failure);
}

static bool
no_sql(err_t *err)
{
    return err_set(err, ERR_INVALID, "You must indicate a valid SQL");
}

/* A job keeps its form. */
static bool
edit(v2_visit_t *visit, const job_t *job, const json_doc_t *note, err_t *err)
{
    v2_wish_t wish;
    if (!v2_wish_read(&wish, json_doc_part(visit->asked, "query"), true, err))
        return err->kind != ERR_LIMIT && no_sql(err);
    bool same = wish.form == v2_form_of(json_doc_part(note, "query"));
    bool edited =
        same ? engine_edit(visit->call->engine, &visit->call->caller, &job->id, &wish.order, err)
             : no_sql(err);
    v2_wish_clear(&wish);
    return edited;
}

static bool
update(v2_visit_t *visit, err_t *err)
{
    own(json_doc) note = NULL;
    own(job) job = find(visit, &note, err);
    if (!job)
        return err->kind == ERR_NONE;
    if (edit(visit, job, note, err))
        return read(visit, err);
    return err->kind == ERR_CONFLICT && fail_not_pending(visit);
}

bool
v2_update(call_t *call, err_t *err)
{
    static const v2_rule_t rule = { .handle = update, .master = true, .of_2016 = true };
    return v2_serve(call, &rule, err);
}

/* --- cancel --- */

static bool
fail_over(v2_visit_t *visit, const job_t *job, const json_doc_t *note)
{
    char text[TEXT_SIZE];
    if (v2_form_of(json_doc_part(note, "query")) == V2_FALLBACK)
        return v2_fail_text(visit, 400, "Cannot set status to cancelled");
    snprintf(text, sizeof text, "Cannot set status from %s to cancelled", v2_status(job, note));
    return v2_fail_text(visit, 400, text);
}

/* Is it stopped by now? It may have come to its own end meanwhile. */
static bool
answer_cancelled(v2_visit_t *visit, err_t *err)
{
    own(json_doc) note = NULL;
    own(job) job = find(visit, &note, err);
    if (!job)
        return err->kind == ERR_NONE;
    if (job->state == JOB_CANCELLED)
        return answer(visit, 200, job, note);
    if (job_state_final(job->state))
        return fail_over(visit, job, note);
    return err_set(err, ERR_UNAVAILABLE, "The job is being cancelled, and is not over yet");
}

static bool
cancel(v2_visit_t *visit, err_t *err)
{
    own(json_doc) note = NULL;
    own(job) job = find(visit, &note, err);
    if (!job)
        return err->kind == ERR_NONE;
    if (job_state_final(job->state))
        return fail_over(visit, job, note);
    patience_t patience = v2_patience(visit);
    bool never_started = false;
    own(job) stopped = engine_cancel(visit->call->engine, &visit->call->caller, &job->id,
                                     CANCEL_WAIT_MS, &patience, &never_started, err);
    return stopped && answer_cancelled(visit, err);
}

bool
v2_cancel(call_t *call, err_t *err)
{
    static const v2_rule_t rule = { .handle = cancel, .master = true };
    return v2_serve(call, &rule, err);
}

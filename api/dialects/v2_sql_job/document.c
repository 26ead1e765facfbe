/* document.c - a job as its owner knows it: the query as it was asked for, and how far each is.
 *
 * The statuses are CARTO's, computed from the steps': in a list, what comes behind a failure stays
 * pending; in a fallback job it is skipped, and so is what did not need to follow. Once all texts
 * of a fallback job are over its status says so, while what follows the job has a status of its
 * own.
 */
#include <stdlib.h>
#include <string.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"
#include "api/json_dump.h"
#include "common/clock.h"

/* One step, wherever a job says it. */
typedef struct {
    job_state_t state;
    int64_t started_ms;
    int64_t ended_ms;
    const char *error;
} part_t;

/* Clients know PostgreSQL's words for a clock that stopped what ran. */
static part_t
part_made(job_state_t state, int64_t started_ms, int64_t ended_ms, const char *error)
{
    static const char stopped[] = "canceling statement due to statement timeout";
    bool in_time = state != JOB_TIMED_OUT || started_ms == 0;
    return (part_t){ state, started_ms, ended_ms, in_time ? error : stopped };
}

static part_t
whole_of(const job_t *job)
{
    return part_made(job->state, job->started_ms, job->ended_ms, job->error);
}

/* A job of one step says all by itself; one that was just made has nothing to say. */
static part_t
part_of(const job_t *job, int64_t step)
{
    if (step < 0 || step >= job->steps)
        return (part_t){ .state = JOB_PENDING };
    if (job->steps == 1)
        return whole_of(job);
    if (!job->step)
        return (part_t){ .state = JOB_PENDING };
    const job_step_t *at = &job->step[step];
    return part_made(at->state, at->started_ms, at->ended_ms, at->error);
}

static const char *
word(job_state_t state)
{
    return state == JOB_TIMED_OUT ? job_state_word(JOB_FAILED) : job_state_word(state);
}

static bool
has_failed(job_state_t state)
{
    return state == JOB_FAILED || state == JOB_TIMED_OUT;
}

/* Done, or failed: then what follows may come. */
static bool
is_over(job_state_t state)
{
    return state == JOB_DONE || has_failed(state);
}

/* --- fallback jobs --- */

/* How far a fallback job is. */
typedef struct {
    const job_t *job;
    bool failed;        /* one of its texts did */
    bool over;          /* all of them are, and what follows each */
    bool cut;           /* something was stopped on the way: what comes later is skipped */
    const char *reason; /* why the one has failed that did */
    uint32_t next_step;
} walk_t;

/* One of its texts, and what follows it. */
typedef struct {
    part_t main;
    bool follows; /* is there anything that may follow? */
    job_state_t fallback;
    const char *reason; /* why it, or what followed it, has failed; NULL */
} stage_t;

/* What something is that has not begun. The first such thing is what a cancel stops. */
static job_state_t
never_begun(const walk_t *walk)
{
    if (!job_state_final(walk->job->state))
        return JOB_PENDING;
    return walk->job->state == JOB_CANCELLED && !walk->cut ? JOB_CANCELLED : JOB_SKIPPED;
}

/* What follows: the one of the two that the outcome asks for. */
static job_state_t
fallback_state(const walk_t *walk, job_state_t outcome, const v2_place_t *place)
{
    if (!is_over(outcome))
        return outcome == JOB_PENDING || outcome == JOB_RUNNING ? JOB_PENDING : JOB_SKIPPED;
    int64_t step = outcome == JOB_DONE ? place->success_step : place->error_step;
    if (step < 0)
        return JOB_SKIPPED;
    job_state_t state = part_of(walk->job, step).state;
    return state == JOB_PENDING || state == JOB_SKIPPED ? never_begun(walk) : state;
}

static const char *
reason_of(const walk_t *walk, const stage_t *stage, const v2_place_t *place)
{
    if (has_failed(stage->fallback)) {
        int64_t step = stage->main.state == JOB_DONE ? place->success_step : place->error_step;
        return part_of(walk->job, step).error;
    }
    return has_failed(stage->main.state) ? stage->main.error : NULL;
}

/* The next text. Behind one that has failed nothing runs. */
static stage_t
walk_on(walk_t *walk, json_part_t item)
{
    stage_t stage = { .main = part_of(walk->job, walk->next_step++) };
    v2_place_t place = v2_reactions(item, &walk->next_step);
    if (walk->failed)
        stage.main = (part_t){ .state = JOB_SKIPPED };
    else if (stage.main.state == JOB_PENDING)
        stage.main.state = never_begun(walk);
    stage.follows = place.success_step >= 0 || place.error_step >= 0;
    stage.fallback = fallback_state(walk, stage.main.state, &place);
    stage.reason = reason_of(walk, &stage, &place);

    bool follows_over = stage.fallback == JOB_SKIPPED || is_over(stage.fallback);
    walk->over = walk->over && (walk->failed || (is_over(stage.main.state) && follows_over));
    if (has_failed(stage.main.state)) {
        walk->failed = true;
        walk->reason = stage.main.error;
    }
    walk->cut = walk->cut || stage.main.state == JOB_CANCELLED || stage.fallback == JOB_CANCELLED;
    return stage;
}

static walk_t
walk_begin(const job_t *job)
{
    return (walk_t){ .job = job, .over = true };
}

static walk_t
walk_all(const job_t *job, json_part_t query)
{
    walk_t walk = walk_begin(job);
    json_part_t list = json_part_member(query, "query");
    for (uint32_t i = 0; i < json_part_count(list); i++)
        (void)walk_on(&walk, json_part_item(list, i));
    return walk;
}

/* Of a job whose texts were all walked through. */
static job_state_t
walk_state(const walk_t *walk)
{
    if (walk->over)
        return walk->failed ? JOB_FAILED : JOB_DONE;
    return walk->job->state;
}

/* What follows the whole job; its steps stand behind all others. */
static job_state_t
main_fallback(const job_t *job, json_part_t query)
{
    walk_t walk = walk_all(job, query);
    job_state_t state = walk_state(&walk);
    v2_place_t place = v2_reactions(query, &walk.next_step);
    return fallback_state(&walk, state, &place);
}

/* --- any job --- */

static json_part_t
query_of(const json_doc_t *note)
{
    return json_doc_part(note, "query");
}

/* The first text of a list that fails is the end of it, a moment before the job says so. */
static part_t
list_outcome(const job_t *job)
{
    for (uint32_t i = 0; i < job->steps; i++) {
        part_t part = part_of(job, i);
        if (has_failed(part.state))
            return part;
    }
    return whole_of(job);
}

/* A fallback job's texts may all be over while what follows the job is not. */
static part_t
walk_outcome(const job_t *job, json_part_t query)
{
    part_t outcome = whole_of(job);
    walk_t walk = walk_all(job, query);
    outcome.state = walk_state(&walk);
    if (walk.failed)
        outcome.error = walk.reason;
    return outcome;
}

static part_t
outcome_of(const job_t *job, json_part_t query)
{
    switch (v2_form_of(query)) {
    case V2_SIMPLE: break;
    case V2_MULTIPLE: return list_outcome(job);
    case V2_FALLBACK: return walk_outcome(job, query);
    }
    return whole_of(job);
}

const char *
v2_status(const job_t *job, const json_doc_t *note)
{
    return word(outcome_of(job, query_of(note)).state);
}

json_doc_t *
v2_note(const job_t *job)
{
    err_t err;
    if (!job->note || strcmp(job->dialect, V2_DIALECT) != 0)
        return NULL;
    return json_parse(job->note, strlen(job->note), &err);
}

v2_style_t
v2_style(const v2_visit_t *visit)
{
    return (v2_style_t){
        .user = visit->user,
        .as_server = engine_flag(visit->call->engine, "carto_server_answers"),
    };
}

/* --- writing --- */

static void
member_time(json_t *json, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];
    json_member_text(json, name, clock_iso_ms(ms, text));
}

static void
member_reason(json_t *json, const char *reason)
{
    if (reason)
        json_member_text(json, "failed_reason", reason);
}

static void
member_part(json_t *json, const char *name, json_part_t part)
{
    sink_t text = { 0 };
    json_dump(part, &text);
    json_name(json, name);
    json_raw(json, (const char *)text.data, text.size);
    free(text.data);
}

/* What was asked for, without what a document that came back said of its state. */
static void
members_asked(json_t *json, json_part_t object, const char *but)
{
    static const char *const shown[] = { "status",   "fallback_status", "started_at",
                                         "ended_at", "failed_reason",   NULL };
    json_member_t member = { 0 };
    while (json_part_next(object, &member)) {
        bool skip = but && strcmp(member.name, but) == 0;
        for (const char *const *name = shown; *name && !skip; name++)
            skip = strcmp(*name, member.name) == 0;
        if (!skip)
            member_part(json, member.name, member.value);
    }
}

static void
write_stage(json_t *json, const stage_t *stage, json_part_t item)
{
    json_begin(json);
    members_asked(json, item, NULL);
    json_member_text(json, "status", word(stage->main.state));
    if (stage->follows)
        json_member_text(json, "fallback_status", word(stage->fallback));
    if (stage->main.started_ms > 0)
        member_time(json, "started_at", stage->main.started_ms);
    if (stage->main.ended_ms > 0)
        member_time(json, "ended_at", stage->main.ended_ms);
    member_reason(json, stage->reason);
    json_end(json);
}

static void
write_fallbacks(json_t *json, const job_t *job, json_part_t query)
{
    walk_t walk = walk_begin(job);
    json_part_t list = json_part_member(query, "query");
    json_begin(json);
    json_name(json, "query");
    json_begin_list(json);
    for (uint32_t i = 0; i < json_part_count(list); i++) {
        stage_t stage = walk_on(&walk, json_part_item(list, i));
        write_stage(json, &stage, json_part_item(list, i));
    }
    json_end_list(json);
    members_asked(json, query, "query");
    json_end(json);
}

/* The status of a list's item. A cancel's first victim is pending again, as the documentation has
 * it, or cancelled, as the servers had it: then `cut` says that there was one. */
static const char *
item_status(job_state_t state, const job_t *job, const v2_style_t *style, bool *cut)
{
    if (is_over(state) || state == JOB_RUNNING || state == JOB_UNKNOWN)
        return word(state);
    bool first = job->state == JOB_CANCELLED && !*cut;
    *cut = true;
    return word(first && style->as_server ? JOB_CANCELLED : JOB_PENDING);
}

static void
write_list(json_t *json, const job_t *job, json_part_t list, const v2_style_t *style)
{
    bool cut = false;
    json_begin_list(json);
    for (uint32_t i = 0; i < json_part_count(list); i++) {
        part_t part = part_of(job, i);
        json_part_t item = json_part_item(list, i);
        json_begin(json);
        member_part(json, "query",
                    json_part_kind(item) == JSON_KIND_OBJECT ? json_part_member(item, "query")
                                                             : item);
        json_member_text(json, "status", item_status(part.state, job, style, &cut));
        if (has_failed(part.state))
            member_reason(json, part.error);
        json_end(json);
    }
    json_end_list(json);
}

static void
write_query(json_t *json, const job_t *job, json_part_t query, const v2_style_t *style)
{
    switch (v2_form_of(query)) {
    case V2_SIMPLE: member_part(json, "query", query); break;
    case V2_MULTIPLE:
        json_name(json, "query");
        write_list(json, job, query, style);
        break;
    case V2_FALLBACK:
        json_name(json, "query");
        write_fallbacks(json, job, query);
        break;
    }
}

static int64_t
later(int64_t a_ms, int64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

/* The last moment at which anything of it changed. */
static int64_t
updated_ms(const job_t *job)
{
    int64_t ms = later(job->created_ms, later(job->edited_ms, job->ended_ms));
    if (job->state != JOB_PENDING)
        ms = later(ms, job->started_ms);
    for (uint32_t i = 0; job->step && i < job->steps; i++)
        ms = later(ms, later(job->step[i].started_ms, job->step[i].ended_ms));
    return ms;
}

static bool
has_main_fallback(json_part_t query)
{
    return v2_has_fallback(query, "onsuccess") || v2_has_fallback(query, "onerror");
}

void
v2_document(json_t *json, const job_t *job, const json_doc_t *note, const v2_style_t *style)
{
    char id[JOBID_TEXT_SIZE];
    json_part_t query = query_of(note);
    part_t outcome = outcome_of(job, query);
    json_begin(json);
    json_member_text(json, "job_id", jobid_text(&job->id, id));
    json_member_text(json, "user", style->user);
    write_query(json, job, query, style);
    json_member_text(json, "status", word(outcome.state));
    member_time(json, "created_at", job->created_ms);
    member_time(json, "updated_at", updated_ms(job));
    if (has_failed(outcome.state))
        member_reason(json, outcome.error);
    if (has_main_fallback(query))
        json_member_text(json, "fallback_status", word(main_fallback(job, query)));
    json_end(json);
}

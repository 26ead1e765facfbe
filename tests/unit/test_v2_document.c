/* CARTO's API: a job as its owner knows it. Jobs are written as their query, their state and a
 * letter for the state of each step: p(ending), r(unning), d(one), f(ailed), t(imed out),
 * c(ancelled), u(nknown), s(kipped). */
#include "tests/unit/unit.h"

#include "api/dialects/v2_sql_job/v2_sql_job.h"
#include "tests/unit/http_fake.h"

enum { CREATED_MS = 1000, STEP_MS = 2000, LATER_MS = 3000 };

static const v2_style_t as_documented = { .user = "alice" };
static const v2_style_t as_server = { .user = "alice", .as_server = true };

static job_state_t
state_of(char letter)
{
    static const char letters[] = "prdfctus";
    return (job_state_t)(strchr(letters, letter) - letters);
}

static bool
has_begun(job_state_t state)
{
    return state != JOB_PENDING && state != JOB_SKIPPED;
}

static job_step_t
a_step(job_state_t state)
{
    job_step_t step = { .state = state };
    if (has_begun(state))
        step.started_ms = STEP_MS;
    if (has_begun(state) && job_state_final(state))
        step.ended_ms = STEP_MS + 1;
    if (step.ended_ms && state != JOB_DONE)
        step.error = mem_text("step");
    return step;
}

/* Caller owns the result. */
static job_t *
a_job(char state, const char *query, const char *steps)
{
    job_t *job = job_new();
    free(job->dialect);
    job->dialect = mem_text(V2_DIALECT);
    job->note = mem_format("{\"query\":%s}", query);
    job->created_ms = CREATED_MS;
    job->state = state_of(state);
    if (has_begun(job->state))
        job->started_ms = STEP_MS;
    if (job_state_final(job->state))
        job->ended_ms = LATER_MS;
    if (job->ended_ms && job->state != JOB_DONE)
        job->error = mem_text("job");
    job->steps = (uint32_t)strlen(steps);
    if (job->steps > 1) {
        job->step = mem_array(job->steps, sizeof *job->step);
        for (uint32_t i = 0; i < job->steps; i++)
            job->step[i] = a_step(state_of(steps[i]));
    }
    return job;
}

/* Caller owns the result. */
static char *
written(const job_t *job, const v2_style_t *style)
{
    own(fake_reply) fake = fake_reply_new((frame_t){ .keep = true }, false);
    own(json_doc) note = v2_note(job);
    assert_non_null(note);
    json_t json;
    json_init(&json, &fake->reply);
    v2_document(&json, job, note, style);
    reply_end(&fake->reply);
    return mem_text(fake_body(fake));
}

/* Its query and the rest are what is wanted; times but for those of queries are left out. */
static void
assert_shown(const job_t *job, const v2_style_t *style, const char *query, const char *rest)
{
    own(mem) text = written(job, style);
    own(mem) wanted = mem_format("\"user\":\"alice\",\"query\":%s,\"status\":", query);
    if (!strstr(text, wanted))
        fail_msg("no %s in %s", wanted, text);
    char *status = strstr(text, ",\"status\":\"");
    for (char *next = status; next; next = strstr(next + 1, ",\"status\":\""))
        status = next;
    own(mem) times = mem_text(status + 1);
    char *from = strstr(times, ",\"created_at\"");
    char *to = strstr(times, "Z\"");
    to = strstr(to + 1, "Z\"") + 2;
    memmove(from, to, strlen(to) + 1);
    assert_string_equal(times, rest);
}

#define SHOWN(state, asked, steps, style, query, rest)                                             \
    do {                                                                                           \
        own(job) job_ = a_job(state, asked, steps);                                                \
        assert_shown(job_, style, query, rest);                                                    \
    } while (0)

/* --- one text --- */

static void
a_simple_job_shows_its_text_and_its_state(void **unused)
{
    (void)unused;
    SHOWN('p', "\"S\"", "p", &as_documented, "\"S\"", "\"status\":\"pending\"}");
    SHOWN('r', "\"S\"", "r", &as_documented, "\"S\"", "\"status\":\"running\"}");
    SHOWN('d', "\"S\"", "d", &as_documented, "\"S\"", "\"status\":\"done\"}");
    SHOWN('c', "\"S\"", "c", &as_documented, "\"S\"", "\"status\":\"cancelled\"}");
    SHOWN('u', "\"S\"", "u", &as_documented, "\"S\"", "\"status\":\"unknown\"}");
    SHOWN('f', "\"S\"", "f", &as_documented, "\"S\"",
          "\"status\":\"failed\",\"failed_reason\":\"job\"}");
}

static void
what_ran_out_of_time_says_so_as_postgresql_would(void **unused)
{
    (void)unused;
    SHOWN('t', "\"S\"", "t", &as_documented, "\"S\"",
          "\"status\":\"failed\",\"failed_reason\":"
          "\"canceling statement due to statement timeout\"}");
    own(job) waited = a_job('t', "\"S\"", "t");
    waited->started_ms = 0;
    assert_shown(waited, &as_documented, "\"S\"",
                 "\"status\":\"failed\",\"failed_reason\":\"job\"}");
}

static void
the_document_has_its_members_in_their_order(void **unused)
{
    (void)unused;
    own(job) job = a_job('f', "\"S\"", "f");
    own(mem) text = written(job, &as_documented);
    assert_string_equal(text, "{\"job_id\":\"00000000-0000-0000-0000-000000000000\","
                              "\"user\":\"alice\",\"query\":\"S\",\"status\":\"failed\","
                              "\"created_at\":\"1970-01-01T00:00:01.000Z\","
                              "\"updated_at\":\"1970-01-01T00:00:03.000Z\","
                              "\"failed_reason\":\"job\"}");
}

static void
assert_updated(const job_t *job, const char *at)
{
    own(mem) text = written(job, &as_documented);
    own(mem) wanted = mem_format("\"updated_at\":\"1970-01-01T00:00:0%s\"", at);
    if (!strstr(text, wanted))
        fail_msg("no %s in %s", wanted, text);
}

static void
it_was_updated_when_the_last_thing_happened(void **unused)
{
    (void)unused;
    own(job) pending = a_job('p', "[\"a\",\"b\"]", "pp");
    assert_updated(pending, "1.000Z");
    pending->started_ms = STEP_MS; /* handed back */
    assert_updated(pending, "1.000Z");
    pending->edited_ms = 1500;
    assert_updated(pending, "1.500Z");
    own(job) runs = a_job('r', "[\"a\",\"b\"]", "rp");
    assert_updated(runs, "2.000Z");
    own(job) between = a_job('r', "[\"a\",\"b\"]", "dp");
    assert_updated(between, "2.001Z");
}

static void
a_job_of_another_dialect_has_no_note(void **unused)
{
    (void)unused;
    own(job) job = a_job('p', "\"S\"", "p");
    free(job->dialect);
    job->dialect = mem_text("v1_job");
    assert_null(v2_note(job));
    own(job) bare = a_job('p', "\"S\"", "p");
    free(bare->note);
    bare->note = NULL;
    assert_null(v2_note(bare));
}

/* --- a list --- */

#define ITEM(sql, status) "{\"query\":\"" sql "\",\"status\":\"" status "\"}"
#define LIST "[\"a\",\"b\",\"c\"]"

static void
a_list_shows_how_far_each_text_is(void **unused)
{
    (void)unused;
    SHOWN('p', LIST, "ppp", &as_documented,
          "[" ITEM("a", "pending") "," ITEM("b", "pending") "," ITEM("c", "pending") "]",
          "\"status\":\"pending\"}");
    SHOWN('r', LIST, "drp", &as_documented,
          "[" ITEM("a", "done") "," ITEM("b", "running") "," ITEM("c", "pending") "]",
          "\"status\":\"running\"}");
    SHOWN('r', LIST, "dpp", &as_documented,
          "[" ITEM("a", "done") "," ITEM("b", "pending") "," ITEM("c", "pending") "]",
          "\"status\":\"running\"}");
    SHOWN('d', LIST, "ddd", &as_documented,
          "[" ITEM("a", "done") "," ITEM("b", "done") "," ITEM("c", "done") "]",
          "\"status\":\"done\"}");
    SHOWN('u', LIST, "dup", &as_documented,
          "[" ITEM("a", "done") "," ITEM("b", "unknown") "," ITEM("c", "pending") "]",
          "\"status\":\"unknown\"}");
    SHOWN('d', "[\"a\"]", "d", &as_documented, "[" ITEM("a", "done") "]", "\"status\":\"done\"}");
}

static void
what_comes_behind_a_failure_in_a_list_stays_pending(void **unused)
{
    (void)unused;
    static const char shown[] =
        "[" ITEM("a", "done") ",{\"query\":\"b\",\"status\":\"failed\",\"failed_reason\":\"step\"}"
                              "," ITEM("c", "pending") "]";
    SHOWN('f', LIST, "dfp", &as_documented, shown,
          "\"status\":\"failed\",\"failed_reason\":\"step\"}");
    SHOWN('f', LIST, "dfp", &as_server, shown, "\"status\":\"failed\",\"failed_reason\":\"step\"}");
}

static void
a_list_has_failed_as_soon_as_one_of_its_texts_has(void **unused)
{
    (void)unused;
    SHOWN('r', LIST, "dfp", &as_documented,
          "[" ITEM("a", "done") ",{\"query\":\"b\",\"status\":\"failed\",\"failed_reason\":"
                                "\"step\"}," ITEM("c", "pending") "]",
          "\"status\":\"failed\",\"failed_reason\":\"step\"}");
}

static void
a_cancel_leaves_the_first_text_pending_or_as_servers_had_it_cancelled(void **unused)
{
    (void)unused;
    SHOWN('c', LIST, "dcp", &as_documented,
          "[" ITEM("a", "done") "," ITEM("b", "pending") "," ITEM("c", "pending") "]",
          "\"status\":\"cancelled\"}");
    SHOWN('c', LIST, "dcp", &as_server,
          "[" ITEM("a", "done") "," ITEM("b", "cancelled") "," ITEM("c", "pending") "]",
          "\"status\":\"cancelled\"}");
    SHOWN('c', LIST, "dpp", &as_server,
          "[" ITEM("a", "done") "," ITEM("b", "cancelled") "," ITEM("c", "pending") "]",
          "\"status\":\"cancelled\"}");
    SHOWN('c', LIST, "ppp", &as_server,
          "[" ITEM("a", "cancelled") "," ITEM("b", "pending") "," ITEM("c", "pending") "]",
          "\"status\":\"cancelled\"}");
}

static void
a_list_that_came_back_as_a_document_is_shown_once(void **unused)
{
    (void)unused;
    SHOWN('p', "[{\"query\":\"a\",\"status\":\"done\",\"failed_reason\":\"x\"},\"b\"]", "pp",
          &as_documented, "[" ITEM("a", "pending") "," ITEM("b", "pending") "]",
          "\"status\":\"pending\"}");
}

/* --- what follows --- */

#define TIMES                                                                                      \
    "\"started_at\":\"1970-01-01T00:00:02.000Z\",\"ended_at\":\"1970-01-01T00:00:02.001Z\""
#define FAILED ",\"failed_reason\":\"step\""

/* Two texts, the first with both, the second with none; and both for the job. The steps are: the
 * first text, its onsuccess, its onerror; the second text; the job's onsuccess, its onerror. */
#define ASKED                                                                                      \
    "{\"query\":[{\"query\":\"a\",\"onsuccess\":\"as\",\"onerror\":\"ae\"},{\"query\":\"b\"}],"    \
    "\"onsuccess\":\"js\",\"onerror\":\"je\"}"
#define STAGES(first, second)                                                                      \
    "{\"query\":[{\"query\":\"a\",\"onsuccess\":\"as\",\"onerror\":\"ae\"," first                  \
    "},{\"query\":\"b\"," second "}],\"onsuccess\":\"js\",\"onerror\":\"je\"}"
#define STATUS(status) "\"status\":\"" status "\""
#define BOTH(status, fallback) STATUS(status) ",\"fallback_status\":\"" fallback "\""
#define REST(status, fallback) STATUS(status) ",\"fallback_status\":\"" fallback "\"}"

static void
a_fallback_job_walks_through_its_stages(void **unused)
{
    (void)unused;
    SHOWN('p', ASKED, "pppppp", &as_documented,
          STAGES(BOTH("pending", "pending"), STATUS("pending")), REST("pending", "pending"));
    SHOWN('r', ASKED, "rppppp", &as_documented,
          STAGES(BOTH("running", "pending") ",\"started_at\":\"1970-01-01T00:00:02.000Z\"",
                 STATUS("pending")),
          REST("running", "pending"));
    SHOWN('r', ASKED, "dppppp", &as_documented,
          STAGES(BOTH("done", "pending") "," TIMES, STATUS("pending")), REST("running", "pending"));
    SHOWN('r', ASKED, "drpppp", &as_documented,
          STAGES(BOTH("done", "running") "," TIMES, STATUS("pending")), REST("running", "pending"));
    SHOWN('r', ASKED, "ddsdpp", &as_documented,
          STAGES(BOTH("done", "done") "," TIMES, STATUS("done") "," TIMES),
          REST("done", "pending"));
    SHOWN('r', ASKED, "ddsdrp", &as_documented,
          STAGES(BOTH("done", "done") "," TIMES, STATUS("done") "," TIMES),
          REST("done", "running"));
    SHOWN('d', ASKED, "ddsdds", &as_documented,
          STAGES(BOTH("done", "done") "," TIMES, STATUS("done") "," TIMES), REST("done", "done"));
}

static void
what_follows_a_failure_runs_and_all_else_is_skipped(void **unused)
{
    (void)unused;
    SHOWN('r', ASKED, "fppppp", &as_documented,
          STAGES(BOTH("failed", "pending") "," TIMES FAILED, STATUS("skipped")),
          "\"status\":\"running\",\"fallback_status\":\"pending\"}");
    SHOWN('r', ASKED, "fsdpsr", &as_documented,
          STAGES(BOTH("failed", "done") "," TIMES FAILED, STATUS("skipped")),
          "\"status\":\"failed\",\"failed_reason\":\"step\",\"fallback_status\":\"running\"}");
    SHOWN('f', ASKED, "fsdpsd", &as_documented,
          STAGES(BOTH("failed", "done") "," TIMES FAILED, STATUS("skipped")),
          "\"status\":\"failed\",\"failed_reason\":\"step\",\"fallback_status\":\"done\"}");
    SHOWN('f', ASKED, "ddsfsd", &as_documented,
          STAGES(BOTH("done", "done") "," TIMES, STATUS("failed") "," TIMES FAILED),
          "\"status\":\"failed\",\"failed_reason\":\"step\",\"fallback_status\":\"done\"}");
}

static void
a_fallback_that_fails_fails_nothing_else(void **unused)
{
    (void)unused;
    SHOWN('d', ASKED, "dfsdfs", &as_documented,
          STAGES(BOTH("done", "failed") "," TIMES FAILED, STATUS("done") "," TIMES),
          REST("done", "failed"));
    SHOWN('d', ASKED, "dfsdts", &as_documented,
          STAGES(BOTH("done", "failed") "," TIMES FAILED, STATUS("done") "," TIMES),
          REST("done", "failed"));
}

static void
what_is_not_there_to_follow_is_skipped(void **unused)
{
    (void)unused;
    SHOWN('d', "{\"query\":[{\"query\":\"a\",\"onerror\":\"ae\"}],\"onerror\":\"je\"}", "dss",
          &as_documented,
          "{\"query\":[{\"query\":\"a\",\"onerror\":\"ae\"," BOTH(
              "done", "skipped") "," TIMES "}],\"onerror\":\"je\"}",
          REST("done", "skipped"));
    SHOWN('f', "{\"query\":[{\"query\":\"a\",\"onsuccess\":\"as\"}],\"onsuccess\":\"js\"}", "fss",
          &as_documented,
          "{\"query\":[{\"query\":\"a\",\"onsuccess\":\"as\"," BOTH(
              "failed", "skipped") "," TIMES FAILED "}],\"onsuccess\":\"js\"}",
          "\"status\":\"failed\",\"failed_reason\":\"step\",\"fallback_status\":\"skipped\"}");
}

static void
a_cancel_stops_one_thing_and_skips_the_rest(void **unused)
{
    (void)unused;
    SHOWN('c', ASKED, "psspss", &as_documented,
          STAGES(BOTH("cancelled", "skipped"), STATUS("skipped")), REST("cancelled", "skipped"));
    SHOWN('c', ASKED, "csspss", &as_documented,
          STAGES(BOTH("cancelled", "skipped") "," TIMES, STATUS("skipped")),
          REST("cancelled", "skipped"));
    SHOWN('c', ASKED, "dcspss", &as_documented,
          STAGES(BOTH("done", "cancelled") "," TIMES, STATUS("skipped")),
          REST("cancelled", "skipped"));
    SHOWN('c', ASKED, "dsspss", &as_documented, /* before what follows had begun */
          STAGES(BOTH("done", "cancelled") "," TIMES, STATUS("skipped")),
          REST("cancelled", "skipped"));
    SHOWN('c', ASKED, "ddspss", &as_documented,
          STAGES(BOTH("done", "done") "," TIMES, STATUS("cancelled")),
          REST("cancelled", "skipped"));
    SHOWN('c', ASKED, "ddsdcs", &as_documented,
          STAGES(BOTH("done", "done") "," TIMES, STATUS("done") "," TIMES),
          REST("done", "cancelled"));
    SHOWN('c', ASKED, "ddsdss", &as_documented,
          STAGES(BOTH("done", "done") "," TIMES, STATUS("done") "," TIMES),
          REST("done", "cancelled"));
}

/* What was to follow is over without having begun. */
static void
a_cancel_before_what_follows_is_one(void **unused)
{
    (void)unused;
    SHOWN('c', "{\"query\":[{\"query\":\"a\",\"onsuccess\":\"as\"}]}", "ds", &as_documented,
          "{\"query\":[{\"query\":\"a\",\"onsuccess\":\"as\"," BOTH("done", "cancelled") "," TIMES
                                                                                         "}]}",
          "\"status\":\"cancelled\"}");
    SHOWN('t', "{\"query\":[{\"query\":\"a\",\"onsuccess\":\"as\"}]}", "ds", &as_documented,
          "{\"query\":[{\"query\":\"a\",\"onsuccess\":\"as\"," BOTH("done", "skipped") "," TIMES
                                                                                       "}]}",
          "\"status\":\"done\"}");
}

static void
what_is_unknown_is_unknown_and_the_rest_is_skipped(void **unused)
{
    (void)unused;
    SHOWN('u', ASKED, "usspss", &as_documented,
          STAGES(BOTH("unknown", "skipped") "," TIMES, STATUS("skipped")),
          REST("unknown", "skipped"));
}

static void
members_that_mean_nothing_are_kept_and_statuses_are_not(void **unused)
{
    (void)unused;
    SHOWN('p',
          "{\"query\":[{\"id\":\"n\",\"status\":\"done\",\"query\":\"a\",\"started_at\":\"x\","
          "\"ended_at\":\"x\",\"failed_reason\":\"x\",\"fallback_status\":\"x\",\"timeout\":5}],"
          "\"z\":[1,null]}",
          "p", &as_documented,
          "{\"query\":[{\"id\":\"n\",\"query\":\"a\",\"timeout\":5,\"status\":\"pending\"}],"
          "\"z\":[1,null]}",
          "\"status\":\"pending\"}");
}

/* A job that was just made, and one whose steps nobody has read. */
static void
steps_that_are_not_known_are_pending(void **unused)
{
    (void)unused;
    own(job) job = a_job('r', ASKED, "r");
    job->steps = 6;
    assert_shown(job, &as_documented, STAGES(BOTH("pending", "pending"), STATUS("pending")),
                 REST("running", "pending"));
}

static void
the_status_alone_is_that_of_the_document(void **unused)
{
    (void)unused;
    own(job) job = a_job('r', ASKED, "fsdpsr");
    own(json_doc) note = v2_note(job);
    assert_string_equal(v2_status(job, note), "failed");
    own(job) late = a_job('t', "\"S\"", "t");
    own(json_doc) simple = v2_note(late);
    assert_string_equal(v2_status(late, simple), "failed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_simple_job_shows_its_text_and_its_state),
        cmocka_unit_test(what_ran_out_of_time_says_so_as_postgresql_would),
        cmocka_unit_test(the_document_has_its_members_in_their_order),
        cmocka_unit_test(it_was_updated_when_the_last_thing_happened),
        cmocka_unit_test(a_job_of_another_dialect_has_no_note),
        cmocka_unit_test(a_list_shows_how_far_each_text_is),
        cmocka_unit_test(what_comes_behind_a_failure_in_a_list_stays_pending),
        cmocka_unit_test(a_list_has_failed_as_soon_as_one_of_its_texts_has),
        cmocka_unit_test(a_cancel_leaves_the_first_text_pending_or_as_servers_had_it_cancelled),
        cmocka_unit_test(a_list_that_came_back_as_a_document_is_shown_once),
        cmocka_unit_test(a_fallback_job_walks_through_its_stages),
        cmocka_unit_test(what_follows_a_failure_runs_and_all_else_is_skipped),
        cmocka_unit_test(a_fallback_that_fails_fails_nothing_else),
        cmocka_unit_test(what_is_not_there_to_follow_is_skipped),
        cmocka_unit_test(a_cancel_stops_one_thing_and_skips_the_rest),
        cmocka_unit_test(a_cancel_before_what_follows_is_one),
        cmocka_unit_test(what_is_unknown_is_unknown_and_the_rest_is_skipped),
        cmocka_unit_test(members_that_mean_nothing_are_kept_and_statuses_are_not),
        cmocka_unit_test(steps_that_are_not_known_are_pending),
        cmocka_unit_test(the_status_alone_is_that_of_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

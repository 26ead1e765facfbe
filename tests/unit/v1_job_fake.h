/* v1_job_fake.h - the job API dialect over an engine in memory: ask it, and set up what it finds.
 */
#ifndef TESTS_UNIT_V1_JOB_FAKE_H
#define TESTS_UNIT_V1_JOB_FAKE_H

#include "api/route.h"
#include "tests/unit/http_fake.h"

#include "tests/unit/engine_fake.h"

#define JOB "/api/v1/job/" FAKE_JOB

static char heard[1 << 20];
static size_t heard_size;
static bool cut;             /* the reply was abandoned */
static atomic_bool stopping; /* of the server */
static const char *content_type;
static const char *idempotency_key;
static const char *idempotency_key_again; /* the header's second one */
static const char *authorization;         /* instead of the key that it has else */
static header_t more_headers[4];
static uint32_t more_count;
static char heard_head[4096];
static bool old_client;  /* that speaks HTTP/1.0 */
static bool slow_client; /* that takes no bytes without being waited for */

/* The status of a request; its body is in `heard`. */
static inline int
ask(const char *method, const char *path, const char *query, const char *body)
{
    err_t err = { .kind = ERR_NONE };
    own(router) router = router_new(route_dialects, &err);
    router_engine(router, &fake);
    static fake_request_t request;
    fake_request(&request, method, path, query);
    fake_header(&request, "Authorization", authorization ? authorization : "Bearer " FAKE_KEY);
    if (content_type)
        fake_header(&request, "Content-Type", content_type);
    if (idempotency_key)
        fake_header(&request, "Idempotency-Key", idempotency_key);
    if (idempotency_key_again)
        fake_header(&request, "idempotency-key", idempotency_key_again);
    for (uint32_t i = 0; i < more_count; i++)
        fake_header(&request, more_headers[i].name, more_headers[i].value);
    request.request.body = body;
    request.request.body_size = body ? strlen(body) : 0;
    request.request.stopping = &stopping;
    fake.waited_ms = -1;
    fake.renewed_s = -1;
    frame_t frame = { .keep = true, .old = old_client };
    own(fake_reply) reply = fake_reply_new(frame, strcmp(method, "HEAD") == 0);
    reply->slow = slow_client;
    router_handle(router, &request.request, &reply->reply);
    cut = !reply_good(&reply->reply);
    reply_end(&reply->reply);
    heard_size = reply->size - (size_t)(fake_body(reply) - reply->text);
    assert_true(heard_size < sizeof heard);
    memcpy(heard, fake_body(reply), heard_size + 1);
    snprintf(heard_head, sizeof heard_head, "%.*s", (int)(fake_body(reply) - reply->text),
             reply->text);
    return (int)strtol(reply->text + 9, NULL, 10);
}

static inline int
get(const char *path, const char *query)
{
    return ask("GET", path, query, NULL);
}

static inline int
post(const char *path, const char *body)
{
    return ask("POST", path, NULL, body);
}

static inline void
assert_heard(const char *text)
{
    if (!strstr(heard, text))
        fail_msg("no %s in %s", text, heard);
}

/* The next requests have this header, too. */
static inline void
with(const char *name, const char *value)
{
    more_headers[more_count++] = (header_t){ name, value };
}

static inline void
assert_head(const char *line)
{
    if (!strstr(heard_head, line))
        fail_msg("no %s in %s", line, heard_head);
}

/* A job in some state, all its moments in the past of that state. */
static inline int
setup(void **unused)
{
    (void)unused;
    fake = (engine_t){ .job = job_new() };
    assert_true(jobid_parse(FAKE_JOB, &fake.job->id));
    fake.job->created_ms = 1650566950000;
    fake.job->steps = 1;
    return 0;
}

static inline int
teardown(void **unused)
{
    (void)unused;
    job_destroy(&fake.job);
    content_type = NULL;
    idempotency_key = idempotency_key_again = NULL;
    more_count = 0;
    old_client = slow_client = false;
    manifest_destroy(&fake.stored);
    return 0;
}

static inline void
begin(void)
{
    fake.job->state = JOB_RUNNING;
    fake.job->attempt = 1;
    fake.job->started_ms = 1650566951500;
}

static inline void
end(job_state_t state)
{
    begin();
    fake.job->state = state;
    fake.job->ended_ms = 1650566953069;
    fake.job->expires_ms = 1650653353069;
}

/* Make it a job of several steps, all pending. */
static inline job_step_t *
add_steps(uint32_t count)
{
    fake.job->steps = count;
    fake.job->step = mem_array(count, sizeof *fake.job->step);
    for (uint32_t i = 0; i < count; i++)
        fake.job->step[i] = (job_step_t){ .step = i, .state = JOB_PENDING };
    return fake.job->step;
}

static inline result_t *
add_result(int64_t rows, const char *tag, const char *const *names)
{
    if (!fake.job->manifest)
        fake.job->manifest = manifest_new();
    result_t *result = manifest_add(fake.job->manifest);
    result->tag = mem_text(tag);
    result->rows = rows;
    result->raw_bytes = 100;
    uint32_t count = 0;
    while (names && names[count])
        count++;
    result->has_columns = names != NULL;
    if (names)
        result_columns(result, count);
    for (uint32_t i = 0; i < count; i++) {
        result->columns[i].name = mem_text(names[i]);
        result->columns[i].type = mem_text("timestamp with time zone");
        result->columns[i].kind = CELL_INTEGER;
    }
    fake.job->rows += rows;
    return result;
}

static inline void
add_notice(uint32_t step, uint32_t ordinal, const char *text)
{
    if (!fake.job->manifest)
        fake.job->manifest = manifest_new();
    own(mem) message = mem_text(text);
    const notice_t notice = { .severity = "NOTICE",
                              .sqlstate = "00000",
                              .message = message,
                              .hint = (char[]){ "h" },
                              .step = step,
                              .ordinal = ordinal };
    assert_true(manifest_notice(fake.job->manifest, &notice));
}

#define CLAIM(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

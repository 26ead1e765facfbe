/* route_fake.h - a request to a router, and what it says. */
#ifndef TESTS_UNIT_ROUTE_FAKE_H
#define TESTS_UNIT_ROUTE_FAKE_H

#include "api/route.h"
#include "tests/unit/http_fake.h"

#include "tests/unit/engine_fake.h"

static char heard[4096];

/* How a request comes to the router. */
typedef struct {
    const char *method;
    const char *path;
    const char *query;         /* NULL: none */
    const char *authorization; /* NULL: there is no such header */
    http_fn handle;            /* router_handle, or what is called instead */
} fake_call_t;

/* The status of the reply, which is in `heard`. */
static int
serve_by(const dialect_t *const *dialects, const fake_call_t *call)
{
    err_t err = { .kind = ERR_NONE };
    own(router) router = router_new(dialects, &err);
    assert_non_null(router);
    router_engine(router, &fake);
    static fake_request_t request;
    fake_request(&request, call->method, call->path, call->query);
    if (call->authorization)
        fake_header(&request, "Authorization", call->authorization);
    own(fake_reply) reply = fake_reply_new((frame_t){ .keep = true }, false);
    call->handle(router, &request.request, &reply->reply);
    reply_end(&reply->reply);
    snprintf(heard, sizeof heard, "%s", reply->text);
    return (int)strtol(reply->text + 9, NULL, 10);
}

static void
assert_heard(const char *text)
{
    if (!strstr(heard, text))
        fail_msg("no %s in %s", text, heard);
}

#endif

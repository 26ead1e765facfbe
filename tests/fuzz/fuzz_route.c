/* fuzz_route.c - a stranger's request line and headers: first line a target, the others headers.
 * What is taken apart must be clean, and what is found must fit its route. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/frame.h"
#include "api/route.h"
#include "api/target.h"
#include "common/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS = 70 };

static bool
handle(call_t *call, err_t *err)
{
    (void)call;
    (void)err;
    return true;
}

static const route_t routes[] = {
    { .method = "GET", .path = "/api/v1/job/{id}", .handle = handle },
    { .method = "POST", .path = "/api/v1/job", .handle = handle },
    { .method = "GET", .path = "/api/{v}/sql/{a}/{b}", .handle = handle },
    { 0 },
};
static const dialect_t dialect = { .name = "fuzz", .routes = routes, .fail = dialect_fail };
static const dialect_t *const dialects[] = { &dialect, NULL };

static void
assert_clean(const char *text)
{
    assert(utf8_valid(text, strlen(text)));
    for (const char *at = text; *at; at++)
        assert((unsigned char)*at >= 0x20 && *at != 0x7f);
}

static void
try_target(const router_t *router, char *line)
{
    char *query = strchr(line, '?');
    if (query)
        *query++ = '\0';
    target_t target;
    const char *why = NULL;
    own(mem) room = mem_new(target_room(line, query)); /* exact: a byte more is a finding */
    if (!target_parse(&target, line, query, room, &why)) {
        assert(why);
        return;
    }
    for (uint32_t i = 0; i < target.param_count; i++) {
        assert_clean(target.params[i].name);
        assert_clean(target.params[i].value);
    }
    if (target.segment_count > TARGET_SEGMENTS_MOST)
        return;
    for (uint32_t i = 0; i < target.segment_count; i++)
        assert_clean(target.segments[i]);
    route_match_t match;
    if (router_find(router, "GET", target.segments, target.segment_count, &match) == ROUTE_FOUND)
        assert(match.params[0] && match.params[0][0]);
}

static void
try_headers(char *rest)
{
    header_t headers[HEADERS];
    uint32_t count = 0;
    while (rest && count < HEADERS) {
        char *line = strsep(&rest, "\n");
        char *value = strchr(line, ':');
        if (!value)
            continue;
        *value++ = '\0';
        headers[count++] = (header_t){ line, value };
    }
    frame_t frame;
    refusal_t refusal = { 0 };
    if (frame_read("1.1", headers, count, &frame, &refusal))
        assert(frame.length >= 0 && !(frame.chunked && frame.length > 0));
    else
        assert(refusal.status >= 400 && refusal.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static router_t *router;
    err_t err;
    if (!router)
        router = router_new(dialects, &err);
    assert(router);
    own(mem) text = mem_copy(data, size);
    char *rest = text;
    char *line = strsep(&rest, "\n");
    try_target(router, line);
    try_headers(rest);
    return 0;
}

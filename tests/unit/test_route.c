#include "tests/unit/unit.h"

#include "tests/unit/route_fake.h"

static char asked[128]; /* what the handler was called with */

static bool
handle(call_t *call, err_t *err)
{
    (void)err;
    snprintf(asked, sizeof asked, "%s,%s,%s", call->caller.tenant,
             call->params[0] ? call->params[0] : "", call->params[1] ? call->params[1] : "");
    reply_write(call->reply, "done", 4);
    return true;
}

static bool
refuse(call_t *call, err_t *err)
{
    reply_header(call->reply, "X-Dropped", "yes");
    reply_write(call->reply, "dropped", 7);
    return err_set(err, ERR_CONFLICT, "not \"now\"");
}

static const char *const query[] = { "limit", NULL };

static const route_t first_routes[] = {
    { .method = "GET", .path = "/a/{x}", .handle = handle, .query = query },
    { .method = "POST", .path = "/a/{x}", .handle = handle },
    { .method = "GET", .path = "/a/{x}/b/{y}", .handle = handle },
    { 0 },
};
static const route_t second_routes[] = {
    { .method = "POST", .path = "/c", .handle = refuse },
    { 0 },
};
static const dialect_t first = { .name = "first", .routes = first_routes, .fail = dialect_fail };
static const dialect_t second = { .name = "second", .routes = second_routes, .fail = dialect_fail };
static const dialect_t *const dialects[] = { &first, &second, NULL };

/* The status of a request; its reply is in `heard`. */
static int
serve(const char *method, const char *path, const char *text, bool with_key)
{
    const fake_call_t call = { .method = method,
                               .path = path,
                               .query = text,
                               .authorization = with_key ? "Bearer " FAKE_KEY : NULL,
                               .handle = router_handle };
    asked[0] = '\0';
    return serve_by(dialects, &call);
}

static void
a_part_is_one_segment_decoded(void **unused)
{
    (void)unused;
    assert_int_equal(serve("GET", "/a/1%2F2", NULL, true), 200);
    assert_string_equal(asked, "demo,1/2,");
    assert_int_equal(serve("GET", "/a/p/b/q/", NULL, true), 200);
    assert_string_equal(asked, "demo,p,q");
    assert_int_equal(serve("HEAD", "/a/p", NULL, true), 200);
}

static void
an_unknown_path_is_404(void **unused)
{
    (void)unused;
    static const char *const paths[] = {
        "/",         "/a",      "/a//",      "/a/b/c", "/a/1/b", "/A/1",
        "/a/1/b/",   "//a/1",   "/a/1/b/2/", "/a%2F1", "/../a",  "/a/1/b/2/3/4/5/6/7/8/9",
        "/healthz/", "/health", "/readyz/x", "/c/d"
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        bool served = i == 8 || i == 12;
        assert_int_equal(serve("GET", paths[i], NULL, true), served ? 200 : 404);
    }
    assert_heard("\"code\":\"not_found\"");
}

static void
a_known_path_with_another_method_is_405(void **unused)
{
    (void)unused;
    assert_int_equal(serve("DELETE", "/a/1", NULL, false), 405);
    assert_heard("\r\nAllow: GET, HEAD, POST\r\n");
    assert_int_equal(serve("GET", "/c", NULL, false), 405);
    assert_heard("\r\nAllow: POST\r\n");
    assert_int_equal(serve("HEAD", "/c", NULL, false), 405);
    assert_int_equal(serve("POST", "/healthz", NULL, false), 405);
    assert_heard("\r\nAllow: GET, HEAD\r\n");
}

static void
path_method_key_and_query_are_judged_in_this_order(void **unused)
{
    (void)unused;
    assert_int_equal(serve("DELETE", "/nothing", "x=1", false), 404);
    assert_int_equal(serve("DELETE", "/a/1", "x=1", false), 405);
    assert_int_equal(serve("GET", "/a/1", "x=1", false), 401);
    assert_heard("\r\nWWW-Authenticate: Bearer realm=\"millrace\"\r\n");
    assert_int_equal(serve("GET", "/a/1", "x=1", true), 400);
    assert_heard("unknown query parameter 'x'");
    assert_int_equal(serve("GET", "/a/1", "limit=1", true), 200);
}

static void
a_parameter_comes_once(void **unused)
{
    (void)unused;
    assert_int_equal(serve("GET", "/a/1", "limit=1&limit=1", true), 400);
    assert_heard("'limit' comes twice");
    assert_int_equal(serve("GET", "/a/1", "api_key=" FAKE_KEY "&api_key=x", false), 400);
    assert_int_equal(serve("POST", "/a/1", "limit=1", true), 400);
    assert_int_equal(serve("POST", "/a/1", "api_key=" FAKE_KEY, false), 200);
}

static void
a_failure_begins_the_reply_anew(void **unused)
{
    (void)unused;
    assert_int_equal(serve("POST", "/c", NULL, true), 409);
    assert_null(strstr(heard, "ropped"));
    assert_heard("{\"error\":{\"code\":\"conflict\",\"message\":\"not \\\"now\\\"\"},"
                 "\"detail\":\"not \\\"now\\\"\"}");
}

static void
a_store_that_is_away_is_503(void **unused)
{
    (void)unused;
    fake.away = true;
    assert_int_equal(serve("GET", "/a/1", NULL, true), 503);
    assert_heard("\r\nRetry-After: 1\r\n");
    assert_int_equal(serve("GET", "/readyz", NULL, false), 503);
    assert_heard("\"reason\":\"the job store does not answer\"");
    assert_int_equal(serve("GET", "/healthz", NULL, false), 200);
    fake.away = false;
    assert_int_equal(serve("GET", "/readyz", NULL, false), 200);
    assert_heard("{\"status\":\"ok\"}");
}

static void
overlapping_routes_are_refused(void **unused)
{
    (void)unused;
    static const route_t clash[] = { { .method = "GET", .path = "/{z}/1", .handle = handle },
                                     { 0 } };
    static const dialect_t third = { .name = "third", .routes = clash, .fail = dialect_fail };
    static const dialect_t *const both[] = { &first, &third, NULL };
    err_t err = { .kind = ERR_NONE };
    own(router) router = router_new(both, &err);
    assert_null(router);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "/{z}/1 of third"));
}

static void
the_dialects_of_this_program_do_not_overlap(void **unused)
{
    (void)unused;
    err_t err = { .kind = ERR_NONE };
    own(router) router = router_new(route_dialects, &err);
    assert_non_null(router);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_one_segment_decoded),
        cmocka_unit_test(an_unknown_path_is_404),
        cmocka_unit_test(a_known_path_with_another_method_is_405),
        cmocka_unit_test(path_method_key_and_query_are_judged_in_this_order),
        cmocka_unit_test(a_parameter_comes_once),
        cmocka_unit_test(a_failure_begins_the_reply_anew),
        cmocka_unit_test(a_store_that_is_away_is_503),
        cmocka_unit_test(overlapping_routes_are_refused),
        cmocka_unit_test(the_dialects_of_this_program_do_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

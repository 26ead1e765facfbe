/* test_route_own.c - dialects that see to more by themselves: who asks, what stands in the query,
 * and what is said in their realm. */
#include "tests/unit/unit.h"

#include "tests/unit/route_fake.h"

static char asked[256]; /* what the handler was called with */

/* Says whom Basic names, and all parameters. */
static bool
handle(call_t *call, err_t *err)
{
    basic_t basic = { .user = "nobody" };
    size_t used = 0;
    if (gate_basic(call->request, &basic) == BASIC_BAD)
        return err_set(err, ERR_NO_KEY, "what is that?");
    used += (size_t)snprintf(asked, sizeof asked, "%s/%s", basic.user, basic.password);
    for (uint32_t i = 0; i < request_query_count(call->request); i++)
        used += (size_t)snprintf(asked + used, sizeof asked - used, " %s=%s",
                                 request_query_name(call->request, i),
                                 request_query_value(call->request, i));
    assert_string_equal(call->caller.tenant, "");
    reply_write(call->reply, "done", 4);
    return true;
}

static void
blame(call_t *call, int status, const err_t *err)
{
    reply_status(call->reply, status == 405 ? 400 : status);
    reply_write(call->reply, "[", 1);
    reply_write(call->reply, err->text, strlen(err->text));
    reply_write(call->reply, "]", 1);
}

static const char *const realm[] = { "/own", "/user/{name}/own", NULL };

static const route_t own_routes[] = {
    { .method = "PUT", .path = "/own/{x}", .handle = handle, .body_bytes = 100 },
    { .method = "PATCH", .path = "/own/{x}", .handle = handle },
    { .method = "GET", .path = "/user/{name}/own/{x}", .handle = handle },
    { 0 },
};
static const route_t other_routes[] = {
    { .method = "GET", .path = "/other/{x}", .handle = handle },
    { 0 },
};
static const dialect_t own_dialect = { .name = "own",
                                       .routes = own_routes,
                                       .fail = blame,
                                       .realm = realm,
                                       .own_callers = true,
                                       .own_query = true };
static const dialect_t other = { .name = "other", .routes = other_routes, .fail = dialect_fail };
static const dialect_t *const dialects[] = { &own_dialect, &other, NULL };

static const char *authorization;

/* The status of a request; its reply is in `heard`. `large`: its body was not read. */
static int
serve(const char *method, const char *path, const char *query, bool large)
{
    const fake_call_t call = { .method = method,
                               .path = path,
                               .query = query,
                               .authorization = authorization,
                               .handle = large ? router_too_large : router_handle };
    asked[0] = '\0';
    return serve_by(dialects, &call);
}

static int
setup(void **unused)
{
    (void)unused;
    authorization = NULL;
    return 0;
}

static void
a_dialect_that_asks_for_keys_itself_is_called_without_one(void **unused)
{
    (void)unused;
    assert_int_equal(serve("GET", "/user/u/own/1", NULL, false), 200);
    assert_string_equal(asked, "nobody/");
    assert_int_equal(serve("GET", "/other/1", NULL, false), 401);
    assert_heard("WWW-Authenticate: Bearer");
}

static void
what_basic_says_is_told_as_it_is(void **unused)
{
    (void)unused;
    authorization = "Basic ZGVtbzpsZXQ6bWUgaW4="; /* demo:let:me in */
    assert_int_equal(serve("PUT", "/own/1", NULL, false), 200);
    assert_string_equal(asked, "demo/let:me in");
    authorization = "basic ZGVtbzo="; /* demo: */
    assert_int_equal(serve("PUT", "/own/1", NULL, false), 200);
    assert_string_equal(asked, "demo/");
    authorization = "Bearer ZGVtbzo=";
    assert_int_equal(serve("PUT", "/own/1", NULL, false), 200);
    assert_string_equal(asked, "nobody/");
    authorization = "Basic ZGVtbw=="; /* demo, without a colon */
    assert_int_equal(serve("PUT", "/own/1", NULL, false), 401);
    assert_heard("[what is that?]");
    assert_null(strstr(heard, "WWW-Authenticate"));
}

static void
all_parameters_reach_a_dialect_that_looks_at_them_itself(void **unused)
{
    (void)unused;
    assert_int_equal(serve("PATCH", "/own/1", "q=1&cb=x&q=2&api_key=k&api_key=l", false), 200);
    assert_string_equal(asked, "nobody/ q=1 cb=x q=2 api_key=k api_key=l");
    authorization = "Bearer " FAKE_KEY;
    assert_int_equal(serve("GET", "/other/1", "q=1", false), 400);
}

static void
another_method_is_said_in_the_dialects_words(void **unused)
{
    (void)unused;
    assert_int_equal(serve("DELETE", "/own/1", NULL, false), 400);
    assert_heard("\r\nAllow: PUT, PATCH\r\n");
    assert_heard("[DELETE is not allowed here: PUT, PATCH]");
    assert_int_equal(serve("DELETE", "/other/1", NULL, false), 405);
    assert_heard("\"code\":\"invalid\"");
}

static void
what_is_nothing_is_said_by_the_dialect_in_whose_realm_it_lies(void **unused)
{
    (void)unused;
    static const char *const within[] = {
        "/own", "/own/1/2", "/own/", "/user/u/own", "/user/u/own/1/2/", "/own/1/2/3/4/5/6/7/8/9"
    };
    static const char *const without[] = { "/",      "/user",  "/user/u",   "/ownage",
                                           "/other", "/1/own", "/user//own" };
    for (size_t i = 0; i < sizeof within / sizeof within[0]; i++) {
        assert_int_equal(serve("GET", within[i], NULL, false), 404);
        assert_heard("[there is nothing at ");
    }
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        assert_int_equal(serve("GET", without[i], NULL, false), 404);
        assert_heard("\"code\":\"not_found\"");
    }
}

static void
a_body_that_is_too_large_is_said_in_the_dialects_words(void **unused)
{
    (void)unused;
    assert_int_equal(serve("PUT", "/own/1", NULL, true), 413);
    assert_heard("[the body is larger than this server takes]");
    assert_int_equal(serve("POST", "/own/1/2", NULL, true), 413);
    assert_heard("[the body");
    assert_int_equal(serve("POST", "/nothing", NULL, true), 413);
    assert_heard("\"code\":\"limit\"");
}

static void
a_routes_limit_is_told(void **unused)
{
    (void)unused;
    static const struct {
        const char *method;
        const char *path;
        int64_t most;
    } routes[] = { { "PUT", "/own/1", 100 },
                   { "PATCH", "/own/1", 0 },
                   { "POST", "/own/1", 0 },
                   { "PUT", "/nothing", 0 } };
    err_t err = { .kind = ERR_NONE };
    own(router) router = router_new(dialects, &err);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        static fake_request_t request;
        fake_request(&request, routes[i].method, routes[i].path, NULL);
        assert_int_equal(router_body_most(router, &request.request), routes[i].most);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_dialect_that_asks_for_keys_itself_is_called_without_one, setup),
        cmocka_unit_test_setup(what_basic_says_is_told_as_it_is, setup),
        cmocka_unit_test_setup(all_parameters_reach_a_dialect_that_looks_at_them_itself, setup),
        cmocka_unit_test_setup(another_method_is_said_in_the_dialects_words, setup),
        cmocka_unit_test_setup(what_is_nothing_is_said_by_the_dialect_in_whose_realm_it_lies,
                               setup),
        cmocka_unit_test_setup(a_body_that_is_too_large_is_said_in_the_dialects_words, setup),
        cmocka_unit_test_setup(a_routes_limit_is_told, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

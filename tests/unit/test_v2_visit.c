/* CARTO's API over an engine in memory: who asks, how often, and what is said when that is wrong.
 */
#include "tests/unit/unit.h"

#include "tests/unit/v2_job_fake.h"

#define OTHER_BASIC "Basic b3RoZXI6bGV0IG1lIGlu" /* other:let me in */
#define OWN_BASIC "Basic ZGVtbzpsZXQgbWUgaW4="   /* demo:let me in */

enum { V2_MOST = 16384 };

static const char denied[] = "{\"error\":[\"permission denied\"]}";

/* --- who asks --- */

static void
who_is_not_the_owner_is_denied(void **unused)
{
    (void)unused;
    assert_int_equal(ask("GET", V2_JOB "/" FAKE_JOB, NULL, NULL), 403);
    assert_string_equal(heard, denied);
    assert_int_equal(ask("GET", V2_JOB "/" FAKE_JOB, "api_key=wrong", NULL), 401);
    assert_string_equal(heard, "{\"error\":[\"Unauthorized\"]}");
    authorization = OTHER_BASIC;
    assert_int_equal(send("GET", V2_JOB "/" FAKE_JOB, NULL), 403);
    assert_string_equal(heard, denied);
    authorization = OWN_BASIC;
    assert_int_equal(ask("GET", V2_JOB "/" FAKE_JOB, "api_key=wrong", NULL), 200);
}

static void
a_key_that_may_only_read_is_not_the_master_key(void **unused)
{
    (void)unused;
    fake.role = "read";
    assert_int_equal(send("GET", V2_JOB "/" FAKE_JOB, NULL), 403);
    assert_string_equal(heard, denied);
    assert_int_equal(ask("GET", V2_SQL, KEY "&q=SELECT+1", NULL), 403);
    assert_string_equal(heard, "{\"error\":[\"forbidden\"]}");
    assert_string_equal(fake.sql, "");
    fake.role = "admin";
    assert_int_equal(send("GET", V2_JOB "/" FAKE_JOB, NULL), 200);
}

static void
in_2016_all_who_were_not_the_owner_were_told_the_same(void **unused)
{
    (void)unused;
    assert_int_equal(ask("GET", V2_JOB, "api_key=wrong", NULL), 401);
    assert_string_equal(heard, denied);
    fake.flag = "carto_auth_2016";
    static const char *const keys[] = { NULL, "api_key=wrong" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        assert_int_equal(ask("GET", V2_JOB "/" FAKE_JOB, keys[i], NULL), 401);
        assert_string_equal(heard, denied);
        assert_int_equal(ask("GET", V2_SQL, keys[i], NULL), 401);
    }
}

static void
an_unknown_user_is_said_in_the_words_of_the_route(void **unused)
{
    (void)unused;
    assert_int_equal(send("POST", "/user/nobody/api/v2/sql/job", "{}"), 404);
    assert_heard("can't find CARTO user 'nobody'.");
    assert_int_equal(send("GET", "/user/nobody/api/v2/sql/job", NULL), 404);
    assert_heard("can't find CartoDB user 'nobody'.");
    assert_null(strstr(heard_head, "Carto-User"));
}

static void
a_name_that_nobody_has_looked_up_gets_into_no_header(void **unused)
{
    (void)unused;
    fake.away = true;
    assert_int_equal(send("GET", "/user/d\303\251mo/api/v2/sql", NULL), 503);
    assert_null(strstr(heard_head, "Carto-User"));
}

/* --- what is asked --- */

static void
a_key_may_come_in_the_body_and_a_body_is_read_of_no_get(void **unused)
{
    (void)unused;
    assert_int_equal(ask("DELETE", V2_JOB "/x", NULL, "{\"map_key\":\"" FAKE_GIVEN "\"}"), 400);
    assert_string_equal(heard, "{\"error\":[\"Job with id x not found\"]}");
    assert_int_equal(ask("GET", V2_JOB "/x", NULL, "{\"api_key\":\"" FAKE_GIVEN "\"}"), 403);
    assert_int_equal(ask("GET", V2_JOB "/" FAKE_JOB, KEY, "{"), 200);
}

static void
an_empty_callback_is_none(void **unused)
{
    (void)unused;
    assert_int_equal(ask("GET", V2_JOB "/" FAKE_JOB, KEY "&callback=", NULL), 200);
    assert_int_equal(heard[0], '{');
    assert_int_equal(ask("GET", V2_JOB "/" FAKE_JOB, KEY "&callback=a-b", NULL), 400);
    assert_string_equal(heard, "{\"error\":[\"callback is no name of a function\"]}");
}

static void
only_what_makes_a_job_is_bounded(void **unused)
{
    (void)unused;
    static char body[V2_MOST + 1];
    memset(body, 'x', V2_MOST);
    memcpy(body, "{\"query\":\"", 10);
    memcpy(body + V2_MOST - 2, "\"}", 3);
    assert_int_equal(send("POST", V2_JOB, body), 201);
    assert_int_equal(send("PUT", V2_JOB "/" FAKE_JOB, body), 200);
    own(mem) longer = mem_format("{\"client\":\"\",%s", body + 1);
    assert_int_equal(send("POST", V2_JOB, longer), 400);
    assert_heard("Your payload is too large: 16396 bytes. Max size allowed is 16384 bytes (16kb).");
    assert_int_equal(send("PUT", V2_JOB "/" FAKE_JOB, longer), 200);
}

/* --- what is wrong --- */

static void
an_error_of_the_engine_has_a_status_by_its_kind(void **unused)
{
    (void)unused;
    static const struct {
        err_kind_t kind;
        int status;
    } kinds[] = { { ERR_INVALID, 400 },     { ERR_CONFLICT, 400 }, { ERR_DENIED, 403 },
                  { ERR_UNAVAILABLE, 503 }, { ERR_TIMEOUT, 504 },  { ERR_INTERNAL, 500 } };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        fake.refusal = (err_t){ .kind = kinds[i].kind, .text = "so it is" };
        assert_int_equal(send("POST", V2_JOB, "{\"query\":\"SELECT 1\"}"), kinds[i].status);
        assert_heard("{\"error\":[\"");
        assert_head("Content-Disposition: inline\r\n");
    }
}

static void
what_says_permission_denied_is_403(void **unused)
{
    (void)unused;
    fake.refusal = (err_t){ .kind = ERR_INVALID, .text = "permission denied for table a" };
    assert_int_equal(send("POST", V2_JOB, "{\"query\":\"SELECT 1\"}"), 403);
    fake.refusal.kind = ERR_UNAVAILABLE;
    assert_int_equal(send("POST", V2_JOB, "{\"query\":\"SELECT 1\"}"), 503);
}

/* --- the rate --- */

static void
over_the_rate_nobody_gets_further(void **unused)
{
    (void)unused;
    fake.rate_over = true;
    assert_int_equal(send("POST", V2_JOB, "{\"query\":\"SELECT 1\"}"), 429);
    assert_heard("\"context\":\"limit\",\"detail\":\"rate-limit\"}");
    assert_head("Carto-Rate-Limit-Limit: 1000\r\n");
    assert_head("Carto-Rate-Limit-Remaining: 0\r\n");
    assert_head("Carto-Rate-Limit-Reset: 9\r\n");
    assert_head("Retry-After: 2\r\n");
    assert_string_equal(fake.sql, "");
    uint32_t calls = fake.calls;
    assert_int_equal(ask("OPTIONS", V2_JOB, NULL, NULL), 200);
    assert_int_equal(ask("GET", "/user/nobody/api/v2/sql/job", NULL, NULL), 404);
    assert_int_equal(fake.calls, calls);
}

static void
the_last_call_that_is_allowed_says_once_when_to_come_again(void **unused)
{
    (void)unused;
    fake.rate_last = true;
    assert_int_equal(send("GET", V2_JOB "/" FAKE_JOB, NULL), 200);
    assert_head("Carto-Rate-Limit-Remaining: 0\r\n");
    assert_head("Retry-After: 3\r\n");
    the_job->state = JOB_RUNNING;
    assert_int_equal(send("DELETE", V2_JOB "/" FAKE_JOB, NULL), 503);
    assert_head("Retry-After: 3\r\n");
    assert_null(strstr(strstr(heard_head, "Retry-After: ") + 1, "Retry-After: "));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_is_not_the_owner_is_denied),
        CASE(a_key_that_may_only_read_is_not_the_master_key),
        CASE(in_2016_all_who_were_not_the_owner_were_told_the_same),
        CASE(an_unknown_user_is_said_in_the_words_of_the_route),
        CASE(a_name_that_nobody_has_looked_up_gets_into_no_header),
        CASE(a_key_may_come_in_the_body_and_a_body_is_read_of_no_get),
        CASE(an_empty_callback_is_none),
        CASE(only_what_makes_a_job_is_bounded),
        CASE(an_error_of_the_engine_has_a_status_by_its_kind),
        CASE(what_says_permission_denied_is_403),
        CASE(over_the_rate_nobody_gets_further),
        CASE(the_last_call_that_is_allowed_says_once_when_to_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a request is asked for, without a server. */
#include "tests/unit/unit.h"

#include "tests/unit/http_fake.h"

static void
a_list_of_several_lines_is_one(void **unused)
{
    (void)unused;
    static fake_request_t request;
    fake_request(&request, "GET", "/", NULL);
    fake_header(&request, "Accept", "text/csv");
    fake_header(&request, "Host", "h");
    own(mem) one = request_list(&request.request, "accept");
    assert_string_equal(one, "text/csv");
    fake_header(&request, "ACCEPT", "");
    fake_header(&request, "accept", "a/b, c/d");
    own(mem) all = request_list(&request.request, "Accept");
    assert_string_equal(all, "text/csv, , a/b, c/d");
    assert_null(request_list(&request.request, "Accept-Encoding"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_several_lines_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

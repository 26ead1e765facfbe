#include "tests/unit/unit.h"

#include "api/host.h"

static void
assert_label(const char *host, const char *wanted)
{
    own(mem) label = host_label(host);
    assert_non_null(label);
    assert_string_equal(label, wanted);
}

static void
the_first_label_is_what_stands_before_the_first_dot(void **unused)
{
    (void)unused;
    assert_label("alice.example.com:8080", "alice");
    assert_label("alice.localhost", "alice");
    assert_label("Alice-2.x", "Alice-2");
    assert_label("alice.", "alice");
    assert_label("127.0.0.1:8080", "127");
}

static void
without_a_dot_or_anything_before_it_there_is_none(void **unused)
{
    (void)unused;
    assert_null(host_label("localhost"));
    assert_null(host_label("localhost:8080"));
    assert_null(host_label(".example.com"));
    assert_null(host_label("."));
    assert_null(host_label(""));
    assert_null(host_label(NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_label_is_what_stands_before_the_first_dot),
        cmocka_unit_test(without_a_dot_or_anything_before_it_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

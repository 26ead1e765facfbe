/* test_resolve.c - which hosts are looked up, and what comes of it. */
#include "executor/drivers/postgres/resolve.h"

#include <poll.h>

#include "executor/drivers/postgres/door.h"
#include "tests/unit/unit.h"

enum { PATIENCE_MS = 20000 };

static resolve_t *
looked_up(const char *host, const char **addresses, const char **names)
{
    err_t err;
    resolve_t *resolve = resolve_new(host, &err);
    assert_non_null(resolve);
    struct pollfd wait = { .fd = resolve_fd(resolve), .events = POLLIN };
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    assert_true(resolve_done(resolve, addresses, names));
    return resolve;
}

static uint32_t
commas(const char *text)
{
    uint32_t count = 0;
    for (; *text; text++)
        count += *text == ',';
    return count;
}

static void
only_names_are_looked_up(void **unused)
{
    (void)unused;
    static const char *const others[] = { "",   "/run/postgresql", "@abstract", "127.0.0.1", "::1",
                                          "a,b" };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(resolve_needed(others[i]));
    assert_true(resolve_needed("localhost"));
}

static void
a_host_has_addresses_and_its_name_as_often(void **unused)
{
    (void)unused;
    const char *addresses = NULL;
    const char *names = NULL;
    own(resolve) resolve = looked_up("localhost", &addresses, &names);
    assert_non_null(resolve);
    assert_true(strstr(addresses, "127.0.0.1") || strstr(addresses, "::1"));
    assert_int_equal(commas(addresses), commas(names));
    assert_memory_equal(names, "localhost", 9);
}

static void
a_host_that_does_not_exist_has_no_address(void **unused)
{
    (void)unused;
    const char *addresses = NULL;
    const char *names = NULL;
    own(resolve) resolve = looked_up("no host has this name", &addresses, &names);
    assert_non_null(resolve);
    assert_string_equal(addresses, "");
}

static void
a_lookup_that_is_given_up_ends_by_itself(void **unused)
{
    (void)unused;
    err_t err;
    for (int i = 0; i < 8; i++) {
        own(resolve) resolve = resolve_new("localhost", &err);
        assert_non_null(resolve);
    }
}

static void
the_host_of_a_dsn_is_what_stands_there_without_an_address(void **unused)
{
    (void)unused;
    err_t err;
    own(mem) named = door_host("host=db.example port=5432", &err);
    assert_string_equal(named, "db.example");
    own(mem) addressed = door_host("host=db.example hostaddr=10.0.0.1", &err);
    assert_string_equal(addressed, "");
    own(mem) uri = door_host("postgresql://db.example/x", &err);
    assert_string_equal(uri, "db.example");
    own(mem) none = door_host("port=5432", &err);
    assert_string_equal(none, "");
    assert_null(door_host("no such thing", &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_are_looked_up),
        cmocka_unit_test(a_host_has_addresses_and_its_name_as_often),
        cmocka_unit_test(a_host_that_does_not_exist_has_no_address),
        cmocka_unit_test(a_lookup_that_is_given_up_ends_by_itself),
        cmocka_unit_test(the_host_of_a_dsn_is_what_stands_there_without_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

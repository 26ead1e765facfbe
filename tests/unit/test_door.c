/* test_door.c - what is told of a login that a source refused; the source is a socket of ours. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "executor/drivers/postgres/door.h"
#include "tests/unit/unit.h"

enum { ANSWER_MOST = 512, POLLS_MOST = 20 };

static char folder[] = "/tmp/door-XXXXXX";
static char path[64];
static int listener = -1;

static int
open_source(void **unused)
{
    (void)unused;
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", folder);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 8), 0);
    return 0;
}

static int
close_source(void **unused)
{
    (void)unused;
    close(listener);
    unlink(path);
    return rmdir(folder);
}

/* An error as a server sends it. */
static void
refuse(int client, const char *sqlstate, const char *message)
{
    char answer[ANSWER_MOST] = "E";
    int size = 5;
    size += snprintf(answer + size, sizeof answer - 5, "SFATAL%cVFATAL%cC%s%cM%s%c", 0, 0, sqlstate,
                     0, message, 0);
    answer[size++] = '\0';
    answer[3] = (char)((size - 1) >> 8);
    answer[4] = (char)((size - 1) & 0xff);
    char asked[ANSWER_MOST];
    assert_true(read(client, asked, sizeof asked) > 0);
    assert_int_equal(write(client, answer, (size_t)size), size);
    close(client);
}

/* Log in; the source answers with this. */
static door_verdict_t
refused(const char *sqlstate, const char *message, failure_t *failure)
{
    err_t err;
    own(mem) dsn = mem_format("host=%s port=5432 sslmode=disable gssencmode=disable", folder);
    const channel_login_t login = { .dsn = dsn, .role = "r", .password = "p", .who = "test" };
    PGconn *conn = door_open(&login, "", "", &err);
    assert_non_null(conn);
    int client = -1;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    for (int i = 0; i < POLLS_MOST && state != PGRES_POLLING_FAILED; i++) {
        struct pollfd wait = { .fd = PQsocket(conn),
                               .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT };
        if (state == PGRES_POLLING_READING && client < 0)
            refuse(client = accept(listener, NULL, NULL), sqlstate, message);
        assert_int_equal(poll(&wait, 1, 5000), 1);
        state = PQconnectPoll(conn);
    }
    assert_int_equal(state, PGRES_POLLING_FAILED);
    door_verdict_t verdict = door_verdict(conn, failure);
    PQfinish(conn);
    return verdict;
}

static void
a_refused_password_is_told_in_the_servers_words(void **unused)
{
    (void)unused;
    failure_t failure = { 0 };
    door_verdict_t verdict = refused("28P01", "password authentication failed", &failure);
    assert_int_equal(verdict, DOOR_BARRED);
    assert_string_equal(failure.sqlstate, "28P01");
    assert_non_null(strstr(failure.message, "password authentication failed"));
    failure_clear(&failure);
}

static void
a_role_that_may_not_connect_to_the_database_is_barred(void **unused)
{
    (void)unused;
    failure_t failure = { 0 };
    assert_int_equal(refused("42501", "permission denied for database \"d\"", &failure),
                     DOOR_BARRED);
    failure_clear(&failure);
}

static void
a_source_that_lets_nobody_in_does_not_tell_our_address(void **unused)
{
    (void)unused;
    failure_t failure = { 0 };
    door_verdict_t verdict =
        refused("28000", "no pg_hba.conf entry for host \"10.1.2.3\", user \"r\", database \"d\"",
                &failure);
    assert_int_equal(verdict, DOOR_BARRED);
    assert_string_equal(failure.sqlstate, "28000");
    assert_null(strstr(failure.message, "10.1.2.3"));
    failure_clear(&failure);
}

static void
a_setting_that_the_server_does_not_know_is_an_old_server(void **unused)
{
    (void)unused;
    failure_t failure = { 0 };
    door_verdict_t verdict = refused("42704", "unrecognized configuration parameter", &failure);
    assert_int_equal(verdict, DOOR_OLD);
    failure_clear(&failure);
}

int
main(void)
{
    log_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_password_is_told_in_the_servers_words),
        cmocka_unit_test(a_role_that_may_not_connect_to_the_database_is_barred),
        cmocka_unit_test(a_source_that_lets_nobody_in_does_not_tell_our_address),
        cmocka_unit_test(a_setting_that_the_server_does_not_know_is_an_old_server),
    };
    return cmocka_run_group_tests(tests, open_source, close_source);
}

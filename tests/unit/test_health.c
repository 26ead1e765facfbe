#include "tests/unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/health.h"

enum { REPLY_SIZE = 2048, CONNECTIONS_MOST = 64 };

static loop_t *loop;
static health_t *health;
static pthread_t thread;
static uint16_t port;
static atomic_bool is_ready;

static bool
ready(void *arg, err_t *err)
{
    (void)arg;
    return atomic_load(&is_ready) || err_set(err, ERR_UNAVAILABLE, "no \"store\"\n\xff\xc3\xa4");
}

static void *
serve(void *unused)
{
    (void)unused;
    err_t err;
    return loop_run(loop, &err) ? NULL : loop;
}

static int
begin(void **unused)
{
    (void)unused;
    err_t err;
    atomic_store(&is_ready, true);
    loop = loop_new(&err);
    health = loop ? health_new(loop, "127.0.0.1", 0, ready, NULL, &err) : NULL;
    if (!health)
        return -1;
    port = (uint16_t)strtol(strrchr(health_url(health), ':') + 1, NULL, 10);
    return pthread_create(&thread, NULL, serve, NULL);
}

static int
end(void **unused)
{
    (void)unused;
    loop_stop(loop);
    pthread_join(thread, NULL);
    health_destroy(&health);
    loop_destroy(&loop);
    return 0;
}

static int
dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void
say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything until the other side closes. */
static void
hear(int fd, char reply[REPLY_SIZE])
{
    size_t used = 0;
    ssize_t size;
    while ((size = recv(fd, reply + used, REPLY_SIZE - 1 - used, 0)) > 0)
        used += (size_t)size;
    assert_int_equal(size, 0); /* not reset */
    reply[used] = '\0';
}

static void
ask(const char *request, char reply[REPLY_SIZE])
{
    int fd = dial();
    say(fd, request);
    hear(fd, reply);
    close(fd);
}

static void
assert_reply(const char *request, const char *status, const char *part)
{
    char reply[REPLY_SIZE];
    ask(request, reply);
    assert_memory_equal(reply, status, strlen(status));
    assert_non_null(strstr(reply, part));
    const char *length = strstr(reply, "Content-Length: ");
    const char *body = strstr(reply, "\r\n\r\n");
    assert_non_null(length);
    assert_non_null(body);
    assert_int_equal(strtol(length + 16, NULL, 10), strlen(body + 4));
}

static void
a_turning_loop_is_healthy(void **unused)
{
    (void)unused;
    atomic_store(&is_ready, false);
    assert_reply("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ",
                 "{\"status\":\"ok\"}");
    assert_reply("GET /healthz?a=b HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "{\"status\":\"ok\"}");
}

static void
readiness_is_asked_each_time_and_says_why_not(void **unused)
{
    (void)unused;
    static const char request[] = "GET /readyz HTTP/1.1\r\n\r\n";
    assert_reply(request, "HTTP/1.1 200 ", "{\"status\":\"ready\"}");
    atomic_store(&is_ready, false);
    assert_reply(request, "HTTP/1.1 503 ", "\"reason\":\"no \\\"store\\\"\\u000a?\xc3\xa4\"}");
    atomic_store(&is_ready, true);
    assert_reply(request, "HTTP/1.1 200 ", "{\"status\":\"ready\"}");
}

static void
anything_else_is_refused(void **unused)
{
    (void)unused;
    assert_reply("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "error");
    assert_reply("GET /healthzz HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "error");
    assert_reply("POST /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ", "Allow: GET\r\n");
    assert_reply("get /readyz HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ", "Allow: GET\r\n");
    assert_reply("nonsense\r\n\r\n", "HTTP/1.1 400 ", "error");
    assert_reply("\r\n\r\n", "HTTP/1.1 400 ", "error");
    assert_reply("GET\r\n\r\n", "HTTP/1.1 400 ", "error");
    assert_reply("GET /healthz\r\n\r\n", "HTTP/1.1 400 ", "error");
}

static void
a_request_over_4_kib_is_refused(void **unused)
{
    (void)unused;
    enum { SIZE = 100000 };
    own(mem) request = mem_new(SIZE);
    memset(request, 'x', SIZE - 1);
    memcpy(request, "GET /healthz HTTP/1.1\r\nX: ", 26);
    assert_reply(request, "HTTP/1.1 431 ", "4 KiB");
}

static void
a_request_may_come_byte_by_byte(void **unused)
{
    (void)unused;
    static const char request[] = "GET /healthz HTTP/1.1\r\n\r\n";
    char reply[REPLY_SIZE];
    int fd = dial();
    for (size_t i = 0; i < sizeof request - 1; i++)
        say(fd, (char[]){ request[i], '\0' });
    hear(fd, reply);
    close(fd);
    assert_memory_equal(reply, "HTTP/1.1 200 ", 13);
}

static void
a_client_that_says_nothing_is_left_after_2_s(void **unused)
{
    (void)unused;
    char reply[REPLY_SIZE];
    int64_t start_ms = clock_mono_ms();
    int fd = dial();
    hear(fd, reply);
    close(fd);
    assert_string_equal(reply, "");
    assert_in_range(clock_mono_ms() - start_ms, 1900, 10000);
}

static void
post_semaphore(void *turned)
{
    sem_post(turned);
}

/* When this returns, whatever the loop could do before has been done. */
static void
let_it_turn(void)
{
    for (int i = 0; i < 5; i++) {
        sem_t turned;
        sem_init(&turned, 0, 0);
        loop_post(loop, post_semaphore, &turned);
        while (sem_wait(&turned) != 0) {
        }
        sem_destroy(&turned);
    }
}

static void
one_more_than_64_connections_waits_for_a_place(void **unused)
{
    (void)unused;
    int idle[CONNECTIONS_MOST];
    char reply[REPLY_SIZE];
    for (int i = 0; i < CONNECTIONS_MOST; i++)
        idle[i] = dial();
    int late = dial();
    say(late, "GET /healthz HTTP/1.1\r\n\r\n");
    let_it_turn();
    assert_int_equal(recv(late, reply, sizeof reply, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);

    close(idle[0]);
    hear(late, reply);
    close(late);
    assert_memory_equal(reply, "HTTP/1.1 200 ", 13);
    for (int i = 1; i < CONNECTIONS_MOST; i++)
        close(idle[i]);
}

static void
a_port_that_is_taken_is_an_error(void **unused)
{
    (void)unused;
    err_t err;
    own(health) second = health_new(loop, "127.0.0.1", port, ready, NULL, &err);
    assert_null(second);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
}

static void
an_announcement_is_whole_json(void **unused)
{
    (void)unused;
    err_t err;
    char folder[] = "/tmp/millrace-health-XXXXXX";
    assert_non_null(mkdtemp(folder));
    own(mem) path = mem_format("%s/ready", folder);
    assert_true(health_announce(path, "a\"b\\c\t", "broker", "http://127.0.0.1:1", &err));

    char text[REPLY_SIZE] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left in it */
    own(mem) expected =
        mem_format("{\"name\":\"a\\\"b\\\\c\\u0009\",\"role\":\"broker\",\"pid\":%d,"
                   "\"url\":\"http://127.0.0.1:1\"}\n",
                   (int)getpid());
    assert_string_equal(text, expected);
}

static void
no_path_announces_nothing(void **unused)
{
    (void)unused;
    err_t err;
    assert_true(health_announce("", "a", "broker", "http://127.0.0.1:1", &err));
    assert_false(health_announce("/nowhere/at/all", "a", "broker", "http://x", &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_turning_loop_is_healthy),
        ONE(readiness_is_asked_each_time_and_says_why_not),
        ONE(anything_else_is_refused),
        ONE(a_request_over_4_kib_is_refused),
        ONE(a_request_may_come_byte_by_byte),
        ONE(a_client_that_says_nothing_is_left_after_2_s),
        ONE(one_more_than_64_connections_waits_for_a_place),
        ONE(a_port_that_is_taken_is_an_error),
        cmocka_unit_test(an_announcement_is_whole_json),
        cmocka_unit_test(no_path_announces_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* http_client.h - a real server on loopback that says what it was asked, and a client of raw bytes.
 */
#ifndef TESTS_UNIT_HTTP_CLIENT_H
#define TESTS_UNIT_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http.h"
#include "common/clock.h"

enum { REQUEST_MS = 5000, BODY_BYTES = 5000, ANSWER_MS = 8000, ANSWER_SIZE = 1 << 20 };

static http_t *server;
static uint16_t port;
static atomic_int handled;
static atomic_int waiting; /* requests for /wait that have begun */
static atomic_int stalled; /* how often a reply to /long was about to wait for its client */
static atomic_int lost;    /* replies to /long whose client went */

enum { LONG_NUMBERS = 2 << 20, NUMBER_BYTES = 8 }; /* 16 MiB: more than sockets hold */

/* --- the handler: says what it was asked --- */

static inline void
say(reply_t *reply, const char *text)
{
    reply_write(reply, text, strlen(text));
}

static inline void
wait_until_gone(const request_t *request)
{
    atomic_fetch_add(&waiting, 1);
    struct pollfd socket = { .fd = request_socket(request), .events = POLLRDHUP };
    assert_true(socket.fd >= 0);
    int64_t until_ms = clock_mono_ms() + ANSWER_MS;
    while (!request_gone(request) && !request_hurried(request) && clock_mono_ms() < until_ms)
        poll(&socket, 1, 20);
}

static inline void
count_stall(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

/* The numbers from 0 on, one a line. */
static inline void
count_up(reply_t *reply)
{
    reply_stall(reply, count_stall, &stalled);
    for (int i = 0; i < LONG_NUMBERS; i++) {
        char number[NUMBER_BYTES + 1];
        (void)snprintf(number, sizeof number, "%07d\n", i);
        say(reply, number);
    }
    atomic_fetch_add(&lost, reply_good(reply) ? 0 : 1);
}

static inline void
handle(void *arg, request_t *request, reply_t *reply)
{
    (void)arg;
    atomic_fetch_add(&handled, 1);
    const char *first = request_segment_count(request) > 0 ? request_segment(request, 0) : "";
    if (strcmp(first, "wait") == 0)
        wait_until_gone(request);
    if (strcmp(first, "large") == 0) {
        for (int i = 0; i < 50000; i++)
            say(reply, "0123456789");
        return;
    }
    if (strcmp(first, "long") == 0) {
        count_up(reply);
        return;
    }
    if (strcmp(first, "cut") == 0) {
        for (int i = 0; i < 50000; i++)
            say(reply, "0123456789");
        assert_false(reply_restart(reply));
        return;
    }
    size_t size = 0;
    const char *body = request_body(request, &size);
    assert_int_equal(strlen(body), size);
    say(reply, request_method(request));
    for (uint32_t i = 0; i < request_segment_count(request); i++) {
        say(reply, "|");
        say(reply, request_segment(request, i));
    }
    for (uint32_t i = 0; i < request_query_count(request); i++) {
        say(reply, "?");
        say(reply, request_query_name(request, i));
        say(reply, "=");
        say(reply, request_query_value(request, i));
    }
    say(reply, "#");
    reply_write(reply, body, size);
}

/* What begins with /small has a limit of its own. */
enum { SMALL_BYTES = 10 };

static inline int64_t
small(void *arg, const request_t *request)
{
    (void)arg;
    bool is =
        request_segment_count(request) > 0 && strcmp(request_segment(request, 0), "small") == 0;
    return is ? (int64_t)SMALL_BYTES : 0;
}

static inline void
too_large(void *arg, request_t *request, reply_t *reply)
{
    reply_status(reply, small(arg, request) > 0 ? 400 : 413);
    say(reply, "{\"error\":{\"code\":\"");
    say(reply, request_path(request));
    say(reply, "\"}}");
}

static inline http_t *
start(void)
{
    err_t err = { .kind = ERR_NONE };
    http_options_t options = {
        .host = "127.0.0.1",
        .threads = 4,
        .body_bytes = BODY_BYTES,
        .request_ms = REQUEST_MS,
        .handle = handle,
        .body_most = small,
        .too_large = too_large,
    };
    http_t *http = http_new(&options, &err);
    if (!http)
        fail_msg("%s", err.text);
    port = (uint16_t)strtol(strrchr(http_url(http), ':') + 1, NULL, 10);
    return http;
}

static inline int
setup(void **unused)
{
    (void)unused;
    server = start();
    return 0;
}

static inline int
teardown(void **unused)
{
    (void)unused;
    http_destroy(&server);
    return 0;
}

/* --- the client --- */

static inline int
dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* False: the server has closed. */
static inline bool
give(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text += sent;
        size -= (size_t)sent;
    }
    return true;
}

static inline void
give_text(int fd, const char *text)
{
    give(fd, text, strlen(text));
}

static char answer[ANSWER_SIZE];
static size_t answer_size;

/* Read more of an answer; false at the end of the connection. */
static inline bool
more(int fd, int ms)
{
    struct pollfd socket = { .fd = fd, .events = POLLIN };
    if (poll(&socket, 1, ms) <= 0)
        fail_msg("no answer, only: %s", answer);
    assert_true(answer_size < sizeof answer - 1);
    ssize_t got = recv(fd, answer + answer_size, sizeof answer - 1 - answer_size, 0);
    answer_size += got > 0 ? (size_t)got : 0;
    answer[answer_size] = '\0';
    return got > 0;
}

/* Has a whole answer with a Content-Length arrived? */
static inline bool
whole(void)
{
    const char *body = strstr(answer, "\r\n\r\n");
    const char *length = strstr(answer, "Content-Length: ");
    return body && length
           && answer_size >= (size_t)(body + 4 - answer) + strtoul(length + 16, NULL, 10);
}

/* The next answer's status. */
static inline int
hear(int fd)
{
    answer_size = 0;
    answer[0] = '\0';
    while (!whole() && more(fd, ANSWER_MS))
        ;
    return answer_size > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static inline const char *
body(void)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end ? end + 4 : "";
}

/* Is the connection at its end? */
static inline bool
closed(int fd)
{
    char byte;
    struct pollfd socket = { .fd = fd, .events = POLLIN };
    assert_true(poll(&socket, 1, ANSWER_MS) > 0);
    return recv(fd, &byte, 1, 0) <= 0;
}

/* One request on a connection of its own; its status. */
static inline int
ask(const char *text)
{
    int fd = dial();
    give_text(fd, text);
    int status = hear(fd);
    close(fd);
    return status;
}

/* Is it refused with `status`, the connection closed, and never handled? */
static inline void
assert_refused(const char *text, int status)
{
    int before = atomic_load(&handled);
    int fd = dial();
    give_text(fd, text);
    int got = hear(fd);
    if (got != status)
        fail_msg("%d, not %d, for: %s", got, status, text);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_non_null(strstr(answer, "Content-Type: application/json"));
    assert_memory_equal(body(), "{\"error\":{\"code\":\"", 18);
    assert_true(closed(fd));
    close(fd);
    assert_int_equal(atomic_load(&handled), before);
}

#define HEAD "Host: h\r\n"

#endif

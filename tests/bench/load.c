/* load.c - a closed loop of HTTP requests: N connections, one request under way on each, one
 * thread.
 *
 * A mode says what one operation is:
 *   jobs   submit, then wait for the final state with ?wait=
 *   poll   submit, then ask for the state every 2 ms
 *   query  submit and wait in one request
 *   get    one request for --path
 * An operation that fails in any way makes the whole run fail. Prints one JSON object; times of
 * operations that ended within --seconds after the warm-up count.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "common/mem.h"
#include "tests/bench/client.h"
#include "tests/bench/gauge.h"

#define CONNECTIONS_MOST 1024
#define TARGETS_MOST 16
#define POLL_NS 2000000
#define DRAIN_NS 40000000000
#define ID_SIZE 37

typedef enum { MODE_JOBS, MODE_POLL, MODE_QUERY, MODE_GET } mode_t_;

static const char *const mode_names[] = { "jobs", "poll", "query", "get" };

typedef struct {
    client_t client;
    size_t target;
    bool watches;     /* submitted; asks for the state now */
    bool busy;        /* an operation is under way */
    int64_t begun_ns; /* of the operation */
    int64_t due_ns;   /* poll: when to ask again; 0: not waiting for that */
    char id[ID_SIZE];
} caller_t;

typedef struct {
    mode_t_ mode;
    double seconds;
    double warmup;
    size_t connections;
    const char *key;
    const char *sql;
    const char *path;
    const char *expect; /* get: what the body must hold */
} options_t;

typedef struct {
    options_t options;
    struct sockaddr_in addresses[TARGETS_MOST];
    const char *hosts[TARGETS_MOST]; /* host:port */
    size_t targets;
    caller_t *callers;
    int epoll;
    size_t busy;
    int64_t from_ns; /* operations that end from here */
    int64_t until_ns;
    double *times_ms;
    size_t count;
    size_t room;
    size_t total; /* also those outside of the window */
    size_t errors;
    char error[200];
} load_t;

static void
fail(load_t *self, caller_t *caller, const char *why)
{
    if (self->errors++ == 0)
        snprintf(self->error, sizeof self->error, "%s: %d %.120s", why, caller->client.status,
                 caller->client.body_at ? client_body(&caller->client) : strerror(errno));
    gauge_clean(self->error);
    caller->busy = false;
    self->busy--;
    client_close(&caller->client);
}

static void
request(load_t *self, caller_t *caller, const char *method, const char *path, const char *body)
{
    char *out = caller->client.request;
    int size =
        snprintf(out, CLIENT_REQUEST_SIZE,
                 "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 method, path, self->hosts[caller->target], self->options.key, strlen(body), body);
    if (size < 0 || size >= CLIENT_REQUEST_SIZE) {
        fail(self, caller, "request too large");
        return;
    }
    if (client_begin(&caller->client, (size_t)size) == CLIENT_BROKE)
        fail(self, caller, "cannot send");
}

static void
submit(load_t *self, caller_t *caller)
{
    char body[512];
    snprintf(body, sizeof body, "{\"sql\": \"%s\"}", self->options.sql);
    bool query = self->options.mode == MODE_QUERY;
    request(self, caller, "POST", query ? "/api/v1/query" : "/api/v1/job", body);
}

static void
begin(load_t *self, caller_t *caller)
{
    caller->begun_ns = gauge_now_ns();
    caller->watches = false;
    if (self->options.mode == MODE_GET)
        request(self, caller, "GET", self->options.path, "");
    else
        submit(self, caller);
}

static void
ask(load_t *self, caller_t *caller)
{
    char path[128];
    caller->due_ns = 0;
    snprintf(path, sizeof path, "/api/v1/job/%s%s", caller->id,
             self->options.mode == MODE_JOBS ? "?wait=30" : "");
    request(self, caller, "GET", path, "");
}

static void
keep_time(load_t *self, caller_t *caller, int64_t now)
{
    self->total++;
    if (now < self->from_ns || now >= self->until_ns)
        return;
    if (self->count == self->room) {
        self->room = self->room ? self->room * 2 : 65536;
        self->times_ms = realloc(self->times_ms, self->room * sizeof *self->times_ms);
        if (!self->times_ms)
            abort();
    }
    self->times_ms[self->count++] = (double)(now - caller->begun_ns) / 1e6;
}

/* The operation is over; begin the next, unless the time is up. */
static void
over(load_t *self, caller_t *caller)
{
    int64_t now = gauge_now_ns();
    keep_time(self, caller, now);
    if (now < self->until_ns && self->errors == 0) {
        begin(self, caller);
        return;
    }
    caller->busy = false;
    self->busy--;
}

static void
submitted(load_t *self, caller_t *caller)
{
    const char *id = strstr(client_body(&caller->client), "\"id\":");
    id = id ? strchr(id + 5, '"') : NULL;
    if (!id || strlen(id + 1) < ID_SIZE - 1) {
        fail(self, caller, "no id");
        return;
    }
    memcpy(caller->id, id + 1, ID_SIZE - 1);
    caller->watches = true;
    if (self->options.mode == MODE_JOBS)
        ask(self, caller);
    else
        caller->due_ns = gauge_now_ns() + POLL_NS;
}

static void
watched(load_t *self, caller_t *caller)
{
    const char *body = client_body(&caller->client);
    if (strstr(body, "\"COMPLETED\""))
        over(self, caller);
    else if (self->options.mode == MODE_JOBS || strstr(body, "\"FAILED\""))
        fail(self, caller, "not completed");
    else
        caller->due_ns = gauge_now_ns() + POLL_NS;
}

static void
replied(load_t *self, caller_t *caller)
{
    const options_t *options = &self->options;
    if (caller->client.status != 200)
        fail(self, caller, "status");
    else if (options->expect && !strstr(client_body(&caller->client), options->expect))
        fail(self, caller, "body");
    else if (options->mode == MODE_QUERY || options->mode == MODE_GET)
        over(self, caller);
    else if (caller->watches)
        watched(self, caller);
    else
        submitted(self, caller);
}

/* Ask for the callers whose time has come. Returns when the next is due, or a far time. */
static int64_t
ask_due(load_t *self, int64_t far)
{
    int64_t next = far;
    int64_t now = gauge_now_ns();
    for (size_t at = 0; at < self->options.connections; at++) {
        caller_t *caller = &self->callers[at];
        if (caller->due_ns && caller->due_ns <= now)
            ask(self, caller);
        else if (caller->due_ns && caller->due_ns < next)
            next = caller->due_ns;
    }
    return next;
}

static void
turn(load_t *self)
{
    int64_t wake = gauge_now_ns() + 100000000;
    if (self->options.mode == MODE_POLL)
        wake = ask_due(self, wake);
    int64_t left = wake - gauge_now_ns();
    struct timespec patience = { 0, left > 0 ? left : 0 };
    struct epoll_event events[128];
    int many = epoll_pwait2(self->epoll, events, 128, &patience, NULL);
    for (int at = 0; at < many; at++) {
        caller_t *caller = events[at].data.ptr;
        client_state_t state = client_turn(&caller->client);
        if (state == CLIENT_REPLIED)
            replied(self, caller);
        else if (state == CLIENT_BROKE)
            fail(self, caller, "connection broke");
    }
}

static void
run(load_t *self)
{
    int64_t start = gauge_now_ns();
    self->from_ns = start + (int64_t)(self->options.warmup * 1e9);
    self->until_ns = self->from_ns + (int64_t)(self->options.seconds * 1e9);
    for (size_t at = 0; at < self->options.connections; at++) {
        caller_t *caller = &self->callers[at];
        caller->busy = true;
        self->busy++;
        begin(self, caller);
    }
    while (self->busy && gauge_now_ns() < self->until_ns + DRAIN_NS)
        turn(self);
    if (self->busy && self->errors == 0) {
        snprintf(self->error, sizeof self->error, "%zu operations never ended", self->busy);
        self->errors += self->busy;
    }
}

static void
report(load_t *self)
{
    gauge_sort(self->times_ms, self->count);
    printf("{\"mode\": \"%s\", \"connections\": %zu, \"seconds\": %.3f, \"count\": %zu, "
           "\"rate\": %.1f, \"p50\": %.3f, \"p99\": %.3f, \"total\": %zu, \"errors\": %zu, "
           "\"error\": \"%s\", \"cpu_us\": %.0f, \"switches\": %ld}\n",
           mode_names[self->options.mode], self->options.connections, self->options.seconds,
           self->count, (double)self->count / self->options.seconds,
           gauge_quantile(self->times_ms, self->count, 0.5),
           gauge_quantile(self->times_ms, self->count, 0.99), self->total, self->errors,
           self->error, gauge_cpu_us(), gauge_switches());
}

static void
open_callers(load_t *self)
{
    self->callers = mem_new(self->options.connections * sizeof *self->callers);
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t at = 0; at < self->options.connections; at++) {
        caller_t *caller = &self->callers[at];
        caller->target = at % self->targets;
        if (!client_open(&caller->client, &self->addresses[caller->target])) {
            fprintf(stderr, "cannot connect to %s: %s\n", self->hosts[caller->target],
                    strerror(errno));
            exit(1);
        }
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = caller };
        epoll_ctl(self->epoll, EPOLL_CTL_ADD, caller->client.fd, &event);
    }
}

static void
add_target(load_t *self, const char *url)
{
    if (self->targets == TARGETS_MOST
        || !gauge_address(url, &self->addresses[self->targets], &self->hosts[self->targets]))
        exit(2);
    self->targets++;
}

static int
usage(void)
{
    fputs("load [-s SECONDS] [-w WARMUP] [-c CONNECTIONS] [-k KEY] [-q SQL] [-p PATH] [-e TEXT] "
          "jobs|poll|query|get URL...\n",
          stderr);
    return 2;
}

static bool
read_mode(load_t *self, const char *word)
{
    for (size_t at = 0; at < sizeof mode_names / sizeof *mode_names; at++) {
        if (strcmp(word, mode_names[at]) == 0) {
            self->options.mode = (mode_t_)at;
            return true;
        }
    }
    return false;
}

static bool
read_options(options_t *options, int argc, char **argv)
{
    for (int letter; (letter = getopt(argc, argv, "s:w:c:k:q:p:e:")) != -1;) {
        switch (letter) {
        case 's': options->seconds = strtod(optarg, NULL); break;
        case 'w': options->warmup = strtod(optarg, NULL); break;
        case 'c': options->connections = strtoul(optarg, NULL, 10); break;
        case 'k': options->key = optarg; break;
        case 'q': options->sql = optarg; break;
        case 'p': options->path = optarg; break;
        case 'e': options->expect = optarg; break;
        default: return false;
        }
    }
    return options->connections > 0 && options->connections <= CONNECTIONS_MOST
           && options->seconds > 0;
}

int
main(int argc, char **argv)
{
    load_t self = { .options = { .seconds = 3,
                                 .warmup = 1,
                                 .connections = 64,
                                 .key = "none",
                                 .sql = "SELECT 1",
                                 .path = "/" } };
    if (!read_options(&self.options, argc, argv) || argc - optind < 2
        || !read_mode(&self, argv[optind]))
        return usage();
    for (int at = optind + 1; at < argc; at++)
        add_target(&self, argv[at]);
    open_callers(&self);
    run(&self);
    report(&self);
    return self.errors ? 1 : 0;
}

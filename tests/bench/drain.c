/* drain.c - read replies as fast as they come, or slowly, over one connection.
 *
 * Asks for each PATH in turn, --times in all, and reads each reply to its end; anything but whole
 * replies of status 200 makes the run fail. With --rate it reads no more than so many bytes a
 * second, and with --seconds it hangs up after that time, whole or not. Prints one JSON object.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "common/mem.h"
#include "tests/bench/gauge.h"
#include "tests/bench/reply.h"

#define BUFFER_SIZE (256 << 10)
#define SLOW_BUFFER (16 << 10)
#define PATIENCE_S 120

typedef struct {
    const char *key;
    const char *accept; /* encoding */
    size_t times;
    double rate;    /* bytes a second; 0: all there are */
    double seconds; /* 0: until all is read */
    int wanted;
} options_t;

typedef struct {
    options_t options;
    int fd;
    const char *host; /* host:port */
    reply_t reply;
    uint64_t bytes;
    uint64_t found;
    uint64_t chunks;
    size_t whole; /* replies */
    double *times_ms;
    int64_t begun_ns;
    char error[REPLY_LINE_SIZE + 100];
    char buffer[BUFFER_SIZE];
} drain_t;

static double
elapsed_s(const drain_t *self)
{
    return (double)(gauge_now_ns() - self->begun_ns) / 1e9;
}

static bool
fail(drain_t *self, const char *why)
{
    snprintf(self->error, sizeof self->error, "%s: status %d, %llu bytes, \"%s\"", why,
             self->reply.status, (unsigned long long)self->reply.bytes, self->reply.line);
    gauge_clean(self->error);
    return false;
}

static bool
ask(drain_t *self, const char *path)
{
    char request[2048];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                        "Accept-Encoding: %s\r\n\r\n",
                        path, self->host, self->options.key, self->options.accept);
    if (size < 0 || (size_t)size >= sizeof request)
        return fail(self, "the request is too large");
    return send(self->fd, request, (size_t)size, MSG_NOSIGNAL) == size
           || fail(self, strerror(errno));
}

static bool
over(const drain_t *self)
{
    return self->options.seconds > 0 && elapsed_s(self) >= self->options.seconds;
}

/* How much may be read now; waits until that is something. */
static size_t
allowance(const drain_t *self, uint64_t done)
{
    if (self->options.rate <= 0)
        return BUFFER_SIZE;
    double due_s = (double)(done + SLOW_BUFFER) / self->options.rate - elapsed_s(self);
    if (due_s > 0) {
        struct timespec time = { (time_t)due_s, (long)((due_s - (double)(time_t)due_s) * 1e9) };
        clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
    }
    return SLOW_BUFFER;
}

/* Read a reply to its end, or until the time is over. */
static bool
read_reply(drain_t *self)
{
    reply_init(&self->reply, self->options.wanted);
    while (self->reply.state != REPLY_WHOLE && !over(self)) {
        size_t most = allowance(self, self->bytes + self->reply.bytes);
        ssize_t size = recv(self->fd, self->buffer, most, 0);
        if (size <= 0)
            return fail(self, size == 0 ? "the connection ended" : strerror(errno));
        size_t taken = reply_take(&self->reply, self->buffer, (size_t)size);
        if (self->reply.state == REPLY_BAD || taken < (size_t)size)
            return fail(self, "bytes that are no reply");
    }
    self->bytes += self->reply.bytes;
    self->found += self->reply.found;
    self->chunks += self->reply.chunks;
    self->whole += self->reply.state == REPLY_WHOLE;
    return self->reply.status == 200 || self->reply.state != REPLY_WHOLE || fail(self, "refused");
}

static bool
run(drain_t *self, char **paths, size_t count)
{
    self->begun_ns = gauge_now_ns();
    self->times_ms = mem_array(self->options.times, sizeof *self->times_ms);
    for (size_t i = 0; i < self->options.times && !over(self); i++) {
        int64_t asked_ns = gauge_now_ns();
        if (!ask(self, paths[i % count]) || !read_reply(self))
            return false;
        self->times_ms[i] = (double)(gauge_now_ns() - asked_ns) / 1e6;
    }
    return true;
}

static void
report(drain_t *self)
{
    double seconds = elapsed_s(self);
    gauge_sort(self->times_ms, self->whole);
    printf("{\"whole\": %zu, \"bytes\": %llu, \"found\": %llu, \"chunks\": %llu, "
           "\"seconds\": %.6f, \"p50\": %.4f, \"p99\": %.4f, \"cpu_us\": %.0f, \"switches\": %ld, "
           "\"error\": \"%s\"}\n",
           self->whole, (unsigned long long)self->bytes, (unsigned long long)self->found,
           (unsigned long long)self->chunks, seconds,
           gauge_quantile(self->times_ms, self->whole, 0.5),
           gauge_quantile(self->times_ms, self->whole, 0.99), gauge_cpu_us(), gauge_switches(),
           self->error);
}

static bool
connect_to(drain_t *self, const char *url)
{
    struct sockaddr_in address;
    if (!gauge_address(url, &address, &self->host))
        return false;
    self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (self->fd < 0)
        return false;
    int on = 1;
    int small = SLOW_BUFFER;
    struct timeval patience = { .tv_sec = PATIENCE_S };
    if (self->options.rate > 0)
        setsockopt(self->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return connect(self->fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

static bool
read_options(options_t *options, int argc, char **argv)
{
    static const struct option names[] = {
        { "key", required_argument, NULL, 'k' },
        { "accept", required_argument, NULL, 'a' },
        { "times", required_argument, NULL, 'n' },
        { "count", required_argument, NULL, 'c' },
        { "rate", required_argument, NULL, 'r' },
        { "seconds", required_argument, NULL, 's' },
        { 0 },
    };
    for (int letter; (letter = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (letter) {
        case 'k': options->key = optarg; break;
        case 'a': options->accept = optarg; break;
        case 'n': options->times = strtoul(optarg, NULL, 10); break;
        case 'c': options->wanted = (unsigned char)*optarg; break;
        case 'r': options->rate = strtod(optarg, NULL); break;
        case 's': options->seconds = strtod(optarg, NULL); break;
        default: return false;
        }
    }
    return options->times > 0;
}

int
main(int argc, char **argv)
{
    static drain_t self = { .options = {
                                .key = "none", .accept = "identity", .times = 1, .wanted = -1 } };
    if (!read_options(&self.options, argc, argv) || argc - optind < 2) {
        fputs("drain [--key KEY] [--accept ENCODING] [--times N] [--count BYTE] [--rate BYTES] "
              "[--seconds N] URL PATH...\n",
              stderr);
        return 2;
    }
    if (!connect_to(&self, argv[optind])) {
        fprintf(stderr, "cannot connect to %s: %s\n", argv[optind], strerror(errno));
        return 1;
    }
    bool good = run(&self, argv + optind + 1, (size_t)(argc - optind - 1));
    report(&self);
    return good ? 0 : 1;
}

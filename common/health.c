#include "common/health.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_MOST = 64,
    REQUEST_SIZE_MOST = 4096,
    LIFE_MS = 2000,
    REST_MS = 100, /* of the listener, when the process has no descriptors left */
    BACKLOG = 64,
};

typedef struct connection {
    health_t *owner;
    int fd;
    loop_watch_t *watch;
    loop_timer_t *life;
    size_t used; /* of request */
    char *reply; /* NULL until the request is there */
    size_t reply_size;
    size_t sent;
    struct connection *next;
    struct connection *previous;
    char request[REQUEST_SIZE_MOST + 1];
} connection_t;

struct health {
    loop_t *loop;
    health_ready_fn ready;
    void *arg;
    int fd;
    loop_watch_t *watch;
    loop_timer_t *rest;
    connection_t *connections;
    int count;
    char *url;
};

/* Text */

/* The bytes of the well-formed UTF-8 character at `text`, or 0. */
static size_t
character(const unsigned char *text)
{
    if (text[0] < 0x80)
        return 1;
    size_t size = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    uint32_t code = text[0] & (0xffu >> (size + 1));
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[size] || surrogate || code > 0x10ffff ? 0 : size;
}

/* `text` as a JSON string with its quotes; bytes that are no UTF-8 become '?'. Caller owns the
 * result. */
static char *
quote(const char *text)
{
    size_t length = strlen(text);
    char *quoted = mem_array(length + 1, 6); /* \u0000 is the longest; quotes and NUL fit the 6 */
    size_t used = 0;
    quoted[used++] = '"';
    for (size_t i = 0; i < length;) {
        unsigned char byte = (unsigned char)text[i];
        size_t size = character((const unsigned char *)text + i);
        if (byte < 0x20) {
            used += (size_t)snprintf(quoted + used, 7, "\\u%04x", byte);
        } else if (size == 0) {
            quoted[used++] = '?';
        } else {
            if (byte == '"' || byte == '\\')
                quoted[used++] = '\\';
            memcpy(quoted + used, text + i, size);
            used += size;
        }
        i += size > 0 ? size : 1;
    }
    quoted[used++] = '"';
    quoted[used] = '\0';
    return quoted;
}

/* One request */

static char *
reply_text(const char *status, const char *headers, const char *body)
{
    return mem_format("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                      "Cache-Control: no-store\r\nConnection: close\r\n%s\r\n%s",
                      status, strlen(body), headers, body);
}

static char *
reply_error(const char *status, const char *headers, const char *why)
{
    own(mem) quoted = quote(why);
    own(mem) body = mem_format("{\"error\":%s}\n", quoted);
    return reply_text(status, headers, body);
}

static char *
reply_ready(const health_t *self)
{
    err_t err;
    err_clear(&err);
    if (self->ready(self->arg, &err))
        return reply_text("200 OK", "", "{\"status\":\"ready\"}\n");
    own(mem) reason = quote(err.text);
    own(mem) body = mem_format("{\"status\":\"not ready\",\"reason\":%s}\n", reason);
    return reply_text("503 Service Unavailable", "Retry-After: 1\r\n", body);
}

static bool
word_is(const char *word, size_t length, const char *expected)
{
    return strlen(expected) == length && memcmp(word, expected, length) == 0;
}

/* What to say to "GET /path?query HTTP/1.1". Caller owns the result. */
static char *
answer(const health_t *self, const char *request)
{
    size_t method = strcspn(request, " \r\n");
    const char *path = request + method + 1;
    if (request[method] != ' ' || *path != '/')
        return reply_error("400 Bad Request", "", "this is no HTTP request");
    size_t target = strcspn(path, " \r\n");
    if (strncmp(path + target, " HTTP/1.", 8) != 0)
        return reply_error("400 Bad Request", "", "this is no HTTP request");

    size_t length = strcspn(path, "? \r\n");
    bool live = word_is(path, length, "/healthz");
    if (!live && !word_is(path, length, "/readyz"))
        return reply_error("404 Not Found", "", "only /healthz and /readyz are here");
    if (!word_is(request, method, "GET"))
        return reply_error("405 Method Not Allowed", "Allow: GET\r\n", "only GET is allowed");
    return live ? reply_text("200 OK", "", "{\"status\":\"ok\"}\n") : reply_ready(self);
}

/* Connections */

static void
connection_destroy(connection_t **self_p)
{
    connection_t *self = take(*self_p);
    health_t *owner = self->owner;
    if (self->previous)
        self->previous->next = self->next;
    else
        owner->connections = self->next;
    if (self->next)
        self->next->previous = self->previous;
    owner->count--;
    loop_cancel(&self->life);
    loop_unwatch(&self->watch);
    close(self->fd);
    free(self->reply);
    free(self);
    if (!owner->rest && owner->watch)
        loop_rewatch(owner->watch, LOOP_READ);
}

static void
on_end_of_life(void *arg)
{
    connection_t *self = arg;
    self->life = NULL;
    connection_destroy(&self);
}

/* Send what can be sent. Then the client is to close first: closing over bytes of it that nobody
 * has read would reset the connection and could take the reply away. False when it is over. */
static bool
send_reply(connection_t *self)
{
    while (self->sent < self->reply_size) {
        ssize_t count = send(self->fd, self->reply + self->sent, self->reply_size - self->sent,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN) {
            loop_rewatch(self->watch, LOOP_WRITE);
            return true;
        }
        if (count < 0)
            return false;
        self->sent += (size_t)count;
    }
    loop_rewatch(self->watch, LOOP_READ);
    return shutdown(self->fd, SHUT_WR) == 0;
}

/* Read once; a reply is made when the request's head is whole. What comes behind it is read and
 * forgotten. False when it is over. */
static bool
receive(connection_t *self)
{
    if (self->reply)
        self->used = 0;
    ssize_t count =
        recv(self->fd, self->request + self->used, REQUEST_SIZE_MOST - self->used, MSG_DONTWAIT);
    if (count < 0)
        return errno == EINTR || errno == EAGAIN;
    if (count == 0)
        return false;
    if (self->reply)
        return true;

    self->used += (size_t)count;
    self->request[self->used] = '\0';
    if (strstr(self->request, "\r\n\r\n") || strstr(self->request, "\n\n"))
        self->reply = answer(self->owner, self->request);
    else if (self->used == REQUEST_SIZE_MOST)
        self->reply =
            reply_error("431 Request Header Fields Too Large", "", "a request is at most 4 KiB");
    else
        return true;
    self->reply_size = strlen(self->reply);
    return send_reply(self);
}

static void
on_connection(void *arg, unsigned events)
{
    (void)events;
    connection_t *self = arg;
    bool goes_on = self->reply && self->sent < self->reply_size ? send_reply(self) : receive(self);
    if (!goes_on)
        connection_destroy(&self);
}

static void
connection_start(health_t *owner, int fd)
{
    connection_t *self = mem_new(sizeof *self);
    self->owner = owner;
    self->fd = fd;
    self->next = owner->connections;
    if (self->next)
        self->next->previous = self;
    owner->connections = self;
    owner->count++;
    self->watch = loop_watch(owner->loop, fd, LOOP_READ, on_connection, self);
    self->life = loop_after(owner->loop, LIFE_MS, on_end_of_life, self);
}

/* The listener */

static void
on_rested(void *arg)
{
    health_t *self = arg;
    self->rest = NULL;
    if (self->count < CONNECTIONS_MOST)
        loop_rewatch(self->watch, LOOP_READ);
}

static void
on_listener(void *arg, unsigned events)
{
    (void)events;
    health_t *self = arg;
    while (self->count < CONNECTIONS_MOST) {
        int fd = accept4(self->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            connection_start(self, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            loop_rewatch(self->watch, 0);
            self->rest = loop_after(self->loop, REST_MS, on_rested, self);
        }
        return; /* nobody else is waiting, or one went away again */
    }
    loop_rewatch(self->watch, 0); /* the rest waits in the backlog until a place is free */
}

static int
listen_on(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int
listen_at(const char *host, int port, err_t *err)
{
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, service, &hints, &found);
    if (failed != 0) {
        err_set(err, ERR_INVALID, "health address %s: %s", host, gai_strerror(failed));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *each = found; each && fd < 0; each = each->ai_next)
        fd = listen_on(each);
    if (fd < 0)
        err_set(err, ERR_UNAVAILABLE, "cannot listen on %s port %d: %s", host, port,
                strerror(errno));
    freeaddrinfo(found);
    return fd;
}

static int
port_of(int fd)
{
    struct sockaddr_storage address = { 0 };
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

health_t *
health_new(loop_t *loop, const char *host, int port, health_ready_fn ready, void *arg, err_t *err)
{
    int fd = listen_at(host, port, err);
    if (fd < 0)
        return NULL;
    health_t *self = mem_new(sizeof *self);
    self->loop = loop;
    self->ready = ready;
    self->arg = arg;
    self->fd = fd;
    bool brackets = strchr(host, ':') != NULL;
    self->url =
        mem_format("http://%s%s%s:%d", brackets ? "[" : "", host, brackets ? "]" : "", port_of(fd));
    self->watch = loop_watch(loop, fd, LOOP_READ, on_listener, self);
    return self;
}

void
health_destroy(health_t **self_p)
{
    health_t *self = take(*self_p);
    if (!self)
        return;
    loop_cancel(&self->rest);
    loop_unwatch(&self->watch);
    close(self->fd);
    while (self->connections) {
        connection_t *connection = self->connections;
        connection_destroy(&connection);
    }
    free(self->url);
    free(self);
}

const char *
health_url(const health_t *self)
{
    return self->url;
}

static bool
write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return false;
    bool done = fputs(text, file) >= 0;
    return fclose(file) == 0 && done;
}

bool
health_announce(const char *path, const char *name, const char *role, const char *url, err_t *err)
{
    if (path[0] == '\0')
        return true;
    own(mem) name_text = quote(name);
    own(mem) role_text = quote(role);
    own(mem) url_text = quote(url);
    own(mem) text = mem_format("{\"name\":%s,\"role\":%s,\"pid\":%jd,\"url\":%s}\n", name_text,
                               role_text, (intmax_t)getpid(), url_text);
    own(mem) aside = mem_format("%s.%jd", path, (intmax_t)getpid());
    if (write_file(aside, text) && rename(aside, path) == 0)
        return true;
    err_set(err, ERR_INVALID, "cannot write %s: %s", path, strerror(errno));
    unlink(aside);
    return false;
}

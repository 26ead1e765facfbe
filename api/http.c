/* http.c - civetweb, and what stands between it and a handler. */
#include "api/http.h"

#include <assert.h>
#include <civetweb.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/desk.h"
#include "api/stack.h"
#include "common/clock.h"
#include "common/log.h"

enum {
    LINGER_MS = 1000, /* how long bytes are drained so that a refusal is read */
    URL_SIZE = 300,
    NUMBER_SIZE = 24,
};

static_assert((int)DESK_HEADERS_MOST >= (int)MG_MAX_HEADERS, "a desk takes all headers");

struct http {
    http_options_t options;
    struct mg_context *server;
    pace_t *pace;
    int port;
    char url[URL_SIZE];
    atomic_bool stopping;
    atomic_int connections; /* that a worker serves */
    atomic_int under_way;   /* requests inside on_request() */
    pthread_mutex_t lock;   /* of idle */
    pthread_cond_t idle;
    desks_t *desks;
};

/* What a worker thread owns. */
typedef struct {
    http_t *http;
    int socket;         /* of the connection it serves; SOCKET_UNKNOWN */
    bool refused;       /* the connection's last words are said */
    const char *buffer; /* where civetweb reads this worker's requests to; NULL: not seen yet */
    desk_t *desk;       /* while it serves a connection */
} worker_t;

/* --- workers --- */

static void *
worker_new(const struct mg_context *server, int kind)
{
    if (kind != 1)
        return NULL;
    worker_t *self = mem_new(sizeof *self);
    self->http = mg_get_user_data(server);
    self->socket = SOCKET_UNKNOWN;
    return self;
}

static void
worker_destroy(const struct mg_context *server, int kind, void *worker)
{
    (void)server;
    worker_t *self = worker;
    if (kind != 1 || !self)
        return;
    if (self->desk)
        desk_leave(self->http->desks, &self->desk);
    free(self);
}

static int
on_connection(const struct mg_connection *connection, void **data)
{
    (void)data;
    worker_t *worker = mg_get_thread_pointer(connection);
    worker->socket = SOCKET_UNKNOWN;
    worker->refused = false;
    worker->desk = desk_take(worker->http->desks);
    atomic_fetch_add(&worker->http->connections, 1);
    return 0;
}

static void
on_end(const struct mg_connection *connection)
{
    worker_t *worker = mg_get_thread_pointer(connection);
    desk_leave(worker->http->desks, &worker->desk);
    stack_trim();
    atomic_fetch_sub(&worker->http->connections, 1);
}

/* Are the workers nearly all taken? A connection that idles keeps one from those who wait. */
static bool
crowded(const http_t *self)
{
    return (int64_t)atomic_load(&self->connections) * 100
           > (int64_t)self->options.threads * HTTP_CROWD_PERCENT;
}

/* --- one request --- */

static int
receive_bytes(void *arg, void *data, size_t size)
{
    return mg_read(arg, data, size);
}

static bool
send_bytes(void *arg, const char *data, size_t size)
{
    return mg_write(arg, data, size) == (int)size;
}

/* What the client takes at once: past civetweb, which waits for it. */
static size_t
send_some(const struct mg_connection *connection, const char *data, size_t size)
{
    const worker_t *worker = mg_get_thread_pointer(connection);
    int fd = request_socket(&worker->desk->request);
    ssize_t sent = fd < 0 ? 0 : send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

static size_t
send_part(void *arg, const char *data, size_t size, bool wait)
{
    if (!wait)
        return send_some(arg, data, size);
    return send_bytes(arg, data, size) ? size : 0;
}

/* A refusal is lost when the socket is closed over unread bytes (the kernel then resets the
 * connection): say that nothing more comes, and let the client finish what it is sending. */
static void
linger(worker_t *worker)
{
    int fd = request_socket(&worker->desk->request);
    if (fd < 0)
        return;
    shutdown(fd, SHUT_WR);
    int64_t until_ms = clock_mono_ms() + LINGER_MS;
    char *scrap = worker->desk->target_room;
    for (;;) {
        int64_t left_ms = until_ms - clock_mono_ms();
        struct pollfd socket = { .fd = fd, .events = POLLIN };
        if (left_ms <= 0 || poll(&socket, 1, (int)left_ms) <= 0)
            return;
        if (recv(fd, scrap, sizeof worker->desk->target_room, MSG_DONTWAIT) <= 0)
            return;
    }
}

static void
fill_peer(worker_t *worker, const struct mg_request_info *about)
{
    worker->desk->request.peer = about->remote_addr;
    worker->desk->request.peer_port = about->remote_port;
    worker->desk->request.local_port = about->server_port;
    worker->desk->request.socket = &worker->socket;
    worker->desk->request.stopping = &worker->http->stopping;
    worker->desk->body.pace.peer = about->remote_addr;
    worker->desk->body.pace.peer_port = about->remote_port;
    worker->desk->body.pace.local_port = about->server_port;
}

static void
fill_headers(worker_t *worker, const struct mg_request_info *about)
{
    for (int i = 0; i < about->num_headers; i++)
        worker->desk->headers[i] =
            (header_t){ about->http_headers[i].name, about->http_headers[i].value };
    worker->desk->request.headers = worker->desk->headers;
    worker->desk->request.header_count = (uint32_t)about->num_headers;
}

/* civetweb passes over white space in front of a request and may then find its head in bytes that
 * this client never sent: what an earlier one, with a key of its own, left in the worker's buffer.
 * The buffer is the worker's for life, and what malloc() gave, so the lowest address that a request
 * ever had is its start. */
static bool
begins_buffer(worker_t *worker, const char *method)
{
    if (!worker->buffer || method < worker->buffer) {
        if ((uintptr_t)method % alignof(max_align_t) != 0)
            return false;
        worker->buffer = method;
    }
    return method == worker->buffer;
}

/* The head: is it what it seems, and what does it announce? */
static bool
read_head(worker_t *worker, const struct mg_request_info *about, frame_t *frame, refusal_t *refusal)
{
    head_t head = {
        .method = about->request_method,
        .target = about->request_uri,
        .query = about->query_string,
        .version = about->http_version,
        .headers = worker->desk->headers,
        .count = worker->desk->request.header_count,
        .limit = about->request_method + DESK_HEAD_MOST,
    };
    if (!frame_read(head.version, head.headers, head.count, frame, refusal))
        return false;
    if (!begins_buffer(worker, head.method) || !frame_plain(&head))
        return frame_refuse(refusal, 400, "invalid", "the request's head is malformed");

    /* local_uri_raw leaves out the scheme and host of an absolute URL; it is not decoded. */
    request_t *request = &worker->desk->request;
    request->method = about->request_method;
    request->path = about->local_uri_raw;
    const char *why = NULL;
    assert(target_room(request->path, head.query) <= sizeof worker->desk->target_room);
    if (!target_parse(&request->target, request->path, head.query, worker->desk->target_room, &why))
        return frame_refuse(refusal, 400, "invalid", why);
    return true;
}

static bool
read_request(worker_t *worker, struct mg_connection *connection, frame_t *frame, refusal_t *refusal)
{
    if (atomic_load(&worker->http->stopping))
        return frame_refuse(refusal, 503, "unavailable", "this node is stopping");
    const stream_t stream = { .read = receive_bytes, .write = send_bytes, .arg = connection };
    if (!http_body_read(&worker->desk->body, &stream, frame, refusal))
        return false;
    /* civetweb takes the end of the stream for the empty line behind the last chunk. */
    if (frame->chunked && request_gone(&worker->desk->request))
        return frame_refuse(refusal, 400, "invalid", "the connection ends with the last chunk");
    worker->desk->request.body = worker->desk->body.size > 0 ? worker->desk->body.data : NULL;
    worker->desk->request.body_size = worker->desk->body.size;
    return true;
}

/* What this request may bring, as far as its head tells. */
static size_t
body_most(const worker_t *worker, const frame_t *frame)
{
    const http_options_t *options = &worker->http->options;
    int64_t most = options->body_bytes;
    if (!options->body_most || (frame->length == 0 && !frame->chunked))
        return (size_t)most;
    int64_t own = options->body_most(options->arg, &worker->desk->request);
    return (size_t)(own > 0 && own < most ? own : most);
}

/* `sound`: the head was, and so it can be told whose request it is. */
static void
refuse_request(worker_t *worker, const refusal_t *refusal, bool sound)
{
    const http_options_t *options = &worker->http->options;
    if (sound && refusal->status == 413 && options->too_large) {
        reply_close(&worker->desk->reply);
        options->too_large(options->arg, &worker->desk->request, &worker->desk->reply);
        return;
    }
    if (refusal->status == 503)
        reply_header(&worker->desk->reply, "Retry-After", "1");
    reply_refuse(&worker->desk->reply, refusal);
}

static void
serve(worker_t *worker, struct mg_connection *connection)
{
    const struct mg_request_info *about = mg_get_request_info(connection);
    fill_peer(worker, about);
    fill_headers(worker, about);

    frame_t frame;
    refusal_t refusal;
    bool sound = read_head(worker, about, &frame, &refusal);
    bool head_only = strcmp(about->request_method, "HEAD") == 0;
    reply_begin(&worker->desk->reply, send_part, connection, &frame, head_only);
    if (sound)
        worker->desk->body.most = body_most(worker, &frame);
    bool whole = sound && read_request(worker, connection, &frame, &refusal);
    if (whole)
        worker->http->options.handle(worker->http->options.arg, &worker->desk->request,
                                     &worker->desk->reply);
    else
        refuse_request(worker, &refusal, sound);
    if (crowded(worker->http))
        reply_close(&worker->desk->reply);
    if (!reply_end(&worker->desk->reply))
        mg_disable_connection_keep_alive(connection);
    if (!whole)
        linger(worker);
    http_body_trim(&worker->desk->body);
}

/* Called before civetweb looks for handlers, files or passwords; it then does nothing more. */
static int
on_request(struct mg_connection *connection)
{
    worker_t *worker = mg_get_thread_pointer(connection);
    http_t *http = worker->http;
    atomic_fetch_add(&http->under_way, 1);
    serve(worker, connection);
    if (atomic_fetch_sub(&http->under_way, 1) == 1 && atomic_load(&http->stopping)) {
        pthread_mutex_lock(&http->lock);
        pthread_cond_signal(&http->idle);
        pthread_mutex_unlock(&http->lock);
    }
    return worker->desk->reply.status;
}

/* A refusal outside of serve(): the connection's last words. */
static void
refuse(struct mg_connection *connection, const refusal_t *refusal)
{
    worker_t *worker = mg_get_thread_pointer(connection);
    worker->refused = true;
    frame_t frame = { 0 };
    fill_peer(worker, mg_get_request_info(connection));
    reply_begin(&worker->desk->reply, send_part, connection, &frame, false);
    reply_refuse(&worker->desk->reply, refusal);
    if (!reply_end(&worker->desk->reply))
        mg_disable_connection_keep_alive(connection);
    linger(worker);
}

/* What civetweb refuses by itself: a head it cannot read. */
static int
on_error(struct mg_connection *connection, int status, const char *text)
{
    (void)text;
    refusal_t refusal;
    frame_refuse(&refusal, 400, "invalid", "the request's head is malformed");
    if (status == 505)
        frame_refuse(&refusal, 505, "invalid", "this server speaks HTTP/1.1 and HTTP/1.0");
    else if (status >= 500)
        frame_refuse(&refusal, 500, "internal", "the server has failed");
    refuse(connection, &refusal);
    return 0;
}

/* A target that is no path ("*", a URL of some host) civetweb drops without a word. */
static void
on_last(const struct mg_connection *connection)
{
    const worker_t *worker = mg_get_thread_pointer(connection);
    const struct mg_request_info *about = mg_get_request_info(connection);
    if (worker->refused || !about->request_uri || about->local_uri)
        return;
    refusal_t refusal;
    frame_refuse(&refusal, 400, "invalid", "the request's target must be a path");
    refuse((struct mg_connection *)(uintptr_t)connection, &refusal);
}

static int
on_log(const struct mg_connection *connection, const char *text)
{
    (void)connection;
    log_debug("http.civetweb", "text=\"%s\"", text);
    return 1;
}

/* --- the server --- */

static void
free_http(http_t *self)
{
    desks_destroy(&self->desks);
    pace_destroy(&self->pace);
    pthread_cond_destroy(&self->idle);
    pthread_mutex_destroy(&self->lock);
    free(self);
    mg_exit_library();
}

/* civetweb's settings: a connection that idles owns a thread, so it may do so for 2 s; what waits
 * for a thread waits in the queue. */
static bool
start(http_t *self, err_t *err)
{
    char port[URL_SIZE];
    char threads[NUMBER_SIZE];
    char timeout_ms[NUMBER_SIZE];
    bool v6 = strchr(self->options.host, ':') != NULL;
    snprintf(port, sizeof port, v6 ? "[%s]:%d" : "%s:%d", self->options.host, self->options.port);
    snprintf(threads, sizeof threads, "%d", self->options.threads);
    snprintf(timeout_ms, sizeof timeout_ms, "%" PRId64, self->options.request_ms);
    const char *options[] = {
        "listening_ports",
        port,
        "num_threads",
        threads,
        "request_timeout_ms",
        timeout_ms,
        "enable_keep_alive",
        "yes",
        "keep_alive_timeout_ms",
        "2000",
        "connection_queue",
        "256",
        "listen_backlog",
        "1024",
        "max_request_size",
        "16384",
        "decode_url",
        "no",
        "decode_query_string",
        "no",
        "tcp_nodelay",
        "1",
        "linger_timeout_ms",
        "1000",
        "enable_directory_listing",
        "no",
        NULL,
    };
    struct mg_callbacks callbacks = {
        .begin_request = on_request,
        .http_error = on_error,
        .log_message = on_log,
        .init_thread = worker_new,
        .exit_thread = worker_destroy,
        .init_connection = on_connection,
        .connection_close = on_last,
        .connection_closed = on_end,
    };
    char why[128] = "";
    struct mg_init_data init = { .callbacks = &callbacks,
                                 .user_data = self,
                                 .configuration_options = options };
    struct mg_error_data error = { .text = why, .text_buffer_size = sizeof why };
    self->server = mg_start2(&init, &error);
    if (!self->server)
        return err_set(err, ERR_UNAVAILABLE, "cannot listen on %s: %s", port, why);

    struct mg_server_port bound = { 0 };
    if (mg_get_server_ports(self->server, 1, &bound) != 1)
        return err_set(err, ERR_INTERNAL, "cannot tell the port of %s", port);
    self->port = bound.port;
    snprintf(self->url, sizeof self->url, v6 ? "http://[%s]:%d" : "http://%s:%d",
             self->options.host, self->port);
    return true;
}

http_t *
http_new(const http_options_t *options, err_t *err)
{
    assert(options->handle && strlen(options->host) < URL_SIZE - 20);
    mg_init_library(MG_FEATURES_DEFAULT);
    http_t *self = mem_new(sizeof *self);
    self->options = *options;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->idle, NULL);
    self->pace = pace_new(options->request_ms, err);
    if (self->pace)
        self->desks = desks_new(self->pace);
    if (self->pace && start(self, err))
        return self;
    if (self->server)
        mg_stop(self->server);
    free_http(self);
    return NULL;
}

void
http_destroy(http_t **self_p)
{
    http_t *self = take(*self_p);
    if (!self)
        return;
    /* civetweb writes nothing more once it was told to stop: what is under way ends first. */
    atomic_store(&self->stopping, true);
    pthread_mutex_lock(&self->lock);
    while (atomic_load(&self->under_way) > 0)
        pthread_cond_wait(&self->idle, &self->lock);
    pthread_mutex_unlock(&self->lock);
    peer_shut(self->port);
    mg_stop(self->server);
    free_http(self);
}

const char *
http_url(const http_t *self)
{
    return self->url;
}

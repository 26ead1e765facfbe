/* request.c - what a handler may ask of a request. */
#include <poll.h>
#include <string.h>
#include <strings.h>

#include "api/http_inner.h"

const char *
request_method(const request_t *self)
{
    return self->method;
}

const char *
request_path(const request_t *self)
{
    return self->path;
}

uint32_t
request_segment_count(const request_t *self)
{
    return self->target.segment_count;
}

const char *
request_segment(const request_t *self, uint32_t i)
{
    return self->target.segments[i];
}

const char *
request_header(const request_t *self, const char *name)
{
    for (uint32_t i = 0; i < self->header_count; i++) {
        if (strcasecmp(self->headers[i].name, name) == 0)
            return self->headers[i].value;
    }
    return NULL;
}

char *
request_list(const request_t *self, const char *name)
{
    char *list = mem_text(request_header(self, name));
    bool first = true;
    for (uint32_t i = 0; list && i < self->header_count; i++) {
        if (strcasecmp(self->headers[i].name, name) != 0)
            continue;
        own(mem) before = list;
        list = first ? take(before) : mem_format("%s, %s", before, self->headers[i].value);
        first = false;
    }
    return list;
}

bool
request_header_differs(const request_t *self, const char *name)
{
    const char *first = request_header(self, name);
    for (uint32_t i = 0; first && i < self->header_count; i++) {
        if (strcasecmp(self->headers[i].name, name) == 0
            && strcmp(self->headers[i].value, first) != 0)
            return true;
    }
    return false;
}

uint32_t
request_query_count(const request_t *self)
{
    return self->target.param_count;
}

const char *
request_query_name(const request_t *self, uint32_t i)
{
    return self->target.params[i].name;
}

const char *
request_query_value(const request_t *self, uint32_t i)
{
    return self->target.params[i].value;
}

const char *
request_query(const request_t *self, const char *name)
{
    for (uint32_t i = 0; i < self->target.param_count; i++) {
        if (strcmp(self->target.params[i].name, name) == 0)
            return self->target.params[i].value;
    }
    return NULL;
}

const char *
request_body(const request_t *self, size_t *size)
{
    *size = self->body_size;
    return self->body ? self->body : "";
}

bool
request_gone(const request_t *self)
{
    struct pollfd socket = { .fd = request_socket(self), .events = POLLRDHUP };
    if (socket.fd < 0)
        return self->socket && socket.fd == PEER_NONE;
    return poll(&socket, 1, 0) > 0 && (socket.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

bool
request_hurried(const request_t *self)
{
    return self->stopping && atomic_load(self->stopping);
}

int
request_socket(const request_t *self)
{
    if (!self->socket)
        return PEER_UNSURE;
    if (*self->socket == SOCKET_UNKNOWN)
        *self->socket = peer_find(self->peer, self->peer_port, self->local_port);
    return *self->socket;
}

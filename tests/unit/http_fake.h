/* http_fake.h - a request and a reply without a server, for tests of what stands on http.h. */
#ifndef TESTS_UNIT_HTTP_FAKE_H
#define TESTS_UNIT_HTTP_FAKE_H

#include <stdlib.h>

#include "api/http_inner.h"

/* Everything that a reply has sent, and its client. */
typedef struct {
    reply_t reply;
    char *text; /* terminated */
    size_t size;
    unsigned writes;
    unsigned waits; /* writes for which the client was waited for */
    bool slow;      /* it takes but `takes` bytes of a write without being waited for */
    size_t takes;
    bool refuse; /* the next write fails */
} fake_reply_t;

static inline size_t
fake_send(void *arg, const char *data, size_t size, bool wait)
{
    fake_reply_t *fake = arg;
    fake->writes++;
    fake->waits += wait;
    if (fake->refuse)
        return 0;
    if (!wait && fake->slow && fake->takes < size)
        size = fake->takes;
    fake->text = mem_grow(fake->text, fake->size + size + 1);
    memcpy(fake->text + fake->size, data, size);
    fake->size += size;
    fake->text[fake->size] = '\0';
    return size;
}

/* Caller owns the result. */
static inline fake_reply_t *
fake_reply_new(frame_t frame, bool head_only)
{
    fake_reply_t *fake = mem_new(sizeof *fake);
    reply_begin(&fake->reply, fake_send, fake, &frame, head_only);
    return fake;
}

static inline void
fake_reply_destroy(fake_reply_t **self_p)
{
    fake_reply_t *fake = take(*self_p);
    if (!fake)
        return;
    reply_clear(&fake->reply);
    free(fake->text);
    free(fake);
}

/* What stands behind the head. */
static inline const char *
fake_body(const fake_reply_t *fake)
{
    const char *end = fake->text ? strstr(fake->text, "\r\n\r\n") : NULL;
    return end ? end + 4 : "";
}

/* A request, taken apart as http.c would. */
typedef struct {
    struct request request;
    header_t headers[8];
    char room[4096];
} fake_request_t;

static inline void
fake_request(fake_request_t *fake, const char *method, const char *path, const char *query)
{
    const char *why = NULL;
    memset(fake, 0, sizeof *fake);
    fake->request.method = method;
    fake->request.path = path;
    fake->request.headers = fake->headers;
    assert_true(target_room(path, query) <= sizeof fake->room);
    assert_true(target_parse(&fake->request.target, path, query, fake->room, &why));
}

static inline void
fake_header(fake_request_t *fake, const char *name, const char *value)
{
    fake->headers[fake->request.header_count++] = (header_t){ name, value };
}

#endif

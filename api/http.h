/* http.h - requests in, replies out; the only room that knows civetweb.
 *
 * A request reaches the handler only when its head is well formed and its body, if it has one, is
 * whole: exactly Content-Length bytes or all chunks, within the limit. A body cut short never gets
 * here. Paths and query values are decoded here, once; control bytes (but for tabs and ends of
 * lines in values) and invalid UTF-8 in them are refused. The rules of framing are frame.h's, those
 * of the URL target.h's.
 *
 * A reply gathers in a buffer. If it ends before the buffer is full it goes out with
 * Content-Length; otherwise as chunks, and a reply that must be abandoned after its first chunk
 * closes the connection without the last chunk, so that the client sees that it is cut. A request
 * and its reply belong to the worker thread that called the handler.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include <stdint.h>

#include "api/encoder.h"
#include "common/err.h"

/* Of the worker threads, how many may be taken before their sparing begins: connections are closed
 * after their answer, and nobody more is let wait. */
enum { HTTP_CROWD_PERCENT = 80 };

typedef struct http http_t;
typedef struct request request_t;
typedef struct reply reply_t;

/* Answers one request; must leave a reply (reply_status and perhaps a body). */
typedef void (*http_fn)(void *arg, request_t *request, reply_t *reply);

/* The largest body that this request, of which only the head is there, may have; 0: any that the
 * server takes. */
typedef int64_t (*http_most_fn)(void *arg, const request_t *request);

typedef struct {
    const char *host;
    int port;           /* 0: the kernel chooses */
    int threads;        /* workers: a keep-alive connection owns one */
    int64_t body_bytes; /* the largest body that is read */
    int64_t request_ms; /* for the head, and for the whole body */
    http_fn handle;
    http_most_fn body_most; /* NULL: none has a limit of its own */
    http_fn too_large;      /* answers a request whose body is; NULL: in our own words */
    void *arg;
} http_options_t;

/* Listen and serve until destroyed. Caller owns the result. */
http_t *http_new(const http_options_t *options, err_t *err) MUST_USE;

/* Stop taking requests, wait for those under way. */
void http_destroy(http_t **self_p);

/* "http://127.0.0.1:8080". Points into self. */
const char *http_url(const http_t *self);

/* --- request; everything returned points into it --- */

const char *request_method(const request_t *self);
const char *request_path(const request_t *self); /* as it was sent, without the query */

/* The path's segments, decoded: "/a/b%2Fc/" has "a" and "b/c". A path of more than 16 has a count
 * of 17 and is nothing that is served. */
uint32_t request_segment_count(const request_t *self);
const char *request_segment(const request_t *self, uint32_t i);

/* A header's value, name in any case; NULL when it is absent. */
const char *request_header(const request_t *self, const char *name);
/* The values of a header that is a list, those of several lines joined by commas; NULL when it is
 * absent. Caller owns the result. */
char *request_list(const request_t *self, const char *name) MUST_USE;
/* Is it there twice, with values that differ? */
bool request_header_differs(const request_t *self, const char *name);

/* Query parameters, decoded, in order. */
uint32_t request_query_count(const request_t *self);
const char *request_query_name(const request_t *self, uint32_t i);
const char *request_query_value(const request_t *self, uint32_t i);
/* The first of this name, or NULL. */
const char *request_query(const request_t *self, const char *name);

/* The body: *size bytes and a NUL behind them; "" when there is none. */
const char *request_body(const request_t *self, size_t *size);

/* Has the client hung up, or closed its half of the connection? The two look alike. Cheap; asks the
 * socket, reads nothing. */
bool request_gone(const request_t *self);

/* Is the server stopping? Who waits for something to happen answers now. */
bool request_hurried(const request_t *self);

/* The client's socket descriptor, to wait for POLLRDHUP; below 0 when it could not be found. */
int request_socket(const request_t *self);

/* --- reply --- */

/* Must be called before the first byte of the body. Default 200. */
void reply_status(reply_t *self, int status);

/* Copies. Values with control bytes are a programming error. */
void reply_header(reply_t *self, const char *name, const char *value);

/* Add to the body; goes bad when the client is gone. */
void reply_write(reply_t *self, const void *data, size_t size);

/* Room for at least `size` bytes in the send buffer, to be written in place and then committed. */
char *reply_room(reply_t *self, size_t size);
void reply_wrote(reply_t *self, size_t size);

/* How much room there is by now, before something must be sent. */
size_t reply_left(const reply_t *self);

/* The reply is to come in chunks, whatever its size, so that trailers can follow. False for an old
 * client (HTTP/1.0), who knows neither: the end of its reply is the end of the connection. */
bool reply_stream(reply_t *self) MUST_USE;

/* Is the client an old one? */
bool reply_old(const reply_t *self);

/* To HEAD: what was written is not what GET would be answered with, whose length nobody knows. The
 * reply then says neither a length nor a coding. */
void reply_unmeasured(reply_t *self);

/* Send what was written so far, and the head in any case, now. Only of a stream, in no coding. */
void reply_flush(reply_t *self);

/* A header behind the body of a stream, at any time before its end; the reply's "Trailer" header
 * must have named it. Copies. */
void reply_trailer(reply_t *self, const char *name, const char *value);

/* Send the body in this coding. Nothing happens when it is small and no stream, or the client is an
 * old one. Before the first byte of the body. */
void reply_encode(reply_t *self, encoding_t encoding);

/* What is written from here on, until it is said otherwise, is JSON in a script: what may stand in
 * JSON only is escaped (escape_script). The reply's buffer then has half as much room. */
void reply_script(reply_t *self, bool begin);

/* Something failed after the first bytes: what was not sent is dropped. If nothing was sent yet,
 * the reply starts anew and may become an error; returns whether that is so. */
bool reply_restart(reply_t *self);

/* Until it is said otherwise: what is to be done before the client is waited for, who takes no more
 * bytes just now. NULL: nothing. */
void reply_stall(reply_t *self, void (*stall)(void *arg), void *arg);

/* False when the client is gone or the reply was abandoned. */
bool reply_good(const reply_t *self);

/* Close the connection after this reply. */
void reply_close(reply_t *self);

#endif

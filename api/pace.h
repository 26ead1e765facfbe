/* pace.h - bodies must come at a pace: a watch over workers that read one.
 *
 * civetweb's read waits for as long as bytes trickle in, so a reader cannot keep a deadline by
 * itself. One thread looks a few times a second at all readers; a body that is over its time, or
 * whose average has fallen below 1 KiB a second after its first 2 s, has the reading side of its
 * socket shut, and the reader wakes with the end of the stream.
 */
#ifndef API_PACE_H
#define API_PACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

typedef struct pace pace_t;

/* One reader: a worker thread's own, known to the watch from pace_join() to pace_leave(). */
typedef struct pace_entry {
    pthread_mutex_t lock;
    struct pace_entry *next;
    int64_t whole_ms; /* the time a body has */
    int64_t since_ms; /* 0: reads nothing */
    int64_t received; /* bytes, the piece that is being read counted as there */
    const char *peer; /* whom it reads from: see peer.h */
    int peer_port;
    int local_port;
    bool late;
} pace_entry_t;

/* Bodies have `whole_ms` altogether. Caller owns the result. */
pace_t *pace_new(int64_t whole_ms, err_t *err) MUST_USE;
void pace_destroy(pace_t **self_p);

/* Keeps entry. */
void pace_join(pace_t *self, pace_entry_t *entry);
void pace_leave(pace_t *self, pace_entry_t *entry);

/* A body begins; peer and ports are set. */
void pace_start(pace_entry_t *entry);

/* A piece of `size` bytes is going to be read. False: the body is late. */
bool pace_piece(pace_entry_t *entry, int64_t size) MUST_USE;

/* The body is over. False: it was late. */
bool pace_stop(pace_entry_t *entry);

#endif

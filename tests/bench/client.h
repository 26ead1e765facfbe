/* client.h - one keep-alive connection of the load generator, with one request under way.
 *
 * Non-blocking; the owner waits for the descriptor and calls client_turn. Only replies with a
 * Content-Length are read: that is what the measured requests get, and anything else is a failure.
 * A client belongs to one thread.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_REQUEST_SIZE 2048
#define CLIENT_REPLY_SIZE 16384

typedef struct {
    int fd;
    char request[CLIENT_REQUEST_SIZE];
    size_t request_size;
    size_t sent;
    char reply[CLIENT_REPLY_SIZE];
    size_t received;
    size_t body_at;   /* 0 while the head is not whole */
    size_t reply_end; /* head and body */
    int status;
} client_t;

typedef enum {
    CLIENT_WAITS,   /* the reply is not whole yet */
    CLIENT_REPLIED, /* status and body are there */
    CLIENT_BROKE,   /* the connection ended, or what came is no reply that is read here */
} client_state_t;

/* Connect (blocking), then switch to non-blocking. False with errno. */
bool client_open(client_t *self, const struct sockaddr_in *address);

void client_close(client_t *self);

/* Send the `size` bytes in self->request. CLIENT_WAITS unless the connection broke; when the socket
 * took only a part, client_turn sends the rest. */
client_state_t client_begin(client_t *self, size_t size);

/* Go on with what is under way. */
client_state_t client_turn(client_t *self);

/* The body of the reply, NUL-terminated. Points into self. */
const char *client_body(const client_t *self);

#endif

#include "tests/bench/client.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

bool
client_open(client_t *self, const struct sockaddr_in *address)
{
    memset(self, 0, sizeof *self);
    self->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (self->fd < 0)
        return false;
    if (connect(self->fd, (const struct sockaddr *)address, sizeof *address) != 0)
        return false;
    int on = 1;
    return setsockopt(self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

void
client_close(client_t *self)
{
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
}

static client_state_t
send_rest(client_t *self)
{
    ssize_t size = send(self->fd, self->request + self->sent, self->request_size - self->sent,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0)
        return errno == EAGAIN ? CLIENT_WAITS : CLIENT_BROKE;
    self->sent += (size_t)size;
    return CLIENT_WAITS;
}

client_state_t
client_begin(client_t *self, size_t size)
{
    self->request_size = size;
    self->sent = 0;
    self->received = 0;
    self->body_at = 0;
    self->reply_end = 0;
    self->status = 0;
    return send_rest(self);
}

/* Read status and length once the head is whole. False when it is no head that we read. */
static bool
read_head(client_t *self)
{
    const char *end = memmem(self->reply, self->received, "\r\n\r\n", 4);
    if (!end)
        return self->received < CLIENT_REPLY_SIZE - 1;
    self->body_at = (size_t)(end - self->reply) + 4;
    if (strncmp(self->reply, "HTTP/1.1 ", 9) != 0)
        return false;
    self->status = (int)strtol(self->reply + 9, NULL, 10);
    for (const char *at = self->reply; at < end;) {
        at = (const char *)memmem(at, (size_t)(end - at) + 2, "\r\n", 2) + 2;
        if (strncasecmp(at, "content-length:", 15) == 0) {
            self->reply_end = self->body_at + strtoul(at + 15, NULL, 10);
            return self->reply_end < CLIENT_REPLY_SIZE;
        }
    }
    return false;
}

client_state_t
client_turn(client_t *self)
{
    if (self->sent < self->request_size)
        return send_rest(self);
    ssize_t size = recv(self->fd, self->reply + self->received,
                        CLIENT_REPLY_SIZE - 1 - self->received, MSG_DONTWAIT);
    if (size < 0)
        return errno == EAGAIN ? CLIENT_WAITS : CLIENT_BROKE;
    if (size == 0)
        return CLIENT_BROKE;
    self->received += (size_t)size;
    self->reply[self->received] = 0;
    if (self->body_at == 0 && !read_head(self))
        return CLIENT_BROKE;
    if (self->body_at == 0 || self->received < self->reply_end)
        return CLIENT_WAITS;
    return self->received == self->reply_end ? CLIENT_REPLIED : CLIENT_BROKE;
}

const char *
client_body(const client_t *self)
{
    return self->reply + self->body_at;
}

/* resolve.c - a thread a lookup; who leaves last frees what both share. */
#include "executor/drivers/postgres/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK_BYTES = 256 << 10, NAME_MOST = 256, ADDRESS_MOST = INET6_ADDRSTRLEN + 1 };

struct resolve {
    char host[NAME_MOST];
    int fd;
    char addresses[RESOLVE_EACH * ADDRESS_MOST]; /* written by the thread, before done */
    char names[RESOLVE_EACH * NAME_MOST];
    atomic_bool done;
    atomic_int holders; /* the owner and the thread */
};

static atomic_int under_way;

bool
resolve_needed(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return host[0] != '\0' && host[0] != '/' && host[0] != '@' && !strchr(host, ',')
           && strlen(host) < NAME_MOST && inet_pton(AF_INET, host, address) != 1
           && inet_pton(AF_INET6, host, address) != 1;
}

static void
let_go(resolve_t *self)
{
    if (atomic_fetch_sub(&self->holders, 1) > 1)
        return;
    close(self->fd);
    free(self);
}

/* --- the thread --- */

static void
add(char *list, size_t room, const char *text)
{
    size_t size = strlen(list);
    snprintf(list + size, room - size, "%s%s", size > 0 ? "," : "", text);
}

static void
look_up(resolve_t *self)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    if (getaddrinfo(self->host, NULL, &hints, &found) != 0)
        return;
    int count = 0;
    for (const struct addrinfo *at = found; at && count < RESOLVE_EACH; at = at->ai_next) {
        char address[INET6_ADDRSTRLEN];
        if (getnameinfo(at->ai_addr, at->ai_addrlen, address, sizeof address, NULL, 0,
                        NI_NUMERICHOST)
            != 0)
            continue;
        add(self->addresses, sizeof self->addresses, address);
        add(self->names, sizeof self->names, self->host);
        count++;
    }
    freeaddrinfo(found);
}

static void *
run(void *arg)
{
    resolve_t *self = arg;
    look_up(self);
    atomic_store(&self->done, true);
    eventfd_write(self->fd, 1);
    let_go(self);
    atomic_fetch_sub(&under_way, 1);
    return NULL;
}

static bool
start(resolve_t *self)
{
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attr, run, self);
    pthread_attr_destroy(&attr);
    return rc == 0;
}

/* --- the owner --- */

resolve_t *
resolve_new(const char *host, err_t *err)
{
    if (atomic_fetch_add(&under_way, 1) >= RESOLVE_MOST) {
        atomic_fetch_sub(&under_way, 1);
        err_set(err, ERR_LIMIT, "too many hosts are being looked up");
        return NULL;
    }
    resolve_t *self = mem_new(sizeof *self);
    snprintf(self->host, sizeof self->host, "%s", host);
    self->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    atomic_init(&self->holders, 2);
    if (self->fd >= 0 && start(self))
        return self;
    atomic_fetch_sub(&under_way, 1);
    atomic_store(&self->holders, 1);
    let_go(self);
    err_set(err, ERR_LIMIT, "a host cannot be looked up now");
    return NULL;
}

int
resolve_fd(const resolve_t *self)
{
    return self->fd;
}

bool
resolve_done(const resolve_t *self, const char **addresses, const char **names)
{
    *addresses = self->addresses;
    *names = self->names;
    return atomic_load(&self->done);
}

void
resolve_destroy(resolve_t **self_p)
{
    if (*self_p)
        let_go(*self_p);
    *self_p = NULL;
}

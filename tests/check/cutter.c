/* cutter.c - pass bytes on, or lose them. */
#include "tests/check/cutter.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct cutter {
    char folder[32];
    char path[64];
    char *dsn;
    char *server; /* where the real server listens */
    int listener;
    int quit[2]; /* a pipe: its end says that it is time to go */
    int drop[2]; /* a pipe: a byte says that the connection is to be cut */
    sem_t dropped;
    pthread_t thread;
    _Atomic(const char *) text;
    atomic_int cuts;
};

static int
server_connect(const cutter_t *self)
{
    PGconn *probe = PQconnectdb(self->server);
    int fd = -1;
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (PQstatus(probe) == CONNECTION_OK
        && getpeername(PQsocket(probe), (struct sockaddr *)&address, &size) == 0) {
        fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size) != 0) {
            close(fd);
            fd = -1;
        }
    }
    PQfinish(probe);
    return fd;
}

static bool
write_all(int fd, const char *bytes, ssize_t size)
{
    while (size > 0) {
        ssize_t done = send(fd, bytes, (size_t)size, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        bytes += done;
        size -= done;
    }
    return true;
}

/* Pass on what `from` has; false: this connection is over. */
static bool
pass(cutter_t *self, int from, int to, bool answers)
{
    char bytes[65536];
    ssize_t size = read(from, bytes, sizeof bytes);
    if (size <= 0)
        return false;
    const char *text = atomic_load(&self->text);
    if (answers && text && memmem(bytes, (size_t)size, text, strlen(text))) {
        atomic_store(&self->text, NULL);
        atomic_fetch_add(&self->cuts, 1);
        return false;
    }
    return write_all(to, bytes, size);
}

/* Take the word that the connection is to be cut. */
static bool
drop_taken(cutter_t *self)
{
    char byte;
    atomic_fetch_add(&self->cuts, 1);
    return read(self->drop[0], &byte, 1) == 1;
}

/* One connection, from its beginning to its end; false: time to go. */
static bool
serve(cutter_t *self, int client)
{
    int server = server_connect(self);
    struct pollfd items[] = { { .fd = client, .events = POLLIN },
                              { .fd = server, .events = POLLIN },
                              { .fd = self->quit[0], .events = POLLIN },
                              { .fd = self->drop[0], .events = POLLIN } };
    bool open = server >= 0;
    bool told = false;
    while (open && poll(items, 4, -1) > 0 && !items[2].revents) {
        if (items[3].revents) {
            told = drop_taken(self);
            break;
        }
        if (items[0].revents)
            open = pass(self, client, server, false);
        if (open && items[1].revents)
            open = pass(self, server, client, true);
    }
    if (server >= 0)
        close(server);
    close(client);
    if (told)
        sem_post(&self->dropped);
    return !items[2].revents;
}

static void *
cutter_run(void *arg)
{
    cutter_t *self = (cutter_t *)arg;
    bool going = true;
    while (going) {
        struct pollfd items[] = { { .fd = self->listener, .events = POLLIN },
                                  { .fd = self->quit[0], .events = POLLIN } };
        if (poll(items, 2, -1) <= 0 || items[1].revents)
            break;
        int client = accept(self->listener, NULL, NULL);
        going = client < 0 || serve(self, client);
    }
    return NULL;
}

static bool
cutter_listen(cutter_t *self)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(self->folder, sizeof self->folder, "/tmp/cutter-XXXXXX");
    if (!mkdtemp(self->folder))
        return false;
    (void)snprintf(self->path, sizeof self->path, "%s/.s.PGSQL.5432", self->folder);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", self->path);
    self->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return self->listener >= 0
           && bind(self->listener, (struct sockaddr *)&address, sizeof address) == 0
           && listen(self->listener, 8) == 0;
}

cutter_t *
cutter_new(const char *dsn)
{
    cutter_t *self = (cutter_t *)mem_new(sizeof *self);
    self->server = mem_text(dsn);
    PGconn *probe = PQconnectdb(dsn);
    bool good = PQstatus(probe) == CONNECTION_OK && cutter_listen(self) && pipe(self->quit) == 0
                && pipe(self->drop) == 0 && sem_init(&self->dropped, 0, 0) == 0;
    const char *password = good && PQpass(probe) ? PQpass(probe) : "";
    self->dsn =
        mem_format("host=%s port=5432 user=%s dbname=%s password='%s' sslmode=disable "
                   "gssencmode=disable",
                   self->folder, good ? PQuser(probe) : "", good ? PQdb(probe) : "", password);
    PQfinish(probe);
    if (good && pthread_create(&self->thread, NULL, cutter_run, self) == 0)
        return self;
    free(self->server);
    free(self->dsn);
    free(self);
    return NULL;
}

void
cutter_destroy(cutter_t **self_p)
{
    cutter_t *self = *self_p;
    if (!self)
        return;
    close(self->quit[1]);
    (void)pthread_join(self->thread, NULL);
    close(self->quit[0]);
    close(self->drop[0]);
    close(self->drop[1]);
    (void)sem_destroy(&self->dropped);
    close(self->listener);
    (void)unlink(self->path);
    (void)rmdir(self->folder);
    free(self->server);
    free(self->dsn);
    free(self);
    *self_p = NULL;
}

const char *
cutter_dsn(const cutter_t *self)
{
    return self->dsn;
}

void
cutter_arm(cutter_t *self, const char *text)
{
    atomic_store(&self->text, text);
}

void
cutter_drop(cutter_t *self)
{
    if (write(self->drop[1], "", 1) != 1)
        return;
    while (sem_wait(&self->dropped) != 0)
        ;
}

int
cutter_cuts(const cutter_t *self)
{
    return atomic_load(&self->cuts);
}

#include "api/pace.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "api/peer.h"
#include "common/clock.h"

enum { LOOK_MS = 250, GRACE_MS = 2000, BYTES_PER_S = 1024, MS_PER_S = 1000, NS_PER_MS = 1000000 };

struct pace {
    pthread_t thread;
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t stop_said;
    bool stop;
    int64_t whole_ms;
    pace_entry_t *entries;
};

static bool
too_slow(const pace_entry_t *entry, int64_t now_ms)
{
    int64_t age_ms = now_ms - entry->since_ms;
    if (age_ms >= entry->whole_ms)
        return true;
    return age_ms > GRACE_MS && entry->received < (age_ms - GRACE_MS) * BYTES_PER_S / MS_PER_S;
}

/* Under the entry's lock the reader cannot end, so the connection is open and its socket is found
 * under its own number. */
static void
look_at(pace_entry_t *entry, int64_t now_ms)
{
    pthread_mutex_lock(&entry->lock);
    if (entry->since_ms != 0 && !entry->late && too_slow(entry, now_ms)) {
        entry->late = true;
        int fd = peer_find(entry->peer, entry->peer_port, entry->local_port);
        if (fd >= 0)
            shutdown(fd, SHUT_RD);
    }
    pthread_mutex_unlock(&entry->lock);
}

static void
wait_a_look(pace_t *self)
{
    struct timespec until = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)LOOK_MS * NS_PER_MS;
    until.tv_sec += until.tv_nsec / (MS_PER_S * NS_PER_MS);
    until.tv_nsec %= MS_PER_S * NS_PER_MS;
    int rc = 0;
    while (!self->stop && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&self->stop_said, &self->lock, &until);
}

static void *
watch(void *arg)
{
    pace_t *self = arg;
    pthread_mutex_lock(&self->lock);
    while (!self->stop) {
        int64_t now_ms = clock_mono_ms();
        for (pace_entry_t *entry = self->entries; entry; entry = entry->next)
            look_at(entry, now_ms);
        wait_a_look(self);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

pace_t *
pace_new(int64_t whole_ms, err_t *err)
{
    pace_t *self = mem_new(sizeof *self);
    self->whole_ms = whole_ms;
    pthread_mutex_init(&self->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&self->stop_said, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&self->thread, NULL, watch, self) == 0)
        return self;
    err_set(err, ERR_UNAVAILABLE, "cannot start a thread");
    pthread_cond_destroy(&self->stop_said);
    pthread_mutex_destroy(&self->lock);
    free(self);
    return NULL;
}

void
pace_destroy(pace_t **self_p)
{
    pace_t *self = take(*self_p);
    if (!self)
        return;
    pthread_mutex_lock(&self->lock);
    self->stop = true;
    pthread_cond_signal(&self->stop_said);
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    pthread_cond_destroy(&self->stop_said);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

void
pace_join(pace_t *self, pace_entry_t *entry)
{
    pthread_mutex_init(&entry->lock, NULL);
    entry->whole_ms = self->whole_ms;
    pthread_mutex_lock(&self->lock);
    entry->next = self->entries;
    self->entries = entry;
    pthread_mutex_unlock(&self->lock);
}

void
pace_leave(pace_t *self, pace_entry_t *entry)
{
    pthread_mutex_lock(&self->lock);
    pace_entry_t **at = &self->entries;
    while (*at && *at != entry)
        at = &(*at)->next;
    if (*at)
        *at = entry->next;
    pthread_mutex_unlock(&self->lock);
    pthread_mutex_destroy(&entry->lock);
}

void
pace_start(pace_entry_t *entry)
{
    pthread_mutex_lock(&entry->lock);
    entry->since_ms = clock_mono_ms();
    entry->received = 0;
    entry->late = false;
    pthread_mutex_unlock(&entry->lock);
}

bool
pace_piece(pace_entry_t *entry, int64_t size)
{
    pthread_mutex_lock(&entry->lock);
    entry->received += size;
    bool late = entry->late;
    pthread_mutex_unlock(&entry->lock);
    return !late;
}

bool
pace_stop(pace_entry_t *entry)
{
    pthread_mutex_lock(&entry->lock);
    bool late = entry->late || clock_mono_ms() - entry->since_ms >= entry->whole_ms;
    entry->since_ms = 0;
    pthread_mutex_unlock(&entry->lock);
    return !late;
}

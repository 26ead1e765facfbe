/* stopper.c - who is asked to stop, and how hard. */
#include "executor/stopper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/failpoint.h"

/* A tenant's login on a source. */
typedef struct site {
    struct site *next;
    stopper_t *stopper;
    reserve_t reserve;
    stop_t *stops;
    loop_timer_t *beat; /* while there are any */
} site_t;

struct stopper {
    loop_t *loop;
    pool_t *pool;
    logins_t *logins;
    int64_t grace_ms;
    uint32_t most;
    int64_t *pairs; /* room for `most` */
    site_t *sites;
};

static void on_event(void *site, reserve_event_t event);

stopper_t *
stopper_new(loop_t *loop, pool_t *pool, logins_t *logins, uint32_t most, int64_t grace_ms)
{
    stopper_t *self = mem_new(sizeof *self);
    *self = (stopper_t){ .loop = loop,
                         .pool = pool,
                         .logins = logins,
                         .grace_ms = grace_ms,
                         .most = most,
                         .pairs = mem_array(2 * (size_t)most, sizeof(int64_t)) };
    return self;
}

void
stopper_destroy(stopper_t **self_p)
{
    stopper_t *self = *self_p;
    if (!self)
        return;
    while (self->sites) {
        site_t *site = self->sites;
        self->sites = site->next;
        loop_cancel(&site->beat);
        reserve_clear(&site->reserve);
        free(site);
    }
    free(self->pairs);
    free(self);
    *self_p = NULL;
}

/* --- sites --- */

/* There are never more than have stopped something at a time: one that rests becomes another's. */
static site_t *
site_of(stopper_t *self, const char *tenant, const char *source)
{
    site_t *resting = NULL;
    for (site_t *site = self->sites; site; site = site->next) {
        if (strcmp(site->reserve.tenant, tenant) == 0 && strcmp(site->reserve.source, source) == 0)
            return site;
        if (!site->stops && reserve_idle(&site->reserve))
            resting = site;
    }
    if (!resting) {
        resting = mem_new(sizeof *resting);
        resting->stopper = self;
        resting->next = self->sites;
        self->sites = resting;
        reserve_init(&resting->reserve, self->loop, self->pool, self->logins);
        resting->reserve.event = on_event;
        resting->reserve.user = resting;
    }
    snprintf(resting->reserve.tenant, NAME_SIZE, "%s", tenant);
    snprintf(resting->reserve.source, NAME_SIZE, "%s", source);
    return resting;
}

/* --- asking --- */

/* The sessions that are to be asked now, gently or not. */
static uint32_t
gather(site_t *site, bool hard)
{
    stopper_t *self = site->stopper;
    int64_t now_ms = clock_mono_ms();
    uint32_t count = 0;
    for (stop_t *stop = site->stops; stop && count < self->most; stop = stop->next) {
        if (!stop->asked || (now_ms - stop->since_ms >= self->grace_ms) != hard)
            continue;
        stop->asked = false;
        stop->put = true;
        self->pairs[(size_t)2 * count] = stop->pid;
        self->pairs[(size_t)2 * count + 1] = stop->start_us;
        count++;
    }
    return count;
}

/* Ask what is to be asked; false: nothing is. */
static bool
send(site_t *site)
{
    bool hard = true;
    uint32_t count = gather(site, true);
    if (count == 0) {
        hard = false;
        count = gather(site, false);
    }
    if (count == 0)
        return false;
    session_t *session = site->reserve.session;
    session->driver->stop_backends(session->channel, site->stopper->pairs, count, hard);
    reserve_asked(&site->reserve);
    FAILPOINT(stop_asked);
    return true;
}

static void
on_event(void *arg, reserve_event_t event)
{
    site_t *site = arg;
    if (event == RESERVE_GONE)
        return; /* the next beat wants it again */
    if (!send(site) && !site->stops)
        reserve_give_back(&site->reserve);
}

/* How long a stop is tried for before its owner is told. */
static int64_t
patience_ms(const stopper_t *self, const stop_t *stop)
{
    return stop->put || stop->patient ? 2 * self->grace_ms : self->grace_ms / 4;
}

static stop_t *
take_spent(site_t *site, int64_t now_ms)
{
    for (stop_t **link = &site->stops; *link; link = &(*link)->next) {
        stop_t *stop = *link;
        if (now_ms - stop->since_ms < patience_ms(site->stopper, stop))
            continue;
        *link = stop->next;
        stop->known = false;
        return stop;
    }
    return NULL;
}

static void
rest(site_t *site)
{
    loop_cancel(&site->beat);
    reserve_give_back(&site->reserve);
}

static void
on_beat(void *arg)
{
    site_t *site = arg;
    int64_t now_ms = clock_mono_ms();
    stop_t *spent = take_spent(site, now_ms);
    for (; spent; spent = take_spent(site, now_ms))
        spent->spent(spent->user);
    for (stop_t *stop = site->stops; stop; stop = stop->next)
        stop->asked = true;
    if (site->stops)
        reserve_want(&site->reserve);
    else
        rest(site);
}

/* --- what others call --- */

void
stopper_ask(stopper_t *self, const char *tenant, const char *source, stop_t *stop)
{
    site_t *site = site_of(self, tenant, source);
    stop->since_ms = clock_mono_ms();
    stop->asked = stop->known = true;
    stop->put = false;
    stop->next = site->stops;
    site->stops = stop;
    if (!site->beat)
        site->beat = loop_every(self->loop, STOP_AGAIN_MS, on_beat, site);
    reserve_want(&site->reserve);
}

void
stopper_forget(stopper_t *self, stop_t *stop)
{
    if (!stop->known)
        return;
    stop->known = false;
    for (site_t *site = self->sites; site; site = site->next) {
        stop_t **link = &site->stops;
        while (*link && *link != stop)
            link = &(*link)->next;
        if (!*link)
            continue;
        *link = stop->next;
        if (!site->stops)
            rest(site);
        return;
    }
}

void
stopper_close(stopper_t *self)
{
    for (site_t *site = self->sites; site; site = site->next) {
        loop_cancel(&site->beat);
        reserve_clear(&site->reserve);
    }
}

void
stopper_login_answered(stopper_t *self)
{
    for (site_t *site = self->sites; site; site = site->next)
        reserve_login_answered(&site->reserve);
}

/* barrier.c - who waits for which barrier. */
#include "executor/barrier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/failpoint.h"
#include "common/log.h"

enum { TRIES = 3, AGAIN_MS = 50, ROOM_MS = 2000, ROOM_JITTER_MS = 2000 };

/* A tenant's login on a source. */
typedef struct site {
    struct site *next;
    barriers_t *barriers;
    reserve_t reserve;
    barrier_wait_t *waits;
    uint32_t losses;     /* since the last good answer */
    uint32_t sent;       /* sessions that the one under way asks for */
    int64_t full_ms;     /* there is no room since then; 0: there was */
    loop_timer_t *timer; /* a reserve session is wanted at the end of this turn, or again later */
} site_t;

struct barriers {
    loop_t *loop;
    pool_t *pool;
    logins_t *logins;
    uint32_t most;
    int64_t *pairs; /* room for `most` */
    site_t *sites;
};

static void on_event(void *site, reserve_event_t event);

barriers_t *
barriers_new(loop_t *loop, pool_t *pool, logins_t *logins, uint32_t most)
{
    barriers_t *self = mem_new(sizeof *self);
    *self = (barriers_t){ .loop = loop,
                          .pool = pool,
                          .logins = logins,
                          .most = most,
                          .pairs = mem_array(2 * (size_t)most, sizeof(int64_t)) };
    return self;
}

void
barriers_destroy(barriers_t **self_p)
{
    barriers_t *self = *self_p;
    if (!self)
        return;
    while (self->sites) {
        site_t *site = self->sites;
        self->sites = site->next;
        loop_cancel(&site->timer);
        reserve_clear(&site->reserve);
        free(site);
    }
    free(self->pairs);
    free(self);
    *self_p = NULL;
}

/* --- sites --- */

static bool
is_of(const site_t *site, const char *tenant, const char *source)
{
    return strcmp(site->reserve.tenant, tenant) == 0 && strcmp(site->reserve.source, source) == 0;
}

/* There are never more than have waited at a time: one that rests becomes another's. */
static site_t *
site_of(barriers_t *self, const char *tenant, const char *source)
{
    site_t *resting = NULL;
    for (site_t *site = self->sites; site; site = site->next) {
        if (is_of(site, tenant, source))
            return site;
        if (!site->waits && !site->timer && reserve_idle(&site->reserve))
            resting = site;
    }
    if (!resting) {
        resting = mem_new(sizeof *resting);
        resting->barriers = self;
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

/* --- waiting --- */

/* Could anybody say whether its session is still there? */
static bool
is_told_apart(const barrier_wait_t *wait)
{
    return wait->pid != 0 && wait->start_us != 0;
}

/* Tell those whose barrier it was, or all; who is told may ask again. */
static void
tell(site_t *site, bool all, barrier_verdict_t verdict)
{
    barrier_wait_t *told = NULL;
    barrier_wait_t **link = &site->waits;
    while (*link) {
        barrier_wait_t *wait = *link;
        if (!all && !wait->sent) {
            link = &wait->next;
            continue;
        }
        *link = wait->next;
        wait->next = told;
        told = wait;
    }
    while (told) {
        barrier_wait_t *wait = told;
        told = wait->next;
        wait->waits = false;
        wait->done(wait->user,
                   is_told_apart(wait) || verdict != BARRIER_DURABLE ? verdict : BARRIER_REFUSED);
    }
}

static void
send(site_t *site)
{
    barriers_t *self = site->barriers;
    session_t *session = site->reserve.session;
    site->sent = 0;
    for (barrier_wait_t *wait = site->waits; wait && site->sent < self->most; wait = wait->next) {
        wait->sent = true;
        if (!is_told_apart(wait))
            continue;
        self->pairs[(size_t)2 * site->sent] = wait->pid;
        self->pairs[(size_t)2 * site->sent + 1] = wait->start_us;
        site->sent++;
    }
    session->driver->ask_barrier(session->channel, self->pairs, site->sent);
    reserve_asked(&site->reserve);
    FAILPOINT(barrier_asked);
}

static void
want(void *arg)
{
    site_t *site = arg;
    site->timer = NULL;
    if (site->waits)
        reserve_want(&site->reserve);
}

/* Nobody's is under way any more. */
static void
take_back(site_t *site)
{
    for (barrier_wait_t *wait = site->waits; wait; wait = wait->next)
        wait->sent = false;
}

/* A session that was not there need not be that of one who still waits: those who do ask again. */
static void
answered(site_t *site)
{
    const session_t *session = site->reserve.session;
    bool durable = session->driver->fate(session->channel) == FATE_COMMITTED;
    FAILPOINT(barrier_done);
    if (durable && site->waits && session->driver->left(session->channel) < site->sent) {
        if (++site->losses < TRIES) {
            take_back(site);
            return;
        }
        log_warn("barrier.vain", "tenant=%s source=%s", site->reserve.tenant, site->reserve.source);
        site->losses = 0;
        tell(site, false, BARRIER_AWAY);
        return;
    }
    site->losses = 0;
    tell(site, false, durable ? BARRIER_DURABLE : BARRIER_REFUSED);
}

/* Is it to be tried again? */
static bool
hopes(site_t *site)
{
    if (!site->reserve.full)
        return ++site->losses < TRIES;
    int64_t now_ms = clock_mono_ms();
    if (site->full_ms == 0)
        site->full_ms =
            now_ms + clock_mono_us() % ROOM_JITTER_MS; /* who shares it gives up later */
    return now_ms - site->full_ms < ROOM_MS;
}

static void
lost(site_t *site)
{
    take_back(site);
    if (hopes(site)) {
        if (!site->timer)
            site->timer = loop_after(site->barriers->loop, AGAIN_MS, want, site);
        return;
    }
    barrier_verdict_t verdict = site->reserve.full ? BARRIER_FULL : BARRIER_AWAY;
    site->losses = 0;
    site->full_ms = 0;
    tell(site, true, verdict);
}

/* There is room again: it is another tenant's turn. */
static void
give_back(site_t *given)
{
    barriers_t *self = given->barriers;
    reserve_give_back(&given->reserve);
    for (site_t *site = self->sites; site; site = site->next) {
        if (!site->waits || site->full_ms == 0 || !reserve_idle(&site->reserve))
            continue;
        loop_cancel(&site->timer);
        site->timer = loop_after(self->loop, 0, want, site);
    }
}

static void
on_event(void *arg, reserve_event_t event)
{
    site_t *site = arg;
    if (event == RESERVE_GONE) {
        lost(site);
        return;
    }
    site->full_ms = 0;
    if (event == RESERVE_ANSWERED)
        answered(site);
    if (!site->waits)
        give_back(site);
    else if (site->reserve.state == RESERVE_HELD)
        send(site);
}

/* --- what others call --- */

void
barriers_ask(barriers_t *self, const char *tenant, const char *source, barrier_wait_t *wait)
{
    site_t *site = site_of(self, tenant, source);
    if (!site->waits)
        site->losses = 0;
    wait->waits = true;
    wait->sent = false;
    wait->next = site->waits;
    site->waits = wait;
    if (!site->timer && (reserve_idle(&site->reserve)))
        site->timer = loop_after(self->loop, 0, want, site);
}

void
barriers_forget(barriers_t *self, barrier_wait_t *wait)
{
    if (!wait->waits)
        return;
    for (site_t *site = self->sites; site; site = site->next) {
        barrier_wait_t **link = &site->waits;
        while (*link && *link != wait)
            link = &(*link)->next;
        if (*link)
            *link = wait->next;
    }
    wait->waits = false;
}

void
barriers_close(barriers_t *self)
{
    for (site_t *site = self->sites; site; site = site->next) {
        loop_cancel(&site->timer);
        reserve_clear(&site->reserve);
    }
}

void
barriers_login_answered(barriers_t *self)
{
    for (site_t *site = self->sites; site; site = site->next)
        reserve_login_answered(&site->reserve);
}

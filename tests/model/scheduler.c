/* scheduler.c - one event after another, drawn from the seed; then healing, until nothing is open.
 */
#include "tests/model/world.h"

enum { HEAL_EVENTS_MOST = 6000 };

typedef bool (*event_fn)(world_t *w);

typedef struct {
    event_fn happens;
    uint16_t weight;
    uint8_t fault; /* the seed says how often: see moods */
} event_t;

enum {
    NO_FAULT,
    MOOD_PROCESS,
    MOOD_STORE,
    MOOD_SOURCE,
    MOOD_SESSION,
    MOOD_BUS,
    MOOD_PEOPLE,
    MOODS
};

static bool
store_fails(world_t *w)
{
    if (w->store_up)
        store_crash(w);
    return true;
}

static bool
store_returns(world_t *w)
{
    w->store_up = true;
    return true;
}

static bool
broker_sticks(world_t *w)
{
    w->broker[roll(w, BROKERS)].stuck = true;
    hit(w, FAULT_broker_stuck);
    return true;
}

static bool
broker_goes_on(world_t *w)
{
    w->broker[roll(w, BROKERS)].stuck = false;
    return true;
}

static bool
time_passes(world_t *w)
{
    w->now += 1 + (int32_t)roll(w, LEASE / 2);
    return true;
}

static const event_t events[] = {
    { exec_turn, 60, NO_FAULT },
    { source_serve, 40, NO_FAULT },
    { flight_depart, 40, NO_FAULT },
    { flight_execute, 40, NO_FAULT },
    { flight_answer, 40, NO_FAULT },
    { exec_barrier, 24, NO_FAULT },
    { exec_renew, 12, NO_FAULT },
    { exec_enroll, 6, NO_FAULT },
    { exec_cancels, 3, NO_FAULT },
    { bus_deliver, 16, NO_FAULT },
    { broker_lead, 6, NO_FAULT },
    { broker_sweep, 16, NO_FAULT },
    { broker_dispatch, 10, NO_FAULT },
    { broker_goes_on, 1, NO_FAULT },
    { client_submit, 12, NO_FAULT },
    { client_retry, 6, NO_FAULT },
    { source_notice, 10, NO_FAULT },
    { source_write_out, 2, NO_FAULT },
    { source_restart, 4, NO_FAULT },
    { store_returns, 3, NO_FAULT },
    { exec_continue, 3, NO_FAULT },
    { exec_restart, 4, NO_FAULT },
    { time_passes, 3, NO_FAULT },
    { exec_kill, 6, MOOD_PROCESS },
    { exec_pause, 6, MOOD_PROCESS },
    { exec_drain, 2, MOOD_PROCESS },
    { time_passes, 4, MOOD_PROCESS },
    { flight_cut, 12, MOOD_STORE },
    { store_fails, 2, MOOD_STORE },
    { source_crash, 6, MOOD_SOURCE },
    { source_failover, 2, MOOD_SOURCE },
    { source_forget, 1, MOOD_SOURCE },
    { source_stranger, 10, MOOD_SOURCE },
    { session_cut, 10, MOOD_SESSION },
    { bus_drop, 8, MOOD_BUS },
    { broker_sticks, 3, MOOD_BUS },
    { client_cancel, 6, MOOD_PEOPLE },
    { client_remove, 4, MOOD_PEOPLE },
};

enum { EVENTS = sizeof events / sizeof events[0], BAND = 1024, TRIES_MOST = 60 };

/* Events of one sort, each as often as it weighs. */
typedef struct {
    uint8_t event[BAND];
    uint32_t size;
} band_t;

/* `moods`: how often each sort of fault happens; NULL: what is no fault. */
static void
band_fill(band_t *band, const uint32_t *moods)
{
    band->size = 0;
    for (uint8_t i = 0; i < EVENTS; i++) {
        bool fault = events[i].fault != NO_FAULT;
        if (fault != (moods != NULL))
            continue;
        uint32_t times = events[i].weight * (fault ? moods[events[i].fault] : 1);
        for (uint32_t n = 0; n < times && band->size < BAND; n++)
            band->event[band->size++] = i;
    }
}

/* Draw until one can happen. */
static void
happen(world_t *w, const band_t *band)
{
    for (int tries = 0; tries < TRIES_MOST && band->size > 0; tries++) {
        if (events[band->event[roll(w, band->size)]].happens(w))
            break;
    }
    w->events++;
    w->now += (int32_t)roll(w, 2);
    if (w->trapped >= 0)
        exec_trapped(w);
    check(w);
}

static bool
all_over(const world_t *w)
{
    for (int r = 0; r < REQUESTS; r++) {
        if (w->request[r].state != ASKED && w->request[r].state != GAVE_UP)
            return false;
    }
    for (int j = 0; j < w->job_count; j++) {
        if (w->row[j].live)
            return false;
    }
    for (int f = 0; f < FLIGHTS; f++) {
        if (w->flight[f].used && w->flight[f].kind == FLIGHT_SUBMIT)
            return false;
    }
    return true;
}

static void
heal(world_t *w)
{
    say(w, "-- from here on nothing breaks");
    w->healing = true;
    w->store_up = true;
    for (int i = 0; i < SOURCES; i++)
        w->source[i].up = true;
    for (int i = 0; i < BROKERS; i++)
        w->broker[i].stuck = false;
    for (int i = 0; i < EXECS; i++) {
        w->exec[i].state = EXEC_UP;
        w->exec[i].draining = false;
    }
}

bool
seed_run(world_t *w)
{
    band_t usual;
    band_t faults;
    uint32_t moods[MOODS] = { 0 };
    for (int i = 1; i < MOODS; i++)
        moods[i] = chance(w, 35) ? 0 : 1 + roll(w, 6);
    band_fill(&usual, NULL);
    band_fill(&faults, moods);
    uint32_t wild = 100 + roll(w, 301);
    uint32_t percent = 1 + roll(w, 12);
    while (w->events < wild && !w->claim)
        happen(w, chance(w, percent) ? &faults : &usual);
    heal(w);
    uint32_t most = w->events + HEAL_EVENTS_MOST;
    while (w->events < most && !w->claim && !all_over(w))
        happen(w, &usual);
    if (!w->claim)
        check_end(w);
    w->figures->seeds++;
    w->figures->events += w->events;
    return !w->claim;
}

/* flights.c - transactions on their way to the store: sent, executed, answered, or cut off in
 * between.
 *
 * A flight that was cut off may still be executed later, behind the one that was sent again.
 */
#include <string.h>

#include "tests/model/world.h"

flight_t *
flight_new(world_t *w, flight_kind_t kind)
{
    flight_t *found = NULL;
    for (int i = 0; i < FLIGHTS; i++) {
        if (!w->flight[i].used) {
            found = &w->flight[i];
            break;
        }
        if (w->flight[i].orphan)
            found = &w->flight[i];
    }
    if (found) {
        memset(found, 0, offsetof(flight_t, asks));
        found->used = true;
        found->kind = kind;
        found->exec = found->request = -1;
        found->sent_at = w->now;
    }
    return found;
}

/* --- an executor's lanes --- */

static uint32_t
held(const exec_row_t *exec)
{
    uint32_t jobs = 0;
    for (int s = 0; s < SLOTS; s++) {
        if (exec->slot[s].stage >= STAGE_CLAIM)
            jobs |= 1U << exec->slot[s].job;
    }
    return jobs;
}

static bool
lane_depart(world_t *w, int e, int lane)
{
    exec_row_t *exec = &w->exec[e];
    bool queued = false;
    for (int s = 0; s < SLOTS; s++)
        queued |= exec->slot[s].write[lane] == WRITE_QUEUED;
    flight_t *flight = queued && exec->flight[lane] < 0 ? flight_new(w, FLIGHT_LANE) : NULL;
    if (!flight)
        return false;
    exec->flight[lane] = (int8_t)(flight - w->flight);
    flight->exec = (int8_t)e;
    flight->lane = (int8_t)lane;
    flight->owner = exec_owner(w, e);
    flight->held = held(exec);
    if (lane == 0)
        flight->number = ++exec->number;
    for (int s = 0; s < SLOTS; s++) {
        if (exec->slot[s].write[lane] != WRITE_QUEUED)
            continue;
        exec->slot[s].write[lane] = WRITE_FLYING;
        flight->asks[flight->count++] = exec->slot[s].ask[lane];
    }
    return true;
}

bool
flight_depart(world_t *w)
{
    uint32_t from = roll(w, EXECS * LANES);
    for (uint32_t i = 0; i < EXECS * LANES; i++) {
        uint32_t at = (from + i) % (EXECS * LANES);
        if (w->exec[at / LANES].state == EXEC_UP && lane_depart(w, (int)(at / LANES), at % LANES))
            return true;
    }
    return false;
}

static void
lane_answer(world_t *w, flight_t *flight)
{
    exec_row_t *exec = &w->exec[flight->exec];
    exec->flight[flight->lane] = -1;
    for (int i = 0; i < flight->count; i++) {
        const ask_t *ask = &flight->asks[i];
        slot_row_t *slot = &exec->slot[ask->slot];
        if (slot->serial != ask->serial || slot->write[flight->lane] != WRITE_FLYING)
            continue;
        slot->ask[flight->lane] = *ask;
        slot->write[flight->lane] = WRITE_ANSWERED;
    }
    if (flight->refused)
        exec_drop_all(w, flight->exec);
}

/* What was not answered is sent again. */
static void
lane_again(world_t *w, const flight_t *flight)
{
    exec_row_t *exec = &w->exec[flight->exec];
    exec->flight[flight->lane] = -1;
    for (int s = 0; s < SLOTS; s++) {
        if (exec->slot[s].write[flight->lane] == WRITE_FLYING)
            exec->slot[s].write[flight->lane] = WRITE_QUEUED;
    }
}

static void
renewal_answer(world_t *w, const flight_t *flight)
{
    exec_row_t *exec = &w->exec[flight->exec];
    exec->renewal = -1;
    if (!flight->refused)
        exec->lease_until = flight->sent_at + LEASE;
    else
        exec_drop_all(w, flight->exec);
}

/* --- any flight --- */

bool
flight_execute(world_t *w)
{
    if (!w->store_up)
        return false;
    uint32_t from = roll(w, FLIGHTS);
    for (uint32_t i = 0; i < FLIGHTS; i++) {
        flight_t *flight = &w->flight[(from + i) % FLIGHTS];
        if (!flight->used || flight->executed)
            continue;
        if (flight->orphan)
            hit(w, FAULT_flight_late);
        switch (flight->kind) {
        case FLIGHT_LANE: store_lane(w, flight); break;
        case FLIGHT_RENEW: store_renew(w, flight); break;
        case FLIGHT_SUBMIT: store_submit(w, flight); break;
        }
        flight->executed = true;
        flight->used = !flight->orphan;
        return true;
    }
    return false;
}

bool
flight_answer(world_t *w)
{
    uint32_t from = roll(w, FLIGHTS);
    for (uint32_t i = 0; i < FLIGHTS; i++) {
        flight_t *flight = &w->flight[(from + i) % FLIGHTS];
        if (!flight->used || !flight->executed)
            continue;
        if (flight->kind != FLIGHT_SUBMIT && w->exec[flight->exec].state != EXEC_UP)
            continue;
        flight->used = false;
        switch (flight->kind) {
        case FLIGHT_LANE: lane_answer(w, flight); break;
        case FLIGHT_RENEW: renewal_answer(w, flight); break;
        case FLIGHT_SUBMIT: client_answered(w, flight); break;
        }
        return true;
    }
    return false;
}

/* Nobody waits for it any more. */
void
flight_orphan(world_t *w, flight_t *flight, bool late)
{
    flight->orphan = true;
    flight->used = late && !flight->executed;
    switch (flight->kind) {
    case FLIGHT_LANE: lane_again(w, flight); break;
    case FLIGHT_RENEW: w->exec[flight->exec].renewal = -1; break;
    case FLIGHT_SUBMIT:
        client_unanswered(w, flight->request, flight->job, flight->number > 0);
        break;
    }
}

bool
flight_cut(world_t *w)
{
    uint32_t from = roll(w, FLIGHTS);
    for (uint32_t i = 0; i < FLIGHTS; i++) {
        flight_t *flight = &w->flight[(from + i) % FLIGHTS];
        if (!flight->used || flight->orphan)
            continue;
        hit(w, FAULT_answer_lost);
        flight_orphan(w, flight, chance(w, 60));
        return true;
    }
    return false;
}

void
store_crash(world_t *w)
{
    hit(w, FAULT_store_crash);
    w->store_up = false;
    for (int i = 0; i < FLIGHTS; i++) {
        if (w->flight[i].used && w->flight[i].orphan)
            w->flight[i].used = false;
    }
    for (int i = 0; i < FLIGHTS; i++) {
        if (w->flight[i].used && w->flight[i].sent_at <= w->now && !w->flight[i].orphan)
            flight_orphan(w, &w->flight[i], false);
    }
    for (int b = 0; b < BROKERS; b++)
        w->broker[b].late_job = -1;
}

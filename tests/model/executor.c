/* executor.c - the process around the slots: its node row and lease, its sessions and barriers, and
 * all that may happen to a process.
 */
#include <string.h>

#include "tests/model/world.h"

int32_t
exec_owner(const world_t *w, int exec)
{
    return exec * 1000 + w->exec[exec].incarnation;
}

static int
any_up(world_t *w)
{
    int exec = (int)roll(w, EXECS);
    return w->exec[exec].state == EXEC_UP ? exec : -1;
}

/* Whom a fault hits: rather one that is about to COMMIT. */
static int
aim(world_t *w)
{
    int exec = (int)roll(w, EXECS);
    if (chance(w, 40))
        return exec;
    for (int i = 0; i < EXECS; i++, exec = (exec + 1) % EXECS) {
        for (int s = 0; s < SLOTS; s++) {
            stage_t stage = w->exec[exec].slot[s].stage;
            if (stage >= STAGE_BARRIER && stage <= STAGE_ALONE)
                return exec;
        }
    }
    return exec;
}

/* --- sessions --- */

/* A warm session of this source, or a new one; -1: the source is away. */
int
exec_session(world_t *w, int exec, int source, int job)
{
    for (int i = 0; i < IDLE; i++) {
        int16_t *idle = &w->exec[exec].idle[source][i];
        int session = *idle;
        if (session < 0)
            continue;
        *idle = -1;
        w->session[session].answer = ANSWER_NONE;
        if (!w->session[session].lost)
            return session;
        session_close(w, session);
    }
    return session_open(w, source, job);
}

void
exec_session_put(world_t *w, int exec, int session)
{
    int source = w->session[session].source;
    for (int i = 0; i < IDLE; i++) {
        int16_t *idle = &w->exec[exec].idle[source][i];
        if (*idle >= 0)
            continue;
        *idle = (int16_t)session;
        return;
    }
    session_close(w, session);
}

static void
close_all(world_t *w, int e)
{
    exec_row_t *exec = &w->exec[e];
    for (int s = 0; s < SLOTS; s++)
        slot_drop(w, e, s);
    for (int s = 0; s < SOURCES; s++) {
        session_close(w, exec->barrier[s].session);
        exec->barrier[s] = (barrier_row_t){ .session = -1, .sent = exec->barrier[s].sent };
        for (int i = 0; i < IDLE; i++) {
            session_close(w, exec->idle[s][i]);
            exec->idle[s][i] = -1;
        }
    }
}

static void
cut_all(world_t *w, int e)
{
    for (int i = 0; i < FLIGHTS; i++) {
        flight_t *flight = &w->flight[i];
        if (flight->used && !flight->orphan && flight->exec == e)
            flight_orphan(w, flight, chance(w, 60));
    }
}

/* This incarnation was declared dead: nothing is its own any more. */
void
exec_drop_all(world_t *w, int e)
{
    say(w, "executor %d is deposed", e);
    hit(w, FAULT_woke_deposed);
    close_all(w, e);
    cut_all(w, e);
    w->exec[e].enrolled = false;
}

/* --- the node row --- */

bool
exec_enroll(world_t *w)
{
    int e = any_up(w);
    if (e < 0 || w->exec[e].enrolled || !w->store_up)
        return false;
    exec_row_t *exec = &w->exec[e];
    exec->incarnation++;
    exec->enrolled = store_enroll(w, e);
    exec->lease_until = w->now + LEASE;
    say(w, "executor %d enters as %d", e, exec_owner(w, e));
    return exec->enrolled;
}

bool
exec_renew(world_t *w)
{
    int e = any_up(w);
    if (e < 0 || !w->exec[e].enrolled || w->exec[e].renewal >= 0)
        return false;
    if (w->exec[e].lease_until - w->now > LEASE * 7 / 10)
        return false;
    flight_t *flight = flight_new(w, FLIGHT_RENEW);
    if (!flight)
        return false;
    flight->exec = (int8_t)e;
    flight->owner = exec_owner(w, e);
    w->exec[e].renewal = (int8_t)(flight - w->flight);
    return true;
}

/* --- work --- */

bool
exec_take(world_t *w, int e, int job)
{
    exec_row_t *exec = &w->exec[e];
    int free = -1;
    if (exec->state != EXEC_UP || !exec->enrolled || exec->draining)
        return false;
    for (int s = 0; s < SLOTS; s++) {
        if (exec->slot[s].stage == STAGE_FREE)
            free = s;
        else if (exec->slot[s].job == job)
            return false; /* it has it */
    }
    if (free >= 0)
        slot_start(w, e, free, job);
    return free >= 0;
}

bool
exec_turn(world_t *w)
{
    uint32_t from = roll(w, EXECS * SLOTS);
    for (uint32_t i = 0; i < EXECS * SLOTS; i++) {
        uint32_t at = (from + i) % (EXECS * SLOTS);
        int e = (int)(at / SLOTS);
        int slot = (int)(at % SLOTS);
        if (w->exec[e].state != EXEC_UP || w->exec[e].slot[slot].stage == STAGE_FREE)
            continue;
        if (w->exec[e].draining && chance(w, 10))
            slot_leave(w, e, slot);
        if (slot_turn(w, e, slot))
            return true;
    }
    return false;
}

/* Which of its jobs were asked to stop? */
bool
exec_cancels(world_t *w)
{
    int e = any_up(w);
    if (e < 0 || !w->store_up)
        return false;
    for (int s = 0; s < SLOTS; s++) {
        slot_row_t *slot = &w->exec[e].slot[s];
        if (slot->stage > STAGE_CLAIM && w->row[slot->job].live && w->row[slot->job].cancel)
            slot->cancelled = true;
    }
    return true;
}

/* --- barriers --- */

/* Send one for all slots that wait; one is under way at a time. */
static bool
barrier_send(world_t *w, int e, int source)
{
    exec_row_t *exec = &w->exec[e];
    barrier_row_t *barrier = &exec->barrier[source];
    uint8_t count = 0;
    for (int s = 0; s < SLOTS; s++) {
        const slot_row_t *slot = &exec->slot[s];
        if (slot->stage != STAGE_BARRIER || slot->barrier_ok != 0 || slot->session < 0
            || w->session[slot->session].source != source || slot->barrier != barrier->sent + 1)
            continue;
        barrier->slots[count] = (uint8_t)s;
        barrier->serials[count++] = slot->serial;
    }
    if (count == 0)
        return false;
    if (barrier->session < 0)
        barrier->session = (int16_t)session_open(w, source, -1);
    if (barrier->session < 0)
        return false;
    session_row_t *session = &w->session[barrier->session];
    session->count = count;
    for (uint8_t i = 0; i < count; i++)
        session->pairs[i] = exec->slot[barrier->slots[i]].session;
    session_ask(w, barrier->session, REQ_BARRIER);
    barrier->count = count;
    barrier->sent++;
    barrier->flying = true;
    return true;
}

/* The id is durable, unless it was given out before a crash that the slot has not heard of. */
static int8_t
barrier_word(const world_t *w, const session_row_t *session, uint32_t i)
{
    if (session->answer == ANSWER_REFUSED)
        return -2;
    bool lives = (session->told >> i & 1U) || w->broken == BREAK_barrier_life;
    return lives ? 1 : -1;
}

static void
barrier_over(world_t *w, int e, int source)
{
    barrier_row_t *barrier = &w->exec[e].barrier[source];
    session_row_t *session = &w->session[barrier->session];
    bool lost = session->answer == ANSWER_NONE;
    barrier->flying = false;
    for (uint8_t i = 0; i < barrier->count; i++) {
        slot_row_t *slot = &w->exec[e].slot[barrier->slots[i]];
        if (slot->serial != barrier->serials[i] || slot->stage != STAGE_BARRIER)
            continue;
        if (lost)
            slot->barrier = (int16_t)(barrier->sent + 1);
        else
            slot->barrier_ok = barrier_word(w, session, i);
    }
    for (int s = 0; s < SLOTS; s++) {
        slot_row_t *slot = &w->exec[e].slot[s];
        if (slot->stage == STAGE_BARRIER && slot->session >= 0 && slot->barrier == barrier->sent
            && w->session[slot->session].source == source && slot->barrier_ok == 0)
            slot->barrier_ok = 1; /* it joined (only where that is broken) */
    }
    session->answer = ANSWER_NONE;
    if (lost) {
        session_close(w, barrier->session);
        barrier->session = -1;
    }
}

bool
exec_barrier(world_t *w)
{
    int e = any_up(w);
    int source = (int)roll(w, SOURCES);
    if (e < 0)
        return false;
    barrier_row_t *barrier = &w->exec[e].barrier[source];
    if (!barrier->flying && barrier->session >= 0 && w->session[barrier->session].lost) {
        session_close(w, barrier->session);
        barrier->session = -1;
    }
    if (!barrier->flying)
        return barrier_send(w, e, source);
    const session_row_t *session = &w->session[barrier->session];
    if (session->answer == ANSWER_NONE && !session->lost)
        return false;
    barrier_over(w, e, source);
    return true;
}

/* --- what may happen to it --- */

static void
die(world_t *w, int e)
{
    exec_row_t *exec = &w->exec[e];
    close_all(w, e);
    cut_all(w, e);
    exec->state = EXEC_DOWN;
    exec->enrolled = false;
    exec->draining = false;
    exec->epoch = 0;
}

static void
pause(world_t *w, int e)
{
    hit(w, FAULT_paused);
    say(w, "executor %d is stopped", e);
    w->exec[e].state = EXEC_PAUSED;
    w->exec[e].frozen_until = w->now + (chance(w, 50) ? (int32_t)roll(w, 4 * LEASE) : 0);
}

void
exec_trapped(world_t *w)
{
    int e = w->trapped;
    w->trapped = -1;
    if (w->exec[e].state != EXEC_UP)
        return;
    hit(w, FAULT_trapped);
    if (w->trap_crashes) {
        for (int s = 0; s < SOURCES; s++)
            source_down(w, s);
    }
    if (w->trap_kills)
        die(w, e);
    else
        pause(w, e);
}

bool
exec_kill(world_t *w)
{
    int e = aim(w);
    if (w->exec[e].state == EXEC_DOWN || (w->exec[e].state == EXEC_PAUSED && chance(w, 70)))
        return false;
    hit(w, FAULT_killed);
    say(w, "executor %d is killed", e);
    die(w, e);
    return true;
}

bool
exec_pause(world_t *w)
{
    int e = aim(w);
    if (w->exec[e].state != EXEC_UP)
        return false;
    pause(w, e);
    return true;
}

bool
exec_continue(world_t *w)
{
    int e = (int)roll(w, EXECS);
    if (w->exec[e].state != EXEC_PAUSED || w->now < w->exec[e].frozen_until)
        return false;
    say(w, "executor %d goes on", e);
    w->exec[e].state = EXEC_UP;
    return true;
}

bool
exec_restart(world_t *w)
{
    int e = (int)roll(w, EXECS);
    if (w->exec[e].state != EXEC_DOWN)
        return false;
    w->exec[e].state = EXEC_UP;
    return true;
}

/* Stop claiming; once all slots are free, leave. */
bool
exec_drain(world_t *w)
{
    int e = any_up(w);
    if (e < 0)
        return false;
    exec_row_t *exec = &w->exec[e];
    if (!exec->draining) {
        hit(w, FAULT_drained);
        exec->draining = true;
        return true;
    }
    for (int s = 0; s < SLOTS; s++) {
        if (exec->slot[s].stage != STAGE_FREE)
            return false;
    }
    if (exec->enrolled && w->store_up)
        store_leave(w, e);
    die(w, e);
    return true;
}

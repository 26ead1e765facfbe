/* world.c - chance, words, and the shape of a fresh world. */
#include "tests/model/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- chance: splitmix64 --- */

static uint64_t
draw(world_t *w)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

uint32_t
roll(world_t *w, uint32_t below)
{
    return (uint32_t)(((draw(w) >> 32) * below) >> 32);
}

bool
chance(world_t *w, uint32_t percent)
{
    return roll(w, 100) < percent;
}

/* --- words --- */

void
say(const world_t *w, const char *format, ...)
{
    if (!w->trace)
        return;
    va_list args;
    va_start(args, format);
    printf("%5u t=%-5d ", w->events, w->now);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

void
violate(world_t *w, const char *claim, const char *format, ...)
{
    if (w->claim)
        return;
    va_list args;
    va_start(args, format);
    w->claim = claim;
    vsnprintf(w->story, sizeof w->story, format, args);
    va_end(args);
    say(w, "BROKEN: %s (%s)", claim, w->story);
}

const char *
fault_name(fault_t fault)
{
    static const char *const names[FAULTS] = {
#define FAULT(name) #name,
#include "tests/model/faults.def"
#undef FAULT
    };
    return names[fault];
}

void
hit(world_t *w, fault_t fault)
{
    w->figures->faults[fault]++;
    say(w, "! %s", fault_name(fault));
}

const char *
break_name(break_t broken)
{
    static const char *const names[BREAKS] = {
        "none",
#define BREAK(name, what) #name,
#include "tests/model/breaks.def"
#undef BREAK
    };
    return names[broken];
}

const char *
break_story(break_t broken)
{
    static const char *const stories[BREAKS] = {
        "the protocol as it is",
#define BREAK(name, what) what,
#include "tests/model/breaks.def"
#undef BREAK
    };
    return stories[broken];
}

/* --- a fresh world --- */

static does_t
draw_does(world_t *w)
{
    uint32_t at = roll(w, 20);
    if (at < 13)
        return DOES_WRITE;
    if (at < 15)
        return DOES_READ;
    if (at < 17)
        return DOES_FAIL;
    return at < 18 ? DOES_FAIL_LATE : DOES_WRITE_ALONE;
}

/* The shape of a job, should it be submitted. */
static void
draw_job(world_t *w, row_t *row, int sources)
{
    static const char *const conditions[] = { "always", "done", "failed", "done:0", "failed:0" };
    row->steps = (uint8_t)(chance(w, 45) ? 1 : 2 + roll(w, STEPS - 1));
    row->source = (int8_t)roll(w, (uint32_t)sources);
    row->key = -1;
    row->owner = -1;
    row->backend = -1;
    row->lasts = chance(w, 20) ? 60 + (int32_t)roll(w, 600) : 0;
    row->waits = chance(w, 25) ? 5 + (int32_t)roll(w, 60) : 0;
    for (int s = 0; s < row->steps; s++) {
        row->spec[s].does = draw_does(w);
        row->spec[s].pages = (uint8_t)roll(w, 3);
        if (s > 0 && chance(w, 35))
            row->spec[s].condition = conditions[roll(w, 5)];
    }
}

static void
init_source(world_t *w, source_row_t *source)
{
    source->up = true;
    source->ledger = w->ledger == 2 ? chance(w, 50) : w->ledger == 1;
    source->barrier = !chance(w, 4);
    source->timeline = 1;
    source->next_xid = 3;
}

static void
init_exec(exec_row_t *exec)
{
    exec->state = EXEC_UP;
    exec->flight[0] = exec->flight[1] = -1;
    exec->renewal = -1;
    for (int s = 0; s < SOURCES; s++) {
        exec->barrier[s].session = -1;
        for (int i = 0; i < IDLE; i++)
            exec->idle[s][i] = -1;
    }
    for (int s = 0; s < SLOTS; s++)
        exec->slot[s].session = -1;
}

void
world_init(world_t *w, uint64_t seed, int ledger, break_t broken, figures_t *figures)
{
    bool trace = w->trace;
    memset(w, 0, sizeof *w);
    w->trace = trace;
    w->seed = seed;
    w->random = seed * 0x2545f4914f6cdd1dU + 1;
    w->ledger = ledger;
    w->broken = broken;
    w->figures = figures;
    w->now = 1000;
    w->store_up = true;
    w->leader = w->trapped = -1;
    w->leader_beat = -TAKEOVER;
    for (int i = 0; i < SOURCES; i++)
        init_source(w, &w->source[i]);
    int used = 1 + (int)roll(w, SOURCES);
    for (int i = 0; i < JOBS; i++)
        draw_job(w, &w->row[i], used);
    for (int i = 0; i < EXECS; i++)
        init_exec(&w->exec[i]);
    for (int i = 0; i < BROKERS; i++)
        w->broker[i].late_job = -1;
    w->trap = STAGE_CLAIM + roll(w, STAGE_BACK - STAGE_CLAIM + 1);
    w->trap_left = (uint8_t)roll(w, 4);
    w->trap_kills = chance(w, 50);
    w->trap_crashes = chance(w, 20);
    uint32_t asked = 2 + roll(w, REQUESTS - 1);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        w->key_owner[i] = -1;
        request_row_t *request = &w->request[i];
        request->state = i < asked ? ASKING_NOT : GAVE_UP;
        request->job = request->told = request->like = -1;
        request->key = chance(w, 60) ? (int8_t)roll(w, i + 1) : -1;
    }
}

/* runner_inner.h - what the two files of the runner share: runner.c hears and says, runner_make.c
 * makes it and everything that its slots work with. */
#ifndef EXECUTOR_RUNNER_INNER_H
#define EXECUTOR_RUNNER_INNER_H

#include "common/link.h"
#include "executor/cancels.h"
#include "executor/credit.h"
#include "executor/runner.h"
#include "executor/slot.h"

struct runner {
    runner_options_t options;
    kit_t kit;
    lane_t *control;
    lane_t *pages;
    link_t *link;
    credit_t credit;
    cancels_t *cancels;
    slot_t *slots;
    slot_t *free;
    uint32_t free_count;
    bool deposed;           /* a lane said so: drop all at the end of the turn */
    int64_t quiet_until_ms; /* grant nothing until then */
    int64_t mute_until_ms;
    bool hinted; /* a slot has a cancel to look for once its job is claimed */
    bool draining;
    loop_timer_t *drain_timer;
    loop_timer_t *tick;
};

/* Where what it is made of speaks to it; `arg` is the runner. */
uint32_t runner_on_held(void *arg, const jobid_t **ids);
void runner_on_lane_deposed(void *arg);
void runner_on_message(void *arg, const wire_t *message);
void runner_on_leader(void *arg, uint64_t epoch);
uint32_t runner_on_at_hand(void *arg, jobid_t *ids);
void runner_on_cancelled(void *arg, const jobid_t *job);
void runner_on_freed(void *arg, slot_t *slot, const jobid_t *job, release_verdict_t verdict,
                     int64_t executing_ms);
void runner_on_handed_back(void *arg, const jobid_t *job, int64_t later_ms);
void runner_on_login(void *arg);
bool runner_on_lease(void *arg, int64_t margin_ms);
bool runner_on_turn_end(void *arg);
bool runner_on_turn_over(void *arg);
void runner_on_tick(void *arg);

/* This slot is free. */
void runner_put_free(runner_t *self, slot_t *slot);

#endif

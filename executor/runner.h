/* runner.h - all slots of an executor, and its talk with the leader.
 *
 * The leader dispatches jobs to granted slots; the runner starts them, says at the end of each turn
 * of the loop which are over and how many more may come, and tells of ended jobs once the store has
 * them. What everything shares (lanes, sessions, logins, records) is made here.
 *
 * Loop hooks are added in an order that lets a turn's work leave in the same turn: first the runner
 * says what came of the descriptors and timers, then the link takes in what the leader says, then
 * the lanes send what both have written. All on the loop's thread.
 */
#ifndef EXECUTOR_RUNNER_H
#define EXECUTOR_RUNNER_H

#include "common/bus.h"
#include "common/loop.h"
#include "common/seal.h"
#include "common/store.h"

typedef struct runner runner_t;

typedef struct {
    loop_t *loop;
    const char *store; /* DSN */
    const char *name;
    int64_t incarnation;
    const bus_keys_t *keys;
    const seal_key_t *seal; /* NULL: no key file */
    uint32_t slots;
    uint32_t sessions_extra;
    uint32_t page_bytes;
    uint32_t page_rows;
    uint32_t row_bytes;
    int64_t first_page_ms;
    int64_t page_ms;
    uint32_t inline_bytes;
    uint32_t memory_mib;
    int32_t max_attempts;
    int64_t deadline_ms;
    int64_t statement_timeout_ms;
    int64_t stop_grace_ms;
    uint32_t batch_most;
    int64_t connect_timeout_ms;
    int64_t lease_ms;
    int64_t drain_ms;
    int64_t silence_ms;
    bool (*lease_good)(void *arg, int64_t margin_ms);
    void *arg;
} runner_options_t;

/* Keeps loop, keys, seal and arg; copies texts. Caller owns the result. */
runner_t *runner_new(const runner_options_t *options) MUST_USE;
void runner_destroy(runner_t **self_p);

/* The brokers there are (keeper_options_t.brokers). */
void runner_brokers(runner_t *self, const broker_t *brokers, uint32_t count);

/* This incarnation was declared dead; go on as the next one with nothing in hand. */
void runner_deposed(runner_t *self, int64_t incarnation);

/* Take no more jobs; when those that run are over, or after drain_ms are handed back, stop the
 * loop. */
void runner_drain(runner_t *self);

/* Can it do its work? Otherwise a reason is in `err`. */
bool runner_ready(const runner_t *self, err_t *err) MUST_USE;

#endif

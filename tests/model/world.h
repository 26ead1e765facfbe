/* world.h - everything there is in a modelled cluster, in one struct without pointers to itself.
 *
 * The world is a store, data sources, executors, brokers and clients as plain rows and small state
 * machines, and what is under way between them: flights to the store, hints on the bus, requests in
 * sessions. A scheduler (scheduler.c) draws one event after another from a seed; each event is one
 * atomic thing that a process, a server or the network does. Nothing here reads a clock, does IO or
 * has threads: a seed is a run, and a run is its seed.
 *
 * Beside the world stands the truth: what really took effect, and who decided what, which nobody in
 * the world may look at but the checker (checker.c).
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "tests/model/rows.h"

typedef struct world {
    uint64_t random;
    uint64_t seed;
    break_t broken;
    int ledger; /* 0 off, 1 on, 2 mixed */
    bool trace;
    bool healing;
    int32_t now;
    uint32_t events;
    figures_t *figures;
    const char *claim; /* that does not hold; NULL: all do */
    char story[160];

    /* A trap: at this stage something happens to the executor, as at a named moment of a real one.
     */
    stage_t trap;
    uint8_t trap_left;
    bool trap_kills;
    bool trap_crashes; /* the source, at the same moment */
    int8_t trapped;    /* the executor that it caught; -1 */

    bool store_up;
    row_t row[JOBS];
    uint8_t job_count;
    int8_t key_owner[REQUESTS];
    uint8_t pages[JOBS][STEPS][ATTEMPTS]; /* as bits */
    node_row_t node[NODES];
    int32_t leader_epoch;
    int8_t leader;
    int32_t leader_beat;
    flight_t flight[FLIGHTS];

    source_row_t source[SOURCES];
    session_row_t session[SESSIONS];
    int16_t session_count;
    int16_t active[ACTIVE]; /* sessions of which one end at least is not gone */
    uint8_t active_count;
    txn_row_t txn[TXNS];
    int16_t txn_count;

    exec_row_t exec[EXECS];
    broker_row_t broker[BROKERS];
    message_t message[MESSAGES];
    request_row_t request[REQUESTS];

    truth_t truth[JOBS][STEPS];
    bool acked[JOBS];
    job_state_t seen_final[JOBS];
    bool was_final[JOBS];
} world_t;

/* --- world.c --- */

/* A fresh world; `trace` prints every event. */
void world_init(world_t *w, uint64_t seed, int ledger, break_t broken, figures_t *figures);

/* 0 to below - 1. */
uint32_t roll(world_t *w, uint32_t below);
bool chance(world_t *w, uint32_t percent);

void say(const world_t *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void violate(world_t *w, const char *claim, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void hit(world_t *w, fault_t fault);
const char *break_name(break_t broken);
const char *break_story(break_t broken);
const char *fault_name(fault_t fault);

/* --- store.c: each is one transaction, or one statement --- */

void store_lane(world_t *w, flight_t *flight);
void store_renew(world_t *w, flight_t *flight);
void store_submit(world_t *w, flight_t *flight);
bool store_enroll(world_t *w, int exec);
void store_leave(world_t *w, int exec);
void store_cancel(world_t *w, int job);
void store_remove(world_t *w, int job);
node_row_t *store_node(world_t *w, int32_t owner);
/* Every move of a job or step goes through these. */
void store_end(world_t *w, int job, job_state_t state);
void store_move_job(world_t *w, int job, job_state_t to);
void store_move_step(world_t *w, int job, int step, job_state_t to);

/* --- sweeps.c: what a broker asks of the store, and the bus --- */

bool broker_lead(world_t *w);
bool broker_sweep(world_t *w);
bool broker_dispatch(world_t *w);
bool bus_deliver(world_t *w);
bool bus_drop(world_t *w);
void bus_send(world_t *w, message_kind_t kind, int job, int exec, int32_t epoch);

/* --- source.c --- */

int session_open(world_t *w, int source, int job);
void session_close(world_t *w, int session);
void session_ask(world_t *w, int session, req_t request);
bool source_serve(world_t *w);  /* a server does what some session asks */
bool source_notice(world_t *w); /* one end of a connection notices that the other is gone */
bool source_stranger(world_t *w);
bool source_write_out(world_t *w); /* log to disk, or to the standby */
bool source_crash(world_t *w);
void source_down(world_t *w, int source);
bool source_failover(world_t *w);
bool source_restart(world_t *w);
bool source_forget(world_t *w);
bool session_cut(world_t *w);

/* --- flights.c --- */

flight_t *flight_new(world_t *w, flight_kind_t kind);
bool flight_depart(world_t *w); /* an executor's lane sends what it gathered */
bool flight_execute(world_t *w);
bool flight_answer(world_t *w);
bool flight_cut(world_t *w);
void flight_orphan(world_t *w, flight_t *flight, bool late);
void store_crash(world_t *w);

/* --- slot.c, recovery.c, commit.c --- */

bool slot_turn(world_t *w, int exec, int slot);
void slot_start(world_t *w, int exec, int slot, int job);
void slot_drop(world_t *w, int exec, int slot);
void slot_stage(world_t *w, int exec, int slot, stage_t stage);
void slot_ask(world_t *w, int exec, int slot, ask_kind_t kind);
ask_t *slot_ask_on(world_t *w, int exec, int slot, int lane, ask_kind_t kind);
does_t slot_does(const world_t *w, const slot_row_t *self);
/* Was it asked to stop, and as what does it end then? */
bool slot_stopping(const world_t *w, const slot_row_t *self, job_state_t *state);
void slot_close(world_t *w, slot_row_t *self);
void slot_retry(world_t *w, int exec, int slot);
bool slot_store(world_t *w, int exec, int slot);
bool slot_barrier(world_t *w, int exec, int slot);
bool slot_lease(world_t *w, int exec, int slot);
void slot_record(world_t *w, int exec, int slot);
bool slot_commit_next(world_t *w, int exec, int slot);
bool slot_commit(world_t *w, int exec, int slot);
void slot_next(world_t *w, int exec, int slot);
void slot_end_step(world_t *w, int exec, int slot, job_state_t state);
void slot_finish(world_t *w, int exec, int slot, job_state_t state);
void slot_hand_back(world_t *w, int exec, int slot, bool tried, bool undecided);
bool slot_lost(const world_t *w, const slot_row_t *slot);
answer_t slot_answer(world_t *w, slot_row_t *slot);
void slot_ready(world_t *w, int exec, int slot);
void slot_ghosts(world_t *w, int exec, int slot);
void slot_look(world_t *w, int exec, int slot);
void slot_fate(world_t *w, int exec, int slot);
void slot_leave(world_t *w, int exec, int slot);

/* --- executor.c --- */

int32_t exec_owner(const world_t *w, int exec);
bool exec_turn(world_t *w);
/* What a trap does. */
void exec_trapped(world_t *w);
bool exec_renew(world_t *w);
bool exec_enroll(world_t *w);
bool exec_cancels(world_t *w);
bool exec_barrier(world_t *w);
void exec_drop_all(world_t *w, int exec);
bool exec_kill(world_t *w);
bool exec_pause(world_t *w);
bool exec_continue(world_t *w);
bool exec_drain(world_t *w);
bool exec_restart(world_t *w);
bool exec_take(world_t *w, int exec, int job);
int exec_session(world_t *w, int exec, int source, int job);
void exec_session_put(world_t *w, int exec, int session);

/* --- client.c --- */

bool client_submit(world_t *w);
bool client_retry(world_t *w);
bool client_cancel(world_t *w);
bool client_remove(world_t *w);
void client_answered(world_t *w, const flight_t *flight);
void client_unanswered(world_t *w, int request, int job, bool again);

/* --- checker.c --- */

/* What always holds; called after every event. */
void check(world_t *w);
/* What holds once all has healed. */
void check_end(world_t *w);
void check_writer(world_t *w, const ask_t *ask);
void check_commit(world_t *w, const txn_row_t *txn);
void check_whole(world_t *w, int job, int step, result_spec_t result);

/* --- scheduler.c --- */

/* One seed from its beginning to its end. False: a claim was broken; it is in the world. */
bool seed_run(world_t *w);

#endif

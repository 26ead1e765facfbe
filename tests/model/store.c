/* store.c - the rows, and the statements that move them: each as its query in schemas/sql does. */
#include <string.h>

#include "tests/model/world.h"

static const char narrow[] = "the model's tables are large enough";

/* --- rows --- */

node_row_t *
store_node(world_t *w, int32_t owner)
{
    for (int i = 0; i < NODES; i++) {
        if (w->node[i].used && w->node[i].owner == owner)
            return &w->node[i];
    }
    return NULL;
}

bool
store_enroll(world_t *w, int exec)
{
    for (int i = 0; i < NODES; i++) {
        if (w->node[i].used)
            continue;
        w->node[i] = (node_row_t){ .used = true,
                                   .owner = exec_owner(w, exec),
                                   .lease_until = w->now + LEASE };
        return true;
    }
    return false;
}

void
store_leave(world_t *w, int exec)
{
    node_row_t *node = store_node(w, exec_owner(w, exec));
    if (node && node->jobs == 0)
        node->used = false;
}

/* --- moves --- */

void
store_move_job(world_t *w, int job, job_state_t to)
{
    row_t *row = &w->row[job];
    if (!job_may_move(row->state, to))
        violate(w, "every move is in the table of moves", "job %d from %s to %s", job,
                job_state_word(row->state), job_state_word(to));
    row->state = to;
}

void
store_move_step(world_t *w, int job, int step, job_state_t to)
{
    step_row_t *row = &w->row[job].step[step];
    if (!job_may_move(row->state, to))
        violate(w, "every move is in the table of moves", "step %d.%d from %s to %s", job, step,
                job_state_word(row->state), job_state_word(to));
    row->state = to;
}

/* From live to job. */
void
store_end(world_t *w, int job, job_state_t state)
{
    row_t *row = &w->row[job];
    store_move_job(w, job, state);
    row->live = false;
    row->final = true;
    row->recovering = false;
    memset(row->record, 0, sizeof row->record);
    say(w, "store: job %d is %s", job, job_state_word(state));
}

/* --- submit --- */

void
store_submit(world_t *w, flight_t *flight)
{
    row_t *row = &w->row[flight->job];
    if (row->removed)
        return;
    if (row->key >= 0) {
        int8_t owner = w->key_owner[row->key];
        if (owner >= 0 && owner != flight->job) {
            flight->job = owner; /* the answer */
            return;
        }
        if (w->broken != BREAK_key)
            w->key_owner[row->key] = flight->job;
    }
    if (row->live || (row->final && flight->again))
        return;
    if (row->final)
        violate(w, "a final state never changes", "job %d is submitted anew", flight->job);
    row->live = true;
    row->state = JOB_PENDING;
    row->deadline = row->lasts ? w->now + row->lasts : 0;
    row->queue_until = row->waits ? w->now + row->waits : 0;
    say(w, "store: job %d is in: %d steps, source %d, key %d", flight->job, row->steps, row->source,
        row->key);
    w->figures->jobs++;
    w->figures->steps += row->steps;
}

/* --- an executor's lane --- */

static bool
fenced(const world_t *w, const row_t *row, const ask_t *ask, bool or_recovering)
{
    if (!row->live || row->state != JOB_RUNNING)
        return true;
    if (w->broken == BREAK_attempt)
        return false;
    return row->attempt != ask->attempt || (row->recovering && !or_recovering);
}

static void
ghost_add(world_t *w, row_t *row, int16_t session)
{
    if (session < 0)
        return;
    if (row->ghost_count == GHOSTS)
        violate(w, narrow, "ghosts");
    else
        row->ghosts[row->ghost_count++] = session;
}

static int
last_record(const row_t *row)
{
    for (int s = STEPS - 1; s >= 0; s--) {
        if (row->record[s].found)
            return s;
    }
    return -1;
}

static void
claim(world_t *w, ask_t *ask, const flight_t *flight)
{
    row_t *row = &w->row[ask->job];
    bool mine = row->state == JOB_RUNNING && row->owner == ask->owner;
    const node_row_t *node = store_node(w, ask->owner);
    bool current = node && !node->dead && node->flight == flight->number;
    if (w->broken == BREAK_flight)
        current = true;
    if (!row->live || !current || !(row->state == JOB_PENDING || row->recovering || mine))
        return;
    if (row->state == JOB_RUNNING && row->backend != ask->backend)
        ghost_add(w, row, row->backend);
    row->tries = (int16_t)(row->tries + (row->state == JOB_RUNNING && !row->recovering ? 0 : 1));
    row->recovering = false;
    if (++row->attempt == ATTEMPTS - 1)
        violate(w, narrow, "attempts");
    row->owner = ask->owner;
    row->backend = ask->backend;
    store_move_job(w, ask->job, JOB_RUNNING);
    ask->granted = true;
    ask->attempt = row->attempt;
    ask->tries = row->tries;
    ask->cancelled = row->cancel;
    ask->deadline = row->deadline;
    ask->ghost_count = row->ghost_count;
    memcpy(ask->ghosts, row->ghosts, sizeof ask->ghosts);
    say(w, "store: job %d claimed by %d, attempt %d, session %d", ask->job, row->owner,
        row->attempt, row->backend);
}

static void
unclaim(world_t *w, ask_t *ask)
{
    row_t *row = &w->row[ask->job];
    if (fenced(w, row, ask, true) || row->owner == -1)
        return;
    check_writer(w, ask);
    if (ask->gone)
        row->ghost_count = 0;
    ghost_add(w, row, row->backend);
    row->backend = -1;
    row->owner = -1;
    if (!ask->tried && row->tries > 0)
        row->tries--;
    store_move_job(w, ask->job, ask->undecided ? JOB_RUNNING : JOB_PENDING);
    row->recovering = ask->undecided;
    ask->granted = true;
    say(w, "store: job %d handed back%s", ask->job, ask->undecided ? ", undecided" : "");
}

static void
outcome(world_t *w, ask_t *ask)
{
    row_t *row = &w->row[ask->job];
    if (fenced(w, row, ask, false))
        return;
    check_writer(w, ask);
    row->record[ask->step] = ask->record;
    row->record[ask->step].found = true;
    ask->granted = true;
}

static void
finish(world_t *w, ask_t *ask)
{
    row_t *row = &w->row[ask->job];
    if (fenced(w, row, ask, true))
        return;
    check_writer(w, ask);
    for (int s = 0; s < row->steps && row->steps > 1; s++) {
        if (row->step[s].state == JOB_PENDING && row->spec[s].condition)
            store_move_step(w, ask->job, s, JOB_SKIPPED);
    }
    if (row->steps == 1) {
        row->step[0].result = ask->result;
        if (ask->to == JOB_DONE)
            check_whole(w, ask->job, 0, ask->result);
    }
    ask->granted = true;
    store_end(w, ask->job, ask->to);
}

static void
step_move(world_t *w, ask_t *ask)
{
    row_t *row = &w->row[ask->job];
    step_row_t *step = &row->step[ask->step];
    if (fenced(w, row, ask, false))
        return;
    bool repeated = step->state == ask->to && step->attempt == ask->result.attempt;
    if (step->state != ask->from && !repeated)
        return;
    check_writer(w, ask);
    if (step->state == ask->from)
        store_move_step(w, ask->job, ask->step, ask->to);
    step->attempt = ask->result.attempt;
    step->result = ask->result;
    ask->granted = true;
    if (ask->to == JOB_DONE)
        check_whole(w, ask->job, ask->step, ask->result);
    say(w, "store: step %d.%d is %s", ask->job, ask->step, job_state_word(ask->to));
}

static void
page_put(world_t *w, ask_t *ask)
{
    row_t *row = &w->row[ask->job];
    if (fenced(w, row, ask, false))
        return;
    check_writer(w, ask);
    w->pages[ask->job][ask->step][ask->attempt] |= (uint8_t)(1U << ask->page);
    ask->granted = true;
}

/* A read: it sees what the transaction before it did. */
static void
look(const world_t *w, ask_t *ask)
{
    const row_t *row = &w->row[ask->job];
    int last = last_record(row);
    ask->record = (record_row_t){ 0 };
    if (last >= 0)
        ask->record = row->record[last];
    for (int s = 0; s < STEPS; s++)
        ask->states[s] = row->step[s].state;
    ask->granted = true;
}

static void
hold(world_t *w, flight_t *flight)
{
    node_row_t *node = store_node(w, flight->owner);
    flight->refused = !node || node->dead || node->flight >= flight->number;
    if (flight->refused)
        return;
    node->flight = flight->number;
    if (w->broken != BREAK_hold)
        node->jobs = flight->held;
}

static void
lane_kind(world_t *w, flight_t *flight, ask_kind_t kind)
{
    for (int i = 0; i < flight->count; i++) {
        ask_t *ask = &flight->asks[i];
        if (ask->kind != kind)
            continue;
        switch (kind) {
        case ASK_FINISH: finish(w, ask); break;
        case ASK_CLAIM: claim(w, ask, flight); break;
        case ASK_UNCLAIM: unclaim(w, ask); break;
        case ASK_OUTCOME: outcome(w, ask); break;
        case ASK_STEP: step_move(w, ask); break;
        case ASK_PAGE: page_put(w, ask); break;
        case ASK_LOOK: look(w, ask); break;
        }
    }
}

void
store_lane(world_t *w, flight_t *flight)
{
    static const ask_kind_t order[] = { ASK_FINISH, ASK_CLAIM, ASK_UNCLAIM, ASK_OUTCOME,
                                        ASK_STEP,   ASK_PAGE,  ASK_LOOK };
    bool holds = false;
    for (int i = 0; i < flight->count; i++) {
        flight->asks[i].granted = false;
        holds |= flight->asks[i].kind == ASK_CLAIM || flight->asks[i].kind == ASK_FINISH;
    }
    if (holds)
        hold(w, flight);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        lane_kind(w, flight, order[i]);
}

void
store_renew(world_t *w, flight_t *flight)
{
    node_row_t *node = store_node(w, flight->owner);
    flight->refused = !node || node->dead;
    if (!flight->refused)
        node->lease_until = w->now + LEASE;
}

/* --- what people do --- */

void
store_cancel(world_t *w, int job)
{
    row_t *row = &w->row[job];
    if (!row->live)
        return;
    hit(w, FAULT_cancel);
    if (row->state == JOB_RUNNING) {
        row->cancel = true;
        return;
    }
    /* A step that ran under an attempt that was handed back is still on record as running. */
    for (int s = 0; s < row->steps && w->broken != BREAK_cancel_steps; s++) {
        if (row->step[s].state == JOB_RUNNING)
            store_move_step(w, job, s, JOB_CANCELLED);
    }
    store_end(w, job, JOB_CANCELLED);
}

void
store_remove(world_t *w, int job)
{
    row_t *row = &w->row[job];
    if (!row->final)
        return;
    row->final = false;
    row->removed = true;
    if (row->key >= 0 && w->key_owner[row->key] == job)
        w->key_owner[row->key] = -1;
    say(w, "store: job %d is removed", job);
}

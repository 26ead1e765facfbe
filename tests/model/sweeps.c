/* sweeps.c - brokers: who leads, what they sweep out of the store, and the bus between all nodes.
 */
#include "tests/model/world.h"

/* --- the bus: hints --- */

void
bus_send(world_t *w, message_kind_t kind, int job, int exec, int32_t epoch)
{
    uint32_t at = roll(w, MESSAGES); /* which may push another one out */
    if (w->message[at].kind != MESSAGE_NONE)
        hit(w, FAULT_message_lost);
    w->message[at] =
        (message_t){ .kind = kind, .job = (int8_t)job, .exec = (int8_t)exec, .epoch = epoch };
}

static void
received(world_t *w, const message_t *message)
{
    switch (message->kind) {
    case MESSAGE_NONE: return;
    case MESSAGE_OFFER:
        for (int b = 0; b < BROKERS; b++) {
            if (w->broker[b].epoch && !w->broker[b].stuck)
                w->broker[b].known |= 1U << message->job;
        }
        return;
    case MESSAGE_CANCEL:
        for (int e = 0; e < EXECS; e++) {
            for (int s = 0; s < SLOTS && w->exec[e].state == EXEC_UP; s++) {
                slot_row_t *slot = &w->exec[e].slot[s];
                if (slot->stage > STAGE_CLAIM && slot->job == message->job)
                    slot->cancelled = true;
            }
        }
        return;
    case MESSAGE_DISPATCH: break;
    }
    exec_row_t *exec = &w->exec[message->exec];
    if (exec->state != EXEC_UP)
        return;
    if (message->epoch < exec->epoch) {
        hit(w, FAULT_old_epoch);
        return;
    }
    exec->epoch = message->epoch;
    (void)exec_take(w, message->exec, message->job);
}

bool
bus_deliver(world_t *w)
{
    uint32_t from = roll(w, MESSAGES);
    for (uint32_t i = 0; i < MESSAGES; i++) {
        message_t *message = &w->message[(from + i) % MESSAGES];
        if (message->kind == MESSAGE_NONE)
            continue;
        message_t copy = *message;
        if (!w->healing && chance(w, 10))
            hit(w, FAULT_message_twice);
        else
            message->kind = MESSAGE_NONE;
        received(w, &copy);
        return true;
    }
    return false;
}

bool
bus_drop(world_t *w)
{
    message_t *message = &w->message[roll(w, MESSAGES)];
    if (message->kind == MESSAGE_NONE)
        return false;
    hit(w, FAULT_message_lost);
    message->kind = MESSAGE_NONE;
    return true;
}

/* --- leading --- */

bool
broker_lead(world_t *w)
{
    int b = (int)roll(w, BROKERS);
    broker_row_t *broker = &w->broker[b];
    if (broker->stuck || !w->store_up)
        return false;
    if (w->leader == b) {
        w->leader_beat = w->now;
        return true;
    }
    if (w->now - w->leader_beat < TAKEOVER) {
        broker->epoch = 0; /* it reads that somebody else leads */
        return false;
    }
    w->leader = (int8_t)b;
    w->leader_beat = w->now;
    broker->epoch = ++w->leader_epoch;
    broker->known = 0;
    say(w, "broker %d leads, epoch %d", b, broker->epoch);
    return true;
}

/* A leader, or one that thinks so. */
static broker_row_t *
any_leader(world_t *w)
{
    broker_row_t *broker = &w->broker[roll(w, BROKERS)];
    return broker->epoch && !broker->stuck ? broker : NULL;
}

bool
broker_dispatch(world_t *w)
{
    broker_row_t *broker = any_leader(w);
    if (!broker || !broker->known)
        return false;
    uint32_t from = roll(w, JOBS);
    for (uint32_t i = 0; i < JOBS; i++) {
        uint32_t job = (from + i) % JOBS;
        if (!(broker->known >> job & 1U))
            continue;
        broker->known &= ~(1U << job);
        bus_send(w, MESSAGE_DISPATCH, (int)job, (int)roll(w, EXECS), broker->epoch);
        return true;
    }
    return false;
}

/* --- the sweep: each a statement --- */

static bool
nodes_expire(world_t *w)
{
    bool any = false;
    for (int i = 0; i < NODES; i++) {
        node_row_t *node = &w->node[i];
        bool over = node->lease_until < w->now || w->broken == BREAK_live_sweep;
        if (!node->used || node->dead || !over)
            continue;
        if (node->lease_until >= w->now)
            violate(w, "a node that renews in time is not declared dead", "node %d", node->owner);
        node->dead = any = true;
        say(w, "store: node %d is declared dead", node->owner);
    }
    return any;
}

static bool
node_bury(world_t *w)
{
    for (int i = 0; i < NODES; i++) {
        node_row_t *node = &w->node[i];
        if (!node->used || !node->dead)
            continue;
        for (int j = 0; j < JOBS; j++) {
            row_t *row = &w->row[j];
            if (!(node->jobs >> j & 1U) || !row->live || row->state != JOB_RUNNING
                || row->owner != node->owner)
                continue;
            row->recovering = true;
            say(w, "store: job %d is to be recovered", j);
        }
        node->used = false;
        return true;
    }
    return false;
}

static bool
pending_find(world_t *w, broker_row_t *broker)
{
    for (int j = 0; j < JOBS; j++) {
        const row_t *row = &w->row[j];
        if (row->live && (row->state == JOB_PENDING || row->recovering))
            broker->known |= 1U << j;
    }
    return true;
}

/* Ending overdue jobs is one statement, but it may wait for a row between its reading and its
 * writing: two events. */
static bool
late_read(world_t *w, broker_row_t *broker)
{
    int j = (int)roll(w, JOBS);
    const row_t *row = &w->row[j];
    bool queued = row->state == JOB_PENDING && row->tries == 0 && row->queue_until > 0
                  && row->queue_until < w->now;
    int32_t end = row->recovering ? row->deadline + GRACE : row->deadline;
    bool over = (row->state == JOB_PENDING || row->recovering) && row->deadline > 0 && end < w->now;
    bool cancelled = row->state == JOB_PENDING && row->cancel;
    if (!row->live || !(queued || over || cancelled))
        return false;
    broker->late_end = queued || over ? JOB_TIMED_OUT : JOB_CANCELLED;
    broker->late_job = (int8_t)j;
    broker->late_attempt = row->attempt;
    broker->late_doubt = -1;
    for (int s = 0; s < STEPS; s++) {
        if (row->record[s].found)
            broker->late_doubt = (int8_t)s;
    }
    return true;
}

static bool
late_end(world_t *w, broker_row_t *broker)
{
    int j = broker->late_job;
    row_t *row = &w->row[j];
    broker->late_job = -1;
    if (!row->live || !(row->state == JOB_PENDING || row->recovering))
        return true;
    if (row->attempt != broker->late_attempt && w->broken != BREAK_late_stale)
        return true;
    int doubt = broker->late_doubt;
    bool undecided =
        row->recovering && doubt >= 0 && (row->steps == 1 || row->step[doubt].state == JOB_RUNNING);
    for (int s = 0; s < row->steps && row->steps > 1; s++) {
        if (row->step[s].state == JOB_RUNNING)
            store_move_step(w, j, s, undecided && s == doubt ? JOB_UNKNOWN : broker->late_end);
    }
    store_end(w, j, undecided ? JOB_UNKNOWN : broker->late_end);
    return true;
}

bool
broker_sweep(world_t *w)
{
    broker_row_t *broker = any_leader(w);
    if (!broker || !w->store_up)
        return false;
    if (broker->late_job >= 0 && chance(w, w->healing || broker->late_job % 2 ? 40 : 3))
        return late_end(w, broker);
    switch (roll(w, 4)) {
    case 0: return nodes_expire(w);
    case 1: return node_bury(w);
    case 2: return broker->late_job < 0 && late_read(w, broker);
    default: return pending_find(w, broker);
    }
}

/* source.c - data sources: transactions, their ids and log, and what sessions ask.
 *
 * A transaction id is handed out in memory. What makes it durable is the log behind it reaching the
 * disk: a COMMIT writes all that stands before it. A crash forgets the rest, ids too, and hands
 * them out again; a failover goes on with as much of the log as the standby had.
 */
#include <string.h>

#include "tests/model/world.h"

/* --- the log --- */

static void
log_add(source_row_t *source, int txn, bool commit)
{
    if (source->size < LOG)
        source->log[source->size++] = (int16_t)(txn * 2 + commit);
}

static int
txn_new(world_t *w, int source, int job, int step, int attempt)
{
    if (w->txn_count == TXNS)
        return -1;
    int txn = w->txn_count++;
    w->txn[txn] = (txn_row_t){ .source = (int8_t)source,
                               .job = (int8_t)job,
                               .step = (uint8_t)step,
                               .attempt = (int16_t)attempt,
                               .xid = w->source[source].next_xid++ };
    source_row_t *at = &w->source[source];
    int before = at->holder[w->txn[txn].xid];
    if (before > 0 && w->txn[before - 1].job >= 0)
        hit(w, FAULT_xid_reused);
    at->holder[w->txn[txn].xid] = (int16_t)(txn + 1);
    log_add(at, txn, false);
    return txn;
}

static void
txn_commit(world_t *w, int txn)
{
    txn_row_t *row = &w->txn[txn];
    source_row_t *source = &w->source[row->source];
    row->state = TXN_COMMITTED;
    row->logged = source->size < LOG;
    log_add(source, txn, true);
    source->flushed = source->size;
    if (row->job < 0)
        return;
    w->truth[row->job][row->step].effects++;
    say(w, "source %d: xid %d of step %d.%d, attempt %d is committed", row->source, row->xid,
        row->job, row->step, row->attempt);
    check_commit(w, row);
}

/* The log ends here; whatever stands behind never was. */
static void
log_cut(world_t *w, source_row_t *source, int16_t end)
{
    for (int i = end; i < source->size; i++) {
        txn_row_t *txn = &w->txn[source->log[i] / 2];
        if (source->log[i] % 2 == 0 || txn->state != TXN_COMMITTED)
            continue;
        txn->state = TXN_DROPPED;
        if (txn->job >= 0) {
            w->truth[txn->job][txn->step].effects--;
            w->truth[txn->job][txn->step].dropped++;
            w->figures->dropped++;
        }
    }
    source->size = end;
    source->next_xid = 3;
    for (int i = 0; i < end; i++) {
        int16_t xid = w->txn[source->log[i] / 2].xid;
        if (xid >= source->next_xid)
            source->next_xid = (int16_t)(xid + 1);
    }
    if (source->flushed > end)
        source->flushed = end;
    if (source->replicated > end)
        source->replicated = end;
}

/* --- both ends of a session --- */

int
session_open(world_t *w, int source, int job)
{
    if (!w->source[source].up || w->session_count == SESSIONS || w->active_count == ACTIVE)
        return -1;
    int session = w->session_count++;
    w->active[w->active_count++] = (int16_t)session;
    w->session[session] = (session_row_t){ .open = true,
                                           .source = (int8_t)source,
                                           .timeline = w->source[source].timeline,
                                           .job = (int8_t)job,
                                           .txn = -1 };
    return session;
}

static void
server_end(world_t *w, int session)
{
    session_row_t *row = &w->session[session];
    row->open = false;
    row->request = REQ_NONE;
    if (row->txn >= 0 && w->txn[row->txn].state == TXN_OPEN)
        w->txn[row->txn].state = TXN_ABORTED;
    row->txn = -1;
}

void
session_close(world_t *w, int session)
{
    if (session >= 0)
        w->session[session].client_gone = true;
}

void
session_ask(world_t *w, int session, req_t request)
{
    w->session[session].request = request;
    w->session[session].slow = chance(w, 6);
    w->session[session].answer = ANSWER_NONE;
}

/* --- what a server does --- */

/* Is the step's marker there? Its holder may still be open: then nobody can tell. */
static bool
marker_held(const world_t *w, int source, int job, int step, txn_state_t state)
{
    for (int i = 0; i < w->txn_count; i++) {
        const txn_row_t *txn = &w->txn[i];
        if (txn->marker && txn->job == job && txn->step == step && txn->source == source
            && txn->state == state)
            return true;
    }
    return false;
}

static bool
serve_run(world_t *w, session_row_t *row)
{
    const source_row_t *source = &w->source[row->source];
    does_t does = w->row[row->job].spec[row->step].does;
    row->xid = 0;
    if (row->stop && chance(w, 60)) {
        row->answer = ANSWER_FAILED;
        return true;
    }
    if (does == DOES_FAIL || does == DOES_READ) {
        row->answer = does == DOES_FAIL ? ANSWER_FAILED : ANSWER_OK;
        return true;
    }
    bool marks = source->ledger;
    if (marks && marker_held(w, row->source, row->job, row->step, TXN_OPEN))
        return false; /* it waits for the other one's end */
    if (marks && marker_held(w, row->source, row->job, row->step, TXN_COMMITTED)) {
        row->answer = ANSWER_FAILED;
        return true;
    }
    int txn = txn_new(w, row->source, row->job, row->step, row->attempt);
    if (txn < 0)
        return false;
    w->txn[txn].marker = marks && w->broken != BREAK_marker;
    row->txn = (int16_t)txn;
    row->xid = w->txn[txn].xid;
    row->answer = ANSWER_OK;
    return true;
}

static void
serve_commit(world_t *w, session_row_t *row)
{
    row->answer = ANSWER_OK;
    if (row->txn < 0)
        return;
    if (row->client_gone)
        hit(w, FAULT_commit_after_death);
    if (w->row[row->job].spec[row->step].does == DOES_FAIL_LATE) {
        w->txn[row->txn].state = TXN_ABORTED;
        row->answer = ANSWER_FAILED;
    } else {
        txn_commit(w, row->txn);
    }
    row->txn = -1;
}

static bool
serve_alone(world_t *w, session_row_t *row)
{
    row->answer = chance(w, 15) ? ANSWER_FAILED : ANSWER_OK;
    if (row->answer == ANSWER_FAILED)
        return true;
    int txn = txn_new(w, row->source, row->job, row->step, row->attempt);
    if (txn < 0)
        return false;
    txn_commit(w, txn);
    return true;
}

static bool
serve_barrier(world_t *w, session_row_t *row)
{
    row->answer = ANSWER_REFUSED;
    if (!w->source[row->source].barrier)
        return true;
    int txn = txn_new(w, row->source, -1, 0, 0);
    if (txn < 0)
        return false;
    txn_commit(w, txn);
    row->answer = ANSWER_OK;
    row->told = 0;
    for (int i = 0; i < row->count; i++)
        row->told |= (uint32_t)w->session[row->pairs[i]].open << i;
    return true;
}

static void
serve_ghosts(world_t *w, session_row_t *row)
{
    row->answer = ANSWER_OK;
    row->told = 0;
    for (int i = 0; i < row->count; i++) {
        session_row_t *ghost = &w->session[row->pairs[i]];
        if (!ghost->open)
            continue;
        hit(w, FAULT_session_ended);
        ghost->dying = true;
        if (chance(w, 60))
            server_end(w, row->pairs[i]);
        else
            row->told++;
    }
}

static void
serve_fate(const world_t *w, session_row_t *row)
{
    const source_row_t *source = &w->source[row->source];
    row->answer = ANSWER_OK;
    if (row->asked_timeline != source->timeline && w->broken != BREAK_timeline)
        row->fate = FATE_IS_STRANGE;
    else if (row->xid < source->oldest_xid)
        row->fate = FATE_IS_FORGOTTEN;
    else if (row->xid >= source->next_xid)
        row->fate = FATE_IS_FUTURE;
    else
        switch (w->txn[source->holder[row->xid] - 1].state) {
        case TXN_OPEN: row->fate = FATE_IS_RUNNING; break;
        case TXN_COMMITTED: row->fate = FATE_IS_COMMITTED; break;
        case TXN_ABORTED:
        case TXN_DROPPED: row->fate = FATE_IS_ABORTED; break;
        }
}

static void
serve_marker(const world_t *w, session_row_t *row)
{
    row->answer = ANSWER_OK;
    bool there = marker_held(w, row->source, row->job, row->step, TXN_COMMITTED);
    row->fate = there ? FATE_IS_COMMITTED : FATE_IS_ABORTED;
}

static bool
serve(world_t *w, int session)
{
    session_row_t *row = &w->session[session];
    bool served = true;
    switch (row->request) {
    case REQ_NONE: return false;
    case REQ_RUN: served = serve_run(w, row); break;
    case REQ_COMMIT: serve_commit(w, row); break;
    case REQ_ALONE: served = serve_alone(w, row); break;
    case REQ_GHOSTS: serve_ghosts(w, row); break;
    case REQ_FATE: serve_fate(w, row); break;
    case REQ_MARKER: serve_marker(w, row); break;
    case REQ_BARRIER: served = serve_barrier(w, row); break;
    }
    if (!served)
        return false;
    say(w, "source %d: session %d served request %d, answer %d", row->source, session, row->request,
        row->answer);
    row->request = REQ_NONE;
    return true;
}

bool
source_serve(world_t *w)
{
    uint32_t from = w->active_count ? roll(w, w->active_count) : 0;
    for (uint32_t i = 0; i < w->active_count; i++) {
        int session = w->active[(from + i) % w->active_count];
        session_row_t *row = &w->session[session];
        if (!row->open || !w->source[row->source].up)
            continue;
        if (row->dying && chance(w, 50)) {
            server_end(w, session);
            return true;
        }
        if (row->slow && !w->healing && !chance(w, 4))
            continue;
        if (row->request != REQ_NONE && serve(w, session))
            return true;
    }
    return false;
}

bool
source_notice(world_t *w)
{
    uint32_t from = w->active_count ? roll(w, w->active_count) : 0;
    for (uint32_t i = 0; i < w->active_count; i++) {
        uint32_t at = (from + i) % w->active_count;
        int session = w->active[at];
        session_row_t *row = &w->session[session];
        if (row->open && row->client_gone) {
            server_end(w, session);
            return true;
        }
        if (row->open)
            continue;
        if (!row->client_gone && row->lost)
            continue; /* its owner has not looked yet */
        if (!row->client_gone) {
            row->lost = true;
            say(w, "session %d is seen to be lost", session);
        } else {
            w->active[at] = w->active[--w->active_count];
        }
        return true;
    }
    return false;
}

bool
session_cut(world_t *w)
{
    if (w->active_count == 0)
        return false;
    int session = w->active[roll(w, w->active_count)];
    session_row_t *row = &w->session[session];
    if (!row->open || row->client_gone || row->lost)
        return false;
    hit(w, FAULT_session_cut);
    row->lost = true; /* the server may still do what it was asked */
    return true;
}

/* --- what happens to a server --- */

bool
source_stranger(world_t *w)
{
    int source = (int)roll(w, SOURCES);
    if (!w->source[source].up || w->txn_count > TXNS / 2)
        return false;
    int txn = txn_new(w, source, -1, 0, 0);
    if (chance(w, 80))
        txn_commit(w, txn);
    else
        w->txn[txn].state = TXN_ABORTED;
    return true;
}

bool
source_write_out(world_t *w)
{
    source_row_t *source = &w->source[roll(w, SOURCES)];
    if (chance(w, 30))
        source->flushed = source->size;
    else if (source->replicated < source->flushed)
        source->replicated =
            (int16_t)(source->replicated + 1
                      + (int)roll(w, (uint32_t)(source->flushed - source->replicated)));
    return true;
}

static void
end_all(world_t *w, int source)
{
    for (uint32_t i = 0; i < w->active_count; i++) {
        if (w->session[w->active[i]].source == source && w->session[w->active[i]].open)
            server_end(w, w->active[i]);
    }
}

/* Rather one on which a step that wrote is about to be decided. */
static int
aim(world_t *w)
{
    int at = (int)roll(w, TXNS);
    for (int i = w->txn_count - 1; i >= 0 && at % 3; i--) {
        if (w->txn[i].state == TXN_OPEN)
            return w->txn[i].source;
    }
    return at % SOURCES;
}

void
source_down(world_t *w, int source)
{
    hit(w, FAULT_source_crash);
    end_all(w, source);
    log_cut(w, &w->source[source], w->source[source].flushed);
    w->source[source].up = chance(w, 50);
}

bool
source_crash(world_t *w)
{
    int source = aim(w);
    if (w->source[source].up)
        source_down(w, source);
    return true;
}

bool
source_failover(world_t *w)
{
    int source = aim(w);
    hit(w, FAULT_failover);
    end_all(w, source);
    log_cut(w, &w->source[source], w->source[source].replicated);
    w->source[source].timeline++;
    w->source[source].up = true;
    return true;
}

bool
source_restart(world_t *w)
{
    source_row_t *source = &w->source[roll(w, SOURCES)];
    if (source->up)
        return false;
    source->up = true;
    return true;
}

bool
source_forget(world_t *w)
{
    source_row_t *source = &w->source[roll(w, SOURCES)];
    hit(w, FAULT_xid_forgotten);
    source->oldest_xid = source->next_xid;
    return true;
}

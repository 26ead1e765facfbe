/* checker.c - what always holds, looked at after every event.
 *
 * 1. A job whose submit was answered with success is there.
 * 2. It reaches one final state, which never changes; every move is in the table of moves.
 * 3. Rows change only under the current attempt, by who has it; nothing is committed on a source by
 *    an attempt whose step was decided by a later one.
 * 4. A step that is done took effect exactly once; one that failed, was cancelled, ran out of time,
 *    was skipped or never ran, not at all; one that is unknown at most once.
 * 5. The result of a step that is done is whole, and of one attempt.
 * 6. A key has one job. 7. In the end, when nothing is broken any more, every job is final.
 *
 * Effects are counted in the history of the source that survives. A COMMIT that the source itself
 * has lost in a failover is outside what is promised: a step that is done may have no effect any
 * more because of it, but never two.
 */
#include "tests/model/world.h"

static const char once[] = "a step that is done took effect exactly once";
static const char never[] = "a step that did not take effect has none";
static const char whole[] = "a result is whole, and of one attempt";

/* --- at the moment of a write --- */

void
check_writer(world_t *w, const ask_t *ask)
{
    const row_t *row = &w->row[ask->job];
    if (row->attempt != ask->attempt || row->owner != ask->owner)
        violate(w, "rows change only under the current attempt, by who has it",
                "job %d: write %d of attempt %d by %d, current %d of %d", ask->job, (int)ask->kind,
                ask->attempt, ask->owner, row->attempt, row->owner);
}

void
check_commit(world_t *w, const txn_row_t *txn)
{
    const truth_t *truth = &w->truth[txn->job][txn->step];
    if (txn->attempt < truth->decided)
        violate(w, "nothing is committed by an attempt that was decided",
                "step %d.%d: attempt %d, decided by %d", txn->job, txn->step, txn->attempt,
                truth->decided);
}

void
check_whole(world_t *w, int job, int step, result_spec_t result)
{
    unsigned wanted = (1U << result.pages) - 1;
    if ((w->pages[job][step][result.attempt] & wanted) != wanted)
        violate(w, whole, "step %d.%d, attempt %d: %u pages of %u", job, step, result.attempt,
                (unsigned)w->pages[job][step][result.attempt], wanted);
}

/* --- after every event --- */

static void
lost(world_t *w, int job, int step, const truth_t *truth)
{
    w->figures->lost++;
    violate(w, once, "step %d.%d: %u effects, %u dropped by the source", job, step, truth->effects,
            truth->dropped);
}

static bool
writes(const row_t *row, int step)
{
    return row->spec[step].does == DOES_WRITE || row->spec[step].does == DOES_WRITE_ALONE;
}

static void
check_step(world_t *w, int job, int step, job_state_t state)
{
    const row_t *row = &w->row[job];
    const truth_t *truth = &w->truth[job][step];
    if (truth->effects > 1) {
        w->figures->duplicated++;
        violate(w, "no step takes effect twice", "step %d.%d: %u effects", job, step,
                truth->effects);
    }
    switch (state) {
    case JOB_RUNNING:
        if (row->final)
            violate(w, "a final job has no running step", "step %d.%d", job, step);
        return;
    case JOB_UNKNOWN: return;
    case JOB_DONE:
        if (writes(row, step) && truth->effects == 0 && truth->dropped == 0)
            lost(w, job, step, truth);
        check_whole(w, job, step, row->step[step].result);
        return;
    case JOB_PENDING:
        if (row->live && row->steps == 1)
            return;
        break;
    case JOB_FAILED:
    case JOB_CANCELLED:
    case JOB_TIMED_OUT:
    case JOB_SKIPPED: break;
    }
    if (truth->effects > 0)
        violate(w, never, "step %d.%d is %s: %u effects", job, step, job_state_word(state),
                truth->effects);
}

/* A pending job was decided by whoever handed it back. */
static void
check_pending(world_t *w, int job)
{
    const row_t *row = &w->row[job];
    if (row->state == JOB_PENDING && row->steps == 1 && w->truth[job][0].effects > 0)
        violate(w, never, "job %d is pending: %u effects", job, w->truth[job][0].effects);
}

static void
check_final(world_t *w, int job)
{
    const row_t *row = &w->row[job];
    if (row->live && row->final)
        violate(w, "a final state never changes", "job %d is alive again", job);
    if (w->was_final[job] && row->state != w->seen_final[job])
        violate(w, "a final state never changes", "job %d was %s, is %s", job,
                job_state_word(w->seen_final[job]), job_state_word(row->state));
    if (!row->final || w->was_final[job])
        return;
    w->was_final[job] = true;
    w->seen_final[job] = row->state;
    w->figures->ends[row->state]++;
    if (!job_state_final(row->state))
        violate(w, "an ended job has a final state", "job %d", job);
}

static void
check_job(world_t *w, int job)
{
    const row_t *row = &w->row[job];
    if (w->acked[job] && !row->live && !row->final && !row->removed)
        violate(w, "an acknowledged job is there", "job %d", job);
    if (!row->live && !row->final && !row->removed)
        return;
    check_final(w, job);
    if (row->live)
        check_pending(w, job);
    if (row->steps == 1) {
        check_step(w, job, 0, row->state);
        return;
    }
    for (int s = 0; s < row->steps; s++)
        check_step(w, job, s, row->step[s].state);
}

static void
check_keys(world_t *w)
{
    uint32_t seen = 0;
    for (int j = 0; j < w->job_count; j++) {
        const row_t *row = &w->row[j];
        if (row->key < 0 || !(row->live || row->final))
            continue;
        if (seen >> row->key & 1U)
            violate(w, "an idempotency key has one job", "key %d, job %d", row->key, j);
        seen |= 1U << row->key;
    }
}

void
check(world_t *w)
{
    for (int j = 0; j < w->job_count; j++)
        check_job(w, j);
    check_keys(w);
}

void
check_end(world_t *w)
{
    for (int j = 0; j < w->job_count; j++) {
        if (w->row[j].live)
            violate(w, "every job becomes final", "job %d is %s after %u events", j,
                    job_state_word(w->row[j].state), w->events);
    }
}

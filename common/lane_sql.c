/* lane_sql.c - a flight's queries. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/lane_inner.h"

static const char *const proofs[] = {
    [PROOF_NONE] = "none",
    [PROOF_BARRIER] = "barrier",
    [PROOF_LEDGER] = "ledger",
};

enum { PROOFS = sizeof proofs / sizeof proofs[0] };

const char *
proof_word(proof_t proof)
{
    return (unsigned)proof < PROOFS ? proofs[proof] : proofs[PROOF_NONE];
}

proof_t
proof_parse(const char *word)
{
    for (unsigned i = 0; i < PROOFS; i++) {
        if (strcmp(word, proofs[i]) == 0)
            return (proof_t)i;
    }
    return PROOF_NONE;
}

/* --- picking members --- */

static int
member_compare(const void *a, const void *b)
{
    const member_t *const *left = (const member_t *const *)a;
    const member_t *const *right = (const member_t *const *)b;
    return jobid_compare(&(*left)->write->job, &(*right)->write->job);
}

bool
member_flies(const member_t *member, write_kind_t kind)
{
    return member->write && !member->unfit && member->write->kind == kind;
}

/* The flight's members of a kind, into `sorted`, by id: rows are touched in that order. With
 * `doubtful` only those that are not settled. */
static uint32_t
pick(lane_t *self, write_kind_t kind, bool doubtful)
{
    uint32_t count = 0;
    for (uint32_t i = self->from; i < self->to; i++) {
        member_t *member = &self->batch[i];
        if (member_flies(member, kind) && !(doubtful && member->settled))
            self->sorted[count++] = member;
    }
    qsort(self->sorted, count, sizeof *self->sorted, member_compare);
    return count;
}

/* --- queries --- */

static bool
queue(lane_t *self, sql_t query, step_kind_t kind, uint32_t member, err_t *err)
{
    self->steps[self->step_count++] = (step_t){ .kind = kind, .member = member };
    return pg_queue(self->pg, query, self->params, err);
}

/* One array parameter over the picked members; `value` is said in terms of `write`. */
#define COLUMN(self, count, TYPE, add, value)                                                      \
    do {                                                                                           \
        pg_array_open((self)->params, TYPE);                                                       \
        for (uint32_t i = 0; i < (count); i++) {                                                   \
            const write_t *write = (self)->sorted[i]->write;                                       \
            add((self)->params, value);                                                            \
        }                                                                                          \
        pg_array_close((self)->params);                                                            \
    } while (0)

static bool
queue_hold(lane_t *self, err_t *err)
{
    const jobid_t *ids = NULL;
    uint32_t count = self->options.held(self->options.arg, &ids);
    pg_params_clear(self->params);
    pg_param_text(self->params, self->node);
    pg_param_int8(self->params, self->options.incarnation);
    PG_COLUMN(self->params, PG_UUID, pg_array_uuid, count, &ids[i]);
    pg_param_int8(self->params, self->number);
    return queue(self, SQL_node_hold, STEP_HOLD, 0, err);
}

/* A session without a pid has nothing that could be ended. */
static void
array_pid(pg_params_t *params, int32_t pid)
{
    if (pid)
        pg_array_int4(params, pid);
    else
        pg_array_null(params);
}

static bool
queue_claims(lane_t *self, err_t *err)
{
    uint32_t count = pick(self, WRITE_CLAIM, false);
    if (!count)
        return true;
    pg_params_clear(self->params);
    COLUMN(self, count, PG_UUID, pg_array_uuid, &write->job);
    COLUMN(self, count, PG_INT4, array_pid, write->in.session.backend_pid);
    COLUMN(self, count, PG_INT8, pg_array_int8, write->in.session.backend_start_us);
    pg_param_text(self->params, self->node);
    pg_param_int8(self->params, self->options.incarnation);
    pg_param_int8(self->params, self->number);
    return queue(self, SQL_claim, STEP_CLAIM, 0, err);
}

static bool
queue_unclaims(lane_t *self, err_t *err)
{
    uint32_t count = pick(self, WRITE_UNCLAIM, false);
    if (!count)
        return true;
    pg_params_clear(self->params);
    COLUMN(self, count, PG_UUID, pg_array_uuid, &write->job);
    COLUMN(self, count, PG_INT4, pg_array_int4, write->attempt);
    COLUMN(self, count, PG_BOOL, pg_array_bool, write->tried);
    COLUMN(self, count, PG_BOOL, pg_array_bool, write->undecided);
    COLUMN(self, count, PG_BOOL, pg_array_bool, write->ghosts_gone);
    return queue(self, SQL_unclaim, STEP_UNCLAIM, 0, err);
}

static void
finish_errors(lane_t *self, uint32_t count)
{
    COLUMN(self, count, PG_TEXT, pg_array_text, write->in.ending.sqlstate);
    COLUMN(self, count, PG_TEXT, pg_array_text, write->in.ending.error);
    COLUMN(self, count, PG_TEXT, pg_array_text, write->in.ending.error_detail);
    COLUMN(self, count, PG_TEXT, pg_array_text, write->in.ending.error_hint);
    COLUMN(self, count, PG_INT4, pg_array_int4, write->in.ending.error_position);
}

/* Steps that never ran, of the jobs that have several; `sorted` has the others no more. */
static bool
queue_skips(lane_t *self, err_t *err)
{
    uint32_t count = 0;
    for (uint32_t i = 0, all = pick(self, WRITE_FINISH, false); i < all; i++) {
        if (self->sorted[i]->write->several)
            self->sorted[count++] = self->sorted[i];
    }
    if (!count)
        return true;
    pg_params_clear(self->params);
    COLUMN(self, count, PG_UUID, pg_array_uuid, &write->job);
    COLUMN(self, count, PG_INT4, pg_array_int4, write->attempt);
    return queue(self, SQL_steps_skip, STEP_PLAIN, 0, err);
}

static bool
queue_finishes(lane_t *self, err_t *err)
{
    if (!queue_skips(self, err))
        return false;
    uint32_t count = pick(self, WRITE_FINISH, false);
    if (!count)
        return true;
    pg_params_clear(self->params);
    for (uint32_t i = 0; i < count; i++)
        assert(job_may_move(JOB_RUNNING, self->sorted[i]->write->in.ending.state)
               && job_state_final(self->sorted[i]->write->in.ending.state));
    COLUMN(self, count, PG_UUID, pg_array_uuid, &write->job);
    COLUMN(self, count, PG_INT4, pg_array_int4, write->attempt);
    COLUMN(self, count, PG_TEXT, pg_array_text, job_state_word(write->in.ending.state));
    COLUMN(self, count, PG_INT8, pg_array_int8, write->in.ending.rows);
    COLUMN(self, count, PG_INT8, pg_array_int8, write->in.ending.bytes);
    COLUMN(self, count, PG_INT4, pg_array_int4, write->in.ending.pages);
    COLUMN(self, count, PG_INT8, pg_array_int8, write->in.ending.planning_us);
    COLUMN(self, count, PG_INT8, pg_array_int8, write->in.ending.executing_us);
    COLUMN(self, count, PG_INT8, pg_array_int8, write->in.ending.storing_us);
    finish_errors(self, count);
    pg_array_open(self->params, PG_BYTEA);
    for (uint32_t i = 0; i < count; i++) {
        const ending_t *ending = &self->sorted[i]->write->in.ending;
        pg_array_bytes(self->params, ending->manifest, ending->manifest_size);
    }
    pg_array_close(self->params);
    return queue(self, SQL_finish, STEP_FINISH, 0, err);
}

/* Finishes without a row: fenced, or done by an earlier try whose answer was lost. */
static bool
queue_check(lane_t *self, err_t *err)
{
    uint32_t count = pick(self, WRITE_FINISH, true);
    pg_params_clear(self->params);
    COLUMN(self, count, PG_UUID, pg_array_uuid, &write->job);
    COLUMN(self, count, PG_INT4, pg_array_int4, write->attempt);
    COLUMN(self, count, PG_TEXT, pg_array_text, job_state_word(write->in.ending.state));
    return queue(self, SQL_finish_found, STEP_FINISH, 0, err);
}

static bool
queue_outcome(lane_t *self, uint32_t member, err_t *err)
{
    const write_t *write = self->batch[member].write;
    pg_params_clear(self->params);
    pg_param_uuid(self->params, &write->job);
    pg_param_int4(self->params, write->attempt);
    pg_param_int2(self->params, (int16_t)write->in.outcome.step);
    pg_param_int8(self->params, write->in.outcome.system_id);
    pg_param_int4(self->params, write->in.outcome.timeline);
    pg_param_int8(self->params, write->in.outcome.xid);
    pg_param_bytes(self->params, write->in.outcome.manifest, write->in.outcome.manifest_size);
    pg_param_text(self->params, proof_word(write->in.outcome.proof));
    return queue(self, SQL_outcome_put, STEP_ROW, member, err);
}

static bool
queue_step(lane_t *self, uint32_t member, err_t *err)
{
    const write_t *write = self->batch[member].write;
    const ending_t *to = &write->in.step.to;
    assert(job_may_move(write->in.step.from, to->state));
    pg_params_clear(self->params);
    pg_param_uuid(self->params, &write->job);
    pg_param_int4(self->params, write->attempt);
    pg_param_int2(self->params, (int16_t)write->in.step.step);
    pg_param_text(self->params, job_state_word(write->in.step.from));
    pg_param_text(self->params, job_state_word(to->state));
    pg_param_int8(self->params, to->rows);
    pg_param_int8(self->params, to->bytes);
    pg_param_int4(self->params, to->pages);
    pg_param_int8(self->params, to->executing_us);
    pg_param_text(self->params, to->sqlstate);
    pg_param_text(self->params, to->error);
    pg_param_text(self->params, to->error_detail);
    pg_param_text(self->params, to->error_hint);
    pg_param_int4(self->params, to->error_position);
    pg_param_text(self->params, write->in.step.leaves);
    pg_param_bytes(self->params, to->manifest, to->manifest_size);
    pg_param_int4(self->params, write->in.step.attempt);
    pg_param_int8(self->params, to->raw_bytes);
    pg_param_bool(self->params, to->truncated);
    return queue(self, SQL_step_move, STEP_ROW, member, err);
}

static void
page_params(lane_t *self, const write_t *write)
{
    pg_params_clear(self->params);
    pg_param_uuid(self->params, &write->job);
    pg_param_int4(self->params, write->attempt);
}

static bool
queue_put(lane_t *self, uint32_t member, const page_t *page, step_kind_t kind, err_t *err)
{
    const write_t *write = self->batch[member].write;
    page_params(self, write);
    pg_param_int2(self->params, (int16_t)write->in.page.step);
    pg_param_int2(self->params, (int16_t)write->in.page.result);
    pg_param_int8(self->params, page->first_row);
    pg_param_int4(self->params, (int32_t)page->rows);
    pg_param_int4(self->params, (int32_t)page->raw_bytes);
    pg_param_int2(self->params, PAGE_FORMAT);
    pg_param_bytes(self->params, page->hash, sizeof page->hash);
    pg_param_bytes(self->params, page->data, page->size);
    return queue(self, SQL_page_put, kind, member, err);
}

/* The first page of any result may be the first of its attempt: only the store knows. */
static bool
queue_page(lane_t *self, uint32_t member, err_t *err)
{
    const write_t *write = self->batch[member].write;
    const page_t *page = write->in.page.page;
    const page_t *draft = write->in.page.draft;
    if (page->first_row == 0) {
        page_params(self, write);
        if (!queue(self, SQL_page_open, STEP_PLAIN, member, err))
            return false;
    }
    if (draft && !queue_put(self, member, draft, STEP_PLAIN, err))
        return false;
    return queue_put(self, member, page, STEP_ROW, err);
}

static bool
queue_look(lane_t *self, uint32_t member, err_t *err)
{
    const write_t *write = self->batch[member].write;
    pg_params_clear(self->params);
    pg_param_uuid(self->params, &write->job);
    if (!queue(self, SQL_outcome_find, STEP_LOOK, member, err))
        return false;
    pg_param_bool(self->params, false);
    return write->in.steps < 2 || queue(self, SQL_steps_find, STEP_LOOK_STEPS, member, err);
}

static bool
queue_cancels(lane_t *self, uint32_t member, err_t *err)
{
    const write_t *write = self->batch[member].write;
    pg_params_clear(self->params);
    PG_COLUMN(self->params, PG_UUID, pg_array_uuid, write->in.cancels.count,
              &write->in.cancels.jobs[i]);
    return queue(self, SQL_cancelled_among, STEP_CANCELS, member, err);
}

static bool
queue_login(lane_t *self, uint32_t member, err_t *err)
{
    const write_t *write = self->batch[member].write;
    pg_params_clear(self->params);
    pg_param_text(self->params, write->in.login.tenant);
    pg_param_text(self->params, write->in.login.source);
    return queue(self, SQL_login_find, STEP_LOGIN, member, err);
}

/* Writes that have a statement of their own. */
static bool
queue_single_writes(lane_t *self, err_t *err)
{
    for (uint32_t i = self->from; i < self->to; i++) {
        const member_t *member = &self->batch[i];
        if (member_flies(member, WRITE_OUTCOME) && !queue_outcome(self, i, err))
            return false;
        if (member_flies(member, WRITE_PAGE) && !queue_page(self, i, err))
            return false;
        if (member_flies(member, WRITE_STEP) && !queue_step(self, i, err))
            return false;
    }
    return true;
}

/* Reads stand behind the COMMIT: they see what it did, and cannot undo it. */
static bool
queue_reads(lane_t *self, err_t *err)
{
    for (uint32_t i = self->from; i < self->to; i++) {
        const member_t *member = &self->batch[i];
        if (member_flies(member, WRITE_LOOK) && !queue_look(self, i, err))
            return false;
        if (member_flies(member, WRITE_LOGIN) && !queue_login(self, i, err))
            return false;
        if (member_flies(member, WRITE_CANCELS) && !queue_cancels(self, i, err))
            return false;
    }
    return true;
}

/* What the flight carries, in bits of write_kind_t. */
static unsigned
flight_kinds(const lane_t *self)
{
    unsigned kinds = 0;
    for (uint32_t i = self->from; i < self->to; i++) {
        const member_t *member = &self->batch[i];
        if (member->write && !member->unfit)
            kinds |= 1U << member->write->kind;
    }
    return kinds;
}

static bool
queue_writes(lane_t *self, unsigned kinds, err_t *err)
{
    self->steps[self->step_count++] = (step_t){ .kind = STEP_PLAIN };
    if (!pg_queue_begin(self->pg, err))
        return false;
    bool holds = kinds & (1U << WRITE_CLAIM | 1U << WRITE_FINISH);
    if (holds && self->options.held && !queue_hold(self, err))
        return false;
    if (!queue_finishes(self, err) || !queue_claims(self, err) || !queue_unclaims(self, err)
        || !queue_single_writes(self, err))
        return false;
    self->steps[self->step_count++] = (step_t){ .kind = STEP_PLAIN };
    return pg_queue_commit(self->pg, err);
}

/* As if nothing had been answered yet. */
static void
flight_reset(lane_t *self)
{
    for (uint32_t i = self->from; i < self->to; i++) {
        member_t *member = &self->batch[i];
        member->settled = false;
        if (!member->write || member->unfit)
            continue;
        write_clear(member->write);
        member->write->verdict = WRITE_FENCED;
    }
}

bool
flight_launch(lane_t *self, err_t *err)
{
    self->step_count = 0;
    self->step_next = 0;
    self->cursor = 0;
    self->failed = false;
    if (self->phase == LANE_CHECKING)
        return queue_check(self, err) && pg_flush(self->pg, err);
    self->deposed = false;
    self->number++;
    flight_reset(self);
    unsigned kinds = flight_kinds(self);
    unsigned reads = 1U << WRITE_LOOK | 1U << WRITE_LOGIN | 1U << WRITE_CANCELS;
    if ((kinds & ~reads) && !queue_writes(self, kinds, err))
        return false;
    return queue_reads(self, err) && pg_flush(self->pg, err);
}

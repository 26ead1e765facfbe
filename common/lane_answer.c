/* lane_answer.c - what the answers to a flight's queries mean. */
#include <assert.h>
#include <stdlib.h>

#include "common/lane_inner.h"
#include "common/store_inner.h"

/* The member that an answer's row is about; NULL when its owner has forgotten it. Rows mostly come
 * in the order of ids, so the search goes on where the last one ended. */
static member_t *
member_of(lane_t *self, write_kind_t kind, const jobid_t *job)
{
    uint32_t size = self->to - self->from;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t at = self->from + (self->cursor + i) % size;
        member_t *member = &self->batch[at];
        if (!member_flies(member, kind) || member->settled
            || !jobid_equal(&member->write->job, job))
            continue;
        self->cursor = at - self->from + 1;
        member->settled = true;
        return member;
    }
    return NULL;
}

/* NULL for NULL. Points into the answer. */
static const char *
word_of(const pg_result_t *result, int row, int column)
{
    return pg_is_null(result, row, column) ? NULL : pg_get_text(result, row, column);
}

static limit_t
limit_of(const pg_result_t *result, int row, int column)
{
    limit_t limit = { .most = pg_get_int8(result, row, column) };
    if (!limit_owner_parse(word_of(result, row, column + 1), &limit.owner))
        limit.owner = LIMIT_OF_JOB; /* it is only told */
    return limit;
}

/* A limit of its own, or 0. A word that this node does not know reads as the careful one. */
static void
claimed_options(claimed_t *claimed, const pg_result_t *result, int row)
{
    claimed->steps = (uint32_t)pg_get_int2(result, row, 6);
    claimed->cancelled = pg_get_bool(result, row, 7);
    claimed->age_ms = pg_get_int8(result, row, 8);
    claimed->deadline_ms = pg_get_int8(result, row, 9);
    claimed->statement_timeout_ms = pg_get_int8(result, row, 10);
    claimed->max_attempts = pg_get_int4(result, row, 11);
    if (!autocommit_parse(word_of(result, row, 12), &claimed->autocommit))
        claimed->autocommit = AUTOCOMMIT_NEVER;
    claimed->read_only = pg_get_bool(result, row, 13);
    claimed->params = pg_is_null(result, row, 14) ? NULL : mem_text(pg_get_text(result, row, 14));
    claimed->limits.rows = limit_of(result, row, 15);
    claimed->limits.bytes = limit_of(result, row, 17);
    claimed->limits.truncate = pg_get_bool(result, row, 19);
}

static void
answer_claims(lane_t *self, const pg_result_t *result)
{
    for (int row = 0; row < pg_rows(result); row++) {
        jobid_t id = pg_get_uuid(result, row, 0);
        member_t *member = member_of(self, WRITE_CLAIM, &id);
        if (!member || self->deposed)
            continue;
        claimed_t *claimed = &member->write->claimed;
        claimed->attempt = pg_get_int4(result, row, 1);
        claimed->tries = pg_get_int4(result, row, 2);
        claimed->sql = mem_text(pg_get_text(result, row, 3));
        claimed->ghost_count = pg_get_count(result, row, 4) / 2;
        claimed->ghosts = (int64_t *)mem_array(claimed->ghost_count * 2 + 1, sizeof(int64_t));
        for (uint32_t i = 0; i < claimed->ghost_count * 2; i++)
            claimed->ghosts[i] = pg_get_element(result, row, 4, i);
        claimed->started_ms = store_ms(result, row, 5);
        claimed_options(claimed, result, row);
        member->write->verdict = WRITE_DONE;
    }
}

static void
answer_unclaims(lane_t *self, const pg_result_t *result)
{
    for (int row = 0; row < pg_rows(result); row++) {
        jobid_t id = pg_get_uuid(result, row, 0);
        member_t *member = member_of(self, WRITE_UNCLAIM, &id);
        if (member)
            member->write->verdict = WRITE_DONE;
    }
}

static void
answer_finishes(lane_t *self, const pg_result_t *result)
{
    for (int row = 0; row < pg_rows(result); row++) {
        jobid_t id = pg_get_uuid(result, row, 0);
        member_t *member = member_of(self, WRITE_FINISH, &id);
        if (!member)
            continue;
        member->write->started_ms = store_ms(result, row, 1);
        member->write->ended_ms = store_ms(result, row, 2);
        member->write->verdict = WRITE_DONE;
    }
}

static void
answer_login(write_t *write, const pg_result_t *result)
{
    write->found = login_read(result);
    write->verdict = write->found ? WRITE_DONE : WRITE_FAILED;
    if (!write->found)
        (void)err_set(&write->err, ERR_NOT_FOUND, "the tenant has no login on this source");
}

/* The outcome record, if there is one. */
static void
answer_look(write_t *write, const pg_result_t *result)
{
    look_t *look = &write->look;
    write->verdict = WRITE_DONE;
    look->found = pg_rows(result) > 0;
    if (!look->found)
        return;
    view_t manifest = pg_get_bytes(result, 0, 5);
    look->manifest = (uint8_t *)mem_copy(manifest.data, manifest.size);
    look->outcome = (outcome_t){ .step = (uint32_t)pg_get_int2(result, 0, 0),
                                 .attempt = pg_get_int4(result, 0, 1),
                                 .system_id = pg_get_int8(result, 0, 2),
                                 .timeline = pg_get_int4(result, 0, 3),
                                 .xid = pg_get_int8(result, 0, 4),
                                 .proof = proof_parse(pg_get_text(result, 0, 6)),
                                 .manifest = look->manifest,
                                 .manifest_size = manifest.size };
}

/* And the steps, behind it. */
static void
answer_steps(write_t *write, const pg_result_t *result)
{
    look_t *look = &write->look;
    look->step_count = (uint32_t)pg_rows(result);
    bool good =
        look->step_count == write->in.steps
            ? steps_read(result, 0, look->step_count, &look->steps, &write->err)
            : err_set(&write->err, ERR_INTERNAL, "the store holds other steps than the job has");
    if (!good)
        write->verdict = WRITE_FAILED;
}

static void
answer_cancels(write_t *write, const pg_result_t *result)
{
    write->verdict = WRITE_DONE;
    write->cancelled_count = (uint32_t)pg_rows(result);
    write->cancelled = (jobid_t *)mem_array(write->cancelled_count + 1, sizeof(jobid_t));
    for (uint32_t i = 0; i < write->cancelled_count; i++)
        write->cancelled[i] = pg_get_uuid(result, (int)i, 0);
}

void
flight_answer(lane_t *self, const pg_result_t *result)
{
    assert(self->step_next < self->step_count);
    const step_t *step = &self->steps[self->step_next++];
    write_t *write = self->batch[step->member].write;
    switch (step->kind) {
    case STEP_PLAIN: break;
    case STEP_HOLD: self->deposed = pg_rows(result) == 0; break;
    case STEP_CLAIM: answer_claims(self, result); break;
    case STEP_UNCLAIM: answer_unclaims(self, result); break;
    case STEP_FINISH: answer_finishes(self, result); break;
    case STEP_ROW:
        if (write && pg_rows(result))
            write->verdict = WRITE_DONE;
        break;
    case STEP_LOOK:
        if (write)
            answer_look(write, result);
        break;
    case STEP_LOOK_STEPS:
        if (write)
            answer_steps(write, result);
        break;
    case STEP_CANCELS:
        if (write)
            answer_cancels(write, result);
        break;
    case STEP_LOGIN:
        if (write)
            answer_login(write, result);
        break;
    }
}

bool
flight_doubtful(const lane_t *self)
{
    for (uint32_t i = self->from; i < self->to; i++) {
        if (member_flies(&self->batch[i], WRITE_FINISH) && !self->batch[i].settled)
            return true;
    }
    return false;
}

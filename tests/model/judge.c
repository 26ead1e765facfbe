/* judge.c - the model's words into the product's, and back. */
#include "tests/model/judge.h"

#include "common/plan.h"
#include "executor/verdict.h"

enum { STEPS_MOST = 8 };

static proof_t
proof_of(proof_kind_t proof)
{
    switch (proof) {
    case PROVEN_BY_BARRIER: return PROOF_BARRIER;
    case PROVEN_BY_LEDGER: return PROOF_LEDGER;
    case PROVEN_NOT: break;
    }
    return PROOF_NONE;
}

static fate_t
fate_of(fate_kind_t fate)
{
    switch (fate) {
    case FATE_IS_COMMITTED: return FATE_COMMITTED;
    case FATE_IS_ABORTED: return FATE_ABORTED;
    case FATE_IS_RUNNING: return FATE_RUNNING;
    case FATE_IS_FORGOTTEN: return FATE_FORGOTTEN;
    case FATE_IS_FUTURE: return FATE_FUTURE;
    case FATE_IS_STRANGE: return FATE_STRANGE;
    case FATE_IS_UNTOLD:
    case FATE_KINDS: break;
    }
    return FATE_UNTOLD;
}

judged_t
judge_fate(proof_kind_t proof, fate_kind_t fate)
{
    switch (verdict_of(true, proof_of(proof), fate_of(fate))) {
    case VERDICT_DONE: return JUDGED_DONE;
    case VERDICT_AGAIN: return JUDGED_AGAIN;
    case VERDICT_ASK: return JUDGED_ASK;
    case VERDICT_UNKNOWN: break;
    }
    return JUDGED_UNKNOWN;
}

const char *
judge_fate_word(fate_kind_t fate)
{
    static const char *const words[FATE_KINDS] = {
        [FATE_IS_COMMITTED] = "committed", [FATE_IS_ABORTED] = "aborted",
        [FATE_IS_RUNNING] = "running",     [FATE_IS_FORGOTTEN] = "forgotten",
        [FATE_IS_FUTURE] = "future",       [FATE_IS_STRANGE] = "strange",
        [FATE_IS_UNTOLD] = "untold",
    };
    return words[fate];
}

next_t
judge_next(const char *const *conditions, const job_state_t *states, int count)
{
    job_step_t steps[STEPS_MOST] = { 0 };
    for (int i = 0; i < count && i < STEPS_MOST; i++) {
        steps[i].step = (uint32_t)i;
        /* plan_next() only reads it; a job's steps own their texts. */
        union {
            const char *text;
            char *borrowed;
        } condition = { conditions[i] };
        steps[i].condition = condition.borrowed;
        steps[i].state = states[i];
    }
    plan_t plan = plan_next(steps, (uint32_t)count);
    return (next_t){ .over = plan.over, .step = (int)plan.step, .state = plan.state };
}

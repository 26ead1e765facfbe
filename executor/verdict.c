/* verdict.c - the table of verdict.h. */
#include "executor/verdict.h"

question_t
verdict_question(bool recorded, proof_t proof)
{
    if (!recorded || proof == PROOF_NONE)
        return QUESTION_NONE;
    return proof == PROOF_LEDGER ? QUESTION_MARKER : QUESTION_FATE;
}

static verdict_t
by_marker(fate_t fate)
{
    switch (fate) {
    case FATE_COMMITTED: return VERDICT_DONE;
    case FATE_ABORTED: return VERDICT_AGAIN;
    case FATE_RUNNING: return VERDICT_ASK;
    case FATE_FORGOTTEN:
    case FATE_FUTURE:
    case FATE_STRANGE:
    case FATE_UNTOLD: break;
    }
    return VERDICT_UNKNOWN;
}

static verdict_t
by_transaction(fate_t fate)
{
    switch (fate) {
    case FATE_COMMITTED: return VERDICT_DONE;
    case FATE_ABORTED:
    case FATE_FUTURE: return VERDICT_AGAIN;
    case FATE_RUNNING: return VERDICT_ASK;
    case FATE_FORGOTTEN:
    case FATE_STRANGE:
    case FATE_UNTOLD: break;
    }
    return VERDICT_UNKNOWN;
}

verdict_t
verdict_of(bool recorded, proof_t proof, fate_t fate)
{
    switch (verdict_question(recorded, proof)) {
    case QUESTION_MARKER: return by_marker(fate);
    case QUESTION_FATE: return by_transaction(fate);
    case QUESTION_NONE: break;
    }
    return recorded ? VERDICT_UNKNOWN : VERDICT_AGAIN;
}

const char *
verdict_word(verdict_t verdict)
{
    static const char *const words[] = { "again", "done", "unknown", "ask" };
    return words[verdict];
}

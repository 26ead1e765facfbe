/* allowance.c - rows beyond what a script's results may come to. */
#include "executor/drivers/postgres/channel.h"

bool
rows_spent(const channel_t *self)
{
    const allowance_t *allowance = self->script.allowance;
    return allowance && (allowance->spent || allowance->rows == 0);
}

/* Neither the script's effect nor anybody behind it needs what is still to come. Types that have no
 * name yet do: the source is asked for them when it has said all. */
static bool
is_enough(const channel_t *self)
{
    const script_t *script = &self->script;
    if (!script->read_only || !script->last || self->ordinal + 1 < script->statements->count)
        return false;
    own(mem) unknown = names_unknown(&self->names);
    return !unknown;
}

turn_t
rows_left_out(channel_t *self)
{
    allowance_t *allowance = self->script.allowance;
    if (!allowance->cut)
        return TURN_OVER;
    bool first = !rows_result(self)->truncated;
    allowance->spent = true;
    rows_result(self)->truncated = true;
    return first && is_enough(self) ? TURN_ENOUGH : TURN_WAIT;
}

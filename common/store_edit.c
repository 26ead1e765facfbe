/* store_edit.c - other texts for a job that waits. */
#include "common/store_inner.h"

/* As submit has them: the text of one step is the job's, several have rows of their own. */
static void
edit_params(pg_params_t *params, const edit_t *edit)
{
    const submit_step_t *one = edit->step_count == 1 ? edit->steps : NULL;
    pg_param_uuid(params, &edit->id);
    pg_param_text(params, edit->tenant);
    pg_param_text(params, one ? one->sql : "");
    pg_param_int2(params, (int16_t)edit->step_count);
    pg_param_text(params, edit->note);
    pg_param_int8(params, edit->edited_ms);
    if (one && one->timeout_ms)
        pg_param_int8(params, one->timeout_ms);
    else
        pg_param_null(params);
    steps_params(params, edit->steps, one ? 0 : edit->step_count);
}

/* What was sent first must not come behind another edit: so its session goes before the repeat. */
bool
store_edit(store_t *self, const edit_t *edit, bool *edited, err_t *err)
{
    edit_params(store_params(self), edit);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_edit, &result, err)
        && !(pg_was_cut(self->pg) && pg_settle(self->pg, err)
             && store_run(self, SQL_edit, &result, err)))
        return false;
    *edited = pg_get_bool(result, 0, 0) || pg_get_bool(result, 0, 1);
    return true;
}

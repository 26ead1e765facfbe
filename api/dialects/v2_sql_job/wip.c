/* wip.c - GET /api/{version}/jobs-wip: which jobs run just now. */
#include "api/dialects/v2_sql_job/v2_sql_job.h"

enum { SHOWN_MOST = 1000 };

/* The server that this stands for showed everybody's; here one user's are not another's business.
 * Who has none running is not named. */
static bool
wip(v2_visit_t *visit, err_t *err)
{
    const job_filter_t filter = { .dialect = V2_DIALECT, .running = true, .most = SHOWN_MOST };
    own(jobs) jobs = engine_list(visit->call->engine, &visit->call->caller, &filter, err);
    if (!jobs)
        return false;
    json_t json;
    v2_begin(visit, 200, &json);
    json_begin(&json);
    if (jobs->count > 0) {
        json_name(&json, visit->user);
        json_begin_list(&json);
        for (uint32_t i = jobs->count; i > 0; i--) {
            char id[JOBID_TEXT_SIZE];
            json_text(&json, jobid_text(&jobs->list[i - 1]->id, id));
        }
        json_end_list(&json);
    }
    json_end(&json);
    v2_end(visit);
    return true;
}

bool
v2_wip(call_t *call, err_t *err)
{
    static const v2_rule_t rule = { .handle = wip, .master = true };
    return v2_serve(call, &rule, err);
}

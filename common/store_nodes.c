/* store_nodes.c - nodes and their leases, the leader row, the sweep. */
#include <string.h>

#include "common/log.h"
#include "common/store_inner.h"

/* Dead nodes that one sweep looks at; the next one goes on. */
enum { SWEEP_NODES_MOST = 256 };

bool
store_node_enroll(store_t *self, const node_t *node, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, node->name);
    pg_param_int8(params, node->incarnation);
    pg_param_text(params, node->role);
    pg_param_text(params, node->public_key);
    pg_param_text(params, node->endpoint);
    pg_param_text(params, node->url);
    pg_param_int8(params, node->lease_ms);
    return store_run(self, SQL_node_enroll, NULL, err);
}

bool
store_node_renew(store_t *self, const node_t *node, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, node->name);
    pg_param_int8(params, node->incarnation);
    pg_param_int8(params, node->lease_ms);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_node_renew, &result, err))
        return false;
    return pg_rows(result) || err_set(err, ERR_GONE, "this node was declared dead");
}

bool
store_node_leave(store_t *self, const node_t *node, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, node->name);
    pg_param_int8(params, node->incarnation);
    return store_run(self, SQL_node_leave, NULL, err);
}

bool
store_node_by_key(store_t *self, const char *public_key, char *role, char *name, err_t *err)
{
    pg_param_text(store_params(self), public_key);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_node_by_key, &result, err))
        return false;
    if (!pg_rows(result))
        return err_set(err, ERR_NOT_FOUND, "no live node has this key");
    store_copy(role, 64, pg_get_text(result, 0, 0));
    store_copy(name, 64, pg_get_text(result, 0, 1));
    return true;
}

bool
store_brokers(store_t *self, broker_t *brokers, uint32_t *count, err_t *err)
{
    (void)store_params(self);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_brokers, &result, err))
        return false;
    int rows = pg_rows(result) < BROKERS_MOST ? pg_rows(result) : BROKERS_MOST;
    for (int row = 0; row < rows; row++) {
        broker_t *broker = &brokers[row];
        store_copy(broker->name, sizeof broker->name, pg_get_text(result, row, 0));
        store_copy(broker->endpoint, sizeof broker->endpoint, pg_get_text(result, row, 1));
        store_copy(broker->public_key, sizeof broker->public_key, pg_get_text(result, row, 2));
        broker->epoch = (uint64_t)pg_get_int8(result, row, 3);
    }
    *count = (uint32_t)rows;
    return true;
}

bool
store_leader_beat(store_t *self, const char *owner, const char *endpoint, int64_t takeover_ms,
                  uint64_t *epoch, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, owner);
    pg_param_text(params, endpoint);
    pg_param_int8(params, takeover_ms);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_leader_beat, &result, err))
        return false;
    *epoch = pg_rows(result) ? (uint64_t)pg_get_int8(result, 0, 0) : 0;
    return true;
}

bool
store_leader_leave(store_t *self, const char *owner, err_t *err)
{
    pg_param_text(store_params(self), owner);
    return store_run(self, SQL_leader_leave, NULL, err);
}

/* --- the sweep --- */

/* Report the jobs of one dead node: columns as sweep_dead_node has them. */
static void
flagged_report(const pg_result_t *result, store_waiting_fn fn, void *arg)
{
    for (int row = 0; row < pg_rows(result); row++) {
        if (pg_is_null(result, row, 1))
            continue;
        waiting_t job = { .id = pg_get_uuid(result, row, 1),
                          .priority = pg_get_int2(result, row, 4),
                          .lost_incarnation = (uint64_t)pg_get_int8(result, row, 6),
                          .recovering = true };
        store_copy(job.lost_by, sizeof job.lost_by, pg_get_text(result, row, 0));
        store_copy(job.tenant, sizeof job.tenant, pg_get_text(result, row, 2));
        store_copy(job.source, sizeof job.source, pg_get_text(result, row, 3));
        store_copy(job.queue_key, sizeof job.queue_key, pg_get_text(result, row, 5));
        fn(arg, &job);
    }
}

/* A role that may not end them sweeps all the same. */
static bool
lanes_end(store_t *self, err_t *err)
{
    if (store_run(self, SQL_sweep_expired_lanes, NULL, err))
        return true;
    if (err->kind != ERR_SQL)
        return false;
    log_warn("store.lanes", "sqlstate=%s what=\"%s\"", err->sqlstate, err->text);
    return true;
}

bool
store_sweep_nodes(store_t *self, store_waiting_fn fn, void *arg, uint32_t *nodes, err_t *err)
{
    *nodes = 0;
    (void)store_params(self);
    own(pg_result) empty = NULL;
    if (!lanes_end(self, err) || !store_run(self, SQL_sweep_expired_nodes, NULL, err)
        || !store_run(self, SQL_sweep_empty_nodes, &empty, err))
        return false;
    *nodes = (uint32_t)pg_rows(empty);
    for (int i = 0; i < SWEEP_NODES_MOST; i++) {
        own(pg_result) flagged = NULL;
        if (!store_run(self, SQL_sweep_dead_node, &flagged, err))
            return false;
        if (!pg_rows(flagged))
            return true;
        *nodes += 1;
        flagged_report(flagged, fn, arg);
    }
    return true;
}

bool
store_sweep_pairs(store_t *self, const store_pair_t *after, store_pair_t *pairs, uint32_t most,
                  uint32_t *count, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, after->tenant);
    pg_param_text(params, after->source);
    pg_param_int8(params, most);
    own(pg_result) result = NULL;
    *count = 0;
    if (!store_run(self, SQL_sweep_pairs, &result, err))
        return false;
    for (int row = 0; row < pg_rows(result) && *count < most; row++) {
        store_pair_t *pair = &pairs[(*count)++];
        store_copy(pair->tenant, sizeof pair->tenant, pg_get_text(result, row, 0));
        store_copy(pair->source, sizeof pair->source, pg_get_text(result, row, 1));
        pair->paused = pg_get_bool(result, row, 2);
    }
    return true;
}

bool
store_sweep_pending(store_t *self, const store_pair_t *pair, uint32_t limit, store_waiting_fn fn,
                    void *arg, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, pair->tenant);
    pg_param_text(params, pair->source);
    pg_param_int8(params, limit);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_sweep_pending, &result, err))
        return false;
    waiting_t job = { 0 };
    store_copy(job.tenant, sizeof job.tenant, pair->tenant);
    store_copy(job.source, sizeof job.source, pair->source);
    for (int row = 0; row < pg_rows(result); row++) {
        job.id = pg_get_uuid(result, row, 0);
        job.priority = pg_get_int2(result, row, 1);
        job.recovering = pg_get_bool(result, row, 2);
        fn(arg, &job);
    }
    return true;
}

bool
store_sweep_partitions(store_t *self, int32_t page_days, err_t *err)
{
    pg_param_int4(store_params(self), page_days);
    return store_run(self, SQL_sweep_partitions, NULL, err);
}

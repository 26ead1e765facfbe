/* engine_world.h - what the checks of the engine stand on: a store, a tenant, an engine.
 *
 * MILLRACE_TEST_STORE is the DSN of a database that may be written to; each world has tenants of
 * its own in it.
 */
#ifndef TESTS_CHECK_ENGINE_WORLD_H
#define TESTS_CHECK_ENGINE_WORLD_H

#include "tests/unit/unit.h"

#include "api/engine.h"
#include "common/pg.h"
#include "common/store.h"

enum { SOON_MS = 10000, LONG_MS = 60000, QUICK_MS = 100 };

typedef struct {
    conf_t *conf;
    engine_t *engine;
    store_t *store;
    pg_t *pg;   /* plays the executor */
    int number; /* of this world, from 1 */
    caller_t caller;
    caller_t stranger;
} world_t;

/* "SELECT 1" */
extern const order_t select_1;

/* Read the environment and make ready; false (and said why) when that fails. */
bool world_ready(void);

/* The DSN. Static. */
const char *world_dsn(void);

/* An engine with these settings, and two tenants that may submit. */
void world_begin(world_t *world, const char *reread_ms, const char *wait_cap_ms);
void world_end(world_t *world);

/* Submit "SELECT 1". */
jobid_t world_job(world_t *world);

/* End a job as an executor does, with a manifest (as hex) or NULL. */
void world_finish(world_t *world, const jobid_t *id, const char *state, const char *manifest);

#endif

/* migrate.c - bring the store's schema up to date, one node at a time. */
#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/log.h"
#include "common/store_inner.h"

/* C promises 4095 characters of a string; our compilers give more. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

typedef struct {
    int number;
    const char *name;
    const char *text;
} migration_t;

static const migration_t migrations[] = {
#define MIGRATION(number, name, text) { number, name, text },
#include "migrations.inc"
#undef MIGRATION
};

/* A migration may take a while, and so may waiting for another node's; pages: so many days ahead
 * until the sweep makes its own. */
enum {
    MIGRATIONS = sizeof migrations / sizeof migrations[0],
    MIGRATE_MS = 600000,
    USUAL_MS = 10000,
    PAGE_DAYS = 8
};

int
store_schema_built(void)
{
    return migrations[MIGRATIONS - 1].number;
}

static void
migration_hash(const migration_t *migration, uint8_t hash[crypto_hash_sha256_BYTES])
{
    const void *text = migration->text;
    (void)crypto_hash_sha256(hash, (const unsigned char *)text, strlen(migration->text));
}

/* Is row `row` of the store's list our migration of that place? */
static bool
migration_same(const pg_result_t *list, int row)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    migration_hash(&migrations[row], hash);
    view_t stored = pg_get_bytes(list, row, 2);
    return pg_get_int4(list, row, 0) == migrations[row].number && stored.size == sizeof hash
           && memcmp(stored.data, hash, sizeof hash) == 0;
}

/* Hold the store's migrations against ours: *applied of them are in, all as we know them. */
static bool
schema_compare(store_t *self, int *applied, err_t *err)
{
    own(pg_result) list = NULL;
    if (!store_run(self, SQL_schema_list, &list, err))
        return false;
    int rows = pg_rows(list);
    *applied = rows;
    int highest = rows ? pg_get_int4(list, rows - 1, 0) : 0;
    if (highest > store_schema_built())
        return err_set(err, ERR_CONFLICT,
                       "the store's schema is version %d, this program knows up to %d: upgrade "
                       "this node",
                       highest, store_schema_built());
    for (int row = 0; row < rows; row++) {
        if (!migration_same(list, row))
            return err_set(err, ERR_CONFLICT,
                           "the store's schema holds a migration %d (%s) that is not the one this "
                           "program knows: it was made by another build",
                           pg_get_int4(list, row, 0), pg_get_text(list, row, 1));
    }
    return true;
}

static bool
migration_record(store_t *self, const migration_t *migration, err_t *err)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    migration_hash(migration, hash);
    pg_params_t *params = store_params(self);
    pg_param_int4(params, migration->number);
    pg_param_text(params, migration->name);
    pg_param_bytes(params, hash, sizeof hash);
    return store_run(self, SQL_schema_add, NULL, err);
}

/* One migration, whole or not at all. */
static bool
migration_apply(store_t *self, const migration_t *migration, err_t *err)
{
    bool good = pg_script(self->pg, "BEGIN", err) && pg_script(self->pg, migration->text, err)
                && migration_record(self, migration, err) && pg_script(self->pg, "COMMIT", err);
    if (good) {
        log_info("store.migrated", "number=%d name=%s", migration->number, migration->name);
        return true;
    }
    err_t ignored;
    if (err->kind != ERR_UNAVAILABLE && !pg_script(self->pg, "ROLLBACK", &ignored))
        log_warn("store.migrate", "what=\"%s\"", ignored.text);
    return err_wrap(err, "migration %d", migration->number);
}

/* Under the lock: nobody else changes the schema meanwhile. */
static bool
schema_advance(store_t *self, err_t *err)
{
    (void)store_params(self);
    int applied = 0;
    if (!store_run(self, SQL_schema_table, NULL, err) || !schema_compare(self, &applied, err))
        return false;
    for (int i = applied; i < MIGRATIONS; i++) {
        if (!migration_apply(self, &migrations[i], err))
            return false;
    }
    return true;
}

/* Is there nothing to do? Most nodes that start find it so, and take no lock. */
static bool
schema_current(store_t *self, bool *current, err_t *err)
{
    *current = false;
    (void)store_params(self);
    own(pg_result) known = NULL;
    if (!store_run(self, SQL_schema_known, &known, err))
        return false;
    if (!pg_get_bool(known, 0, 0))
        return true;
    int applied = 0;
    if (!schema_compare(self, &applied, err))
        return false;
    *current = applied == MIGRATIONS;
    return true;
}

static bool
schema_migrate(store_t *self, err_t *err)
{
    bool current = false;
    if (!schema_current(self, &current, err))
        return false;
    if (current)
        return true;
    (void)store_params(self);
    if (!store_run(self, SQL_schema_lock, NULL, err))
        return false;
    bool good = schema_advance(self, err);
    err_t ignored;
    (void)store_params(self);
    if (!store_run(self, SQL_schema_unlock, NULL, &ignored)) /* the session's end unlocks too */
        log_warn("store.unlock", "what=\"%s\"", ignored.text);
    return good;
}

bool
store_migrate(store_t *self, err_t *err)
{
    pg_limit(self->pg, MIGRATE_MS);
    bool good = schema_migrate(self, err) && store_sweep_partitions(self, PAGE_DAYS, err);
    pg_limit(self->pg, USUAL_MS);
    return good;
}

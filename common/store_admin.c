/* store_admin.c - tenants, keys, sources and logins, as the command line manages them. */
#include <stdlib.h>
#include <string.h>

#include "common/store_inner.h"

enum { COLUMNS_MOST = 16 };

/* What a refused change means to whoever asked for it: `thing` is what was to be made or changed.
 * Returns false. */
static bool
refused(const char *thing, err_t *err)
{
    static const struct {
        const char *sqlstate;
        err_kind_t kind;
        const char *what;
    } meanings[] = {
        { "23505", ERR_CONFLICT, "exists already" },
        { "23503", ERR_NOT_FOUND, "names something that does not exist" },
        { "23514", ERR_INVALID, "is not well-formed" },
        { "23502", ERR_INVALID, "is not complete" },
        { "22021", ERR_INVALID, "is not valid UTF-8" },
        { "22008", ERR_INVALID, "has a time out of range" },
    };
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (strcmp(err->sqlstate, meanings[i].sqlstate) == 0)
            return err_set(err, meanings[i].kind, "this %s %s", thing, meanings[i].what);
    }
    return false;
}

/* Run a change that gives its row back; no row means `missing`. */
static bool
change(store_t *self, sql_t query, const char *thing, err_kind_t missing, err_t *err)
{
    own(pg_result) result = NULL;
    if (!store_run(self, query, &result, err))
        return refused(thing, err);
    if (pg_rows(result))
        return true;
    const char *what = missing == ERR_CONFLICT ? "exists already" : "does not exist";
    return err_set(err, missing, "this %s %s", thing, what);
}

/* Run a list and show each row. */
static bool
list(store_t *self, sql_t query, store_row_fn fn, void *arg, err_t *err)
{
    own(pg_result) result = NULL;
    if (!store_run(self, query, &result, err))
        return false;
    int columns = pg_columns(result) < COLUMNS_MOST ? pg_columns(result) : COLUMNS_MOST;
    for (int row = 0; row < pg_rows(result); row++) {
        char texts[COLUMNS_MOST][PG_SHOWN_SIZE];
        const char *cells[COLUMNS_MOST];
        for (int column = 0; column < columns; column++)
            cells[column] = pg_get_shown(result, row, column, texts[column]);
        fn(arg, cells, columns);
    }
    return true;
}

bool
store_tenant_add(store_t *self, const char *name, err_t *err)
{
    pg_param_text(store_params(self), name);
    return change(self, SQL_tenant_add, "tenant", ERR_CONFLICT, err);
}

/* -1 leaves a limit as it is. */
static void
limit_param(pg_params_t *params, int64_t value)
{
    if (value < 0)
        pg_param_null(params);
    else
        pg_param_int8(params, value);
}

bool
store_tenant_limit(store_t *self, const char *name, const limits_t *limits, err_t *err)
{
    if (limits->retention_s > INT32_MAX)
        return err_set(err, ERR_INVALID, "this retention is too long");
    pg_params_t *params = store_params(self);
    pg_param_text(params, name);
    if (limits->retention_s < 0)
        pg_param_null(params);
    else
        pg_param_int4(params, (int32_t)limits->retention_s);
    limit_param(params, limits->statement_timeout_ms);
    limit_param(params, limits->queue_timeout_ms);
    limit_param(params, limits->deadline_ms);
    limit_param(params, limits->max_rows);
    limit_param(params, limits->max_bytes);
    return change(self, SQL_tenant_limit, "tenant", ERR_NOT_FOUND, err);
}

bool
store_source_limit(store_t *self, const char *name, const limits_t *limits, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, name);
    limit_param(params, limits->statement_timeout_ms);
    limit_param(params, limits->queue_timeout_ms);
    limit_param(params, limits->deadline_ms);
    limit_param(params, limits->max_rows);
    limit_param(params, limits->max_bytes);
    return change(self, SQL_source_limit, "source", ERR_NOT_FOUND, err);
}

bool
store_tenant_list(store_t *self, store_row_fn fn, void *arg, err_t *err)
{
    (void)store_params(self);
    return list(self, SQL_tenant_list, fn, arg, err);
}

/* A key's columns. */
typedef struct {
    const char *id;
    const char *secret;
    const char *tenant;
    const char *role;
    int64_t lifetime_s;
} key_row_t;

static bool
key_put(store_t *self, sql_t query, const key_row_t *row, err_t *err)
{
    uint8_t hash[KEY_HASH_SIZE];
    key_hash(row->secret, hash);
    pg_params_t *params = store_params(self);
    pg_param_text(params, row->id);
    pg_param_bytes(params, hash, sizeof hash);
    pg_param_text(params, row->tenant);
    pg_param_text(params, row->role);
    if (row->lifetime_s)
        pg_param_int8(params, row->lifetime_s);
    else
        pg_param_null(params);
    return change(self, query, "key", ERR_CONFLICT, err);
}

bool
store_key_add(store_t *self, const char *tenant, const apikey_t *key, const char *role,
              int64_t lifetime_s, err_t *err)
{
    const key_row_t row = { key->id, key->secret, tenant, role, lifetime_s };
    return key_put(self, SQL_key_add, &row, err);
}

bool
store_key_give(store_t *self, const char *tenant, const char *text, const char *role,
               int64_t lifetime_s, err_t *err)
{
    if (!key_given_valid(text, strlen(text)))
        return err_set(
            err, ERR_INVALID,
            "a given key has 1 to %d bytes of UTF-8 without control characters, and does "
            "not begin with mr1.",
            KEY_GIVEN_MOST);
    char id[KEY_GIVEN_ID_SIZE];
    const key_row_t row = { key_given_id(tenant, text, id), text, tenant, role, lifetime_s };
    return key_put(self, SQL_key_give, &row, err);
}

bool
store_key_list(store_t *self, const char *tenant, store_row_fn fn, void *arg, err_t *err)
{
    pg_param_text(store_params(self), tenant);
    return list(self, SQL_key_list, fn, arg, err);
}

bool
store_key_revoke(store_t *self, const char *key_id, err_t *err)
{
    pg_param_text(store_params(self), key_id);
    return change(self, SQL_key_revoke, "key", ERR_NOT_FOUND, err);
}

bool
store_source_add(store_t *self, const char *name, const char *driver, const char *dsn, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, name);
    pg_param_text(params, driver);
    pg_param_text(params, dsn);
    return change(self, SQL_source_add, "source", ERR_CONFLICT, err);
}

bool
store_source_list(store_t *self, store_row_fn fn, void *arg, err_t *err)
{
    (void)store_params(self);
    return list(self, SQL_source_list, fn, arg, err);
}

bool
store_source_find(store_t *self, const char *name, char **driver, char **dsn, err_t *err)
{
    pg_param_text(store_params(self), name);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_source_find, &result, err))
        return false;
    if (!pg_rows(result))
        return err_set(err, ERR_NOT_FOUND, "this source does not exist");
    *driver = mem_text(pg_get_text(result, 0, 0));
    *dsn = mem_text(pg_get_text(result, 0, 1));
    return true;
}

bool
store_login_add(store_t *self, const char *tenant, const char *alias, const char *source,
                const char *role, const uint8_t *sealed, size_t sealed_size, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, tenant);
    pg_param_text(params, alias);
    pg_param_text(params, source);
    pg_param_text(params, role);
    pg_param_bytes(params, sealed, sealed_size);
    return change(self, SQL_login_add, "login", ERR_CONFLICT, err);
}

bool
store_login_list(store_t *self, const char *tenant, store_row_fn fn, void *arg, err_t *err)
{
    pg_param_text(store_params(self), tenant);
    return list(self, SQL_login_list, fn, arg, err);
}

bool
store_login_remove(store_t *self, const char *tenant, const char *alias, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, tenant);
    pg_param_text(params, alias);
    return change(self, SQL_login_remove, "login", ERR_NOT_FOUND, err);
}

login_t *
login_read(const pg_result_t *result)
{
    if (!pg_rows(result))
        return NULL;
    login_t *login = (login_t *)mem_new(sizeof *login);
    view_t sealed = pg_get_bytes(result, 0, 3);
    login->driver = mem_text(pg_get_text(result, 0, 0));
    login->dsn = mem_text(pg_get_text(result, 0, 1));
    login->role = mem_text(pg_get_text(result, 0, 2));
    login->sealed = (uint8_t *)mem_copy(sealed.data, sealed.size);
    login->sealed_size = sealed.size;
    return login;
}

login_t *
store_login_find(store_t *self, const char *tenant, const char *source, err_t *err)
{
    pg_params_t *params = store_params(self);
    pg_param_text(params, tenant);
    pg_param_text(params, source);
    own(pg_result) result = NULL;
    if (!store_run(self, SQL_login_find, &result, err))
        return NULL;
    login_t *login = login_read(result);
    if (!login)
        (void)err_set(err, ERR_NOT_FOUND, "the tenant has no login on this source");
    return login;
}

void
login_destroy(login_t **self_p)
{
    login_t *self = *self_p;
    if (!self)
        return;
    free(self->driver);
    free(self->dsn);
    free(self->role);
    free(self->sealed);
    free(self);
    *self_p = NULL;
}

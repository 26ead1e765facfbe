/* admin.c - administration over the store: schema, tenants, keys, logins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "common/key.h"
#include "common/seal.h"
#include "common/store.h"

enum { TEN_YEARS_S = 10 * 365 * 86400, MONTH_S = 30 * 86400 };

/* As far as the options go. */
static const int64_t month_ms = MONTH_S * 1000LL;
static const int64_t size_most = INT64_C(1) << 53;

bool
cli_password(char password[CLI_PASSWORD_MOST], err_t *err)
{
    if (!fgets(password, CLI_PASSWORD_MOST, stdin))
        return err_set(err, ERR_INVALID, "the password is read from standard input, one line");
    size_t size = strcspn(password, "\r\n");
    if (password[size] == '\0' && size + 1 == CLI_PASSWORD_MOST)
        return err_set(err, ERR_INVALID, "a password has at most %d characters",
                       CLI_PASSWORD_MOST - 2);
    password[size] = '\0';
    return true;
}

store_t *
cli_store(const cli_t *cli, err_t *err)
{
    if (!cli->store || !*cli->store) {
        err_set(err, ERR_INVALID, "which store? give --store DSN, or set MILLRACE_STORE");
        return NULL;
    }
    return store_new(cli->store, "millrace/cli");
}

static bool
store_migrate_command(const cli_t *cli, err_t *err)
{
    own(store) store = cli_store(cli, err);
    if (!store || !store_migrate(store, err))
        return false;
    printf("schema version %d\n", store_schema_built());
    return true;
}

static bool
tenant_add(const cli_t *cli, err_t *err)
{
    own(store) store = cli_store(cli, err);
    return store && store_tenant_add(store, cli->words[0], err);
}

static bool
tenant_list(const cli_t *cli, err_t *err)
{
    const char *heading = "NAME\tPAUSED\tWEIGHT\tCREATED";
    own(store) store = cli_store(cli, err);
    return store && store_tenant_list(store, cli_row, &heading, err);
}

/* Options that were given; -1 leaves a limit as it is, 0 takes it away. */
static bool
limits_read(const cli_t *cli, limits_t *limits, err_t *err)
{
    return cli_option(cli->retention, "--retention", MONTH_S, &limits->retention_s, err)
           && cli_option(cli->statement_timeout, "--statement-timeout", month_ms,
                         &limits->statement_timeout_ms, err)
           && cli_option(cli->queue_timeout, "--queue-timeout", month_ms, &limits->queue_timeout_ms,
                         err)
           && cli_option(cli->deadline, "--deadline", month_ms, &limits->deadline_ms, err)
           && cli_option(cli->max_rows, "--max-rows", size_most, &limits->max_rows, err)
           && cli_option(cli->max_bytes, "--max-bytes", size_most, &limits->max_bytes, err);
}

static bool
tenant_limit(const cli_t *cli, err_t *err)
{
    limits_t limits;
    if (!limits_read(cli, &limits, err))
        return false;
    own(store) store = cli_store(cli, err);
    return store && store_tenant_limit(store, cli->words[0], &limits, err);
}

static bool
source_limit(const cli_t *cli, err_t *err)
{
    limits_t limits;
    if (!limits_read(cli, &limits, err))
        return false;
    if (limits.retention_s >= 0)
        return err_set(err, ERR_INVALID, "--retention is a tenant's");
    own(store) store = cli_store(cli, err);
    return store && store_source_limit(store, cli->words[0], &limits, err);
}

/* The key on standard input, whatever it holds, less the newline behind it. It is not shown again:
 * who gives it knows it. */
static bool
key_read(char text[KEY_GIVEN_MOST + 3], err_t *err)
{
    size_t size = fread(text, 1, KEY_GIVEN_MOST + 2, stdin);
    if (size > 0 && text[size - 1] == '\n')
        size--;
    text[size] = '\0';
    if (key_given_valid(text, size))
        return true;
    explicit_bzero(text, size);
    return err_set(err, ERR_INVALID,
                   "a given key is read from standard input: 1 to %d bytes of UTF-8, no control "
                   "characters, and not one that begins with mr1.",
                   KEY_GIVEN_MOST);
}

static bool
key_give(const cli_t *cli, const char *role, int64_t lifetime_s, err_t *err)
{
    char text[KEY_GIVEN_MOST + 3];
    char id[KEY_GIVEN_ID_SIZE];
    own(store) store = cli_store(cli, err);
    if (!store || !key_read(text, err))
        return false;
    bool given = store_key_give(store, cli->words[0], text, role, lifetime_s, err);
    (void)key_given_id(cli->words[0], text, id);
    explicit_bzero(text, sizeof text);
    if (given && cli->json)
        printf("{\"tenant\": \"%s\", \"key_id\": \"%s\", \"role\": \"%s\"}\n", cli->words[0], id,
               role);
    else if (given)
        puts(id);
    return given;
}

/* The secret is shown here and nowhere else: the store keeps its hash. */
static bool
key_add(const cli_t *cli, err_t *err)
{
    int64_t lifetime_s = 0;
    const char *role = cli->role ? cli->role : "write";
    if (cli->expires && !cli_number(cli->expires, "--expires", TEN_YEARS_S, &lifetime_s, err))
        return false;
    if (cli->given)
        return key_give(cli, role, lifetime_s, err);
    own(store) store = cli_store(cli, err);
    apikey_t key = key_make();
    if (!store || !store_key_add(store, cli->words[0], &key, role, lifetime_s, err))
        return false;
    char text[KEY_TEXT_SIZE];
    key_text(&key, text);
    if (cli->json)
        printf("{\"tenant\": \"%s\", \"key_id\": \"%s\", \"key_secret\": \"%s\", "
               "\"api_key\": \"%s\", \"role\": \"%s\"}\n",
               cli->words[0], key.id, key.secret, text, role);
    else
        puts(text);
    return true;
}

static bool
key_list(const cli_t *cli, err_t *err)
{
    const char *heading = "KEY ID\tTENANT\tROLE\tCREATED\tEXPIRES\tREVOKED";
    own(store) store = cli_store(cli, err);
    return store && store_key_list(store, cli->words[0], cli_row, &heading, err);
}

static bool
key_revoke(const cli_t *cli, err_t *err)
{
    own(store) store = cli_store(cli, err);
    return store && store_key_revoke(store, cli->words[0], err);
}

static bool
login_add(const cli_t *cli, err_t *err)
{
    if (!cli->seal_key)
        return err_set(err, ERR_INVALID, "which key file seals passwords? give --seal-key FILE");
    char password[CLI_PASSWORD_MOST];
    seal_key_t seal;
    if (!cli_password(password, err) || !seal_key_make(cli->seal_key, &seal, err))
        return false;
    own(store) store = cli_store(cli, err);
    if (!store)
        return false;
    size_t size = 0;
    uint8_t *sealed = seal_text(&seal, password, &size);
    const char *alias = cli->alias ? cli->alias : cli->words[1];
    bool added = store_login_add(store, cli->words[0], alias, cli->words[1], cli->words[2], sealed,
                                 size, err);
    free(sealed);
    explicit_bzero(password, sizeof password);
    return added;
}

static bool
login_list(const cli_t *cli, err_t *err)
{
    const char *heading = "TENANT\tALIAS\tSOURCE\tROLE\tCREATED";
    own(store) store = cli_store(cli, err);
    return store && store_login_list(store, cli->words[0], cli_row, &heading, err);
}

static bool
login_remove(const cli_t *cli, err_t *err)
{
    own(store) store = cli_store(cli, err);
    return store && store_login_remove(store, cli->words[0], cli->words[1], err);
}

const command_t admin_commands[] = {
    { "store", "migrate", 0, 0, store_migrate_command, "store migrate" },
    { "tenant", "add", 1, 1, tenant_add, "tenant add NAME" },
    { "tenant", "list", 0, 0, tenant_list, "tenant list" },
    { "tenant", "limit", 1, 1, tenant_limit,
      "tenant limit NAME [--retention SECONDS] [--statement-timeout MS] [--queue-timeout MS] "
      "[--deadline MS] [--max-rows N] [--max-bytes N]    (0: none)" },
    { "source", "limit", 1, 1, source_limit,
      "source limit NAME [--statement-timeout MS] [--queue-timeout MS] [--deadline MS] "
      "[--max-rows N] [--max-bytes N]" },
    { "key", "add", 1, 1, key_add,
      "key add TENANT [--role read|write|admin] [--expires SECONDS] [--json]\n"
      "  millrace key add TENANT --given [...]    (the key, any text, on standard input: in a "
      "command\n"
      "                                            line others could read it; its id is printed)" },
    { "key", "list", 0, 1, key_list, "key list [TENANT]" },
    { "key", "revoke", 1, 1, key_revoke, "key revoke KEY_ID" },
    { "login", "add", 3, 3, login_add,
      "login add TENANT SOURCE ROLE [--alias NAME] --seal-key FILE    (password on standard "
      "input)" },
    { "login", "list", 0, 1, login_list, "login list [TENANT]" },
    { "login", "remove", 2, 2, login_remove, "login remove TENANT ALIAS" },
    { NULL, NULL, 0, 0, NULL, NULL },
};

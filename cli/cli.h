/* cli.h - the millrace command: what its rooms share.
 *
 * A command is a row of a table: its words, what follows them, and a function that returns false
 * with an err_t. Results go to standard output, errors to standard error. Exit codes: 0 done, 1
 * failed, 2 called wrongly.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdint.h>

#include "common/err.h"
#include "common/store.h"

enum { CLI_WORDS_MOST = 4 };

/* The command line, taken apart. Options that were not given are NULL. */
typedef struct {
    const char *words[CLI_WORDS_MOST]; /* what follows the command's own words */
    int count;
    const char *store;             /* --store DSN, or MILLRACE_STORE */
    const char *url;               /* --url, or MILLRACE_URL */
    const char *key;               /* --key, or MILLRACE_KEY */
    const char *role;              /* --role */
    const char *expires;           /* --expires SECONDS */
    const char *tenant;            /* --tenant */
    const char *alias;             /* --alias */
    const char *seal_key;          /* --seal-key FILE, or MILLRACE_SEAL_KEY */
    const char *wait;              /* --wait SECONDS */
    const char *offset;            /* --offset */
    const char *limit;             /* --limit */
    const char *as;                /* --as ROLE */
    const char *retention;         /* --retention SECONDS */
    const char *statement_timeout; /* --statement-timeout MS */
    const char *queue_timeout;     /* --queue-timeout MS */
    const char *deadline;          /* --deadline MS */
    const char *max_rows;          /* --max-rows N */
    const char *max_bytes;         /* --max-bytes N */
    bool json;                     /* --json */
    bool given;                    /* --given */
} cli_t;

typedef bool (*command_fn)(const cli_t *cli, err_t *err);

typedef struct {
    const char *noun;
    const char *verb; /* NULL: the noun is the whole command */
    int least;        /* words that must follow, and that may */
    int most;
    command_fn run;
    const char *usage;
} command_t;

/* Tables, each ended by a row without a noun: administration over the store (admin.c, source.c),
 * jobs over HTTP (jobs.c). */
extern const command_t admin_commands[];
extern const command_t source_commands[];
extern const command_t job_commands[];

/* Read a whole decimal number in [0, most]. Fails with ERR_INVALID naming `what`. */
bool cli_number(const char *text, const char *what, int64_t most, int64_t *number, err_t *err)
    MUST_USE;

/* The same for an option that may be missing: -1 then. */
bool cli_option(const char *text, const char *what, int64_t most, int64_t *number, err_t *err)
    MUST_USE;

enum { CLI_PASSWORD_MOST = 1024 };

/* One line of standard input: a password must not stand in a command line, where ps shows it. */
bool cli_password(char password[CLI_PASSWORD_MOST], err_t *err) MUST_USE;

/* The store that was named. Fails with ERR_INVALID when none was. Caller owns the result. */
store_t *cli_store(const cli_t *cli, err_t *err) MUST_USE;

/* `source prepare` (prepare.c): make the ledger on a source. */
bool source_prepare(const cli_t *cli, err_t *err) MUST_USE;

/* A row of a list, printed with tabs between cells and a newline behind the last; NULL is "-".
 * `heading` is a `const char **`: printed before the first row, and then NULL. For the store's list
 * functions. */
void cli_row(void *heading, const char *const *cells, int count);

#endif

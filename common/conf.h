/* conf.h - settings: one table per program, over a file, the environment and the command line.
 *
 * A setting's value comes from, later beats earlier: its default; `--config FILE` (ZPL, as czmq's
 * zconfig reads it: `name = value`); the environment (MILLRACE_NAME in upper case);
 * `--set name=value`. A name that no table holds is an error, except in the environment. The same
 * call answers `--settings` (prints the table, one line each:
 * name<TAB>kind<TAB>default<TAB>unit<TAB>reloadable<TAB>sentence; the default of a setting that
 * must be given is "-"), `--version` and `--help`. A file is at most 64 KiB, a line of it 1000
 * bytes. An error names the setting and never shows its value, which may hold a password.
 *
 * A conf_t is written once at start and then only read, from any thread.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdint.h>

#include "common/err.h"

typedef enum { CONF_TEXT, CONF_INT, CONF_BOOL } conf_kind_t;

typedef struct {
    const char *name; /* "lease_ms": lower case, unit at the end */
    conf_kind_t kind;
    const char *fallback; /* the default, as it would be written; NULL: must be given */
    int64_t least;        /* CONF_INT: smallest and largest value that is taken */
    int64_t most;
    const char *unit; /* "ms", "bytes", "" */
    const char *help; /* one sentence */
} setting_t;

typedef struct conf conf_t;

/* Settings that all three node programs share (name, store, ready_file, log_level, ...).
 * Static, ends with a row whose name is NULL. */
extern const setting_t conf_node_settings[];

/* Read settings for `program` from its arguments. `tables` are NULL-terminated lists of tables,
 * each ended by a row without a name. Prints and exits the process for --settings, --version and
 * --help. Fails with ERR_INVALID naming the setting. Caller owns the result. */
conf_t *conf_load(const char *program, const setting_t *const *tables, int argc, char **argv,
                  err_t *err) MUST_USE;

void conf_destroy(conf_t **self_p);

/* The value of a setting that is in a table (anything else is a programming error and asserts).
 * conf_text points into `self`. */
const char *conf_text(const conf_t *self, const char *name);
int64_t conf_int(const conf_t *self, const char *name);
bool conf_bool(const conf_t *self, const char *name);

#endif

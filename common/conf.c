#include "common/conf.h"

#include <assert.h>
#include <ctype.h>
#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_SIZE_MOST = 64 * 1024,
    LINE_SIZE_MOST = 1000, /* zconfig reads past its buffer when a line is longer than 1024 */
    VARIABLE_SIZE = 128,
};

const setting_t conf_node_settings[] = {
    { "name", CONF_TEXT, "", 0, 0, "", "This node's name, unique in the cluster." },
    { "store", CONF_TEXT, NULL, 0, 0, "", "DSN of the job store." },
    { "ready_file", CONF_TEXT, "", 0, 0, "",
      "File that is written when the node is ready; empty: none." },
    { "log_level", CONF_TEXT, "info", 0, 0, "",
      "Least level that is logged: debug, info, warn or error." },
    { "health_host", CONF_TEXT, "127.0.0.1", 0, 0, "",
      "Address of /healthz and /readyz on nodes without an HTTP port of their own." },
    { "health_port", CONF_INT, "0", 0, 65535, "", "Port beside it; 0: the kernel chooses." },
    { "lease_ms", CONF_INT, "10000", 1000, 600000, "ms",
      "How long a node that falls silent keeps what it holds." },
    { "bus_host", CONF_TEXT, "127.0.0.1", 0, 0, "",
      "Address that a broker binds its bus socket to and publishes." },
    { 0 },
};

typedef struct {
    const setting_t *setting;
    char *text; /* NULL until somebody gave it */
    int64_t number;
} value_t;

struct conf {
    value_t *values;
    size_t count;
};

static value_t *
find(const conf_t *self, const char *name, size_t length)
{
    for (size_t i = 0; i < self->count; i++) {
        const char *known = self->values[i].setting->name;
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return &self->values[i];
    }
    return NULL;
}

static conf_t *
conf_new(const setting_t *const *tables)
{
    conf_t *self = mem_new(sizeof *self);
    for (const setting_t *const *table = tables; *table; table++) {
        for (const setting_t *row = *table; row->name; row++) {
            assert(!find(self, row->name, strlen(row->name)));
            self->values = mem_grow(self->values, (self->count + 1) * sizeof *self->values);
            self->values[self->count++] = (value_t){ .setting = row };
        }
    }
    return self;
}

void
conf_destroy(conf_t **self_p)
{
    conf_t *self = take(*self_p);
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        free(self->values[i].text);
    free(self->values);
    free(self);
}

/* Giving values. No error below shows a value: it may be a DSN with a password. */

static bool
read_int(const setting_t *setting, const char *text, int64_t *number, err_t *err)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool digits = isdigit((unsigned char)text[0]) || (text[0] == '-' && end > text + 1);
    if (!digits || *end != '\0' || errno != 0 || value < setting->least || value > setting->most)
        return err_set(err, ERR_INVALID,
                       "setting '%s' must be a whole number from %" PRId64 " to %" PRId64,
                       setting->name, setting->least, setting->most);
    *number = value;
    return true;
}

static bool
read_bool(const setting_t *setting, const char *text, int64_t *number, err_t *err)
{
    static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *number = i % 2;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "setting '%s' must be true or false", setting->name);
}

static bool
value_give(value_t *self, const char *text, err_t *err)
{
    switch (self->setting->kind) {
    case CONF_TEXT:
        if (!self->setting->fallback && text[0] == '\0')
            return err_set(err, ERR_INVALID, "setting '%s' must not be empty", self->setting->name);
        break;
    case CONF_INT:
        if (!read_int(self->setting, text, &self->number, err))
            return false;
        break;
    case CONF_BOOL:
        if (!read_bool(self->setting, text, &self->number, err))
            return false;
        break;
    }
    free(self->text);
    self->text = mem_text(text);
    return true;
}

static bool
give_defaults(conf_t *self, err_t *err)
{
    for (size_t i = 0; i < self->count; i++) {
        const char *fallback = self->values[i].setting->fallback;
        if (fallback && !value_give(&self->values[i], fallback, err))
            return false;
    }
    return true;
}

/* The whole file as a text, or NULL. */
static char *
read_file(const char *path, err_t *err)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        err_set(err, ERR_INVALID, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    own(mem) text = mem_new(FILE_SIZE_MOST + 1);
    size_t size = fread(text, 1, FILE_SIZE_MOST + 1, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed) {
        err_set(err, ERR_INVALID, "cannot read %s", path);
        return NULL;
    }
    if (size > FILE_SIZE_MOST) {
        err_set(err, ERR_INVALID, "%s is larger than %d KiB", path, FILE_SIZE_MOST / 1024);
        return NULL;
    }
    if (strlen(text) != size) {
        err_set(err, ERR_INVALID, "%s is no text", path);
        return NULL;
    }
    return take(text);
}

static bool
lines_fit(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (length > LINE_SIZE_MOST)
            return false;
        text += length + (text[length] == '\n');
    }
    return true;
}

static bool
give_file(conf_t *self, const char *path, err_t *err)
{
    own(mem) text = read_file(path, err);
    if (!text)
        return false;
    if (!lines_fit(text))
        return err_set(err, ERR_INVALID, "%s has a line of more than %d bytes", path,
                       LINE_SIZE_MOST);
    own(zconfig) root = zconfig_str_load(text);
    if (!root)
        return err_set(err, ERR_INVALID, "%s has a line that is not name = value", path);

    for (zconfig_t *line = zconfig_child(root); line; line = zconfig_next(line)) {
        const char *name = zconfig_name(line);
        value_t *value = find(self, name, strlen(name));
        if (!value)
            return err_set(err, ERR_INVALID, "unknown setting '%s' in %s", name, path);
        if (zconfig_child(line))
            return err_set(err, ERR_INVALID, "setting '%s' in %s has lines below it", name, path);
        if (!value_give(value, zconfig_value(line), err))
            return err_wrap(err, "%s", path);
    }
    return true;
}

/* MILLRACE_LEASE_MS for lease_ms. */
static void
print_variable(const char *name, char variable[VARIABLE_SIZE])
{
    size_t used = (size_t)snprintf(variable, VARIABLE_SIZE, "MILLRACE_%s", name);
    assert(used < VARIABLE_SIZE);
    for (size_t i = 0; i < used; i++)
        variable[i] = (char)toupper((unsigned char)variable[i]);
}

static bool
give_environment(conf_t *self, err_t *err)
{
    for (size_t i = 0; i < self->count; i++) {
        char variable[VARIABLE_SIZE];
        print_variable(self->values[i].setting->name, variable);
        const char *text = getenv(variable);
        if (text && !value_give(&self->values[i], text, err))
            return err_wrap(err, "%s", variable);
    }
    return true;
}

static bool
give_pair(conf_t *self, const char *pair, err_t *err)
{
    size_t length = strcspn(pair, "=");
    if (pair[length] != '=')
        return err_set(err, ERR_INVALID, "--set wants NAME=VALUE");
    value_t *value = find(self, pair, length);
    if (!value)
        return err_set(err, ERR_INVALID, "unknown setting '%.*s'", (int)length, pair);
    return value_give(value, pair + length + 1, err);
}

static bool
all_given(const conf_t *self, err_t *err)
{
    for (size_t i = 0; i < self->count; i++) {
        if (!self->values[i].text)
            return err_set(err, ERR_INVALID, "setting '%s' must be given",
                           self->values[i].setting->name);
    }
    return true;
}

/* The command line */

/* The value of `option` at argv[*i], given as "option value" (then *i moves on) or "option=value";
 * NULL when another option stands there, or when the value is missing. */
static const char *
option_value(const char *option, int argc, char **argv, int *i)
{
    size_t length = strlen(option);
    const char *arg = argv[*i];
    if (strncmp(arg, option, length) != 0)
        return NULL;
    if (arg[length] == '=')
        return arg + length + 1;
    if (arg[length] != '\0' || *i + 1 >= argc)
        return NULL;
    *i += 1;
    return argv[*i];
}

/* Every argument has a meaning, and the pairs of --set are given when `pairs` says so: they come
 * after the file and the environment. The last --config wins. */
static bool
read_arguments(conf_t *self, int argc, char **argv, bool pairs, const char **path, err_t *err)
{
    for (int i = 1; i < argc; i++) {
        const char *file = option_value("--config", argc, argv, &i);
        if (file) {
            *path = file;
            continue;
        }
        const char *pair = option_value("--set", argc, argv, &i);
        if (!pair)
            return err_set(err, ERR_INVALID, "unknown or incomplete argument '%.*s'",
                           (int)strcspn(argv[i], "="), argv[i]);
        if (pairs && !give_pair(self, pair, err))
            return false;
    }
    return true;
}

static const char *
kind_word(conf_kind_t kind)
{
    switch (kind) {
    case CONF_TEXT: return "text";
    case CONF_INT: return "int";
    case CONF_BOOL: break;
    }
    return "bool";
}

static void
print_settings(const conf_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        const setting_t *row = self->values[i].setting;
        printf("%s\t%s\t%s\t%s\t%s\t%s\n", row->name, kind_word(row->kind),
               row->fallback ? row->fallback : "-", row->unit, "no", row->help);
    }
}

static void
print_help(const conf_t *self, const char *program)
{
    printf("usage: %s [--config FILE] [--set NAME=VALUE]...\n"
           "       %s --settings | --version | --help\n\n"
           "Settings (also as MILLRACE_NAME in the environment):\n",
           program, program);
    for (size_t i = 0; i < self->count; i++) {
        const setting_t *row = self->values[i].setting;
        printf("  %-16s %s", row->name, row->help);
        if (!row->fallback)
            printf(" Must be given.\n");
        else if (row->fallback[0] == '\0')
            printf("\n");
        else
            printf(" Default: %s%s%s.\n", row->fallback, row->unit[0] ? " " : "", row->unit);
    }
}

/* Options that are answered on stdout, wherever they stand. True when there was one. */
static bool
answer(const conf_t *self, const char *program, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--set") == 0 || strcmp(argv[i], "--config") == 0) {
            i++;
            continue;
        }
        if (strcmp(argv[i], "--settings") == 0)
            print_settings(self);
        else if (strcmp(argv[i], "--version") == 0)
            printf("%s %s\n", program, MILLRACE_VERSION);
        else if (strcmp(argv[i], "--help") == 0)
            print_help(self, program);
        else
            continue;
        return true;
    }
    return false;
}

conf_t *
conf_load(const char *program, const setting_t *const *tables, int argc, char **argv, err_t *err)
{
    own(conf) self = conf_new(tables);
    if (answer(self, program, argc, argv)) {
        conf_destroy(&self);
        exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }

    const char *path = NULL;
    if (!read_arguments(self, argc, argv, false, &path, err))
        return NULL;
    if (!give_defaults(self, err))
        return NULL;
    if (path && !give_file(self, path, err))
        return NULL;
    if (!give_environment(self, err))
        return NULL;
    if (!read_arguments(self, argc, argv, true, &path, err))
        return NULL;
    if (!all_given(self, err))
        return NULL;
    return take(self);
}

static const value_t *
value_of(const conf_t *self, const char *name, conf_kind_t kind)
{
    const value_t *value = find(self, name, strlen(name));
    assert(value && value->setting->kind == kind);
    return value;
}

const char *
conf_text(const conf_t *self, const char *name)
{
    return value_of(self, name, CONF_TEXT)->text;
}

int64_t
conf_int(const conf_t *self, const char *name)
{
    return value_of(self, name, CONF_INT)->number;
}

bool
conf_bool(const conf_t *self, const char *name)
{
    return value_of(self, name, CONF_BOOL)->number != 0;
}

/* main.c - millrace: read the command line, find the command, run it, say how it ended. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static const command_t *const tables[] = { admin_commands, source_commands, job_commands, NULL };

/* Options that take a value, and where it goes. */
typedef struct {
    const char *name;
    size_t offset;
    const char *environment; /* or NULL */
} option_t;

static const option_t options[] = {
    { "--store", offsetof(cli_t, store), "MILLRACE_STORE" },
    { "--url", offsetof(cli_t, url), "MILLRACE_URL" },
    { "--key", offsetof(cli_t, key), "MILLRACE_KEY" },
    { "--seal-key", offsetof(cli_t, seal_key), "MILLRACE_SEAL_KEY" },
    { "--role", offsetof(cli_t, role), NULL },
    { "--expires", offsetof(cli_t, expires), NULL },
    { "--tenant", offsetof(cli_t, tenant), NULL },
    { "--alias", offsetof(cli_t, alias), NULL },
    { "--wait", offsetof(cli_t, wait), NULL },
    { "--offset", offsetof(cli_t, offset), NULL },
    { "--limit", offsetof(cli_t, limit), NULL },
    { "--as", offsetof(cli_t, as), NULL },
    { "--retention", offsetof(cli_t, retention), NULL },
    { "--statement-timeout", offsetof(cli_t, statement_timeout), NULL },
    { "--queue-timeout", offsetof(cli_t, queue_timeout), NULL },
    { "--deadline", offsetof(cli_t, deadline), NULL },
    { "--max-rows", offsetof(cli_t, max_rows), NULL },
    { "--max-bytes", offsetof(cli_t, max_bytes), NULL },
    { NULL, 0, NULL },
};

bool
cli_number(const char *text, const char *what, int64_t most, int64_t *number, err_t *err)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > most)
        return err_set(err, ERR_INVALID, "%s must be a whole number from 0 to %lld", what,
                       (long long)most);
    *number = value;
    return true;
}

bool
cli_option(const char *text, const char *what, int64_t most, int64_t *number, err_t *err)
{
    *number = -1;
    return !text || cli_number(text, what, most, number, err);
}

void
cli_row(void *heading, const char *const *cells, int count)
{
    const char **words = heading;
    if (*words)
        puts(*words);
    *words = NULL;
    for (int i = 0; i < count; i++)
        printf("%s%s", i > 0 ? "\t" : "", cells[i] ? cells[i] : "-");
    putchar('\n');
}

static void
usage(FILE *out)
{
    fputs("usage: millrace COMMAND ... [options]\n\n", out);
    for (int t = 0; tables[t]; t++)
        for (const command_t *command = tables[t]; command->noun; command++)
            fprintf(out, "  millrace %s\n", command->usage);
    fputs("\nCommands over the store take --store DSN (or MILLRACE_STORE), those over HTTP --url "
          "URL\n"
          "and --key KEY (or MILLRACE_URL and MILLRACE_KEY).\n",
          out);
}

static const char **
option_place(cli_t *cli, const option_t *option)
{
    return (const char **)(void *)((char *)cli + option->offset);
}

static const option_t *
option_find(const char *name)
{
    for (const option_t *option = options; option->name; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

/* Take options out of the arguments; `words` gets the rest. */
static bool
arguments(cli_t *cli, int argc, char **argv, const char **words, int *count, err_t *err)
{
    for (int i = 1; i < argc; i++) {
        const option_t *option = option_find(argv[i]);
        if (strcmp(argv[i], "--json") == 0) {
            cli->json = true;
        } else if (strcmp(argv[i], "--given") == 0) {
            cli->given = true;
        } else if (option) {
            if (i + 1 == argc)
                return err_set(err, ERR_INVALID, "%s wants a value", argv[i]);
            *option_place(cli, option) = argv[++i];
        } else if (strncmp(argv[i], "--", 2) == 0) {
            return err_set(err, ERR_INVALID, "there is no option %s", argv[i]);
        } else if (*count == CLI_WORDS_MOST + 2) {
            return err_set(err, ERR_INVALID, "too many words, from %s on", argv[i]);
        } else {
            words[(*count)++] = argv[i];
        }
    }
    for (const option_t *option = options; option->name; option++)
        if (option->environment && !*option_place(cli, option))
            *option_place(cli, option) = getenv(option->environment);
    return true;
}

static const command_t *
command_find(const char *const *words, int count)
{
    for (int t = 0; tables[t]; t++)
        for (const command_t *command = tables[t]; command->noun; command++) {
            if (count < 1 || strcmp(command->noun, words[0]) != 0)
                continue;
            if (!command->verb || (count > 1 && strcmp(command->verb, words[1]) == 0))
                return command;
        }
    return NULL;
}

int
main(int argc, char **argv)
{
    cli_t cli = { 0 };
    const char *words[CLI_WORDS_MOST + 2] = { 0 };
    int count = 0;
    err_t err = { 0 };
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        usage(stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("millrace " MILLRACE_VERSION);
        return 0;
    }
    if (!arguments(&cli, argc, argv, words, &count, &err)) {
        fprintf(stderr, "millrace: %s\n", err.text);
        return 2;
    }
    const command_t *command = command_find(words, count);
    int own_words = command && command->verb ? 2 : 1;
    if (!command || count - own_words < command->least || count - own_words > command->most) {
        if (command)
            fprintf(stderr, "usage: millrace %s\n", command->usage);
        else
            usage(stderr);
        return 2;
    }
    for (int i = own_words; i < count; i++)
        cli.words[cli.count++] = words[i];
    if (!command->run(&cli, &err)) {
        fprintf(stderr, "millrace: %s%s%s\n", err.text, *err.sqlstate ? " SQLSTATE " : "",
                err.sqlstate);
        return err.kind == ERR_INVALID ? 2 : 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

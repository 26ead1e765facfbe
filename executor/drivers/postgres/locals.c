/* locals.c - SET [SESSION | LOCAL] name, past white space and comments. */
#include "executor/drivers/postgres/locals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_ROOM = 64, NAMES_ROOM = 32 };

typedef struct {
    char name[NAME_ROOM];
    bool sessions; /* some statement sets it for the session */
} setting_t;

static bool
in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
           || c == '.' || c == '$';
}

static const char *
skip_blank(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n\f\v");
        if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\r\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");
            at = end ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

/* The word at `at` in lower case, "" when there is none or it is too long; returns what follows. */
static const char *
take_word(const char *at, char word[NAME_ROOM])
{
    size_t size = 0;
    at = skip_blank(at);
    for (; in_name(*at); at++, size++) {
        if (size < NAME_ROOM - 1)
            word[size] = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    }
    word[size < NAME_ROOM ? size : 0] = '\0';
    return at;
}

/* Settings with a syntax of their own. */
static void
rename_special(char name[NAME_ROOM])
{
    static const char *const special[][2] = { { "time", "timezone" },
                                              { "schema", "search_path" },
                                              { "names", "client_encoding" } };
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        if (strcmp(name, special[i][0]) == 0)
            snprintf(name, NAME_ROOM, "%s", special[i][1]);
    }
}

/* What does this statement set, and for how long? False: it is no such statement. */
static bool
read_set(const char *sql, char name[NAME_ROOM], bool *local)
{
    const char *at = take_word(sql, name);
    if (strcmp(name, "set") != 0)
        return false;
    at = take_word(at, name);
    *local = strcmp(name, "local") == 0;
    if (*local || strcmp(name, "session") == 0)
        take_word(at, name);
    rename_special(name);
    return name[0] != '\0';
}

static setting_t *
find(setting_t *settings, uint32_t *count, const char *name)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    }
    if (*count == NAMES_ROOM)
        return NULL;
    setting_t *added = &settings[(*count)++];
    snprintf(added->name, sizeof added->name, "%s", name);
    return added;
}

char *
locals_array(const statements_t *statements)
{
    setting_t settings[NAMES_ROOM] = { 0 };
    uint32_t count = 0;
    for (uint32_t i = 0; statements && i < statements->count; i++) {
        char name[NAME_ROOM];
        bool local = false;
        if (!read_set(statements->list[i].sql, name, &local))
            continue;
        setting_t *setting = find(settings, &count, name);
        if (setting && !local)
            setting->sessions = true;
    }
    char text[NAMES_ROOM * (NAME_ROOM + 1) + 3] = "{";
    size_t size = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (!settings[i].sessions)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size > 1 ? "," : "",
                                     settings[i].name);
    }
    snprintf(text + size, sizeof text - size, "}");
    return mem_text(text);
}

bool
locals_hidden(const statements_t *statements)
{
    for (uint32_t i = 0; i < statements->count; i++) {
        const char *sql = statements->list[i].sql;
        char name[NAME_ROOM];
        bool local = false;
        if (read_set(sql, name, &local) && !local && strchr(name, '.'))
            return true;
        if (strcasestr(sql, "set_config"))
            return true;
    }
    return false;
}

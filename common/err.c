#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = sizeof((err_t *)0)->text };

/* vsnprintf that never leaves half a character at the end. The text is built aside by both
 * callers, since an argument may point into the very err_t that is being written. */
static void print(char text[TEXT_SIZE], const char *format, va_list args) PRINTF_LIKE(2, 0);

static void
print(char text[TEXT_SIZE], const char *format, va_list args)
{
    int size = vsnprintf(text, TEXT_SIZE, format, args);
    if (size < 0)
        text[0] = '\0';
    else if (size >= TEXT_SIZE)
        text[mem_whole(text, TEXT_SIZE - 1)] = '\0';
}

static void
append(char text[TEXT_SIZE], size_t *used, const char *more)
{
    size_t size = strlen(more);
    size_t room = TEXT_SIZE - 1 - *used;
    if (size > room)
        size = mem_whole(more, room);
    memcpy(text + *used, more, size);
    *used += size;
    text[*used] = '\0';
}

bool
err_set(err_t *err, err_kind_t kind, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list args;
    va_start(args, format);
    print(text, format, args);
    va_end(args);

    err->kind = kind;
    err->sqlstate[0] = '\0';
    memcpy(err->text, text, sizeof text);
    return false;
}

bool
err_wrap(err_t *err, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list args;
    va_start(args, format);
    print(text, format, args);
    va_end(args);

    size_t used = strlen(text);
    append(text, &used, ": ");
    append(text, &used, err->text);
    memcpy(err->text, text, sizeof text);
    return false;
}

void
err_clear(err_t *err)
{
    *err = (err_t){ .kind = ERR_NONE };
}

const char *
err_word(err_kind_t kind)
{
    switch (kind) {
    case ERR_NONE: return "none";
    case ERR_INVALID: return "invalid";
    case ERR_DENIED: return "denied";
    case ERR_NO_KEY: return "no_key";
    case ERR_NOT_FOUND: return "not_found";
    case ERR_GONE: return "gone";
    case ERR_CONFLICT: return "conflict";
    case ERR_LIMIT: return "limit";
    case ERR_TIMEOUT: return "timeout";
    case ERR_SQL: return "sql";
    case ERR_UNAVAILABLE: return "unavailable";
    case ERR_INTERNAL: break;
    }
    return "internal";
}

/* driver.c - the registry of drivers, and the texts of failures. */
#include "executor/driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

#define ENTRY(driver) extern const driver_t driver;
#include "drivers.inc"
#undef ENTRY

static const driver_t *const drivers[] = {
#define ENTRY(driver) &driver,
#include "drivers.inc"
#undef ENTRY
};

const driver_t *
driver_find(const char *name)
{
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    }
    return NULL;
}

char *
failure_text(const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text);
    if (size > FAILURE_TEXT_MOST)
        size = mem_whole(text, FAILURE_TEXT_MOST);
    char *copy = mem_copy(text, size);
    for (size_t at = 0; at < size;) {
        size_t step = utf8_size(copy + at, size - at);
        if (step == 0)
            copy[at] = '?';
        at += step > 0 ? step : 1;
    }
    return copy;
}

void
failure_clear(failure_t *failure)
{
    free(failure->message);
    free(failure->detail);
    free(failure->hint);
    *failure = (failure_t){ 0 };
}

void
failure_say(failure_t *failure, const char *sqlstate, const char *format, ...)
{
    failure_clear(failure);
    va_list args;
    va_start(args, format);
    char text[FAILURE_TEXT_MOST + 1];
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    failure->message = failure_text(text);
    snprintf(failure->sqlstate, sizeof failure->sqlstate, "%s", sqlstate);
}

/* driver.c - the registry of drivers, and the texts of failures. */
#include "executor/driver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Bytes of the character that begins at `at`, 0 when none does: overlong forms, surrogates and what
 * lies beyond U+10FFFF are none. */
static size_t
character(const unsigned char *at, size_t left)
{
    unsigned char lead = at[0];
    if (lead < 0x80)
        return 1;
    size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] > 0x9f)
        || (lead == 0xf0 && at[1] < 0x90) || (lead == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

/* Most text is ASCII: eight bytes at a time while that holds. */
static size_t
skip_ascii(const unsigned char *bytes, size_t at, size_t size)
{
    while (size - at >= 8) {
        uint64_t word;
        memcpy(&word, bytes + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        at += 8;
    }
    return at;
}

bool
text_is_utf8(const char *text, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while ((at = skip_ascii(bytes, at, size)) < size) {
        size_t step = character(bytes + at, size - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
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
        size_t step = character((unsigned char *)copy + at, size - at);
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

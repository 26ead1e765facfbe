#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

enum { LINE_SIZE = 2048 };

static const char *const words[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

static atomic_int least = LOG_INFO;

void
log_level(log_level_t level)
{
    atomic_store_explicit(&least, (int)level, memory_order_relaxed);
}

bool
log_level_parse(const char *word, log_level_t *level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcmp(word, words[i]) == 0) {
            *level = (log_level_t)i;
            return true;
        }
    }
    return false;
}

/* The length of what snprintf left in `room` bytes. */
static size_t
printed(int size, size_t room)
{
    if (size < 0)
        return 0;
    return (size_t)size < room ? (size_t)size : room - 1;
}

/* A value with a line break in it must not look like a line of ours, nor steer a terminal. */
static void
flatten(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == 0x7f)
            text[i] = '?';
    }
}

void
log_event(log_level_t level, const char *event, const char *format, ...)
{
    if ((int)level < atomic_load_explicit(&least, memory_order_relaxed))
        return;
    int saved_errno = errno; /* callers log first and look at errno later */

    char line[LINE_SIZE + 1]; /* the line break's place is always free */
    char time[CLOCK_TEXT_SIZE];
    size_t used = printed(snprintf(line, LINE_SIZE, "%s %s %s ",
                                   clock_iso_ms(clock_wall_ms(), time), words[level], event),
                          LINE_SIZE);
    va_list args;
    va_start(args, format);
    used += printed(vsnprintf(line + used, LINE_SIZE - used, format, args), LINE_SIZE - used);
    va_end(args);

    used = mem_whole(line, used);
    flatten(line, used);
    while (used > 0 && line[used - 1] == ' ')
        used--;
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* nobody is left to be told */
    errno = saved_errno;
}

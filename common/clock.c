#include "common/clock.h"

#include <stdio.h>
#include <time.h>

enum { MS_PER_S = 1000, US_PER_S = 1000 * 1000, NS_PER_US = 1000, NS_PER_MS = 1000 * 1000 };

static struct timespec
now(clockid_t which)
{
    struct timespec time = { 0 };
    clock_gettime(which, &time); /* cannot fail for the clocks that every kernel has */
    return time;
}

int64_t
clock_wall_ms(void)
{
    struct timespec time = now(CLOCK_REALTIME);
    return (int64_t)time.tv_sec * MS_PER_S + time.tv_nsec / NS_PER_MS;
}

int64_t
clock_mono_ms(void)
{
    struct timespec time = now(CLOCK_MONOTONIC);
    return (int64_t)time.tv_sec * MS_PER_S + time.tv_nsec / NS_PER_MS;
}

int64_t
clock_mono_us(void)
{
    struct timespec time = now(CLOCK_MONOTONIC);
    return (int64_t)time.tv_sec * US_PER_S + time.tv_nsec / NS_PER_US;
}

/* "2022-04-21T18:49:13" of the second that holds `ms`, also before 1970; the milliseconds since
 * then into *rest. Returns the text's length. */
static size_t
print_seconds(int64_t ms, char text[CLOCK_TEXT_SIZE], int *rest)
{
    int64_t seconds = ms / MS_PER_S;
    *rest = (int)(ms % MS_PER_S);
    if (*rest < 0) {
        *rest += MS_PER_S;
        seconds--;
    }
    time_t time = (time_t)seconds;
    struct tm parts = { 0 };
    gmtime_r(&time, &parts);
    int size =
        snprintf(text, CLOCK_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    return (size_t)size;
}

const char *
clock_iso(int64_t ms, char text[CLOCK_TEXT_SIZE])
{
    int rest = 0;
    size_t used = print_seconds(ms, text, &rest);
    snprintf(text + used, CLOCK_TEXT_SIZE - used, "Z");
    return text;
}

const char *
clock_iso_ms(int64_t ms, char text[CLOCK_TEXT_SIZE])
{
    int rest = 0;
    size_t used = print_seconds(ms, text, &rest);
    snprintf(text + used, CLOCK_TEXT_SIZE - used, ".%03dZ", rest);
    return text;
}

const char *
clock_http(int64_t ms, char text[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(ms / MS_PER_S);
    struct tm parts = { 0 };
    gmtime_r(&seconds, &parts);
    strftime(text, CLOCK_TEXT_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text;
}

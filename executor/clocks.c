/* clocks.c - sums of times. */
#include "executor/clocks.h"

int64_t
clock_deadline(int64_t now_ms, int64_t age_ms, int64_t own_ms, int64_t default_ms)
{
    int64_t span_ms = own_ms > 0 ? own_ms : default_ms;
    return span_ms > 0 ? now_ms - age_ms + span_ms : CLOCK_NEVER;
}

int64_t
clock_timeout(int64_t step_ms, int64_t job_ms, int64_t default_ms)
{
    if (step_ms > 0)
        return step_ms;
    return job_ms > 0 ? job_ms : default_ms;
}

int64_t
clock_end(int64_t now_ms, int64_t timeout_ms)
{
    return timeout_ms > 0 ? now_ms + timeout_ms : CLOCK_NEVER;
}

int64_t
clock_backoff(int32_t tries, uint32_t random)
{
    int64_t ms = BACKOFF_FIRST_MS;
    for (int32_t i = 1; i < tries && ms < BACKOFF_MOST_MS; i++)
        ms *= 2;
    if (ms > BACKOFF_MOST_MS)
        ms = BACKOFF_MOST_MS;
    return ms / 2 + (int64_t)random % (ms + 1);
}

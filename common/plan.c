/* plan.c - which step is next. */
#include "common/plan.h"

#include <string.h>

typedef enum {
    WHEN_PLAIN,
    WHEN_ALWAYS,
    WHEN_DONE,
    WHEN_FAILED,
    WHEN_STEP_DONE,
    WHEN_STEP_FAILED
} when_t;

enum { DIGITS_MOST = 9, SHOWN_MOST = 40 };

/* The number behind "done:"; false: it is none. */
static bool
number_parse(const char *text, uint32_t *number)
{
    size_t size = strspn(text, "0123456789");
    if (size == 0 || size > DIGITS_MOST || text[size] != '\0' || (*text == '0' && size > 1))
        return false;
    *number = 0;
    for (; *text; text++)
        *number = *number * 10 + (uint32_t)(*text - '0');
    return true;
}

/* What a condition says; false: it is none. */
static bool
when_parse(const char *condition, when_t *when, uint32_t *step)
{
    static const struct {
        const char *word;
        when_t when;
    } words[] = { { "always", WHEN_ALWAYS }, { "done", WHEN_DONE }, { "failed", WHEN_FAILED } };

    *step = 0;
    *when = WHEN_PLAIN;
    if (!condition)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        *when = words[i].when;
        if (strcmp(condition, words[i].word) == 0)
            return true;
    }
    *when = strncmp(condition, "done:", 5) == 0 ? WHEN_STEP_DONE : WHEN_STEP_FAILED;
    if (*when == WHEN_STEP_DONE)
        return number_parse(condition + 5, step);
    return strncmp(condition, "failed:", 7) == 0 && number_parse(condition + 7, step);
}

bool
plan_check(const char *condition, uint32_t step, err_t *err)
{
    when_t when;
    uint32_t other;
    int shown = condition ? (int)mem_whole(condition, strnlen(condition, SHOWN_MOST)) : 0;
    if (!when_parse(condition, &when, &other))
        return err_set(err, ERR_INVALID,
                       "\"%.*s\" is no condition: it is always, done, failed, done:K or failed:K",
                       shown, condition);
    if ((when == WHEN_STEP_DONE || when == WHEN_STEP_FAILED) && other >= step)
        return err_set(err, ERR_INVALID,
                       "the condition \"%.*s\" of step %u speaks of a step that is not before it",
                       shown, condition, step);
    return true;
}

static bool
is_failed(const job_step_t *step)
{
    return step->state == JOB_FAILED || step->state == JOB_TIMED_OUT;
}

/* The step without a condition before `step` that failed; count when none. */
static uint32_t
failed_before(const job_step_t *steps, uint32_t count, uint32_t step)
{
    for (uint32_t i = 0; i < step; i++)
        if (!steps[i].condition && is_failed(&steps[i]))
            return i;
    return count;
}

/* Did every step without a condition take effect? One that comes later cannot have. */
static bool
all_done(const job_step_t *steps, uint32_t count, uint32_t step)
{
    for (uint32_t i = 0; i < count; i++)
        if (!steps[i].condition && (i > step || steps[i].state != JOB_DONE))
            return false;
    return true;
}

/* Does this step run, now that its turn has come? It sees only the steps before it, so that the
 * answer stays the same when later ones have moved. */
static bool
holds(const job_step_t *steps, uint32_t count, uint32_t step)
{
    when_t when;
    uint32_t other;
    bool read = when_parse(steps[step].condition, &when, &other);
    if (!read || other > step)
        return false;
    switch (when) {
    case WHEN_PLAIN: return failed_before(steps, count, step) == count;
    case WHEN_ALWAYS: return true;
    case WHEN_DONE: return all_done(steps, count, step);
    case WHEN_FAILED: return failed_before(steps, count, step) < count;
    case WHEN_STEP_DONE: return other < step && steps[other].state == JOB_DONE;
    case WHEN_STEP_FAILED: return other < step && is_failed(&steps[other]);
    }
    return false;
}

plan_t
plan_next(const job_step_t *steps, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        job_state_t state = steps[i].state;
        if (state == JOB_CANCELLED || state == JOB_UNKNOWN)
            return (plan_t){ .over = true, .step = i, .state = state, .cause = i };
        if (state == JOB_RUNNING || (state == JOB_PENDING && holds(steps, count, i)))
            return (plan_t){ .step = i, .state = JOB_RUNNING };
    }
    uint32_t cause = failed_before(steps, count, count);
    if (cause < count)
        return (plan_t){ .over = true, .state = steps[cause].state, .cause = cause };
    return (plan_t){ .over = true, .state = JOB_DONE };
}

uint32_t
plan_blame(const job_step_t *steps, uint32_t count, uint32_t step)
{
    when_t when;
    uint32_t other;
    if (when_parse(steps[step].condition, &when, &other)) {
        if (when == WHEN_STEP_FAILED && other < step && is_failed(&steps[other]))
            return other;
        if (when == WHEN_FAILED)
            return failed_before(steps, count, step);
    }
    for (uint32_t i = step; i > 0; i--)
        if (is_failed(&steps[i - 1]))
            return i - 1;
    return count;
}

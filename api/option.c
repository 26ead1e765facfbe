#include "api/option.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define MONTH_S INT64_C(2592000)
#define SIZE_MOST (INT64_C(1) << 53) /* what every reader of JSON can hold */

typedef struct {
    const char *name;
    int64_t least;
    int64_t most;
} option_t;

static const option_t options[] = {
    { "priority", 0, 9 },
    { "statement_timeout_ms", 1, MONTH_S * 1000 },
    { "timeout_ms", 1, MONTH_S * 1000 },
    { "queue_timeout_ms", 1, MONTH_S * 1000 },
    { "deadline_ms", 1, MONTH_S * 1000 },
    { "max_attempts", 1, 100 },
    { "retention_s", 1, MONTH_S },
    { "max_rows", 1, SIZE_MOST },
    { "max_bytes", 1, SIZE_MOST },
};

enum { OPTIONS = sizeof options / sizeof options[0] };

static const option_t *
find(const char *name)
{
    size_t i = 0;
    while (i < OPTIONS && strcmp(options[i].name, name) != 0)
        i++;
    assert(i < OPTIONS); /* a caller made up an option */
    return &options[i];
}

bool
option_check(const char *name, int64_t number, err_t *err)
{
    const option_t *option = find(name);
    return (number >= option->least && number <= option->most) || option_refuse(name, err);
}

bool
option_refuse(const char *name, err_t *err)
{
    const option_t *option = find(name);
    return err_set(err, ERR_INVALID,
                   "option '%s' must be a whole number from %" PRId64 " to %" PRId64, name,
                   option->least, option->most);
}

#include "api/conditional.h"

#include <string.h>

/* --- tags --- */

bool
conditional_matches(const char *if_none_match, const char *tag)
{
    size_t size = strlen(tag);
    const char *at = if_none_match;
    while (at && *(at += strspn(at, " \t,"))) {
        if (*at == '*')
            return true;
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        if (*at != '"')
            return false; /* no list of tags */
        const char *end = strchr(at + 1, '"');
        if (!end)
            return false;
        if ((size_t)(end + 1 - at) == size && memcmp(at, tag, size) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

/* --- ranges --- */

/* Digits up to `end`, which must be all of them and at least one; what is too large counts as
 * INT64_MAX. */
static bool
read_number(const char *at, const char *end, int64_t *number)
{
    if (at == end)
        return false;
    *number = 0;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return false;
        int digit = *at - '0';
        *number = *number > (INT64_MAX - digit) / 10 ? INT64_MAX : *number * 10 + digit;
    }
    return true;
}

row_range_t
conditional_range(const char *range)
{
    static const char unit[] = "rows=";
    row_range_t none = { .kind = RANGE_NONE };
    if (!range || strncmp(range, unit, sizeof unit - 1) != 0)
        return none;
    const char *first = range + sizeof unit - 1;
    const char *dash = strchr(first, '-');
    if (!dash)
        return none;
    const char *end = dash + strlen(dash);
    row_range_t found = { .kind = RANGE_FROM, .last = INT64_MAX };
    if (dash == first) {
        found.kind = RANGE_LAST;
        return read_number(dash + 1, end, &found.last) ? found : none;
    }
    if (!read_number(first, dash, &found.first))
        return none;
    if (dash + 1 < end && (!read_number(dash + 1, end, &found.last) || found.last < found.first))
        return none;
    return found;
}

bool
conditional_rows(const row_range_t *range, int64_t total, int64_t *offset, int64_t *count)
{
    if (range->kind == RANGE_LAST) {
        *count = range->last < total ? range->last : total;
        *offset = total - *count;
        return *count > 0;
    }
    if (range->first >= total)
        return false;
    int64_t end = range->last < total ? range->last + 1 : total;
    *offset = range->first;
    *count = end - range->first;
    return true;
}

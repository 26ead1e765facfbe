#include "api/conditional.h"

#include <string.h>
#include <strings.h>

/* --- tags --- */

typedef enum { WEAKLY, STRONGLY } comparison_t;

static const char blank[] = " \t";

static const char *
skip_blanks(const char *at)
{
    return at + strspn(at, blank);
}

/* What stands between the blanks at both ends: [*at, *end). */
static void
trim(const char **at, const char **end)
{
    *at = skip_blanks(*at);
    *end = *at + strlen(*at);
    while (*end > *at && strchr(blank, (*end)[-1]))
        (*end)--;
}

static bool
is_only(const char *header, const char *text)
{
    const char *end = NULL;
    trim(&header, &end);
    size_t size = (size_t)(end - header);
    return size == strlen(text) && memcmp(header, text, size) == 0;
}

/* What stands behind the tag at `at`, whose quotes are *opaque up to there; NULL: it is none. */
static const char *
read_tag(const char *at, const char **opaque)
{
    if (strncmp(at, "W/", 2) == 0)
        at += 2;
    *opaque = at;
    if (*at++ != '"')
        return NULL;
    while (*at == '!' || (unsigned char)*at > '"')
        at++;
    return *at == '"' ? at + 1 : NULL;
}

/* Is the tag among those of a list? It must be one to its end. */
static bool
lists(const char *list, const char *tag, comparison_t how)
{
    size_t size = strlen(tag);
    bool found = false;
    for (const char *at = list; *(at += strspn(at, " \t,"));) {
        const char *opaque = NULL;
        const char *end = read_tag(at, &opaque);
        if (!end)
            return false;
        bool counts = how == WEAKLY || opaque == at;
        if (counts && (size_t)(end - opaque) == size && memcmp(opaque, tag, size) == 0)
            found = true;
        at = skip_blanks(end);
        if (*at && *at != ',')
            return false;
    }
    return found;
}

static bool
names(const char *list, const char *tag, comparison_t how)
{
    return is_only(list, "*") || (tag && lists(list, tag, how));
}

bool
conditional_none_match(const char *list, const char *tag)
{
    return list && names(list, tag, WEAKLY);
}

bool
conditional_match(const char *list, const char *tag)
{
    return !list || names(list, tag, STRONGLY);
}

bool
conditional_if_range(const char *if_range, const char *tag)
{
    return !if_range || (tag && is_only(if_range, tag));
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
    if (!range || strncasecmp(range, unit, sizeof unit - 1) != 0)
        return none;
    const char *first = range + sizeof unit - 1;
    const char *end = NULL;
    trim(&first, &end);
    const char *dash = memchr(first, '-', (size_t)(end - first));
    if (!dash)
        return none;
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

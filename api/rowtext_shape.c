/* rowtext_shape.c - texts of some types as what they stand for: dates, lists, JSON. */
#include <stdio.h>
#include <time.h>

#include "api/rowtext_inner.h"
#include "common/clock.h"

enum { DATE_MOST = 40, LIST_DEEPEST = 6 };

/* --- dates --- */

/* Digits of a fixed count, as a number; below 0: others. */
static int
digits_at(const char *text, int count)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

/* ":30" and the like; moves behind it. */
static bool
read_part(const char **at, char mark, int *number)
{
    if (**at != mark)
        return false;
    *number = digits_at(*at + 1, 2);
    *at += *number < 0 ? 0 : 3;
    return *number >= 0;
}

static bool
read_day(const char **at, struct tm *day)
{
    int year = digits_at(*at, 4);
    *at += year < 0 ? 0 : 4;
    if (year < 1 || !read_part(at, '-', &day->tm_mon) || !read_part(at, '-', &day->tm_mday))
        return false;
    day->tm_year = year - 1900;
    day->tm_mon -= 1;
    return true;
}

/* " 22:50:35.778123"; what stands behind the seconds is passed over. */
static bool
read_time(const char **at, struct tm *time)
{
    if (!read_part(at, ' ', &time->tm_hour) || !read_part(at, ':', &time->tm_min)
        || !read_part(at, ':', &time->tm_sec))
        return false;
    if (**at == '.')
        *at += 1 + strspn(*at + 1, "0123456789");
    return true;
}

/* "+05:30", or nothing at all. */
static bool
read_offset(const char **at, int *seconds)
{
    int hours = 0;
    int minutes = 0;
    int rest = 0;
    int sign = **at == '-' ? -1 : 1;
    if (**at != '+' && **at != '-')
        return true;
    if (!read_part(at, **at, &hours))
        return false;
    (void)(read_part(at, ':', &minutes) && read_part(at, ':', &rest));
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return true;
}

/* A moment that never comes. */
static bool
put_never(out_t *out, char *text)
{
    char *word = text + (*text == '-');
    if (strcmp(word, "infinity") != 0)
        return false;
    *word = 'I';
    rowtext_put_text(out, text, strlen(text));
    return true;
}

static bool
put_date(out_t *out, const char *text, size_t size)
{
    char copy[DATE_MOST + 1];
    char iso[CLOCK_TEXT_SIZE];
    struct tm parts = { 0 };
    int offset_s = 0;
    if (size > DATE_MOST)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (put_never(out, copy))
        return true;
    const char *at = copy;
    if (!read_day(&at, &parts) || (*at == ' ' && !read_time(&at, &parts))
        || !read_offset(&at, &offset_s) || *at != '\0')
        return false;
    clock_iso(((int64_t)timegm(&parts) - offset_s) * 1000, iso);
    rowtext_put_text(out, iso, strlen(iso));
    return true;
}

/* --- lists --- */

/* Where the element that begins here ends; NULL: nowhere. */
static const char *
element_end(const char *at, const char *end)
{
    if (*at != '"') {
        while (at < end && *at != ',' && *at != '{' && *at != '}' && *at != '"')
            at++;
        return at;
    }
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\')
            at++;
    }
    return at < end ? at + 1 : NULL;
}

/* Is it one whole list, its braces in pairs? */
static bool
is_list(const char *at, const char *end)
{
    int depth = 0;
    bool first = true;
    while (at && at < end && (depth > 0 || first)) {
        first = false;
        if (*at == '{' && ++depth > LIST_DEEPEST)
            return false;
        depth -= *at == '}';
        at = *at == '{' || *at == '}' || *at == ',' ? at + 1 : element_end(at, end);
    }
    return at == end && depth == 0 && !first;
}

/* What an element in quotes holds: a backslash stands before what is meant itself. */
static void
put_meant(out_t *out, void (*put)(out_t *, const char *, size_t), const char *at, const char *end)
{
    while (at < end) {
        const char *run = at;
        while (at < end && *at != '\\')
            at++;
        put(out, run, (size_t)(at - run));
        if (at < end) {
            put(out, at + 1, 1);
            at += 2;
        }
    }
}

static void
put_quoted(out_t *out, rowtext_shape_t shape, const char *at, const char *end)
{
    if (shape == ROWTEXT_AS_DATES && put_date(out, at, (size_t)(end - at)))
        return;
    if (shape == ROWTEXT_AS_JSONS) {
        put_meant(out, out_put, at, end);
        return;
    }
    out_put(out, "\"", 1);
    put_meant(out, rowtext_put_inside, at, end);
    out_put(out, "\"", 1);
}

static void
put_plain(out_t *out, rowtext_shape_t shape, const char *text, size_t size)
{
    bool is_true = size == 1 && *text == 't';
    if (size == 4 && memcmp(text, "NULL", 4) == 0)
        out_put(out, "null", 4);
    else if (shape == ROWTEXT_AS_BOOLEANS)
        out_put(out, is_true ? "true" : "false", is_true ? 4 : 5);
    else if (shape == ROWTEXT_AS_JSONS
             || (shape == ROWTEXT_AS_NUMBERS && rowtext_is_number(text, size)))
        out_put(out, text, size);
    else if (shape != ROWTEXT_AS_DATES || !put_date(out, text, size))
        rowtext_put_text(out, text, size);
}

/* Bounds that are not the usual ones stand in front: "[0:1]={...}". */
static bool
put_list(out_t *out, rowtext_shape_t shape, const char *text, size_t size)
{
    const char *end = text + size;
    const char *bounds = size > 0 && *text == '[' ? memchr(text, '=', size) : NULL;
    const char *at = bounds ? bounds + 1 : text;
    if (at == end || *at != '{' || !is_list(at, end))
        return false;
    while (at < end) {
        const char *next = at + 1;
        if (*at == '{' || *at == '}') {
            out_put(out, *at == '{' ? "[" : "]", 1);
        } else if (*at == ',') {
            out_put(out, ",", 1);
        } else {
            next = element_end(at, end);
            if (*at == '"')
                put_quoted(out, shape, at + 1, next - 1);
            else
                put_plain(out, shape, at, (size_t)(next - at));
        }
        at = next;
    }
    return true;
}

/* --- all of them --- */

bool
rowtext_put_shape(out_t *out, rowtext_shape_t shape, const char *text, size_t size)
{
    switch (shape) {
    case ROWTEXT_AS_JSON: out_put(out, text, size); return true;
    case ROWTEXT_AS_DATE: return put_date(out, text, size);
    case ROWTEXT_AS_NUMBERS:
    case ROWTEXT_AS_BOOLEANS:
    case ROWTEXT_AS_TEXTS:
    case ROWTEXT_AS_DATES:
    case ROWTEXT_AS_JSONS: return put_list(out, shape, text, size);
    case ROWTEXT_AS_IT_IS:
    case ROWTEXT_HIDDEN: break;
    }
    return false;
}

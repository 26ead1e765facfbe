/* reading.c - how a result is asked for: which rows, in which format, in which coding. */
#include <string.h>

#include "api/dialects/v1_job/v1_job.h"

static const char *const words[V1_FORMATS] = { "json", "arrays",  "ndjson",
                                               "csv",  "msgpack", "events" };

static const char *const types[V1_FORMATS] = {
    "application/json; charset=utf-8",
    "application/vnd.millrace.arrays+json; charset=utf-8",
    "application/x-ndjson",
    "text/csv; charset=utf-8; header=present",
    "application/vnd.msgpack",
    "text/event-stream",
};

/* What clients call them, in the order of our liking; the first one is for those who do not care.
 */
static const struct {
    const char *type;
    v1_format_t format;
} accepted[] = {
    { "application/json", V1_JSON },
    { "application/vnd.millrace.arrays+json", V1_ARRAYS },
    { "application/x-ndjson", V1_NDJSON },
    { "application/ndjson", V1_NDJSON },
    { "application/jsonl", V1_NDJSON },
    { "text/csv", V1_CSV },
    { "application/vnd.msgpack", V1_MSGPACK },
    { "application/msgpack", V1_MSGPACK },
    { "application/x-msgpack", V1_MSGPACK },
    { "text/event-stream", V1_EVENTS },
};

enum { ACCEPTED = sizeof accepted / sizeof accepted[0] };

const char *
v1_format_word(v1_format_t format)
{
    return words[format];
}

const char *
v1_format_type(v1_format_t format)
{
    return types[format];
}

/* One of a few words; *index stays when the parameter is absent. */
static bool
read_word(const call_t *call, const char *name, const char *const *known, int count, int *index)
{
    const char *text = request_query(call->request, name);
    for (int i = 0; text && i < count; i++) {
        if (strcmp(text, known[i]) == 0) {
            *index = i;
            return true;
        }
    }
    return !text;
}

static bool
read_format(const call_t *call, v1_format_t *format, err_t *err)
{
    int word = -1;
    if (!read_word(call, "format", words, V1_FORMATS, &word))
        return err_set(err, ERR_INVALID,
                       "format must be json, arrays, ndjson, csv, msgpack or events");
    if (word >= 0) {
        *format = (v1_format_t)word;
        return true;
    }
    const char *offers[ACCEPTED];
    for (int i = 0; i < ACCEPTED; i++)
        offers[i] = accepted[i].type;
    own(mem) accept = request_list(call->request, "Accept");
    int chosen = negotiate_type(accept, offers, ACCEPTED);
    *format = chosen < 0 ? V1_FORMATS : accepted[chosen].format;
    return true;
}

static bool
read_numbers(const call_t *call, numbers_t *numbers, err_t *err)
{
    static const char *const known[] = { "exact", "string" };
    int word = NUMBERS_EXACT;
    bool good = read_word(call, "numbers", known, 2, &word);
    *numbers = (numbers_t)word;
    return good || err_set(err, ERR_INVALID, "numbers must be exact or string");
}

static bool
read_partial(const call_t *call, bool *partial, err_t *err)
{
    static const char *const known[] = { "false", "true" };
    int word = 0;
    bool good = read_word(call, "partial", known, 2, &word);
    *partial = word == 1;
    return good || err_set(err, ERR_INVALID, "partial must be true or false");
}

static bool
read_limit(const call_t *call, int64_t *limit, err_t *err)
{
    const char *text = request_query(call->request, "limit");
    *limit = V1_ROWS_MOST;
    if (text && strcmp(text, "all") == 0) {
        *limit = INT64_MAX;
        return true;
    }
    return param_number(call->request, "limit", limit, err)
           && (*limit <= V1_ROWS_MOST
               || err_set(err, ERR_INVALID, "limit must be at most %d, or all", V1_ROWS_MOST));
}

/* A range is one of all rows: to who asks for some of them it means nothing, and neither does it
 * with another method than GET. */
static void
read_range(const call_t *call, v1_reading_t *reading)
{
    own(mem) range = request_list(call->request, "Range");
    const char *limit = request_query(call->request, "limit");
    reading->whole =
        !request_query(call->request, "offset") && (!limit || reading->limit == INT64_MAX);
    if (reading->whole && strcmp(request_method(call->request), "GET") == 0)
        reading->range = conditional_range(range);
}

static bool
read_rows(const call_t *call, v1_reading_t *reading, err_t *err)
{
    if (!param_number(call->request, "offset", &reading->offset, err)
        || !read_limit(call, &reading->limit, err))
        return false;
    read_range(call, reading);
    return true;
}

/* Old clients are not known to take any. */
static encoding_t
read_encoding(const call_t *call)
{
    own(mem) list = request_list(call->request, "Accept-Encoding");
    return reply_old(call->reply) ? ENCODING_IDENTITY : negotiate_encoding(list);
}

bool
v1_reading(const call_t *call, v1_reading_t *reading, err_t *err)
{
    *reading = (v1_reading_t){ .statement = -1 };
    reading->encoding = read_encoding(call);
    return read_rows(call, reading, err)
           && param_number(call->request, "statement", &reading->statement, err)
           && read_partial(call, &reading->partial, err)
           && read_numbers(call, &reading->numbers, err)
           && read_format(call, &reading->format, err);
}

#include "api/negotiate.h"

#include <string.h>
#include <strings.h>

enum { WHOLE = 1000, UNSAID = -1 }; /* q in thousandths */

/* One element of a list header: a name and how much it is wanted. */
typedef struct {
    const char *name;
    size_t size;
    int q;
} choice_t;

static const char *
skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

/* "0.8" as 800; whatever is no such number is 0. */
static int
read_q(const char *at, const char *end)
{
    if (at == end || (*at != '0' && *at != '1'))
        return 0;
    int q = (*at++ - '0') * WHOLE;
    if (at < end && *at == '.')
        at++;
    for (int unit = WHOLE / 10; at < end && *at >= '0' && *at <= '9' && unit > 0; unit /= 10)
        q += (*at++ - '0') * unit;
    return q > WHOLE ? WHOLE : q;
}

/* Where the element at `at` ends: at a comma, or at the end; quoted commas are none. */
static const char *
element_end(const char *at)
{
    bool quoted = false;
    for (; *at && (quoted || *at != ','); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at[1])
            at++;
    }
    return at;
}

static void
read_params(choice_t *choice, const char *at, const char *end)
{
    while ((at = memchr(at, ';', (size_t)(end - at)))) {
        at = skip_space(at + 1);
        if (end - at >= 2 && (*at == 'q' || *at == 'Q') && at[1] == '=') {
            const char *stop = at + 2 + strcspn(at + 2, "; \t,");
            choice->q = read_q(at + 2, stop < end ? stop : end);
        }
    }
}

/* The next element that has a name; false at the end. */
static bool
next_choice(const char **at_p, choice_t *choice)
{
    for (const char *at = *at_p; *at; *at_p = at) {
        at = skip_space(at);
        const char *end = element_end(at);
        *choice = (choice_t){ .name = at, .size = strcspn(at, ";, \t"), .q = WHOLE };
        read_params(choice, at, end);
        at = *end ? end + 1 : end;
        if (choice->size > 0) {
            *at_p = at;
            return true;
        }
    }
    return false;
}

static bool
is_named(const choice_t *choice, const char *name, size_t size)
{
    return choice->size == size && strncasecmp(choice->name, name, size) == 0;
}

/* How closely a range names a type: 0 for not at all. */
static int
closeness(const choice_t *choice, const char *type)
{
    size_t major = strcspn(type, "/") + 1;
    if (is_named(choice, type, strlen(type)))
        return 3;
    if (choice->size == major + 1 && choice->name[major] == '*'
        && strncasecmp(choice->name, type, major) == 0)
        return 2;
    return is_named(choice, "*/*", 3) || is_named(choice, "*", 1) ? 1 : 0;
}

static int
wanted_type(const char *accept, const char *type)
{
    choice_t choice;
    int closest = 0;
    int q = 0;
    while (next_choice(&accept, &choice)) {
        int close = closeness(&choice, type);
        if (close > closest) {
            closest = close;
            q = choice.q;
        }
    }
    return q;
}

int
negotiate_type(const char *accept, const char *const *types, uint32_t count)
{
    if (!accept || !*skip_space(accept))
        return 0;
    int best = -1;
    int most = 0;
    for (uint32_t i = 0; i < count; i++) {
        int q = wanted_type(accept, types[i]);
        if (q > most) {
            most = q;
            best = (int)i;
        }
    }
    return best;
}

static int
wanted_encoding(const char *header, const char *name)
{
    choice_t choice;
    while (next_choice(&header, &choice)) {
        if (is_named(&choice, name, strlen(name)))
            return choice.q;
    }
    return UNSAID;
}

encoding_t
negotiate_encoding(const char *accept_encoding)
{
    if (!accept_encoding)
        return ENCODING_IDENTITY;
    int zstd = wanted_encoding(accept_encoding, "zstd");
    int gzip = wanted_encoding(accept_encoding, "gzip");
    int identity = wanted_encoding(accept_encoding, "identity");
    if (identity == 0) {
        int others = wanted_encoding(accept_encoding, "*");
        zstd = zstd == UNSAID ? others : zstd;
        gzip = gzip == UNSAID ? others : gzip;
    }
    int most = zstd >= gzip ? zstd : gzip;
    if (most <= 0 || identity > most)
        return ENCODING_IDENTITY;
    return zstd >= gzip ? ENCODING_ZSTD : ENCODING_GZIP;
}

#include "api/media.h"

#include <string.h>
#include <strings.h>

static const char space[] = " \t";

/* A parameter as it stands in the header. */
typedef struct {
    const char *name;
    size_t name_size;
    const char *value; /* behind the quote, if there is one */
    size_t value_size;
    bool quoted;
} attribute_t;

/* The type alone: *size bytes. */
static const char *
type_of(const char *header, size_t *size)
{
    const char *type = header ? header + strspn(header, space) : "";
    *size = strcspn(type, "; \t");
    return type;
}

bool
media_is(const char *header, const char *type)
{
    size_t size = 0;
    const char *has = type_of(header, &size);
    return size == strlen(type) && strncasecmp(has, type, size) == 0;
}

bool
media_ends(const char *header, const char *suffix)
{
    size_t size = 0;
    size_t tail = strlen(suffix);
    const char *has = type_of(header, &size);
    return size > tail && strncasecmp(has + size - tail, suffix, tail) == 0;
}

static bool
is_hidden(const char *at)
{
    return at[0] == '\\' && (at[1] == '"' || at[1] == '\\');
}

/* The value at `at`; NULL when its quote does not end, else what stands behind it. */
static const char *
read_value(const char *at, attribute_t *found)
{
    found->quoted = *at == '"';
    found->value = at += found->quoted;
    if (!found->quoted) {
        found->value_size = strcspn(at, "; \t");
        return at + found->value_size;
    }
    while (*at && *at != '"')
        at += is_hidden(at) ? 2 : 1;
    found->value_size = (size_t)(at - found->value);
    return *at ? at + 1 : NULL;
}

/* The next parameter: `at` is where the one before it, or the type, ends. NULL at the end, or when
 * it cannot be read. */
static const char *
next_attribute(const char *at, attribute_t *found)
{
    at += strspn(at, space);
    if (*at != ';')
        return NULL;
    found->name = at += 1 + strspn(at + 1, space);
    found->name_size = strcspn(at, "=; \t");
    at += found->name_size;
    if (*at == '=')
        return read_value(at + 1, found);
    found->value = at;
    found->value_size = 0;
    found->quoted = false;
    return at;
}

/* Without the backslashes that hid something. */
static char *
plain_value(const attribute_t *found)
{
    char *value = mem_copy(found->value, found->value_size);
    if (!found->quoted)
        return value;
    char *out = value;
    for (size_t i = 0; i < found->value_size; i++) {
        i += is_hidden(found->value + i);
        *out++ = found->value[i];
    }
    *out = '\0';
    return value;
}

char *
media_param(const char *header, const char *name)
{
    size_t size = 0;
    attribute_t found;
    const char *at = type_of(header, &size) + size;
    while ((at = next_attribute(at, &found))) {
        if (found.name_size == strlen(name) && strncasecmp(found.name, name, found.name_size) == 0)
            return plain_value(&found);
    }
    return NULL;
}

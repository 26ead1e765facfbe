#include "api/target.h"

#include <string.h>

#include "api/percent.h"
#include "common/utf8.h"

size_t
target_room(const char *path, const char *query)
{
    /* Decoding only shrinks; each piece has a NUL where a separator stood, the last one its own,
     * and a parameter without '=' an empty value. */
    return strlen(path) + (query ? 2 * strlen(query) : 0) + 4;
}

/* What is decoded. */
typedef enum {
    SEGMENT,
    NAME,  /* of a parameter */
    VALUE, /* of one */
} piece_t;

/* A value may be a text of several lines. */
static bool
is_control(int byte, piece_t piece)
{
    bool of_text = byte == '\t' || byte == '\n' || byte == '\r';
    return (byte < 0x20 && !(piece == VALUE && of_text)) || byte == 0x7f;
}

/* Decode `size` bytes into *room, NUL behind them, and move *room on. NULL: *why says it. */
static const char *
decode(const char *text, size_t size, piece_t piece, char **room, const char **why)
{
    char *start = *room;
    char *out = start;
    for (size_t at = 0; at < size;) {
        int byte = percent_byte(text, size, &at, piece != SEGMENT);
        if (byte < 0) {
            *why = "a percent sign in the URL is not followed by two hex digits";
            return NULL;
        }
        if (is_control(byte, piece)) {
            *why = "the URL holds a control byte";
            return NULL;
        }
        *out++ = (char)byte;
    }
    if (!utf8_valid(start, (size_t)(out - start))) {
        *why = "the URL is not UTF-8";
        return NULL;
    }
    *out++ = '\0';
    *room = out;
    return start;
}

static bool
parse_path(target_t *self, const char *path, char **room, const char **why)
{
    const char *at = path;
    while (*at == '/') {
        at++;
        size_t size = strcspn(at, "/");
        if (size == 0 && at[0] == '\0')
            break;
        const char *segment = decode(at, size, SEGMENT, room, why);
        if (!segment)
            return false;
        if (self->segment_count < TARGET_SEGMENTS_MOST)
            self->segments[self->segment_count] = segment;
        if (self->segment_count <= TARGET_SEGMENTS_MOST)
            self->segment_count++;
        at += size;
    }
    if (*at == '\0' && at > path)
        return true;
    *why = "the path must begin with a slash";
    return false;
}

static bool
parse_param(target_t *self, const char *text, size_t size, char **room, const char **why)
{
    if (self->param_count == TARGET_PARAMS_MOST) {
        *why = "there are more than 64 query parameters";
        return false;
    }
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals ? (size_t)(equals - text) : size;
    param_t *param = &self->params[self->param_count++];
    param->name = decode(text, name_size, NAME, room, why);
    if (!param->name)
        return false;
    const char *value = equals ? equals + 1 : "";
    param->value = decode(value, equals ? size - name_size - 1 : 0, VALUE, room, why);
    return param->value != NULL;
}

bool
target_parse(target_t *self, const char *path, const char *query, char *room, const char **why)
{
    self->segment_count = 0;
    self->param_count = 0;
    if (!parse_path(self, path, &room, why))
        return false;

    const char *at = query ? query : "";
    while (*at) {
        size_t size = strcspn(at, "&");
        if (size > 0 && !parse_param(self, at, size, &room, why))
            return false;
        at += size + (at[size] == '&');
    }
    return true;
}

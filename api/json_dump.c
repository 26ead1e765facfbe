/* json_dump.c - JSON as text. */
#include "api/json_dump.h"

#include <string.h>

#include "api/digits.h"
#include "api/escape.h"

enum { PIECE = 512 }; /* bytes that are escaped at a time */

static void
put(sink_t *out, const char *text)
{
    (void)sink_write(out, text, strlen(text));
}

/* A number as digits.h writes it, which is where it ends. */
static void
put_digits(sink_t *out, const char *digits, const char *end)
{
    (void)sink_write(out, digits, (size_t)(end - digits));
}

static void
put_text(sink_t *out, const char *text, size_t size)
{
    char escaped[ESCAPE_JSON_ROOM(PIECE)];
    put(out, "\"");
    while (size > 0) {
        size_t piece = size < PIECE ? size : PIECE;
        (void)sink_write(out, escaped, (size_t)(escape_json(escaped, text, piece) - escaped));
        text += piece;
        size -= piece;
    }
    put(out, "\"");
}

static void
put_list(sink_t *out, json_part_t list)
{
    put(out, "[");
    for (uint32_t i = 0; i < json_part_count(list); i++) {
        put(out, i > 0 ? "," : "");
        json_dump(json_part_item(list, i), out);
    }
    put(out, "]");
}

static void
put_object(sink_t *out, json_part_t object)
{
    const char *between = "{";
    json_member_t member = { 0 };
    while (json_part_next(object, &member)) {
        put(out, between);
        put_text(out, member.name, strlen(member.name));
        put(out, ":");
        json_dump(member.value, out);
        between = ",";
    }
    put(out, *between == '{' ? "{}" : "}");
}

void
json_dump(json_part_t part, sink_t *out)
{
    char digits[DIGITS_MOST];
    size_t size = 0;
    const char *text = json_part_text(part, &size);
    switch (json_part_kind(part)) {
    case JSON_KIND_MISSING:
    case JSON_KIND_NULL: put(out, "null"); return;
    case JSON_KIND_TEXT: put_text(out, text, size); return;
    case JSON_KIND_INTEGER:
        put_digits(out, digits, digits_int(digits, json_part_int(part)));
        return;
    case JSON_KIND_REAL:
        put_digits(out, digits,
                   digits_float(digits, json_part_real(part) + 0.0, false)); /* no -0 */
        return;
    case JSON_KIND_BOOL: put(out, json_part_bool(part) ? "true" : "false"); return;
    case JSON_KIND_ARRAY: put_list(out, part); return;
    case JSON_KIND_OBJECT: put_object(out, part); return;
    }
}

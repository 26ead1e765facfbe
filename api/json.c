#include "api/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

enum {
    PIECE = 4096,     /* bytes that are escaped at a time */
    ESCAPED_MOST = 6, /* bytes that one byte may become: \u001f */
    NUMBER_SIZE = 40,
    US_PER_S = 1000000,
};

static const char hex[] = "0123456789abcdef";

/* --- pieces --- */

/* What follows the backslash for bytes that have a short escape; 'u' for the other control bytes;
 * 0 for bytes that stand as they are. */
static char
escape_of(unsigned char byte)
{
    switch (byte) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return byte < 0x20 ? 'u' : 0;
    }
}

/* `size` bytes, escaped, to `out`, which has room. Returns where it ends. */
static char *
escape(char *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        char mark = byte > '\\' || (byte > '"' && byte < '\\') || byte == ' ' || byte == '!'
                        ? 0
                        : escape_of(byte);
        if (mark == 0) {
            *out++ = (char)byte;
            continue;
        }
        *out++ = '\\';
        *out++ = mark;
        if (mark == 'u') {
            *out++ = '0';
            *out++ = '0';
            *out++ = hex[byte >> 4];
            *out++ = hex[byte & 0x0f];
        }
    }
    return out;
}

static void
write_escaped(reply_t *reply, const char *text, size_t size)
{
    while (size > 0) {
        size_t piece = size < PIECE ? size : PIECE;
        char *out = reply_room(reply, piece * ESCAPED_MOST);
        reply_wrote(reply, (size_t)(escape(out, text, piece) - out));
        text += piece;
        size -= piece;
    }
}

static void
write_byte(reply_t *reply, char byte)
{
    *reply_room(reply, 1) = byte;
    reply_wrote(reply, 1);
}

static void
value(json_t *self)
{
    if (self->comma)
        write_byte(self->reply, ',');
    self->comma = true;
}

static void
word(json_t *self, const char *text, size_t size)
{
    value(self);
    reply_write(self->reply, text, size);
}

/* --- structure --- */

void
json_init(json_t *self, reply_t *reply)
{
    self->reply = reply;
    self->comma = false;
}

static void
open_with(json_t *self, char mark)
{
    value(self);
    write_byte(self->reply, mark);
    self->comma = false;
}

static void
close_with(json_t *self, char mark)
{
    write_byte(self->reply, mark);
    self->comma = true;
}

void
json_begin(json_t *self)
{
    open_with(self, '{');
}

void
json_end(json_t *self)
{
    close_with(self, '}');
}

void
json_begin_list(json_t *self)
{
    open_with(self, '[');
}

void
json_end_list(json_t *self)
{
    close_with(self, ']');
}

void
json_name(json_t *self, const char *name)
{
    json_text(self, name);
    write_byte(self->reply, ':');
    self->comma = false;
}

char *
json_key(const char *name)
{
    size_t size = strlen(name);
    char *key = mem_new(size * ESCAPED_MOST + sizeof "\"\":");
    char *out = key;
    *out++ = '"';
    out = escape(out, name, size);
    *out++ = '"';
    *out++ = ':';
    return key;
}

void
json_name_key(json_t *self, const char *key)
{
    word(self, key, strlen(key));
    self->comma = false;
}

/* --- values --- */

void
json_bytes(json_t *self, const char *text, size_t size)
{
    value(self);
    write_byte(self->reply, '"');
    write_escaped(self->reply, text, size);
    write_byte(self->reply, '"');
}

/* Text of uncertain origin (a library's message may be cut within a character). */
static void
write_mended(reply_t *reply, const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t character = utf8_size(text + at, size - at);
        if (character > 0)
            write_escaped(reply, text + at, character);
        else
            reply_write(reply, "\xef\xbf\xbd", 3);
        at += character > 0 ? character : 1;
    }
}

void
json_text(json_t *self, const char *text)
{
    if (!text) {
        json_nil(self);
        return;
    }
    size_t size = strlen(text);
    if (utf8_valid(text, size)) {
        json_bytes(self, text, size);
        return;
    }
    value(self);
    write_byte(self->reply, '"');
    write_mended(self->reply, text, size);
    write_byte(self->reply, '"');
}

static void
write_uint(json_t *self, uint64_t number, bool negative)
{
    char digits[NUMBER_SIZE];
    char *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    if (negative)
        *--at = '-';
    word(self, at, (size_t)(digits + sizeof digits - at));
}

void
json_int(json_t *self, int64_t number)
{
    write_uint(self, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, number < 0);
}

static const char *
special_word(double number)
{
    if (isnan(number))
        return "NaN";
    return number > 0 ? "Infinity" : "-Infinity";
}

void
json_float(json_t *self, double number)
{
    if (!isfinite(number)) {
        json_text(self, special_word(number));
        return;
    }
    char text[NUMBER_SIZE];
    int size = 0;
    for (int digits = 15; digits <= 17; digits++) {
        size = snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) /* exact on purpose: it must read back equal */
            break;
    }
    word(self, text, (size_t)size);
}

void
json_seconds(json_t *self, int64_t us)
{
    char text[NUMBER_SIZE];
    int64_t whole = us / US_PER_S;
    int64_t part = us % US_PER_S;
    const char *sign = us < 0 && whole == 0 ? "-" : "";
    int size = snprintf(text, sizeof text, "%s%" PRId64 ".%06" PRId64, sign, whole,
                        part < 0 ? -part : part);
    word(self, text, (size_t)size);
}

void
json_bool(json_t *self, bool truth)
{
    word(self, truth ? "true" : "false", truth ? 4 : 5);
}

void
json_nil(json_t *self)
{
    word(self, "null", 4);
}

void
json_member_text(json_t *self, const char *name, const char *text)
{
    json_name(self, name);
    json_text(self, text);
}

void
json_member_int(json_t *self, const char *name, int64_t number)
{
    json_name(self, name);
    json_int(self, number);
}

void
json_member_bool(json_t *self, const char *name, bool truth)
{
    json_name(self, name);
    json_bool(self, truth);
}

void
json_member_seconds(json_t *self, const char *name, int64_t us)
{
    json_name(self, name);
    json_seconds(self, us);
}

void
json_member_nil(json_t *self, const char *name)
{
    json_name(self, name);
    json_nil(self);
}

/* --- cells --- */

static size_t
digits_at(const char *text, size_t size, size_t at)
{
    size_t count = 0;
    while (at + count < size && text[at + count] >= '0' && text[at + count] <= '9')
        count++;
    return count;
}

/* Is this a number as JSON writes them? (numeric's specials are not.) */
static bool
is_number(const char *text, size_t size)
{
    size_t at = size > 0 && text[0] == '-' ? 1 : 0;
    size_t whole = digits_at(text, size, at);
    if (whole == 0 || (whole > 1 && text[at] == '0'))
        return false;
    at += whole;
    if (at < size && text[at] == '.') {
        size_t part = digits_at(text, size, at + 1);
        if (part == 0)
            return false;
        at += 1 + part;
    }
    if (at < size && (text[at] == 'e' || text[at] == 'E')) {
        at++;
        if (at < size && (text[at] == '+' || text[at] == '-'))
            at++;
        size_t power = digits_at(text, size, at);
        if (power == 0)
            return false;
        at += power;
    }
    return at == size;
}

static void
write_binary(json_t *self, const view_t *bytes)
{
    value(self);
    reply_write(self->reply, "\"\\\\x", 4);
    for (uint32_t at = 0; at < bytes->size;) {
        uint32_t piece = bytes->size - at < PIECE ? bytes->size - at : PIECE;
        char *out = reply_room(self->reply, 2 * (size_t)piece);
        for (uint32_t i = 0; i < piece; i++) {
            unsigned char byte = (unsigned char)bytes->data[at + i];
            out[2 * i] = hex[byte >> 4];
            out[2 * i + 1] = hex[byte & 0x0f];
        }
        reply_wrote(self->reply, 2 * (size_t)piece);
        at += piece;
    }
    write_byte(self->reply, '"');
}

void
json_cell(json_t *self, const cell_t *cell, cell_kind_t kind)
{
    switch (cell->kind) {
    case UNPACK_BOOL: json_bool(self, cell->boolean); return;
    case UNPACK_UINT: write_uint(self, cell->number, false); return;
    case UNPACK_INT: json_int(self, cell->negative); return;
    case UNPACK_FLOAT: json_float(self, cell->real); return;
    case UNPACK_BINARY: write_binary(self, &cell->bytes); return;
    case UNPACK_TEXT:
        if (kind == CELL_NUMERIC && is_number(cell->bytes.data, cell->bytes.size))
            word(self, cell->bytes.data, cell->bytes.size);
        else
            json_bytes(self, cell->bytes.data, cell->bytes.size);
        return;
    case UNPACK_NIL:
    case UNPACK_END:
    case UNPACK_ARRAY:
    case UNPACK_MAP:
    case UNPACK_OTHER: break;
    }
    json_nil(self);
}

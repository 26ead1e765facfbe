#include "api/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/digits.h"
#include "api/escape.h"
#include "common/utf8.h"

enum {
    PIECE = 4096, /* bytes that are escaped at a time */
    NUMBER_SIZE = 40,
    US_PER_S = 1000000,
};

/* --- pieces --- */

static void
write_escaped(reply_t *reply, const char *text, size_t size)
{
    while (size > 0) {
        size_t piece = size < PIECE ? size : PIECE;
        char *out = reply_room(reply, ESCAPE_JSON_ROOM(piece));
        reply_wrote(reply, (size_t)(escape_json(out, text, piece) - out));
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
json_raw(json_t *self, const char *text, size_t size)
{
    word(self, text, size);
}

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
    char *key = mem_new(ESCAPE_JSON_ROOM(size) + sizeof "\"\":");
    char *out = key;
    *out++ = '"';
    out = escape_json(out, name, size);
    *out++ = '"';
    *out++ = ':';
    *out = '\0';
    return key;
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

void
json_int(json_t *self, int64_t number)
{
    char digits[DIGITS_MOST];
    word(self, digits, (size_t)(digits_int(digits, number) - digits));
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

#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/escape.h"
#include "common/mem.h"

/* The plain way, byte by byte. */
static size_t
slow_json(char *out, const char *text, size_t size)
{
    static const char names[] = "btnvfr";
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool named = byte >= 8 && byte <= 13 && byte != 11;
        if (byte == '"' || byte == '\\')
            used += (size_t)sprintf(out + used, "\\%c", byte);
        else if (named)
            used += (size_t)sprintf(out + used, "\\%c", names[byte - 8]);
        else if (byte < 0x20)
            used += (size_t)sprintf(out + used, "\\u%04x", byte);
        else
            out[used++] = (char)byte;
    }
    return used;
}

static size_t
slow_csv(char *out, const char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            out[used++] = '"';
        out[used++] = text[i];
    }
    return used;
}

typedef char *(*escape_fn)(char *out, const char *text, size_t size);
typedef size_t (*slow_fn)(char *out, const char *text, size_t size);

/* In blocks of their exact sizes, so that a sanitizer sees a byte too many. */
static void
assert_escaped(escape_fn escape, slow_fn slow, size_t room, const char *text, size_t size)
{
    own(mem) in = mem_new(size > 0 ? size : 1);
    own(mem) out = mem_new(room);
    own(mem) expected = mem_new(room + 1);
    memcpy(in, text, size);
    size_t used = (size_t)(escape(out, in, size) - out);
    assert_int_equal(used, slow(expected, in, size));
    assert_memory_equal(out, expected, used);
}

static void
assert_json(const char *text, size_t size)
{
    assert_escaped(escape_json, slow_json, ESCAPE_JSON_ROOM(size), text, size);
}

static void
assert_plain(const char *text, size_t size, bool plain)
{
    own(mem) in = mem_new(size > 0 ? size : 1);
    own(mem) out = mem_new(ESCAPE_CSV_ROOM(size));
    memcpy(in, text, size);
    const char *end = escape_csv_plain(out, in, size);
    assert_int_equal(end != NULL, plain);
    if (plain) {
        assert_ptr_equal(end, out + size);
        assert_memory_equal(out, in, size);
    }
}

static void
every_byte_at_every_place_of_a_block(void **unused)
{
    enum { PLACES = 50 }; /* three blocks and a bit */
    (void)unused;
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < PLACES; place++) {
            char text[PLACES];
            memset(text, 'x', sizeof text);
            text[place] = (char)byte;
            assert_json(text, sizeof text);
            assert_json(text, place + 1);
            assert_escaped(escape_csv, slow_csv, ESCAPE_CSV_ROOM(PLACES), text, sizeof text);
            bool special = byte == '"' || byte == ',' || byte == '\n' || byte == '\r';
            assert_plain(text, sizeof text, !special);
            assert_plain(text, place + 1, !special);
        }
    }
}

/* A byte that needs escaping must not hide the one in front of it, or behind it. */
static void
any_two_bytes_side_by_side(void **unused)
{
    (void)unused;
    static const char bytes[] = "\x00\x01\x1f !\"#[\\]x\x7f\x80\x9f\xa2\xdc\xff\n,\r";
    for (size_t a = 0; a < sizeof bytes - 1; a++) {
        for (size_t b = 0; b < sizeof bytes - 1; b++) {
            const char text[9] = { 'x',      bytes[a], bytes[b], 'y',     bytes[b],
                                   bytes[a], 'z',      bytes[a], bytes[b] };
            assert_json(text, sizeof text);
            bool plain = true;
            for (size_t i = 0; i < sizeof text; i++)
                plain = plain && !strchr("\",\n\r", text[i] ? text[i] : 'x');
            assert_plain(text, sizeof text, plain);
        }
    }
}

/* Behind an escape the text and what was written of it are no longer of one length. */
static void
blocks_behind_an_escape(void **unused)
{
    (void)unused;
    for (size_t first = 0; first < 40; first++) {
        for (size_t second = first + 1; second < 60; second++) {
            char text[60];
            memset(text, 'x', sizeof text);
            text[first] = '\n';
            text[second] = '\1';
            for (size_t size = second + 1; size <= sizeof text; size += 7)
                assert_json(text, size);
        }
    }
}

static void
what_is_all_escapes_just_fits(void **unused)
{
    (void)unused;
    char text[64];
    for (size_t size = 0; size <= sizeof text; size++) {
        memset(text, 1, sizeof text);
        assert_json(text, size);
        memset(text, '"', sizeof text);
        assert_json(text, size);
        assert_escaped(escape_csv, slow_csv, ESCAPE_CSV_ROOM(size), text, size);
        assert_plain(text, size, size == 0);
    }
}

static void
bytes_are_hex_in_lower_case(void **unused)
{
    (void)unused;
    char out[6];
    assert_ptr_equal(escape_hex(out, "\x00\xff\x1a", 3), out + 6);
    assert_memory_equal(out, "00ff1a", 6);
}

/* The plain way: at each place, is there a separator? */
static size_t
slow_script(char *out, const char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        bool line = size - i >= 3 && memcmp(text + i, "\xe2\x80\xa8", 3) == 0;
        if (line || (size - i >= 3 && memcmp(text + i, "\xe2\x80\xa9", 3) == 0)) {
            memcpy(out + used, line ? "\\u2028" : "\\u2029", 6);
            used += 6;
            i += 2;
        } else {
            out[used++] = text[i];
        }
    }
    return used;
}

static void
separators_are_escaped_in_place_and_nothing_else(void **unused)
{
    (void)unused;
    static const char bytes[] = { '\xe2', '\x80', '\xa8', '\xa9', 'a' };
    enum { MOST = 7 };
    size_t count = 1;
    for (size_t size = 0; size <= MOST; size++, count *= sizeof bytes) {
        for (size_t which = 0; which < count; which++) {
            char text[MOST + 1];
            char wanted[2 * MOST];
            size_t rest = which;
            for (size_t i = 0; i < size; i++, rest /= sizeof bytes)
                text[i] = bytes[rest % sizeof bytes];
            own(mem) room = mem_new(2 * size + 1);
            memcpy(room, text, size);
            size_t made = slow_script(wanted, text, size);
            assert_int_equal(escape_script(room, size), made);
            assert_memory_equal(room, wanted, made);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_at_every_place_of_a_block),
        cmocka_unit_test(any_two_bytes_side_by_side),
        cmocka_unit_test(blocks_behind_an_escape),
        cmocka_unit_test(what_is_all_escapes_just_fits),
        cmocka_unit_test(bytes_are_hex_in_lower_case),
        cmocka_unit_test(separators_are_escaped_in_place_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

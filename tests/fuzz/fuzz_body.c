/* fuzz_body.c - a stranger's body of each type. The first byte chooses it: JSON, a form, the parts
 * of one, or the type that the first line names. What was read must be what forms may hold, and
 * written as JSON it must be read as the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "api/json_dump.h"
#include "api/json_length.h"
#include "common/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEVELS_MOST = 9 };

static void
assert_text(const char *text, size_t size)
{
    assert(utf8_valid(text, size) && !memchr(text, '\0', size));
}

/* Texts, and what holds them. */
static void
assert_form(json_part_t part, int level)
{
    size_t size = 0;
    const char *text = json_part_text(part, &size);
    if (text) {
        assert_text(text, size);
        return;
    }
    bool object = json_part_kind(part) == JSON_KIND_OBJECT;
    assert(level <= LEVELS_MOST && (object || json_part_kind(part) == JSON_KIND_ARRAY));
    assert(level == 1 || json_part_count(part) > 0);
    for (uint32_t i = 0; !object && i < json_part_count(part); i++)
        assert_form(json_part_item(part, i), level + 1);
    json_member_t member = { 0 };
    while (object && json_part_next(part, &member)) {
        assert_text(member.name, strlen(member.name));
        assert_form(member.value, level + 1);
    }
}

/* Units of UTF-16. */
static size_t
units(const sink_t *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->size; i++)
        count += (text->data[i] & 0xc0) == 0x80 ? 0 : text->data[i] < 0xf0 ? 1 : 2;
    return count;
}

static void
assert_written(const json_doc_t *doc, bool form)
{
    err_t err;
    sink_t once = { 0 };
    sink_t twice = { 0 };
    json_dump(json_doc_root(doc), &once);
    own(json_doc) again = json_parse((const char *)once.data, once.size, &err);
    assert(again);
    json_dump(json_doc_root(again), &twice);
    assert(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0);
    size_t length = json_part_length(json_doc_root(doc));
    assert(length == json_part_length(json_doc_root(again)));
    assert(!form || length == units(&once)); /* in a form there are no numbers */
    free(once.data);
    free(twice.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = { "application/json", "application/x-www-form-urlencoded",
                                         "multipart/form-data; boundary=b" };
    if (size == 0)
        return 0;
    own(mem) text = mem_copy(data + 1, size - 1);
    const char *type = data[0] % 4 < 3 ? types[data[0] % 4] : text;
    char *body = text;
    size_t left = size - 1;
    char *end = memchr(text, '\n', left);
    if (type == text && end) {
        *end = '\0';
        body = end + 1;
        left -= (size_t)(body - text);
    }
    err_t err = { .kind = ERR_NONE };
    own(mem) exact = mem_new(left); /* without the NUL: a byte more is a finding */
    memcpy(exact, body, left);
    own(json_doc) doc = body_read(type, BODY_OTHER, exact, left, &err);
    bool form = body_kind(type) != BODY_JSON;
    if (!doc) {
        assert(err.kind == ERR_INVALID && err.text[0]);
        assert(!form || utf8_valid(err.text, strlen(err.text))); /* jansson may cut a character */
        return 0;
    }
    if (form)
        assert_form(json_doc_root(doc), 1);
    assert_written(doc, form);
    return 0;
}

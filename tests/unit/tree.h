/* tree.h - a document as compact JSON, its members in their order, for tests of what makes them. */
#ifndef TESTS_UNIT_TREE_H
#define TESTS_UNIT_TREE_H

#include "api/body.h"
#include "api/json_dump.h"

/* Caller owns the result. */
static inline char *
tree_text(const json_doc_t *doc)
{
    sink_t text = { 0 };
    json_dump(json_doc_root(doc), &text);
    (void)sink_write(&text, "", 1);
    return (char *)text.data;
}

/* A body of this type is read as `wanted`. */
static inline void
assert_read(const char *type, const char *body, size_t size, const char *wanted)
{
    err_t err = { .kind = ERR_NONE };
    own(json_doc) doc = body_read(type, BODY_OTHER, body, size, &err);
    if (!doc)
        fail_msg("%s: %s", body, err.text);
    own(mem) text = tree_text(doc);
    assert_string_equal(text, wanted);
}

/* It is refused as invalid, in words that hold `word`. */
static inline void
assert_refused(const char *type, const char *body, size_t size, const char *word)
{
    err_t err = { .kind = ERR_NONE };
    own(json_doc) doc = body_read(type, BODY_OTHER, body, size, &err);
    if (doc)
        fail_msg("%s is taken", body);
    assert_int_equal(err.kind, ERR_INVALID);
    if (!strstr(err.text, word))
        fail_msg("no '%s' in: %s", word, err.text);
}

#endif

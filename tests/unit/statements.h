/* statements.h - what tests of SQL texts claim of them. */
#ifndef TESTS_UNIT_STATEMENTS_H
#define TESTS_UNIT_STATEMENTS_H

#include <stdlib.h>

#include "common/sqltext.h"
#include "tests/unit/unit.h"

/* `parts` are the statements that `sql` has, a vertical bar between them (none holds one). */
static inline void
assert_parts(const char *sql, const char *parts)
{
    err_t err = { .kind = ERR_NONE };
    own(statements) made = statements_split(sql, &err);
    if (!made)
        fail_msg("%s: %s", sql, err.text);
    own(mem) joined = mem_text("");
    for (uint32_t i = 0; i < made->count; i++) {
        own(mem) longer = mem_format("%s%s%s", joined, i > 0 ? "|" : "", made->list[i].sql);
        mem_destroy(&joined);
        joined = take(longer);
    }
    assert_string_equal(joined, parts);
}

/* All of it is one statement. */
static inline void
assert_one(const char *sql)
{
    assert_parts(sql, sql);
}

static inline void
assert_refused(const char *sql, const char *text)
{
    err_t err = { .kind = ERR_NONE };
    own(statements) made = statements_split(sql, &err);
    if (made)
        fail_msg("let through: %s", sql);
    assert_int_equal(err.kind, ERR_INVALID);
    if (strncmp(err.text, text, strlen(text)) != 0)
        fail_msg("%s: said '%s'", sql, err.text);
}

static inline void
assert_kind(const char *sql, statement_kind_t kind)
{
    err_t err = { .kind = ERR_NONE };
    own(statements) made = statements_split(sql, &err);
    if (!made)
        fail_msg("%s: %s", sql, err.text);
    assert_int_equal(made->count, 1);
    if (made->list[0].kind != kind)
        fail_msg("%s: kind %d", sql, (int)made->list[0].kind);
}

static inline void
assert_word(const char *sql, const char *word)
{
    err_t err = { .kind = ERR_NONE };
    own(statements) made = statements_split(sql, &err);
    assert_non_null(made);
    assert_string_equal(made->list[0].word, word);
}

#endif

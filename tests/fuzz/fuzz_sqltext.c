/* fuzz_sqltext.c - any text as statements: they are parts of it, in order, each of them one
 * statement again, and put together again they come apart in the same places. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/sqlscan.h"
#include "common/sqltext.h"
#include "common/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Pieces lie side by side from the text's begin to its end. */
static void
check_pieces(const char *text)
{
    sqlscan_t scan = { .at = text };
    const char *at = text;
    for (piece_t piece = sqlscan_next(&scan); piece.kind != PIECE_END;
         piece = sqlscan_next(&scan)) {
        assert(piece.at == at && piece.size > 0);
        assert(piece.before + piece.after <= piece.size);
        at += piece.size;
    }
    assert(at == text + strlen(text));
}

static size_t
bytes_of(const char *text, uint32_t characters)
{
    size_t size = 0;
    for (; text[size]; size++)
        if ((text[size] & 0xc0) != 0x80 && characters-- == 0)
            break;
    return size;
}

static void
check_parts(const char *text, const statements_t *made)
{
    uint32_t last = 0;
    bool counts = utf8_valid(text, strlen(text));
    for (uint32_t i = 0; i < made->count; i++) {
        const statement_t *part = &made->list[i];
        err_t err = { .kind = ERR_NONE };
        size_t at = bytes_of(text, part->offset);
        assert(i == 0 || part->offset > last || !counts);
        assert(!counts || strncmp(text + at, part->sql, strlen(part->sql)) == 0);
        assert(strlen(part->word) < sizeof part->word);
        own(statements) again = statements_split(part->sql, &err);
        assert(again && again->count == 1 && again->list[0].offset == 0);
        assert(strcmp(again->list[0].sql, part->sql) == 0);
        assert(strcmp(again->list[0].word, part->word) == 0);
        last = part->offset;
    }
}

/* Only the last one can have a parenthesis or a body that never ends, so nothing comes behind it.
 */
static void
check_joined(const statements_t *made, size_t size)
{
    err_t err = { .kind = ERR_NONE };
    own(mem) joined = mem_new(size + 3 * (size_t)made->count + 1);
    char *end = joined;
    for (uint32_t i = 0; i < made->count; i++) {
        end = stpcpy(end, i > 0 ? "\n;" : "");
        end = stpcpy(end, made->list[i].sql);
    }
    own(statements) again = statements_split(joined, &err);
    assert(again && again->count == made->count);
    for (uint32_t i = 0; i < made->count; i++)
        assert(strcmp(again->list[i].sql, made->list[i].sql) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    err_t err = { .kind = ERR_NONE };
    own(mem) text = mem_copy(data, size);
    size = strlen(text);
    check_pieces(text);
    own(statements) made = statements_split(text, &err);
    if (!made) {
        assert(err.kind == ERR_INVALID && err.text[0]);
        return 0;
    }
    assert(made->count > 0 && made->count <= STATEMENTS_MOST);
    check_parts(text, made);
    check_joined(made, size);
    return 0;
}

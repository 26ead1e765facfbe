/* fuzz_bind.c - any text as one statement, with named parameters or (behind a first '#') numbered
 * ones: but for its placeholders, each of them $1 to $k in what is sent, nothing of it has changed,
 * and every place of what is sent is found again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/bind.h"
#include "common/sqlscan.h"
#include "tests/unit/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MOST = 4096 };

static const char *const names[] = { "id", "a", "E", "U", "n1", "_", NULL };

static binds_t *
bind_one(char *sql, const params_t *params)
{
    err_t err = { .kind = ERR_NONE };
    int32_t position = 0;
    statement_t statement = { .sql = sql };
    const statements_t statements = { .count = 1, .list = &statement };
    binds_t *binds = binds_make(&statements, params, &position, &err);
    assert(binds || (err.kind == ERR_INVALID && err.text[0] && err.sqlstate[0]));
    assert(binds || (position >= 1 && (size_t)position <= strlen(sql)));
    return binds;
}

static const char *
next_character(const char *at)
{
    at++;
    while (((uint8_t)*at & 0xc0) == 0x80)
        at++;
    return at;
}

/* What is sent has no placeholder but $1 to $k. Returns how many of these stand there. */
static uint32_t
check_sent(const bind_t *bind, const params_t *params)
{
    sqlscan_t scan = { .at = bind->sql };
    bool colon = false;
    uint32_t count = 0;
    for (piece_t piece = sqlscan_next(&scan); piece.kind != PIECE_END;
         piece = sqlscan_next(&scan)) {
        if (piece.kind == PIECE_NUMBER && *piece.at == '$') {
            long number = strtol(piece.at + 1, NULL, 10);
            count++;
            assert(number >= 1 && number <= (long)bind->count);
        }
        assert(!colon || piece.kind != PIECE_WORD
               || params_named(params, piece.at, piece.size) < 0);
        colon = piece_is_sign(&piece, ':') && !colon;
    }
    return count;
}

/* Where no placeholder stands, the same character does. Returns how many placeholders there are. */
static uint32_t
check_places(const char *sql, const bind_t *bind, const params_t *params)
{
    const char *written = sql;
    const char *last = NULL; /* placeholder */
    uint32_t count = 0;
    uint32_t at = 1; /* of `written` */
    uint32_t position = 1;
    for (const char *sent = bind->sql; *sent; sent = next_character(sent), position++) {
        place_t place = bind_locate(sql, params, position);
        assert(place.position >= at);
        for (; at < place.position; at++) {
            assert(*written);
            written = next_character(written);
        }
        assert(place.written ? place.written == written : *written == *sent);
        count += place.written && place.written != last;
        last = place.written ? place.written : last;
    }
    place_t end = bind_locate(sql, params, position);
    assert(!end.written && end.position >= at);
    return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > SIZE_MOST)
        return 0;
    bool numbered = size > 0 && data[0] == '#';
    own(params) params = numbered ? params_counted(12) : params_called(names);
    own(mem) sql = mem_copy(data + numbered, size - numbered);
    if (((uint8_t)*sql & 0xc0) == 0x80)
        return 0; /* characters are counted, and the first is none */
    own(binds) binds = bind_one(sql, params);
    if (!binds || !binds->list[0].sql)
        return 0;
    uint32_t sent = check_sent(&binds->list[0], params);
    assert(check_places(sql, &binds->list[0], params) == sent);
    return 0;
}

/* sqlscan.c - pieces of SQL. */
#include "common/sqlscan.h"

#include <string.h>

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

bool
sqlscan_in_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '$';
}

/* Past a block comment; *closed: it ends. */
static const char *
past_block(const char *at, bool *closed)
{
    size_t depth = 0;
    *closed = false;
    while (*at && !*closed) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            *closed = --depth == 0;
            at += 2;
        } else {
            at++;
        }
    }
    return at;
}

/* Past what a quote holds, which begins at `at`: to the closing quote, or the text's end. */
static const char *
past_quoted(const char *at, char quote, bool escapes)
{
    while (*at) {
        if (escapes && *at == '\\' && at[1])
            at += 2;
        else if (*at != quote)
            at++;
        else if (at[1] == quote)
            at += 2;
        else
            return at;
    }
    return at;
}

/* Past digits, and their exponent if there is a whole one. */
static const char *
past_number(const char *at)
{
    while (is_digit(*at))
        at++;
    if (*at != 'e' && *at != 'E')
        return at;
    const char *power = at + 1;
    if (*power == '+' || *power == '-')
        power++;
    if (!is_digit(*power))
        return at;
    while (is_digit(*power))
        power++;
    return power;
}

/* The size of the dollar quote's opening tag at `at`, 0: none. */
static size_t
tag_size(const char *at)
{
    size_t size = 1;
    if (is_letter(at[size]))
        while (at[size] != '$' && sqlscan_in_word(at[size]))
            size++;
    return at[size] == '$' ? size + 1 : 0;
}

static piece_t
take_quoted(const sqlscan_t *self, size_t prefix, bool slashes, bool escapes)
{
    char quote = self->at[prefix];
    const char *held = self->at + prefix + 1;
    const char *end = past_quoted(held, quote, escapes);
    size_t after = *end ? 1 : 0;
    return (piece_t){ .kind = quote == '"' ? PIECE_NAME : PIECE_TEXT,
                      .at = self->at,
                      .size = (size_t)(end - self->at) + after,
                      .before = prefix + 1,
                      .after = after,
                      .is_open = after == 0,
                      .slashes = slashes,
                      .escapes = escapes };
}

static piece_t
take_dollar(const char *at, size_t tag)
{
    const char *held = at + tag;
    size_t left = strlen(held);
    const char *end = memmem(held, left, at, tag);
    size_t after = end ? tag : 0;
    return (piece_t){ .kind = PIECE_DOLLAR,
                      .at = at,
                      .size = end ? (size_t)(end - at) + tag : tag + left,
                      .before = tag,
                      .after = after,
                      .is_open = after == 0 };
}

/* A piece that reaches from `at` to `end`. */
static piece_t
take_plain(piece_kind_t kind, const char *at, const char *end)
{
    return (piece_t){ .kind = kind, .at = at, .size = (size_t)(end - at) };
}

static piece_t
take_word(const sqlscan_t *self)
{
    const char *at = self->at;
    if ((*at == 'e' || *at == 'E') && at[1] == '\'')
        return take_quoted(self, 1, true, true);
    if ((*at == 'u' || *at == 'U') && at[1] == '&' && (at[2] == '\'' || at[2] == '"'))
        return take_quoted(self, 2, true, false);
    while (sqlscan_in_word(*at))
        at++;
    return take_plain(PIECE_WORD, self->at, at);
}

static piece_t
take_blank(const char *at)
{
    const char *end = at;
    bool closed = true;
    piece_kind_t kind = PIECE_SPACE;
    if (is_space(*at)) {
        while (is_space(*end))
            end++;
    } else if (*at == '-') {
        kind = PIECE_LINE;
        end += strcspn(at, "\r\n");
    } else {
        kind = PIECE_BLOCK;
        end = past_block(at, &closed);
    }
    piece_t piece = take_plain(kind, at, end);
    piece.is_open = !closed;
    return piece;
}

static piece_t
take_piece(const sqlscan_t *self)
{
    const char *at = self->at;
    if (!*at)
        return take_plain(PIECE_END, at, at);
    if (is_space(*at) || (at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*'))
        return take_blank(at);
    if (*at == '\'')
        return take_quoted(self, 0, self->turned, self->turned);
    if (*at == '"')
        return take_quoted(self, 0, false, false);
    if (is_letter(*at))
        return take_word(self);
    if (is_digit(*at))
        return take_plain(PIECE_NUMBER, at, past_number(at));
    if (*at == '$' && is_digit(at[1]))
        return take_plain(PIECE_NUMBER, at, at + 1 + strspn(at + 1, "0123456789"));
    size_t tag = *at == '$' ? tag_size(at) : 0;
    return tag > 0 ? take_dollar(at, tag) : take_plain(PIECE_SIGN, at, at + 1);
}

piece_t
sqlscan_next(sqlscan_t *self)
{
    piece_t piece = take_piece(self);
    self->at += piece.size;
    if (piece.kind == PIECE_SPACE) {
        if (self->escaped
            && (memchr(piece.at, '\n', piece.size) || memchr(piece.at, '\r', piece.size)))
            self->turned = true;
    } else if (piece.kind != PIECE_LINE) {
        self->escaped = piece.kind == PIECE_TEXT && piece.escapes;
        self->turned = false;
    }
    return piece;
}

piece_t
sqlscan_token(sqlscan_t *self)
{
    piece_t piece = sqlscan_next(self);
    while (piece.kind == PIECE_SPACE || piece.kind == PIECE_LINE || piece.kind == PIECE_BLOCK)
        piece = sqlscan_next(self);
    return piece;
}

bool
piece_is(const piece_t *self, const char *word)
{
    return self->kind == PIECE_WORD && strlen(word) == self->size
           && strncasecmp(self->at, word, self->size) == 0;
}

bool
piece_is_sign(const piece_t *self, char sign)
{
    return self->kind == PIECE_SIGN && *self->at == sign;
}

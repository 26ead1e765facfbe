/* fill.c - templates.
 *
 * Each piece of the text takes its values in its own way. What comes out is split and sent later,
 * so a value must not change where any quote ends: not by itself, and not together with the
 * template's bytes beside it.
 */
#include "common/fill.h"

#include <string.h>

#include "common/sqlscan.h"

enum { CODE_DEEP = 3 }; /* code in code in code is looked into; further in, nothing is filled in */

typedef struct {
    const fill_values_t *values;
    int depth; /* of dollar quotes that hold code, around this text */
    char *text;
    size_t size;
    size_t room;
} filling_t;

static char *fill(const char *sql, const fill_values_t *values, int depth);

static void
put(filling_t *self, const char *bytes, size_t size)
{
    if (self->room - self->size <= size) {
        self->room = (self->size + size + 1) * 2;
        self->text = mem_grow(self->text, self->room);
    }
    memcpy(self->text + self->size, bytes, size);
    self->size += size;
    self->text[self->size] = '\0';
}

static size_t
space_size(const char *at, size_t left)
{
    size_t size = 0;
    while (size < left && at[size] == ' ')
        size++;
    return size;
}

static bool
begins(const char *at, size_t left, const char *word)
{
    size_t size = strlen(word);
    return left >= size && memcmp(at, word, size) == 0;
}

/* The size of the placeholder at `at`, and its value; 0: there is none that we know. */
static size_t
placeholder(const filling_t *self, const char *at, size_t left, const char **value)
{
    const struct {
        const char *name;
        const char *value;
    } known[] = { { "job_id", self->values->job_id },
                  { "error_message", self->values->error_message } };

    if (!begins(at, left, "<%="))
        return 0;
    size_t name = 3 + space_size(at + 3, left - 3);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!begins(at + name, left - name, known[i].name))
            continue;
        size_t end = name + strlen(known[i].name);
        end += space_size(at + end, left - end);
        *value = known[i].value;
        return begins(at + end, left - end, "%>") ? end + 2 : 0;
    }
    return 0;
}

/* `value` with each quote twice and, where they mean something, each backslash. */
static void
put_value(filling_t *self, const char *value, char quote, bool slashes)
{
    for (; *value; value++) {
        if (*value == quote || (slashes && *value == '\\'))
            put(self, value, 1);
        put(self, value, 1);
    }
}

/* A text or name in quotes. What a backslash hides is no placeholder. */
static void
put_quoted(filling_t *self, const piece_t *piece)
{
    const char *end = piece->at + piece->size - piece->after;
    put(self, piece->at, piece->before);
    for (const char *at = piece->at + piece->before; at < end;) {
        const char *value = NULL;
        size_t left = (size_t)(end - at);
        size_t size = placeholder(self, at, left, &value);
        if (size > 0) {
            put_value(self, value, piece->at[piece->before - 1], piece->slashes);
        } else {
            size = piece->escapes && *at == '\\' && left > 1 ? 2 : 1;
            put(self, at, size);
        }
        at += size;
    }
    put(self, end, piece->after);
}

/* One byte into a dollar quote whose inside begins at `floor`; if that makes it hold its tag, the
 * tag goes. */
static void
put_kept(filling_t *self, char byte, size_t floor, const piece_t *piece)
{
    put(self, &byte, 1);
    if (byte == '$' && self->size - floor >= piece->before
        && memcmp(self->text + self->size - piece->before, piece->at, piece->before) == 0)
        self->size -= piece->before;
}

/* What a dollar quote holds, when it is a plain text. */
static void
put_held(filling_t *self, const piece_t *piece)
{
    const char *end = piece->at + piece->size - piece->after;
    size_t floor = self->size;
    for (const char *at = piece->at + piece->before; at < end;) {
        const char *value = NULL;
        size_t size = placeholder(self, at, (size_t)(end - at), &value);
        for (const char *byte = value; byte && *byte; byte++)
            put_kept(self, *byte, floor, piece);
        if (size == 0)
            put_kept(self, *at, floor, piece);
        at += size > 0 ? size : 1;
    }
}

/* A text that holds code: a template of its own, with each quote twice. */
static void
put_coded(filling_t *self, const piece_t *piece)
{
    const char *end = piece->at + piece->size - piece->after;
    own(mem) code = mem_copy(piece->at + piece->before, (size_t)(end - piece->at) - piece->before);
    char *to = code;
    for (const char *from = code; *from; from++) {
        *to++ = *from;
        from += from[0] == '\'' && from[1] == '\'';
    }
    *to = '\0';
    own(mem) filled = fill(code, self->values, self->depth + 1);
    put(self, piece->at, piece->before);
    put_value(self, filled, '\'', false);
    put(self, end, piece->after);
}

/* What it holds, when that is code: a template of its own. */
static void
put_code(filling_t *self, const piece_t *piece)
{
    size_t floor = self->size;
    own(mem) held = mem_format("%.*s", (int)(piece->size - piece->before - piece->after),
                               piece->at + piece->before);
    own(mem) code =
        self->depth < CODE_DEEP ? fill(held, self->values, self->depth + 1) : take(held);
    for (const char *byte = code; *byte; byte++)
        put_kept(self, *byte, floor, piece);
}

static void
put_dollar(filling_t *self, const piece_t *piece, bool is_code)
{
    const char *end = piece->at + piece->size - piece->after;
    size_t tag = piece->before;
    put(self, piece->at, tag);
    size_t floor = self->size;
    if (is_code)
        put_code(self, piece);
    else
        put_held(self, piece);
    /* "$a" before the closing "$a$" would close it two bytes too soon. */
    if (!piece->is_open && self->size - floor >= tag - 1
        && memcmp(self->text + self->size - (tag - 1), piece->at, tag - 1) == 0)
        self->size -= tag - 1;
    put(self, end, piece->after);
}

/* Outside of quotes. The value must not become part of what is before it: an E that makes it an
 * E-text, a text that it would carry on. */
static void
put_bare(filling_t *self, const char *value, bool escaped)
{
    char last = self->size > 0 ? self->text[self->size - 1] : ' ';
    if (escaped)
        put(self, "/**/", 4);
    else if (sqlscan_in_word(last) || last == '&' || last == '\'')
        put(self, " ", 1);
    put(self, "'", 1);
    put_value(self, value, '\'', false);
    put(self, "'", 1);
}

/* Is a quote here code? Behind DO, AS (a routine's body), EXECUTE, and LANGUAGE with its name; and
 * where a text of code is carried on. */
typedef struct {
    piece_t word; /* the last one */
    bool named;   /* the one before was LANGUAGE */
    bool coded;   /* it is a text of code */
} place_t;

static bool
place_is_code(const place_t *self, const piece_t *piece)
{
    return self->word.at
           && (self->named || (self->coded && piece->kind == PIECE_TEXT)
               || piece_is(&self->word, "DO") || piece_is(&self->word, "AS")
               || piece_is(&self->word, "EXECUTE"));
}

static void
place_pass(place_t *self, const piece_t *piece)
{
    if (piece->kind == PIECE_SPACE || piece->kind == PIECE_LINE || piece->kind == PIECE_BLOCK)
        return;
    self->coded = piece->kind == PIECE_TEXT && place_is_code(self, piece);
    self->named = self->word.at && piece_is(&self->word, "LANGUAGE");
    self->word = *piece;
}

/* A text. Code is looked into where what is in the quote is what it says. */
static void
put_text(filling_t *self, const piece_t *piece, bool is_code, bool carries_on)
{
    if (!is_code)
        put_quoted(self, piece);
    else if (piece->slashes || carries_on || self->depth >= CODE_DEEP)
        put(self, piece->at, piece->size);
    else
        put_coded(self, piece);
}

static void
put_piece(filling_t *self, const piece_t *piece, const place_t *place)
{
    bool is_code = place_is_code(place, piece);
    switch (piece->kind) {
    case PIECE_TEXT: put_text(self, piece, is_code, place->coded); break;
    case PIECE_NAME: put_quoted(self, piece); break;
    case PIECE_DOLLAR: put_dollar(self, piece, is_code); break;
    case PIECE_END:
    case PIECE_SPACE:
    case PIECE_LINE:
    case PIECE_BLOCK:
    case PIECE_WORD:
    case PIECE_NUMBER:
    case PIECE_SIGN: put(self, piece->at, piece->size); break;
    }
}

static char *
fill(const char *sql, const fill_values_t *values, int depth)
{
    filling_t filling = { .values = values, .depth = depth };
    sqlscan_t scan = { .at = sql };
    place_t place = { .named = false };
    const char *end = sql + strlen(sql);
    put(&filling, "", 0);
    for (;;) {
        bool escaped = scan.escaped;
        piece_t piece = sqlscan_next(&scan);
        if (piece.kind == PIECE_END)
            return filling.text;
        const char *value = NULL;
        size_t size = piece.kind == PIECE_SIGN
                          ? placeholder(&filling, piece.at, (size_t)(end - piece.at), &value)
                          : 0;
        if (size > 0) {
            put_bare(&filling, value, escaped);
            scan.at = piece.at + size;
        } else {
            put_piece(&filling, &piece, &place);
        }
        place_pass(&place, &piece);
    }
}

char *
fill_template(const char *sql, const fill_values_t *values)
{
    return fill(sql, values, 0);
}

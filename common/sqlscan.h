/* sqlscan.h - a SQL text as pieces: quoted, commented, or neither.
 *
 * The one place that knows where PostgreSQL's lexer lets a quote or a comment begin and end. What
 * reads SQL here walks over its pieces; laid side by side they are the whole text. A piece starts
 * in the very character behind the one before, and an operator is a piece for each of its
 * characters, since a comment may begin in the middle of one.
 *
 * The quirks that count: an identifier takes in the dollars that follow it, so that no dollar quote
 * begins there; $1 is a parameter; E and U& are part of the quote that touches them, and an E-text
 * that goes on after a line's end keeps its backslashes; comments nest; a line ends at CR or LF.
 * standard_conforming_strings is on. Pure, no memory, linear in the text; any thread.
 */
#ifndef COMMON_SQLSCAN_H
#define COMMON_SQLSCAN_H

#include <stdbool.h>

#include "common/mem.h"

typedef enum {
    PIECE_END, /* of the whole text; size 0 */
    PIECE_SPACE,
    PIECE_LINE,   /* -- comment, without the line's end */
    PIECE_BLOCK,  /* a block comment with those it holds */
    PIECE_WORD,   /* an identifier or key word */
    PIECE_NUMBER, /* digits, with their exponent; or $1 */
    PIECE_TEXT,   /* '...' and E'...' and U&'...'; other prefixes are words of their own */
    PIECE_NAME,   /* "..." and U&"..." */
    PIECE_DOLLAR, /* $tag$...$tag$ */
    PIECE_SIGN,   /* any other single byte */
} piece_kind_t;

typedef struct {
    piece_kind_t kind;
    const char *at; /* into the text */
    size_t size;    /* in bytes */
    size_t before;  /* quotes: bytes up to what they hold: 1 for '...', 2 for E'...' */
    size_t after;   /* quotes: bytes behind what they hold; 0 if it is open */
    bool is_open;   /* a quote or comment that the text's end cuts off */
    bool slashes;   /* quotes: a backslash means something in there */
    bool escapes;   /* quotes: it may hide a quote */
} piece_t;

/* Where a walk is. Start one with { .at = text }; `at` may be moved on between pieces. */
typedef struct {
    const char *at;
    bool escaped; /* the piece before, but for space and line comments, is an E-text */
    bool turned;  /* and a line has ended since: a quote that comes now carries it on */
} sqlscan_t;

/* The next piece. Points into the text. */
piece_t sqlscan_next(sqlscan_t *self);

/* The next piece that is neither space nor comment. */
piece_t sqlscan_token(sqlscan_t *self);

/* Is it this key word, in any case? `word` is in upper case. */
bool piece_is(const piece_t *self, const char *word);

/* Is it this single byte? */
bool piece_is_sign(const piece_t *self, char sign);

/* Does an identifier go on with this byte? */
bool sqlscan_in_word(char c);

#endif

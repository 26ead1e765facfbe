/* words.h - the first word of an SQL text, and the ones that a job may not begin with. Pure.
 *
 * A job is one transaction, which is ours to begin and end, on a session that others will use: what
 * controls transactions, turns the protocol into a copy stream, or listens, is refused before it is
 * sent. The server's lexer decides what is white space and what a comment; this follows it.
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_WORDS_H
#define EXECUTOR_DRIVERS_POSTGRES_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/mem.h"

enum { WORD_SIZE = 24 };

typedef enum {
    WORDS_FINE,
    WORDS_EMPTY,   /* nothing but white space, comments and semicolons */
    WORDS_REFUSED, /* `word` names what is refused, in upper case */
} words_verdict_t;

words_verdict_t words_judge(const char *sql, char word[WORD_SIZE]) MUST_USE;

#endif

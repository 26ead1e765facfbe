/* sqltext.h - a SQL text as statements: where each begins and ends, and what kind it is.
 *
 * The lexer knows what PostgreSQL's knows of where a text ends: single and double quotes, E-strings
 * with their backslashes, U& and national strings, dollar quotes with tags, line comments, block
 * comments that nest, and semicolons outside of all of them and outside of parentheses; and the
 * bodies of SQL-standard functions (BEGIN ATOMIC ... END), whose semicolons end nothing. It does
 * not parse: whatever it lets through the database judges. standard_conforming_strings is on.
 *
 * Every statement goes out in a protocol message of its own. What a statement may not do is told by
 * its first words: transaction control (a job's step is a transaction already), COPY FROM STDIN,
 * LISTEN. A text that opens with BEGIN (or START TRANSACTION) and closes with COMMIT (or END) is
 * read as the statements in between, none of which is STATEMENT_ALONE: the text asks for a block. A
 * BEGIN with options is refused; SET TRANSACTION says the same.
 *
 * A comment belongs to the statement in whose stretch it stands, so that hints and tags in comments
 * reach the database; white space around is cut off. A parenthesis or a body that never ends takes
 * in the rest, which is then one statement, and the database refuses it.
 *
 * Pure; memory is proportional to the number of statements; no recursion. Any thread.
 */
#ifndef COMMON_SQLTEXT_H
#define COMMON_SQLTEXT_H

#include <stdint.h>

#include "common/err.h"
#include "common/mem.h"

enum { STATEMENTS_MOST = 1000 };

typedef enum {
    STATEMENT_PLAIN,
    STATEMENT_ALONE,    /* refuses a transaction block: VACUUM, CREATE INDEX CONCURRENTLY ... */
    STATEMENT_COPY_OUT, /* COPY ... TO STDOUT */
} statement_kind_t;

typedef struct {
    char *sql;       /* its text, without the semicolon; owned by the list */
    uint32_t offset; /* in characters (not bytes), where it begins in the whole text */
    statement_kind_t kind;
    char word[32]; /* how errors name it: its first words in upper case, "CREATE INDEX"; or "" */
} statement_t;

typedef struct statements {
    uint32_t count;
    statement_t *list;
} statements_t;

/* Split a text. Empty statements are left out. Fails with ERR_INVALID, naming what is wrong: no
 * statement at all, more than STATEMENTS_MOST, a quote or comment that does not end, a refused
 * statement. Caller owns the result. */
statements_t *statements_split(const char *sql, err_t *err) MUST_USE;
void statements_destroy(statements_t **self_p);

typedef struct texts {
    uint32_t count;
    char **list; /* owned, and so are the texts */
} texts_t;

/* A text that begins and ends transactions by itself, as a client of the database may send it, as
 * the texts of each: what stands from a BEGIN to its COMMIT, and what stands in front of, between
 * and behind such blocks. One without any is one text, and so is one that cannot be cut: whoever
 * splits it says why. Caller owns the result. */
texts_t *texts_cut(const char *sql) MUST_USE;
void texts_destroy(texts_t **self_p);

#endif

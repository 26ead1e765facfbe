/* sqlkind.c - a statement's kind.
 *
 * The database's own list of what refuses a transaction block is spread over its code; this is it,
 * as of release 15. Where it depends on what a name stands for (a partitioned table, a subscription
 * with a slot) the words alone decide here.
 */
#include "common/sqlkind.h"

#include <string.h>

#include "common/sqlscan.h"

enum { WORD_ROOM = sizeof(((statement_t *)NULL)->word) };

/* A walk over a statement's tokens; `token` is where it stands. */
typedef struct {
    sqlscan_t scan;
    piece_t token;
    uint32_t depth; /* of parentheses around token */
} walk_t;

static bool
advance(walk_t *self)
{
    if (piece_is_sign(&self->token, '('))
        self->depth++;
    self->token = sqlscan_token(&self->scan);
    if (piece_is_sign(&self->token, ')') && self->depth > 0)
        self->depth--;
    return self->token.kind != PIECE_END;
}

static walk_t
walk_from(const char *sql)
{
    walk_t walk = { .scan = { .at = sql } };
    advance(&walk);
    return walk;
}

static bool
at_word(const walk_t *self, const char *word)
{
    return piece_is(&self->token, word);
}

static bool
at_end(const walk_t *self)
{
    return self->token.kind == PIECE_END;
}

/* Is it one of these? The list ends with NULL. */
static bool
at_any(const walk_t *self, const char *const *words)
{
    for (; *words; words++)
        if (at_word(self, *words))
            return true;
    return false;
}

/* Past `word`, if it is here. */
static bool
met(walk_t *self, const char *word)
{
    bool is = at_word(self, word);
    if (is)
        advance(self);
    return is;
}

static bool
met_any(walk_t *self, const char *const *words)
{
    bool is = at_any(self, words);
    if (is)
        advance(self);
    return is;
}

static bool
met_sign(walk_t *self, char sign)
{
    bool is = piece_is_sign(&self->token, sign);
    if (is)
        advance(self);
    return is;
}

/* Past a name with its dots. */
static void
skip_name(walk_t *self)
{
    advance(self);
    while (met_sign(self, '.'))
        advance(self);
}

/* Past a parenthesis, if one opens here. */
static void
skip_parens(walk_t *self)
{
    if (!piece_is_sign(&self->token, '('))
        return;
    uint32_t depth = self->depth;
    do
        advance(self);
    while (!at_end(self) && !(piece_is_sign(&self->token, ')') && self->depth == depth));
    advance(self);
}

/* Is the value of an option, which stands here if there is one, a yes? */
static bool
says_yes(walk_t *self)
{
    static const char *const noes[] = { "false", "'false'", "\"false\"", "off",
                                        "'off'", "\"off\"", "0",         "'0'" };
    met_sign(self, '=');
    for (size_t i = 0; i < sizeof noes / sizeof noes[0]; i++)
        if (strlen(noes[i]) == self->token.size
            && strncasecmp(noes[i], self->token.at, self->token.size) == 0)
            return false;
    return true;
}

/* What the list of options that opens here says of `option`; if nothing: `otherwise`. */
static bool
option_is_on(walk_t walk, const char *option, bool otherwise)
{
    bool on = otherwise;
    bool first = true;
    if (!piece_is_sign(&walk.token, '('))
        return on;
    uint32_t depth = walk.depth;
    while (advance(&walk) && !(piece_is_sign(&walk.token, ')') && walk.depth == depth)) {
        bool begins = first;
        first = piece_is_sign(&walk.token, ',');
        walk_t value = walk;
        if (begins && met(&value, option))
            on = says_yes(&value);
    }
    return on;
}

/* The last parenthesis of the statement opens here, or it has ended. */
static walk_t
options_of(walk_t walk)
{
    while (!at_end(&walk) && !(met(&walk, "WITH") && piece_is_sign(&walk.token, '(')))
        advance(&walk);
    return walk;
}

/* Behind CREATE. */
static bool
create_is_alone(walk_t walk)
{
    static const char *const places[] = { "DATABASE", "TABLESPACE", NULL };
    if (at_any(&walk, places))
        return true;
    if (met(&walk, "SUBSCRIPTION")) {
        walk_t options = options_of(walk);
        return option_is_on(options, "CREATE_SLOT", option_is_on(options, "CONNECT", true));
    }
    met(&walk, "UNIQUE");
    return met(&walk, "INDEX") && at_word(&walk, "CONCURRENTLY");
}

/* Behind DROP. */
static bool
drop_is_alone(walk_t walk)
{
    static const char *const whole[] = { "DATABASE", "TABLESPACE", "SUBSCRIPTION", NULL };
    return at_any(&walk, whole) || (met(&walk, "INDEX") && at_word(&walk, "CONCURRENTLY"));
}

/* Behind ALTER TABLE: ... DETACH PARTITION name CONCURRENTLY. */
static bool
detach_is_alone(walk_t walk)
{
    while (!at_end(&walk)) {
        if (!met(&walk, "DETACH")) {
            advance(&walk);
        } else if (met(&walk, "PARTITION")) {
            skip_name(&walk);
            if (at_word(&walk, "CONCURRENTLY"))
                return true;
        }
    }
    return false;
}

/* Behind ALTER SUBSCRIPTION: what reads the other side's publications again. */
static bool
subscription_is_alone(walk_t walk)
{
    static const char *const changes[] = { "SET", "ADD", "DROP", NULL };
    skip_name(&walk);
    if (at_word(&walk, "REFRESH"))
        return true;
    return met_any(&walk, changes) && met(&walk, "PUBLICATION")
           && option_is_on(options_of(walk), "REFRESH", true);
}

/* Behind ALTER. */
static bool
alter_is_alone(walk_t walk)
{
    static const char *const before[] = { "SET", "WITH", NULL };
    if (at_word(&walk, "SYSTEM"))
        return true;
    if (met(&walk, "TABLE"))
        return detach_is_alone(walk);
    if (met(&walk, "SUBSCRIPTION"))
        return subscription_is_alone(walk);
    if (!met(&walk, "DATABASE"))
        return false;
    skip_name(&walk);
    met_any(&walk, before);
    return at_word(&walk, "TABLESPACE");
}

/* Behind REINDEX. */
static bool
reindex_is_alone(walk_t walk)
{
    static const char *const many[] = { "DATABASE", "SYSTEM", "SCHEMA", NULL };
    if (option_is_on(walk, "CONCURRENTLY", false))
        return true;
    skip_parens(&walk);
    if (at_any(&walk, many))
        return true;
    advance(&walk);
    return at_word(&walk, "CONCURRENTLY");
}

/* Behind CLUSTER: without a table. */
static bool
cluster_is_alone(walk_t walk)
{
    skip_parens(&walk);
    met(&walk, "VERBOSE");
    return at_end(&walk);
}

static bool
is_alone(walk_t walk)
{
    if (met(&walk, "VACUUM"))
        return true;
    if (met(&walk, "CREATE"))
        return create_is_alone(walk);
    if (met(&walk, "DROP"))
        return drop_is_alone(walk);
    if (met(&walk, "ALTER"))
        return alter_is_alone(walk);
    if (met(&walk, "REINDEX"))
        return reindex_is_alone(walk);
    return met(&walk, "CLUSTER") && cluster_is_alone(walk);
}

/* Behind COPY. The grammar takes STDIN and STDOUT for one another. */
static sql_verdict_t
judge_copy(walk_t walk, statement_kind_t *kind)
{
    static const char *const streams[] = { "STDIN", "STDOUT", NULL };
    static const char *const ways[] = { "FROM", "TO", NULL };
    skip_parens(&walk);
    while (!at_end(&walk) && !at_any(&walk, ways)) {
        met_sign(&walk, '.');
        advance(&walk);
    }
    bool in = at_word(&walk, "FROM");
    advance(&walk);
    if (!at_any(&walk, streams))
        return VERDICT_FINE;
    if (in)
        return VERDICT_COPY_IN;
    *kind = STATEMENT_COPY_OUT;
    return VERDICT_FINE;
}

/* COMMIT and END, which may carry words that change nothing. */
static sql_verdict_t
judge_close(walk_t walk)
{
    static const char *const filler[] = { "WORK", "TRANSACTION", NULL };
    met_any(&walk, filler);
    if (met(&walk, "AND") && !(met(&walk, "NO") && met(&walk, "CHAIN")))
        return VERDICT_CONTROL;
    return at_end(&walk) ? VERDICT_CLOSES : VERDICT_CONTROL;
}

static sql_verdict_t
judge_control(walk_t walk)
{
    static const char *const filler[] = { "WORK", "TRANSACTION", NULL };
    static const char *const close[] = { "COMMIT", "END", NULL };
    static const char *const other[] = { "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", NULL };
    static const char *const listen[] = { "LISTEN", "UNLISTEN", NULL };
    if (met_any(&walk, close))
        return judge_close(walk);
    if (at_any(&walk, other))
        return VERDICT_CONTROL;
    if (at_any(&walk, listen))
        return VERDICT_LISTENS;
    if (met(&walk, "PREPARE"))
        return at_word(&walk, "TRANSACTION") ? VERDICT_CONTROL : VERDICT_FINE;
    if (met(&walk, "START")) {
        if (!met(&walk, "TRANSACTION"))
            return VERDICT_CONTROL;
    } else if (met(&walk, "BEGIN")) {
        met_any(&walk, filler);
    } else {
        return VERDICT_FINE;
    }
    return at_end(&walk) ? VERDICT_OPENS : VERDICT_OPTIONS;
}

/* `token` in upper case behind what `word` holds, as far as there is room for all of it. */
static void
add_word(char *word, const piece_t *token)
{
    size_t size = strlen(word);
    size_t gap = size > 0 ? 1 : 0;
    if (token->kind != PIECE_WORD || (gap > 0 && size + gap + token->size >= WORD_ROOM))
        return;
    if (gap > 0)
        word[size] = ' ';
    char *to = word + size + gap;
    size_t fits = mem_whole(token->at, token->size < WORD_ROOM ? token->size : WORD_ROOM - 1);
    for (size_t i = 0; i < fits; i++) {
        char c = token->at[i];
        to[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    to[fits] = '\0';
}

static void
name_statement(walk_t walk, char *word)
{
    static const char *const paired[] = { "CREATE", "ALTER", "DROP", "START", "REFRESH", NULL };
    static const char *const passed[] = { "OR",        "REPLACE",   "UNIQUE",     "TEMP",
                                          "LOCAL",     "TEMPORARY", "GLOBAL",     "UNLOGGED",
                                          "RECURSIVE", "TRUSTED",   "PROCEDURAL", NULL };
    static const char *const tripled[] = { "MATERIALIZED", "FOREIGN", "EVENT", "ACCESS",
                                           "TEXT",         "DEFAULT", NULL };
    static const char *const second[] = { "TRANSACTION", "PREPARED", NULL };

    word[0] = '\0';
    while (met_sign(&walk, '('))
        continue;
    add_word(word, &walk.token);
    bool pair = at_any(&walk, paired);
    advance(&walk);
    if (!pair) {
        if (at_any(&walk, second))
            add_word(word, &walk.token);
        return;
    }
    while (met_any(&walk, passed))
        continue;
    bool triple = at_any(&walk, tripled);
    add_word(word, &walk.token);
    advance(&walk);
    if (triple)
        add_word(word, &walk.token);
}

sql_verdict_t
sqlkind_judge(const char *sql, statement_kind_t *kind, char word[WORD_ROOM])
{
    walk_t walk = walk_from(sql);
    *kind = STATEMENT_PLAIN;
    name_statement(walk, word);
    sql_verdict_t verdict = judge_control(walk);
    if (verdict != VERDICT_FINE)
        return verdict;
    if (met(&walk, "COPY"))
        return judge_copy(walk, kind);
    if (is_alone(walk))
        *kind = STATEMENT_ALONE;
    return VERDICT_FINE;
}

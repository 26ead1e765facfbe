/* sqltext.c - statements. */
#include "common/sqltext.h"

#include <stdlib.h>
#include <string.h>

#include "common/sqlkind.h"
#include "common/sqlscan.h"

/* A statement's head as far as it is that of a routine, whose body may hold semicolons. */
typedef enum { HEAD_START, HEAD_CREATE, HEAD_OR, HEAD_REPLACE, HEAD_ROUTINE, HEAD_OTHER } head_t;

/* What the token before was, as far as a body's begin and end depend on it. */
typedef enum { BEFORE_OTHER, BEFORE_BEGIN, BEFORE_STOP } before_t;

typedef struct {
    sqlscan_t scan;
    const char *begin; /* of the statement's first piece that is not space; NULL: none yet */
    const char *end;   /* behind its last such piece */
    bool is_empty;     /* no token yet: comments at most */
    uint32_t depth;    /* of parentheses */
    head_t head;
    before_t before;
    bool in_body; /* between BEGIN ATOMIC and its END */
} cutter_t;

/* Room for the most, between BEGIN and COMMIT. */
enum { STATEMENTS_ROOM = STATEMENTS_MOST + 2 };

typedef struct {
    statements_t *made;
    uint32_t room;
    sql_verdict_t verdicts[STATEMENTS_ROOM]; /* of those made */
    const char *counted;                     /* up to here, */
    uint32_t characters;                     /* these many */
} split_t;

void
statements_destroy(statements_t **self_p)
{
    statements_t *self = take(*self_p);
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        free(self->list[i].sql);
    free(self->list);
    free(self);
}

static head_t
head_next(head_t head, const piece_t *token)
{
    bool routine = piece_is(token, "FUNCTION") || piece_is(token, "PROCEDURE");
    switch (head) {
    case HEAD_START: return piece_is(token, "CREATE") ? HEAD_CREATE : HEAD_OTHER;
    case HEAD_CREATE:
        if (routine)
            return HEAD_ROUTINE;
        return piece_is(token, "OR") ? HEAD_OR : HEAD_OTHER;
    case HEAD_OR: return piece_is(token, "REPLACE") ? HEAD_REPLACE : HEAD_OTHER;
    case HEAD_REPLACE: return routine ? HEAD_ROUTINE : HEAD_OTHER;
    case HEAD_ROUTINE:
    case HEAD_OTHER: return head;
    }
    return HEAD_OTHER;
}

/* A body is over with the END that stands where a statement of it would begin: any other belongs to
 * a CASE, or is a name. */
static void
follow_body(cutter_t *self, const piece_t *token)
{
    before_t before = self->before;
    self->before = BEFORE_OTHER;
    if (self->head != HEAD_ROUTINE || self->depth > 0)
        return;
    if (self->in_body) {
        if (before == BEFORE_STOP && piece_is(token, "END"))
            self->in_body = false;
        else if (piece_is_sign(token, ';'))
            self->before = BEFORE_STOP;
    } else if (piece_is(token, "BEGIN")) {
        self->before = BEFORE_BEGIN;
    } else if (before == BEFORE_BEGIN && piece_is(token, "ATOMIC")) {
        self->in_body = true;
        self->before = BEFORE_STOP;
    }
}

static void
follow(cutter_t *self, const piece_t *token)
{
    self->is_empty = false;
    self->head = head_next(self->head, token);
    if (piece_is_sign(token, '('))
        self->depth++;
    else if (piece_is_sign(token, ')') && self->depth > 0)
        self->depth--;
    follow_body(self, token);
}

/* How the thing that does not end is called; NULL: the piece is whole. */
static const char *
open_word(const piece_t *piece)
{
    if (!piece->is_open)
        return NULL;
    switch (piece->kind) {
    case PIECE_TEXT: return "quoted text";
    case PIECE_NAME: return "quoted name";
    case PIECE_DOLLAR: return "dollar-quoted text";
    case PIECE_BLOCK: return "comment";
    case PIECE_END:
    case PIECE_SPACE:
    case PIECE_LINE:
    case PIECE_WORD:
    case PIECE_NUMBER:
    case PIECE_SIGN: return NULL;
    }
    return NULL;
}

/* How many characters are before `at`, which is not before the last one asked for. */
static uint32_t
offset_of(split_t *self, const char *at)
{
    for (; self->counted < at; self->counted++)
        if ((*self->counted & 0xc0) != 0x80)
            self->characters++;
    return self->characters;
}

/* Walk to the next semicolon that ends a statement, or the text's end. *more: there was one. */
static bool
cut(cutter_t *self, split_t *split, bool *more, err_t *err)
{
    sqlscan_t scan = self->scan;
    *self = (cutter_t){ .scan = scan, .is_empty = true };
    for (;;) {
        piece_t piece = sqlscan_next(&self->scan);
        const char *open = open_word(&piece);
        if (open)
            return err_set(err, ERR_INVALID, "the %s that begins at character %u does not end",
                           open, offset_of(split, piece.at) + 1);
        *more = piece.kind != PIECE_END;
        if (!*more || (piece_is_sign(&piece, ';') && self->depth == 0 && !self->in_body))
            return true;
        if (piece.kind == PIECE_SPACE)
            continue;
        if (!self->begin)
            self->begin = piece.at;
        self->end = piece.at + piece.size;
        if (piece.kind != PIECE_LINE && piece.kind != PIECE_BLOCK)
            follow(self, &piece);
    }
}

/* Say why the statement at hand is refused. */
static bool
refuse(const statement_t *statement, sql_verdict_t verdict, err_t *err)
{
    const char *why = "";
    const char *name = verdict == VERDICT_COPY_IN ? "COPY FROM STDIN" : statement->word;
    switch (verdict) {
    case VERDICT_FINE: return true;
    case VERDICT_OPENS: why = "it may only open a text that COMMIT or END closes"; break;
    case VERDICT_OPTIONS:
        why = "it may have no options here; SET TRANSACTION, as the first statement, has the same";
        break;
    case VERDICT_CLOSES: why = "it may only close a text that BEGIN opens"; break;
    case VERDICT_CONTROL:
        why = "each step is one transaction, begun and ended by the service";
        break;
    case VERDICT_COPY_IN: why = "a job has no input to copy from"; break;
    case VERDICT_LISTENS: why = "a job's session does not stay to hear"; break;
    }
    (void)err_set(err, ERR_INVALID, "%s at character %u is refused: %s", name,
                  statement->offset + 1, why);
    memcpy(err->sqlstate, "0A000", sizeof err->sqlstate);
    return false;
}

static bool
too_many(err_t *err)
{
    return err_set(err, ERR_INVALID, "the text has more than %d statements", STATEMENTS_MOST);
}

/* Put what was cut into the list. */
static bool
add(split_t *self, const cutter_t *cutter, err_t *err)
{
    statements_t *made = self->made;
    if (made->count == STATEMENTS_ROOM)
        return too_many(err);
    if (made->count == self->room) {
        self->room = self->room * 2 + 4;
        made->list = mem_grow(made->list, self->room * sizeof *made->list);
    }
    statement_t *statement = &made->list[made->count];
    *statement = (statement_t){ .offset = offset_of(self, cutter->begin) };
    statement->sql = mem_copy(cutter->begin, (size_t)(cutter->end - cutter->begin));
    self->verdicts[made->count++] =
        sqlkind_judge(statement->sql, &statement->kind, statement->word);
    return true;
}

static bool
cut_all(split_t *self, const char *sql, err_t *err)
{
    cutter_t cutter = { .scan = { .at = sql } };
    bool more = true;
    while (more) {
        if (!cut(&cutter, self, &more, err))
            return false;
        if (!cutter.is_empty && !add(self, &cutter, err))
            return false;
    }
    return true;
}

/* BEGIN; ...; COMMIT becomes what is in between. What refuses a transaction block is no longer
 * alone then: the block was asked for, and the database may refuse it. */
static void
unwrap(split_t *self)
{
    statements_t *made = self->made;
    if (made->count < 2 || self->verdicts[0] != VERDICT_OPENS
        || self->verdicts[made->count - 1] != VERDICT_CLOSES)
        return;
    free(made->list[0].sql);
    free(made->list[made->count - 1].sql);
    made->count -= 2;
    memmove(made->list, made->list + 1, made->count * sizeof *made->list);
    memmove(self->verdicts, self->verdicts + 1, made->count * sizeof *self->verdicts);
    for (uint32_t i = 0; i < made->count; i++)
        if (made->list[i].kind == STATEMENT_ALONE)
            made->list[i].kind = STATEMENT_PLAIN;
}

static bool
check_all(const split_t *self, err_t *err)
{
    const statements_t *made = self->made;
    for (uint32_t i = 0; i < made->count; i++)
        if (!refuse(&made->list[i], self->verdicts[i], err))
            return false;
    if (made->count > STATEMENTS_MOST)
        return too_many(err);
    return made->count > 0 || err_set(err, ERR_INVALID, "the text has no statement");
}

statements_t *
statements_split(const char *sql, err_t *err)
{
    own(statements) made = mem_new(sizeof *made);
    split_t split = { .made = made, .counted = sql };
    if (!cut_all(&split, sql, err))
        return NULL;
    unwrap(&split);
    return check_all(&split, err) ? take(made) : NULL;
}

/* --- several transactions --- */

void
texts_destroy(texts_t **self_p)
{
    texts_t *self = take(*self_p);
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        free(self->list[i]);
    free(self->list);
    free(self);
}

static void
texts_add(texts_t *self, char *text)
{
    self->list = mem_grow(self->list, (self->count + 1) * sizeof *self->list);
    self->list[self->count++] = text;
}

/* Some statements as one text: each on lines of its own, so that no comment reaches the next.
 * Caller owns the result. */
static char *
text_of(const statement_t *statements, uint32_t count)
{
    static const char between[] = "\n;\n";
    size_t size = 1;
    for (uint32_t i = 0; i < count; i++)
        size += strlen(statements[i].sql) + sizeof between;
    char *text = mem_new(size);
    char *end = text;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            end = stpcpy(end, between);
        end = stpcpy(end, statements[i].sql);
    }
    return text;
}

/* Where the block, or the run of statements outside of blocks, that begins at `from` ends. */
static uint32_t
block_end(const split_t *split, uint32_t from)
{
    uint32_t count = split->made->count;
    bool opens = split->verdicts[from] == VERDICT_OPENS;
    uint32_t to = from + 1;
    while (to < count && split->verdicts[to] != (opens ? VERDICT_CLOSES : VERDICT_OPENS))
        to++;
    return opens && to < count ? to + 1 : to;
}

texts_t *
texts_cut(const char *sql)
{
    err_t err;
    texts_t *texts = mem_new(sizeof *texts);
    own(statements) made = mem_new(sizeof *made);
    split_t split = { .made = made, .counted = sql };
    bool whole =
        !cut_all(&split, sql, &err) || made->count == 0 || block_end(&split, 0) == made->count;
    if (whole) {
        texts_add(texts, mem_text(sql));
        return texts;
    }
    for (uint32_t from = 0, to = 0; from < made->count; from = to) {
        to = block_end(&split, from);
        texts_add(texts, text_of(made->list + from, to - from));
    }
    return texts;
}

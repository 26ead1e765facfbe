/* bind.c - placeholders. One walk over the pieces of a statement serves to bind it, and to find a
 * place again. */
#include "common/bind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sink.h"
#include "common/sqlscan.h"

enum { NUMBER_SIZE = 16, SHOWN_MOST = 63 };

/* A piece of the statement: itself, or a placeholder. */
typedef struct {
    const char *at;
    size_t size;
    bool is_placeholder;
    int32_t param;              /* its index; -1: it has no value */
    const char *name;           /* how errors name it: what stands behind the sign */
    char in_place[NUMBER_SIZE]; /* what is sent for it */
} stretch_t;

typedef struct {
    sqlscan_t scan;
    const params_t *params;
    uint32_t count;                /* of parameters that were seen, */
    uint16_t numbers[PARAMS_MOST]; /* and which number each has; 0: not seen */
    char last;                     /* byte of what is sent */
} walk_t;

static uint64_t
number_of(const char *digits, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number < PARAMS_MOST * 10 ? number * 10 + (uint64_t)(digits[i] - '0') : number;
    return number;
}

/* The word that touches a sign which was just read; false: none does, and nothing is read. */
static bool
take_name(walk_t *self, piece_t *name)
{
    sqlscan_t ahead = self->scan;
    *name = sqlscan_next(&ahead);
    if (name->kind != PIECE_WORD)
        return false;
    self->scan = ahead;
    return true;
}

/* A colon: half of a cast, a placeholder, or just that. */
static void
take_colon(walk_t *self, stretch_t *stretch)
{
    if (*self->scan.at == ':') {
        stretch->size += sqlscan_next(&self->scan).size;
        return;
    }
    sqlscan_t back = self->scan;
    piece_t name;
    if (!take_name(self, &name))
        return;
    stretch->param = params_named(self->params, name.at, name.size);
    stretch->is_placeholder = stretch->param >= 0;
    if (stretch->is_placeholder)
        stretch->size += name.size;
    else
        self->scan = back;
}

static void
take_dollar(walk_t *self, stretch_t *stretch)
{
    piece_t name;
    stretch->is_placeholder = take_name(self, &name);
    if (!stretch->is_placeholder)
        return;
    stretch->size += name.size;
    stretch->param = params_named(self->params, name.at, name.size);
}

/* What is sent for a placeholder, with a space before it where it would run into what is there. */
static void
give_number(walk_t *self, stretch_t *stretch)
{
    uint16_t *number = &self->numbers[stretch->param];
    if (*number == 0)
        *number = (uint16_t)++self->count;
    snprintf(stretch->in_place, sizeof stretch->in_place, "%s$%u",
             sqlscan_in_word(self->last) ? " " : "", *number);
    self->last = '1'; /* a digit */
}

/* False at the end. */
static bool
walk_next(walk_t *self, stretch_t *stretch)
{
    piece_t piece = sqlscan_next(&self->scan);
    *stretch = (stretch_t){ .at = piece.at, .size = piece.size, .param = -1 };
    if (piece.kind == PIECE_END)
        return false;
    stretch->name = piece.at + 1;
    if (piece_is_sign(&piece, ':')) {
        take_colon(self, stretch);
    } else if (piece_is_sign(&piece, '$')) {
        take_dollar(self, stretch);
    } else if (piece.kind == PIECE_NUMBER && *piece.at == '$') {
        stretch->is_placeholder = true;
        stretch->param = params_numbered(self->params, number_of(piece.at + 1, piece.size - 1));
    }
    if (stretch->param >= 0)
        give_number(self, stretch);
    else
        self->last = stretch->at[stretch->size - 1];
    return true;
}

static uint32_t
characters(const char *at, size_t size)
{
    uint32_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((uint8_t)at[i] & 0xc0) != 0x80;
    return count;
}

/* --- binding --- */

static bool
no_value(const stretch_t *stretch, err_t *err)
{
    bool numbered = stretch->name[0] >= '0' && stretch->name[0] <= '9';
    size_t size = stretch->size - 1;
    if (size > SHOWN_MOST)
        size = mem_whole(stretch->name, SHOWN_MOST);
    (void)err_set(err, ERR_INVALID,
                  numbered ? "parameter %.*s has no value" : "parameter '%.*s' has no value",
                  (int)size, stretch->name);
    memcpy(err->sqlstate, "42P02", sizeof err->sqlstate);
    return false;
}

static void
keep(bind_t *self, const walk_t *walk, sink_t *sent)
{
    if (walk->count == 0) {
        free(sent->data);
        return;
    }
    (void)sink_write(sent, "", 1);
    self->sql = (char *)sent->data;
    self->count = walk->count;
    self->takes = mem_array(walk->count, sizeof *self->takes);
    for (uint32_t i = 0; i < walk->params->count; i++) {
        if (walk->numbers[i] > 0)
            self->takes[walk->numbers[i] - 1] = (uint16_t)i;
    }
}

static bool
bind(bind_t *self, const char *sql, const params_t *params, uint32_t *position, err_t *err)
{
    walk_t walk = { .scan = { .at = sql }, .params = params };
    sink_t sent = { 0 };
    stretch_t stretch;
    while (walk_next(&walk, &stretch)) {
        if (stretch.is_placeholder && stretch.param < 0) {
            free(sent.data);
            *position = characters(sql, (size_t)(stretch.at - sql)) + 1;
            return no_value(&stretch, err);
        }
        if (stretch.is_placeholder)
            (void)sink_write(&sent, stretch.in_place, strlen(stretch.in_place));
        else
            (void)sink_write(&sent, stretch.at, stretch.size);
    }
    keep(self, &walk, &sent);
    return true;
}

/* How many bytes of values a statement adds; the first use of each is free. */
static size_t
carried(const bind_t *self, const params_t *params, bool seen[PARAMS_MOST])
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        if (seen[self->takes[i]])
            bytes += params->list[self->takes[i]].size;
        seen[self->takes[i]] = true;
    }
    return bytes;
}

static bool
too_much(err_t *err)
{
    (void)err_set(
        err, ERR_INVALID,
        "the statements of this text take the same parameters too often: their values may "
        "come to %d MiB more than each value once",
        BINDS_BYTES_MOST >> 20);
    memcpy(err->sqlstate, "54000", sizeof err->sqlstate);
    return false;
}

static bool
bind_all(binds_t *self, const statements_t *statements, int32_t *position, err_t *err)
{
    bool seen[PARAMS_MOST] = { false };
    size_t bytes = 0;
    for (uint32_t i = 0; i < statements->count; i++) {
        const statement_t *statement = &statements->list[i];
        uint32_t within = 0;
        if (!bind(&self->list[i], statement->sql, self->params, &within, err)) {
            *position = (int32_t)(statement->offset + within);
            return false;
        }
        bytes += carried(&self->list[i], self->params, seen);
        if (bytes > BINDS_BYTES_MOST)
            return too_much(err);
    }
    return true;
}

binds_t *
binds_make(const statements_t *statements, const params_t *params, int32_t *position, err_t *err)
{
    own(binds) self = mem_new(sizeof *self);
    self->params = params;
    self->count = statements->count;
    self->list = mem_array(statements->count, sizeof *self->list);
    *position = 0;
    return bind_all(self, statements, position, err) ? take(self) : NULL;
}

void
binds_destroy(binds_t **self_p)
{
    binds_t *self = take(*self_p);
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++) {
        free(self->list[i].sql);
        free(self->list[i].takes);
    }
    free(self->list);
    free(self);
}

/* --- finding a place again --- */

place_t
bind_locate(const char *sql, const params_t *params, uint32_t position)
{
    walk_t walk = { .scan = { .at = sql }, .params = params };
    uint32_t here = 1;  /* the character at hand, as written, */
    uint32_t there = 1; /* and in what was sent */
    stretch_t stretch;
    while (walk_next(&walk, &stretch)) {
        uint32_t written = characters(stretch.at, stretch.size);
        uint32_t sent = stretch.is_placeholder ? (uint32_t)strlen(stretch.in_place) : written;
        if (position < there + sent) {
            if (stretch.is_placeholder)
                return (place_t){ .position = here, .written = stretch.at, .size = stretch.size };
            break;
        }
        here += written;
        there += sent;
    }
    return (place_t){ .position = position > there ? here + (position - there) : here };
}

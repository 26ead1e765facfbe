/* blame.c - which place of the text, and which parameter, a source's error is about. The source
 * knows what was sent; the user, what he wrote (bind.h). */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor/drivers/postgres/cells.h"
#include "executor/drivers/postgres/channel.h"

enum { NAME_ROOM = PARAM_NAME_MOST + 16 };

/* The statement whose answer this is, and what it was sent with. */
typedef struct {
    const statement_t *statement;
    const params_t *params;
    const bind_t *bind; /* NULL: it takes no parameters */
} sent_t;

static sent_t
sent_of(const channel_t *self)
{
    const binds_t *binds = self->script.binds;
    sent_t sent = { .statement = &self->script.statements->list[self->ordinal] };
    if (binds && binds->list[self->ordinal].sql) {
        sent.params = binds->params;
        sent.bind = &binds->list[self->ordinal];
    }
    return sent;
}

/* --- places --- */

static place_t
find_place(const sent_t *sent, const char *position)
{
    int64_t at = 0;
    if (!position || !cells_int(position, strlen(position), &at) || at < 1 || at > UINT32_MAX)
        return (place_t){ .position = 0 };
    if (!sent->bind)
        return (place_t){ .position = (uint32_t)at };
    return bind_locate(sent->statement->sql, sent->params, (uint32_t)at);
}

static int32_t
whole_position(const sent_t *sent, const place_t *place)
{
    uint64_t at = (uint64_t)place->position + sent->statement->offset;
    return place->position > 0 && at < INT32_MAX ? (int32_t)at : 0;
}

/* --- parameters --- */

/* The parameter that $N at `at` stands for; NULL: it is none. *size: of $N. */
static const param_t *
param_at(const sent_t *sent, const char *at, size_t *size)
{
    uint64_t number = 0;
    size_t digits = strspn(at + 1, "0123456789");
    for (size_t i = 1; i <= digits && number <= PARAMS_MOST; i++)
        number = number * 10 + (uint64_t)(at[i] - '0');
    *size = 1 + digits;
    if (*at != '$' || number < 1 || number > sent->bind->count)
        return NULL;
    return &sent->params->list[sent->bind->takes[number - 1]];
}

/* 'id' or 3. */
static void
put_name(const sent_t *sent, const param_t *param, char name[NAME_ROOM])
{
    if (param->name)
        snprintf(name, NAME_ROOM, "'%s'", param->name);
    else
        snprintf(name, NAME_ROOM, "%u", (unsigned)(param - sent->params->list) + 1);
}

/* The source could not read a value: which one stands in the error's context, behind what the
 * reading of the value itself may have put there. */
static const param_t *
unread_param(const sent_t *sent, const char *context)
{
    static const char line[] = "unnamed portal parameter $";
    const param_t *found = NULL;
    for (const char *at = context; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        size_t size = 0;
        if (strncmp(at, line, sizeof line - 1) == 0)
            found = param_at(sent, at + sizeof line - 2, &size);
    }
    return found;
}

/* Put `text` in the place of the `size` bytes at `at`, in the message. */
static void
replace(failure_t *failure, const char *at, size_t size, const char *text)
{
    own(mem) whole =
        mem_format("%.*s%s%s", (int)(at - failure->message), failure->message, text, at + size);
    free(failure->message);
    failure->message = failure_text(whole);
}

/* The message says $1 and means a parameter. */
static void
name_number(const sent_t *sent, failure_t *failure)
{
    for (const char *at = strchr(failure->message, '$'); at; at = strchr(at + 1, '$')) {
        size_t size = 0;
        char name[NAME_ROOM];
        const param_t *param = param_at(sent, at, &size);
        if (!param)
            continue;
        put_name(sent, param, name);
        replace(failure, param->name ? at : at + 1, param->name ? size : size - 1, name);
        return;
    }
}

/* The message quotes $1, which stands where the error is. */
static void
show_written(const sent_t *sent, const place_t *place, failure_t *failure)
{
    const char *at = strstr(failure->message, "\"$");
    size_t size = 0;
    if (!at || !param_at(sent, at + 1, &size))
        return;
    own(mem) written = mem_copy(place->written, place->size);
    replace(failure, at + 1, size, written);
}

/* --- both --- */

static bool
is_state(const failure_t *failure, const char *sqlstate)
{
    return strcmp(failure->sqlstate, sqlstate) == 0;
}

static void
name_param(const sent_t *sent, const place_t *place, const char *context, failure_t *failure)
{
    const param_t *unread = unread_param(sent, context);
    if (unread) {
        char name[NAME_ROOM];
        put_name(sent, unread, name);
        own(mem) whole = mem_format("parameter %s: %s", name, failure->message);
        free(failure->message);
        failure->message = failure_text(whole);
    } else if (is_state(failure, "42P18") || is_state(failure, "42P08")) {
        name_number(sent, failure);
    } else if (is_state(failure, "42P02")) {
        name_number(sent, failure);
        if (!failure->hint)
            failure->hint = mem_text("a statement of this kind takes no parameters");
    } else if (is_state(failure, "42601") && place->written) {
        show_written(sent, place, failure);
    }
}

void
blame(const channel_t *self, const PGresult *answer, failure_t *failure)
{
    sent_t sent = sent_of(self);
    place_t place = find_place(&sent, PQresultErrorField(answer, PG_DIAG_STATEMENT_POSITION));
    failure->position = whole_position(&sent, &place);
    if (sent.bind)
        name_param(&sent, &place, PQresultErrorField(answer, PG_DIAG_CONTEXT), failure);
}

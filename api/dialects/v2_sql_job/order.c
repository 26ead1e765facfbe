/* order.c - a `query` as an order: one text, a list of them, or texts and what is to follow each.
 *
 * A fallback job's steps are, in this order: each text, behind it what follows it when it is done
 * and when it has failed; and at last what follows the whole job.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/dialects/v2_sql_job/v2_sql_job.h"
#include "api/json_dump.h"

enum {
    RETENTION_S = 2 * 3600,
    TIMEOUT_MS = 12 * 3600 * 1000,
    DEADLINE_MS = 7 * 24 * 3600 * 1000,
    QUEUED_MOST = 64,
    CONDITION_SIZE = 16,
};

static const char queue_key[] = "carto";

static bool
no_text(err_t *err)
{
    return err_set(err, ERR_INVALID, "You must indicate a valid SQL");
}

static bool
no_form(err_t *err)
{
    return err_set(err, ERR_INVALID, "there is no job class for the provided query");
}

static bool
too_many(err_t *err)
{
    return err_set(err, ERR_LIMIT, "a job has at most %d queries", ORDER_STEPS_MOST);
}

static bool
too_large(err_t *err)
{
    return err_set(err, ERR_LIMIT, "a job's queries have at most %d bytes", ORDER_NOTE_MOST);
}

/* --- what there is --- */

static bool
is_text(json_part_t part)
{
    size_t size = 0;
    return json_part_text(part, &size) && size > 0;
}

/* A member that may be missing, or say nothing. */
static bool
is_optional_text(json_part_t item, const char *name)
{
    json_part_t part = json_part_member(item, name);
    json_kind_t kind = json_part_kind(part);
    return kind == JSON_KIND_MISSING || kind == JSON_KIND_NULL || kind == JSON_KIND_TEXT;
}

bool
v2_has_fallback(json_part_t item, const char *name)
{
    return is_text(json_part_member(item, name));
}

v2_form_t
v2_form_of(json_part_t query)
{
    json_kind_t kind = json_part_kind(query);
    return kind == JSON_KIND_OBJECT  ? V2_FALLBACK
           : kind == JSON_KIND_ARRAY ? V2_MULTIPLE
                                     : V2_SIMPLE;
}

v2_place_t
v2_reactions(json_part_t item, uint32_t *next_step)
{
    v2_place_t place = { .success_step = -1, .error_step = -1 };
    if (v2_has_fallback(item, "onsuccess"))
        place.success_step = (*next_step)++;
    if (v2_has_fallback(item, "onerror"))
        place.error_step = (*next_step)++;
    return place;
}

/* --- is it well formed? --- */

/* The text of a list's item: the item, or, in a document that comes back, its member. */
static json_part_t
text_of(json_part_t item)
{
    return json_part_kind(item) == JSON_KIND_OBJECT ? json_part_member(item, "query") : item;
}

/* Objects in a list are somebody's who meant the other form, and wants what follows to happen. */
static bool
is_item(json_part_t item, bool update)
{
    if (json_part_kind(item) == JSON_KIND_TEXT)
        return true;
    return update && is_text(json_part_member(item, "query")) && !v2_has_fallback(item, "onsuccess")
           && !v2_has_fallback(item, "onerror");
}

static bool
check_list(json_part_t list, bool update, err_t *err)
{
    uint32_t count = json_part_count(list);
    if (count == 0)
        return no_text(err);
    if (count > ORDER_STEPS_MOST)
        return too_many(err);
    for (uint32_t i = 0; i < count; i++) {
        if (!is_item(json_part_item(list, i), update))
            return no_form(err);
        if (!is_text(text_of(json_part_item(list, i))))
            return no_text(err);
    }
    return true;
}

static bool
check_fallbacks(json_part_t query, err_t *err)
{
    json_part_t list = json_part_member(query, "query");
    uint32_t count = json_part_count(list);
    bool good = json_part_kind(list) == JSON_KIND_ARRAY && count > 0
                && is_optional_text(query, "onsuccess") && is_optional_text(query, "onerror");
    if (count > ORDER_STEPS_MOST)
        return too_many(err);
    for (uint32_t i = 0; good && i < count; i++) {
        json_part_t item = json_part_item(list, i);
        good = json_part_kind(item) == JSON_KIND_OBJECT && is_text(json_part_member(item, "query"))
               && is_optional_text(item, "onsuccess") && is_optional_text(item, "onerror");
    }
    return good || no_form(err);
}

/* What JavaScript takes for no value at all is a text that is missing. */
static bool
is_nothing(json_part_t query)
{
    switch (json_part_kind(query)) {
    case JSON_KIND_MISSING:
    case JSON_KIND_NULL: return true;
    case JSON_KIND_TEXT: return !is_text(query);
    case JSON_KIND_INTEGER: return json_part_int(query) == 0;
    case JSON_KIND_BOOL: return !json_part_bool(query);
    case JSON_KIND_REAL:
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT: break;
    }
    return false;
}

static bool
check(json_part_t query, bool update, err_t *err)
{
    if (is_nothing(query))
        return no_text(err);
    switch (json_part_kind(query)) {
    case JSON_KIND_TEXT: return true;
    case JSON_KIND_ARRAY: return check_list(query, update, err);
    case JSON_KIND_OBJECT: return check_fallbacks(query, err);
    case JSON_KIND_MISSING:
    case JSON_KIND_NULL:
    case JSON_KIND_INTEGER:
    case JSON_KIND_REAL:
    case JSON_KIND_BOOL: break;
    }
    return no_form(err);
}

/* --- steps --- */

static order_step_t *
add_step(v2_wish_t *self, json_part_t text)
{
    order_step_t *step = &self->steps[self->order.step_count++];
    step->sql = json_part_text(text, &step->sql_size);
    return step;
}

/* A step that follows others, if it is there. `after`: of which text; -1: of the whole job. */
static void
add_reaction(v2_wish_t *self, json_part_t item, const char *name, int64_t after)
{
    if (!v2_has_fallback(item, name))
        return;
    const char *what = strcmp(name, "onsuccess") == 0 ? "done" : "failed";
    char *condition = self->conditions + (size_t)self->order.step_count * CONDITION_SIZE;
    if (after < 0)
        snprintf(condition, CONDITION_SIZE, "%s", what);
    else
        snprintf(condition, CONDITION_SIZE, "%s:%u", what, (unsigned)after);
    order_step_t *step = add_step(self, json_part_member(item, name));
    step->when = condition;
    step->is_template = true;
}

static void
add_reactions(v2_wish_t *self, json_part_t item, int64_t after)
{
    add_reaction(self, item, "onsuccess", after);
    add_reaction(self, item, "onerror", after);
}

/* Only a number above 0 is a timeout; one over the server's is none. */
static int64_t
timeout_of(json_part_t item)
{
    json_part_t part = json_part_member(item, "timeout");
    if (json_part_kind(part) == JSON_KIND_INTEGER && json_part_int(part) > 0)
        return json_part_int(part) < TIMEOUT_MS ? json_part_int(part) : 0;
    double ms = json_part_real(part);
    return ms >= 1 && ms < TIMEOUT_MS ? (int64_t)ms : 0;
}

static void
add_fallbacks(v2_wish_t *self, json_part_t query)
{
    json_part_t list = json_part_member(query, "query");
    for (uint32_t i = 0; i < json_part_count(list); i++) {
        json_part_t item = json_part_item(list, i);
        uint32_t number = self->order.step_count;
        add_step(self, json_part_member(item, "query"))->timeout_ms = timeout_of(item);
        add_reactions(self, item, number);
    }
    add_reactions(self, query, -1);
}

static void
add_steps(v2_wish_t *self, json_part_t query)
{
    switch (self->form) {
    case V2_SIMPLE: add_step(self, query); break;
    case V2_MULTIPLE:
        for (uint32_t i = 0; i < json_part_count(query); i++)
            add_step(self, text_of(json_part_item(query, i)));
        break;
    case V2_FALLBACK: add_fallbacks(self, query); break;
    }
}

/* Room for the most steps that a query may make. */
static size_t
steps_most(json_part_t query)
{
    json_part_t list =
        json_part_kind(query) == JSON_KIND_OBJECT ? json_part_member(query, "query") : query;
    return 3 * (size_t)json_part_count(list) + 3;
}

/* The query, as {"query": ...}. Caller owns the result. */
static char *
note_of(json_part_t query)
{
    sink_t note = { 0 };
    (void)sink_write(&note, "{\"query\":", 9);
    json_dump(query, &note);
    (void)sink_write(&note, "}", 2); /* and its NUL */
    return (char *)note.data;
}

/* --- all of it --- */

void
v2_wish_clear(v2_wish_t *self)
{
    free(self->note);
    free(self->conditions);
    free(self->steps);
}

/* Those that may follow others were not counted before. */
static bool
fits(const v2_wish_t *self, err_t *err)
{
    if (self->order.step_count > ORDER_STEPS_MOST)
        return too_many(err);
    return strlen(self->note) <= ORDER_NOTE_MOST || too_large(err);
}

bool
v2_wish_read(v2_wish_t *self, json_part_t query, bool update, err_t *err)
{
    *self = (v2_wish_t){ .form = v2_form_of(query) };
    if (!check(query, update, err))
        return false;
    size_t most = steps_most(query);
    self->steps = mem_array(most, sizeof *self->steps);
    self->conditions = mem_array(most, CONDITION_SIZE);
    self->order = order_of(V2_DIALECT, self->steps);
    self->order.step_count = 0;
    add_steps(self, query);
    self->note = note_of(query);
    self->order.note = self->note;
    self->order.autocommit = AUTOCOMMIT_NEEDED;
    self->order.retention_s = RETENTION_S;
    self->order.statement_timeout_ms = TIMEOUT_MS;
    self->order.deadline_ms = DEADLINE_MS;
    self->order.queue_key = queue_key;
    self->order.queue_key_size = sizeof queue_key - 1;
    self->order.queue_most = QUEUED_MOST;
    if (fits(self, err))
        return true;
    v2_wish_clear(self);
    return false;
}

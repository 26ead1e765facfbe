/* json_form.c - trees out of names with brackets.
 *
 * Parameters of one name are gathered first, so that each name is gone down once. While a tree is
 * made, an item of an array that was not given is null, which no form can hold; arrays that have
 * such gaps are remembered, and closed up in the end.
 */
#define json_t jansson_t
#include <jansson.h>
#undef json_t

#include "api/json_form.h"

#include <stdio.h>
#include <string.h>

#include "api/json_inner.h"
#include "common/utf8.h"

enum {
    BRACKETS_MOST = 5,
    STEPS_MOST = BRACKETS_MOST + 2, /* what stands before them, and the rest */
    INDEX_MOST = 20,
    DIGITS_SIZE = 16,
    SHOWN_MOST = 100, /* bytes of a name that an error repeats */
};

struct json_form {
    int count;
    bool broken;       /* there was no memory for something */
    jansson_t *values; /* by name: a text, or an array of those of the same name */
    jansson_t *gapped; /* arrays with gaps */
};

/* A step down the tree: into an object by name, or into an array by index. */
typedef struct {
    const char *name; /* NULL: by index */
    size_t index;
    bool append; /* the index was not given */
} step_t;

/* From steps[first] on; where they lead to, `leaf` is to be put: a text, or an array of texts. */
typedef struct {
    int first;
    step_t steps[STEPS_MOST];
    jansson_t *leaf;
} path_t;

/* A place in an object or in an array. */
typedef struct {
    jansson_t *holder;
    const char *name;
    size_t index;
} place_t;

/* --- names --- */

/* "[b]" at or behind `at`, without brackets in it; NULL when there is none. */
static char *
next_bracket(char *at, char **end)
{
    char *open = strchr(at, '[');
    while (open) {
        *end = strpbrk(open + 1, "[]");
        if (!*end || **end == ']')
            return *end ? open : NULL;
        open = *end;
    }
    return NULL;
}

/* What stands in brackets. */
static step_t
read_step(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    bool whole = text[digits] == '\0' && (digits == 1 || (digits == 2 && text[0] != '0'));
    size_t index = whole ? (size_t)strtoul(text, NULL, 10) : 0;
    if (*text && (!whole || index > INDEX_MOST))
        return (step_t){ .name = text };
    return (step_t){ .index = index, .append = !*text };
}

/* Cuts `name` to pieces. Returns how many steps there are. */
static int
read_steps(char *name, step_t *steps)
{
    int count = 0;
    char *end = NULL;
    char *open = next_bracket(name, &end);
    if (open != name)
        steps[count++].name = name;
    for (int i = 0; open; i++) {
        if (i == BRACKETS_MOST) {
            steps[count++].name = open;
            break;
        }
        *open = *end = '\0';
        steps[count++] = read_step(open + 1);
        open = next_bracket(end + 1, &end);
    }
    return count;
}

/* The way to where `leaf` belongs. An empty bracket before what is an array anyhow is none. */
static void
read_path(path_t *path, char *name, jansson_t *leaf)
{
    step_t steps[STEPS_MOST] = { 0 };
    bool list = json_is_array(leaf);
    path->leaf = leaf;
    path->first = STEPS_MOST;
    for (int i = read_steps(name, steps); i-- > 0;) {
        if (steps[i].append && list)
            continue;
        list = !steps[i].name;
        path->steps[--path->first] = steps[i];
    }
}

/* --- places --- */

static bool
is_container(const jansson_t *value)
{
    return json_is_object(value) || json_is_array(value);
}

/* Did a call of jansson's go well? Without memory it does not give 0, which is remembered. */
static bool
check(json_form_t *self, int result)
{
    self->broken |= result != 0;
    return result == 0;
}

/* The text of an index, when it is a name. */
static const char *
index_name(size_t index, char digits[DIGITS_SIZE])
{
    snprintf(digits, DIGITS_SIZE, "%zu", index);
    return digits;
}

/* What is there; NULL: nothing, or a gap. */
static jansson_t *
place_get(const place_t *place)
{
    char digits[DIGITS_SIZE];
    if (json_is_array(place->holder)) {
        jansson_t *item = json_array_get(place->holder, place->index);
        return json_is_null(item) ? NULL : item;
    }
    const char *name = place->name ? place->name : index_name(place->index, digits);
    return json_object_get(place->holder, name);
}

/* At an index at or behind the end. Takes a reference of `value`. */
static bool
append(json_form_t *self, jansson_t *array, size_t index, jansson_t *value)
{
    size_t size = json_array_size(array);
    if (index > size)
        check(self, json_array_append(self->gapped, array));
    for (; size < index; size++)
        check(self, json_array_append_new(array, json_null()));
    return check(self, json_array_append_new(array, value));
}

/* Takes a reference of `value`, and returns it; NULL: there was no memory, and it is gone. */
static jansson_t *
place_set(json_form_t *self, const place_t *place, jansson_t *value)
{
    char digits[DIGITS_SIZE];
    bool good;
    if (json_is_object(place->holder)) {
        const char *name = place->name ? place->name : index_name(place->index, digits);
        good = check(self, json_object_set_new_nocheck(place->holder, name, value));
    } else if (place->index < json_array_size(place->holder)) {
        good = check(self, json_array_set_new(place->holder, place->index, value));
    } else {
        good = append(self, place->holder, place->index, value);
    }
    return good ? value : NULL;
}

/* --- values --- */

/* What is to be put below the first `depth` steps. Caller owns a reference. */
static jansson_t *
make_branch(json_form_t *self, const path_t *path, int depth)
{
    jansson_t *value = json_incref(path->leaf);
    for (int i = STEPS_MOST - 1; i >= depth; i--) {
        const step_t *step = &path->steps[i];
        jansson_t *holder = step->name ? json_object() : json_array();
        place_set(self, &(place_t){ holder, step->name, step->index }, value);
        value = holder;
    }
    return value;
}

/* A text becomes the first item of an array. Returns the array. */
static jansson_t *
make_array(json_form_t *self, const place_t *place)
{
    jansson_t *array = json_array();
    check(self, json_array_append(array, place_get(place)));
    return place_set(self, place, array);
}

/* An array becomes an object, its indices names. Returns the object. */
static jansson_t *
make_object(json_form_t *self, const place_t *place)
{
    jansson_t *array = place_get(place);
    jansson_t *object = json_object();
    size_t i = 0;
    jansson_t *item = NULL;
    json_array_foreach(array, i, item)
    {
        if (!json_is_null(item))
            place_set(self, &(place_t){ object, NULL, i }, json_incref(item));
    }
    return place_set(self, place, object);
}

/* --- merging --- */

/* Each of these adds something to what is at `place` already. False: a text meets an object. */

static bool
add_text(json_form_t *self, const place_t *place, jansson_t *text)
{
    jansson_t *there = place_get(place);
    if (json_string_length(text) == 0)
        return true;
    if (json_is_object(there))
        return false;
    if (!json_is_array(there))
        there = make_array(self, place);
    check(self, json_array_append(there, text));
    return true;
}

/* Into an array: each where there is a gap, else behind all. */
static void
fill_array(json_form_t *self, jansson_t *array, const jansson_t *texts)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        place_t place = { array, NULL, i };
        if (place_get(&place))
            place.index = json_array_size(array);
        place_set(self, &place, json_incref(json_array_get(texts, i)));
    }
}

/* Into an object: each at its index. */
static bool
fill_object(json_form_t *self, jansson_t *object, const jansson_t *texts)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        place_t place = { object, NULL, i };
        jansson_t *text = json_array_get(texts, i);
        if (!place_get(&place))
            place_set(self, &place, json_incref(text));
        else if (!add_text(self, &place, text))
            return false;
    }
    return true;
}

static bool
add_leaf(json_form_t *self, jansson_t *there, const place_t *place, jansson_t *leaf)
{
    if (!json_is_array(leaf))
        return add_text(self, place, leaf);
    if (json_is_object(there))
        return fill_object(self, there, leaf);
    if (json_is_array(there)) {
        fill_array(self, there, leaf);
        return true;
    }
    check(self, json_array_extend(make_array(self, place), leaf));
    return true;
}

/* A branch beside a text: both in an array, what has an index behind as many gaps. */
static void
add_beside_text(json_form_t *self, const place_t *place, const path_t *path, int depth)
{
    const step_t *step = &path->steps[depth];
    place_t behind = { make_array(self, place), NULL, step->name ? 1 : 1 + step->index };
    place_set(self, &behind, make_branch(self, path, step->name ? depth : depth + 1));
}

/* Go down the path as far as there is something; put there what is left of it. The root is never
 * replaced: it has no place. */
static bool
add_path(json_form_t *self, jansson_t *root, const path_t *path)
{
    jansson_t *there = root;
    place_t place = { NULL, NULL, 0 };
    for (int i = path->first; i < STEPS_MOST; i++) {
        const step_t *step = &path->steps[i];
        if (!is_container(there)) {
            add_beside_text(self, &place, path, i);
            return true;
        }
        if (json_is_array(there) && step->name)
            there = make_object(self, &place);
        place = (place_t){ there, step->name, step->index };
        jansson_t *next = place_get(&place);
        bool branches = i + 1 < STEPS_MOST || json_is_array(path->leaf);
        if (next && json_is_array(there) && !(is_container(next) && branches)) {
            place.index = json_array_size(there);
            next = NULL;
        }
        if (!next) {
            place_set(self, &place, make_branch(self, path, i + 1));
            return true;
        }
        there = next;
    }
    return add_leaf(self, there, &place, path->leaf);
}

/* --- as json_form.h has it --- */

json_form_t *
json_form_new(void)
{
    json_form_t *self = mem_new(sizeof *self);
    self->values = json_object();
    self->gapped = json_array();
    return self;
}

void
json_form_destroy(json_form_t **self_p)
{
    json_form_t *self = take(*self_p);
    if (!self)
        return;
    json_decref(self->values);
    json_decref(self->gapped);
    free(self);
}

static bool
holds_control(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return true;
    }
    return false;
}

/* A second value of a name makes an array of both. Takes a reference of `text`. */
static void
gather(json_form_t *self, const char *name, size_t size, jansson_t *text)
{
    jansson_t *there = json_object_getn(self->values, name, size);
    jansson_t *array = json_is_array(there) ? there : NULL;
    if (there && !array) {
        array = json_array();
        check(self, json_array_append(array, there));
        if (!check(self, json_object_setn_new_nocheck(self->values, name, size, array)))
            array = NULL;
    }
    check(self, there ? json_array_append_new(array, text)
                      : json_object_setn_new_nocheck(self->values, name, size, text));
}

bool
json_form_add(json_form_t *self, const char *name, size_t name_size, const char *value,
              size_t value_size, err_t *err)
{
    if (++self->count > JSON_FORM_MOST)
        return err_set(err, ERR_INVALID, "the form has more than %d parameters", JSON_FORM_MOST);
    if (holds_control(name, name_size))
        return err_set(err, ERR_INVALID, "a name in the form holds a control byte");
    if (memchr(value, '\0', value_size))
        return err_set(err, ERR_INVALID, "a value in the form holds a NUL byte");
    if (!utf8_valid(name, name_size) || !utf8_valid(value, value_size))
        return err_set(err, ERR_INVALID, "the form is not UTF-8");
    if (name_size > 0)
        gather(self, name, name_size, json_stringn_nocheck(value, value_size));
    return true;
}

static void
close_gaps(json_form_t *self)
{
    size_t i = 0;
    jansson_t *array = NULL;
    json_array_foreach(self->gapped, i, array)
    {
        for (size_t at = json_array_size(array); at-- > 0;) {
            if (json_is_null(json_array_get(array, at)))
                check(self, json_array_remove(array, at));
        }
    }
}

static bool
add_one(json_form_t *self, jansson_t *root, const char *name, jansson_t *leaf, err_t *err)
{
    size_t size = strlen(name);
    own(mem) pieces = mem_try(size + 1);
    if (!pieces) {
        self->broken = true;
        return true;
    }
    memcpy(pieces, name, size + 1);
    path_t path;
    read_path(&path, pieces, leaf);
    return add_path(self, root, &path) || self->broken /* which is said in the end */
           || err_set(err, ERR_INVALID, "'%.*s' is a text, and an object elsewhere in the form",
                      (int)mem_whole(name, size < SHOWN_MOST ? size : SHOWN_MOST), name);
}

static bool
add_all(json_form_t *self, jansson_t *root, err_t *err)
{
    const char *name = NULL;
    jansson_t *leaf = NULL;
    self->broken |= !root;
    json_object_foreach(self->values, name, leaf)
    {
        if (!add_one(self, root, name, leaf, err))
            return false;
    }
    close_gaps(self);
    return !self->broken || err_set(err, ERR_UNAVAILABLE, "there is no memory for the form now");
}

json_doc_t *
json_form_doc(json_form_t *self, err_t *err)
{
    jansson_t *root = json_object();
    if (add_all(self, root, err))
        return json_doc_new((json_part_t){ root });
    json_decref(root);
    return NULL;
}

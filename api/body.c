#include "api/body.h"

#include <string.h>
#include <strings.h>

#include "api/json_form.h"
#include "api/media.h"
#include "api/multipart.h"
#include "api/percent.h"

body_kind_t
body_kind(const char *content_type)
{
    if (media_is(content_type, "application/json") || media_ends(content_type, "+json"))
        return BODY_JSON;
    if (media_is(content_type, "application/x-www-form-urlencoded"))
        return BODY_FORM;
    return media_is(content_type, "multipart/form-data") ? BODY_MULTIPART : BODY_OTHER;
}

/* --- URL-encoded forms --- */

/* Is there a bracket at `at`, plain or encoded (as `code` has it)? */
static bool
is_bracket(const char *at, const char *end, char bracket, const char *code)
{
    return *at == bracket || (end - at >= 3 && *at == '%' && strncasecmp(at, code, 3) == 0);
}

/* Where a name ends: at the first '=' that stands in no bracket, or at the first one if none does.
 * NULL: there is no '='. */
static const char *
name_end(const char *text, size_t size)
{
    const char *end = text + size;
    const char *first = NULL;
    bool open = false;
    for (const char *at = text; at < end; at++) {
        if (*at == '=' && !open)
            return at;
        if (*at == '=' && !first)
            first = at;
        if (is_bracket(at, end, '[', "%5b"))
            open = true;
        if (is_bracket(at, end, ']', "%5d"))
            open = false;
    }
    return first;
}

/* Decode `size` bytes to `out`; false at a bad percent sign. *out moves behind them. */
static bool
decode(const char *text, size_t size, char **out, err_t *err)
{
    for (size_t at = 0; at < size;) {
        int byte = percent_byte(text, size, &at, true);
        if (byte < 0)
            return err_set(err, ERR_INVALID,
                           "a percent sign in the form is not followed by two hex digits");
        *(*out)++ = (char)byte;
    }
    return true;
}

/* `room` has as many bytes as the parameter. */
static bool
read_param(const char *text, size_t size, char *room, json_form_t *form, err_t *err)
{
    const char *equals = name_end(text, size);
    size_t name_size = equals ? (size_t)(equals - text) : size;
    size_t skipped = name_size + (equals != NULL);
    char *value = room;
    if (!decode(text, name_size, &value, err))
        return false;
    char *end = value;
    return decode(text + skipped, size - skipped, &end, err)
           && json_form_add(form, room, (size_t)(value - room), value, (size_t)(end - value), err);
}

static bool
read_form(const char *body, size_t size, json_form_t *form, err_t *err)
{
    own(mem) room = mem_try(size);
    if (!room)
        return err_set(err, ERR_UNAVAILABLE, "there is no memory for the form now");
    const char *end = body + size;
    for (const char *at = body; at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        if (stop > at && !read_param(at, (size_t)(stop - at), room, form, err))
            return false;
        at = stop + 1;
    }
    return true;
}

/* --- as body.h has it --- */

json_doc_t *
body_read(const char *content_type, body_kind_t other, const char *body, size_t size, err_t *err)
{
    body_kind_t kind = body_kind(content_type);
    kind = size == 0 ? BODY_OTHER : kind == BODY_OTHER ? other : kind;
    if (kind == BODY_JSON)
        return json_parse(body, size, err);
    own(json_form) form = json_form_new();
    if (kind == BODY_FORM && !read_form(body, size, form, err))
        return NULL;
    if (kind == BODY_MULTIPART && !multipart_read(content_type, body, size, form, err))
        return NULL;
    return json_form_doc(form, err);
}

json_doc_t *
body_read_query(const request_t *request, err_t *err)
{
    own(json_form) form = json_form_new();
    for (uint32_t i = 0; i < request_query_count(request); i++) {
        const char *name = request_query_name(request, i);
        const char *value = request_query_value(request, i);
        if (!json_form_add(form, name, strlen(name), value, strlen(value), err))
            return NULL;
    }
    return json_form_doc(form, err);
}

#include "api/multipart.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/media.h"

enum { BOUNDARY_MOST = 70 };

static const char line_end[] = "\r\n";
enum { LINE_END = sizeof line_end - 1 };

typedef struct {
    char mark[LINE_END + 2 + BOUNDARY_MOST + 1]; /* what begins a boundary's line, CRLF before it */
    size_t mark_size;
    const char *end; /* of the body */
} source_t;

/* A line that is a boundary. */
typedef struct {
    const char *at;     /* where the part before it ends */
    const char *behind; /* where the next one begins */
    bool last;
} boundary_t;

/* What the header of a part says. */
typedef struct {
    char *disposition; /* Content-Disposition; NULL: nothing yet */
} part_t;

/* --- boundaries --- */

static bool
make_mark(source_t *self, const char *content_type, err_t *err)
{
    own(mem) boundary = media_param(content_type, "boundary");
    size_t size = boundary ? strlen(boundary) : 0;
    if (size == 0 || size > BOUNDARY_MOST || boundary[size - 1] == ' ')
        return err_set(err, ERR_INVALID,
                       "the type of the multipart body must name a boundary of 1 to %d characters",
                       BOUNDARY_MOST);
    memcpy(self->mark, "\r\n--", LINE_END + 2);
    memcpy(self->mark + LINE_END + 2, boundary, size);
    self->mark_size = LINE_END + 2 + size;
    return true;
}

static bool
begins(const source_t *self, const char *at, const char *with)
{
    size_t size = strlen(with);
    return (size_t)(self->end - at) >= size && memcmp(at, with, size) == 0;
}

/* Is the rest of a line, `at` behind a mark, that of a boundary? */
static bool
read_rest(const source_t *self, const char *at, boundary_t *found)
{
    found->last = begins(self, at, "--");
    at += found->last ? 2 : 0;
    while (at < self->end && (*at == ' ' || *at == '\t'))
        at++;
    bool line = begins(self, at, line_end);
    found->behind = line ? at + LINE_END : at;
    return line || (found->last && at == self->end);
}

/* The next boundary at or behind `at`. */
static bool
find_boundary(const source_t *self, const char *at, boundary_t *found)
{
    while ((at = memmem(at, (size_t)(self->end - at), self->mark, self->mark_size))) {
        found->at = at;
        if (read_rest(self, at + self->mark_size, found))
            return true;
        at++;
    }
    return false;
}

/* The first one: it may begin the body. */
static bool
first_boundary(const source_t *self, const char *body, boundary_t *found)
{
    const char *mark = self->mark + LINE_END;
    size_t size = self->mark_size - LINE_END;
    bool leads = (size_t)(self->end - body) >= size && memcmp(body, mark, size) == 0;
    return (leads && read_rest(self, body + size, found)) || find_boundary(self, body, found);
}

/* --- parts --- */

static bool
is_name(const char *text, size_t size)
{
    return size > 0 && !memchr(text, ' ', size) && !memchr(text, '\t', size);
}

/* Content is text as it stands. */
static bool
is_plain(const char *transfer_encoding)
{
    return media_is(transfer_encoding, "7bit") || media_is(transfer_encoding, "8bit")
           || media_is(transfer_encoding, "binary");
}

static bool
read_line(part_t *part, const char *text, size_t size, err_t *err)
{
    own(mem) line = mem_copy(text, size);
    char *colon = strchr(line, ':');
    for (size_t i = 0; i < size; i++) {
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return err_set(err, ERR_INVALID, "a part's header holds a control byte");
    }
    if (!colon || !is_name(line, (size_t)(colon - line)))
        return err_set(err, ERR_INVALID, "a part has a line in its header that is no header");
    *colon = '\0';
    if (strcasecmp(line, "Content-Transfer-Encoding") == 0 && !is_plain(colon + 1))
        return err_set(err, ERR_INVALID, "a part has a transfer encoding: send it as it is");
    if (strcasecmp(line, "Content-Disposition") != 0)
        return true;
    if (part->disposition)
        return err_set(err, ERR_INVALID, "a part has two headers Content-Disposition");
    part->disposition = mem_text(colon + 1);
    return true;
}

/* The lines from *at on, up to and with an empty one, or to the part's end. */
static bool
read_header(part_t *part, const char **at, const char *end, err_t *err)
{
    const char *start = *at;
    while (*at < end) {
        size_t left = (size_t)(end - *at);
        size_t room = MULTIPART_HEADER_MOST + LINE_END - (size_t)(*at - start);
        const char *stop = memmem(*at, left < room ? left : room, line_end, LINE_END);
        if (!stop)
            return err_set(err, ERR_INVALID,
                           left < room ? "a part ends within its header"
                                       : "a part has a header of more than 8 KiB");
        size_t size = (size_t)(stop - *at);
        if (size > 0 && !read_line(part, *at, size, err))
            return false;
        *at = stop + LINE_END;
        if (size == 0)
            break;
    }
    return true;
}

static bool
read_named(const part_t *part, const char *value, size_t size, json_form_t *form, err_t *err)
{
    if (!media_is(part->disposition, "form-data"))
        return err_set(err, ERR_INVALID, "a part has no Content-Disposition: form-data");
    own(mem) name = media_param(part->disposition, "name");
    if (!name)
        return err_set(err, ERR_INVALID, "a part's Content-Disposition has no name");
    return json_form_add(form, name, strlen(name), value, size, err);
}

static bool
read_part(const char *at, const char *end, json_form_t *form, err_t *err)
{
    part_t part = { 0 };
    bool good =
        read_header(&part, &at, end, err) && read_named(&part, at, (size_t)(end - at), form, err);
    free(part.disposition);
    return good;
}

bool
multipart_read(const char *content_type, const char *body, size_t size, json_form_t *form,
               err_t *err)
{
    source_t source = { .end = body + size };
    boundary_t here;
    if (!make_mark(&source, content_type, err))
        return false;
    if (!first_boundary(&source, body, &here))
        return err_set(err, ERR_INVALID, "the multipart body does not hold its boundary");
    while (!here.last) {
        boundary_t next;
        const char *start = here.behind;
        if (!find_boundary(&source, start - LINE_END, &next)) /* a part may be empty */
            return err_set(err, ERR_INVALID, "the multipart body ends without its last boundary");
        const char *end = next.at > start ? next.at : start;
        if (!read_part(start, end, form, err))
            return false;
        here = next;
    }
    return true;
}

/* unpack.c - one reader of heads; everything else asks it what came and compares. */
#include "common/unpack.h"

#include <assert.h>
#include <string.h>

enum { DEPTH_MOST = 16, BAD_WIDTH = 0xff };

/* The first byte of a value and what it says, with the body in front of the cursor. */
typedef struct {
    unpack_kind_t kind;
    bool boolean;
    uint64_t number; /* UINT; the bits of INT; bytes of a body; elements of an ARRAY or MAP */
    double real;
    const uint8_t *body; /* TEXT, BINARY, OTHER */
} head_t;

/* Bytes 0xc0 to 0xdf: what they open, and how many bytes of number or size come next. */
static const struct {
    uint8_t kind;
    uint8_t width;
} heads[] = {
    { UNPACK_NIL, 0 },    { UNPACK_OTHER, BAD_WIDTH }, { UNPACK_BOOL, 0 },   { UNPACK_BOOL, 0 },
    { UNPACK_BINARY, 1 }, { UNPACK_BINARY, 2 },        { UNPACK_BINARY, 4 }, { UNPACK_OTHER, 1 },
    { UNPACK_OTHER, 2 },  { UNPACK_OTHER, 4 },         { UNPACK_FLOAT, 4 },  { UNPACK_FLOAT, 8 },
    { UNPACK_UINT, 1 },   { UNPACK_UINT, 2 },          { UNPACK_UINT, 4 },   { UNPACK_UINT, 8 },
    { UNPACK_INT, 1 },    { UNPACK_INT, 2 },           { UNPACK_INT, 4 },    { UNPACK_INT, 8 },
    { UNPACK_OTHER, 0 },  { UNPACK_OTHER, 0 },         { UNPACK_OTHER, 0 },  { UNPACK_OTHER, 0 },
    { UNPACK_OTHER, 0 },  { UNPACK_TEXT, 1 },          { UNPACK_TEXT, 2 },   { UNPACK_TEXT, 4 },
    { UNPACK_ARRAY, 2 },  { UNPACK_ARRAY, 4 },         { UNPACK_MAP, 2 },    { UNPACK_MAP, 4 },
};

static bool
refuse(unpack_t *self)
{
    self->bad = true;
    return false;
}

static size_t
bytes_left(const unpack_t *self)
{
    return (size_t)(self->end - self->at);
}

static uint64_t
load(const uint8_t *at, uint8_t width)
{
    uint64_t number = 0;
    for (uint8_t i = 0; i < width; i++)
        number = number << 8 | at[i];
    return number;
}

static double
real_of(uint64_t bits, uint8_t width)
{
    if (width == sizeof(double)) {
        double real = 0;
        memcpy(&real, &bits, sizeof real);
        return real;
    }
    uint32_t half = (uint32_t)bits;
    float real = 0;
    memcpy(&real, &half, sizeof real);
    return (double)real;
}

/* A signed number as its 64 bits; a positive one counts as UINT, whatever wrote it. */
static void
head_sign(head_t *head, uint8_t width)
{
    assert(width > 0);
    uint64_t sign = UINT64_C(1) << (8 * width - 1);
    if (head->number & sign)
        head->number |= ~(sign - 1);
    else
        head->kind = UNPACK_UINT;
}

/* The heads that carry their number in the first byte itself. */
static void
head_short(head_t *head, uint8_t first)
{
    if (first < 0x80) {
        head->kind = UNPACK_UINT;
        head->number = first;
    } else if (first < 0x90) {
        head->kind = UNPACK_MAP;
        head->number = first & 0x0f;
    } else if (first < 0xa0) {
        head->kind = UNPACK_ARRAY;
        head->number = first & 0x0f;
    } else if (first < 0xc0) {
        head->kind = UNPACK_TEXT;
        head->number = first & 0x1f;
    } else {
        head->kind = UNPACK_INT;
        head->number = UINT64_C(0xffffffffffffff00) | first;
    }
}

static bool
head_long(unpack_t *self, head_t *head, uint8_t first)
{
    uint8_t width = heads[first - 0xc0].width;
    if (width == BAD_WIDTH || width > bytes_left(self))
        return refuse(self);

    head->kind = (unpack_kind_t)heads[first - 0xc0].kind;
    head->number = load(self->at, width);
    self->at += width;
    if (head->kind == UNPACK_INT)
        head_sign(head, width);
    else if (head->kind == UNPACK_FLOAT)
        head->real = real_of(head->number, width);
    else if (head->kind == UNPACK_BOOL)
        head->boolean = first == 0xc3;
    else if (head->kind == UNPACK_OTHER) /* the type's byte, then the announced or a fixed size */
        head->number = 1 + (width ? head->number : UINT64_C(1) << (first - 0xd4));
    return true;
}

/* Hold what a head announces against the bytes that are left, and step over a body. */
static bool
head_fits(unpack_t *self, head_t *head)
{
    switch (head->kind) {
    case UNPACK_TEXT:
    case UNPACK_BINARY:
    case UNPACK_OTHER:
        if (head->number > bytes_left(self))
            return refuse(self);
        head->body = self->at;
        self->at += head->number;
        return true;
    case UNPACK_ARRAY: return head->number <= bytes_left(self) || refuse(self);
    case UNPACK_MAP: return head->number * 2 <= bytes_left(self) || refuse(self);
    case UNPACK_END:
    case UNPACK_NIL:
    case UNPACK_BOOL:
    case UNPACK_UINT:
    case UNPACK_INT:
    case UNPACK_FLOAT: break;
    }
    return true;
}

static bool
head_next(unpack_t *self, head_t *head)
{
    if (self->bad || self->at == self->end)
        return refuse(self);

    uint8_t first = *self->at++;
    if (first < 0xc0 || first >= 0xe0)
        head_short(head, first);
    else if (!head_long(self, head, first))
        return false;
    return head_fits(self, head);
}

static bool
head_of(unpack_t *self, head_t *head, unpack_kind_t kind)
{
    return head_next(self, head) && (head->kind == kind || refuse(self));
}

void
unpack_init(unpack_t *self, const void *data, size_t size)
{
    static const uint8_t nothing[1];
    self->at = data ? data : nothing;
    self->end = self->at + (data ? size : 0);
    self->bad = false;
}

bool
unpack_done(const unpack_t *self)
{
    return !self->bad && self->at == self->end;
}

unpack_kind_t
unpack_peek(const unpack_t *self)
{
    if (self->bad || self->at == self->end)
        return UNPACK_END;

    uint8_t first = *self->at;
    if (first < 0xc0 || first >= 0xe0) {
        head_t head;
        head_short(&head, first);
        return head.kind;
    }
    unpack_kind_t kind = (unpack_kind_t)heads[first - 0xc0].kind;
    if (kind != UNPACK_INT)
        return kind;
    if (bytes_left(self) < 2)
        return UNPACK_END;
    return self->at[1] & 0x80 ? UNPACK_INT : UNPACK_UINT;
}

bool
unpack_nil(unpack_t *self)
{
    head_t head;
    return head_of(self, &head, UNPACK_NIL);
}

bool
unpack_bool(unpack_t *self, bool *value)
{
    head_t head;
    if (!head_of(self, &head, UNPACK_BOOL))
        return false;
    *value = head.boolean;
    return true;
}

bool
unpack_uint(unpack_t *self, uint64_t *value)
{
    head_t head;
    if (!head_of(self, &head, UNPACK_UINT))
        return false;
    *value = head.number;
    return true;
}

bool
unpack_u32(unpack_t *self, uint32_t *value)
{
    uint64_t number = 0;
    if (!unpack_uint(self, &number))
        return false;
    if (number > UINT32_MAX)
        return refuse(self);
    *value = (uint32_t)number;
    return true;
}

bool
unpack_int(unpack_t *self, int64_t *value)
{
    head_t head;
    if (!head_next(self, &head))
        return false;
    bool fits = head.kind == UNPACK_INT || (head.kind == UNPACK_UINT && head.number <= INT64_MAX);
    if (!fits)
        return refuse(self);
    *value = (int64_t)head.number;
    return true;
}

bool
unpack_float(unpack_t *self, double *value)
{
    head_t head;
    if (!head_of(self, &head, UNPACK_FLOAT))
        return false;
    *value = head.real;
    return true;
}

static bool
unpack_view(unpack_t *self, view_t *value, unpack_kind_t kind)
{
    head_t head;
    if (!head_of(self, &head, kind))
        return false;
    value->data = (const char *)head.body;
    value->size = (uint32_t)head.number;
    return true;
}

bool
unpack_text(unpack_t *self, view_t *value)
{
    return unpack_view(self, value, UNPACK_TEXT);
}

bool
unpack_binary(unpack_t *self, view_t *value)
{
    return unpack_view(self, value, UNPACK_BINARY);
}

bool
unpack_array(unpack_t *self, uint32_t *count)
{
    head_t head;
    if (!head_of(self, &head, UNPACK_ARRAY))
        return false;
    *count = (uint32_t)head.number;
    return true;
}

bool
unpack_skip(unpack_t *self)
{
    uint64_t open[DEPTH_MOST]; /* elements that each open array or map still waits for */
    uint32_t depth = 0;
    for (;;) { /* each turn takes at least one byte */
        head_t head;
        if (!head_next(self, &head))
            return false;
        if (head.kind == UNPACK_ARRAY || head.kind == UNPACK_MAP) {
            if (depth == DEPTH_MOST)
                return refuse(self);
            open[depth++] = head.kind == UNPACK_MAP ? head.number * 2 : head.number;
        }
        while (depth > 0 && open[depth - 1] == 0)
            depth--;
        if (depth == 0)
            return true;
        open[depth - 1]--;
    }
}

/* manifest.c - results and notices, one by one. */
#include "common/manifest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What a result and a column weigh beside their texts. */
enum { RESULT_WEIGHT = 256, COLUMN_WEIGHT = 64 };

manifest_t *
manifest_new(void)
{
    return mem_new(sizeof(manifest_t));
}

static void
result_clear(result_t *self)
{
    for (uint32_t i = 0; i < self->column_count; i++) {
        free(self->columns[i].name);
        free(self->columns[i].type);
    }
    free(self->columns);
    free(self->tag);
    free(self->inlined);
}

static void
notice_clear(notice_t *self)
{
    free(self->message);
    free(self->detail);
    free(self->hint);
}

void
manifest_forget_results(manifest_t *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        result_clear(&self->results[i]);
    free(self->results);
    self->results = NULL;
    self->count = 0;
}

void
manifest_destroy(manifest_t **self_p)
{
    manifest_t *self = *self_p;
    if (!self)
        return;
    manifest_forget_results(self);
    for (uint32_t i = 0; i < self->notice_count; i++)
        notice_clear(&self->notices[i]);
    free(self->notices);
    free(self);
    *self_p = NULL;
}

/* Room for one more behind `count` of `size` bytes each; there is always that of the next power of
 * two. */
static void *
one_more(void *list, uint32_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return list;
    size_t room = count > 0 ? (size_t)count * 2 : 1;
    return mem_grow(list, room * size);
}

result_t *
manifest_add(manifest_t *self)
{
    self->results = one_more(self->results, self->count, sizeof *self->results);
    result_t *result = &self->results[self->count++];
    *result = (result_t){ 0 };
    return result;
}

void
result_columns(result_t *self, uint32_t count)
{
    assert(!self->columns);
    self->has_columns = true;
    self->column_count = count;
    self->columns = mem_array(count, sizeof *self->columns);
}

static size_t
text_size(const char *text)
{
    return text ? strlen(text) : 0;
}

size_t
result_weight(const result_t *self)
{
    size_t weight = RESULT_WEIGHT + self->inlined_size + text_size(self->tag);
    for (uint32_t i = 0; i < self->column_count; i++) {
        const column_t *column = &self->columns[i];
        weight += COLUMN_WEIGHT + text_size(column->name) + text_size(column->type);
    }
    return weight;
}

notice_t *
manifest_add_notice(manifest_t *self)
{
    self->notices = one_more(self->notices, self->notice_count, sizeof *self->notices);
    notice_t *notice = &self->notices[self->notice_count++];
    *notice = (notice_t){ 0 };
    return notice;
}

static size_t
notice_size(const notice_t *self)
{
    return text_size(self->message) + text_size(self->detail) + text_size(self->hint);
}

static bool
notice_fits(const manifest_t *self, size_t size)
{
    size_t used = 0;
    for (uint32_t i = 0; i < self->notice_count; i++)
        used += notice_size(&self->notices[i]);
    return self->notice_count < NOTICES_MOST && used + size <= NOTICE_TEXT_MOST;
}

static void
count_dropped(manifest_t *self, uint32_t dropped)
{
    uint32_t room = UINT32_MAX - self->notices_dropped;
    self->notices_dropped += dropped < room ? dropped : room;
}

bool
manifest_notice(manifest_t *self, const notice_t *notice)
{
    bool gap = self->notices_dropped > 0; /* there is none between those that are kept */
    if (!notice || gap || !notice_fits(self, notice_size(notice))) {
        count_dropped(self, 1);
        return false;
    }
    notice_t *kept = manifest_add_notice(self);
    *kept = *notice;
    kept->message = mem_text(notice->message);
    kept->detail = mem_text(notice->detail);
    kept->hint = mem_text(notice->hint);
    return true;
}

void
manifest_join(manifest_t *self, manifest_t *other)
{
    for (uint32_t i = 0; i < other->count; i++)
        *manifest_add(self) = other->results[i];
    for (uint32_t i = 0; i < other->notice_count; i++)
        *manifest_add_notice(self) = other->notices[i];
    count_dropped(self, other->notices_dropped);
    free(other->results);
    free(other->notices);
    *other = (manifest_t){ 0 };
}

#include "common/page_press.h"

#include <assert.h>
#include <stdlib.h>
#include <zstd.h>

#include "common/mem.h"
#include "common/page.h"

enum {
    LEVEL = 1, /* of zstd */
    GAIN = 64, /* the large table must save one in so many bytes, as it is slower */
};

/* Of zstd's table. The first two fit the first cache. */
static const int hash_logs[] = { [PRESS_UNTOLD] = 12, [PRESS_FEW] = 9, [PRESS_MANY] = 13 };

static _Thread_local struct {
    ZSTD_CCtx *zstd;
    uint32_t users;
} shared;

/* The compressor asks for its own memory when it first works: let that be now. */
static void
warm_up(uint32_t bytes)
{
    size_t frame_size = 0;
    own(mem) zeros = mem_array(1, bytes);
    own(mem) frame = (mem_t *)press(zeros, bytes, PRESS_MANY, &frame_size);
    assert(frame);
}

void
press_take(uint32_t bytes)
{
    if (shared.users++ > 0)
        return;
    shared.zstd = ZSTD_createCCtx();
    assert(shared.zstd);
    ZSTD_CCtx_setParameter(shared.zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(shared.zstd, ZSTD_c_checksumFlag, 1);
    warm_up(bytes);
}

void
press_release(void)
{
    if (--shared.users > 0)
        return;
    ZSTD_freeCCtx(shared.zstd);
    shared.zstd = NULL;
}

uint8_t *
press(const void *raw, size_t size, press_way_t way, size_t *frame_size)
{
    size_t room = ZSTD_compressBound(size);
    own(mem) frame = mem_try(room);
    if (!frame)
        return NULL;
    ZSTD_CCtx_setParameter(shared.zstd, ZSTD_c_hashLog, hash_logs[way]);
    *frame_size = ZSTD_compress2(shared.zstd, frame, room, raw, size);
    if (ZSTD_isError(*frame_size))
        return NULL;
    return mem_grow(take(frame), *frame_size);
}

uint8_t *
press_first(const void *raw, size_t size, press_way_t *way, size_t *frame_size)
{
    size_t other_size = 0;
    uint8_t *frame = press(raw, size, PRESS_FEW, frame_size);
    uint8_t *other = frame ? press(raw, size, PRESS_MANY, &other_size) : NULL;
    bool many = other && other_size < *frame_size - *frame_size / GAIN;
    *way = many ? PRESS_MANY : PRESS_FEW;
    free(many ? frame : other);
    *frame_size = many ? other_size : *frame_size;
    return many ? other : frame;
}

uint8_t *
page_deflate(const void *raw, size_t size, size_t *stored, err_t *err)
{
    size_t room = ZSTD_compressBound(size);
    own(mem) frame = mem_try(room);
    size_t used = frame ? ZSTD_compress(frame, room, raw, size, LEVEL) : 0;
    if (!frame || ZSTD_isError(used)) {
        err_set(err, ERR_LIMIT, "no memory to compress %zu bytes", size);
        return NULL;
    }
    *stored = used;
    return (uint8_t *)take(frame);
}

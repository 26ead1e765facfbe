#define ZLIB_CONST /* its input is not written to, and can be declared so */

#include "api/encoder.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum {
    GZIP_LEVEL = 1, /* a client that waits is better served by speed */
    GZIP_WINDOW = 15 + 16,
    GZIP_MEMORY = 8,
    ZSTD_LEVEL = 1,
    ZSTD_WINDOW_LOG = 17, /* 128 KiB, so that many encoders fit side by side */
    ZSTD_HASH_LOG = 13,
};

struct encoder {
    encoding_t encoding;
    z_stream gzip;
    ZSTD_CCtx *zstd;
};

const char *
encoding_word(encoding_t encoding)
{
    switch (encoding) {
    case ENCODING_GZIP: return "gzip";
    case ENCODING_ZSTD: return "zstd";
    case ENCODING_IDENTITY: break;
    }
    return "identity";
}

encoder_t *
encoder_new(encoding_t encoding)
{
    assert(encoding != ENCODING_IDENTITY);
    encoder_t *self = mem_new(sizeof *self);
    self->encoding = encoding;
    if (encoding == ENCODING_GZIP) {
        int made = deflateInit2(&self->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                                Z_DEFAULT_STRATEGY);
        assert(made == Z_OK);
        return self;
    }
    self->zstd = ZSTD_createCCtx();
    assert(self->zstd);
    ZSTD_CCtx_setParameter(self->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    ZSTD_CCtx_setParameter(self->zstd, ZSTD_c_windowLog, ZSTD_WINDOW_LOG);
    ZSTD_CCtx_setParameter(self->zstd, ZSTD_c_hashLog, ZSTD_HASH_LOG);
    return self;
}

void
encoder_destroy(encoder_t **self_p)
{
    encoder_t *self = take(*self_p);
    if (!self)
        return;
    if (self->encoding == ENCODING_GZIP)
        deflateEnd(&self->gzip);
    ZSTD_freeCCtx(self->zstd);
    free(self);
}

encoding_t
encoder_encoding(const encoder_t *self)
{
    return self->encoding;
}

static bool
step_gzip(z_stream *gzip, encoder_in_t *in, char *out, size_t room, size_t *made)
{
    assert(in->size <= UINT_MAX && room <= UINT_MAX);
    gzip->next_in = (z_const Bytef *)in->at;
    gzip->avail_in = (uInt)in->size;
    gzip->next_out = (Bytef *)out;
    gzip->avail_out = (uInt)room;
    int said = deflate(gzip, in->last ? Z_FINISH : Z_NO_FLUSH);
    assert(said != Z_STREAM_ERROR);
    in->at += in->size - gzip->avail_in;
    in->size = gzip->avail_in;
    *made = room - gzip->avail_out;
    return in->last ? said == Z_STREAM_END : in->size == 0 && gzip->avail_out > 0;
}

static bool
step_zstd(ZSTD_CCtx *zstd, encoder_in_t *in, char *out, size_t room, size_t *made)
{
    ZSTD_inBuffer from = { .src = in->at, .size = in->size };
    ZSTD_outBuffer to = { .dst = out, .size = room };
    size_t rest = ZSTD_compressStream2(zstd, &to, &from, in->last ? ZSTD_e_end : ZSTD_e_continue);
    assert(!ZSTD_isError(rest));
    in->at += from.pos;
    in->size -= from.pos;
    *made = to.pos;
    return in->size == 0 && (in->last ? rest == 0 : true);
}

bool
encoder_step(encoder_t *self, encoder_in_t *in, char *out, size_t room, size_t *made)
{
    return self->encoding == ENCODING_GZIP ? step_gzip(&self->gzip, in, out, room, made)
                                           : step_zstd(self->zstd, in, out, room, made);
}

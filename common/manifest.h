/* manifest.h - what a finished attempt left behind: its results, and how to know that they are
 * whole.
 *
 * One entry for each statement that gave a result: command tag, columns, and the pages' count,
 * rows, bytes and chained hash. A small result's only page stands in the entry itself. The manifest
 * is written with the final status, under the attempt, and is what makes pages valid. Stored as
 * msgpack: [version, [result, ...]], a result being [ordinal, step, tag, columns or nil, rows,
 * bytes, raw bytes, pages, hash, page or nil, attempt], a column [name, type, oid, kind]. Readers
 * skip fields that come after those they know.
 *
 * A few hundred bytes of SQL can ask for a thousand wide results of nothing, so what a step and a
 * job leave in manifests is bounded by their weight: whoever makes one adds it up result by result,
 * and gives up in time. A reader of a whole job holds all of its steps' manifests.
 */
#ifndef COMMON_MANIFEST_H
#define COMMON_MANIFEST_H

#include "common/page.h"

enum {
    MANIFEST_MOST = 4 << 20,      /* weight of a step's results */
    MANIFESTS_MOST = 16 << 20,    /* what a job's steps leave, together */
    RESULT_WEIGHT_MOST = 1 << 20, /* no result of a database weighs more */
};

typedef struct {
    char *name; /* as the source gave it; may be empty, may repeat */
    char *type; /* the source's name of the type, e.g. "integer", "numeric" */
    uint32_t oid;
    cell_kind_t kind;
} column_t;

typedef struct {
    uint32_t ordinal; /* of the statement within its step, from 0 */
    uint32_t step;    /* of the job, from 0 */
    char *tag;        /* "SELECT 3", "INSERT 0 1" */
    bool has_columns; /* false: the statement returns no rows by its nature */
    uint32_t column_count;
    column_t *columns;
    int64_t rows;  /* rows in the pages (0 for statements without columns) */
    int64_t bytes; /* stored */
    int64_t raw_bytes;
    uint32_t pages; /* in the page table; 0 when inline */
    uint8_t hash[PAGE_HASH_SIZE];
    int32_t attempt;  /* of which its pages are; 0: the job's own */
    uint8_t *inlined; /* the only page, zstd as stored; NULL: see the page table */
    uint32_t inlined_size;
} result_t;

typedef struct manifest {
    uint32_t count;
    result_t *results;
} manifest_t;

/* Caller owns the result. */
manifest_t *manifest_new(void) MUST_USE;
void manifest_destroy(manifest_t **self_p);

/* Add an empty result. Points into self until the next call. Texts that are still NULL when the
 * manifest is packed count as empty. */
result_t *manifest_add(manifest_t *self);

/* Give a result that has none `count` empty columns (names and types are then set with mem_text).
 */
void result_columns(result_t *self, uint32_t count);

/* What it costs to keep, in memory and packed: at least as many bytes as it packs to. */
size_t result_weight(const result_t *self);

/* Move all results of `other` behind those of self; other is empty then. */
void manifest_join(manifest_t *self, manifest_t *other);

/* As msgpack. Caller owns the result (*size bytes). */
uint8_t *manifest_pack(const manifest_t *self, size_t *size) MUST_USE;

/* Read one; its texts are never NULL. Fails with ERR_INTERNAL. Caller owns the result. */
manifest_t *manifest_unpack(const void *data, size_t size, err_t *err) MUST_USE;

#endif

/* manifest.h - what a finished attempt left behind: its results, how to know that they are whole,
 * and what the source had to say about its statements.
 *
 * One entry for each statement that gave a result: command tag, columns, and the pages' count,
 * rows, bytes and chained hash. A small result's only page stands in the entry itself. The manifest
 * is written with the final status, under the attempt, and is what makes pages valid. Stored as
 * msgpack: [version, [result, ...]], and behind them, where there are any, [notice, ...] and the
 * number of those that were dropped. A result is [ordinal, step, tag, columns or nil, rows, bytes,
 * raw bytes, pages, hash, page or nil, attempt, truncated], a column [name, type, oid, kind], a
 * notice [severity, sqlstate, message, detail or nil, hint or nil, step, ordinal]. Readers skip
 * fields that come after those they know.
 *
 * A few hundred bytes of SQL can ask for a thousand wide results of nothing, so what a step and a
 * job leave in manifests is bounded by their weight: whoever makes one adds it up result by result,
 * and gives up in time. A reader of a whole job holds all of its steps' manifests. Notices have
 * bounds of their own, and beyond them are only counted.
 */
#ifndef COMMON_MANIFEST_H
#define COMMON_MANIFEST_H

#include "common/page.h"

enum {
    MANIFEST_MOST = 4 << 20,      /* weight of a step's results */
    MANIFESTS_MOST = 16 << 20,    /* what a job's steps leave, together */
    RESULT_WEIGHT_MOST = 1 << 20, /* no result of a database weighs more */
    NOTICES_MOST = 100,           /* of a step */
    NOTICE_TEXT_MOST = 32 << 10,  /* bytes of all texts of a step's notices */
    NOTICE_SEVERITY_MOST = 7,     /* bytes: "WARNING" */
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
    bool truncated; /* there were more rows, which a limit of the job kept out */
} result_t;

/* What the source said about a statement, beside its answer. */
typedef struct {
    char severity[NOTICE_SEVERITY_MOST + 1]; /* "NOTICE", "WARNING", "INFO", "LOG", "DEBUG" */
    char sqlstate[6];
    char *message;
    char *detail;     /* NULL: none */
    char *hint;       /* NULL: none */
    uint32_t step;    /* of the job, from 0 */
    uint32_t ordinal; /* of the statement within its step, from 0 */
} notice_t;

typedef struct manifest {
    uint32_t count;
    result_t *results;
    uint32_t notice_count;
    notice_t *notices;        /* in the order in which they came */
    uint32_t notices_dropped; /* came as well, and were too many */
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

/* Add an empty notice, whatever was said before. Points into self until the next call. */
notice_t *manifest_add_notice(manifest_t *self);

/* Keep what a statement of the manifest's one step had to say: true. Or only count it, when that is
 * NULL, or the step has said too much. Copies all texts, of which only the message must be there.
 */
bool manifest_notice(manifest_t *self, const notice_t *notice);

/* The results do not stand: nothing is left but what was said. */
void manifest_forget_results(manifest_t *self);

/* Move all results and notices of `other` behind those of self; other is empty then. */
void manifest_join(manifest_t *self, manifest_t *other);

/* As msgpack. Caller owns the result (*size bytes). */
uint8_t *manifest_pack(const manifest_t *self, size_t *size) MUST_USE;

/* The manifest of one result that is not over, as far as it is known: its step, ordinal and
 * columns. Types whose names were not asked for yet are empty. Caller owns the result (*size
 * bytes). */
uint8_t *manifest_pack_draft(const result_t *result, size_t *size) MUST_USE;

/* Read one; texts of its results are never NULL. Fails with ERR_INTERNAL. Caller owns the result.
 */
manifest_t *manifest_unpack(const void *data, size_t size, err_t *err) MUST_USE;

#endif

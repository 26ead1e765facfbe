/* manifest_bytes.h - manifests and the bytes that they travel as, for tests. A block that is read
 * has exactly the bytes that it should have, so that a look behind its end is seen. */
#ifndef TESTS_UNIT_MANIFEST_BYTES_H
#define TESTS_UNIT_MANIFEST_BYTES_H

#include <stdlib.h>

#include "common/manifest.h"
#include "tests/unit/unit.h"

static inline manifest_t *
read_block(const void *bytes, size_t size, err_t *err)
{
    err_clear(err);
    uint8_t *block = malloc(size > 0 ? size : 1);
    assert_non_null(block);
    if (size > 0)
        memcpy(block, bytes, size);
    manifest_t *manifest = manifest_unpack(block, size, err);
    free(block);
    return manifest;
}

static inline void
assert_refused(const void *bytes, size_t size)
{
    err_t err;
    own(manifest) manifest = read_block(bytes, size, &err);
    assert_null(manifest);
    assert_int_equal(err.kind, ERR_INTERNAL);
}

#define REFUSED(...)                                                                               \
    assert_refused((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static inline manifest_t *
travel(const manifest_t *manifest)
{
    size_t size = 0;
    uint8_t *bytes = manifest_pack(manifest, &size);
    err_t err;
    manifest_t *arrived = read_block(bytes, size, &err);
    free(bytes);
    assert_non_null(arrived);
    return arrived;
}

static inline void
assert_packs_as(const manifest_t *manifest, const uint8_t *bytes, size_t size)
{
    size_t packed_size = 0;
    uint8_t *packed = manifest_pack(manifest, &packed_size);
    assert_int_equal(packed_size, size);
    assert_memory_equal(packed, bytes, size);
    free(packed);
}

#define EIGHT 0, 0, 0, 0, 0, 0, 0, 0

#endif

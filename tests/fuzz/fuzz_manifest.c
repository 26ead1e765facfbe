/* A stranger's bytes as a manifest: refused, or read into what packs and reads the same again. */
#include <stdlib.h>
#include <string.h>

#include "common/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    err_t err;
    own(manifest) manifest = manifest_unpack(data, size, &err);
    if (!manifest)
        return 0;
    size_t packed_size = 0;
    uint8_t *packed = manifest_pack(manifest, &packed_size);
    own(manifest) again = manifest_unpack(packed, packed_size, &err);
    if (!again)
        abort();
    size_t size_again = 0;
    uint8_t *packed_again = manifest_pack(again, &size_again);
    if (size_again != packed_size || memcmp(packed, packed_again, packed_size) != 0)
        abort();
    free(packed_again);
    free(packed);
    return 0;
}

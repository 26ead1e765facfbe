/* A stranger's bytes as a bus message: refused, or read into what packs and reads the same again.
 */
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    err_t err;
    own(wire) message = wire_unpack(data, size, &err);
    if (!message)
        return 0;
    size_t packed_size = 0;
    uint8_t *packed = wire_pack(message, &packed_size);
    own(wire) again = packed_size <= WIRE_SIZE_MOST ? wire_unpack(packed, packed_size, &err) : NULL;
    if (packed_size <= WIRE_SIZE_MOST) {
        if (!again)
            abort();
        size_t size_again = 0;
        uint8_t *packed_again = wire_pack(again, &size_again);
        if (size_again != packed_size || memcmp(packed, packed_again, packed_size) != 0)
            abort();
        free(packed_again);
    }
    free(packed);
    return 0;
}

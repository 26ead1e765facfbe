#include "api/host.h"

#include <string.h>

char *
host_label(const char *host)
{
    size_t size = host ? strcspn(host, ".") : 0;
    if (size == 0 || host[size] != '.')
        return NULL;
    return mem_copy(host, size);
}

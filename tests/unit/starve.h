/* starve.h - no memory, when the test says so: mem_try() gives nothing. For programs that are
 * linked with --wrap=mem_try (tests.cmake). */
#ifndef TESTS_UNIT_STARVE_H
#define TESTS_UNIT_STARVE_H

#include <stdatomic.h>

#include "tests/unit/unit.h"

static atomic_bool starving;

void *__real_mem_try(size_t size);
void *__wrap_mem_try(size_t size);

void *
__wrap_mem_try(size_t size)
{
    return atomic_load(&starving) ? NULL : __real_mem_try(size);
}

#endif

/* params.h - parameters for tests, made the way they really come about. */
#ifndef TESTS_UNIT_PARAMS_H
#define TESTS_UNIT_PARAMS_H

#include <string.h>

#include "common/params.h"

/* One parameter. NULL name: numbered; NULL value: null. */
static inline param_t
a_param(const char *name, uint32_t oid, const char *value)
{
    return (param_t){ .name = name, .oid = oid, .value = value, .size = value ? strlen(value) : 0 };
}

/* Packed and read again; NULL when what was packed is not read. */
static inline params_t *
params_of(const param_t *list, uint32_t count)
{
    err_t err = { .kind = ERR_NONE };
    own(mem) packed = params_pack(list, count);
    return params_unpack(packed, &err);
}

/* Named ones, each with its own name as its value; the list ends with a NULL. */
static inline params_t *
params_called(const char *const *names)
{
    param_t list[PARAMS_MOST];
    uint32_t count = 0;
    for (; names[count]; count++)
        list[count] = a_param(names[count], 25, names[count]);
    return params_of(list, count);
}

/* Numbered ones, all of them "v". */
static inline params_t *
params_counted(uint32_t count)
{
    param_t list[PARAMS_MOST];
    for (uint32_t i = 0; i < count; i++)
        list[i] = a_param(NULL, 25, "v");
    return params_of(list, count);
}

#endif

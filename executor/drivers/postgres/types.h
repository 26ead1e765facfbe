/* types.h - the built-in types of PostgreSQL by oid: their SQL names, and what their cells are.
 *
 * A static table: oids below 16384 never change. Names are what format_type(oid, NULL) says.
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_TYPES_H
#define EXECUTOR_DRIVERS_POSTGRES_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/page.h"

/* The type's name: `name` and, for an array, "[]" behind it. False: not in the table. */
bool types_name(uint32_t oid, const char **name, bool *array);

/* What cells of this type are; CELL_TEXT for all that the table does not know. */
cell_kind_t types_kind(uint32_t oid);

#endif

/* cells.h - a value as PostgreSQL writes it in text, into a cell of a page. Pure.
 *
 * A value that is not what its column's kind says (a source with settings of its own, NaN, the
 * infinities) becomes a text cell: exact before typed.
 */
#ifndef EXECUTOR_DRIVERS_POSTGRES_CELLS_H
#define EXECUTOR_DRIVERS_POSTGRES_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/page.h"

/* Write one value; `value` has a NUL behind its `size` bytes. A CELL_BINARY value is decoded where
 * it stands, which only shrinks it. False: text that is not UTF-8; nothing was written. */
bool cells_put(page_writer_t *rows, cell_kind_t kind, char *value, size_t size) MUST_USE;

/* Read a whole decimal number. False when it is none, or does not fit. */
bool cells_int(const char *text, size_t size, int64_t *value) MUST_USE;

/* Decode bytea's text ("\x..." hex, or the older escape form) in place. False when it is neither.
 */
bool cells_bytes(char *text, size_t size, size_t *decoded) MUST_USE;

#endif

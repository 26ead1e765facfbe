/* digits.h - numbers as text, written in place.
 *
 * Floats stand in the notation of PostgreSQL's own output (src/common/d2s.c, f2s.c): the shortest
 * digits that read back equal, plain between 1e-4 and 1e15 (1e6 for four-byte ones), else with an
 * exponent of two digits at least. It is a JSON number, too. Pure; any thread.
 */
#ifndef API_DIGITS_H
#define API_DIGITS_H

#include <stdbool.h>
#include <stdint.h>

enum { DIGITS_MOST = 32 }; /* bytes that any number here may take */

/* Write a number to `out`, which has room; returns where it ends. */
char *digits_uint(char *out, uint64_t number);
char *digits_int(char *out, int64_t number);

/* A finite number. `four` if it was one of four bytes. */
char *digits_float(char *out, double number, bool four);

#endif

/* clock.h - wall and monotonic time, ISO 8601, and HTTP's dates.
 *
 * Times in Millrace are int64_t milliseconds (or microseconds where the name says so) since
 * 1970-01-01T00:00:00Z. Only the store's clock decides about jobs and leases; a node's own
 * monotonic clock answers "how long".
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { CLOCK_TEXT_SIZE = 32 }; /* room for any text below, NUL included */

/* This machine's wall clock. */
int64_t clock_wall_ms(void);

/* Monotonic time since some fixed moment; never goes back. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* "2022-04-21T18:49:13Z": seconds, rounded down. Writes into `text` and returns it. */
const char *clock_iso(int64_t ms, char text[CLOCK_TEXT_SIZE]);

/* "2022-04-21T18:49:13.069Z": milliseconds. Writes into `text` and returns it. */
const char *clock_iso_ms(int64_t ms, char text[CLOCK_TEXT_SIZE]);

/* "Thu, 21 Apr 2022 18:49:13 GMT": as HTTP's headers have it. Writes into `text` and returns it. */
const char *clock_http(int64_t ms, char text[CLOCK_TEXT_SIZE]);

#endif

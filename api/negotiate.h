/* negotiate.h - which of several forms of an answer a client wants: Accept and Accept-Encoding.
 *
 * As RFC 9110 has it (12.5.1, 12.5.3): the most specific range that matches says how much a form is
 * wanted, and what is wanted alike is chosen in the server's order. Parameters of media ranges
 * other than q are passed over. What cannot be read in a header counts as not said. Pure; any
 * thread.
 */
#ifndef API_NEGOTIATE_H
#define API_NEGOTIATE_H

#include <stdint.h>

#include "api/encoder.h"

/* The index of the type that is wanted most, of `count` ones like "text/csv"; the first one where
 * nothing is said (NULL or empty); -1 when none is acceptable. */
int negotiate_type(const char *accept, const char *const *types, uint32_t count) MUST_USE;

/* The coding that is wanted most; between equals zstd, then gzip. What was not named is not sent,
 * but for identity, which is sent when nothing else was named (or all was refused). Only to who
 * refuses identity a star names the others. */
encoding_t negotiate_encoding(const char *accept_encoding) MUST_USE;

#endif

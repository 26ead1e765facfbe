/* utf8.h - is this text well-formed UTF-8?
 *
 * As RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Pure; any thread.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "common/mem.h"

/* The bytes of the well-formed character at `text`, of which `left` bytes may be read; 0 when there
 * is none. */
size_t utf8_size(const char *text, size_t left) MUST_USE;

bool utf8_valid(const char *text, size_t size) MUST_USE;

#endif

/* percent.h - percent encoding, undone: in URLs and in forms. Pure; any thread. */
#ifndef API_PERCENT_H
#define API_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

/* The byte that `text` holds at *at, of `size` in all, decoded; moves *at behind it. -1 when it is
 * a percent sign without two hex digits. In a form '+' is a space. */
int percent_byte(const char *text, size_t size, size_t *at, bool form);

#endif

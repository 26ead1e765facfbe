/* escape.h - text made fit for JSON and for CSV, written in place, eight bytes at a look.
 *
 * JSON: quotes, backslashes and bytes below 0x20 are escaped, everything else stands as it is (the
 * text is UTF-8). CSV: RFC 4180's rules. Pure; any thread.
 */
#ifndef API_ESCAPE_H
#define API_ESCAPE_H

#include <stddef.h>

/* What `size` bytes of text may become at most, with what is written beyond their end meanwhile. */
#define ESCAPE_JSON_ROOM(size) (6 * (size) + 8)
#define ESCAPE_CSV_ROOM(size) (2 * (size) + 8)
#define ESCAPE_HEX_ROOM(size) (2 * (size))

/* Each writes to `out`, which has the room above, and returns where it ends. */

/* The inside of a JSON string. */
char *escape_json(char *out, const char *text, size_t size);

/* The inside of a quoted CSV field: quotes doubled. */
char *escape_csv(char *out, const char *text, size_t size);

/* Bytes as lower-case hex. */
char *escape_hex(char *out, const char *bytes, size_t size);

/* A CSV field that needs no quotes around it, as it is; NULL when it needs them. */
char *escape_csv_plain(char *out, const char *text, size_t size);

/* Within `size` bytes of JSON text, in place: U+2028 and U+2029, which may stand in JSON and end a
 * line in scripts of older kinds, become escapes. There must be room for twice as many bytes.
 * Returns how many there are now. */
size_t escape_script(char *text, size_t size);

#endif

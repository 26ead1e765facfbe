/* multipart.h - bodies of the type multipart/form-data (RFC 7578), read into a form.
 *
 * A part is a parameter: its name is that of its Content-Disposition, its value its content as
 * text, also where there is a filename. Lines end in CRLF. What stands before the first boundary
 * and behind the last one is passed over. A boundary counts where it is a line of its own, so that
 * a value may hold one that goes on otherwise. Pure.
 */
#ifndef API_MULTIPART_H
#define API_MULTIPART_H

#include "api/json_form.h"

enum { MULTIPART_HEADER_MOST = 8 << 10 }; /* bytes of a part's header lines */

/* Add the parts of `body` to `form`. `content_type` names the boundary. Fails with ERR_INVALID when
 * it names none, the last one is missing, a part has no name, a larger header, or a transfer
 * encoding, and as json_form_add() does. */
bool multipart_read(const char *content_type, const char *body, size_t size, json_form_t *form,
                    err_t *err) MUST_USE;

#endif

/* jsonp.h - JSON as a script that calls a function of the page which loads it.
 *
 * Old web clients ask for it with a parameter `callback`. The reply is what Express writes
 * (res.jsonp): a comment first, so that no file of another kind can begin with a name that a
 * stranger chose, then the call, if there is such a function. Its type is text/javascript, and it
 * is not to be taken for anything else (every reply says so). JSON is written as always between
 * beginning and end, a stream as well.
 */
#ifndef API_JSONP_H
#define API_JSONP_H

#include "api/http.h"

enum { JSONP_NAME_MOST = 100 };

/* May a function be called so: a letter, `_` or `$`, then those, digits, dots and brackets, at most
 * JSONP_NAME_MOST of them? */
bool jsonp_is_name(const char *callback) MUST_USE;

/* Before the first byte of the body, behind reply_encode(); `callback` must be such a name. */
void jsonp_begin(reply_t *reply, const char *callback);

/* Behind the JSON's last byte. */
void jsonp_end(reply_t *reply);

#endif

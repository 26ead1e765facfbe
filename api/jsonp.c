#include "api/jsonp.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$"

static const char behind[] = ");";

bool
jsonp_is_name(const char *callback)
{
    size_t size = strspn(callback, LETTERS "0123456789.[]");
    return size > 0 && size <= JSONP_NAME_MOST && callback[size] == '\0'
           && strchr(LETTERS, callback[0]) != NULL;
}

void
jsonp_begin(reply_t *reply, const char *callback)
{
    char front[2 * JSONP_NAME_MOST + 64];
    assert(jsonp_is_name(callback));
    int size =
        snprintf(front, sizeof front, "/**/ typeof %s === 'function' && %s(", callback, callback);
    reply_header(reply, "Content-Type", "text/javascript; charset=utf-8");
    reply_write(reply, front, (size_t)size);
    reply_script(reply, true);
}

void
jsonp_end(reply_t *reply)
{
    reply_script(reply, false);
    reply_write(reply, behind, sizeof behind - 1);
}

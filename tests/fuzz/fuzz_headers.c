/* A stranger's headers: what is acceptable, what is known already, which rows are wanted.
 *
 * The bytes are one header's value; all readers of such headers get it. What they answer must be
 * something they may say.
 */
#include <stdlib.h>
#include <string.h>

#include "api/conditional.h"
#include "api/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
as_range(const char *text)
{
    row_range_t range = conditional_range(text);
    int64_t offset = 0;
    int64_t count = 0;
    if (range.kind == RANGE_NONE)
        return;
    for (int64_t total = 0; total < 100; total += 33) {
        if (!conditional_rows(&range, total, &offset, &count))
            continue;
        if (offset < 0 || count <= 0 || offset + count > total)
            abort();
    }
}

/* Where a tag is named it stands, or a star does; what names it strongly names it weakly, too. */
static void
as_tags(const char *text)
{
    static const char tag[] = "\"tag\"";
    bool weak = conditional_none_match(text, tag);
    bool strong = conditional_match(text, tag);
    if ((strong && !weak) || (weak && !strchr(text, '*') && !strstr(text, tag)))
        abort();
    if (conditional_if_range(text, tag) && !strong)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = { "application/json", "text/csv",
                                         "application/vnd.msgpack" };
    own(mem) text = mem_copy((const char *)data, size);
    int chosen = negotiate_type(text, types, 3);
    if (chosen < -1 || chosen > 2)
        abort();
    if (negotiate_encoding(text) > ENCODING_ZSTD)
        abort();
    as_tags(text);
    as_range(text);
    return 0;
}

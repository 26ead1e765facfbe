/* fuzz_fill.c - any template with any message (the input's two halves, a NUL between them): the
 * filled text has the template's statements, neither more nor fewer, of the same kinds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/fill.h"
#include "common/sqltext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    err_t err = { .kind = ERR_NONE };
    own(mem) both = mem_copy(data, size);
    size_t half = strlen(both);
    fill_values_t values = { .job_id = "00000000-0000-7000-8000-000000000000",
                             .error_message = half < size ? both + half + 1 : "" };
    own(mem) filled = fill_template(both, &values);
    if (!strstr(both, "<%="))
        assert(strcmp(filled, both) == 0);

    own(statements) before = statements_split(both, &err);
    own(statements) after = statements_split(filled, &err);
    if (!before)
        return 0;
    assert(after && after->count == before->count);
    return 0;
}

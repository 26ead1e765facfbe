/* fuzz_params.c - parameters as a stranger writes them: JSON ("{...}", or "[...]") that is read
 * comes back from the store as it was; any other bytes are read as what the store holds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/json_params.h"
#include "api/order_param.h"
#include "common/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_same(const order_param_t *given, const param_t *stored)
{
    assert((given->name != NULL) == (stored->name != NULL));
    assert(!given->name || strcmp(given->name, stored->name) == 0);
    assert((given->value != NULL) == (stored->value != NULL));
    assert(!given->value
           || (given->size == stored->size && strcmp(given->value, stored->value) == 0));
    assert((given->type != NULL) == (stored->oid != 0));
}

/* What is given is stored, and found by its name or number. */
static void
check_stored(const order_t *order)
{
    err_t err = { .kind = ERR_NONE };
    own(mem) packed = order_params_pack(order);
    if (!packed)
        return;
    own(params) stored = params_unpack(packed, &err);
    assert(stored && stored->count == order->param_count);
    for (uint32_t i = 0; i < stored->count; i++) {
        const char *name = stored->list[i].name;
        check_same(&order->params[i], &stored->list[i]);
        assert((name ? params_named(stored, name, strlen(name)) : params_numbered(stored, i + 1))
               == (int32_t)i);
    }
}

static void
read_json(const char *text)
{
    err_t err = { .kind = ERR_NONE };
    own(mem) body = mem_format("{\"params\":%s}", text);
    own(json_doc) doc = json_parse(body, strlen(body), &err);
    if (!doc)
        return;
    json_params_t params;
    if (!json_params_read(&params, json_doc_part(doc, "params"), &err)) {
        assert(err.kind == ERR_INVALID && err.text[0] && !params.list);
        return;
    }
    const order_t order = { .params = params.list, .param_count = params.count };
    if (order_params_check(&order, &err))
        check_stored(&order);
    json_params_clear(&params);
}

static void
read_packed(const char *text)
{
    err_t err = { .kind = ERR_NONE };
    own(params) params = params_unpack(text, &err);
    assert(params || err.kind == ERR_INTERNAL);
    if (!params)
        return;
    assert(params->count >= 1 && params->count <= PARAMS_MOST);
    for (uint32_t i = 0; i < params->count; i++)
        assert(!params->list[i].value || strlen(params->list[i].value) == params->list[i].size);
    own(mem) again = params_pack(params->list, params->count);
    own(params) same = params_unpack(again, &err);
    assert(same && same->count == params->count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    own(mem) text = mem_copy(data, size);
    if (*text == '{' || *text == '[')
        read_json(text);
    else
        read_packed(text);
    return 0;
}

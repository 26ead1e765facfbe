/* fuzz_json.c - a stranger's body through the door to jansson; what is read is written again, and
 * must be readable. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/http_inner.h"
#include "api/json.h"
#include "api/json_dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    char *text;
    size_t size;
} reply_text_t;

static size_t
gather(void *arg, const char *data, size_t size, bool wait)
{
    (void)wait;
    reply_text_t *sink = arg;
    sink->text = mem_grow(sink->text, sink->size + size + 1);
    memcpy(sink->text + sink->size, data, size);
    sink->size += size;
    sink->text[sink->size] = '\0';
    return size;
}

/* {"sql": text} as the writer has it must give the same text. */
static void
round_trip(reply_t *reply, const char *text, size_t text_size)
{
    reply_text_t sink = { 0 };
    frame_t frame = { .old = true };
    json_t json;
    err_t err;
    reply_begin(reply, gather, &sink, &frame, false);
    json_init(&json, reply);
    json_begin(&json);
    json_name(&json, "sql");
    json_bytes(&json, text, text_size);
    json_end(&json);
    reply_end(reply);
    const char *body = strstr(sink.text, "\r\n\r\n") + 4;
    own(json_doc) doc = json_parse(body, (size_t)(sink.text + sink.size - body), &err);
    assert(doc);
    size_t again = 0;
    const char *read = json_doc_text(doc, "sql", &again);
    assert(again == text_size && memcmp(read, text, again) == 0);
    free(sink.text);
}

/* A value that was written is read as one that is written alike. */
static void
dumped_again(json_part_t part)
{
    err_t err;
    sink_t once = { 0 };
    sink_t twice = { 0 };
    (void)sink_write(&once, "{\"a\":", 5);
    json_dump(part, &once);
    (void)sink_write(&once, "}", 1);
    own(json_doc) doc = json_parse((const char *)once.data, once.size, &err);
    assert(doc);
    json_dump(json_doc_part(doc, "a"), &twice);
    assert(once.size == twice.size + 6 && memcmp(once.data + 5, twice.data, twice.size) == 0);
    free(once.data);
    free(twice.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static reply_t reply;
    static const char *const known[] = { "sql", NULL };
    err_t err = { .kind = ERR_NONE };
    own(json_doc) doc = json_parse((const char *)data, size, &err);
    if (!doc) {
        assert(err.kind == ERR_INVALID);
        return 0;
    }
    (void)json_doc_unknown(doc, known);
    (void)json_doc_int(doc, "sql");
    size_t text_size = 0;
    const char *text = json_doc_text(doc, "sql", &text_size);
    if (json_doc_kind(doc, "sql") == JSON_KIND_TEXT)
        round_trip(&reply, text, text_size);
    if (json_doc_kind(doc, "sql") != JSON_KIND_MISSING)
        dumped_again(json_doc_part(doc, "sql"));
    return 0;
}

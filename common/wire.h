/* wire.h - the bus messages as structs, and their codec. No IO.
 *
 * schemas/wire/messages.def declares every record and message once; this header turns it into
 * structs (wire_offer_t, wire_hello_t, ...), wire.c into packing and reading. Reading is bounded
 * (unpack.h): a list's count is checked against the bytes that are left, a record is at least one
 * byte. Texts and bytes of a message that was read point into its frame, which the message owns.
 * Fields that an older peer does not send yet read as zero, empty, false or no records.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include "common/err.h"
#include "common/jobid.h"
#include "common/unpack.h"

enum {
    WIRE_VERSION = 1,         /* spoken; one version back is understood */
    WIRE_LIST_MOST = 4096,    /* records in one list */
    WIRE_SIZE_MOST = 1 << 20, /* bytes of a message */
};

/* What became of a dispatched job, in a release. */
typedef enum {
    RELEASE_FINISHED = 0, /* it ran here; its end is in the store, or on its way */
    RELEASE_LOST = 1,     /* the claim failed: somebody else has it, or it is over */
    RELEASE_LATER = 2,    /* pending again, or still, for a reason of its own: offer it later */
    RELEASE_AWAY = 3,     /* still pending, and never started: its source cannot be reached */
    RELEASE_LINE = 4,     /* the claim failed, and it has a queue key: another one of its line may
                             have it, if it is not somebody else's, or over: ask the store */
} release_verdict_t;

typedef jobid_t wire_id_t;
typedef uint32_t wire_u32_t;
typedef uint64_t wire_u64_t;
typedef int64_t wire_i64_t;
typedef bool wire_flag_t;
typedef view_t wire_text_t;
typedef view_t wire_bytes_t;

/* clang-format off */
/* A message may have no fields at all, hence the extension. */
#define RECORD(record) typedef struct {
#define RECORD_END(record) } wire_##record##_t;
#define MSG(tag, message) __extension__ typedef struct {
#define MSG_END(message) } wire_##message##_t;
#define FIELD(kind, field) wire_##kind##_t field;
#define LIST(record, field)                                                                        \
    wire_##record##_t *field;                                                                      \
    uint32_t field##_count;
#include "schemas/wire/messages.def"

typedef enum {
#define MSG(tag, message) WIRE_##message = tag,
#include "schemas/wire/messages.def"
} wire_tag_t;
/* clang-format on */

typedef struct {
    wire_tag_t tag;
    union {
#define MSG(tag, message) wire_##message##_t message;
#include "schemas/wire/messages.def"
    };
    void *frame_; /* what views point into; NULL for messages that were built here */
} wire_t;

/* View of a C string, for building messages. The text must outlive the message. */
view_t wire_text(const char *text);

/* Message as bytes. Lists (at most WIRE_LIST_MOST records), texts and the message stay the
 * caller's. Caller owns the result. */
uint8_t *wire_pack(const wire_t *message, size_t *size) MUST_USE;

/* Read a message; copies `data`. Fails with ERR_INVALID on anything that is not exactly one message
 * of a known tag, and on list counts over WIRE_LIST_MOST. Caller owns the result. */
wire_t *wire_unpack(const void *data, size_t size, err_t *err) MUST_USE;

/* Free a message that wire_unpack() made. */
void wire_destroy(wire_t **self_p);

/* The message's name, for logs. Static. */
const char *wire_name(wire_tag_t tag);

#endif

/* mail.h - what has gathered for a member in a turn, as messages.
 *
 * One message for each kind of thing, more only where one would be too long. No IO but through
 * `send`; one thread.
 */
#ifndef BROKER_MAIL_H
#define BROKER_MAIL_H

#include "broker/members.h"

/* False: it cannot be sent, and nothing more of this member's is. */
typedef bool (*mail_send_fn)(void *arg, const peer_t *peer, const wire_t *message);

typedef struct {
    mail_send_fn send;
    void *arg;
    uint64_t epoch; /* for dispatches */
} mail_t;

/* Jobs first, then what is to be stopped, then news. False: the member is out of reach, and what
 * was not sent is still there. */
bool mail_send(const mail_t *self, member_t *member) MUST_USE;

/* The same cancels for any member. */
bool mail_cancels(const mail_t *self, const member_t *member, wire_ref_t *refs, uint32_t count)
    MUST_USE;

#endif

/* login.h - how tenants get into sources, as the store has it, remembered for a short while.
 *
 * Asked through the control lane, kept for LOGIN_KEEP_MS (that there is none, for LOGIN_DOUBT_MS:
 * somebody may be adding it just now), dropped when a source refuses it. The
 * password is opened with the key file's key and stays in memory only as long as the entry. All on
 * the loop's thread.
 */
#ifndef EXECUTOR_LOGIN_H
#define EXECUTOR_LOGIN_H

#include "common/lane.h"
#include "common/seal.h"
#include "executor/session.h"

enum { LOGIN_KEEP_MS = 10000, LOGIN_DOUBT_MS = 100, LOGINS_MOST = 256 };

typedef struct logins logins_t;

typedef enum {
    LOGIN_KNOWN,
    LOGIN_ASKED,  /* `answered` is called when the store has spoken: ask again */
    LOGIN_NONE,   /* there is no way in: err */
    LOGIN_FAILED, /* the store could not say: err, later may help */
} login_verdict_t;

/* Keeps the lane and `key` (NULL: there is no key, sealed passwords cannot be opened). Caller owns
 * the result. */
logins_t *logins_new(lane_t *control, const seal_key_t *key, void (*answered)(void *arg), void *arg)
    MUST_USE;
void logins_destroy(logins_t **self_p);

/* `access` points into self until the next call. */
login_verdict_t logins_ask(logins_t *self, const char *tenant, const char *source, access_t *access,
                           err_t *err) MUST_USE;

/* The same for a session beside one that stands: what is known is good enough, however old. */
login_verdict_t logins_recall(logins_t *self, const char *tenant, const char *source,
                              access_t *access, err_t *err) MUST_USE;

/* The source refused it: ask the store anew next time. */
void logins_drop(logins_t *self, const char *tenant, const char *source);

#endif

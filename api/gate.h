/* gate.h - who is asking.
 *
 * A key comes as `Authorization: Bearer mr1.<id>.<secret>`; as `Authorization: Basic`, the user
 * being the key id, `<key id>@api` or the tenant's name, and the password the secret or the whole
 * key; or whole, as the query parameter api_key.
 * Authorization wins over api_key. Whatever is wrong with a key, the answer is the same: nobody
 * learns from it whether a key id, a tenant or only the secret was unknown.
 */
#ifndef API_GATE_H
#define API_GATE_H

#include "api/engine.h"
#include "api/http.h"

/* What a request says of its key: claims that nothing has checked yet. */
typedef struct {
    char key_id[64];
    char secret[256];
    char tenant[64]; /* that the key must belong to; "": any */
    bool bare;       /* Basic with a secret alone: the user, in key_id, may be a tenant as well */
} claim_t;

/* Read a request's key. Fails with ERR_NO_KEY. */
bool gate_claim(const request_t *request, claim_t *claim, err_t *err) MUST_USE;

/* What an `Authorization: Basic` says, taken at its word. */
typedef struct {
    char user[64];
    char password[256];
} basic_t;

typedef enum {
    BASIC_NONE,  /* there is no such header, or it is of another scheme */
    BASIC_THERE, /* user and password are filled in */
    BASIC_BAD,   /* there is one that cannot be read, or is longer than any key */
} basic_verdict_t;

/* For dialects that find out by themselves who asks. */
basic_verdict_t gate_basic(const request_t *request, basic_t *basic) MUST_USE;

/* Who asks? Fails with ERR_NO_KEY, and ERR_UNAVAILABLE when it cannot be told now. */
bool gate_caller(engine_t *engine, const request_t *request, caller_t *caller, err_t *err) MUST_USE;

#endif

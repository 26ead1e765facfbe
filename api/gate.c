#include "api/gate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/key.h"

enum { CREDENTIALS_MOST = 400 }; /* characters of "user:password" */

static bool
no_key(err_t *err)
{
    return err_set(err, ERR_NO_KEY, "a valid API key is needed");
}

/* Copies `text` when it fits. */
static bool
copy(char *to, size_t room, const char *text)
{
    size_t size = strlen(text);
    if (size >= room)
        return false;
    memcpy(to, text, size + 1);
    return true;
}

static bool
claim_whole(const char *text, claim_t *claim)
{
    apikey_t key;
    return key_parse(text, &key) && copy(claim->key_id, sizeof claim->key_id, key.id)
           && copy(claim->secret, sizeof claim->secret, key.secret);
}

static int
sextet(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* Base64 into a text without NUL; padding may be left out. */
static bool
base64_read(const char *in, char *out, size_t room)
{
    size_t digits = strcspn(in, "=");
    size_t padding = strlen(in) - digits;
    if (padding > 2 || (padding > 0 && (digits + padding) % 4 != 0) || digits % 4 == 1
        || in[digits + strspn(in + digits, "=")] != '\0' || digits / 4 * 3 + 3 > room)
        return false;
    unsigned bits = 0;
    unsigned held = 0;
    size_t used = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = sextet(in[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (unsigned)value) & 0xffff;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        out[used] = (char)(unsigned char)(bits >> held);
        if (out[used++] == '\0')
            return false;
    }
    out[used] = '\0';
    return true;
}

/* Cut "@api" off. */
static void
cut_suffix(char *user)
{
    static const char suffix[] = "@api";
    size_t size = strlen(user);
    if (size >= sizeof suffix && strcmp(user + size - (sizeof suffix - 1), suffix) == 0)
        user[size - (sizeof suffix - 1)] = '\0';
}

static bool
basic_read(const char *text, basic_t *basic)
{
    char credentials[CREDENTIALS_MOST + 4];
    if (!base64_read(text, credentials, sizeof credentials))
        return false;
    char *password = strchr(credentials, ':');
    if (!password)
        return false;
    *password++ = '\0';
    return copy(basic->user, sizeof basic->user, credentials)
           && copy(basic->password, sizeof basic->password, password);
}

static bool
claim_basic(const char *text, claim_t *claim)
{
    basic_t basic;
    if (!basic_read(text, &basic))
        return false;
    cut_suffix(basic.user);
    if (basic.user[0] == '\0' || basic.password[0] == '\0')
        return false;
    if (!claim_whole(basic.password, claim)) {
        claim->bare = true;
        return copy(claim->key_id, sizeof claim->key_id, basic.user)
               && copy(claim->secret, sizeof claim->secret, basic.password);
    }
    return strcmp(basic.user, claim->key_id) == 0
           || copy(claim->tenant, sizeof claim->tenant, basic.user);
}

/* What follows `scheme` and its spaces, or NULL. */
static const char *
after_scheme(const char *value, const char *scheme)
{
    size_t size = strlen(scheme);
    if (strncasecmp(value, scheme, size) != 0 || value[size] != ' ')
        return NULL;
    return value + size + strspn(value + size, " ");
}

static bool
claim_header(const char *value, claim_t *claim)
{
    const char *rest = after_scheme(value, "Bearer");
    if (rest)
        return claim_whole(rest, claim);
    rest = after_scheme(value, "Basic");
    return rest && claim_basic(rest, claim);
}

basic_verdict_t
gate_basic(const request_t *request, basic_t *basic)
{
    const char *header = request_header(request, "Authorization");
    const char *rest = header ? after_scheme(header, "Basic") : NULL;
    if (!rest)
        return BASIC_NONE;
    return basic_read(rest, basic) ? BASIC_THERE : BASIC_BAD;
}

bool
gate_claim(const request_t *request, claim_t *claim, err_t *err)
{
    *claim = (claim_t){ .key_id = "" };
    const char *header = request_header(request, "Authorization");
    if (header)
        return claim_header(header, claim) || no_key(err);
    const char *parameter = request_query(request, "api_key");
    return (parameter && claim_whole(parameter, claim)) || no_key(err);
}

bool
gate_caller(engine_t *engine, const request_t *request, caller_t *caller, err_t *err)
{
    claim_t claim;
    if (!gate_claim(request, &claim, err))
        return false;
    err_clear(err);
    bool known = (!claim.bare || key_id_valid(claim.key_id))
                 && engine_caller(engine, claim.key_id, claim.secret, caller, err);
    if (!known && claim.bare && err->kind != ERR_UNAVAILABLE)
        known = engine_caller_of(engine, claim.key_id, claim.secret, caller, err);
    if (!known)
        return err->kind == ERR_NO_KEY ? no_key(err) : false;
    if (claim.tenant[0] != '\0' && strcmp(claim.tenant, caller->tenant) != 0)
        return no_key(err);
    return true;
}

/* login.c - a bounded list of logins. */
#include "executor/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

typedef struct {
    logins_t *logins;
    char tenant[NAME_SIZE];
    char source[NAME_SIZE];
    bool asking;
    bool stale; /* the source refused it, or nobody has asked yet */
    int64_t known_ms;
    int64_t used_ms;
    login_verdict_t verdict;
    err_t err;
    char *password;
    uint64_t mark;
    write_t write; /* holds what the store said */
} entry_t;

struct logins {
    lane_t *control;
    const seal_key_t *key;
    void (*answered)(void *arg);
    void *arg;
    entry_t *entries[LOGINS_MOST];
    uint32_t count;
};

logins_t *
logins_new(lane_t *control, const seal_key_t *key, void (*answered)(void *arg), void *arg)
{
    logins_t *self = mem_new(sizeof *self);
    self->control = control;
    self->key = key;
    self->answered = answered;
    self->arg = arg;
    return self;
}

static void
forget(entry_t *entry)
{
    if (entry->password)
        explicit_bzero(entry->password, strlen(entry->password));
    free(entry->password);
    entry->password = NULL;
    write_clear(&entry->write);
}

static void
entry_destroy(entry_t *entry)
{
    lane_forget(entry->logins->control, entry);
    forget(entry);
    free(entry);
}

void
logins_destroy(logins_t **self_p)
{
    logins_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        entry_destroy(self->entries[i]);
    free(self);
    *self_p = NULL;
}

/* --- what the store said --- */

static uint64_t
mark_bytes(uint64_t mark, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        mark = (mark ^ at[i]) * UINT64_C(0x100000001b3);
    return mark;
}

/* FNV-1a over the login: a change of any part of it is another one. */
static uint64_t
mark_login(const login_t *login)
{
    uint64_t mark = UINT64_C(0xcbf29ce484222325);
    mark = mark_bytes(mark, login->driver, strlen(login->driver) + 1);
    mark = mark_bytes(mark, login->dsn, strlen(login->dsn) + 1);
    mark = mark_bytes(mark, login->role, strlen(login->role) + 1);
    return mark_bytes(mark, login->sealed, login->sealed_size);
}

static login_verdict_t
read_login(entry_t *entry)
{
    const login_t *login = entry->write.found;
    if (entry->write.verdict != WRITE_DONE || !login) {
        entry->err = entry->write.err;
        return entry->err.kind == ERR_NOT_FOUND ? LOGIN_NONE : LOGIN_FAILED;
    }
    const seal_key_t *key = entry->logins->key;
    if (!key) {
        err_set(&entry->err, ERR_INVALID, "this executor has no key file to open passwords with");
        return LOGIN_NONE;
    }
    entry->password = seal_open(key, login->sealed, login->sealed_size, &entry->err);
    if (!entry->password) {
        err_wrap(&entry->err, "opening the login's password");
        return LOGIN_NONE;
    }
    entry->mark = mark_login(login);
    return LOGIN_KNOWN;
}

static void
on_answer(write_t *write)
{
    entry_t *entry = write->owner;
    entry->asking = false;
    entry->known_ms = clock_mono_ms();
    entry->verdict = read_login(entry);
    entry->logins->answered(entry->logins->arg);
}

/* --- asking --- */

static entry_t *
find(const logins_t *self, const char *tenant, const char *source)
{
    for (uint32_t i = 0; i < self->count; i++) {
        entry_t *entry = self->entries[i];
        if (strcmp(entry->tenant, tenant) == 0 && strcmp(entry->source, source) == 0)
            return entry;
    }
    return NULL;
}

/* A place for one more: where all are taken, that of the one not used for longest. */
static entry_t **
place(logins_t *self)
{
    if (self->count < LOGINS_MOST)
        return &self->entries[self->count++];
    entry_t **oldest = &self->entries[0];
    for (uint32_t i = 1; i < self->count; i++) {
        if (self->entries[i]->used_ms < (*oldest)->used_ms)
            oldest = &self->entries[i];
    }
    entry_destroy(*oldest);
    return oldest;
}

static entry_t *
add(logins_t *self, const char *tenant, const char *source)
{
    entry_t *entry = mem_new(sizeof *entry);
    entry->logins = self;
    entry->stale = true;
    snprintf(entry->tenant, NAME_SIZE, "%s", tenant);
    snprintf(entry->source, NAME_SIZE, "%s", source);
    *place(self) = entry;
    return entry;
}

static void
ask(entry_t *entry)
{
    forget(entry);
    entry->asking = true;
    entry->stale = false;
    entry->write = (write_t){ .kind = WRITE_LOGIN,
                              .done = on_answer,
                              .owner = entry,
                              .in.login = { .tenant = entry->tenant, .source = entry->source } };
    lane_write(entry->logins->control, &entry->write);
}

static void
show(const entry_t *entry, access_t *access)
{
    const login_t *login = entry->write.found;
    *access = (access_t){ .driver = login->driver,
                          .dsn = login->dsn,
                          .role = login->role,
                          .password = entry->password,
                          .mark = entry->mark };
}

login_verdict_t
logins_ask(logins_t *self, const char *tenant, const char *source, access_t *access, err_t *err)
{
    entry_t *entry = find(self, tenant, source);
    if (!entry)
        entry = add(self, tenant, source);
    int64_t now_ms = clock_mono_ms();
    int64_t keep_ms = entry->verdict == LOGIN_KNOWN ? LOGIN_KEEP_MS : LOGIN_DOUBT_MS;
    entry->used_ms = now_ms;
    if (!entry->asking && (entry->stale || now_ms - entry->known_ms > keep_ms))
        ask(entry);
    if (entry->asking)
        return LOGIN_ASKED;
    if (entry->verdict != LOGIN_KNOWN) {
        *err = entry->err;
        return entry->verdict;
    }
    show(entry, access);
    return LOGIN_KNOWN;
}

login_verdict_t
logins_recall(logins_t *self, const char *tenant, const char *source, access_t *access, err_t *err)
{
    entry_t *entry = find(self, tenant, source);
    if (!entry || entry->asking || entry->stale || entry->verdict != LOGIN_KNOWN)
        return logins_ask(self, tenant, source, access, err);
    entry->used_ms = clock_mono_ms();
    show(entry, access);
    return LOGIN_KNOWN;
}

void
logins_drop(logins_t *self, const char *tenant, const char *source)
{
    entry_t *entry = find(self, tenant, source);
    if (entry)
        entry->stale = true;
}

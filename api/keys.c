#include "api/keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/gather.h"

enum { BUCKETS = 4096, AWAY_MS = 250, NONE = -1 };

typedef struct {
    char id[KEYS_ID_SIZE];
    key_owner_t owner;
    int64_t asked_ms;
    int32_t next; /* of its bucket */
} entry_t;

/* A bounded table; the oldest entry gives its place to a new one. */
typedef struct {
    entry_t *entries;
    int32_t count;
    int32_t room;
    int32_t most;
    int32_t oldest; /* once it is full */
    int32_t buckets[BUCKETS];
} table_t;

struct keys {
    int64_t fresh_ms;
    keys_find_fn find;
    void *arg;
    gather_t *gather;
    pthread_mutex_t lock;
    /* guarded by lock */
    table_t known;
    table_t unknown;
};

/* A question to the store. */
typedef struct {
    const char *id;
    int64_t now_ms;
    key_owner_t owner;
} question_t;

static void
table_init(table_t *self, int32_t most)
{
    self->most = most;
    for (int i = 0; i < BUCKETS; i++)
        self->buckets[i] = NONE;
}

static int32_t *
table_bucket(table_t *self, const char *id)
{
    uint32_t hash = 2166136261U;
    for (const char *at = id; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619U;
    return &self->buckets[hash % BUCKETS];
}

static entry_t *
table_find(table_t *self, const char *id)
{
    for (int32_t i = *table_bucket(self, id); i != NONE; i = self->entries[i].next) {
        if (strcmp(self->entries[i].id, id) == 0)
            return &self->entries[i];
    }
    return NULL;
}

static void
table_unlink(table_t *self, int32_t index)
{
    int32_t *at = table_bucket(self, self->entries[index].id);
    while (*at != index)
        at = &self->entries[*at].next;
    *at = self->entries[index].next;
}

/* A place for a new entry. */
static int32_t
table_place(table_t *self)
{
    if (self->count == self->most) {
        int32_t index = self->oldest;
        self->oldest = (self->oldest + 1) % self->most;
        table_unlink(self, index);
        return index;
    }
    if (self->count == self->room) {
        self->room = self->room == 0 ? 16 : self->room * 2;
        if (self->room > self->most)
            self->room = self->most;
        self->entries = mem_grow(self->entries, (size_t)self->room * sizeof *self->entries);
    }
    return self->count++;
}

static void
table_put(table_t *self, const char *id, const key_owner_t *owner, int64_t now_ms)
{
    entry_t *entry = table_find(self, id);
    if (!entry) {
        int32_t index = table_place(self);
        entry = &self->entries[index];
        memcpy(entry->id, id, strlen(id) + 1);
        int32_t *bucket = table_bucket(self, id);
        entry->next = *bucket;
        *bucket = index;
    }
    entry->owner = *owner;
    entry->asked_ms = now_ms;
}

typedef enum { CACHE_KNOWN, CACHE_UNKNOWN, CACHE_SILENT } cache_t;

static cache_t
look(keys_t *self, const char *id, int64_t now_ms, key_owner_t *owner)
{
    cache_t answer = CACHE_SILENT;
    pthread_mutex_lock(&self->lock);
    const entry_t *known = table_find(&self->known, id);
    const entry_t *unknown = table_find(&self->unknown, id);
    if (known && now_ms - known->asked_ms < self->fresh_ms) {
        *owner = known->owner;
        answer = CACHE_KNOWN;
    } else if (unknown && now_ms - unknown->asked_ms < KEYS_UNKNOWN_MS) {
        answer = CACHE_UNKNOWN;
    }
    pthread_mutex_unlock(&self->lock);
    return answer;
}

static bool
say_unknown(err_t *err)
{
    return err_set(err, ERR_NO_KEY, "no such API key");
}

/* One question, unless the one before it was the same. */
static void
ask(keys_t *self, question_t *question, err_t *err)
{
    switch (look(self, question->id, question->now_ms, &question->owner)) {
    case CACHE_KNOWN: return;
    case CACHE_UNKNOWN: say_unknown(err); return;
    case CACHE_SILENT: break;
    }
    bool found = self->find(self->arg, question->id, &question->owner, err);
    if (!found && err->kind != ERR_NO_KEY)
        return;
    if (found)
        err_clear(err); /* it may tell of a first try that failed */
    static const key_owner_t nobody;
    pthread_mutex_lock(&self->lock);
    table_put(found ? &self->known : &self->unknown, question->id,
              found ? &question->owner : &nobody, question->now_ms);
    pthread_mutex_unlock(&self->lock);
}

static bool
ask_all(void *arg, gather_ask_t *const *asks, uint32_t count, err_t *err)
{
    keys_t *self = arg;
    for (uint32_t i = 0; i < count; i++) {
        ask(self, asks[i]->item, &asks[i]->err);
        if (asks[i]->err.kind == ERR_UNAVAILABLE) {
            *err = asks[i]->err; /* and the others need not try */
            return false;
        }
    }
    return true;
}

keys_t *
keys_new(int64_t fresh_ms, keys_find_fn find, void *arg, err_t *err)
{
    keys_t *self = mem_new(sizeof *self);
    self->fresh_ms = fresh_ms;
    self->find = find;
    self->arg = arg;
    table_init(&self->known, KEYS_KNOWN_MOST);
    table_init(&self->unknown, KEYS_UNKNOWN_MOST);
    pthread_mutex_init(&self->lock, NULL);
    gather_options_t options = { .name = "keys", .run = ask_all, .away_ms = AWAY_MS, .arg = self };
    self->gather = gather_new(&options, err);
    if (!self->gather)
        keys_destroy(&self);
    return self;
}

void
keys_destroy(keys_t **self_p)
{
    keys_t *self = take(*self_p);
    if (!self)
        return;
    gather_destroy(&self->gather);
    pthread_mutex_destroy(&self->lock);
    free(self->known.entries);
    free(self->unknown.entries);
    free(self);
}

/* Who has this id, by what is remembered or by what the store says? */
static bool
owner_of(keys_t *self, question_t *question, err_t *err)
{
    if (question->id[0] == '\0' || strlen(question->id) >= KEYS_ID_SIZE)
        return say_unknown(err);
    switch (look(self, question->id, question->now_ms, &question->owner)) {
    case CACHE_KNOWN: return true;
    case CACHE_UNKNOWN: return say_unknown(err);
    case CACHE_SILENT: break;
    }
    return gather_call(self->gather, question, err)
           || (err->kind == ERR_NO_KEY ? say_unknown(err) : false);
}

bool
keys_owner(keys_t *self, const char *key_id, const char *secret, int64_t now_ms, key_owner_t *owner,
           err_t *err)
{
    uint8_t hash[KEY_HASH_SIZE];
    key_hash(secret, hash);
    question_t question = { .id = key_id, .now_ms = now_ms };
    if (!owner_of(self, &question, err))
        return false;
    if (!key_hash_equal(hash, question.owner.hash))
        return say_unknown(err);
    *owner = question.owner;
    return true;
}

bool
keys_known(keys_t *self, const char *key_id, int64_t now_ms, err_t *err)
{
    question_t question = { .id = key_id, .now_ms = now_ms };
    return owner_of(self, &question, err);
}

#include "api/terms.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/gather.h"

enum { NAME_SIZE = 64, SETS = 1024, WAYS = 4, AWAY_MS = 250 };

typedef struct {
    char tenant[NAME_SIZE]; /* "": an empty place */
    char alias[NAME_SIZE];
    terms_t terms;
    int64_t asked_ms;
} place_t;

struct terms_cache {
    int64_t fresh_ms;
    terms_find_fn find;
    void *arg;
    gather_t *gather;
    pthread_mutex_t lock;
    /* guarded by lock */
    place_t places[SETS][WAYS];
};

/* A question to the store. */
typedef struct {
    const char *tenant;
    const char *alias;
    int64_t now_ms;
    terms_t terms;
} question_t;

static uint32_t
mix(uint32_t hash, const char *text)
{
    for (const char *at = text; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619U;
    return hash * 16777619U; /* so that "ab", "c" is not "a", "bc" */
}

static place_t *
places_of(terms_cache_t *self, const question_t *question)
{
    return self->places[mix(mix(2166136261U, question->tenant), question->alias) % SETS];
}

/* With the lock held. */
static place_t *
place_of(terms_cache_t *self, const question_t *question)
{
    place_t *places = places_of(self, question);
    for (int i = 0; i < WAYS; i++) {
        if (strcmp(places[i].tenant, question->tenant) == 0
            && strcmp(places[i].alias, question->alias) == 0)
            return &places[i];
    }
    return NULL;
}

static bool
look(terms_cache_t *self, question_t *question)
{
    pthread_mutex_lock(&self->lock);
    const place_t *place = place_of(self, question);
    bool fresh = place && question->now_ms - place->asked_ms < self->fresh_ms;
    if (fresh)
        question->terms = place->terms;
    pthread_mutex_unlock(&self->lock);
    return fresh;
}

static void
keep(terms_cache_t *self, const question_t *question)
{
    pthread_mutex_lock(&self->lock);
    place_t *place = place_of(self, question);
    if (!place) {
        place = places_of(self, question);
        for (int i = 1; i < WAYS; i++) {
            place_t *other = &places_of(self, question)[i];
            if (other->asked_ms < place->asked_ms)
                place = other;
        }
    }
    memcpy(place->tenant, question->tenant, strlen(question->tenant) + 1);
    memcpy(place->alias, question->alias, strlen(question->alias) + 1);
    place->terms = question->terms;
    place->asked_ms = question->now_ms;
    pthread_mutex_unlock(&self->lock);
}

/* One question, unless one that came just before it was the same. */
static bool
ask_all(void *arg, gather_ask_t *const *asks, uint32_t count, err_t *err)
{
    terms_cache_t *self = arg;
    for (uint32_t i = 0; i < count; i++) {
        question_t *question = asks[i]->item;
        if (look(self, question))
            continue;
        if (self->find(self->arg, question->tenant, question->alias, &question->terms,
                       &asks[i]->err)) {
            err_clear(&asks[i]->err); /* it may tell of a first try that failed */
            keep(self, question);
        } else if (asks[i]->err.kind == ERR_UNAVAILABLE) {
            *err = asks[i]->err; /* and the others need not try */
            return false;
        }
    }
    return true;
}

terms_cache_t *
terms_cache_new(int64_t fresh_ms, terms_find_fn find, void *arg, err_t *err)
{
    terms_cache_t *self = mem_new(sizeof *self);
    self->fresh_ms = fresh_ms;
    self->find = find;
    self->arg = arg;
    pthread_mutex_init(&self->lock, NULL);
    gather_options_t options = { .name = "terms", .run = ask_all, .away_ms = AWAY_MS, .arg = self };
    self->gather = gather_new(&options, err);
    if (!self->gather)
        terms_cache_destroy(&self);
    return self;
}

void
terms_cache_destroy(terms_cache_t **self_p)
{
    terms_cache_t *self = take(*self_p);
    if (!self)
        return;
    gather_destroy(&self->gather);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

bool
terms_of(terms_cache_t *self, const char *tenant, const char *alias, int64_t now_ms, terms_t *terms,
         err_t *err)
{
    if (strlen(tenant) >= NAME_SIZE || strlen(alias) >= NAME_SIZE)
        return err_set(err, ERR_NOT_FOUND, "no such source");
    question_t question = { .tenant = tenant, .alias = alias, .now_ms = now_ms };
    if (!look(self, &question) && !gather_call(self->gather, &question, err))
        return false;
    *terms = question.terms;
    return true;
}

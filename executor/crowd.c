/* crowd.c - a ring of names. */
#include "executor/crowd.h"

#include <stdio.h>
#include <string.h>

/* The limit of a role, of a database and of the server come under one name. */
bool
crowd_says(const failure_t *failure)
{
    return strcmp(failure->sqlstate, "53300") == 0;
}

static uint32_t
find(const crowds_t *self, const char *tenant, const char *source)
{
    uint32_t i = 0;
    while (
        i < CROWDS_MOST
        && (strcmp(self->list[i].tenant, tenant) != 0 || strcmp(self->list[i].source, source) != 0))
        i++;
    return i;
}

void
crowd_note(crowds_t *self, const char *tenant, const char *source, int64_t now_ms)
{
    uint32_t i = find(self, tenant, source);
    if (i == CROWDS_MOST) {
        i = self->next;
        self->next = (self->next + 1) % CROWDS_MOST;
    }
    snprintf(self->list[i].tenant, CROWD_NAME_SIZE, "%s", tenant);
    snprintf(self->list[i].source, CROWD_NAME_SIZE, "%s", source);
    self->list[i].until_ms = now_ms + CROWD_MS;
}

bool
crowd_is(const crowds_t *self, const char *tenant, const char *source, int64_t now_ms)
{
    uint32_t i = find(self, tenant, source);
    return i < CROWDS_MOST && now_ms < self->list[i].until_ms;
}

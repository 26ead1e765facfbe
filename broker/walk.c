#include "broker/walk.h"

#include <stdlib.h>
#include <string.h>

#include "broker/queue.h"

enum {
    TENANTS_AT_ONCE = 256, /* of one look at who has lines */
    LOOKS_MOST = 16,       /* such looks in a walk; the next one goes on */
    LINES_LEAST = 8,       /* lines read of a tenant */
    WALK_EACH = 1,         /* jobs behind a front that nobody has asked for */
};

/* A line, or, without a key, the end of a tenant's. */
struct haul_line {
    line_name_t name;
    uint32_t from; /* its jobs in the haul */
    uint32_t count;
    bool runs;
    bool more;
};

struct walk {
    uint32_t window;
    uint32_t tenant_lines;
    line_name_t places[WALK_PLACES]; /* where the walk through a tenant's lines goes on */
    uint32_t next_place;             /* the one to be given up when there is no free one */
    char after[sizeof((line_tenant_t *)0)->tenant]; /* the tenant where the last one stopped */
    line_tenant_t tenants[TENANTS_AT_ONCE];
};

/* --- the haul --- */

static struct haul_line *
haul_add(haul_t *self, const line_name_t *name)
{
    if (self->count == self->room) {
        self->room = self->room > 0 ? 2 * self->room : 64;
        self->lines = mem_grow(self->lines, self->room * sizeof *self->lines);
    }
    struct haul_line *line = &self->lines[self->count++];
    *line = (struct haul_line){ .name = *name, .from = self->jobs_count };
    return line;
}

static void
on_line(void *arg, const line_report_t *report)
{
    haul_t *self = arg;
    struct haul_line *line = haul_add(self, report->name);
    line->count = report->count;
    line->runs = report->runs;
    line->more = report->more;
    while (self->jobs_room < self->jobs_count + report->count) {
        self->jobs_room = self->jobs_room > 0 ? 2 * self->jobs_room : 128;
        self->jobs = mem_grow(self->jobs, self->jobs_room * sizeof *self->jobs);
    }
    if (report->count > 0)
        memcpy(self->jobs + self->jobs_count, report->jobs, report->count * sizeof *self->jobs);
    self->jobs_count += report->count;
}

void
haul_deliver(const haul_t *self, const haul_taker_t *taker)
{
    for (uint32_t i = 0; i < self->count; i++) {
        const struct haul_line *line = &self->lines[i];
        const line_report_t report = { .name = &line->name,
                                       .jobs = line->count > 0 ? self->jobs + line->from : NULL,
                                       .count = line->count,
                                       .runs = line->runs,
                                       .more = line->more };
        if (line->name.queue_key[0])
            taker->line(taker->arg, &report);
        else
            taker->told(taker->arg, line->name.tenant, line->more);
    }
}

void
haul_clear(haul_t *self)
{
    free(self->lines);
    free(self->jobs);
    *self = (haul_t){ 0 };
}

/* --- walking --- */

/* A tenant's place; NULL: it has none. */
static line_name_t *
place_of(walk_t *self, const char *tenant)
{
    for (uint32_t i = 0; i < WALK_PLACES; i++) {
        if (strcmp(self->places[i].tenant, tenant) == 0)
            return &self->places[i];
    }
    return NULL;
}

static void
place_keep(walk_t *self, const line_name_t *at)
{
    line_name_t *place = place_of(self, at->tenant);
    if (!place)
        place = place_of(self, "");
    if (!place) {
        place = &self->places[self->next_place];
        self->next_place = (self->next_place + 1) % WALK_PLACES;
    }
    *place = *at;
}

static bool
walk_tenant(walk_t *self, store_t *store, const char *tenant, haul_t *haul, err_t *err)
{
    line_name_t at = { .queue_key = "" };
    memcpy(at.tenant, tenant, strnlen(tenant, sizeof at.tenant - 1));
    line_name_t *place = place_of(self, at.tenant);
    if (place)
        at = *place;
    uint32_t count = 0;
    const line_wish_t wish = { .each = WALK_EACH, .fn = on_line, .arg = haul };
    if (!store_lines_walk(store, &at, self->tenant_lines, &wish, &count, err))
        return false;
    bool more = count == self->tenant_lines;
    if (more)
        place_keep(self, &at);
    else if (place)
        *place = (line_name_t){ .queue_key = "" }; /* the next walk begins at the beginning */
    at.queue_key[0] = '\0';
    haul_add(haul, &at)->more = more || place;
    return true;
}

bool
walk_tenants(walk_t *self, store_t *store, const line_tenant_t *tenants, uint32_t count,
             haul_t *haul, err_t *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!tenants[i].paused && !walk_tenant(self, store, tenants[i].tenant, haul, err))
            return false;
    }
    return true;
}

/* These tenants', until the window is full. */
static bool
walk_some(walk_t *self, store_t *store, uint32_t count, haul_t *haul, err_t *err)
{
    for (uint32_t i = 0; i < count && haul->count < self->window; i++) {
        if (!walk_tenants(self, store, &self->tenants[i], 1, haul, err))
            return false;
        memcpy(self->after, self->tenants[i].tenant, sizeof self->after);
    }
    return true;
}

bool
walk_all(walk_t *self, store_t *store, haul_t *haul, err_t *err)
{
    for (int i = 0; i < LOOKS_MOST && haul->count < self->window; i++) {
        uint32_t count = 0;
        if (!store_line_tenants(store, self->after, self->tenants, TENANTS_AT_ONCE, &count, err)
            || !walk_some(self, store, count, haul, err))
            return false;
        if (haul->count < self->window && count < TENANTS_AT_ONCE) {
            self->after[0] = '\0';
            return true;
        }
    }
    return true;
}

bool
walk_lines(walk_t *self, store_t *store, const line_name_t *names, uint32_t count, haul_t *haul,
           err_t *err)
{
    if (count == 0)
        return true;
    uint32_t each = self->window / count;
    if (each > QUEUE_LINE_MOST)
        each = QUEUE_LINE_MOST;
    const line_wish_t wish = { .each = each > 0 ? each : (uint32_t)WALK_EACH,
                               .fn = on_line,
                               .arg = haul };
    return store_lines_of(store, names, count, &wish, err);
}

/* --- life --- */

walk_t *
walk_new(uint32_t window, uint32_t tenant_window)
{
    walk_t *self = mem_new(sizeof *self);
    self->window = window;
    self->tenant_lines = tenant_window > LINES_LEAST ? tenant_window : (uint32_t)LINES_LEAST;
    return self;
}

void
walk_destroy(walk_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

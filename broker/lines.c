/* lines.c - the table of lines, whose turn it is in each, and what the store is asked about them.
 *
 * What the store says is a little old when it comes: jobs that are known to be over by now are
 * passed over, and what else does not fit is put right by the claim, whose refusal has the store
 * asked again.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "broker/window.h"

#define NOBODY UINT32_MAX /* a runner that is not known */

/* --- the table --- */

static jobid_t
line_key(const char *tenant, const char *queue_key)
{
    char name[sizeof((line_t *)0)->tenant + sizeof((line_t *)0)->queue_key];
    (void)snprintf(name, sizeof name, "%s/%s", tenant, queue_key);
    return jobid_named(name);
}

static uint32_t
line_find(const queue_t *self, const char *tenant, const char *queue_key)
{
    jobid_t key = line_key(tenant, queue_key);
    return idmap_find(self->by_line, &key);
}

/* There is always a place. */
static uint32_t
line_get(queue_t *self, const char *tenant, const char *queue_key)
{
    uint32_t l = line_find(self, tenant, queue_key);
    if (l != IDMAP_NONE)
        return l;
    l = self->lines_free;
    assert(l != NONE);
    if (l >= self->lines_high)
        self->lines_high = l + 1;
    line_t *line = &self->lines[l];
    self->lines_free = line->next;
    *line = (line_t){ .key = line_key(tenant, queue_key), .front = NONE, .known = true };
    memcpy(line->tenant, tenant, strnlen(tenant, sizeof line->tenant - 1));
    memcpy(line->queue_key, queue_key, strnlen(queue_key, sizeof line->queue_key - 1));
    idmap_add(self->by_line, &line->key, l);
    return l;
}

/* Forget it when nothing of it is here; one that is asked for stays, as long as there are not many
 * such. */
static void
line_settle(queue_t *self, uint32_t l)
{
    line_t *line = &self->lines[l];
    if (!line->known)
        return;
    bool bare = line->entries == 0;
    bool gone = bare && (!line->wanted || (!line->bare && self->lines_bare >= QUEUE_BARE_MOST));
    self->lines_bare -= line->bare;
    line->bare = bare && !gone;
    self->lines_bare += line->bare;
    if (!gone)
        return;
    idmap_remove(self->by_line, &line->key);
    heap_clear(&line->heap);
    *line = (line_t){ .next = self->lines_free };
    self->lines_free = l;
}

void
lines_clear(queue_t *self)
{
    self->lines_free = NONE;
    for (uint32_t l = self->places + QUEUE_BARE_MOST; l > 0; l--) {
        heap_clear(&self->lines[l - 1].heap);
        self->lines[l - 1] = (line_t){ .next = self->lines_free };
        self->lines_free = l - 1;
    }
    idmap_clear(self->by_line);
    self->lines_high = self->lines_bare = 0;
}

/* --- entries and their line --- */

static void
line_join(queue_t *self, uint32_t l, uint32_t i)
{
    self->entries[i].line = l;
    self->lines[l].entries++;
    line_settle(self, l);
}

/* True: it was the front. The line is not settled. */
static bool
line_leave(queue_t *self, uint32_t i)
{
    line_t *line = &self->lines[self->entries[i].line];
    bool front = line->front == i;
    if (front)
        line->front = NONE;
    line->entries--;
    self->entries[i].line = NONE;
    return front;
}

void
line_lose(queue_t *self, uint32_t i)
{
    uint32_t l = self->entries[i].line;
    if (l == NONE)
        return;
    line_t *line = &self->lines[l];
    if (line_leave(self, i))
        line->wanted = line->wanted || line->overflow || line->heap.count > 0;
    line_settle(self, l);
}

void
line_ask(queue_t *self, uint32_t l)
{
    if (l == NONE)
        return;
    self->lines[l].wanted = self->doubtful = true;
}

void
line_hurry(queue_t *self, uint32_t l)
{
    if (l != NONE && self->lines[l].known && self->lines[l].wanted)
        self->doubtful = true;
}

void
line_forget(queue_t *self, uint32_t l)
{
    if (l == NONE || !self->lines[l].known)
        return;
    line_t *line = &self->lines[l];
    line->wanted = false;
    line->overflow = true;
    while (line->known && line->heap.count > 0)
        entry_drop(self, line->heap.numbers[line->heap.count - 1]);
    line_settle(self, l);
}

/* --- whose turn it is --- */

/* The front is over: the next one goes. The store is asked for more before there is none left. */
static void
line_advance(queue_t *self, uint32_t l)
{
    line_t *line = &self->lines[l];
    if (line->heap.count > 0) {
        uint32_t i = line->heap.numbers[0];
        entry_leave(self, i);
        if (!entry_admit(self, i))
            return;
        line->front = i;
    }
    if (line->overflow && line->heap.count <= QUEUE_LINE_MOST / 2)
        line_ask(self, l);
    line_settle(self, l);
}

void
line_over(queue_t *self, uint32_t i)
{
    uint32_t l = self->entries[i].line;
    self->entries[i].over = true;
    if (l == NONE)
        return;
    if (line_leave(self, i))
        line_advance(self, l);
    else
        line_settle(self, l);
}

/* May one more of pair `p` stand behind the front? */
static bool
line_has_room(const queue_t *self, uint32_t l, uint32_t p)
{
    const tenant_t *tenant = &self->tenants[self->pairs[p].tenant];
    return self->lines[l].heap.count < QUEUE_LINE_MOST
           && tenant->behind < half(self->limits.tenant_window)
           && self->behind < half(self->limits.window);
}

/* One more behind the front. False: there is no room. */
static bool
line_add(queue_t *self, uint32_t l, const waiting_t *job)
{
    uint32_t p = pair_get(self, job);
    bool room = line_has_room(self, l, p);
    if (room) {
        uint32_t i = entry_make(self, job, p);
        line_join(self, l, i);
        entry_behind(self, i);
    }
    pair_settle(self, p);
    return room;
}

/* --- fresh jobs --- */

/* Does the store hold lines of this tenant that were refused here? Then this one, unless it runs
 * before what waits, is refused, too: it may be of one of these, or would pass them. */
static bool
is_behind(const queue_t *self, const waiting_t *job)
{
    uint32_t t = tenant_find(self, job->tenant);
    if (t == NONE || (!self->tenants[t].lines_more && !self->tenants[t].lines_asked))
        return false;
    uint32_t p = pair_find(self, job);
    return p == NONE || self->pairs[p].heap.count == 0
           || !waiting_before(job, &self->entries[pair_last(&self->pairs[p])].job);
}

static queue_answer_t
line_begin(queue_t *self, const waiting_t *job)
{
    if (is_behind(self, job))
        return QUEUE_REFUSED;
    uint32_t l = line_get(self, job->tenant, job->queue_key);
    uint32_t i = entry_make(self, job, pair_get(self, job));
    line_join(self, l, i);
    if (!entry_admit(self, i))
        return QUEUE_REFUSED;
    self->lines[l].front = i;
    return QUEUE_TAKEN;
}

queue_answer_t
line_offer(queue_t *self, const waiting_t *job)
{
    if (idmap_find(self->by_id, &job->id) != IDMAP_NONE)
        return QUEUE_KNOWN;
    uint32_t l = line_find(self, job->tenant, job->queue_key);
    if (l == IDMAP_NONE)
        return line_begin(self, job);
    line_t *line = &self->lines[l];
    if (line->front == NONE && !line->wanted)
        line_ask(self, l);
    if (!line->overflow && line_add(self, l, job))
        return QUEUE_TAKEN;
    line->overflow = true;
    return QUEUE_REFUSED;
}

/* --- what the store says --- */

/* It is at work somewhere, the store says; who has it is not known. */
static void
entry_elsewhere(queue_t *self, uint32_t i)
{
    pair_t *pair = &self->pairs[self->entries[i].pair];
    list_append(self, i, ENTRY_OUT);
    self->entries[i].runner = NOBODY;
    pair->out++;
    self->tenants[pair->tenant].out++;
    pair_settle(self, self->entries[i].pair);
}

/* Is what we know of this front older than what the store says? */
static bool
is_stale(const queue_t *self, uint32_t i, const waiting_t *job, bool runs)
{
    const entry_t *entry = &self->entries[i];
    if (entry->state == ENTRY_OUT && entry->runner == NOBODY)
        return !runs;
    return runs ? entry->state == ENTRY_WAITING : !entry_echoes(entry, job, self->now_ms);
}

/* The front of a line that is its front no more. */
static void
line_demote(queue_t *self, uint32_t i, const waiting_t *front)
{
    const entry_t *entry = &self->entries[i];
    line_t *line = &self->lines[entry->line];
    uint32_t p = entry->pair;
    line->front = NONE;
    if (entry->state == ENTRY_DONE) {
        (void)line_leave(self, i);
        return;
    }
    if (entry->state == ENTRY_OUT && entry->runner != NOBODY)
        return; /* whoever has it will say what becomes of it */
    bool over = entry->state == ENTRY_OUT || jobid_compare(&entry->job.id, &front->id) < 0;
    if (over || !line_has_room(self, entry->line, p)) {
        line->overflow = line->overflow || !over;
        entry_drop(self, i);
        return;
    }
    entry_leave(self, i);
    entry_behind(self, i);
    pair_settle(self, p);
}

/* This job's line, from which whatever does not go with its being the front is taken away. */
static line_t *
line_clear_for(queue_t *self, const waiting_t *job, bool runs)
{
    if (runs)
        make_room_for_mark(self);
    line_t *line = &self->lines[line_get(self, job->tenant, job->queue_key)];
    uint32_t i = idmap_find(self->by_id, &job->id);
    line->wanted = true; /* it stays known */
    if (line->front != NONE && line->front != i)
        line_demote(self, line->front, job);
    if (i != IDMAP_NONE && is_stale(self, i, job, runs))
        entry_drop(self, i);
    return &self->lines[line_get(self, job->tenant, job->queue_key)];
}

/* This job is the front. NULL: there is no room for it, and the line is forgotten. */
static line_t *
line_turn(queue_t *self, const waiting_t *job, bool runs)
{
    line_t *line = line_clear_for(self, job, runs);
    uint32_t i = idmap_find(self->by_id, &job->id);
    bool known = i != IDMAP_NONE && self->entries[i].state != ENTRY_BEHIND;
    if (i == IDMAP_NONE)
        i = entry_make(self, job, pair_get(self, job));
    else if (!known)
        entry_leave(self, i);
    if (self->entries[i].line == NONE)
        line_join(self, (uint32_t)(line - self->lines), i);
    line->wanted = false;
    if (!known && runs)
        entry_elsewhere(self, i);
    else if (!known && !entry_admit(self, i))
        return NULL;
    line->front = i;
    return line;
}

static bool
is_told(const line_report_t *report, const jobid_t *id)
{
    for (uint32_t k = 0; k < report->count; k++) {
        if (jobid_equal(&report->jobs[k].id, id))
            return true;
    }
    return false;
}

/* Who stands behind the front: take away whom the store has no more, and add whom we did not know.
 */
static void
line_fill(queue_t *self, line_t *line, const line_report_t *report, uint32_t from)
{
    const jobid_t *last = &report->jobs[report->count - 1].id;
    bool more = report->more;
    for (uint32_t k = line->heap.count; k > 0; k--) {
        const jobid_t *id = &self->entries[line->heap.numbers[k - 1]].job.id;
        if (jobid_compare(id, last) > 0)
            more = false; /* who was told of last is not the last one here */
        else if (!is_told(report, id))
            entry_drop(self, line->heap.numbers[k - 1]);
    }
    line->overflow = more || (line->overflow && report->more);
    for (uint32_t k = from; k < report->count; k++) {
        bool known = idmap_find(self->by_id, &report->jobs[k].id) != IDMAP_NONE;
        if (!known && !line_add(self, (uint32_t)(line - self->lines), &report->jobs[k])) {
            line->overflow = true;
            return;
        }
    }
}

/* The store has nothing of it that we do not know to be over. */
static void
line_empty(queue_t *self, const line_report_t *report)
{
    uint32_t l = line_find(self, report->name->tenant, report->name->queue_key);
    if (l == IDMAP_NONE)
        return;
    line_t *line = &self->lines[l];
    line->wanted = line->overflow = report->more;
    uint32_t i = line->front;
    if (i != NONE && self->entries[i].state == ENTRY_OUT && self->entries[i].runner == NOBODY)
        entry_drop(self, i);
    else if (i != NONE && self->entries[i].state == ENTRY_DONE)
        (void)line_leave(self, i);
    if (line->known && line->front == NONE)
        line_advance(self, l);
    else
        line_settle(self, l);
}

/* Is this job known to be over? */
static bool
is_over(const queue_t *self, const jobid_t *id)
{
    uint32_t i = idmap_find(self->by_id, id);
    return i != IDMAP_NONE && self->entries[i].state == ENTRY_DONE && self->entries[i].over;
}

void
queue_line(queue_t *self, const line_report_t *report, int64_t now_ms)
{
    self->now_ms = now_ms;
    uint32_t first = 0;
    while (first < report->count && is_over(self, &report->jobs[first].id))
        first++;
    if (first == report->count) {
        line_empty(self, report);
        return;
    }
    line_t *line = line_turn(self, &report->jobs[first], report->runs && first == 0);
    if (line)
        line_fill(self, line, report, first + 1);
}

queue_answer_t
line_head(queue_t *self, const waiting_t *job)
{
    return line_turn(self, job, false) ? QUEUE_TAKEN : QUEUE_REFUSED;
}

void
queue_lines_told(queue_t *self, const char *tenant, bool more, int64_t now_ms)
{
    self->now_ms = now_ms;
    uint32_t t = tenant_find(self, tenant);
    if (t == NONE)
        return;
    self->tenants[t].lines_asked = false;
    self->tenants[t].lines_more = self->tenants[t].lines_more || more;
}

/* --- what the store is asked --- */

uint32_t
queue_lines_wanted(const queue_t *self, queue_line_t *lines, uint32_t most)
{
    uint32_t count = 0;
    for (uint32_t l = 0; l < self->lines_high && count < most; l++) {
        const line_t *line = &self->lines[l];
        if (line->known && line->wanted)
            lines[count++] = (queue_line_t){ .tenant = line->tenant, .queue_key = line->queue_key };
    }
    return count;
}

uint32_t
queue_lines_short(const queue_t *self, const char **tenants, uint32_t most)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < self->tenants_high && count < most; t++) {
        if (self->tenants[t].lines_asked)
            tenants[count++] = self->tenants[t].name;
    }
    return count;
}

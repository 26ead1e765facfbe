/* lane.c - the queue, the connection, and the life of a batch.
 *
 * idle -> batch taken -> flight out -> answers -> COMMIT and Sync -> (check) -> owners told ->
 * idle. A lost connection sends the flight out again from the beginning; a refused one splits the
 * batch.
 */
#include "common/lane.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/lane_inner.h"
#include "common/log.h"
#include "common/store_inner.h"

enum {
    CONNECT_MS = 3000,
    ANSWER_MS = 10000, /* a store that is silent for longer is given up */
    RETRY_MS = 250,
    LATELY_MS = 3000, /* a flight that is older makes the lane count as down */
    BATCH_BYTES = 8 * 1024 * 1024
};

static void lane_connect(void *arg);
static void flight_send(lane_t *self);

void
write_clear(write_t *write)
{
    free(write->claimed.sql);
    free(write->claimed.ghosts);
    free(write->claimed.params);
    write->claimed = (claimed_t){ 0 };
    free(write->look.manifest);
    steps_free(&write->look.steps, write->look.step_count);
    write->look = (look_t){ 0 };
    free(write->cancelled);
    write->cancelled = NULL;
    write->cancelled_count = 0;
    login_destroy(&write->found);
    write->started_ms = 0;
    write->ended_ms = 0;
    err_clear(&write->err);
}

/* --- the connection --- */

/* After a loss: at once, then at intervals. */
static void
lane_lost(lane_t *self)
{
    loop_unwatch(&self->watch);
    loop_cancel(&self->timer);
    self->connected = false;
    if (self->phase == LANE_CHECKING)
        self->phase = LANE_WRITING;
    bool at_once = self->losses++ == 0;
    self->timer = loop_after(self->loop, at_once ? 0 : RETRY_MS, lane_connect, self);
}

static void
lane_patience_over(void *arg)
{
    lane_t *self = (lane_t *)arg;
    self->timer = NULL;
    log_warn("lane.silent", "as=%s", self->who);
    lane_lost(self);
}

static void
lane_patience(lane_t *self, int64_t ms)
{
    loop_cancel(&self->timer);
    self->timer = loop_after(self->loop, ms, lane_patience_over, self);
}

/* Tell every owner of the flight, in the order of the batch. */
static void
flight_deliver(lane_t *self)
{
    for (uint32_t i = self->from; i < self->to; i++) {
        write_t *write = self->batch[i].write;
        if (!write)
            continue;
        self->batch[i].write = NULL;
        self->load--;
        write->done(write);
    }
}

/* The next part of a batch that was split; false: the batch is over. */
static bool
flight_next(lane_t *self)
{
    if (self->deposed && self->options.deposed)
        self->options.deposed(self->options.arg);
    self->deposed = false;
    self->phase = LANE_WRITING;
    for (self->from = self->to; self->from < self->count; self->from++) {
        self->to = self->from + 1;
        if (self->batch[self->from].write)
            return true;
    }
    self->phase = LANE_IDLE;
    self->count = 0;
    return false;
}

static void
flight_fail(lane_t *self)
{
    write_t *write = self->batch[self->from].write;
    if (!write)
        return;
    write_clear(write);
    write->verdict = WRITE_FAILED;
    write->err = self->err;
}

/* Go on member by member. */
static void
flight_split(lane_t *self)
{
    log_warn("lane.refused", "as=%s writes=%u sqlstate=%s what=\"%s\"", self->who, self->count,
             self->err.sqlstate, self->err.text);
    self->phase = LANE_WRITING;
    self->to = self->from + 1;
}

/* The pipeline is over: what became of it? */
static void
flight_end(lane_t *self)
{
    loop_cancel(&self->timer);
    self->losses = 0;
    if (self->failed && self->to - self->from > 1) {
        flight_split(self);
        flight_send(self);
        return;
    }
    if (self->failed)
        flight_fail(self);
    else if (self->phase == LANE_WRITING && flight_doubtful(self)) {
        self->phase = LANE_CHECKING;
        flight_send(self);
        return;
    }
    flight_deliver(self);
    if (flight_next(self))
        flight_send(self);
}

/* Take all answers that are there. */
static void
flight_read(lane_t *self)
{
    for (uint32_t i = 0; i <= self->step_count; i++) {
        own(pg_result) result = NULL;
        err_t err;
        switch (pg_next(self->pg, &result, &err)) {
        case PG_WAIT: return;
        case PG_RESULT: flight_answer(self, result); break;
        case PG_FAILED:
            self->failed = true;
            self->err = err;
            self->step_next++;
            break;
        case PG_SKIPPED: self->step_next++; break;
        case PG_SYNCED: flight_end(self); return;
        case PG_DEAD:
            log_warn("lane.lost", "as=%s what=\"%s\"", self->who, err.text);
            lane_lost(self);
            return;
        }
    }
}

/* Something in the flight is larger than any statement can be: find out what, or say so. What was
 * queued of the pipeline goes with its connection. */
static void
flight_unfit(lane_t *self, const err_t *err)
{
    self->err = *err;
    if (self->to - self->from > 1) {
        flight_split(self);
        return;
    }
    member_t *member = &self->batch[self->from];
    flight_fail(self);
    member->unfit = true;
}

static void
flight_send(lane_t *self)
{
    err_t err;
    self->sent_ms = clock_mono_ms();
    if (flight_launch(self, &err)) {
        loop_rewatch(self->watch, pg_wants(self->pg));
        lane_patience(self, ANSWER_MS);
        return;
    }
    log_warn("lane.unsent", "as=%s writes=%u what=\"%s\"", self->who, self->to - self->from,
             err.text);
    if (err.kind == ERR_LIMIT)
        flight_unfit(self, &err);
    lane_lost(self);
}

static void
lane_connected(lane_t *self)
{
    self->connected = true;
    loop_cancel(&self->timer);
    if (self->phase != LANE_IDLE)
        flight_send(self);
}

static void
lane_ready(void *arg, unsigned events)
{
    (void)events;
    lane_t *self = (lane_t *)arg;
    err_t err;
    /* The descriptor may change under our hands while connecting. */
    if (!self->connected)
        loop_unwatch(&self->watch);
    pg_state_t state = pg_turn(self->pg, &err);
    if (state == PG_LOST) {
        if (self->connected)
            log_warn("lane.lost", "as=%s what=\"%s\"", self->who, err.text);
        lane_lost(self);
        return;
    }
    if (!self->watch)
        self->watch = loop_watch(self->loop, pg_fd(self->pg), pg_wants(self->pg), lane_ready, self);
    if (state == PG_READY && !self->connected)
        lane_connected(self);
    if (state == PG_BUSY)
        flight_read(self);
    if (self->watch && self->connected)
        loop_rewatch(self->watch, pg_wants(self->pg));
}

static void
lane_connect(void *arg)
{
    lane_t *self = (lane_t *)arg;
    self->timer = NULL;
    err_t err;
    if (!pg_start(self->pg, &err)) {
        lane_lost(self);
        return;
    }
    self->watch = loop_watch(self->loop, pg_fd(self->pg), pg_wants(self->pg), lane_ready, self);
    lane_patience(self, CONNECT_MS);
}

/* --- the batch --- */

/* What makes a write large. */
static size_t
write_bytes(const write_t *write)
{
    switch (write->kind) {
    case WRITE_PAGE:
        return write->in.page.page->size + (write->in.page.draft ? write->in.page.draft->size : 0);
    case WRITE_OUTCOME: return write->in.outcome.manifest_size;
    case WRITE_FINISH: return write->in.ending.manifest_size;
    case WRITE_STEP: return write->in.step.to.manifest_size;
    case WRITE_CLAIM:
    case WRITE_UNCLAIM:
    case WRITE_LOOK:
    case WRITE_LOGIN:
    case WRITE_CANCELS: return 0;
    }
    return 0;
}

/* What is held back is counted anew; what is left over from before waits no more. */
static void
gather_anew(lane_t *self)
{
    self->gathered = 0;
    self->hurried = self->first != NULL;
    loop_cancel(&self->gather);
}

/* Take the next batch from the queue. */
static void
batch_take(lane_t *self)
{
    uint64_t bytes = 0;
    while (self->first && self->count < self->options.batch_most && bytes < BATCH_BYTES) {
        write_t *write = self->first;
        self->first = write->next_;
        write->next_ = NULL;
        bytes += write_bytes(write);
        self->batch[self->count++] = (member_t){ .write = write };
    }
    if (!self->first)
        self->last = NULL;
    self->from = 0;
    self->to = self->count;
    self->phase = LANE_WRITING;
    gather_anew(self);
}

/* The turn ends: whatever it gathered goes out. */
static bool
lane_turn_over(void *arg)
{
    lane_t *self = (lane_t *)arg;
    if (self->connected && self->phase == LANE_IDLE && self->hurried) {
        batch_take(self);
        flight_send(self);
    }
    return false;
}

/* --- what others call --- */

lane_t *
lane_new(const lane_options_t *options)
{
    lane_t *self = (lane_t *)mem_new(sizeof *self);
    self->options = *options;
    self->loop = options->loop;
    self->node = mem_text(options->node);
    self->who = mem_text(options->who);
    self->pg = pg_new(options->dsn, options->who);
    self->options.dsn = NULL;
    self->options.who = self->who;
    self->options.node = self->node;
    if (!self->options.batch_most)
        self->options.batch_most = 1;
    size_t most = self->options.batch_most;
    self->batch = (member_t *)mem_array(most, sizeof *self->batch);
    self->sorted = (member_t **)mem_array(most, sizeof(member_t *));
    /* At most two queries a write, and those around them. */
    self->steps = (step_t *)mem_array(3 * most + 6, sizeof *self->steps);
    self->params = pg_params_new();
    self->number = clock_mono_us(); /* higher than any of a lane before this one */
    loop_before_sleep(self->loop, lane_turn_over, self);
    lane_connect(self);
    return self;
}

void
lane_destroy(lane_t **self_p)
{
    lane_t *self = *self_p;
    if (!self)
        return;
    loop_unwatch(&self->watch);
    loop_cancel(&self->timer);
    loop_cancel(&self->gather);
    pg_destroy(&self->pg);
    pg_params_destroy(&self->params);
    free(self->batch);
    free(self->sorted);
    free(self->steps);
    free(self->node);
    free(self->who);
    free(self);
    *self_p = NULL;
}

/* The turn in which this happens has an end, too. */
static void
gather_over(void *arg)
{
    lane_t *self = (lane_t *)arg;
    self->gather = NULL;
    self->hurried = true;
}

/* It is not the first thing that is heard of its result. */
static bool
can_wait(const write_t *write)
{
    return write->kind == WRITE_PAGE && write->in.page.page->first_row > 0;
}

void
lane_hurry(lane_t *self)
{
    self->hurried = self->first != NULL;
}

void
lane_write(lane_t *self, write_t *write)
{
    if (can_wait(write))
        self->gathered += write->in.page.page->raw_bytes;
    if (!can_wait(write) || self->gathered >= LANE_GATHER_BYTES)
        self->hurried = true;
    else if (!self->hurried && !self->gather)
        self->gather = loop_after(self->loop, LANE_GATHER_MS, gather_over, self);
    write->next_ = NULL;
    if (self->last)
        self->last->next_ = write;
    else
        self->first = write;
    self->last = write;
    self->load++;
}

/* Take the owner's writes out of the queue. */
static void
queue_forget(lane_t *self, const void *owner)
{
    write_t **link = &self->first;
    self->last = NULL;
    while (*link) {
        write_t *write = *link;
        if (write->owner == owner) {
            *link = write->next_;
            self->load--;
            continue;
        }
        self->last = write;
        link = &write->next_;
    }
}

void
lane_forget(lane_t *self, const void *owner)
{
    queue_forget(self, owner);
    if (!self->first)
        gather_anew(self);
    for (uint32_t i = 0; i < self->count; i++) {
        write_t *write = self->batch[i].write;
        if (!write || write->owner != owner)
            continue;
        self->batch[i].write = NULL;
        self->load--;
    }
}

void
lane_incarnation(lane_t *self, int64_t incarnation)
{
    self->options.incarnation = incarnation;
}

uint32_t
lane_load(const lane_t *self)
{
    return self->load;
}

bool
lane_up(const lane_t *self)
{
    if (!self->connected)
        return false;
    return self->phase == LANE_IDLE || clock_mono_ms() - self->sent_ms < LATELY_MS;
}

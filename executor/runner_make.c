/* runner_make.c - the runner's parts, made and destroyed in an order that lets each speak to those
 * it needs. */
#include <stdlib.h>

#include "executor/runner_inner.h"

enum {
    RECORDS_A_SLOT = 3, /* one runs, two may wait for the store */
    TICK_MS = 1000,
};

static lane_t *
make_lane(runner_t *self, const char *what, bool control)
{
    own(mem) who = mem_format("millrace/%s/%s", self->options.name, what);
    const lane_options_t options = { .loop = self->options.loop,
                                     .dsn = self->options.store,
                                     .who = who,
                                     .node = self->options.name,
                                     .incarnation = self->options.incarnation,
                                     .batch_most = self->options.batch_most,
                                     .held = control ? runner_on_held : NULL,
                                     .deposed = runner_on_lane_deposed,
                                     .arg = self };
    return lane_new(&options);
}

static link_t *
make_link(runner_t *self)
{
    const link_options_t options = { .loop = self->options.loop,
                                     .role = "executor",
                                     .name = self->options.name,
                                     .incarnation = (uint64_t)self->options.incarnation,
                                     .keys = self->options.keys,
                                     .silence_ms = self->options.silence_ms,
                                     .message = runner_on_message,
                                     .leader = runner_on_leader,
                                     .arg = self };
    return link_new(&options);
}

static pool_t *
make_pool(const runner_t *self)
{
    own(mem) who = mem_format("millrace/%s", self->options.name);
    const pool_options_t options = { .loop = self->options.loop,
                                     .who = who,
                                     .slots = self->options.slots,
                                     .extra = self->options.sessions_extra,
                                     .connect_timeout_ms = self->options.connect_timeout_ms,
                                     .row_bytes = self->options.row_bytes,
                                     .memory_mib = self->options.memory_mib };
    return pool_new(&options);
}

static cancels_t *
make_cancels(runner_t *self)
{
    const cancels_options_t options = { .control = self->control,
                                        .most = self->options.slots,
                                        .at_hand = runner_on_at_hand,
                                        .asked = runner_on_cancelled,
                                        .arg = self };
    return cancels_new(&options);
}

static void
make_slots(runner_t *self)
{
    self->slots = mem_array(self->options.slots, sizeof(slot_t));
    for (uint32_t i = 0; i < self->options.slots; i++) {
        slot_init(&self->slots[i], &self->kit);
        runner_put_free(self, &self->slots[i]);
    }
}

runner_t *
runner_new(const runner_options_t *options)
{
    runner_t *self = mem_new(sizeof *self);
    self->options = *options;
    uint32_t records = options->slots * RECORDS_A_SLOT;
    credit_init(&self->credit, records * 2);
    self->kit = (kit_t){ .loop = options->loop,
                         .first_page_ms = options->first_page_ms,
                         .page_ms = options->page_ms,
                         .inline_bytes = options->inline_bytes,
                         .page_bytes = options->page_bytes,
                         .page_rows = options->page_rows,
                         .row_bytes = options->row_bytes,
                         .max_attempts = options->max_attempts,
                         .deadline_ms = options->deadline_ms,
                         .statement_timeout_ms = options->statement_timeout_ms,
                         .lease_ms = options->lease_ms,
                         .lease_good = runner_on_lease,
                         .freed = runner_on_freed,
                         .arg = self };
    loop_before_sleep(options->loop, runner_on_turn_end, self);
    self->link = make_link(self);
    const scribe_options_t scribe = {
        .records = records, .paged = slot_paged, .handed_back = runner_on_handed_back, .arg = self
    };
    self->kit.scribe = scribe_new(&scribe);
    self->control = make_lane(self, "control", true);
    self->pages = make_lane(self, "pages", false);
    scribe_lanes(self->kit.scribe, self->control, self->pages);
    self->kit.pool = make_pool(self);
    logins_t *logins = self->kit.logins =
        logins_new(self->control, options->seal, runner_on_login, self);
    self->kit.barriers = barriers_new(options->loop, self->kit.pool, logins, options->slots);
    self->kit.stopper =
        stopper_new(options->loop, self->kit.pool, logins, options->slots, options->stop_grace_ms);
    self->cancels = make_cancels(self);
    make_slots(self);
    self->tick = loop_every(options->loop, TICK_MS, runner_on_tick, self);
    loop_before_sleep(options->loop, runner_on_turn_over, self);
    return self;
}

void
runner_destroy(runner_t **self_p)
{
    runner_t *self = *self_p;
    if (!self)
        return;
    loop_cancel(&self->drain_timer);
    loop_cancel(&self->tick);
    for (uint32_t i = 0; i < self->options.slots; i++)
        slot_clear(&self->slots[i]);
    free(self->slots);
    cancels_destroy(&self->cancels);
    barriers_destroy(&self->kit.barriers);
    stopper_destroy(&self->kit.stopper);
    scribe_destroy(&self->kit.scribe);
    logins_destroy(&self->kit.logins);
    pool_destroy(&self->kit.pool);
    lane_destroy(&self->control);
    lane_destroy(&self->pages);
    link_destroy(&self->link);
    credit_clear(&self->credit);
    free(self);
    *self_p = NULL;
}

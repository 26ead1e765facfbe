/* cancels.c - a question to the store, now and then. */
#include "executor/cancels.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"

struct cancels {
    cancels_options_t options;
    jobid_t *ids;
    write_t write;
    bool looking;
    bool again; /* a hint came meanwhile */
    int64_t looked_ms;
};

static void look(cancels_t *self);

cancels_t *
cancels_new(const cancels_options_t *options)
{
    cancels_t *self = mem_new(sizeof *self);
    self->options = *options;
    self->ids = mem_array(options->most, sizeof *self->ids);
    return self;
}

void
cancels_destroy(cancels_t **self_p)
{
    cancels_t *self = *self_p;
    if (!self)
        return;
    lane_forget(self->options.control, self);
    write_clear(&self->write);
    free(self->ids);
    free(self);
    *self_p = NULL;
}

static void
on_look(write_t *write)
{
    cancels_t *self = write->owner;
    self->looking = false;
    if (write->verdict == WRITE_FAILED)
        log_warn("cancels.unknown", "sqlstate=%s reason=\"%s\"", write->err.sqlstate,
                 write->err.text);
    for (uint32_t i = 0; write->verdict == WRITE_DONE && i < write->cancelled_count; i++)
        self->options.asked(self->options.arg, &write->cancelled[i]);
    write_clear(write);
    if (self->again)
        look(self);
}

static void
look(cancels_t *self)
{
    self->again = false;
    uint32_t count = self->options.at_hand(self->options.arg, self->ids);
    if (count == 0)
        return;
    self->looking = true;
    self->looked_ms = clock_mono_ms();
    self->write = (write_t){ .kind = WRITE_CANCELS,
                             .done = on_look,
                             .owner = self,
                             .in.cancels = { .jobs = self->ids, .count = count } };
    lane_write(self->options.control, &self->write);
}

void
cancels_hint(cancels_t *self)
{
    if (self->looking)
        self->again = true;
    else
        look(self);
}

void
cancels_tick(cancels_t *self, int64_t now_ms)
{
    if (!self->looking && now_ms - self->looked_ms >= CANCELS_MS)
        look(self);
}

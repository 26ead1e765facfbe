/* vigil.c - the calls of the engine that wait for a job's end.
 *
 * The waiter stands before the first look (and before the insert of its own job), so that an end
 * can fall into no gap between them. News of the end is a hint: where more than "done" has to be
 * known, the bus thread itself hands in the read of the job, and the waiting thread wakes once,
 * with the job. Whatever is lost, the job is read again every reread_ms. A job that this node
 * submitted a moment ago needs no first look: its end was told already, or will be. An order whose
 * key was taken before waits for the job that took it.
 */
#include <stdlib.h>

#include "api/engine_inner.h"
#include "common/clock.h"

enum { MS_PER_S = 1000, GONE_MS = 500 }; /* how often to ask whether the client is still there */

/* Flags of a vigil's latch. */
enum {
    STORED = 1, /* the insert is answered */
    ENDED = 2,  /* the job is done, says `change` */
    READ = 4,   /* the read that the bus thread began is answered */
};

typedef struct {
    waiter_t waiter; /* first: tell() gets its address */
    engine_t *engine;
    const patience_t *patience;
    latch_t latch;
    uint32_t awaited; /* flags that have not been seen yet */
    wire_change_t change;
    find_t find; /* by the bus thread */
    gather_ask_t reading;
    bool asked;   /* it was handed in; the waiters' lock guards it */
    bool waits;   /* or does it only look, since too many wait already? */
    bool guessed; /* what is shown was never read: at the end of the time it has to be */
    /* the job's, as far as it is known here; else 0: read it when it is done */
    atomic_int retention_s;
    placing_t placing;
    gather_ask_t storing;
} vigil_t;

/* On the bus thread, the table of waiters locked. */
static void
tell(waiter_t *waiter, const wire_change_t *change)
{
    vigil_t *self = (vigil_t *)waiter;
    bool told = change->state == JOB_DONE && !change->more;
    if (told && !self->find.whole && atomic_load(&self->retention_s) > 0) {
        self->change = *change;
        latch_raise(&self->latch, ENDED);
        return;
    }
    self->asked = true;
    gather_put(self->engine->finds, &self->reading);
}

/* Stand by for the end of a job. It must not move, and must be ended. */
static void
vigil_begin(vigil_t *self, engine_t *engine, const find_t *find, const patience_t *patience,
            bool ours)
{
    self->engine = engine;
    self->patience = patience;
    self->find = *find;
    self->asked = false;
    self->guessed = false;
    self->awaited = ENDED | READ;
    latch_init(&self->latch);
    self->reading = (gather_ask_t){ .item = &self->find, .latch = &self->latch, .flag = READ };
    self->waiter.id = find->id;
    self->waiter.tell = tell;
    self->waits = atomic_fetch_add(&engine->waits, 1) < engine->waits_most;
    courier_await(engine->courier, &self->waiter, ours);
}

static void
vigil_store(vigil_t *self)
{
    self->awaited |= STORED;
    self->storing = (gather_ask_t){
        .item = &self->placing.job,
        .latch = &self->latch,
        .flag = STORED,
        .quiet = !self->placing.job.keyed,
    };
    gather_put(self->engine->submits, &self->storing);
}

/* What is under way writes into this vigil: it is waited for. */
static void
vigil_end(vigil_t *self)
{
    if (!latch_look(&self->latch, ENDED | READ)) /* else it was told, and is out already */
        courier_leave(self->engine->courier, &self->waiter);
    atomic_fetch_sub(&self->engine->waits, 1);
    latch_wait(&self->latch, STORED, -1);
    if (!self->asked)
        return;
    latch_wait(&self->latch, READ, -1);
    job_destroy(&self->find.job);
}

/* Sleep until there is news (*flags) or `until_ms` is there (0). */
static bool
vigil_sleep(vigil_t *self, int64_t until_ms, uint32_t *flags, err_t *err)
{
    const patience_t *patience = self->patience;
    *flags = 0;
    for (;;) {
        int64_t left_ms = until_ms - clock_mono_ms();
        if (left_ms <= 0)
            return true;
        *flags = latch_wait(&self->latch, self->awaited, left_ms < GONE_MS ? left_ms : GONE_MS);
        self->awaited &= ~*flags;
        if (*flags)
            return true;
        if (patience && patience->gone(patience->arg))
            return err_set(err, ERR_TIMEOUT, "the client has gone");
    }
}

/* Put the job as it is now in the place of *job_p; on failure that stays. */
static bool
vigil_look(vigil_t *self, bool was_read, job_t **job_p, err_t *err)
{
    find_t find = { .id = self->find.id, .tenant = self->find.tenant, .whole = self->find.whole };
    find_t *answer = was_read ? &self->find : &find;
    if (was_read && self->reading.err.kind != ERR_NONE) {
        *err = self->reading.err;
        return false;
    }
    if (!was_read && !gather_call(self->engine->finds, &find, err))
        return false;
    job_t *job = engine_found(answer, err);
    if (!job)
        return false;
    job_destroy(job_p);
    *job_p = job;
    self->guessed = false;
    return true;
}

/* What the event says of a job whose tenant was checked. */
static void
believe(job_t *job, const wire_change_t *change, int32_t retention_s)
{
    job->state = JOB_DONE;
    job->attempt = (int32_t)change->attempt;
    job->started_ms = change->started_ms;
    job->ended_ms = change->ended_ms;
    job->rows = change->rows;
    job->expires_ms = change->ended_ms + (int64_t)retention_s * MS_PER_S;
}

/* The job as it stands when it is committed: what is answered if nothing more is learned of it. */
static job_t *
fresh(const submit_t *order)
{
    job_t *job = job_new();
    job->id = order->id;
    free(job->tenant);
    free(job->source);
    free(job->dialect);
    job->tenant = mem_text(order->tenant);
    job->source = mem_text(order->source);
    job->dialect = mem_text(order->dialect);
    job->state = JOB_PENDING;
    job->priority = order->priority;
    job->created_ms = jobid_ms(&order->id);
    job->steps = order->steps ? order->step_count : 1;
    return job;
}

/* The job without a look into the store, when this node knows enough of it. Caller owns the result.
 */
static job_t *
vigil_recall(vigil_t *self)
{
    if (self->find.whole)
        return NULL;
    recent_news_t news;
    recent_state_t known =
        courier_recall(self->engine->courier, &self->find.id, self->find.tenant, &news);
    if (known == RECENT_UNKNOWN)
        return NULL;
    submit_t order = {
        .id = self->find.id, .tenant = self->find.tenant, .source = "", .dialect = ""
    };
    job_t *job = fresh(&order);
    self->guessed = true;
    if (known == RECENT_DONE)
        believe(job, &news.change, news.retention_s);
    return job;
}

/* Sleep and look until *job_p, the caller's own, is final or the time is over. A store that is away
 * meanwhile is an error only if it is away at the end. */
static bool
vigil_keep(vigil_t *self, int64_t deadline_ms, job_t **job_p, err_t *err)
{
    bool good = true;
    while (!job_state_final((*job_p)->state)) {
        int64_t now_ms = clock_mono_ms();
        if (now_ms >= deadline_ms)
            return good;
        int64_t until_ms = now_ms + self->engine->reread_ms;
        uint32_t flags;
        if (!vigil_sleep(self, until_ms < deadline_ms ? until_ms : deadline_ms, &flags, err))
            return false;
        if (flags & ENDED) {
            believe(*job_p, &self->change, self->retention_s);
            return true;
        }
        if ((flags & STORED) && (self->storing.err.kind != ERR_NONE || self->placing.job.existed))
            return true; /* there is no job to wait for, or it is another one */
        if (!(flags & READ) && (flags == STORED || !latch_look(&self->latch, STORED)))
            continue; /* nothing to be read yet */
        good = vigil_look(self, flags & READ, job_p, err);
        if (!good && err->kind != ERR_UNAVAILABLE)
            return false;
    }
    return true;
}

/* A job that was read says what else has to be known to believe that it is done; of steps there is
 * always more. */
static void
vigil_learn(vigil_t *self, const job_t *job)
{
    if (!self->guessed && job->steps == 1)
        atomic_store(&self->retention_s, job->retention_s);
}

static int64_t
deadline(const vigil_t *self, int64_t wait_ms)
{
    int64_t cap_ms = self->waits ? self->engine->wait_cap_ms : 0;
    return clock_mono_ms() + (wait_ms < cap_ms ? wait_ms : cap_ms);
}

job_t *
engine_wait(engine_t *self, const caller_t *caller, const jobid_t *id, int64_t wait_ms, bool whole,
            const patience_t *patience, err_t *err)
{
    if (wait_ms <= 0)
        return engine_find(self, caller, id, whole, err);
    find_t find = { .id = *id, .tenant = caller->tenant, .whole = whole };
    recent_news_t news;
    vigil_t vigil = { .retention_s = 0 };
    if (courier_recall(self->courier, id, caller->tenant, &news) != RECENT_UNKNOWN)
        atomic_init(&vigil.retention_s, news.retention_s);
    vigil_begin(&vigil, self, &find, patience, false);
    int64_t deadline_ms = deadline(&vigil, wait_ms);
    latch_mark(&vigil.latch, STORED); /* long ago, perhaps elsewhere */
    own(job) job = vigil_recall(&vigil);
    if (!job)
        job = engine_find(self, caller, id, whole, err);
    if (job)
        vigil_learn(&vigil, job);
    bool good = job && vigil_keep(&vigil, deadline_ms, &job, err);
    if (good && vigil.guessed && !job_state_final(job->state))
        good = vigil_look(&vigil, false, &job, err);
    vigil_end(&vigil);
    return good ? take(job) : NULL;
}

/* The job is committed: "away" would be taken for "try again", and run it twice. Who only half
 * closed the connection still reads. */
static bool
is_passing(const err_t *err)
{
    return err->kind == ERR_UNAVAILABLE || err->kind == ERR_TIMEOUT;
}

/* Wait for the job that an earlier order of this key has made; `job` stands for it until then. */
static job_t *
run_existing(engine_t *self, const caller_t *caller, job_t *job, int64_t deadline_ms,
             const patience_t *patience, err_t *err)
{
    int64_t left_ms = deadline_ms - clock_mono_ms();
    job_t *found = engine_wait(self, caller, &job->id, left_ms, true, patience, err);
    if (found || !is_passing(err)) {
        job_destroy(&job);
        return found;
    }
    return job;
}

job_t *
engine_run(engine_t *self, const caller_t *caller, const order_t *order, const patience_t *patience,
           err_t *err)
{
    vigil_t vigil = { .retention_s = 0 };
    if (!placing_make(&vigil.placing, self, caller, order, err))
        return NULL;
    find_t find = { .id = vigil.placing.job.id, .tenant = caller->tenant, .whole = true };
    vigil_begin(&vigil, self, &find, patience, true);
    int64_t deadline_ms = deadline(&vigil, self->wait_cap_ms);
    own(job) job = fresh(&vigil.placing.job); /* before the gathering thread writes there */
    vigil_store(&vigil);
    bool good = vigil_keep(&vigil, deadline_ms, &job, err);
    vigil_end(&vigil);
    bool existed = vigil.placing.job.existed;
    jobid_t id = vigil.placing.job.id;
    placing_clear(&vigil.placing);
    if (vigil.storing.err.kind != ERR_NONE) {
        *err = vigil.storing.err;
        return NULL;
    }
    if (existed) {
        job->id = id;
        return run_existing(self, caller, take(job), deadline_ms, patience, err);
    }
    return good || is_passing(err) ? take(job) : NULL;
}

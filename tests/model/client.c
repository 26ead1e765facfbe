/* client.c - API nodes and their clients: submits with and without idempotency keys, answers that
 * are lost on the way, cancels, removals.
 */
#include "tests/model/world.h"

enum { SENDS_MOST = 3 };

/* A new id for this request; requests under one key ask for the same. */
static bool
mint(world_t *w, request_row_t *request)
{
    if (w->job_count == JOBS)
        return false;
    int job = w->job_count++;
    row_t *row = &w->row[job];
    int like = request->like;
    for (int j = 0; j < job && request->key >= 0 && like < 0; j++) {
        if (w->row[j].key == request->key)
            like = j;
    }
    if (like >= 0) {
        const row_t *other = &w->row[like];
        row->steps = other->steps;
        row->source = other->source;
        row->lasts = other->lasts;
        row->waits = other->waits;
        for (int s = 0; s < STEPS; s++)
            row->spec[s] = other->spec[s];
    }
    row->key = request->key;
    request->job = request->like = (int8_t)job;
    return true;
}

static bool
send(world_t *w, request_row_t *request, bool again)
{
    flight_t *flight = flight_new(w, FLIGHT_SUBMIT);
    if (!flight)
        return false;
    flight->request = (int8_t)(request - w->request);
    flight->job = request->job;
    flight->number = again;
    flight->again = again || w->broken != BREAK_submit_plain;
    request->state = ASKING;
    if (w->broken == BREAK_ack)
        w->acked[request->job] = true;
    return true;
}

bool
client_submit(world_t *w)
{
    request_row_t *request = &w->request[roll(w, REQUESTS)];
    if (request->state != ASKING_NOT)
        return false;
    if (!mint(w, request)) {
        request->state = GAVE_UP;
        return true;
    }
    return send(w, request, false);
}

/* The client heard nothing: under a key it may ask again, and another id is made for it. */
bool
client_retry(world_t *w)
{
    request_row_t *request = &w->request[roll(w, REQUESTS)];
    if (request->state != ASKING_AGAIN)
        return false;
    if (++request->sends > SENDS_MOST || !mint(w, request)) {
        request->state = GAVE_UP;
        return true;
    }
    return send(w, request, false);
}

void
client_answered(world_t *w, const flight_t *flight)
{
    request_row_t *request = &w->request[flight->request];
    int job = flight->job;
    if (!w->healing && chance(w, 15)) {
        hit(w, FAULT_reply_lost);
        request->state = request->key >= 0 ? ASKING_AGAIN : GAVE_UP;
        return;
    }
    request->state = ASKED;
    w->acked[job] = true;
    say(w, "client %d is told of job %d", flight->request, job);
    if (chance(w, 70))
        bus_send(w, MESSAGE_OFFER, job, 0, 0);
    /* The answer may have been lost on the way, or the client asks twice. */
    if (request->key >= 0 && !w->healing && chance(w, 20))
        request->state = ASKING_AGAIN;
}

/* The store was cut off: the API asks once more, then says so. */
void
client_unanswered(world_t *w, int r, int job, bool again)
{
    request_row_t *request = &w->request[r];
    request->job = (int8_t)job;
    if (!again && send(w, request, true))
        return;
    request->state = request->key >= 0 ? ASKING_AGAIN : GAVE_UP;
}

static int
any_job(world_t *w)
{
    return w->job_count ? (int)roll(w, w->job_count) : -1;
}

bool
client_cancel(world_t *w)
{
    int job = any_job(w);
    if (job < 0 || !w->store_up || !w->row[job].live)
        return false;
    store_cancel(w, job);
    if (w->row[job].live)
        bus_send(w, MESSAGE_CANCEL, job, 0, 0);
    return true;
}

bool
client_remove(world_t *w)
{
    int job = any_job(w);
    if (job < 0 || !w->store_up || !w->acked[job] || !w->row[job].final)
        return false;
    store_remove(w, job);
    return true;
}

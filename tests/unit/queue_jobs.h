/* queue_jobs.h - jobs for a queue: tenants have short names, jobs are numbers that rise with their
 * ids. */
#ifndef TESTS_UNIT_QUEUE_JOBS_H
#define TESTS_UNIT_QUEUE_JOBS_H

#include <stdio.h>
#include <stdlib.h>

#include "broker/queue.h"
#include "tests/unit/unit.h"

enum { T0 = 1000000, RUNNER = 7 };

/* Job number `n` of a tenant: ids rise with n. */
static waiting_t
a_job(const char *tenant, uint32_t n, int32_t priority)
{
    waiting_t job = { .priority = priority };
    for (int i = 0; i < 4; i++)
        job.id.bytes[2 + i] = (uint8_t)(n >> (24 - 8 * i));
    memcpy(job.id.bytes + 8, tenant, strnlen(tenant, 8));
    snprintf(job.tenant, sizeof job.tenant, "%s", tenant);
    snprintf(job.source, sizeof job.source, "demo");
    return job;
}

/* The same on another source than "demo". */
static inline waiting_t
a_job_on(const char *source, const char *tenant, uint32_t n, int32_t priority)
{
    waiting_t job = a_job(tenant, n, priority);
    snprintf(job.source, sizeof job.source, "%s", source);
    return job;
}

static uint32_t
number(const waiting_t *job)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++)
        n = n << 8 | job->id.bytes[2 + i];
    return n;
}

static queue_t *
a_queue(uint32_t window, uint32_t tenant_window, uint32_t tenant_slots)
{
    queue_limits_t limits = { window, tenant_window, tenant_slots };
    return queue_new(&limits);
}

static queue_answer_t
offer(queue_t *queue, const char *tenant, uint32_t n)
{
    waiting_t job = a_job(tenant, n, 5);
    return queue_offer(queue, &job, T0);
}

static inline void
offer_many(queue_t *queue, const char *tenant, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n < to; n++)
        offer(queue, tenant, n);
}

static inline queue_answer_t
offer_on(queue_t *queue, const char *source, const char *tenant, uint32_t n)
{
    waiting_t job = a_job_on(source, tenant, n, 5);
    return queue_offer(queue, &job, T0);
}

static inline void
release_later(queue_t *queue, const char *tenant, uint32_t n, int64_t later_ms, int64_t now_ms)
{
    queue_release_t release = { .job = a_job(tenant, n, 5).id,
                                .verdict = RELEASE_LATER,
                                .later_ms = later_ms };
    queue_release(queue, &release, now_ms);
}

static inline void
release(queue_t *queue, const char *tenant, uint32_t n, release_verdict_t verdict, int64_t now_ms)
{
    queue_release_t release = { .job = a_job(tenant, n, 5).id, .verdict = verdict };
    queue_release(queue, &release, now_ms);
}

/* Take the next job; its number, or 0 when there is none. */
static inline uint32_t
take_number(queue_t *queue, int64_t now_ms)
{
    const waiting_t *job = queue_head(queue, now_ms);
    uint32_t n = job ? number(job) : 0;
    if (job)
        queue_take(queue, RUNNER, now_ms);
    return n;
}

#endif

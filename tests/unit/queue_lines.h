/* queue_lines.h - jobs with queue keys for a queue: tenant "a" has them all. */
#ifndef TESTS_UNIT_QUEUE_LINES_H
#define TESTS_UNIT_QUEUE_LINES_H

#include "tests/unit/queue_jobs.h"

static waiting_t
a_job_in(const char *queue_key, uint32_t n)
{
    waiting_t job = a_job("a", n, 5);
    snprintf(job.queue_key, sizeof job.queue_key, "%s", queue_key);
    return job;
}

static queue_answer_t
come(queue_t *queue, const char *queue_key, uint32_t n)
{
    waiting_t job = a_job_in(queue_key, n);
    return queue_offer_fresh(queue, &job, T0);
}

static inline void
come_many(queue_t *queue, const char *queue_key, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n < to; n++)
        come(queue, queue_key, n);
}

static inline void
over(queue_t *queue, uint32_t n)
{
    jobid_t id = a_job("a", n, 5).id;
    queue_over(queue, &id, T0);
}

/* What the store says of a line: jobs `from` to the one before `to`, the first its front. */
typedef struct {
    const char *line;
    uint32_t from;
    uint32_t to;
    bool runs;
    bool more;
    int64_t now_ms; /* 0: T0 */
} told_t;

static inline void
hear(queue_t *queue, told_t told)
{
    waiting_t jobs[QUEUE_LINE_MOST + 1];
    line_name_t name = { .tenant = "a" };
    snprintf(name.queue_key, sizeof name.queue_key, "%s", told.line);
    line_report_t report = { .name = &name, .jobs = jobs, .runs = told.runs, .more = told.more };
    for (uint32_t n = told.from; n < told.to && report.count <= QUEUE_LINE_MOST; n++)
        jobs[report.count++] = a_job_in(told.line, n);
    queue_line(queue, &report, told.now_ms ? told.now_ms : T0);
}

/* How many lines are wanted? */
static inline uint32_t
wanted(const queue_t *queue)
{
    queue_line_t lines[8];
    return queue_lines_wanted(queue, lines, 8);
}

#endif

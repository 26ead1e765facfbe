/* clocks.h - how long a job may take, and when it is tried again. Pure; times are monotonic ms.
 *
 * Two clocks run for a claimed job: its deadline, which began when it was submitted, and its
 * statement's timeout, which begins anew with every statement. The lease is another thing (it is
 * the executor's). A clock that does not run is CLOCK_NEVER.
 */
#ifndef EXECUTOR_CLOCKS_H
#define EXECUTOR_CLOCKS_H

#include <stdint.h>

#define CLOCK_NEVER INT64_MAX

enum { BACKOFF_FIRST_MS = 500, BACKOFF_MOST_MS = 30000 };

/* When a job's deadline is: it was submitted `age_ms` ago and may take `own_ms`, or `default_ms`
 * where that is 0. */
int64_t clock_deadline(int64_t now_ms, int64_t age_ms, int64_t own_ms, int64_t default_ms);

/* The first of three timeouts that is given (not 0); 0: none is. */
int64_t clock_timeout(int64_t step_ms, int64_t job_ms, int64_t default_ms);

/* When a timeout that begins now ends; 0 never does. */
int64_t clock_end(int64_t now_ms, int64_t timeout_ms);

/* How long to wait before a job is tried again that was tried `tries` times: twice as long each
 * time, and up to half of it more or less, so that jobs that failed together come back apart.
 * `random`: any number. */
int64_t clock_backoff(int32_t tries, uint32_t random);

#endif

/* log.h - one line per event on stderr: time, level, event id, key=value.
 *
 *     2026-11-21T21:43:00.123Z info job.done job=... attempt=1 rows=1 ms=3
 *
 * The event id is stable and dotted (`room.what`); a line about a job carries `job=`. SQL text,
 * row values, passwords and key secrets are never logged. Any thread may log; a line is one
 * write(2), so lines of threads do not mix.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/err.h"

typedef enum { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } log_level_t;

/* Lines below `level` are dropped from now on. Starts as LOG_INFO. */
void log_level(log_level_t level);

/* Read "debug", "info", "warn" or "error". False when it is none of them. */
bool log_level_parse(const char *word, log_level_t *level) MUST_USE;

void log_event(log_level_t level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

#define log_debug(...) log_event(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_event(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_event(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_ERROR, __VA_ARGS__)

#endif

/* param.h - query parameters that are numbers.
 *
 * Each call leaves its result as it was when the parameter is absent, and fails with ERR_INVALID
 * naming the parameter when it is written wrongly. Pure.
 */
#ifndef API_PARAM_H
#define API_PARAM_H

#include "api/http.h"

/* A whole number from 0 on; one that is too large for an int64_t counts as INT64_MAX. */
bool param_number(const request_t *request, const char *name, int64_t *number, err_t *err) MUST_USE;

/* Seconds from 0 on, with a fraction if there is one ("2.5"), as milliseconds; a million seconds
 * and more count as a million. */
bool param_seconds(const request_t *request, const char *name, int64_t *ms, err_t *err) MUST_USE;

#endif

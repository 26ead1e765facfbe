#include "api/param.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS_MOST = 18, SECONDS_MOST = 1000 * 1000, MS_PER_S = 1000, MS_DIGITS = 3 };

static const char digit[] = "0123456789";

bool
param_number(const request_t *request, const char *name, int64_t *number, err_t *err)
{
    const char *text = request_query(request, name);
    if (!text)
        return true;
    size_t digits = strspn(text, digit);
    if (digits == 0 || text[digits] != '\0')
        return err_set(err, ERR_INVALID, "%s must be a whole number from 0 on", name);
    *number = strtoll(text, NULL, 10); /* INT64_MAX, where it does not fit */
    return true;
}

bool
param_seconds(const request_t *request, const char *name, int64_t *ms, err_t *err)
{
    const char *text = request_query(request, name);
    if (!text)
        return true;
    size_t whole = strspn(text, digit);
    bool point = text[whole] == '.';
    const char *fraction = text + whole + point;
    size_t part = point ? strspn(fraction, digit) : 0;
    if (whole + part == 0 || fraction[part] != '\0')
        return err_set(err, ERR_INVALID, "%s must be a number of seconds from 0 on", name);
    int64_t seconds =
        whole - strspn(text, "0") > DIGITS_MOST ? SECONDS_MOST : strtoll(text, NULL, 10);
    *ms = (seconds < SECONDS_MOST ? seconds : SECONDS_MOST) * MS_PER_S;
    int64_t weight = MS_PER_S;
    for (size_t i = 0; i < part && i < MS_DIGITS; i++) {
        weight /= 10;
        *ms += (fraction[i] - '0') * weight;
    }
    return true;
}

#include "api/digits.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLAIN_LEAST = -4,    /* exponents from which on a float stands without one, */
    PLAIN_MOST = 15,     /* and below which */
    PLAIN_MOST_FOUR = 6, /* for four-byte floats */
    EXACT_DIGITS = 15,   /* that every normal double keeps */
    ENOUGH_DIGITS = 17,  /* that tell every double from its neighbours */
    SCIENTIFIC_SIZE = 40,
    EXACT_SIZE = 400, /* no double, and nothing between two, of 2^52 and more has more digits */
};

static const char pairs[] = "00010203040506070809"
                            "10111213141516171819"
                            "20212223242526272829"
                            "30313233343536373839"
                            "40414243444546474849"
                            "50515253545556575859"
                            "60616263646566676869"
                            "70717273747576777879"
                            "80818283848586878889"
                            "90919293949596979899";

static unsigned
count_of(uint64_t number)
{
    for (unsigned count = 1;; count += 4) {
        if (number < 10)
            return count;
        if (number < 100)
            return count + 1;
        if (number < 1000)
            return count + 2;
        if (number < 10000)
            return count + 3;
        number /= 10000;
    }
}

char *
digits_uint(char *out, uint64_t number)
{
    char *end = out + count_of(number);
    char *at = end;
    while (number >= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10)
        memcpy(out, pairs + 2 * number, 2);
    else
        *out = (char)('0' + number);
    return end;
}

char *
digits_int(char *out, int64_t number)
{
    if (number >= 0)
        return digits_uint(out, (uint64_t)number);
    *out = '-';
    return digits_uint(out + 1, 0 - (uint64_t)number);
}

/* --- floats --- */

/* A number's digits without trailing zeros, and the exponent of the first one. */
typedef struct {
    char digits[ENOUGH_DIGITS + 1];
    int count;
    int exponent;
} decimal_t;

/* Does a text stand for exactly this number, all of whose digits can be printed? */
static bool
is_exactly(const char *text, long double number)
{
    char exact[EXACT_SIZE];
    snprintf(exact, sizeof exact, "%.*Le", EXACT_SIZE - SCIENTIFIC_SIZE, number);
    size_t digits = strcspn(text, "e");
    size_t zeros = strspn(exact + digits, "0");
    return strncmp(text, exact, digits) == 0 && strcmp(text + digits, exact + digits + zeros) == 0;
}

/* Is it just between this number and one of its neighbours? It reads back equal then, if this one
 * is the even one; PostgreSQL takes a digit more. Below 2^52 such texts have more digits. */
static bool
is_between(double number, const char *text)
{
    if (number < 0x1p52)
        return false;
    long double above = ((long double)number + nextafter(number, INFINITY)) / 2;
    long double below = ((long double)number + nextafter(number, 0)) / 2;
    return is_exactly(text, above) || is_exactly(text, below);
}

/* As so many digits; does it read back equal? */
static bool
reads_back(double number, int count, char text[SCIENTIFIC_SIZE])
{
    snprintf(text, SCIENTIFIC_SIZE, "%.*e", count - 1, number);
    return strtod(text, NULL) == number; /* exact on purpose */
}

/* Normal doubles keep 15 digits, so that a shorter form is that of 15 without its zeros. */
static decimal_t
shortest(double number, bool four)
{
    char text[SCIENTIFIC_SIZE];
    int count = number < DBL_MIN ? 1 : EXACT_DIGITS;
    while (!(reads_back(number, count, text) && (four || !is_between(number, text)))
           && count < ENOUGH_DIGITS)
        count++;
    decimal_t decimal = { .count = count };
    decimal.digits[0] = text[0];
    if (count > 1)
        memcpy(decimal.digits + 1, text + 2, (size_t)count - 1);
    decimal.exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0')
        decimal.count--;
    return decimal;
}

static char *
put(char *out, const char *text, int size)
{
    memcpy(out, text, (size_t)size);
    return out + size;
}

static char *
put_zeros(char *out, int count)
{
    memset(out, '0', (size_t)count);
    return out + count;
}

static char *
plain(char *out, const decimal_t *decimal)
{
    int whole = decimal->exponent + 1; /* digits before the point */
    if (whole <= 0) {
        out = put(out, "0.", 2);
        out = put_zeros(out, -whole);
        return put(out, decimal->digits, decimal->count);
    }
    if (whole >= decimal->count) {
        out = put(out, decimal->digits, decimal->count);
        return put_zeros(out, whole - decimal->count);
    }
    out = put(out, decimal->digits, whole);
    *out++ = '.';
    return put(out, decimal->digits + whole, decimal->count - whole);
}

static char *
scientific(char *out, const decimal_t *decimal)
{
    *out++ = decimal->digits[0];
    if (decimal->count > 1) {
        *out++ = '.';
        out = put(out, decimal->digits + 1, decimal->count - 1);
    }
    char text[8];
    int size = snprintf(text, sizeof text, "e%c%02d", decimal->exponent < 0 ? '-' : '+',
                        abs(decimal->exponent));
    return put(out, text, size);
}

char *
digits_float(char *out, double number, bool four)
{
    assert(isfinite(number));
    if (signbit(number)) {
        *out++ = '-';
        number = -number;
    }
    int most = four ? PLAIN_MOST_FOUR : PLAIN_MOST;
    if (number < (four ? 1e6 : 1e15) && number == (double)(uint64_t)number)
        return digits_uint(out, (uint64_t)number);
    decimal_t decimal = shortest(number, four);
    if (decimal.exponent >= PLAIN_LEAST && decimal.exponent < most)
        return plain(out, &decimal);
    return scientific(out, &decimal);
}

#include "api/json_length.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/digits.h"

enum {
    SHORT_ESCAPE = 2, /* \n */
    LONG_ESCAPE = 6,  /* \u001f */
    PLAIN_MOST = 21,  /* digits before the point without an exponent */
    PLAIN_ZEROS = 5,  /* zeros right behind it */
    SURE_DIGITS = 15, /* every number of so many digits is a double of its own, if it is normal */
    ENOUGH_DIGITS = 17,
    NUMBER_SIZE = 40,
    LEAD_FOUR = 0xf0, /* a first byte of four: the character takes two units */
};

/* Integers up to here are doubles. */
static const int64_t exact_most = INT64_C(1) << 53;

/* --- texts --- */

static size_t
character_length(unsigned char byte)
{
    if (byte < ' ')
        return strchr("\b\t\n\f\r", byte) && byte ? SHORT_ESCAPE : LONG_ESCAPE;
    if (byte == '"' || byte == '\\')
        return SHORT_ESCAPE;
    if ((byte & 0xc0) == 0x80)
        return 0; /* counted with its first byte */
    return byte < LEAD_FOUR ? 1 : 2;
}

static size_t
text_length(const char *text, size_t size)
{
    size_t length = 2;
    for (size_t i = 0; i < size; i++)
        length += character_length((unsigned char)text[i]);
    return length;
}

/* --- numbers --- */

/* Does it read back equal with so many digits? */
static bool
reads_back(double number, int count, char text[NUMBER_SIZE])
{
    snprintf(text, NUMBER_SIZE, "%.*e", count - 1, number);
    return strtod(text, NULL) == number; /* exact on purpose */
}

/* As few digits as read back equal: "1.50e+01". */
static void
write_shortest(double number, char text[NUMBER_SIZE])
{
    int least = number < DBL_MIN ? 1 : SURE_DIGITS;
    int most = ENOUGH_DIGITS;
    while (least < most) {
        int count = (least + most) / 2;
        if (reads_back(number, count, text))
            most = count;
        else
            least = count + 1;
    }
    snprintf(text, NUMBER_SIZE, "%.*e", most - 1, number);
}

/* How many digits stand before the exponent, without zeros at the end. */
static int
count_digits(const char *text)
{
    int count = 0;
    int last = 0;
    for (; *text != 'e'; text++) {
        count += *text != '.';
        last = *text != '.' && *text != '0' ? count : last;
    }
    return last;
}

/* As ECMAScript has it (Number::toString): `count` digits, the first one times 10^exponent. */
static size_t
decimal_length(int count, int exponent)
{
    int whole = exponent + 1;
    if (whole > 0 && whole <= PLAIN_MOST)
        return (size_t)(count <= whole ? whole : count + 1);
    if (whole <= 0 && whole >= -PLAIN_ZEROS)
        return (size_t)(count + 2 - whole);
    char digits[DIGITS_MOST];
    size_t power = (size_t)(digits_int(digits, abs(exponent)) - digits);
    return (size_t)(count > 1 ? count + 1 : count) + 2 + power;
}

static size_t
real_length(double number)
{
    char text[NUMBER_SIZE];
    write_shortest(fabs(number), text);
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    return decimal_length(count_digits(text), exponent) + (number < 0);
}

static size_t
integer_length(int64_t number)
{
    char digits[DIGITS_MOST];
    if (number > exact_most || number < -exact_most)
        return real_length((double)number);
    return (size_t)(digits_int(digits, number) - digits);
}

/* --- values --- */

/* Brackets and commas around so many values. */
static size_t
frame_length(uint32_t count)
{
    return 2 + (count > 0 ? count - 1 : 0);
}

static size_t
array_length(json_part_t array)
{
    uint32_t count = json_part_count(array);
    size_t length = frame_length(count);
    for (uint32_t i = 0; i < count; i++)
        length += json_part_length(json_part_item(array, i));
    return length;
}

static size_t
object_length(json_part_t object)
{
    size_t length = frame_length(json_part_count(object));
    json_member_t member = { 0 };
    while (json_part_next(object, &member)) {
        length += text_length(member.name, strlen(member.name)) + 1;
        length += json_part_length(member.value);
    }
    return length;
}

size_t
json_part_length(json_part_t part)
{
    size_t size = 0;
    const char *text = json_part_text(part, &size);
    switch (json_part_kind(part)) {
    case JSON_KIND_MISSING:
    case JSON_KIND_NULL: break;
    case JSON_KIND_TEXT: return text_length(text, size);
    case JSON_KIND_INTEGER: return integer_length(json_part_int(part));
    case JSON_KIND_REAL: return real_length(json_part_real(part));
    case JSON_KIND_BOOL: return json_part_bool(part) ? 4 : 5;
    case JSON_KIND_ARRAY: return array_length(part);
    case JSON_KIND_OBJECT: return object_length(part);
    }
    return 4;
}

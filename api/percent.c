#include "api/percent.h"

static int
hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

int
percent_byte(const char *text, size_t size, size_t *at, bool form)
{
    char byte = text[(*at)++];
    if (form && byte == '+')
        return ' ';
    if (byte != '%')
        return (unsigned char)byte;
    if (*at + 2 > size)
        return -1;
    int high = hex_value(text[*at]);
    int low = hex_value(text[*at + 1]);
    *at += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

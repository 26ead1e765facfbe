#include "common/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No stdio and no allocation here: there is no memory. */
static _Noreturn void
stop(void)
{
    static const char message[] = "out of memory: stopping\n";
    ssize_t written = write(STDERR_FILENO, message, sizeof message - 1);
    (void)written;
    abort();
}

void
mem_destroy(mem_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void *
mem_new(size_t size)
{
    return mem_array(1, size);
}

void *
mem_array(size_t count, size_t size)
{
    if (count == 0 || size == 0)
        count = size = 1; /* so that NULL never comes back */
    void *block = calloc(count, size);
    if (!block)
        stop();
    return block;
}

void *
mem_grow(void *block, size_t size)
{
    void *grown = realloc(block, size > 0 ? size : 1);
    if (!grown)
        stop();
    return grown;
}

void *
mem_try(size_t size)
{
    return malloc(size > 0 ? size : 1);
}

char *
mem_text(const char *text)
{
    return text ? mem_copy(text, strlen(text)) : NULL;
}

char *
mem_copy(const void *bytes, size_t size)
{
    if (size == SIZE_MAX)
        stop();
    char *copy = malloc(size + 1);
    if (!copy)
        stop();
    if (size > 0)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

/* The bytes that a UTF-8 character takes, told by its first one. */
static size_t
character_size(unsigned char lead)
{
    if (lead >= 0xf0)
        return 4;
    if (lead >= 0xe0)
        return 3;
    return lead >= 0xc0 ? 2 : 1;
}

size_t
mem_whole(const char *text, size_t size)
{
    size_t lead = size;
    for (int back = 0; back < 4 && lead > 0; back++) {
        lead--;
        unsigned char byte = (unsigned char)text[lead];
        if ((byte & 0xc0) != 0x80)
            return size - lead < character_size(byte) ? lead : size;
    }
    return size; /* no UTF-8 at all */
}

char *
mem_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0)
        stop();
    return text;
}

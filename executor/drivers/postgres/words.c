/* words.c - past white space, comments and semicolons to the first word or two. */
#include "executor/drivers/postgres/words.h"

#include <stdio.h>
#include <string.h>

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool
in_word(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '$';
}

/* Past a block comment, which may hold others; one that never ends reaches to the end. */
static const char *
skip_block(const char *at)
{
    int depth = 0;
    while (*at) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            at += 2;
            if (--depth == 0)
                break;
        } else {
            at++;
        }
    }
    return at;
}

static const char *
skip_blank(const char *at, bool semicolons)
{
    for (;;) {
        if (is_space(*at) || (semicolons && *at == ';'))
            at++;
        else if (at[0] == '-' && at[1] == '-')
            at += strcspn(at, "\r\n");
        else if (at[0] == '/' && at[1] == '*')
            at = skip_block(at);
        else
            return at;
    }
}

/* The word at `at` in upper case, cut to its room; returns what follows it. */
static const char *
take_word(const char *at, char word[WORD_SIZE])
{
    size_t size = 0;
    if (is_letter(*at)) {
        for (; in_word(*at); at++) {
            if (size < WORD_SIZE - 1)
                word[size++] = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
        }
    }
    word[size] = '\0';
    return at;
}

words_verdict_t
words_judge(const char *sql, char word[WORD_SIZE])
{
    static const char *const refused[] = { "BEGIN",    "START",  "COMMIT",    "END",
                                           "ROLLBACK", "ABORT",  "SAVEPOINT", "RELEASE",
                                           "COPY",     "LISTEN", "UNLISTEN" };
    const char *at = skip_blank(sql, true);
    if (!*at)
        return WORDS_EMPTY;
    at = take_word(at, word);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (strcmp(word, refused[i]) == 0)
            return WORDS_REFUSED;
    }
    if (strcmp(word, "PREPARE") != 0)
        return WORDS_FINE;

    take_word(skip_blank(at, false), word);
    if (strcmp(word, "TRANSACTION") != 0)
        return WORDS_FINE;
    snprintf(word, WORD_SIZE, "PREPARE TRANSACTION");
    return WORDS_REFUSED;
}

#include "common/seal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    VERSION = 1,
    HEAD_SIZE = 1 + crypto_secretbox_NONCEBYTES,
    SEALED_SIZE_LEAST = HEAD_SIZE + crypto_secretbox_MACBYTES,
    FILE_SIZE = 2 * SEAL_KEY_SIZE + 1, /* hex digits and a line break */
};
static_assert((int)SEAL_KEY_SIZE == (int)crypto_secretbox_KEYBYTES, "the key is secretbox's");

static void
make_ready(void)
{
    int ready = sodium_init();
    assert(ready >= 0);
    (void)ready;
}

/* Fill `bytes` from the file, one byte more than a key file has at most. Returns the count, or -1
 * and errno. */
static ssize_t
read_up_to(int fd, char *bytes, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t count = read(fd, bytes + used, size - used);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        used += (size_t)count;
    }
    return (ssize_t)used;
}

static bool
parse_key(const char *text, size_t size, seal_key_t *key)
{
    bool line = size == FILE_SIZE && text[FILE_SIZE - 1] == '\n';
    if (!line && size != FILE_SIZE - 1)
        return false;
    size_t used = 0;
    const char *end = NULL;
    return sodium_hex2bin(key->bytes, sizeof key->bytes, text, FILE_SIZE - 1, NULL, &used, &end)
               == 0
           && used == sizeof key->bytes && end == text + FILE_SIZE - 1;
}

static bool
read_open_file(int fd, const char *path, seal_key_t *key, err_t *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return err_set(err, ERR_INVALID, "key file %s is no regular file", path);
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return err_set(err, ERR_INVALID, "key file %s must be for its owner only: chmod 600", path);

    char text[FILE_SIZE + 1];
    ssize_t size = read_up_to(fd, text, sizeof text);
    bool good = size >= 0 && parse_key(text, (size_t)size, key);
    sodium_memzero(text, sizeof text);
    if (!good)
        return err_set(err, ERR_INVALID, "key file %s does not hold a key of 64 hex digits", path);
    return true;
}

bool
seal_key_read(const char *path, seal_key_t *key, err_t *err)
{
    make_ready();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */
    if (fd < 0)
        return err_set(err, ERR_INVALID, "cannot read key file %s: %s", path, strerror(errno));
    bool done = read_open_file(fd, path, key, err);
    close(fd);
    return done;
}

/* A fresh key, flushed, in the open file. */
static bool
write_key(int fd)
{
    seal_key_t key;
    char text[FILE_SIZE + 1];
    randombytes_buf(key.bytes, sizeof key.bytes);
    sodium_bin2hex(text, sizeof text, key.bytes, sizeof key.bytes);
    text[FILE_SIZE - 1] = '\n';
    bool done = write(fd, text, FILE_SIZE) == FILE_SIZE && fsync(fd) == 0;
    sodium_memzero(&key, sizeof key);
    sodium_memzero(text, sizeof text);
    return done;
}

/* The folder's entry must last as long as what is sealed with the key. */
static bool
flush_folder(const char *path)
{
    own(mem) copy = mem_text(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = fsync(fd) == 0;
    close(fd);
    return done;
}

/* The key is written aside and linked into place: nobody sees half a key, and of two who make one
 * at the same time both read the same. */
static bool
make_file(const char *path)
{
    own(mem) aside = mem_format("%s.XXXXXX", path);
    int fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write_key(fd) && (link(aside, path) == 0 || errno == EEXIST);
    int why = errno;
    close(fd);
    unlink(aside);
    errno = why;
    return done && flush_folder(path);
}

bool
seal_key_make(const char *path, seal_key_t *key, err_t *err)
{
    make_ready();
    if (access(path, F_OK) != 0 && !make_file(path))
        return err_set(err, ERR_INVALID, "cannot make key file %s: %s", path, strerror(errno));
    return seal_key_read(path, key, err);
}

uint8_t *
seal_text(const seal_key_t *key, const char *text, size_t *size)
{
    make_ready();
    size_t length = strlen(text);
    *size = SEALED_SIZE_LEAST + length;
    uint8_t *sealed = mem_new(*size);
    sealed[0] = VERSION;
    randombytes_buf(sealed + 1, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(sealed + HEAD_SIZE, (const unsigned char *)text, length, sealed + 1,
                          key->bytes);
    return sealed;
}

char *
seal_open(const seal_key_t *key, const uint8_t *sealed, size_t size, err_t *err)
{
    make_ready();
    if (size < SEALED_SIZE_LEAST || sealed[0] != VERSION) {
        err_set(err, ERR_INVALID, "the sealed password is of a form that is not known here");
        return NULL;
    }
    own(mem) text = mem_new(size - SEALED_SIZE_LEAST + 1);
    if (crypto_secretbox_open_easy((unsigned char *)text, sealed + HEAD_SIZE, size - HEAD_SIZE,
                                   sealed + 1, key->bytes)
        != 0) {
        err_set(err, ERR_INVALID, "the sealed password does not open with this key file");
        return NULL;
    }
    return take(text);
}

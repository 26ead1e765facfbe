#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/seal.h"

static char folder[] = "/tmp/millrace-seal-XXXXXX";
static char path[64];

static int
make_folder(void **unused)
{
    (void)unused;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/key", folder);
    return 0;
}

static int
remove_folder(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(folder); /* fails when something else was left in it */
}

static void
write_file(const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

#define DIGITS "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"

static void
a_made_key_is_read_again(void **unused)
{
    (void)unused;
    err_t err;
    seal_key_t made;
    seal_key_t read;
    assert_true(seal_key_make(path, &made, &err));
    assert_true(seal_key_read(path, &read, &err));
    assert_memory_equal(made.bytes, read.bytes, SEAL_KEY_SIZE);

    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, 65);
}

static void
an_existing_key_is_kept(void **unused)
{
    (void)unused;
    err_t err;
    seal_key_t key;
    write_file(DIGITS "\n", 0600);
    assert_true(seal_key_make(path, &key, &err));
    assert_int_equal(key.bytes[1], 0x11);
    assert_int_equal(key.bytes[16], 0xff);
    assert_int_equal(key.bytes[31], 0x00);
}

static void
a_file_that_is_no_key_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "",
        "\n",
        "00",
        DIGITS "\n\n",
        DIGITS "00\n",
        DIGITS "x",
        (" " DIGITS),
        "x0112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err_t err;
        seal_key_t key;
        write_file(wrong[i], 0600);
        assert_false(seal_key_read(path, &key, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_false(seal_key_make(path, &key, &err));
    }
}

static void
a_file_that_others_may_read_is_refused(void **unused)
{
    (void)unused;
    static const mode_t modes[] = { 0640, 0604, 0660, 0644 };
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        err_t err;
        seal_key_t key;
        write_file(DIGITS "\n", modes[i]);
        assert_false(seal_key_read(path, &key, &err));
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void
a_missing_file_is_an_error(void **unused)
{
    (void)unused;
    err_t err;
    seal_key_t key;
    assert_false(seal_key_read(path, &key, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(seal_key_read(folder, &key, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(seal_key_make("/nowhere/at/all", &key, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

static void
what_is_sealed_opens_with_the_same_key(void **unused)
{
    (void)unused;
    static const char *const texts[] = { "", "p", "pass word with \xc3\xa4 and '\\" };
    seal_key_t key = { { 7 } };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        err_t err;
        size_t size = 0;
        uint8_t *sealed = seal_text(&key, texts[i], &size);
        own(mem) opened = seal_open(&key, sealed, size, &err);
        free(sealed);
        assert_non_null(opened);
        assert_string_equal(opened, texts[i]);
        assert_int_equal(size, 1 + 24 + 16 + strlen(texts[i]));
    }
}

static void
one_text_is_never_sealed_to_the_same_bytes(void **unused)
{
    (void)unused;
    seal_key_t key = { { 7 } };
    size_t size = 0;
    uint8_t *a = seal_text(&key, "secret", &size);
    uint8_t *b = seal_text(&key, "secret", &size);
    bool same = memcmp(a, b, size) == 0;
    free(a);
    free(b);
    assert_false(same);
}

static void
another_key_does_not_open_it(void **unused)
{
    (void)unused;
    err_t err;
    seal_key_t key = { { 7 } };
    seal_key_t other = { { 8 } };
    size_t size = 0;
    uint8_t *sealed = seal_text(&key, "secret", &size);
    own(mem) opened = seal_open(&other, sealed, size, &err);
    free(sealed);
    assert_null(opened);
    assert_int_equal(err.kind, ERR_INVALID);
}

static void
no_byte_of_it_can_be_changed_or_missing(void **unused)
{
    (void)unused;
    seal_key_t key = { { 7 } };
    size_t size = 0;
    uint8_t *sealed = seal_text(&key, "secret", &size);
    for (size_t i = 0; i < size; i++) {
        err_t err;
        sealed[i] ^= 1;
        own(mem) changed = seal_open(&key, sealed, size, &err);
        sealed[i] ^= 1;
        uint8_t *exact = (uint8_t *)mem_copy(sealed, i);
        own(mem) shorter = seal_open(&key, exact, i, &err);
        free(exact);
        assert_null(changed);
        assert_null(shorter);
        assert_int_equal(err.kind, ERR_INVALID);
    }
    free(sealed);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_made_key_is_read_again),
        IN_FOLDER(an_existing_key_is_kept),
        IN_FOLDER(a_file_that_is_no_key_is_refused),
        IN_FOLDER(a_file_that_others_may_read_is_refused),
        IN_FOLDER(a_missing_file_is_an_error),
        cmocka_unit_test(what_is_sealed_opens_with_the_same_key),
        cmocka_unit_test(one_text_is_never_sealed_to_the_same_bytes),
        cmocka_unit_test(another_key_does_not_open_it),
        cmocka_unit_test(no_byte_of_it_can_be_changed_or_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <stdbool.h>

#include "common/digest.h"

static void
hash_of(uint8_t hash[DIGEST_SIZE], const char *first, const char *second)
{
    digest_t digest;
    digest_begin(&digest);
    digest_text(&digest, first);
    digest_text(&digest, second);
    digest_number(&digest, 5);
    digest_end(&digest, hash);
}

static bool
same(const char *a, const char *b, const char *c, const char *d)
{
    uint8_t left[DIGEST_SIZE];
    uint8_t right[DIGEST_SIZE];
    hash_of(left, a, b);
    hash_of(right, c, d);
    return memcmp(left, right, DIGEST_SIZE) == 0;
}

static void
the_same_fields_have_the_same_hash(void **unused)
{
    (void)unused;
    assert_true(same("ab", "c", "ab", "c"));
    assert_true(same(NULL, "", NULL, ""));
}

static void
other_fields_have_another(void **unused)
{
    (void)unused;
    assert_false(same("ab", "c", "a", "bc"));
    assert_false(same("ab", "c", "c", "ab"));
    assert_false(same("", "c", NULL, "c"));
}

static void
bytes_and_numbers_count(void **unused)
{
    (void)unused;
    uint8_t hashes[3][DIGEST_SIZE];
    for (uint8_t i = 0; i < 3; i++) {
        digest_t digest;
        digest_begin(&digest);
        digest_bytes(&digest, "a\0b", i == 1 ? 1 : 3);
        digest_number(&digest, i == 2 ? -1 : INT64_MAX);
        digest_end(&digest, hashes[i]);
    }
    assert_memory_not_equal(hashes[0], hashes[1], DIGEST_SIZE);
    assert_memory_not_equal(hashes[0], hashes[2], DIGEST_SIZE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_fields_have_the_same_hash),
        cmocka_unit_test(other_fields_have_another),
        cmocka_unit_test(bytes_and_numbers_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

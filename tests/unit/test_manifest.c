/* Manifests: what is packed is read, and damage is refused. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tests/unit/manifest_bytes.h"

/* Two results: one with columns and its page inside, one without columns. */
static manifest_t *
a_manifest(void)
{
    manifest_t *manifest = manifest_new();
    result_t *first = manifest_add(manifest);
    first->ordinal = 0;
    first->step = 2;
    first->tag = mem_text("SELECT 3");
    result_columns(first, 2);
    first->columns[0].name = mem_text("");
    first->columns[0].type = mem_text("integer");
    first->columns[0].oid = 23;
    first->columns[0].kind = CELL_INTEGER;
    first->columns[1].name = mem_text("größe");
    first->columns[1].type = mem_text("numeric");
    first->columns[1].oid = UINT32_MAX;
    first->columns[1].kind = CELL_NUMERIC;
    first->rows = 3;
    first->bytes = 20;
    first->raw_bytes = INT64_MAX;
    memset(first->hash, 0xab, sizeof first->hash);
    first->inlined = (uint8_t *)mem_copy("\x28\x00z", 3);
    first->inlined_size = 3;

    result_t *second = manifest_add(manifest);
    second->ordinal = 1;
    second->step = 2;
    second->tag = mem_text("INSERT 0 1");
    second->pages = 70000;
    second->attempt = INT32_MAX;
    second->truncated = true;
    return manifest;
}

static void
a_result_comes_back_whole(void **unused)
{
    (void)unused;
    own(manifest) manifest = a_manifest();
    own(manifest) arrived = travel(manifest);
    assert_int_equal(arrived->count, 2);
    const result_t *result = &arrived->results[0];
    assert_int_equal(result->ordinal, 0);
    assert_int_equal(result->step, 2);
    assert_string_equal(result->tag, "SELECT 3");
    assert_int_equal(result->rows, 3);
    assert_int_equal(result->bytes, 20);
    assert_true(result->raw_bytes == INT64_MAX);
    assert_int_equal(result->pages, 0);
    assert_memory_equal(result->hash, manifest->results[0].hash, PAGE_HASH_SIZE);
    assert_int_equal(result->inlined_size, 3);
    assert_memory_equal(result->inlined, "\x28\x00z", 3);
}

static void
columns_come_back_in_their_order(void **unused)
{
    (void)unused;
    own(manifest) manifest = a_manifest();
    own(manifest) arrived = travel(manifest);
    const result_t *result = &arrived->results[0];
    assert_true(result->has_columns);
    assert_int_equal(result->column_count, 2);
    assert_string_equal(result->columns[0].name, "");
    assert_string_equal(result->columns[0].type, "integer");
    assert_int_equal(result->columns[0].oid, 23);
    assert_int_equal(result->columns[0].kind, CELL_INTEGER);
    assert_string_equal(result->columns[1].name, "größe");
    assert_int_equal(result->columns[1].oid, UINT32_MAX);
    assert_int_equal(result->columns[1].kind, CELL_NUMERIC);
}

static void
a_statement_without_columns_has_none_after_the_way(void **unused)
{
    (void)unused;
    own(manifest) manifest = a_manifest();
    own(manifest) arrived = travel(manifest);
    const result_t *result = &arrived->results[1];
    assert_false(result->has_columns);
    assert_int_equal(result->column_count, 0);
    assert_string_equal(result->tag, "INSERT 0 1");
    assert_int_equal(result->pages, 70000);
    assert_null(result->inlined);
}

static void
the_attempt_that_stored_its_pages_stays_with_a_result(void **unused)
{
    (void)unused;
    own(manifest) manifest = a_manifest();
    own(manifest) arrived = travel(manifest);
    assert_int_equal(arrived->results[0].attempt, 0);
    assert_int_equal(arrived->results[1].attempt, INT32_MAX);
}

static void
a_result_that_was_cut_says_so_after_the_way(void **unused)
{
    (void)unused;
    own(manifest) manifest = a_manifest();
    own(manifest) arrived = travel(manifest);
    assert_false(arrived->results[0].truncated);
    assert_true(arrived->results[1].truncated);
}

static void
joined_results_stand_behind_those_that_were_there(void **unused)
{
    (void)unused;
    own(manifest) manifest = a_manifest();
    own(manifest) other = a_manifest();
    own(manifest) none = manifest_new();
    other->results[0].ordinal = 7;
    manifest_join(manifest, other);
    manifest_join(manifest, none);
    assert_int_equal(manifest->count, 4);
    assert_int_equal(manifest->results[0].ordinal, 0);
    assert_int_equal(manifest->results[2].ordinal, 7);
    assert_string_equal(manifest->results[2].columns[1].name, "größe");
    assert_string_equal(manifest->results[3].tag, "INSERT 0 1");
    assert_int_equal(other->count, 0);
    manifest_add(other)->ordinal = 1; /* and may be filled again */
    manifest_add(manifest)->ordinal = 2;
    assert_int_equal(manifest->count, 5);
}

static void
no_columns_and_zero_columns_are_two_things(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    result_columns(manifest_add(manifest), 0);
    own(manifest) arrived = travel(manifest);
    assert_true(arrived->results[0].has_columns);
    assert_int_equal(arrived->results[0].column_count, 0);
}

static void
texts_that_were_never_set_are_empty(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    result_columns(manifest_add(manifest), 1);
    own(manifest) arrived = travel(manifest);
    assert_string_equal(arrived->results[0].tag, "");
    assert_string_equal(arrived->results[0].columns[0].name, "");
    assert_string_equal(arrived->results[0].columns[0].type, "");
}

static void
an_empty_manifest_comes_back_empty(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    own(manifest) arrived = travel(manifest);
    assert_int_equal(arrived->count, 0);
}

static void
many_results_keep_their_order(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    for (uint32_t i = 0; i < 100; i++)
        manifest_add(manifest)->ordinal = i;
    own(manifest) arrived = travel(manifest);
    assert_int_equal(arrived->count, 100);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(arrived->results[i].ordinal, i);
}

static void
every_prefix_is_refused(void **unused)
{
    (void)unused;
    own(manifest) manifest = a_manifest();
    size_t size = 0;
    uint8_t *bytes = manifest_pack(manifest, &size);
    for (size_t prefix = 0; prefix < size; prefix++)
        assert_refused(bytes, prefix);
    free(bytes);
}

static void
a_byte_behind_a_manifest_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0x92, 1, 0x90, 0xc0);
}

static void
another_version_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0x92, 2, 0x90);
    REFUSED(0x92, 0, 0x90);
}

static void
what_is_no_manifest_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0xc0);
    REFUSED(0x90);
    REFUSED(0x91, 1);
    REFUSED(0x92, 1, 0xc0);
    REFUSED(0x92, 1, 0x91, 0xc0);
    REFUSED(0x92, 1, 0x91, 0x90);
}

static void
a_count_larger_than_the_bytes_left_is_refused(void **unused)
{
    (void)unused;
    REFUSED(0x92, 1, 0xdd, 0xff, 0xff, 0xff, 0xff);
    REFUSED(0x92, 1, 0x91, 0x9a, 0, 0, 0xa0, 0xdd, 0xff, 0xff, 0xff, 0xff, 0);
    REFUSED(0xdd, 0xff, 0xff, 0xff, 0xff, 1, 0x90);
}

/* A manifest of one result with one column, as bytes: each case spoils or adds one of them. */
#define HASH 0xc4, 32, EIGHT, EIGHT, EIGHT, EIGHT
#define COLUMN 0x94, 0xa1, 'n', 0xa1, 't', 23, CELL_INTEGER
#define BEFORE_COLUMNS 0x92, 1, 0x91, 0x9a, 0, 0, 0xa0
#define WITH_ATTEMPT 0x92, 1, 0x91, 0x9b, 0, 0, 0xa0
#define WITH_TRUNCATED 0x92, 1, 0x91, 0x9c, 0, 0, 0xa0
#define COUNTS 5, 6, 7, 8

static void
the_bytes_are_those_that_the_store_holds(void **unused)
{
    (void)unused;
    static const uint8_t stored[] = { WITH_TRUNCATED, 0x91, COLUMN, COUNTS, HASH, 0xc0, 9, 0xc3 };
    err_t err;
    own(manifest) manifest = read_block(stored, sizeof stored, &err);
    assert_non_null(manifest);
    assert_int_equal(manifest->results[0].rows, 5);
    assert_int_equal(manifest->results[0].bytes, 6);
    assert_int_equal(manifest->results[0].raw_bytes, 7);
    assert_int_equal(manifest->results[0].pages, 8);
    assert_int_equal(manifest->results[0].attempt, 9);
    assert_true(manifest->results[0].truncated);
    assert_packs_as(manifest, stored, sizeof stored);
}

static void
a_result_of_old_that_names_no_attempt_is_read(void **unused)
{
    (void)unused;
    static const uint8_t older[] = { BEFORE_COLUMNS, 0x91, COLUMN, COUNTS, HASH, 0xc0 };
    err_t err;
    own(manifest) manifest = read_block(older, sizeof older, &err);
    assert_non_null(manifest);
    assert_int_equal(manifest->results[0].pages, 8);
    assert_int_equal(manifest->results[0].attempt, 0);
}

static void
a_result_of_old_that_says_nothing_of_a_limit_is_whole(void **unused)
{
    (void)unused;
    static const uint8_t older[] = { WITH_ATTEMPT, 0x91, COLUMN, COUNTS, HASH, 0xc0, 9 };
    err_t err;
    own(manifest) manifest = read_block(older, sizeof older, &err);
    assert_non_null(manifest);
    assert_int_equal(manifest->results[0].attempt, 9);
    assert_false(manifest->results[0].truncated);
}

static void
an_attempt_that_is_none_is_refused(void **unused)
{
    (void)unused;
    REFUSED(WITH_ATTEMPT, 0x91, COLUMN, COUNTS, HASH, 0xc0, 0xff);
    REFUSED(WITH_ATTEMPT, 0x91, COLUMN, COUNTS, HASH, 0xc0, 0xc0);
    REFUSED(WITH_ATTEMPT, 0x91, COLUMN, COUNTS, HASH, 0xc0, 0xce, 0x80, 0, 0, 0);
}

static void
fields_behind_the_known_ones_are_skipped(void **unused)
{
    (void)unused;
    static const uint8_t newer[] = {
        0x95,   1,    0x91, 0x9d, 0,    0,    0xa0, /* one more in the manifest, result, */
        0x91,   0x95, 0xa1, 'n',  0xa1, 't',  23,   CELL_INTEGER,
        0xc3,                                             /* column */
        COUNTS, HASH, 0xc0, 4,    0xc2, 0x81, 0xc0, 0x90, /* and notice */
        0x91,   0x98, 0xa0, 0xa0, 0xa0, 0xc0, 0xc0, 0,
        5,      0xc0, 6,    0xa1, 'x',
    };
    err_t err;
    own(manifest) manifest = read_block(newer, sizeof newer, &err);
    assert_non_null(manifest);
    assert_string_equal(manifest->results[0].columns[0].name, "n");
    assert_int_equal(manifest->results[0].pages, 8);
    assert_int_equal(manifest->results[0].attempt, 4);
    assert_int_equal(manifest->notices[0].ordinal, 5);
    assert_int_equal(manifest->notices_dropped, 6);
}

static void
a_depth_bomb_in_a_skipped_field_is_refused(void **unused)
{
    (void)unused;
    uint8_t bomb[500];
    memset(bomb, 0x91, sizeof bomb);
    bomb[0] = 0x93;
    bomb[1] = 1;
    bomb[2] = 0x90;
    bomb[sizeof bomb - 1] = 0x90;
    assert_refused(bomb, sizeof bomb);
}

static void
an_unknown_kind_of_cell_is_refused(void **unused)
{
    (void)unused;
    REFUSED(BEFORE_COLUMNS, 0x91, 0x94, 0xa1, 'n', 0xa1, 't', 23, CELL_REAL + 1, COUNTS, HASH,
            0xc0);
}

static void
a_text_with_nul_inside_is_refused(void **unused)
{
    (void)unused;
    REFUSED(BEFORE_COLUMNS, 0x91, 0x94, 0xa1, 0, 0xa1, 't', 23, CELL_INTEGER, COUNTS, HASH, 0xc0);
}

static void
a_negative_count_is_refused(void **unused)
{
    (void)unused;
    REFUSED(BEFORE_COLUMNS, 0x91, COLUMN, 0xff, 6, 7, 8, HASH, 0xc0);
    REFUSED(BEFORE_COLUMNS, 0x91, COLUMN, 5, 0xff, 7, 8, HASH, 0xc0);
    REFUSED(BEFORE_COLUMNS, 0x91, COLUMN, 5, 6, 0xff, 8, HASH, 0xc0);
    REFUSED(BEFORE_COLUMNS, 0x91, COLUMN, 5, 6, 7, 0xff, HASH, 0xc0);
}

static void
a_hash_of_another_size_is_refused(void **unused)
{
    (void)unused;
    REFUSED(BEFORE_COLUMNS, 0x91, COLUMN, COUNTS, 0xc4, 31, EIGHT, EIGHT, EIGHT, 0, 0, 0, 0, 0, 0,
            0, 0xc0);
    REFUSED(BEFORE_COLUMNS, 0x91, COLUMN, COUNTS, 0xc0, 0xc0);
}

static void
a_result_weighs_at_least_what_it_packs_to(void **unused)
{
    (void)unused;
    own(manifest) manifest = manifest_new();
    result_t *result = manifest_add(manifest);
    enum { COLUMNS = 1664, NAME = 63 };
    result->tag = mem_text("SELECT 9223372036854775807");
    result->rows = result->bytes = result->raw_bytes = INT64_MAX;
    result->ordinal = result->step = result->pages = UINT32_MAX;
    result->attempt = INT32_MAX;
    result->inlined = (uint8_t *)mem_copy("inlined", 7);
    result->inlined_size = 7;
    result->truncated = true;
    result_columns(result, COLUMNS);
    for (int i = 0; i < COLUMNS; i++) {
        result->columns[i].name = mem_format("%0*d", NAME, i);
        result->columns[i].type = mem_format("\"%0*d\".\"%0*d\"[]", NAME, i, NAME, i);
        result->columns[i].oid = UINT32_MAX;
    }
    size_t size = 0;
    own(mem) packed = (mem_t *)manifest_pack(manifest, &size);
    assert_non_null(packed);
    assert_in_range(result_weight(result), size, RESULT_WEIGHT_MOST);
    own(manifest) plain = manifest_new();
    result = manifest_add(plain);
    own(mem) small = (mem_t *)manifest_pack(plain, &size);
    assert_non_null(small);
    assert_in_range(result_weight(result), size, RESULT_WEIGHT_MOST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_comes_back_whole),
        cmocka_unit_test(columns_come_back_in_their_order),
        cmocka_unit_test(a_statement_without_columns_has_none_after_the_way),
        cmocka_unit_test(the_attempt_that_stored_its_pages_stays_with_a_result),
        cmocka_unit_test(a_result_weighs_at_least_what_it_packs_to),
        cmocka_unit_test(a_result_that_was_cut_says_so_after_the_way),
        cmocka_unit_test(joined_results_stand_behind_those_that_were_there),
        cmocka_unit_test(no_columns_and_zero_columns_are_two_things),
        cmocka_unit_test(texts_that_were_never_set_are_empty),
        cmocka_unit_test(an_empty_manifest_comes_back_empty),
        cmocka_unit_test(many_results_keep_their_order),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(a_byte_behind_a_manifest_is_refused),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(what_is_no_manifest_is_refused),
        cmocka_unit_test(a_count_larger_than_the_bytes_left_is_refused),
        cmocka_unit_test(the_bytes_are_those_that_the_store_holds),
        cmocka_unit_test(a_result_of_old_that_names_no_attempt_is_read),
        cmocka_unit_test(a_result_of_old_that_says_nothing_of_a_limit_is_whole),
        cmocka_unit_test(an_attempt_that_is_none_is_refused),
        cmocka_unit_test(fields_behind_the_known_ones_are_skipped),
        cmocka_unit_test(a_depth_bomb_in_a_skipped_field_is_refused),
        cmocka_unit_test(an_unknown_kind_of_cell_is_refused),
        cmocka_unit_test(a_text_with_nul_inside_is_refused),
        cmocka_unit_test(a_negative_count_is_refused),
        cmocka_unit_test(a_hash_of_another_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_cells_hex.c - bytea's hex, which is read eight digits at a time. */
#include <ctype.h>

#include "executor/drivers/postgres/cells.h"
#include "tests/unit/unit.h"

enum { BYTES_MOST = 20 };

static uint8_t
byte_at(size_t at)
{
    return (uint8_t)(at * 0x17);
}

/* bytea's text of `size` such bytes. */
static void
write_hex(char *text, size_t size, const char *digits)
{
    *text++ = '\\';
    *text++ = 'x';
    for (size_t i = 0; i < size; i++) {
        *text++ = digits[byte_at(i) >> 4];
        *text++ = digits[byte_at(i) & 0xf];
    }
}

static void
hex_of_any_length_is_read(void **unused)
{
    (void)unused;
    static const char *const digits[] = { "0123456789abcdef", "0123456789ABCDEF" };
    for (size_t size = 0; size < BYTES_MOST; size++) {
        for (size_t which = 0; which < 2; which++) {
            char text[2 + 2 * BYTES_MOST];
            size_t decoded = 99;
            write_hex(text, size, digits[which]);
            assert_true(cells_bytes(text, 2 + 2 * size, &decoded));
            assert_int_equal(decoded, size);
            for (size_t i = 0; i < size; i++)
                assert_int_equal((uint8_t)text[i], byte_at(i));
        }
    }
}

static void
no_other_byte_counts_as_a_digit_in_any_place(void **unused)
{
    (void)unused;
    for (size_t place = 0; place < 10; place++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[] = "\\x0123456789";
            size_t decoded = 0;
            text[2 + place] = (char)byte;
            bool good = cells_bytes(text, sizeof text - 1, &decoded);
            assert_int_equal(good, isxdigit(byte) != 0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_of_any_length_is_read),
        cmocka_unit_test(no_other_byte_counts_as_a_digit_in_any_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

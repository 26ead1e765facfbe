/* test_presser.c - rows to the thread that presses, and back as pages. */
#include <stdlib.h>

#include "common/mem.h"
#include "executor/presser.h"
#include "tests/unit/starve.h"

enum { PAGE_BYTES = 65536, CHAINS = 4, PAGES = 50, DEADLINE_MS = 20000 };

/* What came back. */
typedef struct {
    int chain;
    int number; /* of its chain */
    page_t *page;
    err_kind_t failed;
} back_t;

static struct {
    loop_t *loop;
    presser_t *presser;
    back_t back[CHAINS * PAGES];
    int count;
    int awaited;
    pressing_t *to_forget;
} it;

static int
open_world(void **unused)
{
    (void)unused;
    err_t err;
    memset(&it, 0, sizeof it);
    it.loop = loop_new(&err);
    assert_non_null(it.loop);
    const presser_options_t options = { .loop = it.loop,
                                        .page_bytes = PAGE_BYTES,
                                        .chains = CHAINS };
    it.presser = presser_new(&options);
    return 0;
}

static int
close_world(void **unused)
{
    (void)unused;
    presser_destroy(&it.presser);
    loop_destroy(&it.loop);
    for (int i = 0; i < it.count; i++)
        page_destroy(&it.back[i].page);
    atomic_store(&starving, false);
    return 0;
}

static void
on_pressed(void *user, page_t *page, const err_t *err)
{
    int number = (int)(intptr_t)user;
    it.back[it.count++] = (back_t){ .chain = number / PAGES,
                                    .number = number % PAGES,
                                    .page = page,
                                    .failed = page ? ERR_NONE : err->kind };
    presser_forget(it.presser, &it.to_forget);
    if (it.count == it.awaited)
        loop_stop(it.loop);
}

static void
too_late(void *unused)
{
    (void)unused;
    fail_msg("%d of %d pages came back", it.count, it.awaited);
}

/* Turn the loop until so many came back in all. */
static void
await(int count)
{
    err_t err;
    it.awaited = count;
    if (it.count == count)
        return;
    loop_timer_t *timer = loop_after(it.loop, DEADLINE_MS, too_late, NULL);
    assert_true(loop_run(it.loop, &err));
    loop_cancel(&timer);
}

/* Rows of digits: `size` bytes that are no rows at all, since nobody looks. */
static page_raw_t
rows_of(int number, size_t size)
{
    page_raw_t raw = { .first_row = number, .rows = 1, .size = (uint32_t)size, .full = true };
    raw.data = mem_grow(NULL, size);
    for (size_t at = 0; at < size; at++) {
        uint32_t mixed = ((uint32_t)number * 7919u + (uint32_t)at) * 2654435761u;
        raw.data[at] = (uint8_t)('0' + mixed / 65536u % 10u);
    }
    return raw;
}

static pressing_t *
put(int chain, int number, size_t size)
{
    page_raw_t raw = rows_of(number, size);
    return presser_put(it.presser, (uint32_t)chain, &raw, on_pressed,
                       (void *)(intptr_t)(chain * PAGES + number));
}

static void
rows_come_back_as_their_page(void **unused)
{
    (void)unused;
    err_t err;
    page_raw_t raw = rows_of(0, 1000);
    page_chain_t chain = { 0 };
    press_take(PAGE_BYTES);
    own(page) page = page_press(&raw, &chain, &err);
    press_release();
    free(raw.data);
    (void)put(2, 0, 1000);
    await(1);
    assert_int_equal(it.back[0].page->size, page->size);
    assert_int_equal(it.back[0].page->raw_bytes, 1000);
    assert_memory_equal(it.back[0].page->data, page->data, page->size);
    assert_memory_equal(it.back[0].page->hash, page->hash, PAGE_HASH_SIZE);
}

static void
nothing_comes_back_before_the_loop_turns(void **unused)
{
    (void)unused;
    for (int i = 0; i < PAGES; i++)
        (void)put(0, i, 100);
    assert_int_equal(it.count, 0);
    await(PAGES);
}

static void
pages_are_chained_in_the_order_of_their_result_whatever_is_between_them(void **unused)
{
    (void)unused;
    uint8_t hashes[CHAINS][PAGE_HASH_SIZE] = { 0 };
    int numbers[CHAINS] = { 0 };
    for (int number = 0; number < PAGES; number++) {
        for (int chain = 0; chain < CHAINS; chain++)
            (void)put(chain, number, (size_t)(1 + 997 * chain + 13 * number));
    }
    await(CHAINS * PAGES);
    for (int i = 0; i < CHAINS * PAGES; i++) {
        const back_t *back = &it.back[i];
        assert_int_equal(back->chain, i % CHAINS); /* as they went in */
        assert_int_equal(back->number, numbers[back->chain]++);
        assert_memory_equal(back->page->before, hashes[back->chain], PAGE_HASH_SIZE);
        assert_true(page_sound(back->page));
        memcpy(hashes[back->chain], back->page->hash, PAGE_HASH_SIZE);
    }
}

static void
row_0_begins_a_chain_anew(void **unused)
{
    (void)unused;
    (void)put(1, 0, 100);
    (void)put(1, 1, 100);
    (void)put(1, 0, 100);
    await(3);
    const uint8_t zero[PAGE_HASH_SIZE] = { 0 };
    assert_memory_equal(it.back[2].page->before, zero, PAGE_HASH_SIZE);
    assert_memory_equal(it.back[2].page->hash, it.back[0].page->hash, PAGE_HASH_SIZE);
}

/* --- no memory --- */

static void
without_memory_an_error_comes_back(void **unused)
{
    (void)unused;
    atomic_store(&starving, true);
    (void)put(0, 0, 100);
    await(1);
    assert_null(it.back[0].page);
    assert_int_equal(it.back[0].failed, ERR_LIMIT);
    atomic_store(&starving, false);
    (void)put(1, 0, 100);
    await(2);
    assert_non_null(it.back[1].page);
}

/* --- forgetting --- */

static void
what_is_forgotten_does_not_come_back(void **unused)
{
    (void)unused;
    pressing_t *ours[PAGES];
    for (int i = 0; i < PAGES; i++) { /* some wait, one is pressed, some are done */
        ours[i] = put(0, i, 20000);
        (void)put(1, i, 20000);
    }
    for (int i = 0; i < PAGES; i++) {
        presser_forget(it.presser, &ours[i]);
        assert_null(ours[i]);
    }
    await(PAGES);
    for (int i = 0; i < PAGES; i++)
        assert_int_equal(it.back[i].chain, 1);
}

static void
a_chain_goes_to_another_result_while_forgotten_rows_are_under_way(void **unused)
{
    (void)unused;
    pressing_t *large = put(0, 0, 8 << 20);
    presser_forget(it.presser, &large);
    (void)put(0, 0, 100);
    (void)put(0, 1, 100);
    await(2);
    const uint8_t zero[PAGE_HASH_SIZE] = { 0 };
    assert_memory_equal(it.back[0].page->before, zero, PAGE_HASH_SIZE);
    assert_memory_equal(it.back[1].page->before, it.back[0].page->hash, PAGE_HASH_SIZE);
}

/* It may be back already, too, when the first one's owner hears of that. */
static void
one_that_came_back_forgets_another(void **unused)
{
    (void)unused;
    (void)put(0, 0, 100);
    it.to_forget = put(0, 1, 100);
    (void)put(1, 0, 100);
    await(2);
    assert_int_equal(it.back[0].chain, 0);
    assert_int_equal(it.back[1].chain, 1);
}

static void
forgetting_nothing_is_fine(void **unused)
{
    (void)unused;
    pressing_t *none = NULL;
    presser_forget(it.presser, &none);
}

/* --- the end --- */

static void
the_end_comes_with_rows_still_waiting(void **unused)
{
    (void)unused;
    for (int i = 0; i < PAGES; i++)
        (void)put(0, i, PAGE_BYTES);
    presser_destroy(&it.presser);
    assert_null(it.presser);
    assert_int_equal(it.count, 0);
}

static void
the_end_comes_with_pages_that_nobody_fetched(void **unused)
{
    (void)unused;
    for (int i = 0; i < PAGES; i++)
        (void)put(0, i, 10);
    await(1); /* others may be there, or not */
    pressing_t *forgotten = put(1, 0, 10);
    presser_forget(it.presser, &forgotten);
}

#define PRESSER_TEST(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PRESSER_TEST(rows_come_back_as_their_page),
        PRESSER_TEST(nothing_comes_back_before_the_loop_turns),
        PRESSER_TEST(pages_are_chained_in_the_order_of_their_result_whatever_is_between_them),
        PRESSER_TEST(row_0_begins_a_chain_anew),
        PRESSER_TEST(without_memory_an_error_comes_back),
        PRESSER_TEST(what_is_forgotten_does_not_come_back),
        PRESSER_TEST(a_chain_goes_to_another_result_while_forgotten_rows_are_under_way),
        PRESSER_TEST(one_that_came_back_forgets_another),
        PRESSER_TEST(forgetting_nothing_is_fine),
        PRESSER_TEST(the_end_comes_with_rows_still_waiting),
        PRESSER_TEST(the_end_comes_with_pages_that_nobody_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

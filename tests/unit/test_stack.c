#include "tests/unit/unit.h"

#include <pthread.h>
#include <sys/mman.h>

#include "api/stack.h"

enum { PAGE = 4096, PAGES = 128, DEEP = 40, FEW = 8 };

static char *stack;

static size_t
resident(void)
{
    unsigned char pages[PAGES];
    size_t count = 0;
    assert_int_equal(mincore(stack, (size_t)PAGES * PAGE, pages), 0);
    for (size_t i = 0; i < PAGES; i++)
        count += pages[i] & 1;
    return count;
}

/* Touch a page of stack in each of so many calls. */
static int
go_down(int calls)
{
    volatile char page[PAGE];
    for (size_t i = 0; i < PAGE; i++)
        page[i] = (char)calls;
    int below = calls > 1 ? go_down(calls - 1) : 0;
    return below + page[PAGE / 2];
}

static void *
run(void *left)
{
    volatile int kept = 7;
    int sum = go_down(DEEP);
    assert_true(resident() >= DEEP);
    stack_trim();
    *(size_t *)left = resident();
    assert_int_equal(kept, 7);
    assert_int_equal(go_down(DEEP), sum);
    return NULL;
}

static void
what_was_deeper_is_given_back_and_can_be_used_again(void **unused)
{
    (void)unused;
    size_t size = (size_t)PAGES * PAGE;
    stack =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    assert_true(stack != MAP_FAILED);
    pthread_attr_t attributes;
    pthread_t thread;
    size_t left = PAGES;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, size), 0);
    assert_int_equal(pthread_create(&thread, &attributes, run, &left), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    assert_true(left <= FEW);
    munmap(stack, size);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_deeper_is_given_back_and_can_be_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/loop.h"

enum { POSTS = 1000, THREADS = 4 };

static loop_t *loop;
static int calls;
static unsigned seen;
static loop_watch_t *watches[2];
static int pipes[2][2];

static int
begin(void **unused)
{
    (void)unused;
    err_t err;
    calls = 0;
    seen = 0;
    loop = loop_new(&err);
    for (int i = 0; i < 2; i++) {
        watches[i] = NULL;
        if (pipe2(pipes[i], O_NONBLOCK | O_CLOEXEC) != 0)
            return -1;
    }
    return loop ? 0 : -1;
}

static int
end(void **unused)
{
    (void)unused;
    loop_destroy(&loop);
    for (int i = 0; i < 4; i++) {
        if (pipes[i / 2][i % 2] >= 0)
            close(pipes[i / 2][i % 2]);
    }
    return 0;
}

static void
run(void)
{
    err_t err;
    assert_true(loop_run(loop, &err));
}

static void
feed(int which)
{
    assert_int_equal(write(pipes[which][1], "x", 1), 1);
}

static void
stop(void *unused)
{
    (void)unused;
    loop_stop(loop);
}

static void
count(void *unused)
{
    (void)unused;
    calls++;
}

static void
count_three_then_stop(void *unused, unsigned events)
{
    (void)unused;
    seen |= events;
    if (++calls == 3)
        loop_stop(loop);
}

static void
a_ready_descriptor_is_served_until_it_is_read(void **unused)
{
    (void)unused;
    feed(0);
    watches[0] = loop_watch(loop, pipes[0][0], LOOP_READ, count_three_then_stop, NULL);
    run();
    assert_int_equal(calls, 3);
    assert_int_equal(seen, LOOP_READ);
}

static void
only_what_was_asked_for_arrives(void **unused)
{
    (void)unused;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    watches[0] = loop_watch(loop, pair[0], LOOP_READ, count_three_then_stop, NULL);
    loop_rewatch(watches[0], LOOP_WRITE);
    run();
    loop_unwatch(&watches[0]);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(seen, LOOP_WRITE);
}

static void
a_hang_up_arrives_as_both(void **unused)
{
    (void)unused;
    close(pipes[0][1]);
    pipes[0][1] = -1;
    watches[0] = loop_watch(loop, pipes[0][0], LOOP_READ, count_three_then_stop, NULL);
    run();
    assert_int_equal(seen, LOOP_READ | LOOP_WRITE);
}

static bool
count_turn(void *turns)
{
    ++*(int *)turns;
    return false;
}

static void
a_resting_watch_does_not_even_see_a_hang_up(void **unused)
{
    (void)unused;
    int turns = 0;
    loop_before_sleep(loop, count_turn, &turns);
    watches[0] = loop_watch(loop, pipes[0][0], LOOP_READ, count_three_then_stop, NULL);
    loop_rewatch(watches[0], 0);
    feed(0);
    close(pipes[0][1]);
    pipes[0][1] = -1;
    loop_after(loop, 20, stop, NULL);
    run();
    assert_int_equal(calls, 0);
    assert_in_range(turns, 1, 5); /* nor does it keep the loop awake */

    loop_rewatch(watches[0], LOOP_READ);
    run();
    assert_int_equal(calls, 3);
}

static void
unwatch_other_and_close(void *which, unsigned events)
{
    (void)events;
    int other = which == &watches[0] ? 1 : 0;
    calls++;
    loop_unwatch(&watches[other]);
    close(pipes[other][0]);
    pipes[other][0] = -1;
    loop_stop(loop);
}

static void
a_watch_removed_in_the_same_turn_is_not_called(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        feed(i);
        watches[i] = loop_watch(loop, pipes[i][0], LOOP_READ, unwatch_other_and_close, &watches[i]);
    }
    run();
    assert_int_equal(calls, 1);
}

static void
rest_other(void *which, unsigned events)
{
    (void)events;
    calls++;
    loop_rewatch(watches[which == &watches[0] ? 1 : 0], 0);
    loop_stop(loop);
}

static void
a_watch_put_to_rest_in_the_same_turn_is_not_called(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        feed(i);
        watches[i] = loop_watch(loop, pipes[i][0], LOOP_READ, rest_other, &watches[i]);
    }
    run();
    assert_int_equal(calls, 1);
}

static void
unwatch_self_and_free(void *arg, unsigned events)
{
    (void)events;
    calls++;
    loop_unwatch(&watches[0]);
    free(arg);
    loop_after(loop, 1, stop, NULL);
}

static void
a_watch_may_remove_itself(void **unused)
{
    (void)unused;
    feed(0);
    watches[0] = loop_watch(loop, pipes[0][0], LOOP_READ, unwatch_self_and_free, mem_new(8));
    run();
    assert_int_equal(calls, 1);
    assert_null(watches[0]);
}

static void
a_descriptor_closed_behind_our_back_arrives_as_both(void **unused)
{
    (void)unused;
    watches[0] = loop_watch(loop, pipes[0][0], LOOP_READ, count_three_then_stop, NULL);
    close(pipes[0][0]);
    pipes[0][0] = -1;
    loop_rewatch(watches[0], LOOP_READ | LOOP_WRITE);
    loop_after(loop, 5, stop, NULL);
    run();
    assert_int_equal(calls, 1);
    assert_int_equal(seen, LOOP_READ | LOOP_WRITE);
}

static void
count_and_stop(void *unused, unsigned events)
{
    (void)unused;
    seen |= events;
    calls++;
    loop_stop(loop);
}

static void
a_late_unwatch_does_not_deafen_the_number_s_next_owner(void **unused)
{
    (void)unused;
    int number = pipes[0][0];
    watches[0] = loop_watch(loop, number, LOOP_READ, count_and_stop, NULL);
    assert_int_equal(dup2(pipes[1][0], number), number); /* closes what it was */
    watches[1] = loop_watch(loop, number, LOOP_READ, count_and_stop, NULL);
    loop_unwatch(&watches[0]);
    feed(1);
    run();
    assert_int_equal(calls, 1);
}

static void
a_number_that_was_opened_anew_is_watched_again(void **unused)
{
    (void)unused;
    int number = pipes[0][0];
    watches[0] = loop_watch(loop, number, LOOP_READ | LOOP_WRITE, count_and_stop, NULL);
    assert_int_equal(dup2(pipes[1][0], number), number);
    loop_rewatch(watches[0], LOOP_READ);
    feed(1);
    run();
    assert_int_equal(seen, LOOP_READ);
}

static void
timers_run_when_their_time_has_come(void **unused)
{
    (void)unused;
    int64_t start_ms = clock_mono_ms();
    loop_after(loop, 30, stop, NULL);
    loop_every(loop, 10, count, NULL);
    loop_timer_t *never = loop_after(loop, 20, stop, NULL);
    loop_cancel(&never);
    assert_null(never);
    run();
    assert_true(clock_mono_ms() - start_ms >= 30);
    assert_in_range(calls, 1, 3);
}

static char order[16];

static void
note(void *letter)
{
    order[calls++] = *(const char *)letter;
}

static void
note_and_post(void *letter)
{
    note(letter);
    loop_post(loop, note, letter);
    loop_post(loop, stop, NULL);
}

static void
posts_run_in_order(void **unused)
{
    (void)unused;
    static char letters[] = "abcd";
    memset(order, 0, sizeof order);
    for (int i = 0; i < 4; i++)
        loop_post(loop, note, &letters[i]);
    loop_post(loop, stop, NULL);
    run();
    assert_string_equal(order, "abcd");
}

static void
what_a_post_posts_waits_for_the_next_turn(void **unused)
{
    (void)unused;
    static char letters[] = "ab";
    memset(order, 0, sizeof order);
    loop_post(loop, note_and_post, &letters[0]);
    loop_post(loop, note, &letters[1]);
    run();
    assert_string_equal(order, "aba");
}

static void *
post_many(void *unused)
{
    for (int i = 0; i < POSTS; i++)
        loop_post(loop, count, NULL);
    return unused;
}

static void
count_to_the_last(void *unused)
{
    (void)unused;
    if (calls == THREADS * POSTS)
        loop_stop(loop);
}

static void
no_post_of_another_thread_is_lost(void **unused)
{
    (void)unused;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, NULL), 0);
    loop_every(loop, 1, count_to_the_last, NULL);
    run();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(calls, THREADS * POSTS);
}

static void
what_is_left_is_freed(void **unused)
{
    (void)unused;
    loop_post(loop, count, NULL);
    loop_after(loop, 1000, count, NULL);
    loop_every(loop, 1000, count, NULL);
    loop_watch(loop, pipes[0][0], LOOP_READ, count_three_then_stop, NULL);
    watches[1] = loop_watch(loop, pipes[1][0], LOOP_READ, count_three_then_stop, NULL);
    loop_unwatch(&watches[1]);
    loop_destroy(&loop);
    assert_null(loop);
    assert_int_equal(calls, 0);
    assert_int_equal(fcntl(pipes[0][0], F_GETFD), FD_CLOEXEC); /* still open */
}

static bool
hook_a(void *unused)
{
    (void)unused;
    note((char[]){ "a" });
    return false;
}

static bool
hook_b(void *left)
{
    note((char[]){ "b" });
    if (*(int *)left == 0)
        loop_stop(loop);
    return (*(int *)left)-- > 0;
}

static void
hooks_run_in_order_and_new_work_keeps_the_loop_awake(void **unused)
{
    (void)unused;
    int left = 2;
    int64_t start_ms = clock_mono_ms();
    memset(order, 0, sizeof order);
    loop_before_sleep(loop, hook_a, NULL);
    loop_before_sleep(loop, hook_b, &left);
    run();
    assert_string_equal(order, "ababab");
    assert_true(clock_mono_ms() - start_ms < 900); /* it did not sleep out an idle turn */
}

static void
a_stop_before_the_run_counts(void **unused)
{
    (void)unused;
    loop_stop(loop);
    run();
    loop_post(loop, stop, NULL);
    run(); /* and is used up */
}

static void
on_signal(int number)
{
    (void)number;
    if (++calls == 3)
        loop_stop(loop);
}

static void
signals_only_interrupt_and_may_stop(void **unused)
{
    (void)unused;
    struct sigaction action = { .sa_handler = on_signal };
    struct sigaction before;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    struct itimerval often = { { 0, 5000 }, { 0, 5000 } };
    setitimer(ITIMER_REAL, &often, NULL);
    run();
    setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 0 } }, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_in_range(calls, 3, 1000);
}

static void
the_last_turn_is_told(void **unused)
{
    (void)unused;
    int64_t start_ms = clock_mono_ms();
    loop_after(loop, 20, stop, NULL);
    run();
    assert_in_range(loop_last_turn_ms(loop), start_ms + 20, clock_mono_ms());
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_ready_descriptor_is_served_until_it_is_read),
        ONE(only_what_was_asked_for_arrives),
        ONE(a_hang_up_arrives_as_both),
        ONE(a_resting_watch_does_not_even_see_a_hang_up),
        ONE(a_watch_removed_in_the_same_turn_is_not_called),
        ONE(a_watch_put_to_rest_in_the_same_turn_is_not_called),
        ONE(a_watch_may_remove_itself),
        ONE(a_descriptor_closed_behind_our_back_arrives_as_both),
        ONE(a_late_unwatch_does_not_deafen_the_number_s_next_owner),
        ONE(a_number_that_was_opened_anew_is_watched_again),
        ONE(timers_run_when_their_time_has_come),
        ONE(posts_run_in_order),
        ONE(what_a_post_posts_waits_for_the_next_turn),
        ONE(no_post_of_another_thread_is_lost),
        ONE(what_is_left_is_freed),
        ONE(hooks_run_in_order_and_new_work_keeps_the_loop_awake),
        ONE(a_stop_before_the_run_counts),
        ONE(signals_only_interrupt_and_may_stop),
        ONE(the_last_turn_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

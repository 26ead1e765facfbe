#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"

enum { CAUGHT_SIZE = 64 * 1024, THREADS = 4, LINES = 50 };

static char caught[CAUGHT_SIZE];

/* stderr goes into a file between these two; `caught` is what was written. */
static int saved_stderr = -1;
static int file = -1;

static void
catch_begin(void)
{
    char path[] = "/tmp/millrace-log-XXXXXX";
    file = mkstemp(path);
    assert_true(file >= 0);
    unlink(path);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
}

static void
catch_end(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    ssize_t size = pread(file, caught, sizeof caught - 1, 0);
    close(file);
    assert_true(size >= 0);
    caught[size] = '\0';
}

static void
a_line_is_time_level_event_and_values(void **unused)
{
    (void)unused;
    catch_begin();
    log_warn("room.what", "job=%d", 7);
    catch_end();
    static const char shape[] = "0000-00-00T00:00:00.000Z warn room.what job=7\n";
    assert_int_equal(strlen(caught), sizeof shape - 1);
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == '0')
            assert_in_range(caught[i], '0', '9');
        else
            assert_int_equal(caught[i], shape[i]);
    }
}

static void
an_event_without_values_ends_with_its_name(void **unused)
{
    (void)unused;
    static const char *const nothing = "";
    catch_begin();
    log_info("room.what", "%s", nothing);
    catch_end();
    assert_non_null(strstr(caught, " info room.what\n"));
}

static void
lines_below_the_level_are_dropped(void **unused)
{
    (void)unused;
    catch_begin();
    log_debug("room.quiet", "a=%d", 1);
    log_level(LOG_ERROR);
    log_warn("room.quiet", "a=%d", 1);
    log_error("room.loud", "a=%d", 1);
    log_level(LOG_DEBUG);
    log_debug("room.loud", "a=%d", 2);
    log_level(LOG_INFO);
    catch_end();
    assert_null(strstr(caught, "quiet"));
    assert_non_null(strstr(caught, "error room.loud a=1\n"));
    assert_non_null(strstr(caught, "debug room.loud a=2\n"));
}

static void
a_value_cannot_forge_a_line(void **unused)
{
    (void)unused;
    catch_begin();
    log_info("room.what", "name=%s", "a\n2026 info b\r\t\x1b[2J\x7f");
    catch_end();
    assert_non_null(strstr(caught, "name=a?2026 info b???[2J?\n"));
}

static void
a_long_line_is_cut_at_2_kib(void **unused)
{
    (void)unused;
    char value[5000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    catch_begin();
    log_info("room.what", "value=%s", value);
    log_info("room.next", "a=%d", 1);
    catch_end();
    char *end = strchr(caught, '\n');
    assert_non_null(end);
    assert_int_equal(end + 1 - caught, 2048);
    assert_non_null(strstr(end, "room.next"));
}

static void
a_long_line_is_cut_between_characters(void **unused)
{
    (void)unused;
    char value[3001];
    for (size_t i = 0; i < sizeof value - 1; i += 3)
        memcpy(value + i, "\xe2\x82\xac", 4);
    for (size_t shift = 0; shift < 3; shift++) {
        catch_begin();
        log_info("room.what", "value=%.*s%s", (int)shift, "xx", value);
        catch_end();
        char *end = strchr(caught, '\n');
        assert_non_null(end);
        assert_memory_equal(end - 3, "\xe2\x82\xac", 3);
    }
}

static void
logging_leaves_errno_alone(void **unused)
{
    (void)unused;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    saved_stderr = dup(STDERR_FILENO);
    dup2(null, STDERR_FILENO); /* cannot be written */
    errno = ENOENT;
    log_info("room.what", "a=%d", 1);
    int left = errno;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(null);
    assert_int_equal(left, ENOENT);
}

static void *
log_lines(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_info("room.what", "thread=%s end", (const char *)arg);
    return NULL;
}

static void
lines_of_threads_do_not_mix(void **unused)
{
    (void)unused;
    static char names[THREADS][100];
    pthread_t threads[THREADS];
    catch_begin();
    fcntl(file, F_SETFL, O_APPEND);
    for (int i = 0; i < THREADS; i++) {
        memset(names[i], 'a' + i, sizeof names[i] - 1);
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, names[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    catch_end();

    int count = 0;
    for (char *line = caught, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        char *name = strstr(line, "thread=");
        assert_non_null(name);
        name += strlen("thread=");
        assert_in_range(*name, 'a', 'a' + THREADS - 1);
        assert_memory_equal(name, names[*name - 'a'], sizeof names[0] - 1);
        assert_string_equal(name + sizeof names[0] - 1, " end");
        count++;
    }
    assert_int_equal(count, THREADS * LINES);
}

static void
level_words_are_read(void **unused)
{
    (void)unused;
    log_level_t level = LOG_INFO;
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_DEBUG);
    assert_true(log_level_parse("error", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_false(log_level_parse("Error", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_time_level_event_and_values),
        cmocka_unit_test(an_event_without_values_ends_with_its_name),
        cmocka_unit_test(lines_below_the_level_are_dropped),
        cmocka_unit_test(a_value_cannot_forge_a_line),
        cmocka_unit_test(a_long_line_is_cut_at_2_kib),
        cmocka_unit_test(a_long_line_is_cut_between_characters),
        cmocka_unit_test(logging_leaves_errno_alone),
        cmocka_unit_test(lines_of_threads_do_not_mix),
        cmocka_unit_test(level_words_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/conf.h"

enum { OUTPUT_SIZE = 8192 };

static const setting_t table[] = {
    { "slots", CONF_INT, "16", 1, 1024, "", "How many jobs run at once." },
    { "drain", CONF_BOOL, "true", 0, 0, "", "Whether to wait." },
    { "depth", CONF_INT, "0", -5, 5, "", "May be negative." },
    { 0 },
};
static const setting_t *const tables[] = { conf_node_settings, table, NULL };

/* conf_load with these arguments, the last one NULL. */
static conf_t *
load(char **arguments, err_t *err)
{
    char *argv[16] = { (char[]){ "millrace-test" } };
    int argc = 1;
    for (; arguments[argc - 1]; argc++)
        argv[argc] = arguments[argc - 1];
    err_clear(err);
    return conf_load("millrace-test", tables, argc, argv, err);
}

#define LOAD(err, ...) load((char *[]){ __VA_ARGS__, NULL }, err)
#define STORE                                                                                      \
    (char[])                                                                                       \
    {                                                                                              \
        "--set=store=host=/tmp"                                                                    \
    }
#define ARG(text)                                                                                  \
    (char[])                                                                                       \
    {                                                                                              \
        text                                                                                       \
    }

static void
assert_refused(conf_t *conf, const err_t *err, const char *word)
{
    assert_null(conf);
    assert_int_equal(err->kind, ERR_INVALID);
    assert_non_null(strstr(err->text, word));
}

/* "--config=PATH" of a file with this text; the caller unlinks PATH, which is at + 9. */
static char *
config_file(const char *text, size_t size)
{
    char path[] = "/tmp/millrace-conf-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    close(fd);
    return mem_format("--config=%s", path);
}

static void
what_nobody_gave_has_its_default(void **unused)
{
    (void)unused;
    err_t err;
    own(conf) conf = LOAD(&err, STORE);
    assert_non_null(conf);
    assert_string_equal(conf_text(conf, "store"), "host=/tmp");
    assert_string_equal(conf_text(conf, "name"), "");
    assert_string_equal(conf_text(conf, "health_host"), "127.0.0.1");
    assert_int_equal(conf_int(conf, "lease_ms"), 10000);
    assert_int_equal(conf_int(conf, "slots"), 16);
    assert_true(conf_bool(conf, "drain"));
}

static void
what_must_be_given_is_missed_by_name(void **unused)
{
    (void)unused;
    err_t err;
    assert_refused(LOAD(&err, NULL), &err, "'store'");
    assert_refused(LOAD(&err, ARG("--set=store=")), &err, "'store'");
}

static void
later_beats_earlier(void **unused)
{
    (void)unused;
    static const char text[] = "# a comment\nslots = 3\nlease_ms = 3000\nname = \"a b\"\n";
    err_t err;
    own(mem) option = config_file(text, sizeof text - 1);
    setenv("MILLRACE_LEASE_MS", "4000", 1);
    setenv("MILLRACE_SLOTS", "4", 1);
    own(conf) conf = LOAD(&err, ARG("--set=slots=5"), option, STORE);
    unsetenv("MILLRACE_LEASE_MS");
    unsetenv("MILLRACE_SLOTS");
    unlink(option + strlen("--config="));
    assert_non_null(conf);
    assert_string_equal(conf_text(conf, "name"), "a b");
    assert_int_equal(conf_int(conf, "lease_ms"), 4000);
    assert_int_equal(conf_int(conf, "slots"), 5);
}

static void
the_last_set_wins(void **unused)
{
    (void)unused;
    err_t err;
    own(conf) conf = LOAD(&err, STORE, ARG("--set=slots=5"), ARG("--set"), ARG("slots=6"),
                          ARG("--set=name=x=y"));
    assert_non_null(conf);
    assert_int_equal(conf_int(conf, "slots"), 6);
    assert_string_equal(conf_text(conf, "name"), "x=y");
}

static void
an_unknown_name_is_an_error_that_names_it(void **unused)
{
    (void)unused;
    err_t err;
    assert_refused(LOAD(&err, STORE, ARG("--set=slot=1")), &err, "'slot'");
    assert_refused(LOAD(&err, STORE, ARG("--set=slotsx=1")), &err, "'slotsx'");
    own(mem) option = config_file("slats = 3\n", 10);
    assert_refused(LOAD(&err, STORE, option), &err, "'slats'");
    unlink(option + strlen("--config="));
}

static void
an_unknown_name_in_the_environment_is_not_ours(void **unused)
{
    (void)unused;
    err_t err;
    setenv("MILLRACE_SLATS", "3", 1);
    own(conf) conf = LOAD(&err, STORE);
    unsetenv("MILLRACE_SLATS");
    assert_non_null(conf);
}

static void
a_number_out_of_range_names_setting_and_range(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "999",    "600001", "",
                                         "5000ms", " 5000",  "+5000",
                                         "0x1388", "5e3",    "99999999999999999999",
                                         "-5000" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err_t err;
        own(mem) pair = mem_format("--set=lease_ms=%s", wrong[i]);
        assert_refused(LOAD(&err, STORE, pair), &err, "'lease_ms'");
        assert_non_null(strstr(err.text, "from 1000 to 600000"));
    }
}

static void
both_ends_of_a_range_are_taken(void **unused)
{
    (void)unused;
    err_t err;
    own(conf) least = LOAD(&err, STORE, ARG("--set=depth=-5"), ARG("--set=health_port=0"));
    own(conf) most = LOAD(&err, STORE, ARG("--set=depth=5"), ARG("--set=health_port=65535"));
    assert_non_null(least);
    assert_non_null(most);
    assert_int_equal(conf_int(least, "depth"), -5);
    assert_int_equal(conf_int(most, "health_port"), 65535);
}

static void
a_truth_is_one_of_a_few_words(void **unused)
{
    (void)unused;
    err_t err;
    own(conf) off = LOAD(&err, STORE, ARG("--set=drain=off"));
    own(conf) yes = LOAD(&err, STORE, ARG("--set=drain=yes"));
    assert_non_null(off);
    assert_non_null(yes);
    assert_false(conf_bool(off, "drain"));
    assert_true(conf_bool(yes, "drain"));
    assert_refused(LOAD(&err, STORE, ARG("--set=drain=maybe")), &err, "'drain'");
}

static void
an_error_never_shows_a_value(void **unused)
{
    (void)unused;
    err_t err;
    assert_refused(LOAD(&err, ARG("store=password=secret")), &err, "store");
    assert_null(strstr(err.text, "secret"));
    assert_refused(LOAD(&err, ARG("--set=stoer=password=secret")), &err, "stoer");
    assert_null(strstr(err.text, "secret"));
    assert_refused(LOAD(&err, STORE, ARG("--set=slots=secret")), &err, "slots");
    assert_null(strstr(err.text, "secret"));
}

static void
an_argument_without_its_value_is_an_error(void **unused)
{
    (void)unused;
    err_t err;
    assert_refused(LOAD(&err, STORE, ARG("--set")), &err, "--set");
    assert_refused(LOAD(&err, STORE, ARG("--config")), &err, "--config");
    assert_refused(LOAD(&err, STORE, ARG("--set=slots")), &err, "NAME=VALUE");
    assert_refused(LOAD(&err, STORE, ARG("--sett")), &err, "--sett");
    assert_refused(LOAD(&err, STORE, ARG("extra")), &err, "extra");
}

static void
a_file_that_cannot_be_read_is_an_error(void **unused)
{
    (void)unused;
    err_t err;
    assert_refused(LOAD(&err, STORE, ARG("--config=/nowhere/at/all")), &err, "/nowhere/at/all");
    assert_refused(LOAD(&err, STORE, ARG("--config=/tmp")), &err, "/tmp");
}

static void
a_file_of_another_shape_is_an_error(void **unused)
{
    (void)unused;
    enum { LONG = 5000, HUGE = 70 * 1024 };
    own(mem) text = mem_new(HUGE);
    memset(text, 'x', HUGE);
    memcpy(text, "name = ", 7);
    const struct {
        const char *text;
        size_t size;
        const char *word;
    } wrong[] = {
        { "slots 3\n", 8, "name = value" }, { "name\n    three = 3\n", 19, "below" },
        { "slots = 3\0\n", 11, "no text" }, { text, LONG, "1000 bytes" },
        { text, HUGE, "64 KiB" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err_t err;
        own(mem) option = config_file(wrong[i].text, wrong[i].size);
        own(conf) conf = LOAD(&err, STORE, option);
        unlink(option + strlen("--config="));
        assert_null(conf);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_non_null(strstr(err.text, wrong[i].word));
    }
}

/* What the program prints for `option` before it exits with 0. */
static void
output_of(char *option, char output[OUTPUT_SIZE])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        err_t err;
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        conf_t *conf = LOAD(&err, ARG("--set=store=password=secret"), option);
        _exit(conf ? 3 : 4); /* it did not end there */
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t size; (size = read(ends[0], output + used, OUTPUT_SIZE - 1 - used)) > 0;)
        used += (size_t)size;
    output[used] = '\0';
    close(ends[0]);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
the_table_is_printed_one_setting_a_line(void **unused)
{
    (void)unused;
    char output[OUTPUT_SIZE];
    output_of(ARG("--settings"), output);
    assert_non_null(strstr(output, "\nslots\tint\t16\t\tno\tHow many jobs run at once.\n"));
    assert_non_null(strstr(output, "\nstore\ttext\t-\t\tno\t"));
    assert_non_null(strstr(output, "\nlease_ms\tint\t10000\tms\tno\t"));
    assert_null(strstr(output, "secret"));
    int lines = 0;
    for (const char *line = output; *line; line = strchr(line, '\n') + 1) {
        int tabs = 0;
        for (size_t i = 0; line[i] != '\n'; i++)
            tabs += line[i] == '\t';
        assert_int_equal(tabs, 5);
        lines++;
    }
    assert_int_equal(lines, 8 + 3);
}

static void
version_and_help_are_answered(void **unused)
{
    (void)unused;
    char output[OUTPUT_SIZE];
    output_of(ARG("--version"), output);
    assert_string_equal(output, "millrace-test " MILLRACE_VERSION "\n");
    output_of(ARG("--help"), output);
    assert_non_null(strstr(output, "usage: millrace-test"));
    assert_non_null(strstr(output, "lease_ms"));
    assert_null(strstr(output, "secret"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_gave_has_its_default),
        cmocka_unit_test(what_must_be_given_is_missed_by_name),
        cmocka_unit_test(later_beats_earlier),
        cmocka_unit_test(the_last_set_wins),
        cmocka_unit_test(an_unknown_name_is_an_error_that_names_it),
        cmocka_unit_test(an_unknown_name_in_the_environment_is_not_ours),
        cmocka_unit_test(a_number_out_of_range_names_setting_and_range),
        cmocka_unit_test(both_ends_of_a_range_are_taken),
        cmocka_unit_test(a_truth_is_one_of_a_few_words),
        cmocka_unit_test(an_error_never_shows_a_value),
        cmocka_unit_test(an_argument_without_its_value_is_an_error),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
        cmocka_unit_test(a_file_of_another_shape_is_an_error),
        cmocka_unit_test(the_table_is_printed_one_setting_a_line),
        cmocka_unit_test(version_and_help_are_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

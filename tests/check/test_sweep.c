/* test_sweep.c - what the broker's sweep finds in a real store, and what it leaves out. */
#include "tests/check/world.h"

#include "broker/sweep.h"

/* Counted by pair: tenants "a" to "c", sources "x" to "z". */
typedef struct {
    loop_t *loop;
    uint32_t jobs[3][3];
    uint32_t more[3][3];
    uint32_t lines;      /* with a job in them */
    uint32_t empty;      /* and without */
    uint32_t of_line[3]; /* jobs, by tenant, of the line that was told last */
    bool line_more[3];
    uint32_t told;
    uint32_t told_more;
} catch_t;

/* What is found in one sweep is handed over in one piece: the loop may end behind it. */
static void
end_loop(void *arg)
{
    loop_stop(arg);
}

static void
count_found(void *arg, const waiting_t *job, bool more)
{
    catch_t *self = arg;
    int tenant = job->tenant[0] - 'a';
    int source = job->source[0] - 'x';
    self->jobs[tenant][source]++;
    self->more[tenant][source] += more;
    loop_post(self->loop, end_loop, self->loop);
}

static void
count_line(void *arg, const line_report_t *report)
{
    catch_t *self = arg;
    int tenant = report->name->tenant[0] - 'a';
    self->lines += report->count > 0;
    self->empty += report->count == 0;
    self->of_line[tenant] = report->count;
    self->line_more[tenant] = report->more;
    loop_post(self->loop, end_loop, self->loop);
}

static void
count_told(void *arg, const char *tenant, bool more)
{
    catch_t *self = arg;
    self->told += tenant[0] != '\0';
    self->told_more += more;
    loop_post(self->loop, end_loop, self->loop);
}

/* `count` jobs of a tenant in each of so many lines. */
static void
put_lines(const char *tenant, int lines, int count)
{
    own(mem) text = mem_format("INSERT INTO live (id, tenant, source, dialect, sql, retention_s, "
                               "queue_key) SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)"
                               "::bigint), 12, '0') || substr(md5(random()::text), 1, 20))::uuid, "
                               "'%s', 'x', 'test', '', 60, 'key ' || k "
                               "FROM generate_series(1, %d) k, generate_series(1, %d)",
                               tenant, lines, count);
    tell(text);
}

/* `count` jobs of a pair. */
static void
put(const char *tenant, const char *source, int count)
{
    own(mem) text = mem_format("INSERT INTO live (id, tenant, source, dialect, sql, retention_s) "
                               "SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), "
                               "12, '0') || substr(md5(random()::text), 1, 20))::uuid, '%s', '%s', "
                               "'test', '', 60 FROM generate_series(1, %d)",
                               tenant, source, count);
    tell(text);
}

static void
forget_all(void)
{
    tell("DELETE FROM live");
    tell("DELETE FROM tenant WHERE name IN ('a', 'b', 'c')");
}

static sweep_t *
a_sweep(catch_t *caught, uint32_t window, uint32_t tenant_window)
{
    sweep_options_t options = { .loop = caught->loop,
                                .store = world_dsn,
                                .page_days = 1,
                                .lease_ms = 10000,
                                .period_ms = 1000,
                                .deadline_ms = 86400000,
                                .window = window,
                                .tenant_window = tenant_window,
                                .found = count_found,
                                .arg = caught,
                                .lines = { count_line, count_told, caught } };
    return sweep_new(&options);
}

/* Ask, and wait for what comes. */
static void
do_sweep(sweep_t *sweep, catch_t *caught, const sweep_spare_t *spare, sweep_work_t work)
{
    err_t err;
    *caught = (catch_t){ .loop = caught->loop };
    sweep_ask(sweep, spare, work);
    CHECK(loop_run(caught->loop, &err));
}

static const sweep_spare_t nothing = { 0 };

static void
sources_of_a_tenant_share_what_is_read_of_it(void **unused)
{
    (void)unused;
    err_t err;
    forget_all();
    put("a", "x", 100);
    put("a", "y", 100);
    put("a", "z", 3);
    put("b", "x", 100);
    own(loop) loop = loop_new(&err);
    catch_t caught = { .loop = loop };
    own(sweep) sweep = a_sweep(&caught, 1000, 60);
    do_sweep(sweep, &caught, &nothing, SWEEP_JOBS);
    assert_int_equal(caught.jobs[0][0], 20);
    assert_int_equal(caught.more[0][0], 1);
    assert_int_equal(caught.jobs[0][1], 20);
    assert_int_equal(caught.jobs[0][2], 3);
    assert_int_equal(caught.more[0][2], 0);
    assert_int_equal(caught.jobs[1][0], 60);
}

static void
paused_tenants_ample_pairs_and_sources_that_are_away_are_left_out(void **unused)
{
    (void)unused;
    err_t err;
    forget_all();
    tell("INSERT INTO tenant (name, paused) VALUES ('c', true)");
    put("a", "x", 5);
    put("a", "y", 5);
    put("b", "x", 5);
    put("b", "z", 5);
    put("b", "y", 5);
    put("c", "x", 5);
    own(loop) loop = loop_new(&err);
    catch_t caught = { .loop = loop };
    own(sweep) sweep = a_sweep(&caught, 1000, 60);
    queue_pair_t ample[] = { { "b", "x" } };
    queue_barred_t barred[] = { { "z", true }, { "y", false } };
    sweep_spare_t spare = { .ample = ample, .ample_count = 1, .barred = barred, .barred_count = 2 };
    do_sweep(sweep, &caught, &spare, SWEEP_JOBS);
    assert_int_equal(caught.jobs[0][0], 5);
    assert_int_equal(caught.jobs[0][1] + caught.jobs[1][1], 0);
    assert_int_equal(caught.jobs[1][0], 0);
    assert_int_equal(caught.jobs[1][2], 1);
    assert_int_equal(caught.more[1][2], 1);
    assert_int_equal(caught.jobs[2][0], 0);
}

static void
a_sweep_that_is_full_goes_on_with_the_next_pair(void **unused)
{
    (void)unused;
    err_t err;
    forget_all();
    put("a", "x", 20);
    put("a", "y", 20);
    put("b", "x", 20);
    own(loop) loop = loop_new(&err);
    catch_t caught = { .loop = loop };
    own(sweep) sweep = a_sweep(&caught, 20, 40);
    do_sweep(sweep, &caught, &nothing, SWEEP_JOBS);
    assert_int_equal(caught.jobs[0][0], 20);
    assert_int_equal(caught.jobs[0][1] + caught.jobs[1][0], 0);
    do_sweep(sweep, &caught, &nothing, SWEEP_JOBS);
    assert_int_equal(caught.jobs[0][1], 20);
    do_sweep(sweep, &caught, &nothing, SWEEP_JOBS);
    assert_int_equal(caught.jobs[1][0], 20);
    do_sweep(sweep, &caught, &nothing, SWEEP_JOBS);
    assert_int_equal(caught.jobs[0][0], 20);
}

static void
a_long_line_stands_before_nothing_else(void **unused)
{
    (void)unused;
    err_t err;
    forget_all();
    put_lines("a", 1, 300);
    put("a", "x", 5);
    put("b", "x", 5);
    own(loop) loop = loop_new(&err);
    catch_t caught = { .loop = loop };
    own(sweep) sweep = a_sweep(&caught, 100, 60);
    do_sweep(sweep, &caught, &nothing, SWEEP_WHOLE);
    assert_int_equal(caught.jobs[0][0], 5);
    assert_int_equal(caught.jobs[1][0], 5);
    assert_int_equal(caught.lines, 1);
    assert_int_equal(caught.of_line[0], 2);
    assert_true(caught.line_more[0]);
    assert_int_equal(caught.told, 1);
    assert_int_equal(caught.told_more, 0);
}

static void
lines_are_read_when_they_are_asked_for_and_nothing_else_is(void **unused)
{
    (void)unused;
    err_t err;
    forget_all();
    put_lines("a", 2, 300);
    put_lines("b", 1, 3);
    put("a", "x", 5);
    own(loop) loop = loop_new(&err);
    catch_t caught = { .loop = loop };
    own(sweep) sweep = a_sweep(&caught, 1000, 60);
    queue_line_t lines[] = { { "a", "key 2" }, { "c", "key 1" } };
    sweep_spare_t spare = { .lines = lines, .lines_count = 2 };
    do_sweep(sweep, &caught, &spare, SWEEP_LINES);
    assert_int_equal(caught.lines, 1);
    assert_int_equal(caught.empty, 1);
    assert_int_equal(caught.of_line[0], 1 + QUEUE_LINE_MOST);
    assert_int_equal(caught.jobs[0][0], 0);
    const char *const tenants[] = { "b" };
    spare = (sweep_spare_t){ .tenants = tenants, .tenants_count = 1 };
    do_sweep(sweep, &caught, &spare, SWEEP_LINES);
    assert_int_equal(caught.lines, 1);
    assert_int_equal(caught.told, 1);
    do_sweep(sweep, &caught, &nothing, SWEEP_JOBS);
    assert_int_equal(caught.lines, 0);
    assert_int_equal(caught.jobs[0][0], 5);
}

static void
a_tenant_with_many_lines_has_them_read_a_part_at_a_time_and_keeps_nobody_waiting(void **unused)
{
    (void)unused;
    err_t err;
    forget_all();
    put_lines("a", 50, 1);
    put_lines("b", 3, 1);
    own(loop) loop = loop_new(&err);
    catch_t caught = { .loop = loop };
    own(sweep) sweep = a_sweep(&caught, 1000, 20);
    uint32_t lines[] = { 20, 20, 10, 20 };
    for (int i = 0; i < 4; i++) {
        do_sweep(sweep, &caught, &nothing, SWEEP_WHOLE);
        assert_int_equal(caught.lines, lines[i] + 3);
        assert_int_equal(caught.told, 2);
        assert_int_equal(caught.told_more, 1);
    }
}

static void
lines_of_paused_tenants_are_left_out(void **unused)
{
    (void)unused;
    err_t err;
    forget_all();
    tell("INSERT INTO tenant (name, paused) VALUES ('c', true)");
    put_lines("c", 3, 2);
    put_lines("a", 1, 1);
    own(loop) loop = loop_new(&err);
    catch_t caught = { .loop = loop };
    own(sweep) sweep = a_sweep(&caught, 1000, 20);
    do_sweep(sweep, &caught, &nothing, SWEEP_WHOLE);
    assert_int_equal(caught.lines, 1);
    assert_int_equal(caught.told, 1);
}

static void
a_whole_sweep_ends_jobs_that_waited_too_long(void **unused)
{
    (void)unused;
    err_t err;
    forget_all();
    put("a", "x", 1);
    tell("UPDATE live SET queue_until = now() - interval '1 second'");
    put("b", "y", 1);
    own(loop) loop = loop_new(&err);
    catch_t caught = { .loop = loop };
    sweep_t *sweep = a_sweep(&caught, 100, 100);
    do_sweep(sweep, &caught, &nothing, SWEEP_WHOLE);
    sweep_destroy(&sweep); /* once it has done all that it was asked for */
    own(mem) left = ask("SELECT string_agg(tenant, '') FROM live");
    own(mem) ended = ask("SELECT string_agg(tenant || ' ' || state, '') FROM job "
                         "WHERE tenant IN ('a', 'b')");
    assert_string_equal(left, "b");
    assert_string_equal(ended, "a timed_out");
    tell("DELETE FROM job WHERE tenant = 'a'");
    forget_all();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_of_a_tenant_share_what_is_read_of_it),
        cmocka_unit_test(paused_tenants_ample_pairs_and_sources_that_are_away_are_left_out),
        cmocka_unit_test(a_sweep_that_is_full_goes_on_with_the_next_pair),
        cmocka_unit_test(a_long_line_stands_before_nothing_else),
        cmocka_unit_test(lines_are_read_when_they_are_asked_for_and_nothing_else_is),
        cmocka_unit_test(
            a_tenant_with_many_lines_has_them_read_a_part_at_a_time_and_keeps_nobody_waiting),
        cmocka_unit_test(lines_of_paused_tenants_are_left_out),
        cmocka_unit_test(a_whole_sweep_ends_jobs_that_waited_too_long),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}

/* test_sweep.c - what the broker's sweep finds in a real store, and what it leaves out. */
#include "tests/check/world.h"

#include "broker/sweep.h"

/* Counted by pair: tenants "a" to "c", sources "x" to "z". */
typedef struct {
    loop_t *loop;
    uint32_t jobs[3][3];
    uint32_t more[3][3];
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
                                .arg = caught };
    return sweep_new(&options);
}

/* Ask, and wait for what comes. */
static void
do_sweep(sweep_t *sweep, catch_t *caught, const sweep_spare_t *spare, sweep_work_t work)
{
    err_t err;
    memset(caught->jobs, 0, sizeof caught->jobs);
    memset(caught->more, 0, sizeof caught->more);
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
        cmocka_unit_test(a_whole_sweep_ends_jobs_that_waited_too_long),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}

/* test_lane_limit.c - writes that libpq cannot take: it has no memory for them. */
#include <dlfcn.h>
#include <libpq-fe.h>

#include "tests/check/lane_world.h"

enum { LARGE = 1 << 20 };

/* Stands before libpq's own, which fails in this way where there is no memory for a message: the
 * connection is as good as it was. */
int
PQsendQueryPrepared(PGconn *connection, const char *name, int count, const char *const *values,
                    const int *lengths, const int *formats, int format)
{
    int (*real)(PGconn *, const char *, int, const char *const *, const int *, const int *, int);
    void *found = dlsym(RTLD_NEXT, "PQsendQueryPrepared");
    memcpy(&real, &found, sizeof real);
    for (int i = 0; i < count; i++) {
        if (values[i] && lengths[i] >= LARGE)
            return 0;
    }
    return real(connection, name, count, values, lengths, formats, format);
}

static const uint8_t large[LARGE];

static void
a_write_that_cannot_be_sent_fails_alone(void **unused)
{
    (void)unused;
    jobid_t first = a_claimed_job();
    jobid_t second = a_claimed_job();
    write_t *outcome = a_write(0, WRITE_OUTCOME, &first, 1);
    outcome->in.outcome.manifest = large;
    outcome->in.outcome.manifest_size = sizeof large;
    write_t *finish = a_finish(1, &second, 1);
    run(2);
    assert_int_equal(outcome->verdict, WRITE_FAILED);
    assert_int_equal(outcome->err.kind, ERR_LIMIT);
    assert_int_equal(finish->verdict, WRITE_DONE);
    assert_job(&first, "SELECT count(*) FROM outcome WHERE job = '%s'", "0");
}

static void
the_lane_goes_on_behind_a_finish_that_cannot_be_sent(void **unused)
{
    (void)unused;
    jobid_t job = a_claimed_job();
    write_t *finish = a_finish(0, &job, 1);
    finish->in.ending.manifest = large;
    finish->in.ending.manifest_size = sizeof large;
    run(1);
    assert_int_equal(finish->verdict, WRITE_FAILED);
    assert_int_equal(finish->err.kind, ERR_LIMIT);
    (void)a_finish(0, &job, 1);
    run(1);
    assert_int_equal(world.writes[0].verdict, WRITE_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        LANE_TEST(a_write_that_cannot_be_sent_fails_alone),
        LANE_TEST(the_lane_goes_on_behind_a_finish_that_cannot_be_sent),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}

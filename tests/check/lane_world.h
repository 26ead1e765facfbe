/* lane_world.h - what the tests of the lane share: an executor of the store that is alive, and its
 * lane, through a cutter.
 */
#ifndef TESTS_CHECK_LANE_WORLD_H
#define TESTS_CHECK_LANE_WORLD_H

#include "common/lane.h"
#include "tests/check/cutter.h"
#include "tests/check/world.h"

enum { WRITES = 4, HELD_MOST = 64 };

typedef struct {
    cutter_t *cutter;
    loop_t *loop;
    lane_t *lane;
    uint32_t awaited;
    uint32_t deposed;
    jobid_t held[HELD_MOST];
    uint32_t held_count;
    int64_t incarnation;
    write_t writes[WRITES];
} lane_world_t;

extern lane_world_t world;

/* Set-up and tear-down of a test. */
int lane_open(void **unused);
int lane_close(void **unused);

#define LANE_TEST(claim) cmocka_unit_test_setup_teardown(claim, lane_open, lane_close)

/* Turn the loop until so many writes are answered. */
void await(uint32_t count);

/* Hand the first so many writes to the lane, and await them. */
void run(uint32_t count);

/* Fill in a write; it is the world's. */
write_t *a_write(uint32_t i, write_kind_t kind, const jobid_t *job, int32_t attempt);
write_t *a_claim(uint32_t i, const jobid_t *job);
write_t *a_finish(uint32_t i, const jobid_t *job, int32_t attempt);

/* The `done` of writes that a test hands in by itself. */
void answered(write_t *write);

/* A page of one row. Caller owns the result. */
page_t *a_page(void) MUST_USE;

/* A fresh job that runs under attempt 1. */
jobid_t a_claimed_job(void);

#endif

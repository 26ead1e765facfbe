/* channel_world.h - one channel of the postgres driver, turned by hand.
 *
 * MILLRACE_TEST_STORE is the DSN of a database; the channel logs in there as a role of its own.
 * What the turns say is written down as words, what the pages hold as text.
 */
#ifndef TESTS_CHECK_CHANNEL_WORLD_H
#define TESTS_CHECK_CHANNEL_WORLD_H

#include "tests/unit/unit.h"

#include "executor/driver.h"

typedef struct {
    const driver_t *driver;
    channel_t *channel;
    page_writer_t *rows;
    manifest_t *manifest;
    failure_t failure;
    char *text; /* of all pages: cells end with "|", rows with ";", results with "\n" */
    size_t size;
    size_t room;
    uint32_t fulls;
    uint32_t widest; /* raw bytes of the largest page */
    script_t script;
    statements_t *statements;
    params_t *params; /* what the texts to come take; NULL: none */
    binds_t *binds;
} tested_t;

/* The channel of the test that runs. */
extern tested_t it;

/* Group set-up and tear-down: the admin's connection, the role. Test set-up and tear-down: a
 * channel that is open, on an empty schema. */
int sources_open(void **unused);
int sources_close(void **unused);
int channel_begin(void **unused);
int channel_end(void **unused);

/* Another channel instead of the one there is. `options` stands in its DSN. */
void reopen(const char *options);

/* A second one; the one before is put into `before` and comes back with swap_back(). */
void second(tested_t *before);
void swap_back(tested_t *before);

/* As the admin: run SQL; the first value, "" when there is none. Caller owns the result. */
char *look(const char *sql) MUST_USE;
void set_up(const char *sql);
void assert_look(const char *sql, const char *expected);
void make_ledger(void);

/* Turn until something but TURN_WAIT, TURN_FULL or TURN_RESULT, and expect it. */
turn_t next_turn(void);
void expect(turn_t turn);

/* Expect a turn and its failure's SQLSTATE. */
void expect_failure(turn_t turn, const char *sqlstate);

typedef enum { LAST = 1, KEPT = 2, READ_ONLY = 4, ALONE = 8 } how_t;

/* Split the text and run it; as step 0 of a job that is always the same unless `it.script` says
 * otherwise. ran() expects TURN_RAN, done() commits and expects all up to TURN_CLEAN. */
void run(const char *sql, unsigned how);
void ran(const char *sql, unsigned how);
void done(const char *sql);

/* The only value of this query, as the channel's own script. */
void assert_says(const char *sql, const char *expected);

/* Take what the descriptor has, once. */
turn_t turn_once(void);

#define CHANNEL(test) cmocka_unit_test_setup_teardown(test, channel_begin, channel_end)

#endif

/* test_slot_end.c - a slot's pages, and how its job ends. */
#include "tests/unit/slot_fake.h"

/* A text of so many statements. Static. */
static const char *
statements_many(int count)
{
    static char text[1024];
    assert_true(2 * (size_t)count < sizeof text);
    for (int i = 0; i < count; i++)
        memcpy(text + 2 * (size_t)i, "a;", 3);
    return text;
}

/* --- pages --- */

static void
a_small_result_is_never_a_page(void **unused)
{
    (void)unused;
    start_running();
    give_rows(0);
    page_row_open(source.rows, 1);
    page_cell_int(source.rows, 1);
    assert_true(page_row_close(source.rows));
    result_over();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    assert_string_equal(source.story, "claim run COMMIT finish put");
    assert_int_equal(fake.waiting[0]->in.ending.pages, 0);
    assert_int_equal(fake.waiting[0]->in.ending.rows, 1);
    answer(WRITE_FINISH, WRITE_DONE);
}

/* A result of no rows, and as many columns of such names. */
static void
give_columns(uint32_t count)
{
    result_t *result = manifest_add(source.manifest);
    source.result_open = true;
    result_columns(result, count);
    for (uint32_t i = 0; i < count; i++)
        result->columns[i].name = mem_format("%0100u", i);
}

static void
results_of_too_many_columns_fail_the_step_before_its_commit(void **unused)
{
    (void)unused;
    enum { COLUMNS = 1600, FIT = MANIFEST_MOST / (COLUMNS * 170) };
    fake.sql = statements_many(FIT + 3);
    start_running();
    for (int i = 0; i < FIT; i++) {
        give_columns(COLUMNS);
        result_over();
    }
    assert_string_equal(source.story, "claim run");
    for (int i = 0; i < 2 && !fake.freed; i++) {
        give_columns(COLUMNS);
        result_over();
    }
    assert_string_equal(source.story, "claim run finish close");
    assert_string_equal(assert_ending(JOB_FAILED)->sqlstate, "54000");
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
with_the_first_page_of_a_result_goes_what_is_known_of_it(void **unused)
{
    (void)unused;
    fake.sql = "a;b";
    start_running();
    for (uint32_t i = 0; i < 2; i++) {
        give_rows(2);
        turn(TURN_FULL);
        err_t err;
        const page_t *draft = fake.waiting[2 * i]->in.page.draft;
        assert_non_null(draft);
        assert_int_equal(draft->first_row, PAGE_DRAFT_ROW);
        assert_int_equal(draft->rows, 0);
        own(manifest) manifest = manifest_unpack(draft->data, draft->size, &err);
        assert_non_null(manifest);
        assert_int_equal(manifest->count, 1);
        assert_int_equal(manifest->results[0].ordinal, i);
        assert_int_equal(manifest->results[0].column_count, 1);
        give_rows(2);
        turn(TURN_FULL);
        assert_null(fake.waiting[2 * i + 1]->in.page.draft);
        result_over();
    }
}

/* Rows come in, and then nothing for a while. */
static void
give_slowly(int rows)
{
    give_rows(rows);
    turn(TURN_WAIT);
}

static void
rows_do_not_wait_for_ever_for_their_page_to_fill(void **unused)
{
    (void)unused;
    fake.kit.first_page_ms = 20;
    fake.kit.page_ms = 200;
    start_running();
    give_slowly(1);
    assert_string_equal(source.story, "claim run");
    loop_for(25);
    assert_string_equal(source.story, "claim run page");
    give_slowly(1);
    loop_for(100);
    assert_string_equal(source.story, "claim run page");
    loop_for(110);
    assert_string_equal(source.story, "claim run page page");
    assert_int_equal(fake.waiting[1]->in.page.page->first_row, 1);
}

/* Otherwise its rows would go out as early as those of the page before it were due. */
static void
a_page_that_fills_is_no_reason_to_hurry_for_the_next(void **unused)
{
    (void)unused;
    fake.kit.first_page_ms = 100;
    start_running();
    give_slowly(1);
    give_rows(1);
    turn(TURN_FULL);
    give_slowly(1);
    loop_for(150);
    assert_string_equal(source.story, "claim run page");
    give_rows(1);
    turn(TURN_FULL);
    loop_for(0);
    assert_string_equal(source.story, "claim run page page");
}

static void
no_rows_are_no_page_however_long_it_takes(void **unused)
{
    (void)unused;
    fake.kit.first_page_ms = 0;
    start_running();
    turn(TURN_WAIT);
    give_rows(0);
    turn(TURN_WAIT);
    loop_for(20);
    assert_string_equal(source.story, "claim run");
}

static void
sixteen_small_pages_under_way_stop_the_reading(void **unused)
{
    (void)unused;
    start_running();
    for (int i = 0; i < RECORD_PAGES_MOST; i++) {
        assert_false(source.session.paused);
        assert_int_equal(fake.hurried, 0);
        give_rows(2);
        turn(TURN_FULL);
    }
    assert_true(source.session.paused);
    assert_int_equal(fake.hurried, 1);
    answer(WRITE_PAGE, WRITE_DONE);
    assert_false(source.session.paused);
}

/* Rows that are a page each, of a third of what small ones may come to. */
static void
four_large_pages_under_way_stop_the_reading(void **unused)
{
    (void)unused;
    enum { LARGE = RECORD_RAW_MOST / 3 };
    slot_clear(&fake.slot);
    fake.kit.row_bytes = RECORD_RAW_MOST;
    slot_init(&fake.slot, &fake.kit);
    start_running();
    for (int i = 0; i < RECORD_PAGES_ANY; i++) {
        assert_false(source.session.paused);
        give_large(LARGE);
        turn(TURN_FULL);
    }
    assert_true(source.session.paused);
    answer(WRITE_PAGE, WRITE_DONE);
    assert_false(source.session.paused);
}

static void
reading_goes_on_when_there_is_room_and_not_with_any_answer(void **unused)
{
    (void)unused;
    slot_clear(&fake.slot);
    fake.kit.row_bytes = RECORD_RAW_MOST + 1000;
    slot_init(&fake.slot, &fake.kit);
    start_running();
    for (int i = 1; i < RECORD_PAGES_MOST; i++) {
        give_rows(2);
        turn(TURN_FULL);
    }
    assert_false(source.session.paused);
    give_large(RECORD_RAW_MOST);
    turn(TURN_FULL);
    for (int i = 0; i < RECORD_PAGES_MOST - RECORD_PAGES_ANY; i++) {
        assert_true(source.session.paused);
        answer(WRITE_PAGE, WRITE_DONE);
    }
    assert_true(source.session.paused);
    answer(WRITE_PAGE, WRITE_DONE);
    assert_false(source.session.paused);
}

static void
pages_wait_for_no_others_once_their_result_is_over(void **unused)
{
    (void)unused;
    start_running();
    give_rows(2);
    turn(TURN_FULL);
    assert_int_equal(fake.hurried, 0);
    result_over();
    assert_string_equal(source.story, "claim run page");
    assert_int_equal(fake.hurried, 1);
}

static void
the_slot_is_free_while_its_pages_and_its_end_are_on_their_way(void **unused)
{
    (void)unused;
    start_running();
    give_rows(2);
    turn(TURN_FULL);
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    assert_true(fake.freed);
    assert_int_equal(fake.slot.stage, STAGE_FREE);
    assert_string_equal(source.story, "claim run page COMMIT put");
    const jobid_t *held = NULL;
    assert_int_equal(scribe_held(fake.kit.scribe, &held), 1);
    answer(WRITE_PAGE, WRITE_DONE);
    assert_string_equal(source.story, "claim run page COMMIT put finish");
    assert_int_equal(scribe_held(fake.kit.scribe, &held), 1);
    answer(WRITE_FINISH, WRITE_DONE);
    assert_int_equal(scribe_held(fake.kit.scribe, &held), 0);
}

static void
a_fenced_page_drops_the_job(void **unused)
{
    (void)unused;
    start_running();
    give_rows(2);
    turn(TURN_FULL);
    answer(WRITE_PAGE, WRITE_FENCED);
    assert_string_equal(source.story, "claim run page close");
    assert_int_equal(fake.verdict, RELEASE_LOST);
}

static void
a_page_that_there_is_no_memory_to_send_is_too_large(void **unused)
{
    (void)unused;
    start_running();
    give_rows(2);
    turn(TURN_FULL);
    write_t *write = take_write(WRITE_PAGE);
    write->verdict = WRITE_FAILED;
    err_set(&write->err, ERR_LIMIT, "no memory");
    write->done(write);
    const ending_t *ending = assert_ending(JOB_FAILED);
    assert_string_equal(ending->sqlstate, "54000");
    assert_string_equal(ending->error, "a page of the result was not stored: no memory");
}

static void
a_page_that_cannot_be_stored_fails_the_job(void **unused)
{
    (void)unused;
    start_running();
    give_rows(2);
    turn(TURN_FULL);
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    answer(WRITE_PAGE, WRITE_FAILED);
    assert_int_equal(fake.waiting[0]->in.ending.state, JOB_FAILED);
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_page_refused_while_commit_is_under_way_fails_the_job(void **unused)
{
    (void)unused;
    start_running();
    give_rows(2);
    turn(TURN_FULL);
    turn(TURN_RAN);
    answer(WRITE_PAGE, WRITE_FAILED);
    turn(TURN_COMMITTED);
    assert_string_equal(source.story, "claim run page COMMIT finish put");
    assert_int_equal(fake.waiting[0]->in.ending.state, JOB_FAILED);
    assert_null(fake.waiting[0]->in.ending.manifest);
    answer(WRITE_FINISH, WRITE_DONE);
}

/* --- the end --- */

static void
an_end_that_the_store_refuses_is_sent_again(void **unused)
{
    (void)unused;
    start_running();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    answer(WRITE_FINISH, WRITE_FAILED);
    assert_int_equal(scribe_used(fake.kit.scribe), 1);
    scribe_tick(fake.kit.scribe);
    answer(WRITE_FINISH, WRITE_DONE);
    assert_int_equal(scribe_used(fake.kit.scribe), 0);
}

static void
only_stored_ends_are_told(void **unused)
{
    (void)unused;
    wire_t message;
    start_running();
    turn(TURN_RAN);
    turn(TURN_COMMITTED);
    assert_false(scribe_changes(fake.kit.scribe, &message));
    answer(WRITE_FINISH, WRITE_DONE);
    assert_true(scribe_changes(fake.kit.scribe, &message));
    assert_int_equal(message.changes.jobs_count, 1);
    assert_int_equal(message.changes.jobs[0].state, JOB_DONE);
    assert_false(scribe_changes(fake.kit.scribe, &message));
}

static void
a_leaving_slot_hands_its_job_back(void **unused)
{
    (void)unused;
    start_running();
    slot_leave(&fake.slot);
    assert_string_equal(source.story, "claim run unclaim close");
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

static void
a_leaving_slot_waits_for_what_is_about_to_be_decided(void **unused)
{
    (void)unused;
    start_running();
    turn(TURN_RAN);
    slot_leave(&fake.slot);
    turn(TURN_COMMITTED);
    assert_string_equal(source.story, "claim run COMMIT finish put");
    answer(WRITE_FINISH, WRITE_DONE);
}

static void
a_slot_that_leaves_while_claiming_takes_its_session_along(void **unused)
{
    (void)unused;
    start();
    slot_leave(&fake.slot);
    answer_claim(1, 1);
    assert_string_equal(source.story, "claim unclaim close");
    answer(WRITE_UNCLAIM, WRITE_DONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SLOT_TEST(a_small_result_is_never_a_page),
        SLOT_TEST(results_of_too_many_columns_fail_the_step_before_its_commit),
        SLOT_TEST(with_the_first_page_of_a_result_goes_what_is_known_of_it),
        SLOT_TEST(rows_do_not_wait_for_ever_for_their_page_to_fill),
        SLOT_TEST(a_page_that_fills_is_no_reason_to_hurry_for_the_next),
        SLOT_TEST(no_rows_are_no_page_however_long_it_takes),
        SLOT_TEST(sixteen_small_pages_under_way_stop_the_reading),
        SLOT_TEST(four_large_pages_under_way_stop_the_reading),
        SLOT_TEST(reading_goes_on_when_there_is_room_and_not_with_any_answer),
        SLOT_TEST(pages_wait_for_no_others_once_their_result_is_over),
        SLOT_TEST(the_slot_is_free_while_its_pages_and_its_end_are_on_their_way),
        SLOT_TEST(a_fenced_page_drops_the_job),
        SLOT_TEST(a_page_that_there_is_no_memory_to_send_is_too_large),
        SLOT_TEST(a_page_that_cannot_be_stored_fails_the_job),
        SLOT_TEST(a_page_refused_while_commit_is_under_way_fails_the_job),
        SLOT_TEST(an_end_that_the_store_refuses_is_sent_again),
        SLOT_TEST(only_stored_ends_are_told),
        SLOT_TEST(a_leaving_slot_hands_its_job_back),
        SLOT_TEST(a_leaving_slot_waits_for_what_is_about_to_be_decided),
        SLOT_TEST(a_slot_that_leaves_while_claiming_takes_its_session_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
